#include "mrd/interfaces/attestation.h"

#include <utility>

#include "libmr/wire/attestation.h"
#include "mr/bytes.h"
#include "mrd/interfaces/evidence.h"
#include "mrd/interfaces/methods.h"
#include "mrd/interfaces/quote.h"
#include "proto/interfaces.h"

namespace mrd {

namespace wire = mr::wire;
using varlink::InvalidParameter;

namespace {

void report(Daemon &daemon, const Caller &caller, const wire::attestation::ReportParameters &parameters,
            Answer<wire::attestation::Report> answer) {
    auto report_data = chosen_report_data(caller, parameters.report_data);
    if (!report_data) return answer.fail(report_data.error());
    auto chosen = choose_provider(daemon, parameters.provider, [](const ProviderSlot &slot) { return slot.reporter() != nullptr; });
    if (!chosen) return answer.fail(chosen.error());
    auto *provider = *chosen;
    if (provider->reporter() == nullptr) return answer.fail(wire::attestation::NotSupported{std::string(provider->name()), "reports"});
    if (auto fits = check_size(*report_data, provider->reporter()->report_data_size()); !fits) return answer.fail(fits.error());
    auto gone = answer.client_gone();
    provider->report(caller.client().uid, std::move(*report_data), std::move(gone),
                     [provider, answer = std::move(answer)](std::expected<mr::Bytes, ProviderError> report) mutable {
                         if (!report)
                             return answer.fail(wire::attestation::ProviderFailed{std::string(provider->name()), report.error().reason});
                         const auto text = mr::to_base64(*report);
                         answer.reply({text, provider->name(), provider->simulated()});
                     });
}

void verify_report(Daemon &daemon, const Caller &caller, const wire::attestation::VerifyReportParameters &parameters,
                   Answer<wire::attestation::VerifyReport> answer) {
    auto report = mr::from_base64(parameters.report);
    if (!report) return answer.fail(InvalidParameter{"report"});
    auto chosen = choose_provider(daemon, std::nullopt, &ProviderSlot::verifies_reports);
    if (!chosen) return answer.fail(wire::attestation::NotSupported{"", "verifying a report"});
    auto *provider = *chosen;
    auto gone = answer.client_gone();
    provider->verify_report(
        caller.client().uid, std::move(*report), std::move(gone),
        [provider, answer = std::move(answer)](std::expected<ReportVerdict, ProviderError> verdict) mutable {
            if (!verdict) return answer.fail(wire::attestation::ProviderFailed{std::string(provider->name()), verdict.error().reason});
            const auto reason = verdict->genuine ? std::optional<std::string_view>() : std::optional<std::string_view>(verdict->reason);
            answer.reply({verdict->genuine, reason});
        });
}

class AttestationHandlers {
public:
    explicit AttestationHandlers(Daemon &daemon) : daemon_(daemon) {}

    void operator()(wire::attestation::Report, const Caller &caller, const wire::attestation::ReportParameters &parameters,
                    Answer<wire::attestation::Report> answer) {
        report(daemon_, caller, parameters, std::move(answer));
    }
    void operator()(wire::attestation::Quote, const Caller &caller, const wire::attestation::QuoteParameters &parameters,
                    Answer<wire::attestation::Quote> answer) {
        answer_quote(daemon_, caller, parameters, std::move(answer));
    }
    void operator()(wire::attestation::Evidence, const Caller &caller, const wire::attestation::EvidenceParameters &parameters,
                    Answer<wire::attestation::Evidence> answer) {
        answer_evidence(daemon_, caller, parameters, std::move(answer));
    }
    void operator()(wire::attestation::Collateral, const Caller &caller, const wire::attestation::CollateralParameters &parameters,
                    Answer<wire::attestation::Collateral> answer) {
        answer_collateral(daemon_, caller, parameters, std::move(answer));
    }
    void operator()(wire::attestation::VerifyReport, const Caller &caller, const wire::attestation::VerifyReportParameters &parameters,
                    Answer<wire::attestation::VerifyReport> answer) {
        verify_report(daemon_, caller, parameters, std::move(answer));
    }

private:
    Daemon &daemon_;
};

}  // namespace

varlink::Interface attestation_interface(Daemon &daemon) {
    return make_interface<interfaces::io_mrd_Attestation>(wire::attestation::AttestationMethods(), daemon.gate(),
                                                          std::make_shared<AttestationHandlers>(daemon));
}

}  // namespace mrd
