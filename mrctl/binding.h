// What evidence is to bind, or has to have bound: a key in a file, or a TLS connection by its exporter's value.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "mr/bound_report_data.h"
#include "mr/bytes.h"
#include "mr/error.h"

namespace mrctl {

// As it is given on the command line.
struct BindingOptions {
    std::optional<std::string> key;  // a file
    std::optional<std::string> tls_exporter;
    std::optional<std::string> role;

    [[nodiscard]] bool given() const { return key || tls_exporter; }
};

// `prefix`: of the options' names, "--bind-" or "--bound-". `nonce`: of --nonce. `key_file`: what is in the file. Error: invalid_argument, wrong usage; malformed,
// of the file.
std::expected<mr::KeyBinding, mr::Error> binding_of(const BindingOptions &options, std::string_view prefix,
                                                    const std::optional<std::string> &nonce, const std::optional<mr::Bytes> &key_file);

}  // namespace mrctl
