// Metrics over HTTP (mrd/daemon/metrics_http.h), for a Prometheus that asks for them. There are no access rules here: whoever can connect is told.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/varlink/file_descriptor.h"

namespace boost::asio {
class io_context;
}

namespace mrd {

class MetricsListener {
public:
    struct Limits {
        // Open at once. One more ends another: of the client that has the most, the one that was made first. So a client that is fast is served, however many are slow.
        std::size_t connections = 8;
        std::chrono::milliseconds time{10'000};        // of a connection, from its beginning to its end
        std::chrono::milliseconds age{1'000};          // of the text: however many ask, it is made no more often
        std::size_t unasked = std::size_t{64} * 1024;  // bytes behind a request that are taken, so that its answer arrives
    };
    static Limits usual() { return {}; }

    // Sockets that listen, and do not block. `loop` and what `text` refers to must outlive it.
    MetricsListener(boost::asio::io_context &loop, std::vector<varlink::FileDescriptor> sockets, std::function<std::string()> text,
                    const Limits &limits = usual());
    MetricsListener(const MetricsListener &) = delete;
    MetricsListener &operator=(const MetricsListener &) = delete;
    ~MetricsListener();

private:
    class Connection;
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace mrd
