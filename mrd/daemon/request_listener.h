// Answers one request of each connection, and closes it: for protocols that have no more of it (metrics over HTTP, a quoting service). Whoever can connect is answered.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "mr/bytes.h"
#include "proto/varlink/file_descriptor.h"

namespace boost::asio {
class io_context;
}

namespace mrd {

class RequestListener {
public:
    struct Limits {
        // Open at once. One more ends another: of the client that has the most, the one that was made first. So a client that is fast is served, however many are slow.
        std::size_t connections;
        std::chrono::milliseconds time;                // of a connection, from its beginning to its end
        std::size_t request;                           // bytes of one
        std::size_t unasked = std::size_t{64} * 1024;  // bytes behind a request that are taken, so that its answer arrives
    };

    // The whole answer to what has been received, from the connection's first byte on. Nothing: the request goes on. Empty: it is closed without one.
    using Answer = std::function<std::optional<mr::Bytes>(mr::ByteView received)>;

    // Sockets that listen, and do not block. `loop` and what `answer` refers to must outlive it.
    RequestListener(boost::asio::io_context &loop, std::vector<varlink::FileDescriptor> sockets, Answer answer, const Limits &limits);
    RequestListener(const RequestListener &) = delete;
    RequestListener &operator=(const RequestListener &) = delete;
    ~RequestListener();

private:
    class Connection;
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace mrd
