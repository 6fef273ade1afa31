// One connection to a Varlink service, for programs with an Asio event loop. Calls may be made at any time; they are sent in their order, without
// waiting for the answers of earlier ones.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "proto/varlink/address.h"
#include "proto/varlink/client.h"
#include "proto/varlink/message.h"

namespace varlink {

class AsyncConnection {
public:
    // Handlers run one at a time, on a strand of the executor. A connection that is destroyed is closed: every open call gets connection_lost.
    explicit AsyncConnection(boost::asio::any_io_executor executor);
    AsyncConnection(AsyncConnection &&) noexcept = default;
    AsyncConnection &operator=(AsyncConnection &&other) noexcept;
    ~AsyncConnection();

    using Connected = std::move_only_function<void(std::expected<void, ClientError>)>;
    // Drops the connection there is, if any.
    void connect(const Address &address, Milliseconds timeout, Connected handler);

    // Called with each reply; what it points to is valid only during the call. After an error, or a reply that does not continue, it is not called
    // again. Returns whether it wants more replies, of this call or of later ones: false closes the connection.
    using ReplyHandler = std::move_only_function<bool(std::expected<Reply, ClientError>)>;
    // `frame` is made by write_call(). The time-out is for the first reply, and then for each that follows; when it has passed the connection is closed,
    // since its replies could no longer be told apart.
    void call(std::string frame, Milliseconds timeout, ReplyHandler handler);

    void close();

private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace varlink
