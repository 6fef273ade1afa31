// What mrd counts, for Prometheus: docs/status.md has each name.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "mrd/daemon/daemon.h"
#include "mrd/daemon/service.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd {

inline constexpr std::size_t max_register_metrics = 256;  // registers with metrics of their own; the sums are of all

class Metrics {
public:
    // What it reads of the process's memory: once mrd is confined it may open nothing.
    static varlink::FileDescriptor open_memory();

    // `daemon` and what the facts refer to must outlive it.
    Metrics(Daemon &daemon, ServiceFacts facts, varlink::FileDescriptor memory = open_memory());

    // Those whose calls are counted.
    void count_calls_of(const Interfaces &interfaces) { interfaces_.assign(interfaces.begin(), interfaces.end()); }

    [[nodiscard]] std::string text() const;

private:
    Daemon &daemon_;
    ServiceFacts facts_;
    std::vector<std::weak_ptr<const varlink::Interface>> interfaces_;
    varlink::FileDescriptor memory_;
};

}  // namespace mrd
