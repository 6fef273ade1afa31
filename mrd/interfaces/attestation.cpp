#include "mrd/interfaces/attestation.h"

#include <utility>

#include "libmr/wire/attestation.h"
#include "mr/bytes.h"
#include "mrd/interfaces/evidence.h"
#include "mrd/interfaces/quote.h"
#include "proto/interfaces.h"

namespace mrd {

namespace wire = mr::wire::attestation;
using varlink::InvalidParameter;
using varlink::Request;
using varlink::Responder;

namespace {

void report(Registers &registers, const wire::ReportParameters &parameters, Responder responder) {
    const auto report_data = report_data_of(parameters.report_data, responder);
    if (!report_data) return;
    auto chosen = choose_provider(registers, parameters.provider, &ProviderAbilities::report);
    if (!chosen) return responder.fail(chosen.error());
    auto *provider = *chosen;
    if (!provider->abilities().report) return responder.fail(wire::NotSupported{std::string(provider->name()), "reports"});
    provider->report(*report_data, [provider, responder = std::move(responder)](std::expected<mr::Bytes, ProviderError> report) mutable {
        if (!report) return responder.fail(wire::ProviderFailed{std::string(provider->name()), report.error().reason});
        const auto text = mr::to_base64(*report);
        responder.reply(wire::ReportReply{text, provider->name(), provider->simulated()});
    });
}

void verify_report(Registers &registers, const wire::VerifyReportParameters &parameters, Responder responder) {
    auto report = mr::from_base64(parameters.report);
    if (!report) return responder.fail(InvalidParameter{"report"});
    auto chosen = choose_provider(registers, std::nullopt, &ProviderAbilities::verify_report);
    if (!chosen) return responder.fail(wire::NotSupported{"", "verifying a report"});
    auto *provider = *chosen;
    provider->verify_report(
        std::move(*report), [provider, responder = std::move(responder)](std::expected<ReportVerdict, ProviderError> verdict) mutable {
            if (!verdict) return responder.fail(wire::ProviderFailed{std::string(provider->name()), verdict.error().reason});
            const auto reason = verdict->genuine ? std::optional<std::string_view>() : std::optional<std::string_view>(verdict->reason);
            responder.reply(wire::VerifyReportReply{verdict->genuine, reason});
        });
}

}  // namespace

varlink::Interface attestation_interface(const std::shared_ptr<LogReadings> &readings, const std::shared_ptr<EvidenceBudget> &budget) {
    varlink::Interface interface(interfaces::io_mrd_Attestation);
    auto &registers = readings->registers();
    interface.add<wire::ReportParameters>("Report", varlink::Effect::reads,
                                          [&registers](const Request &, const wire::ReportParameters &parameters, Responder responder) {
                                              report(registers, parameters, std::move(responder));
                                          });
    add_evidence_method(interface, readings, budget);
    interface.add<wire::QuoteParameters>(
        "Quote", varlink::Effect::reads,
        [&registers](const Request &request, const wire::QuoteParameters &parameters, Responder responder) {
            answer_quote(registers, Client::of(request.peer), parameters, std::move(responder));
        });
    interface.add<varlink::NoParameters>("Collateral", varlink::Effect::reads,
                                         [&registers](const Request &, const varlink::NoParameters &, Responder responder) {
                                             answer_collateral(registers, std::move(responder));
                                         });
    interface.add<wire::VerifyReportParameters>(
        "VerifyReport", varlink::Effect::reads,
        [&registers](const Request &, const wire::VerifyReportParameters &parameters, Responder responder) {
            verify_report(registers, parameters, std::move(responder));
        });
    return interface;
}

}  // namespace mrd
