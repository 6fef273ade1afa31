#include "mrd/interfaces/quote.h"

#include <algorithm>
#include <string>
#include <utility>

#include "mr/bytes.h"

namespace mrd {

namespace wire = mr::wire::attestation;
using varlink::InvalidParameter;

std::expected<mr::Bytes, RequestError> report_data_of(std::string_view hex) {
    auto data = mr::from_hex(hex);
    if (!data) return std::unexpected(InvalidParameter{"reportData"});
    return std::move(*data);
}

std::expected<void, RequestError> check_size(const mr::Bytes &report_data, ReportDataSize size) {
    if (report_data.size() >= size.least && report_data.size() <= size.most) return {};
    return std::unexpected(
        wire::WrongLength{"reportData", static_cast<std::int64_t>(size.most), static_cast<std::int64_t>(report_data.size())});
}

std::expected<QuoteRequest, RequestError> quote_request(Daemon &daemon, std::string_view report_data,
                                                        std::optional<std::string_view> provider,
                                                        std::optional<std::int64_t> deadline_milliseconds,
                                                        std::optional<ReportDataSize> size) {
    auto data = report_data_of(report_data);
    if (!data) return std::unexpected(data.error());
    const auto milliseconds = deadline_milliseconds.value_or(default_quote_deadline.count());
    if (milliseconds < 1 || milliseconds > max_quote_deadline.count()) return std::unexpected(InvalidParameter{"deadlineMilliseconds"});
    const auto chosen = choose_provider(daemon, provider, [](const ProviderSlot &slot) { return slot.quotes() != nullptr; });
    if (!chosen) return std::unexpected(chosen.error());
    const auto *quotes = (*chosen)->quotes();
    if (quotes == nullptr) return std::unexpected(wire::NotSupported{std::string((*chosen)->name()), "quotes"});
    if (auto fits = check_size(*data, size.value_or(quotes->report_data_size())); !fits) return std::unexpected(fits.error());
    return QuoteRequest{*chosen, std::move(*data), std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds)};
}

QuoteError quote_error(std::string_view provider, const QuoteFailure &failure) {
    using Cause = QuoteFailure::Cause;
    switch (failure.cause) {
    case Cause::timed_out: return wire::QuoteTimeout{};
    // Heard only by who lives on.
    case Cause::cancelled: return wire::QuoteUnavailable{"mrd is stopping"};
    case Cause::unavailable: return wire::QuoteUnavailable{failure.reason};
    case Cause::failed: return wire::QuoteFailed{failure.reason};
    case Cause::invalid: return wire::QuoteInvalid{failure.reason};
    case Cause::no_report: return wire::ProviderFailed{std::string(provider), failure.reason};
    case Cause::not_supported: return wire::NotSupported{std::string(provider), failure.reason};
    }
    return wire::QuoteFailed{failure.reason};
}

void answer_quote(Daemon &daemon, const Client &client, const wire::QuoteParameters &parameters, Answer<wire::Quote> answer) {
    const auto request = quote_request(daemon, parameters.report_data, parameters.provider, parameters.deadline_milliseconds);
    if (!request) return answer.fail(request.error());
    auto *provider = request->provider;
    auto *quotes = provider->quotes();

    const auto ticket = quotes->new_ticket();
    answer.on_closed([quotes, ticket] { quotes->cancel(ticket); });
    quotes->ask(ticket, client, {request->report_data, {parameters.privilege_level}}, request->deadline,
                [provider, answer = std::move(answer)](const Quotes::Result &quoted) mutable {
                    if (!quoted) return answer.fail(quote_error(provider->name(), quoted.error()));
                    const auto text = mr::to_base64(quoted->quote);
                    const auto auxiliary = quoted->auxiliary ? std::optional(mr::to_base64(*quoted->auxiliary)) : std::nullopt;
                    answer.reply({text, auxiliary, quoted->format, provider->name(), provider->simulated()});
                });
}

void answer_collateral(Daemon &daemon, Answer<wire::Collateral> answer) {
    const auto chosen = choose_provider(daemon, std::nullopt, &ProviderSlot::has_collateral);
    if (!chosen) {
        if (chosen.error().candidates.empty()) return answer.fail(wire::NotSupported{"", "collateral"});
        return answer.fail(chosen.error());
    }
    auto *provider = *chosen;
    provider->collateral([provider, answer = std::move(answer)](std::expected<QuoteCollateral, std::string> collateral) mutable {
        if (!collateral) return answer.fail(wire::ProviderFailed{std::string(provider->name()), collateral.error()});
        answer.reply({{std::move(collateral->json)}, collateral->root_pem});
    });
}

}  // namespace mrd
