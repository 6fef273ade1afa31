// mr::AsyncClient: one mrd, for programs with an Asio event loop. Every operation takes a completion token, so coroutines, callbacks and futures all
// work, and completes with std::expected<T, mr::Error>:
//
//     mr::AsyncClient client(executor);
//     if (auto connected = co_await client.connect(asio::use_awaitable); !connected) ...
//     auto reading = co_await client.call(mr::calls::read("tdx/rtmr3"), asio::use_awaitable);
//
// The calls, and the errors of each, are those of mr/client.h. Those that use a connection of their own connect by themselves; the others need connect() first, and
// give connection_lost without it, and send nothing.
//
// Calls may be made while others are open; they take effect, and complete, in their order; what is refused here (invalid_argument, or no connection) sends nothing and waits for
// none. A client is for one thread at a time; the handlers run on their own associated executor, never within the function that begins the operation. A client that is
// destroyed completes every open operation with connection_lost. Reconnecting and time-outs are as mr::Client's. Operations cannot be cancelled one by one: a stream ends by what
// its handler returns, all by close().
//
// In a coroutine, name EventOptions, QuoteOptions and EvidenceOptions before the call, or leave them out: g++ 12 destroys an aggregate that is made inside a
// co_await expression twice.
//
// The static library holds Asio's own definitions: the target mr::client compiles its users with BOOST_ASIO_SEPARATE_COMPILATION, and they do not include
// <boost/asio/impl/src.hpp> themselves. The shared one keeps its own to itself, and its users compile Asio as they like, of the same version of Boost.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <concepts>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "mr/client.h"

namespace mr {

class AsyncClient {
public:
    explicit AsyncClient(boost::asio::any_io_executor executor, ClientOptions options = {});
    AsyncClient(AsyncClient &&) noexcept;
    AsyncClient &operator=(AsyncClient &&) noexcept;
    ~AsyncClient();

    template <class T>
    using Result = std::expected<T, Error>;

    // Also reconnects: the connection there was is dropped, and its open operations complete with connection_lost. Errors: as Client::connect().
    template <class Token>
    auto connect(Token &&token) {
        return start<void>([this](Completion<void> done) { do_connect(std::move(done)); }, std::forward<Token>(token));
    }

    // Every open operation completes with connection_lost.
    void close();

    // Errors: the call's.
    template <class T, class Token>
    auto call(Call<T> call, Token &&token) {
        return start<T>(
            [this, call = std::move(call)](Completion<T> done) mutable {
                // The reply comes before the end, which completes the operation.
                auto result = std::make_shared<std::optional<Result<T>>>();
                auto asked = call.request_.asked;
                perform(
                    std::move(call.request_),
                    [result, read = call.result_, asked = std::move(asked)](const varlink::Reply *reply) -> std::expected<bool, Error> {
                        result->emplace(read(*reply, asked));
                        if (!**result) return std::unexpected((*result)->error());
                        return false;
                    },
                    [result, done = std::move(done)](Result<void> ended) mutable {
                        done(ended ? std::move(**result) : Result<T>(std::unexpected(std::move(ended.error()))));
                    });
            },
            std::forward<Token>(token));
    }

    // Calls the handler with each answer until it returns false, which completes the operation well. The handler runs on the client's executor; what
    // it throws leaves the loop's run(), and the operation is gone without completing. Errors: the call's.
    template <class T, std::predicate<const T &> Handler, class Token>
    auto stream(StreamCall<T> call, Handler handler, Token &&token) {
        return start<void>(
            [this, call = std::move(call), handler = std::move(handler)](Completion<void> done) mutable {
                auto asked = call.request_.asked;
                perform(
                    std::move(call.request_),
                    [read = call.item_, asked = std::move(asked),
                     handler = std::move(handler)](const varlink::Reply *reply) mutable -> std::expected<bool, Error> {
                        const auto item = read(*reply, asked);
                        if (!item) return std::unexpected(item.error());
                        return !*item || handler(**item);
                    },
                    std::move(done));
            },
            std::forward<Token>(token));
    }

private:
    template <class T>
    using Completion = std::move_only_function<void(Result<T>)>;

    // Keeps the handler's executor busy while the operation is open, and completes on it.
    template <class T, class Initiate, class Token>
    auto start(Initiate initiate, Token &&token) {
        return boost::asio::async_initiate<Token, void(Result<T>)>(
            [initiate = std::move(initiate), fallback = executor()](auto handler) mutable {
                auto on = boost::asio::get_associated_executor(handler, fallback);
                auto guard = boost::asio::make_work_guard(on);
                initiate(
                    Completion<T>([handler = std::move(handler), on = std::move(on), guard = std::move(guard)](Result<T> result) mutable {
                        // Never in the call that begins it, nor in what another operation's end does.
                        boost::asio::post(on, [handler = std::move(handler), result = std::move(result)]() mutable {
                            std::move(handler)(std::move(result));
                        });
                    }));
            },
            token);
    }

    [[nodiscard]] boost::asio::any_io_executor executor() const;
    void do_connect(Completion<void> done);
    // Gives `take` each reply, until it wants no more or there is none; then the operation is done.
    // A pointer, for libstdc++ asks a parameter's size, and the type is not complete here.
    using Take = std::move_only_function<std::expected<bool, Error>(const varlink::Reply *reply)>;
    void perform(detail::Request request, Take take, Completion<void> done);

    class OwnConnections;
    struct Connection;
    std::unique_ptr<Connection> connection_;
};

}  // namespace mr
