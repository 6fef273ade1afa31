#include "mrd/interfaces/attestation.h"

#include <algorithm>
#include <utility>

#include "libmr/wire/attestation.h"
#include "mr/bytes.h"
#include "proto/interfaces.h"

namespace mrd {

namespace wire = mr::wire::attestation;
using varlink::InvalidParameter;
using varlink::Request;
using varlink::Responder;

namespace {

// The named provider, or the only one that has the ability.
std::expected<ProviderRegisters *, wire::NoSuchProvider> choose(Registers &registers, std::optional<std::string_view> name,
                                                                bool ProviderAbilities::*ability) {
    if (name) {
        if (auto *named = registers.find_provider(*name)) return named;
        return std::unexpected(wire::NoSuchProvider{std::string(*name), registers.provider_names()});
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

void report(Registers &registers, const wire::ReportParameters &parameters, Responder responder) {
    const auto data = mr::from_hex(parameters.report_data);
    if (!data) return responder.fail(InvalidParameter{"reportData"});
    if (data->size() != mr::report_data_size) {
        return responder.fail(
            wire::WrongLength{"reportData", static_cast<std::int64_t>(mr::report_data_size), static_cast<std::int64_t>(data->size())});
    }
    auto chosen = choose(registers, parameters.provider, &ProviderAbilities::report);
    if (!chosen) return responder.fail(chosen.error());
    auto *provider = *chosen;
    if (!provider->abilities().report) return responder.fail(wire::NotSupported{std::string(provider->name()), "reports"});
    mr::ReportData report_data;
    std::ranges::copy(*data, report_data.begin());
    provider->report(report_data, [provider, responder = std::move(responder)](std::expected<mr::Bytes, ProviderError> report) mutable {
        if (!report) return responder.fail(wire::ProviderFailed{std::string(provider->name()), report.error().reason});
        const auto text = mr::to_base64(*report);
        responder.reply(wire::ReportReply{text, provider->name(), provider->simulated()});
    });
}

void verify_report(Registers &registers, const wire::VerifyReportParameters &parameters, Responder responder) {
    auto report = mr::from_base64(parameters.report);
    if (!report) return responder.fail(InvalidParameter{"report"});
    auto chosen = choose(registers, std::nullopt, &ProviderAbilities::verify_report);
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

varlink::Interface attestation_interface(Registers &registers) {
    varlink::Interface interface(interfaces::io_mrd_Attestation);
    interface.add<wire::ReportParameters>("Report",
                                          [&registers](const Request &, const wire::ReportParameters &parameters, Responder responder) {
                                              report(registers, parameters, std::move(responder));
                                          });
    interface.add<wire::VerifyReportParameters>(
        "VerifyReport", [&registers](const Request &, const wire::VerifyReportParameters &parameters, Responder responder) {
            verify_report(registers, parameters, std::move(responder));
        });
    return interface;
}

}  // namespace mrd
