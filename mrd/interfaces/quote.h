// Quote and Collateral of io.mrd.Attestation, and what other methods that need a quote share with them.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "libmr/wire/attestation.h"
#include "mrd/daemon/daemon.h"
#include "mrd/evidence/quotes.h"
#include "mrd/interfaces/methods.h"
#include "mrd/interfaces/report_data.h"

namespace mrd {

void answer_quote(Daemon &daemon, const Caller &caller, const mr::wire::attestation::QuoteParameters &parameters,
                  Answer<mr::wire::attestation::Quote> answer);
void answer_collateral(Daemon &daemon, const Caller &caller, const mr::wire::attestation::CollateralParameters &parameters,
                       Answer<mr::wire::attestation::Collateral> answer);

// The named provider, or the only one of which `has` is true.
template <class Has>
std::expected<ProviderSlot *, mr::wire::attestation::NoSuchProvider> choose_provider(Daemon &daemon, std::optional<std::string_view> name,
                                                                                     const Has &has) {
    if (name) {
        if (auto *named = daemon.find_provider(*name)) return named;
        return std::unexpected(mr::wire::attestation::NoSuchProvider{varlink::echoed(*name), daemon.provider_names()});
    }
    std::vector<ProviderSlot *> able;
    for (auto *provider : daemon.providers()) {
        if (std::invoke(has, *provider)) able.push_back(provider);
    }
    if (able.size() == 1) return able.front();
    mr::wire::attestation::NoSuchProvider error;
    for (const auto *provider : able) error.candidates.emplace_back(provider->name());
    return std::unexpected(std::move(error));
}

// Does the part take so many bytes?
std::expected<void, RequestError> check_size(const mr::Bytes &report_data, ReportDataSize size);

// Of the parameter options: what no hardware takes is refused here, by "options.serviceGuid". The kernel counts a GUID that is none, and forgets the one before.
std::expected<mr::ReportOptions, RequestError> report_options_of(const std::optional<mr::wire::attestation::ReportOptions> &given);
inline constexpr std::size_t max_service_provider_size = 64;  // bytes; there is none but "svsm"

// The parameter deadlineMilliseconds: when the call is to be answered.
std::expected<QuoteQueue::TimePoint, RequestError> deadline_of(std::optional<std::int64_t> milliseconds);

// Why there is no quote, as the interface says it.
using QuoteError =
    std::variant<mr::wire::attestation::QuoteTimeout, mr::wire::attestation::QuoteUnavailable, mr::wire::attestation::QuoteFailed,
                 mr::wire::attestation::QuoteInvalid, mr::wire::attestation::ProviderFailed, mr::wire::NotSupported>;
QuoteError quote_error(std::string_view provider, const QuoteFailure &failure);

}  // namespace mrd
