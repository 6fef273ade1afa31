// The calls of io.mrd.Attestation: between what goes over the wire and what a client's user sees.
#include <algorithm>
#include <utility>

#include "libmr/src/client/check_texts.h"
#include "libmr/src/client/make_call.h"
#include "libmr/wire/attestation.h"
#include "mr/bytes.h"
#include "mr/client.h"

namespace mr {

using detail::make_call;
using detail::on_wire;
using detail::protocol_error;

namespace {

// ---- Replies

std::expected<Report, Error> report_of(const wire::attestation::ReportReply &reply) {
    auto report = from_base64(reply.report);
    if (!report) return std::unexpected(protocol_error("the report"));
    return Report{std::move(*report), std::string(reply.provider), reply.simulated};
}

std::expected<ReportVerdict, Error> verdict_of(const wire::attestation::VerifyReportReply &reply) {
    return ReportVerdict{reply.genuine, std::string(reply.reason.value_or(""))};
}

std::expected<Quoted, Error> quoted_of(const wire::attestation::QuoteReply &reply) {
    auto quote = from_base64(reply.quote);
    if (!quote) return std::unexpected(protocol_error("the quote"));
    Quoted result{.quote = std::move(*quote),
                  .format = std::string(reply.format),
                  .provider = std::string(reply.provider),
                  .simulated = reply.simulated};
    for (const auto &[text, bytes] : {std::pair(reply.auxiliary, &result.auxiliary), std::pair(reply.manifest, &result.manifest)}) {
        if (!text) continue;
        auto beside = from_base64(*text);
        if (!beside) return std::unexpected(protocol_error("what stands beside the quote"));
        *bytes = std::move(*beside);
    }
    return result;
}

std::expected<RawReply, Error> evidence_of(const wire::attestation::EvidenceReply &reply) { return RawReply{reply.evidence.text}; }

std::expected<SimulatedCollateral, Error> collateral_of(const wire::attestation::CollateralReply &reply) {
    return SimulatedCollateral{reply.collateral.text, std::string(reply.root)};
}

// ---- Parameters

// The parameters, unless the report data is what anybody has who chose none.
template <class Parameters>
std::expected<Parameters, Error> if_chosen(const ReportData &report_data, const Parameters &parameters) {
    if (auto good = report_data_from(report_data); !good) return std::unexpected(std::move(good.error()));
    return check_texts(parameters);
}

// A binding on the wire; the texts are its own.
struct BindingOnWire {
    explicit BindingOnWire(const KeyBinding &binding)
        : nonce(to_hex(binding.nonce)),
          key(to_base64(binding.key.value_or(Bytes()))),
          exporter(to_hex(binding.tls_exporter.value_or(Bytes()))),
          fault(fault_of(binding)) {
        parameters.nonce = nonce;
        if (binding.key) parameters.key = key;
        if (binding.tls_exporter) parameters.tls_exporter = exporter;
        parameters.role = binding.role;
    }
    BindingOnWire(const BindingOnWire &) = delete;
    BindingOnWire &operator=(const BindingOnWire &) = delete;
    ~BindingOnWire() = default;

    // The call's parameters, unless mrd would refuse the binding.
    template <class Parameters>
    [[nodiscard]] std::expected<Parameters, Error> if_good(const Parameters &call) const {
        if (fault) return std::unexpected(Error{ErrorCode::invalid_argument, std::string(fault->member) + ": " + fault->why});
        return check_texts(call);
    }

    std::string nonce;
    std::string key;
    std::string exporter;
    std::optional<KeyBindingFault> fault;
    wire::attestation::KeyBinding parameters;
};

std::optional<std::int64_t> milliseconds(const std::optional<std::chrono::milliseconds> &deadline) {
    return deadline ? std::optional<std::int64_t>(deadline->count()) : std::nullopt;
}

// mrd takes its deadline, and then has as long as any call. It refuses one of more than ten minutes, so there is nothing to overflow.
std::chrono::milliseconds extra_time(const std::optional<std::chrono::milliseconds> &deadline) {
    return std::clamp<std::chrono::milliseconds>(deadline.value_or(std::chrono::milliseconds(0)), std::chrono::milliseconds(0),
                                                 std::chrono::hours(1));
}

wire::attestation::QuoteParameters quote_parameters(const QuoteOptions &options) {
    wire::attestation::QuoteParameters parameters;
    parameters.provider = options.provider;
    parameters.deadline_milliseconds = milliseconds(options.deadline);
    parameters.on_behalf_of = on_wire(options.on_behalf_of);
    if (const auto &asked = options.report; asked != ReportOptions())
        parameters.options.emplace(asked.privilege_level, asked.service_provider, asked.service_guid, asked.service_manifest_version,
                                   asked.certificates);
    return parameters;
}

wire::attestation::EvidenceParameters evidence_parameters(const EvidenceOptions &options) {
    wire::attestation::EvidenceParameters parameters;
    parameters.deadline_milliseconds = milliseconds(options.deadline);
    if (!options.providers.empty()) parameters.providers.emplace(options.providers.begin(), options.providers.end());
    if (!options.registers.empty()) parameters.registers.emplace(options.registers.begin(), options.registers.end());
    return parameters;
}

}  // namespace

namespace calls {

Call<Report> report(const ReportData &report_data, std::optional<std::string_view> provider,
                    const std::optional<OnBehalfOf> &on_behalf_of) {
    const auto hex = to_hex(report_data);
    return make_call<wire::attestation::Report, &report_of>(
        if_chosen(report_data, wire::attestation::ReportParameters{hex, provider, on_wire(on_behalf_of)}));
}

Call<ReportVerdict> verify_report(ByteView report) {
    const auto text = to_base64(report);
    return make_call<wire::attestation::VerifyReport, &verdict_of>(wire::attestation::VerifyReportParameters{text});
}

Call<Quoted> quote(const ReportData &report_data, const QuoteOptions &options) {
    const auto hex = to_hex(report_data);
    auto parameters = quote_parameters(options);
    parameters.report_data = hex;
    return make_call<wire::attestation::Quote, &quoted_of>(if_chosen(report_data, parameters), extra_time(options.deadline));
}

Call<Quoted> bound_quote(const KeyBinding &binding, const QuoteOptions &options) {
    const BindingOnWire bind(binding);
    auto parameters = quote_parameters(options);
    parameters.bind = bind.parameters;
    return make_call<wire::attestation::Quote, &quoted_of>(bind.if_good(parameters), extra_time(options.deadline));
}

Call<RawReply> evidence(const ReportData &report_data, const EvidenceOptions &options) {
    const auto hex = to_hex(report_data);
    auto parameters = evidence_parameters(options);
    parameters.report_data = hex;
    return make_call<wire::attestation::Evidence, &evidence_of>(if_chosen(report_data, parameters), extra_time(options.deadline));
}

Call<RawReply> bound_evidence(const KeyBinding &binding, const EvidenceOptions &options) {
    const BindingOnWire bind(binding);
    auto parameters = evidence_parameters(options);
    parameters.bind = bind.parameters;
    return make_call<wire::attestation::Evidence, &evidence_of>(bind.if_good(parameters), extra_time(options.deadline));
}

Call<SimulatedCollateral> collateral(std::optional<std::string_view> provider) {
    return make_call<wire::attestation::Collateral, &collateral_of>(check_texts(wire::attestation::CollateralParameters{provider}));
}

}  // namespace calls

namespace {

struct AttestationFunctions {
    static constexpr auto of(wire::attestation::Report) { return &Client::report; }
    static constexpr auto of(wire::attestation::Quote) { return &Client::quote; }
    static constexpr auto of(wire::attestation::Evidence) { return &Client::evidence; }
    static constexpr auto of(wire::attestation::Collateral) { return &Client::collateral; }
    static constexpr auto of(wire::attestation::VerifyReport) { return &Client::verify_report; }
};
static_assert(detail::has_all<AttestationFunctions>(wire::attestation::AttestationMethods()), "a method that no client can call");

}  // namespace

}  // namespace mr
