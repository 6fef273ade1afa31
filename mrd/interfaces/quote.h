// Quote and Collateral of io.mrd.Attestation, and what other methods that need a quote share with them.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "libmr/wire/attestation.h"
#include "mrd/quotes.h"
#include "mrd/registers.h"
#include "proto/varlink/service.h"

namespace mrd {

void answer_quote(Registers &registers, const mr::wire::attestation::QuoteParameters &parameters, varlink::Responder responder);
void answer_collateral(Registers &registers, varlink::Responder responder);

// The named provider, or the only one that has the ability.
std::expected<ProviderRegisters *, mr::wire::attestation::NoSuchProvider> choose_provider(Registers &registers,
                                                                                          std::optional<std::string_view> name,
                                                                                          bool ProviderAbilities::*ability);

// Checks the parameter reportData. Nothing: it is refused, and the call is answered.
std::optional<mr::ReportData> report_data_of(std::string_view hex, varlink::Responder &responder);

// When a call with this parameter deadlineMilliseconds is to be answered. Nothing: it is out of range.
std::optional<QuoteQueue::TimePoint> deadline_from(std::optional<std::int64_t> milliseconds);

// Answers with the error that tells why there is no quote.
void fail_quote(varlink::Responder &responder, std::string_view provider, const QuoteFailure &failure);

}  // namespace mrd
