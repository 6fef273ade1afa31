#include "mrd/interfaces/report_data.h"

#include <string>
#include <utility>

#include "mr/bound_report_data.h"

namespace mrd {

namespace wire = mr::wire;
using varlink::InvalidParameter;

namespace {

std::expected<mr::Bytes, RequestError> bound(const Caller &caller, const wire::attestation::KeyBinding &bind) {
    const auto wrong = [](std::string_view member) { return std::unexpected(InvalidParameter{"bind." + std::string(member)}); };
    mr::BoundTo bound{.binding = {.nonce = {}, .role = bind.role}, .uid = caller.uid()};
    auto nonce = mr::from_hex(bind.nonce);
    if (!nonce) return wrong("nonce");
    bound.binding.nonce = std::move(*nonce);
    if (bind.key) {
        // Before it is decoded: base64 has four characters for three bytes.
        if (bind.key->size() > mr::max_bound_key / 3 * 4 + 4) return wrong("key");
        auto key = mr::from_base64(*bind.key);
        if (!key) return wrong("key");
        bound.binding.key = std::move(*key);
    }
    if (bind.tls_exporter) {
        auto exporter = mr::from_hex(*bind.tls_exporter);
        if (!exporter) return wrong("tlsExporter");
        bound.binding.tls_exporter = std::move(*exporter);
    }
    if (const auto fault = mr::fault_of(bound.binding)) return wrong(fault->member);
    const auto report_data = mr::bound_report_data(bound);
    // This OpenSSL offers no SHA-384.
    if (!report_data) return std::unexpected(wire::NotSupported{"", "binding: " + report_data.error().message});
    return mr::Bytes(report_data->begin(), report_data->end());
}

}  // namespace

std::optional<Refusal> refuse_chosen(const Caller &caller, mr::ByteView chosen, std::string_view field) {
    if (!caller.may_choose_report_data()) return varlink::PermissionDenied{};
    if (mr::is_bound_report_data(chosen)) return InvalidParameter{std::string(field)};
    return std::nullopt;
}

std::expected<mr::Bytes, RequestError> chosen_report_data(const Caller &caller, std::string_view hex) {
    auto data = mr::from_hex(hex);
    if (!data) return std::unexpected(InvalidParameter{"reportData"});
    if (auto refused = refuse_chosen(caller, *data, "reportData"))
        return std::unexpected(std::visit([](auto &error) { return RequestError(std::move(error)); }, *refused));
    return std::move(*data);
}

std::expected<mr::Bytes, RequestError> report_data_of(const Caller &caller, std::optional<std::string_view> hex,
                                                      const std::optional<wire::attestation::KeyBinding> &bind) {
    if (hex && bind) return std::unexpected(InvalidParameter{"bind"});
    if (bind) return bound(caller, *bind);
    if (!hex) return std::unexpected(InvalidParameter{"reportData"});
    return chosen_report_data(caller, *hex);
}

}  // namespace mrd
