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

namespace {

void report(Registers &registers, const wire::ReportParameters &parameters, Answer<wire::Report> answer) {
    const auto report_data = report_data_of(parameters.report_data);
    if (!report_data) return answer.fail(report_data.error());
    auto chosen = choose_provider(registers, parameters.provider, &ProviderAbilities::report);
    if (!chosen) return answer.fail(chosen.error());
    auto *provider = *chosen;
    if (!provider->abilities().report) return answer.fail(wire::NotSupported{std::string(provider->name()), "reports"});
    provider->report(*report_data, [provider, answer = std::move(answer)](std::expected<mr::Bytes, ProviderError> report) mutable {
        if (!report) return answer.fail(wire::ProviderFailed{std::string(provider->name()), report.error().reason});
        const auto text = mr::to_base64(*report);
        answer.reply({text, provider->name(), provider->simulated()});
    });
}

void verify_report(Registers &registers, const wire::VerifyReportParameters &parameters, Answer<wire::VerifyReport> answer) {
    auto report = mr::from_base64(parameters.report);
    if (!report) return answer.fail(InvalidParameter{"report"});
    auto chosen = choose_provider(registers, std::nullopt, &ProviderAbilities::verify_report);
    if (!chosen) return answer.fail(wire::NotSupported{"", "verifying a report"});
    auto *provider = *chosen;
    provider->verify_report(
        std::move(*report), [provider, answer = std::move(answer)](std::expected<ReportVerdict, ProviderError> verdict) mutable {
            if (!verdict) return answer.fail(wire::ProviderFailed{std::string(provider->name()), verdict.error().reason});
            const auto reason = verdict->genuine ? std::optional<std::string_view>() : std::optional<std::string_view>(verdict->reason);
            answer.reply({verdict->genuine, reason});
        });
}

class Handlers {
public:
    Handlers(std::shared_ptr<LogReadings> readings, std::shared_ptr<EvidenceBudget> budget)
        : registers_(readings->registers()), readings_(std::move(readings)), budget_(std::move(budget)) {}

    void operator()(wire::Report, const Caller &, const wire::ReportParameters &parameters, Answer<wire::Report> answer) {
        report(registers_, parameters, std::move(answer));
    }
    void operator()(wire::Quote, const Caller &caller, const wire::QuoteParameters &parameters, Answer<wire::Quote> answer) {
        answer_quote(registers_, caller.client(), parameters, std::move(answer));
    }
    void operator()(wire::Evidence, const Caller &caller, const wire::EvidenceParameters &parameters, Answer<wire::Evidence> answer) {
        answer_evidence(readings_, budget_, caller.client(), parameters, std::move(answer));
    }
    void operator()(wire::Collateral, const Caller &, const varlink::NoParameters &, Answer<wire::Collateral> answer) {
        answer_collateral(registers_, std::move(answer));
    }
    void operator()(wire::VerifyReport, const Caller &, const wire::VerifyReportParameters &parameters, Answer<wire::VerifyReport> answer) {
        verify_report(registers_, parameters, std::move(answer));
    }

private:
    Registers &registers_;
    std::shared_ptr<LogReadings> readings_;
    std::shared_ptr<EvidenceBudget> budget_;
};

}  // namespace

varlink::Interface attestation_interface(const std::shared_ptr<Gate> &gate, const std::shared_ptr<LogReadings> &readings,
                                         const std::shared_ptr<EvidenceBudget> &budget) {
    return make_interface<interfaces::io_mrd_Attestation>(wire::AttestationMethods(), gate, std::make_shared<Handlers>(readings, budget));
}

}  // namespace mrd
