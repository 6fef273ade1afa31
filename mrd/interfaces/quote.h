// Quote and Collateral of io.mrd.Attestation, and what other methods that need a quote share with them.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "libmr/wire/attestation.h"
#include "mrd/evidence/quotes.h"
#include "mrd/registers/registers.h"
#include "proto/varlink/service.h"

namespace mrd {

void answer_quote(Registers &registers, const Client &client, const mr::wire::attestation::QuoteParameters &parameters,
                  varlink::Responder responder);
void answer_collateral(Registers &registers, varlink::Responder responder);

// The named provider, or the only one that has the ability.
std::expected<ProviderRegisters *, mr::wire::attestation::NoSuchProvider> choose_provider(Registers &registers,
                                                                                          std::optional<std::string_view> name,
                                                                                          bool ProviderAbilities::*ability);

// Checks the parameter reportData. Nothing: it is refused, and the call is answered.
std::optional<mr::ReportData> report_data_of(std::string_view hex, varlink::Responder &responder);

// What a call that needs a quote asks for.
struct QuoteRequest {
    ProviderRegisters *provider;  // makes quotes
    mr::ReportData report_data;
    QuoteQueue::TimePoint deadline;  // when the call is to be answered
};
// Checks the parameters. Nothing: one is refused, and the call is answered.
std::optional<QuoteRequest> quote_request(Registers &registers, std::string_view report_data, std::optional<std::string_view> provider,
                                          std::optional<std::int64_t> deadline_milliseconds, varlink::Responder &responder);

// Answers with the error that tells why there is no quote.
void fail_quote(varlink::Responder &responder, std::string_view provider, const QuoteFailure &failure);

}  // namespace mrd
