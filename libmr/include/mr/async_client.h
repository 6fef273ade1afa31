// mr::AsyncClient: one mrd, for programs with an Asio event loop. Every operation takes a completion token, so coroutines, callbacks and futures all
// work, and completes with std::expected<T, mr::Error>:
//
//     mr::AsyncClient client(executor);
//     if (auto connected = co_await client.connect(asio::use_awaitable); !connected) ...
//     auto reading = co_await client.read("tdx/rtmr3", asio::use_awaitable);
//
// All but report(), quote(), evidence(), watch(), records(), export_log() and replay(), which connect by themselves, need connect() first. verify_report,
// collateral, statistics, status, repair and call are mr::Client's alone.
//
// Calls may be made while others are open; they take effect, and complete, in their order. Arguments are copied before the call returns. A client
// is for one thread at a time; the handlers run on their own associated executor. A client that is destroyed completes every open operation with
// connection_lost. Errors, reconnecting and time-outs are as mr::Client's (mr/client.h).
//
// In a coroutine, name EventOptions and QuoteOptions before the call, or leave them out: g++ 12 destroys an aggregate that is made inside a co_await expression twice.
//
// libmr holds Asio's own definitions: the target mr::mr compiles its users with BOOST_ASIO_SEPARATE_COMPILATION, and they do not include
// <boost/asio/impl/src.hpp> themselves.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

    // Also reconnects: the connection there was is dropped, and its open operations complete with connection_lost.
    template <class Token>
    auto connect(Token &&token) {
        return start<void>([this](Completion<void> done) { do_connect(std::move(done)); }, std::forward<Token>(token));
    }

    // Every open operation completes with connection_lost.
    void close();

    template <class Token>
    auto list(std::optional<std::string> provider, Token &&token) {
        return start<std::vector<Register>>([this, provider = std::move(provider)](auto done) { do_list(provider, std::move(done)); },
                                            std::forward<Token>(token));
    }
    template <class Token>
    auto read(std::string name, ReadOptions options, Token &&token) {
        return start<Reading>([this, name = std::move(name), options](auto done) { do_read(name, options, std::move(done)); },
                              std::forward<Token>(token));
    }
    template <class Token>
    auto read(std::string name, Token &&token) {
        return read(std::move(name), ReadOptions(), std::forward<Token>(token));
    }
    template <class Token>
    auto snapshot(std::vector<std::string> names, bool fresh, Token &&token) {
        return start<Snapshot>([this, names = std::move(names), fresh](auto done) { do_snapshot(names, fresh, std::move(done)); },
                               std::forward<Token>(token));
    }
    template <class Token>
    auto extend(std::string name, Digest digest, EventOptions event, Token &&token) {
        return start<Extended>([this, name = std::move(name), digest,
                                event = std::move(event)](auto done) { do_extend(name, digest, event, std::move(done)); },
                               std::forward<Token>(token));
    }
    template <class Token>
    auto extend(std::string name, Digest digest, Token &&token) {
        return extend(std::move(name), digest, EventOptions(), std::forward<Token>(token));
    }
    template <class Token>
    auto measure(std::string name, Bytes data, EventOptions event, Token &&token) {
        return start<Measured>([this, name = std::move(name), data = std::move(data),
                                event = std::move(event)](auto done) { do_measure(name, data, event, std::move(done)); },
                               std::forward<Token>(token));
    }
    template <class Token>
    auto measure(std::string name, Bytes data, Token &&token) {
        return measure(std::move(name), std::move(data), EventOptions(), std::forward<Token>(token));
    }
    template <class Token>
    auto measure_digest(std::string name, ContentDigest content, EventOptions event, Token &&token) {
        return start<Measured>([this, name = std::move(name), content,
                                event = std::move(event)](auto done) { do_measure_digest(name, content, event, std::move(done)); },
                               std::forward<Token>(token));
    }
    template <class Token>
    auto write(std::string name, Bytes value, Token &&token) {
        return start<std::int64_t>(
            [this, name = std::move(name), value = std::move(value)](auto done) { do_write(name, value, std::move(done)); },
            std::forward<Token>(token));
    }
    template <class Token>
    auto cap(std::string name, Token &&token) {
        return start<std::int64_t>([this, name = std::move(name)](auto done) { do_cap(name, std::move(done)); },
                                   std::forward<Token>(token));
    }
    // On a connection of its own: making a report can take long, and must hold up nothing.
    template <class Token>
    auto report(ReportData report_data, std::optional<std::string> provider, Token &&token) {
        return start<Report>(
            [this, report_data, provider = std::move(provider)](auto done) { do_report(report_data, provider, std::move(done)); },
            std::forward<Token>(token));
    }

    template <class Token>
    auto quote(ReportData report_data, QuoteOptions options, Token &&token) {
        return start<Quoted>(
            [this, report_data, options = std::move(options)](auto done) { do_quote(report_data, options, std::move(done)); },
            std::forward<Token>(token));
    }
    template <class Token>
    auto quote(ReportData report_data, Token &&token) {
        return quote(report_data, QuoteOptions(), std::forward<Token>(token));
    }

    template <class Token>
    auto evidence(ReportData report_data, QuoteOptions options, Token &&token) {
        return start<Evidence>(
            [this, report_data, options = std::move(options)](auto done) { do_evidence(report_data, options, std::move(done)); },
            std::forward<Token>(token));
    }
    template <class Token>
    auto evidence(ReportData report_data, Token &&token) {
        return evidence(report_data, QuoteOptions(), std::forward<Token>(token));
    }

    // Calls the handler with the present value of each register, then with each change, until it returns false, which completes the operation well.
    // On a connection of its own. The handler runs on the client's executor.
    template <class Token>
    auto watch(std::vector<std::string> names, Client::WatchHandler handler, Token &&token) {
        return start<void>([this, names = std::move(names),
                            handler = std::move(handler)](auto done) mutable { do_watch(names, std::move(handler), std::move(done)); },
                           std::forward<Token>(token));
    }

    // Calls the handler with each record from that number on (1: all) until it returns false; with follow also with those to come. On a connection of
    // its own, as the two below. The handlers run on the client's executor.
    template <class Token>
    auto records(std::int64_t from, bool follow, Client::RecordHandler handler, Token &&token) {
        return start<void>([this, from, follow, handler = std::move(handler)](
                               auto done) mutable { do_records(from, follow, std::move(handler), std::move(done)); },
                           std::forward<Token>(token));
    }
    // The log as a file, piece by piece, until the handler returns false. Formats: docs/log-formats.md.
    template <class Token>
    auto export_log(std::string format, Client::ChunkHandler handler, Token &&token) {
        return start<void>([this, format = std::move(format), handler = std::move(handler)](
                               auto done) mutable { do_export_log(format, std::move(handler), std::move(done)); },
                           std::forward<Token>(token));
    }
    template <class Token>
    auto replay(Token &&token) {
        return start<std::vector<ReplayResult>>([this](auto done) { do_replay(std::move(done)); }, std::forward<Token>(token));
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
                        boost::asio::dispatch(on, [handler = std::move(handler), result = std::move(result)]() mutable {
                            std::move(handler)(std::move(result));
                        });
                    }));
            },
            token);
    }

    [[nodiscard]] boost::asio::any_io_executor executor() const;
    void do_connect(Completion<void> done);
    void do_list(const std::optional<std::string> &provider, Completion<std::vector<Register>> done);
    void do_read(const std::string &name, const ReadOptions &options, Completion<Reading> done);
    void do_snapshot(const std::vector<std::string> &names, bool fresh, Completion<Snapshot> done);
    void do_extend(const std::string &name, const Digest &digest, const EventOptions &event, Completion<Extended> done);
    void do_measure(const std::string &name, ByteView data, const EventOptions &event, Completion<Measured> done);
    void do_measure_digest(const std::string &name, const ContentDigest &content, const EventOptions &event, Completion<Measured> done);
    void do_write(const std::string &name, ByteView value, Completion<std::int64_t> done);
    void do_cap(const std::string &name, Completion<std::int64_t> done);
    void do_report(const ReportData &report_data, const std::optional<std::string> &provider, Completion<Report> done);
    void do_quote(const ReportData &report_data, const QuoteOptions &options, Completion<Quoted> done);
    void do_evidence(const ReportData &report_data, const QuoteOptions &options, Completion<Evidence> done);
    void do_watch(const std::vector<std::string> &names, Client::WatchHandler handler, Completion<void> done);
    void do_records(std::int64_t from, bool follow, Client::RecordHandler handler, Completion<void> done);
    void do_export_log(const std::string &format, Client::ChunkHandler handler, Completion<void> done);
    void do_replay(Completion<std::vector<ReplayResult>> done);

    struct Connection;
    std::unique_ptr<Connection> connection_;
};

}  // namespace mr
