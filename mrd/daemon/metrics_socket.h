// Where metrics are asked for over HTTP: a port that mrd opens itself, or sockets that the service manager passes.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mrd/daemon/activation.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd {

// [metrics] of the configuration.
struct MetricsConfig {
    std::optional<std::uint16_t> port = {};  // not given: mrd opens none
    std::string address = "127.0.0.1";       // in numbers

    friend bool operator==(const MetricsConfig &, const MetricsConfig &) = default;
};

// "127.0.0.1", "::1": numbers, no names.
bool is_numeric_address(const std::string &address);

// Who can reach it is told without access rules and without encryption: nothing, if that is this machine alone; otherwise a warning for mrd's log.
std::optional<std::string> warning_of(const MetricsConfig &config);

// Those that are passed for metrics (FileDescriptorName=metrics), taken from the others. Error: one is connected.
std::expected<std::vector<varlink::FileDescriptor>, std::string> take_metrics_sockets(std::vector<PassedSocket> &passed);

// Binds the port, and listens. Error: a sentence that names it.
std::expected<varlink::FileDescriptor, std::string> listen_for_metrics(const std::string &address, std::uint16_t port);

}  // namespace mrd
