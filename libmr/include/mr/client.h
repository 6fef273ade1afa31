// mr::Client: one mrd, blocking. mr::AsyncClient (mr/async_client.h) is the same for programs with an event loop.
//
//     auto client = mr::Client::connect();
//     if (!client) return report(client.error());
//     auto reading = client->extend("tdx/rtmr3", digest);
//
// Calls are answered in their order. A client is for one thread at a time. Calls that can take long (quote, evidence, watch, records, export_log) use a connection of their
// own, so that they hold up nothing. After no_service, timed_out, connection_lost or protocol the connection is closed and every call returns
// connection_lost, until reconnect() is called: whether a call that got no answer took effect is for the caller to find out, not for a hidden
// retry.
//
// Interfaces: io.mrd.Registers, io.mrd.EventLog and io.mrd.Attestation, as `varlinkctl introspect` prints them.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/envelope.h"
#include "mr/error.h"
#include "mr/event_content.h"
#include "mr/event_log.h"
#include "mr/evidence.h"
#include "mr/registers.h"
#include "mr/tdreport.h"

namespace mr {

inline constexpr std::string_view default_socket = "/run/mrd/io.mrd";

struct ClientOptions {
    // A path, "unix:/path" or "unix:@name". Empty: the environment's MRD_SOCKET, or default_socket.
    std::string socket = {};
    std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
    // For each call. milliseconds::max(): no limit. A call that timed out may still take effect.
    std::chrono::milliseconds call_timeout = std::chrono::seconds(45);
};

// The socket that options mean.
std::string socket_of(const ClientOptions &options);

struct ReadOptions {
    bool fresh = false;                           // reread the hardware
    std::optional<std::int64_t> generation = {};  // what write() returned: fail if somebody else wrote since
};

// What the log says of an extend. Only the digest is bound by the register: a description that matters is measured, in an envelope.
struct EventOptions {
    std::optional<std::uint32_t> type = {};       // TCG event type; mrd's default is EV_IPL. Not EV_NO_ACTION, which nobody replays
    std::optional<std::string> description = {};  // at most max_event_description bytes
    std::optional<Bytes> data = {};               // of extend(): at most 64 KiB
    // Makes the extend idempotent, across restarts of mrd too: the same id and digest again, by the same user on the same register, is answered with
    // the first result; with another digest it is duplicate_event. At most 128 bytes; the last 256 ids of each user and register are remembered.
    std::optional<std::string> id = {};
    // Of measure(): extends by the digest of an envelope (mr/envelope.h) that holds description and data, so that both are bound.
    bool envelope = false;
};

struct Extended {
    Reading reading;            // the register after the extend
    std::int64_t sequence = 0;  // the extend's number
};

struct Measured {
    Reading reading;
    Digest digest;  // what was extended
    std::int64_t sequence = 0;
};

struct Snapshot {
    std::vector<Reading> readings;
    std::int64_t sequence = 0;  // the last extend they show
};

// One event of the log, as io.mrd.EventLog.Records tells it.
struct LogRecord {
    std::int64_t sequence = 0;  // 1, 2, ...
    std::string name;           // empty for one that extends nothing
    Bytes digest;
    std::uint32_t type = 0;
    std::optional<std::string> description = {};
    std::optional<Bytes> data = {};
    Binding binding = Binding::described;
    std::optional<std::int64_t> time = {};  // microseconds since the epoch
    std::optional<EventCaller> caller = {};
    std::optional<std::string> id = {};
    EventOrigin origin = EventOrigin::service;
};

// What a register holds, against what the log leads to.
struct ReplayResult {
    std::string name;
    Digest replayed;
    Digest actual;                   // reread for this
    bool equal = false;              // the same, and nobody else ever extended it
    bool ends_at_register = false;   // the same, perhaps over gaps
    std::vector<std::int64_t> gaps;  // sequence numbers of resyncs; 0: the log's start is unexplained
};

struct ProviderCounters {
    std::string provider;
    std::int64_t reads = 0;
    std::int64_t cached_reads = 0;
    std::int64_t refreshes = 0;
    std::int64_t writes = 0;
};

struct Report {
    Bytes report;  // a TDREPORT from provider "tdx"
    std::string provider;
    bool simulated = false;  // it proves nothing
};

struct ReportVerdict {
    bool genuine = false;  // made by this very machine
    std::string reason;    // why not
};

struct QuoteOptions {
    std::optional<std::string> provider = {};                // where several make quotes
    std::optional<std::int64_t> privilege_level = {};        // of hardware that has such levels; else not_supported
    std::optional<std::chrono::milliseconds> deadline = {};  // 1 ms to 10 minutes; mrd's default is 30 s. Then: quote_timeout
};

struct Quoted {
    Bytes quote;                          // of a TD: mr/quote.h
    std::optional<Bytes> auxiliary = {};  // what some hardware gives beside it: certificates
    std::string format;                   // "tdx_v4", "tdx_v5_td10", "tdx_v5_td15"
    std::string provider;
    bool simulated = false;  // it proves nothing
};

// What a verifier needs beside the simulator's quotes.
struct SimulatedCollateral {
    std::string json;      // as mr/collateral.h describes it
    std::string root_pem;  // the root that the quotes lead to
};

// What JSON a reply was, for programs that pass it on.
struct RawReply {
    std::string json;  // the reply's parameters, an object
};

class Client {
public:
    // Error: no_service, permission_denied, timed_out, invalid_argument (the socket's name).
    static std::expected<Client, Error> connect(ClientOptions options = {});

    Client(Client &&) noexcept;
    Client &operator=(Client &&) noexcept;
    ~Client();

    // Drops the connection and makes a new one. Error: as connect().
    std::expected<void, Error> reconnect();

    // Every call's errors: the refusals of mrd (mr/error.h), timed_out, connection_lost, protocol.

    std::expected<std::vector<Register>, Error> list(std::optional<std::string_view> provider = {});
    std::expected<Reading, Error> read(std::string_view name, const ReadOptions &options = {});
    // All readable registers if no name is given.
    std::expected<Snapshot, Error> snapshot(const std::vector<std::string> &names = {}, bool fresh = false);

    // new = H(old || digest).
    std::expected<Extended, Error> extend(std::string_view name, const Digest &digest, const EventOptions &event = {});
    // Extends by the hash of data, of at most 64 KiB, which the log then holds. For more, hash it here and extend(), which a log-only register does not
    // allow.
    std::expected<Measured, Error> measure(std::string_view name, ByteView data, const EventOptions &event = {});

    // Of content that the caller has hashed: always in an envelope.
    std::expected<Measured, Error> measure_digest(std::string_view name, const ContentDigest &content, const EventOptions &event = {});

    // One last event; then the register takes no extend until the next boot. Returns the event's number.
    std::expected<std::int64_t, Error> cap(std::string_view name);

    // Returns the generation of what was written.
    std::expected<std::int64_t, Error> write(std::string_view name, ByteView value);

    // A report over these 64 bytes, whatever other clients do. Of a nonce: report_data_from() in mr/tdreport.h. Error: also invalid_argument, if all bytes
    // are zero.
    std::expected<Report, Error> report(const ReportData &report_data, std::optional<std::string_view> provider = {});
    std::expected<ReportVerdict, Error> verify_report(ByteView report);

    // A quote over these 64 bytes and over the registers at a moment within the call, whatever other clients do. Uses a connection of its own.
    // Errors: also quote_timeout, quote_unavailable, quote_failed, quote_invalid, busy; invalid_argument as report().
    std::expected<Quoted, Error> quote(const ReportData &report_data, const QuoteOptions &options = {});
    // A quote and the log that leads to what it signs, cut where it was taken: what a verifier needs offline (mr/verify.h). Uses a connection of its own.
    // Errors: as quote(), and journal_failed, log_too_large.
    std::expected<Evidence, Error> evidence(const ReportData &report_data, const QuoteOptions &options = {});
    // Error: not_supported where the quotes are hardware's.
    std::expected<SimulatedCollateral, Error> collateral();

    std::expected<std::vector<ProviderCounters>, Error> statistics();
    std::expected<RawReply, Error> status();

    // Called with the present value of each register, then with each change, until it returns false. Uses a connection of its own.
    // Error: also when mrd ends.
    using WatchHandler = std::function<bool(const Reading &reading, std::int64_t sequence)>;
    std::expected<void, Error> watch(const std::vector<std::string> &names, const WatchHandler &handler);

    // Called with each record from that number on (1: all) until it returns false; with follow also with those to come. Uses a connection of its own.
    using RecordHandler = std::function<bool(const LogRecord &record)>;
    std::expected<void, Error> records(std::int64_t from, bool follow, const RecordHandler &handler);

    // The log as a file, piece by piece, until the handler returns false. Formats: docs/log-formats.md. Uses a connection of its own.
    using ChunkHandler = std::function<bool(ByteView chunk)>;
    std::expected<void, Error> export_log(std::string_view format, const ChunkHandler &handler);

    std::expected<std::vector<ReplayResult>, Error> replay();

    // Begins a new journal in the place of a damaged one: what the old file is called now.
    std::expected<std::string, Error> repair();

    // Any method with several replies, on a connection of its own, until the handler returns false.
    using RawHandler = std::function<bool(const RawReply &reply)>;
    std::expected<void, Error> stream_calls(std::string_view method, std::string_view parameters_json, const RawHandler &handler);

    // Any method, with its parameters as JSON text, for programs that know the interface better than this library.
    std::expected<RawReply, Error> call(std::string_view method, std::string_view parameters_json);

private:
    struct Connection;
    template <class Parameters, class Handler>
    std::expected<void, Error> stream(std::string_view method, const Parameters &parameters, std::chrono::milliseconds timeout,
                                      const Handler &handler);
    explicit Client(ClientOptions options, std::unique_ptr<Connection> connection);

    ClientOptions options_;
    std::unique_ptr<Connection> connection_;
};

}  // namespace mr
