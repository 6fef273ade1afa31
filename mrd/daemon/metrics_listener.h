// Metrics over HTTP (mrd/daemon/metrics_http.h), for a Prometheus that asks for them. There are no access rules here: whoever can connect is told.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "mrd/daemon/request_listener.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd {

class MetricsListener {
public:
    struct Limits {
        std::size_t connections = 8;                   // these three as RequestListener has them
        std::chrono::milliseconds time{10'000};        //
        std::chrono::milliseconds age{1'000};          // of the text: however many ask, it is made no more often
        std::size_t unasked = std::size_t{64} * 1024;  //
    };
    static Limits usual() { return {}; }

    // Sockets that listen, and do not block. `loop` and what `text` refers to must outlive it.
    MetricsListener(boost::asio::io_context &loop, std::vector<varlink::FileDescriptor> sockets, std::function<std::string()> text,
                    const Limits &limits = usual());

private:
    RequestListener listener_;
};

}  // namespace mrd
