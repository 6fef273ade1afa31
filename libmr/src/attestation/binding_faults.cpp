// What of mr/bound_report_data.h needs no hash.
#include <algorithm>

#include "mr/bound_report_data.h"

namespace mr {

std::string_view to_string(AttesterRole role) { return role == AttesterRole::client ? "client" : "server"; }

std::optional<AttesterRole> attester_role_from(std::string_view name) {
    for (const auto role : {AttesterRole::client, AttesterRole::server}) {
        if (to_string(role) == name) return role;
    }
    return std::nullopt;
}

std::optional<KeyBindingFault> fault_of(const KeyBinding &binding) {
    const auto range = [](std::size_t least, std::size_t most) { return std::to_string(least) + " to " + std::to_string(most) + " bytes"; };
    if (const auto nonce = report_data_from(binding.nonce); !nonce) return KeyBindingFault{"nonce", nonce.error().message};
    if (binding.key.has_value() == binding.tls_exporter.has_value())
        return KeyBindingFault{"key", binding.key ? "a key and a TLS exporter's value are not bound together: give one of them"
                                                  : "there is nothing to bind: give a key, or a TLS exporter's value"};
    if (binding.key && (binding.key->empty() || binding.key->size() > max_bound_key))
        return KeyBindingFault{"key", "it has " + std::to_string(binding.key->size()) + " bytes; give " + range(1, max_bound_key)};
    if (!binding.tls_exporter) return std::nullopt;
    if (const auto size = binding.tls_exporter->size(); size < min_tls_exporter || size > max_tls_exporter)
        return KeyBindingFault{"tlsExporter",
                               "it has " + std::to_string(size) + " bytes; give " + range(min_tls_exporter, max_tls_exporter)};
    if (!binding.role)
        return KeyBindingFault{"role",
                               "both sides of a TLS connection have its exporter's value: say which the attester is, client or server"};
    return std::nullopt;
}

bool is_bound_report_data(ByteView report_data) {
    return report_data.size() == report_data_size &&
           std::ranges::equal(report_data.last(bound_report_data_tag.size()), bound_report_data_tag);
}

}  // namespace mr
