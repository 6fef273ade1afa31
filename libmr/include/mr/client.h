// mr::Client: one mrd, blocking. mr::AsyncClient (mr/async_client.h) is the same for programs with an event loop.
//
//     auto client = mr::Client::connect();
//     if (!client) return report(client.error());
//     auto reading = client->extend("tdx/rtmr3", digest);
//
// What mrd can be asked is in mr::calls, for both clients: a function there makes a call, call() of a client makes the call happen. mr::Client has each of
// them by its name, too. Needs no libcrypto.
//
// Calls are answered in their order. A client is for one thread at a time. After no_service, timed_out, connection_lost or protocol the connection is closed and
// every call on it returns connection_lost, until reconnect() is called (one that uses a connection of its own, see calls, makes a new one, and may succeed, and its errors are of that one alone): whether a
// call that got no answer took effect is for the caller to find out, not for a hidden retry.
//
// Interfaces: io.mrd.Registers, io.mrd.EventLog, io.mrd.Attestation, io.mrd.Devices and io.mrd.Service, as `varlinkctl introspect` prints them. Source of the protocol: varlink.org.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/bound_report_data.h"
#include "mr/bytes.h"
#include "mr/envelope.h"
#include "mr/error.h"
#include "mr/event_content.h"
#include "mr/event_log.h"
#include "mr/on_behalf_of.h"
#include "mr/registers.h"
#include "mr/report_options.h"
#include "mr/tdreport.h"

namespace varlink {
struct Reply;
}

namespace mr {

namespace wire {
enum class Operation : std::uint8_t;
}

inline constexpr std::string_view default_socket = "/run/mrd/io.mrd";

struct ClientOptions {
    // A path, "unix:/path" or "unix:@name". Empty: the environment's MRD_SOCKET, or default_socket.
    std::string socket = {};
    // Who mrd has to be, by his uid when he began to listen; asked of each connection before anything is said there. Whoever else listens there is no_service. Not
    // given: whoever listens at the socket.
    std::optional<std::vector<std::uint32_t>> trusted_servers = {};
    std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
    // For each call: until it is sent, and then for each of its answers. quote() and evidence() have their deadline on top of it; watch(), and records() with follow, wait
    // for answers without limit. milliseconds::max(): no limit. A call that timed out may still take effect, where it changes anything: the error's message says so.
    std::chrono::milliseconds call_timeout = std::chrono::seconds(45);
};

// The socket that options mean.
std::string socket_of(const ClientOptions &options);

// ---- What is asked, and answered
//
// on_behalf_of, here and below: for whom a program asks that others ask (mr/on_behalf_of.h). Errors: permission_denied, if one of both may not, or mrd does not take the
// program's word; invalid_parameter for ids that there cannot be. Each call has its own, so that calls for many users can share a connection.

struct ReadOptions {
    bool fresh = false;                           // reread the hardware
    std::optional<std::int64_t> generation = {};  // what write() returned: fail if somebody else wrote since
    std::optional<OnBehalfOf> on_behalf_of = {};
};

// What the log says of an extend. Only the digest is bound by the register: a description that matters is measured, in an envelope.
struct EventOptions {
    // TCG event type (TCG PC Client Platform Firmware Profile 1.06, table 27); mrd's default is EV_IPL. Not EV_NO_ACTION, which nobody replays.
    std::optional<std::uint32_t> type = {};
    std::optional<std::string> description = {};  // at most max_event_description bytes
    std::optional<Bytes> data = {};               // of extend(): at most max_event_data bytes. Of another call: invalid_argument
    // Makes the extend idempotent, across restarts of mrd too: the same event again with the same id, by the same user on the same register, is
    // answered with the first result; with another digest, type, description or data it is duplicate_event. At most 128 bytes; the last 256 ids of each user and
    // register are remembered.
    std::optional<std::string> id = {};
    // Of measure(): extends by the digest of an envelope (mr/envelope.h) that holds description and data, so that both are bound. Of
    // extend(): invalid_argument.
    bool envelope = false;
    // The id is then that user's.
    std::optional<OnBehalfOf> on_behalf_of = {};
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

// A register's value, at first and after each change.
struct Change {
    Reading reading;            // of one that is gone only the name
    bool gone = false;          // it has vanished, and may come back
    std::int64_t sequence = 0;  // the last extend it shows
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
    std::optional<std::int64_t> time = {};  // microseconds since the epoch; nothing: the firmware's log has none
    std::optional<EventCaller> caller = {};
    std::optional<std::string> id = {};
    EventOrigin origin = EventOrigin::service;
};

// What a register holds, against what the log leads to.
struct ReplayResult {
    std::string name;
    Digest replayed;                 // what the log leads to
    Digest actual;                   // what the register holds: reread for this
    bool equal = false;              // the same, and nobody else ever extended it
    bool ends_at_register = false;   // the same, perhaps over gaps
    std::vector<std::int64_t> gaps;  // sequence numbers of resyncs; 0: the log's start is unexplained
    bool unbound = false;            // nothing binds the register to this machine's hardware
};

// What keeps registers.
struct ProviderState {
    enum class Phase : std::uint8_t { starting, running, failed };

    std::string name;  // "tdx"
    std::string type;  // which kind of hardware it is
    Phase phase = Phase::starting;
    std::optional<std::string> reason = {};  // of failed
    bool simulated = false;                  // no hardware stands behind it: its values prove nothing
    bool unbound = false;                    // nothing binds it to this machine's hardware
};
std::string_view to_string(ProviderState::Phase phase);

// What the access rules say of one right (docs/access.md), and of these registers.
struct Permission {
    std::string right;                                       // "extend"
    std::optional<std::vector<std::string>> registers = {};  // nothing: all, or the right is about none
    std::optional<std::string> rule = {};                    // the rule that allows it; nothing: none does
    std::string why_not = {};                                // what is missing
    // Of "create", where a rule allows it:
    std::optional<std::vector<std::string>> on = {};  // patterns of the registers that may carry new ones; nothing: whatever can
    std::optional<std::int64_t> at_most = {};         // so many of one uid until the next boot
};
struct Permissions {
    std::int64_t uid = 0;
    std::vector<Permission> permissions;
};

struct ProviderCounters {
    std::string provider;
    std::int64_t reads = 0;
    std::int64_t cached_reads = 0;
    std::int64_t refreshes = 0;
    std::int64_t writes = 0;
};

struct Report {
    Bytes report;  // of a TD: a TDREPORT, 1024 bytes (mr/tdreport.h)
    std::string provider;
    bool simulated = false;  // it proves nothing
};

struct ReportVerdict {
    bool genuine = false;  // made by this very machine
    std::string reason;    // why not
};

struct QuoteOptions {
    std::optional<std::string> provider = {};                // where several make quotes
    ReportOptions report = {};                               // what the hardware does not know is not_supported, by its name on the wire
    std::optional<std::chrono::milliseconds> deadline = {};  // 1 ms to 10 minutes; mrd's default is 30 s. Then: quote_timeout
    std::optional<OnBehalfOf> on_behalf_of = {};
};

struct EvidenceOptions {
    std::vector<std::string> registers =
        {};  // virtual ones of one's own: the log has their events whole, of all others only what proves them; empty: all is whole
    std::vector<std::string> providers = {};  // whose quotes are its parts, at most 16, none twice; empty: all that make quotes
    std::optional<std::chrono::milliseconds> deadline = {};  // as of a quote
};

struct Quoted {
    Bytes quote;                          // of a TD: mr/quote.h
    std::optional<Bytes> auxiliary = {};  // what some hardware gives beside it: certificates
    std::optional<Bytes> manifest = {};   // of the services that were asked for
    std::string format;                   // "tdx_v4", "tdx_v5_td10", "tdx_v5_td15", "snp_report", "cca_token"
    std::string provider;
    bool simulated = false;  // it proves nothing
};

// What a verifier needs beside the simulator's quotes.
struct SimulatedCollateral {
    std::string json;      // as mr/collateral.h describes it
    std::string root_pem;  // the root that the quotes lead to
};

// ---- Devices that prove themselves (docs/devices.md)

struct DeviceBlock {
    std::int64_t index = 0;      // 1 to 254
    std::string type = {};       // "fw", "svn", ...: io.mrd.Devices has all
    bool is_raw = false;         // the value is what was measured; else it is a digest
    std::string algorithm = {};  // of a digest: "sha384"
    Bytes value = {};
    std::optional<std::string> register_name = {};  // the register that shows it
};

// The log of what a device's hash-extend blocks were extended with (MEL).
struct DeviceLog {
    std::int64_t entries = 0;
    bool holds = false;    // replayed it leads to these blocks
    std::string why = {};  // why it does not; else empty
};

// The report of a device's interface (TDISP) in the file that mrd's configuration names. Nothing signs it.
struct DeviceInterfaceReport {
    std::string digest = {};                // of the file, "sha384:HEX"; empty: it cannot be read
    std::int64_t ranges = 0;                // of MMIO
    std::vector<std::string> refused = {};  // the statements of mr/tdisp.h about it that do not hold under the strictest policy
    std::string why = {};                   // why it is no report; empty: it is one
};

// What was decided of one generation of a device.
struct DeviceVerdict {
    std::int64_t generation = 0;
    std::string policy_digest = {};  // "sha384:HEX"
    bool holds = false;              // the device is in that generation still
    std::string why = {};            // why it does not hold; else empty
    std::int64_t sequence = 0;       // of the event in the log
    std::int64_t uid = 0;            // of who accepted it
    std::int64_t time = 0;           // microseconds since the epoch
};

struct Device {
    std::string name;
    bool is_present = false;
    std::string reason = {};                      // why it is not; else empty
    std::optional<std::int64_t> generation = {};  // of one that is present
    std::string leaf = {};                        // digest of the leaf certificate, "sha384:HEX"; empty: it is not present
    bool is_accepted = false;                     // in this generation
};

// Texts are empty, and counts zero, where the device is not present.
struct DeviceDescription {
    Device device;
    std::string address;
    std::string transport;                             // "mctp", "doe"
    std::optional<std::string> pci_function = {};      // "0000:3b:00.0", as mrd's configuration says; nothing: it does not
    std::int64_t since = 0;                            // when the generation began, microseconds since the epoch
    std::string identity = {};                         // subject of the leaf certificate
    std::optional<std::string> pci = {};               // its alternative names: the PCI function
    std::optional<std::string> dmtf = {};              // maker:product:serial
    std::int64_t certificates = 0;                     // of the chain
    std::string root = {};                             // digest of the trusted root, "sha384:HEX"
    std::int64_t slot = 0;                             // whose key signs
    std::vector<std::int64_t> slots = {};              // that the device has
    std::string link = {};                             // what is known of the link's encryption
    std::string tdi = {};                              // and of the interface that is assigned
    std::optional<DeviceInterfaceReport> report = {};  // nothing: mrd's configuration names no file with one
    std::string version = {};                          // of SPDM, "1.2"
    std::string signature_algorithm = {};
    std::string hash = {};
    std::string measurement_hash = {};  // empty: all blocks are raw
    Bytes nonce = {};                   // of the last signature
    std::int64_t signed_at = 0;         // when it came
    bool value_is_fresh = false;        // it measures when it is asked; else a value is of its last reset
    std::vector<DeviceBlock> blocks = {};
    std::optional<DeviceLog> log = {};  // nothing: the device has none
    std::optional<DeviceVerdict> verdict = {};
};

// What JSON a reply was, for programs that pass it on.
struct RawReply {
    std::string json;  // the reply's parameters, an object
};

// ---- Calls

namespace detail {

struct CallMaker;

// What is asked for, for the words of a refusal.
struct Asked {
    std::optional<wire::Operation> operation = {};  // nothing: this library does not know the method
    std::string subject = {};                       // the register or provider that the call names
    bool may_change = true;                         // by what is known of the method: without an answer nobody can tell whether it did
};

// What is sent, and how.
struct Request {
    Asked asked = {};
    std::expected<std::string, Error> frame;  // error: invalid_argument, which the call then gives
    bool own_connection = false;
    bool more = false;
    std::chrono::milliseconds extra_time{};  // beyond the client's time-out; max(): no limit
};
// How long to wait for an answer.
std::chrono::milliseconds time_for(const ClientOptions &client, const Request &request);

}  // namespace detail

// A call that has not happened yet. It holds copies of its arguments, and can happen more than once.
template <class T>
class Call {
public:
    using Result = T;

private:
    friend class Client;
    friend class AsyncClient;
    friend struct detail::CallMaker;
    detail::Request request_;
    std::expected<T, Error> (*result_)(const varlink::Reply &reply, const detail::Asked &asked) = nullptr;
};

// One with many answers, each a T.
template <class T>
class StreamCall {
public:
    using Item = T;

private:
    friend class Client;
    friend class AsyncClient;
    friend struct detail::CallMaker;
    detail::Request request_;
    std::expected<std::optional<T>, Error> (*item_)(const varlink::Reply &reply, const detail::Asked &asked) =
        nullptr;  // nothing: an answer that says no more than that it is the last
};

// Every call can fail with no_service (mrd ended the connection before its first call: it has as many as it may have, or was started again since; nothing was
// done), timed_out, connection_lost and protocol; permission_denied, if the caller may not do this; method_not_implemented, if mrd is older than this library;
// remote, if it is newer; invalid_parameter, if a value is out of what is said here; invalid_argument, if a text is no UTF-8 or holds a NUL, or what is to be sent
// is longer than a call may be. Each says what else can be its error.
//
// A register that has vanished is no_such_register too, with RegisterGone as the name on the wire: it may come back, and nothing was done.
//
// So is a role that no register of this machine has, with NoRegisterForRole.
//
// Names of registers may be short, where that leaves one: "rtmr3" for "tdx/rtmr3"; or a role: "app" (docs/registers.md). Answers have the whole name.
//
// Those that can take long (report, quote, evidence, watch, records, export_log, replay) use a connection of their own, where they hold up nothing: they can also
// fail as Client::connect().
namespace calls {

// All registers, or those of one provider. Errors: no_such_register, if there is no such provider.
Call<std::vector<Register>> list(std::optional<std::string_view> provider = {}, const std::optional<OnBehalfOf> &on_behalf_of = {});

// Errors: no_such_register, not_readable, provider_failed (the hardware could not be reread); with fresh not_supported, where rereading would not show what others
// have extended; with a generation generation_mismatch, and invalid_parameter for a register that has none.
Call<Reading> read(std::string_view name, const ReadOptions &options = {});

// Several that belong together: nothing was extended between one reading and the next. All readable registers if no name is given; at most 1024 names. A reading for
// each name, in their order, by the register's own name: two names of one register have two. Errors: no_such_register, not_readable, provider_failed, with fresh
// not_supported as read(), busy (the registers change faster than they can be read).
Call<Snapshot> snapshot(const std::vector<std::string> &names = {}, bool fresh = false);

// new = H(old || digest). When it returns well the event is in the log. Errors: no_such_register, not_extensible, log_only, wrong_length, capped, indeterminate,
// duplicate_event, journal_full, journal_failed, provider_failed. Nothing was extended, except: journal_failed whose message says that the event has happened, and
// provider_failed whose parameters say "applied":"unknown".
Call<Extended> extend(std::string_view name, const Digest &digest, const EventOptions &event = {});

// Extends by the hash of data, of at most max_event_data bytes, which the log then holds. In an envelope it is base64, and the envelope has that limit: about 48 KiB
// (49 094 bytes without a description, into tdx/rtmr3). For more, hash it: extend(), or measure_digest(), which a log-only register takes too. Errors: as extend(),
// except log_only and wrong_length; invalid_argument for too much data; invalid_parameter for too large an envelope, and for data that begins like one.
Call<Measured> measure(std::string_view name, ByteView data, const EventOptions &event = {});

// Of content that the caller has hashed: always in an envelope. Errors: as extend(), except log_only and wrong_length.
Call<Measured> measure_digest(std::string_view name, const ContentDigest &content, const EventOptions &event = {});

// One last event; then the register takes no extend until the next boot. Gives the event's number. Errors: no_such_register, not_extensible, capped (already),
// indeterminate, journal_full, journal_failed, provider_failed; not_supported, of a virtual register, which close() ends.
Call<std::int64_t> cap(std::string_view name);

// Stores a value of exactly the register's size. Gives the generation of what was written. Errors: no_such_register, not_writable, wrong_length, provider_failed.
Call<std::int64_t> write(std::string_view name, ByteView value, const std::optional<OnBehalfOf> &on_behalf_of = {});

// A virtual register, "virtual/NAME", kept on the register `on`, which carries it: one that is owned and log-only. It is the caller's. NAME: 1 to
// max_virtual_register_name bytes. Errors: register_exists, also where the first of two calls came through and its answer was lost; too_many_registers;
// no_such_register, not_supported: `on` can carry none, and why; capped, busy, journal_full, journal_failed, provider_failed; permission_denied, also where the name is
// another's, or was in this boot; invalid_parameter for a name or hash that none can have.
Call<Register> create(std::string_view name, HashAlgorithm hash, std::string_view on);

// The virtual register's last event, whose number it gives: then it is there no more. Errors: no_such_register, also where it was closed before; capped,
// indeterminate, journal_full, journal_failed, provider_failed.
Call<std::int64_t> close(std::string_view name);

// What keeps the registers, also what does not run. Errors: none but those of every call.
Call<std::vector<ProviderState>> providers();

// Since mrd's start. Errors: none but those of every call.
Call<std::vector<ProviderCounters>> statistics();

// The object that docs/status.md describes. Errors: none but those of every call.
Call<RawReply> status();

// What one may do by mrd's access rules: without a uid whoever asks, as he is. Of another uid only who may repair is told; `groups`: those that it is in, at most
// max_asked_groups. Errors: permission_denied, for another uid; invalid_parameter for a uid or group that there cannot be.
Call<Permissions> access(std::optional<std::int64_t> uid = {}, const std::vector<std::int64_t> &groups = {});

// What mrd counts, as Prometheus reads it (text format 0.0.4); docs/status.md has each name. Errors: none but those of every call.
Call<std::string> metrics();

// How much mrd's log tells: "debug", "info", "warning" or "error". Sets it where one is given, until mrd ends. Errors: invalid_parameter for another.
Call<std::string> log_level(std::optional<std::string_view> level = {});

// The present value of each register (all, and those that come later: no name), then each change. Who does not keep up gets the latest value of each. Errors:
// no_such_register, not_readable, provider_failed, busy (as many registers are watched as may be); connection_lost when mrd ends.
StreamCall<Change> watch(const std::vector<std::string> &names = {});

// The records from that number on (1: all); with follow also those to come, without end. Errors: journal_failed.
// `of_register`: a virtual register of one's own; its events are whole, of all others there is only what proves them. Errors: invalid_parameter, where there is none of that
// name; permission_denied, where it is another's.
StreamCall<LogRecord> records(std::int64_t from = 1, bool follow = false, std::optional<std::string_view> of_register = {},
                              const std::optional<OnBehalfOf> &on_behalf_of = {});

// The log as a file, piece by piece. Formats: docs/log-formats.md. Errors: invalid_parameter for an unknown format, journal_failed; not_supported: no firmware left a log.
// `of_register`: as of records(); only with the format json.
StreamCall<Bytes> export_log(std::string_view format, std::optional<std::string_view> of_register = {},
                             const std::optional<OnBehalfOf> &on_behalf_of = {});

// Replays the log and compares it with the registers, reread for this. Errors: journal_failed, also where a register cannot be reread.
Call<std::vector<ReplayResult>> replay();

// Begins a new journal in the place of a damaged one: what the old file is called now; empty if it was gone. Errors: journal_failed, also if it is not damaged.
Call<std::string> repair();

// A report over these 64 bytes, whatever other clients do. Of a nonce: report_data_from() in mr/tdreport.h. Errors: invalid_argument, if all bytes are zero;
// no_such_provider, also if several could be meant; not_supported, provider_failed.
Call<Report> report(const ReportData &report_data, std::optional<std::string_view> provider = {},
                    const std::optional<OnBehalfOf> &on_behalf_of = {});

// Was the report made by this very machine? Errors: not_supported, provider_failed.
Call<ReportVerdict> verify_report(ByteView report);

// A quote over these 64 bytes and over the registers at a moment within the call, whatever other clients do. Errors: as report(), and quote_timeout,
// quote_unavailable, quote_failed, quote_invalid, busy.
Call<Quoted> quote(const ReportData &report_data, const QuoteOptions &options = {});
// A quote over what mrd makes of a binding. Errors: as quote(), and invalid_argument as fault_of() says.
Call<Quoted> bound_quote(const KeyBinding &binding, const QuoteOptions &options = {});

// A quote of each provider and the log that leads to what they sign, cut where the last of them was taken: what a verifier needs offline. The text is for
// parse_evidence() (mr/evidence.h). Errors: as quote(), and journal_failed, log_too_large; the parameters of an error of a quote name the provider.
Call<RawReply> evidence(const ReportData &report_data, const EvidenceOptions &options = {});
// Over what mrd makes of a binding. Errors: as evidence(), and invalid_argument as fault_of() says.
Call<RawReply> bound_evidence(const KeyBinding &binding, const EvidenceOptions &options = {});

// Errors: not_supported where the quotes are hardware's; no_such_provider, also where several simulate and none is named; provider_failed.
Call<SimulatedCollateral> collateral(std::optional<std::string_view> provider = {});

// Errors: none but those of every call.
Call<std::vector<Device>> devices();
// As it was known last; asks the device for nothing. Errors: no_such_device.
Call<DeviceDescription> device(std::string_view name);
// Asks the device for all its blocks, signed over this nonce of 32 bytes. The text is the file that docs/devices.md describes ("Evidence"). `deadline`: as of a quote.
// Errors: no_such_device, device_absent, device_failed, device_timeout, busy; invalid_parameter for another nonce.
Call<RawReply> device_evidence(std::string_view name, ByteView nonce, const std::optional<std::chrono::milliseconds> &deadline = {});
// Somebody has judged that generation of the device by the policy of that digest ("sha384:HEX"), and accepts it: the sequence number of the event. Errors: no_such_device,
// device_absent, generation_passed, not_measured; invalid_parameter for no digest.
Call<std::int64_t> accept_device(std::string_view name, std::int64_t generation, std::string_view policy_digest);

// Any method, with its parameters as JSON text, for programs that know the interface better than this library. Errors: invalid_argument for parameters that are
// no JSON object; those of the method.
Call<RawReply> any(std::string_view method, std::string_view parameters_json);
// Any method with several replies, on a connection of its own. Errors: as any().
StreamCall<RawReply> any_stream(std::string_view method, std::string_view parameters_json);

}  // namespace calls

class Client {
public:
    // Errors: no_service (nobody listens there, or none of trusted_servers), permission_denied, timed_out, invalid_argument (the socket's name).
    static std::expected<Client, Error> connect(ClientOptions options = {});

    Client(Client &&) noexcept;
    Client &operator=(Client &&) noexcept;
    ~Client();

    // Drops the connection and makes a new one. Errors: as connect().
    std::expected<void, Error> reconnect();

    // Errors: the call's.
    template <class T>
    std::expected<T, Error> call(const Call<T> &call) {
        std::optional<std::expected<T, Error>> result;
        const auto take = [&](const varlink::Reply &reply) -> std::expected<bool, Error> {
            result.emplace(call.result_(reply, call.request_.asked));
            if (!*result) return std::unexpected(result->error());
            return false;
        };
        if (auto done = perform(call.request_, take); !done) return std::unexpected(std::move(done.error()));
        return std::move(*result);
    }
    // Calls the handler with each answer until it returns false. Errors: the call's.
    template <class T, std::predicate<const T &> Handler>
    std::expected<void, Error> stream(const StreamCall<T> &call, const Handler &handler) {
        const auto take = [&](const varlink::Reply &reply) -> std::expected<bool, Error> {
            const auto item = call.item_(reply, call.request_.asked);
            if (!item) return std::unexpected(item.error());
            return !*item || handler(**item);
        };
        return perform(call.request_, take);
    }

    // ---- The calls by their names: as mr::calls describes them.

    template <class T>
    using Result = std::expected<T, Error>;

    Result<std::vector<Register>> list(std::optional<std::string_view> provider = {}, const std::optional<OnBehalfOf> &on_behalf_of = {}) {
        return call(calls::list(provider, on_behalf_of));
    }
    Result<Reading> read(std::string_view name, const ReadOptions &options = {}) { return call(calls::read(name, options)); }
    Result<Snapshot> snapshot(const std::vector<std::string> &names = {}, bool fresh = false) {
        return call(calls::snapshot(names, fresh));
    }
    Result<Extended> extend(std::string_view name, const Digest &digest, const EventOptions &event = {}) {
        return call(calls::extend(name, digest, event));
    }
    Result<Measured> measure(std::string_view name, ByteView data, const EventOptions &event = {}) {
        return call(calls::measure(name, data, event));
    }
    Result<Measured> measure_digest(std::string_view name, const ContentDigest &content, const EventOptions &event = {}) {
        return call(calls::measure_digest(name, content, event));
    }
    Result<std::int64_t> cap(std::string_view name) { return call(calls::cap(name)); }
    Result<std::int64_t> write(std::string_view name, ByteView value, const std::optional<OnBehalfOf> &on_behalf_of = {}) {
        return call(calls::write(name, value, on_behalf_of));
    }
    Result<Register> create(std::string_view name, HashAlgorithm hash, std::string_view on) { return call(calls::create(name, hash, on)); }
    Result<std::int64_t> close(std::string_view name) { return call(calls::close(name)); }
    Result<std::vector<ProviderState>> providers() { return call(calls::providers()); }
    Result<std::vector<ProviderCounters>> statistics() { return call(calls::statistics()); }
    Result<RawReply> status() { return call(calls::status()); }
    Result<Permissions> access(std::optional<std::int64_t> uid = {}, const std::vector<std::int64_t> &groups = {}) {
        return call(calls::access(uid, groups));
    }
    Result<std::string> metrics() { return call(calls::metrics()); }
    Result<std::string> log_level(std::optional<std::string_view> level = {}) { return call(calls::log_level(level)); }
    Result<std::vector<ReplayResult>> replay() { return call(calls::replay()); }
    Result<std::string> repair() { return call(calls::repair()); }
    Result<Report> report(const ReportData &report_data, std::optional<std::string_view> provider = {},
                          const std::optional<OnBehalfOf> &on_behalf_of = {}) {
        return call(calls::report(report_data, provider, on_behalf_of));
    }
    Result<ReportVerdict> verify_report(ByteView report) { return call(calls::verify_report(report)); }
    Result<Quoted> quote(const ReportData &report_data, const QuoteOptions &options = {}) {
        return call(calls::quote(report_data, options));
    }
    Result<Quoted> bound_quote(const KeyBinding &binding, const QuoteOptions &options = {}) {
        return call(calls::bound_quote(binding, options));
    }
    Result<RawReply> bound_evidence(const KeyBinding &binding, const EvidenceOptions &options = {}) {
        return call(calls::bound_evidence(binding, options));
    }
    Result<RawReply> evidence(const ReportData &report_data, const EvidenceOptions &options = {}) {
        return call(calls::evidence(report_data, options));
    }
    Result<SimulatedCollateral> collateral(std::optional<std::string_view> provider = {}) { return call(calls::collateral(provider)); }

    Result<std::vector<Device>> devices() { return call(calls::devices()); }
    Result<DeviceDescription> device(std::string_view name) { return call(calls::device(name)); }
    Result<RawReply> device_evidence(std::string_view name, ByteView nonce, const std::optional<std::chrono::milliseconds> &deadline = {}) {
        return call(calls::device_evidence(name, nonce, deadline));
    }
    Result<std::int64_t> accept_device(std::string_view name, std::int64_t generation, std::string_view policy_digest) {
        return call(calls::accept_device(name, generation, policy_digest));
    }

    Result<RawReply> call(std::string_view method, std::string_view parameters_json) { return call(calls::any(method, parameters_json)); }

    template <std::predicate<const Change &> Handler>
    Result<void> watch(const std::vector<std::string> &names, const Handler &handler) {
        return stream(calls::watch(names), handler);
    }
    template <std::predicate<const LogRecord &> Handler>
    Result<void> records(std::int64_t from, bool follow, const Handler &handler, std::optional<std::string_view> of_register = {},
                         const std::optional<OnBehalfOf> &on_behalf_of = {}) {
        return stream(calls::records(from, follow, of_register, on_behalf_of), handler);
    }
    template <std::predicate<const Bytes &> Handler>
    Result<void> export_log(std::string_view format, const Handler &handler, std::optional<std::string_view> of_register = {},
                            const std::optional<OnBehalfOf> &on_behalf_of = {}) {
        return stream(calls::export_log(format, of_register, on_behalf_of), handler);
    }

private:
    struct Connection;
    explicit Client(ClientOptions options, std::unique_ptr<Connection> connection);

    // Gives `take` each reply, until it wants no more or there is none.
    using Take = std::function<std::expected<bool, Error>(const varlink::Reply &reply)>;
    std::expected<void, Error> perform(const detail::Request &request, const Take &take);

    ClientOptions options_;
    std::unique_ptr<Connection> connection_;
};

}  // namespace mr
