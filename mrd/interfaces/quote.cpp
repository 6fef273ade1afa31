#include "mrd/interfaces/quote.h"

#include <algorithm>
#include <string>
#include <utility>

#include "mr/bytes.h"

namespace mrd {

namespace wire = mr::wire::attestation;
using varlink::InvalidParameter;

std::expected<ProviderRegisters *, wire::NoSuchProvider> choose_provider(Registers &registers, std::optional<std::string_view> name,
                                                                         bool ProviderAbilities::*ability) {
    if (name) {
        if (auto *named = registers.find_provider(*name)) return named;
        return std::unexpected(wire::NoSuchProvider{varlink::echoed(*name), registers.provider_names()});
    }
    std::vector<ProviderRegisters *> able;
    for (const auto &provider : registers.providers()) {
        if (provider->abilities().*ability) able.push_back(provider.get());
    }
    if (able.size() == 1) return able.front();
    wire::NoSuchProvider error;
    for (const auto *provider : able) error.candidates.emplace_back(provider->name());
    return std::unexpected(std::move(error));
}

std::expected<mr::ReportData, RequestError> report_data_of(std::string_view hex) {
    const auto data = mr::from_hex(hex);
    if (!data) return std::unexpected(InvalidParameter{"reportData"});
    mr::ReportData report_data{};
    if (data->size() != report_data.size())
        return std::unexpected(
            wire::WrongLength{"reportData", static_cast<std::int64_t>(report_data.size()), static_cast<std::int64_t>(data->size())});
    std::ranges::copy(*data, report_data.begin());
    return report_data;
}

std::expected<QuoteRequest, RequestError> quote_request(Registers &registers, std::string_view report_data,
                                                        std::optional<std::string_view> provider,
                                                        std::optional<std::int64_t> deadline_milliseconds) {
    const auto data = report_data_of(report_data);
    if (!data) return std::unexpected(data.error());
    const auto milliseconds = deadline_milliseconds.value_or(default_quote_deadline.count());
    if (milliseconds < 1 || milliseconds > max_quote_deadline.count()) return std::unexpected(InvalidParameter{"deadlineMilliseconds"});
    const auto chosen = choose_provider(registers, provider, &ProviderAbilities::quote);
    if (!chosen) return std::unexpected(chosen.error());
    if ((*chosen)->quotes() == nullptr) return std::unexpected(wire::NotSupported{std::string((*chosen)->name()), "quotes"});
    return QuoteRequest{*chosen, *data, std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds)};
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

void answer_quote(Registers &registers, const Client &client, const wire::QuoteParameters &parameters, Answer<wire::Quote> answer) {
    const auto request = quote_request(registers, parameters.report_data, parameters.provider, parameters.deadline_milliseconds);
    if (!request) return answer.fail(request.error());
    auto *provider = request->provider;
    auto *quotes = provider->quotes();
    if (parameters.privilege_level && !provider->abilities().privilege_levels)
        return answer.fail(wire::NotSupported{std::string(provider->name()), "privilege levels"});

    const auto ticket = quotes->new_ticket();
    answer.on_closed([quotes, ticket] { quotes->cancel(ticket); });
    quotes->ask(ticket, client, {request->report_data, parameters.privilege_level}, request->deadline,
                [provider, answer = std::move(answer)](const Quotes::Result &quoted) mutable {
                    if (!quoted) return answer.fail(quote_error(provider->name(), quoted.error()));
                    const auto text = mr::to_base64(quoted->quote);
                    const auto auxiliary = quoted->auxiliary ? std::optional(mr::to_base64(*quoted->auxiliary)) : std::nullopt;
                    answer.reply({text, auxiliary, quoted->format, provider->name(), provider->simulated()});
                });
}

void answer_collateral(Registers &registers, Answer<wire::Collateral> answer) {
    const auto chosen = choose_provider(registers, std::nullopt, &ProviderAbilities::collateral);
    if (!chosen) {
        if (chosen.error().candidates.empty()) return answer.fail(wire::NotSupported{"", "collateral"});
        return answer.fail(chosen.error());
    }
    auto *provider = *chosen;
    provider->quotes()->collateral([provider, answer = std::move(answer)](Quotes::Collateral collateral) mutable {
        if (!collateral) return answer.fail(wire::ProviderFailed{std::string(provider->name()), collateral.error()});
        answer.reply({{std::move(collateral->json)}, collateral->root_pem});
    });
}

}  // namespace mrd
