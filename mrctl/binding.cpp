#include "mrctl/binding.h"

#include <utility>

namespace mrctl {

namespace {

std::unexpected<mr::Error> wrong(std::string message) {
    return std::unexpected(mr::Error{mr::ErrorCode::invalid_argument, std::move(message)});
}

}  // namespace

std::expected<mr::KeyBinding, mr::Error> binding_of(const BindingOptions &options, std::string_view prefix,
                                                    const std::optional<std::string> &nonce, const std::optional<mr::Bytes> &key_file) {
    const std::string key_option = std::string(prefix) + "key";
    const std::string exporter_option = std::string(prefix) + "tls-exporter";
    if (options.key && options.tls_exporter)
        return wrong(key_option + " and " + exporter_option + " are not bound together: give one of them");
    if (!nonce) return wrong((options.key ? key_option : exporter_option) + " needs --nonce: without it the quote may be an old one");
    mr::KeyBinding binding{.nonce = {}};
    auto bytes = mr::from_hex(*nonce);
    if (!bytes) return wrong("--nonce: this is not hexadecimal, two digits a byte and without 0x");
    binding.nonce = std::move(*bytes);
    if (options.role) binding.role = mr::attester_role_from(*options.role);
    if (options.tls_exporter) {
        auto exporter = mr::from_hex(*options.tls_exporter);
        if (!exporter) return wrong(exporter_option + ": this is not hexadecimal, two digits a byte and without 0x");
        binding.tls_exporter = std::move(*exporter);
    }
    if (key_file) {
        auto key = mr::parse_public_key(*key_file);
        if (!key) return std::unexpected(mr::Error{key.error().code, options.key.value_or("") + ": " + key.error().message});
        binding.key = std::move(*key);
    }
    if (const auto fault = mr::fault_of(binding)) {
        const auto option = fault->member == "nonce" || fault->member == "role" ? "--" + std::string(fault->member)
                            : fault->member == "key"                            ? key_option
                                                                                : exporter_option;
        return wrong(option + ": " + fault->why);
    }
    return binding;
}

}  // namespace mrctl
