#include "mrd/interfaces/quote.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "mr/bytes.h"
#include "mrd/evidence/quote_check.h"

namespace mrd {

namespace wire = mr::wire;
using varlink::InvalidParameter;

namespace {

// Hexadecimal digits, 8-4-4-4-12.
bool is_guid(std::string_view text) {
    constexpr std::string_view shape = "00000000-0000-0000-0000-000000000000";
    return std::ranges::equal(text, shape, [](char c, char like) {
        return like == '-' ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
}

}  // namespace

std::expected<void, RequestError> check_size(const mr::Bytes &report_data, ReportDataSize size) {
    if (report_data.size() >= size.least && report_data.size() <= size.most) return {};
    return std::unexpected(
        wire::attestation::WrongLength{"reportData", static_cast<std::int64_t>(size.most), static_cast<std::int64_t>(report_data.size())});
}

std::expected<QuoteQueue::TimePoint, RequestError> deadline_of(std::optional<std::int64_t> milliseconds) {
    const auto given = milliseconds.value_or(default_quote_deadline.count());
    if (given < 1 || given > max_quote_deadline.count()) return std::unexpected(InvalidParameter{"deadlineMilliseconds"});
    return std::chrono::steady_clock::now() + std::chrono::milliseconds(given);
}

std::expected<mr::ReportOptions, RequestError> report_options_of(const std::optional<wire::attestation::ReportOptions> &given) {
    mr::ReportOptions options;
    if (!given) return options;
    const auto bad = [](std::string_view name) { return std::unexpected(InvalidParameter{"options." + std::string(name)}); };
    if (given->privilege_level && *given->privilege_level < 0) return bad("privilegeLevel");
    if (given->service_provider && (given->service_provider->empty() || given->service_provider->size() > max_service_provider_size))
        return bad("serviceProvider");
    if (given->service_guid && !is_guid(*given->service_guid)) return bad("serviceGuid");
    if (given->service_manifest_version &&
        (*given->service_manifest_version < 0 || *given->service_manifest_version > std::numeric_limits<std::uint32_t>::max()))
        return bad("serviceManifestVersion");
    options.privilege_level = given->privilege_level;
    options.service_provider = given->service_provider;
    options.service_guid = given->service_guid;
    options.service_manifest_version = given->service_manifest_version;
    options.certificates = given->certificates.value_or(false);
    return options;
}

QuoteError quote_error(std::string_view provider, const QuoteFailure &failure) {
    using Cause = QuoteFailure::Cause;
    std::string name(provider);
    switch (failure.cause) {
    case Cause::timed_out: return wire::attestation::QuoteTimeout{std::move(name)};
    // Heard only by who lives on.
    case Cause::cancelled: return wire::attestation::QuoteUnavailable{std::move(name), "mrd is stopping"};
    case Cause::unavailable: return wire::attestation::QuoteUnavailable{std::move(name), failure.reason};
    case Cause::failed: return wire::attestation::QuoteFailed{std::move(name), failure.reason};
    case Cause::invalid: return wire::attestation::QuoteInvalid{std::move(name), failure.reason};
    case Cause::no_report: return wire::attestation::ProviderFailed{std::move(name), failure.reason};
    case Cause::not_supported: return wire::attestation::NotSupported{std::move(name), failure.reason};
    }
    return wire::attestation::QuoteFailed{std::move(name), failure.reason};
}

void answer_quote(Daemon &daemon, const Caller &caller, const wire::attestation::QuoteParameters &parameters,
                  Answer<wire::attestation::Quote> answer) {
    const auto data = report_data_of(caller, parameters.report_data, parameters.bind);
    if (!data) return answer.fail(data.error());
    const auto options = report_options_of(parameters.options);
    if (!options) return answer.fail(options.error());
    const auto deadline = deadline_of(parameters.deadline_milliseconds);
    if (!deadline) return answer.fail(deadline.error());
    const auto chosen = choose_provider(daemon, parameters.provider, [](const ProviderSlot &slot) { return slot.quotes() != nullptr; });
    if (!chosen) return answer.fail(chosen.error());
    auto *provider = *chosen;
    auto *quotes = provider->quotes();
    if (quotes == nullptr) return answer.fail(wire::attestation::NotSupported{std::string(provider->name()), "quotes"});
    if (auto fits = check_size(*data, quotes->report_data_size()); !fits) return answer.fail(fits.error());

    const auto ticket = quotes->new_ticket();
    answer.on_closed([quotes, ticket] { quotes->cancel(ticket); });
    quotes->ask(ticket, caller.client(), {*data, *options}, *deadline,
                [provider, answer = std::move(answer)](const Quotes::Result &quoted) mutable {
                    if (!quoted) return answer.fail(quote_error(provider->name(), quoted.error()));
                    const auto text = mr::to_base64(quoted->quote);
                    const auto base64 = [](const auto &bytes) { return bytes ? std::optional(mr::to_base64(*bytes)) : std::nullopt; };
                    const auto auxiliary = base64(quoted->auxiliary);
                    const auto manifest = base64(quoted->manifest);
                    answer.reply({text, auxiliary, manifest, quoted->format, provider->name(),
                                  is_simulated(provider->kind(), quoted->quote, provider->simulated())});
                });
}

void answer_collateral(Daemon &daemon, const Caller &caller, const wire::attestation::CollateralParameters &parameters,
                       Answer<wire::attestation::Collateral> answer) {
    const auto chosen = choose_provider(daemon, parameters.provider, &ProviderSlot::has_collateral);
    if (!chosen) {
        if (!parameters.provider && chosen.error().candidates.empty())
            return answer.fail(wire::attestation::NotSupported{"", "collateral"});
        return answer.fail(chosen.error());
    }
    auto *provider = *chosen;
    if (!provider->has_collateral()) return answer.fail(wire::attestation::NotSupported{std::string(provider->name()), "collateral"});
    auto gone = answer.client_gone();
    provider->collateral(caller.client().uid, std::move(gone),
                         [provider, answer = std::move(answer)](std::expected<QuoteCollateral, std::string> collateral) mutable {
                             if (!collateral)
                                 return answer.fail(wire::attestation::ProviderFailed{std::string(provider->name()), collateral.error()});
                             answer.reply({{std::move(collateral->json)}, collateral->root_pem});
                         });
}

}  // namespace mrd
