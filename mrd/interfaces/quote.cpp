#include "mrd/interfaces/quote.h"

#include <algorithm>
#include <string>
#include <utility>

#include "mr/bytes.h"

namespace mrd {

namespace wire = mr::wire::attestation;
using varlink::InvalidParameter;
using varlink::Responder;

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

std::optional<mr::ReportData> report_data_of(std::string_view hex, Responder &responder) {
    const auto data = mr::from_hex(hex);
    if (!data) {
        responder.fail(InvalidParameter{"reportData"});
        return std::nullopt;
    }
    mr::ReportData report_data{};
    if (data->size() != report_data.size()) {
        responder.fail(
            wire::WrongLength{"reportData", static_cast<std::int64_t>(report_data.size()), static_cast<std::int64_t>(data->size())});
        return std::nullopt;
    }
    std::ranges::copy(*data, report_data.begin());
    return report_data;
}

std::optional<QuoteRequest> quote_request(Registers &registers, std::string_view report_data, std::optional<std::string_view> provider,
                                          std::optional<std::int64_t> deadline_milliseconds, Responder &responder) {
    const auto refuse = [&responder](const auto &error) {
        responder.fail(error);
        return std::nullopt;
    };
    const auto data = report_data_of(report_data, responder);
    if (!data) return std::nullopt;
    const auto milliseconds = deadline_milliseconds.value_or(default_quote_deadline.count());
    if (milliseconds < 1 || milliseconds > max_quote_deadline.count()) return refuse(InvalidParameter{"deadlineMilliseconds"});
    const auto chosen = choose_provider(registers, provider, &ProviderAbilities::quote);
    if (!chosen) return refuse(chosen.error());
    if ((*chosen)->quotes() == nullptr) return refuse(wire::NotSupported{std::string((*chosen)->name()), "quotes"});
    return QuoteRequest{*chosen, *data, std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds)};
}

void fail_quote(Responder &responder, std::string_view provider, const QuoteFailure &failure) {
    using Cause = QuoteFailure::Cause;
    switch (failure.cause) {
    case Cause::timed_out: return responder.fail(wire::QuoteTimeout{});
    // Heard only by who lives on.
    case Cause::cancelled: return responder.fail(wire::QuoteUnavailable{"mrd is stopping"});
    case Cause::unavailable: return responder.fail(wire::QuoteUnavailable{failure.reason});
    case Cause::failed: return responder.fail(wire::QuoteFailed{failure.reason});
    case Cause::invalid: return responder.fail(wire::QuoteInvalid{failure.reason});
    case Cause::no_report: return responder.fail(wire::ProviderFailed{std::string(provider), failure.reason});
    case Cause::not_supported: return responder.fail(wire::NotSupported{std::string(provider), failure.reason});
    }
}

void answer_quote(Registers &registers, const Client &client, const wire::QuoteParameters &parameters, Responder responder) {
    const auto request = quote_request(registers, parameters.report_data, parameters.provider, parameters.deadline_milliseconds, responder);
    if (!request) return;
    auto *provider = request->provider;
    auto *quotes = provider->quotes();
    if (parameters.privilege_level && !provider->abilities().privilege_levels)
        return responder.fail(wire::NotSupported{std::string(provider->name()), "privilege levels"});
    if (auto limit = quotes->refuses(client)) return responder.fail(wire::Busy{std::move(*limit)});

    const auto ticket = quotes->new_ticket();
    responder.on_closed([quotes, ticket] { quotes->cancel(ticket); });
    quotes->ask(ticket, client, {request->report_data, parameters.privilege_level}, request->deadline,
                [provider, responder = std::move(responder)](const Quotes::Result &quoted) mutable {
                    if (!quoted) return fail_quote(responder, provider->name(), quoted.error());
                    const auto text = mr::to_base64(quoted->quote);
                    const auto auxiliary = quoted->auxiliary ? std::optional(mr::to_base64(*quoted->auxiliary)) : std::nullopt;
                    responder.reply(wire::QuoteReply{text, auxiliary, quoted->format, provider->name(), provider->simulated()});
                });
}

void answer_collateral(Registers &registers, Responder responder) {
    const auto chosen = choose_provider(registers, std::nullopt, &ProviderAbilities::collateral);
    if (!chosen) {
        if (chosen.error().candidates.empty()) return responder.fail(wire::NotSupported{"", "collateral"});
        return responder.fail(chosen.error());
    }
    auto *provider = *chosen;
    provider->quotes()->collateral([provider, responder = std::move(responder)](Quotes::Collateral collateral) mutable {
        if (!collateral) return responder.fail(wire::ProviderFailed{std::string(provider->name()), collateral.error()});
        responder.reply(wire::CollateralReply{{std::move(collateral->json)}, collateral->root_pem});
    });
}

}  // namespace mrd
