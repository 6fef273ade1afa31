// Quote and Collateral of io.mrd.Attestation, and what other methods that need a quote share with them.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <variant>

#include "libmr/wire/attestation.h"
#include "mrd/evidence/quotes.h"
#include "mrd/interfaces/methods.h"
#include "mrd/registers/registers.h"

namespace mrd {

void answer_quote(Registers &registers, const Client &client, const mr::wire::attestation::QuoteParameters &parameters,
                  Answer<mr::wire::attestation::Quote> answer);
void answer_collateral(Registers &registers, Answer<mr::wire::attestation::Collateral> answer);

// The named provider, or the only one that has the ability.
std::expected<ProviderRegisters *, mr::wire::attestation::NoSuchProvider> choose_provider(Registers &registers,
                                                                                          std::optional<std::string_view> name,
                                                                                          bool ProviderAbilities::*ability);

// What a request for a quote or a report can be refused with.
using RequestError =
    std::variant<varlink::InvalidParameter, mr::wire::WrongLength, mr::wire::attestation::NoSuchProvider, mr::wire::NotSupported>;

// The parameter reportData.
std::expected<mr::ReportData, RequestError> report_data_of(std::string_view hex);

// What a call that needs a quote asks for.
struct QuoteRequest {
    ProviderRegisters *provider;  // makes quotes
    mr::ReportData report_data;
    QuoteQueue::TimePoint deadline;  // when the call is to be answered
};
std::expected<QuoteRequest, RequestError> quote_request(Registers &registers, std::string_view report_data,
                                                        std::optional<std::string_view> provider,
                                                        std::optional<std::int64_t> deadline_milliseconds);

// Why there is no quote, as the interface says it.
using QuoteError =
    std::variant<mr::wire::attestation::QuoteTimeout, mr::wire::attestation::QuoteUnavailable, mr::wire::attestation::QuoteFailed,
                 mr::wire::attestation::QuoteInvalid, mr::wire::attestation::ProviderFailed, mr::wire::NotSupported>;
QuoteError quote_error(std::string_view provider, const QuoteFailure &failure);

}  // namespace mrd
