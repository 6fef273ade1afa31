// mrd, as many threads ask it: a connection for each call that is under way, a bounded wait for each answer, and what becomes of a call when mrd is started anew
// under it. The one place that makes calls for a caller.
//
// A call that only asks is made again where its connection broke. An extend is made again too, with the same id, by which mrd does it once.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "mr/client.h"
#include "mrfs/caller.h"

namespace mrfs {

// Of whatever is not a quote.
inline constexpr auto call_timeout = std::chrono::seconds(15);
// Of what there is, which whoever looks for a file waits for: an mrd that hangs holds up no mkdir longer.
inline constexpr auto inventory_timeout = std::chrono::seconds(5);
inline constexpr auto connect_timeout = std::chrono::seconds(2);
inline constexpr auto quote_deadline = std::chrono::seconds(30);
// How long mrd may be away after it was last heard of: a restart. Who asks meanwhile waits; later it is an error at once. A call whose connection breaks again and again goes on no longer
// than that, though others are answered: mrd closes a connection that it has no place for.
inline constexpr auto restart_patience = std::chrono::seconds(5);
inline constexpr std::size_t max_idle_connections = 32;

class Service {
public:
    // `for_callers`: mrd is told for whom each call is, and it counts as that user's. Otherwise all calls are this process's own.
    Service(std::string socket, bool for_callers);

    [[nodiscard]] bool is_for_callers() const { return for_callers_; }
    // All that are idle.
    void close_connections();
    // A number that changes when a connection has broken: what was known of mrd before it may be of another life of it.
    [[nodiscard]] std::uint64_t life() const { return life_; }

    template <class T>
    using Result = std::expected<T, mr::Error>;

    // mrfs's own, for what there is.
    Result<std::vector<mr::Register>> list();
    // Those that the caller may list. Error: permission_denied: none, or mrd does not take mrfs's word for whom it asks.
    Result<std::vector<mr::Register>> list_for(const Caller &caller);
    // Those that the caller has or may use.
    Result<std::vector<mr::Register>> list_virtual(const Caller &caller);
    // mrfs's own, too: the values, and the number of the last event that they show.
    Result<mr::Snapshot> snapshot(const std::vector<std::string> &names);
    Result<mr::Bytes> read(const Caller &caller, const std::string &name);
    // Error: io, where nobody can tell whether it happened.
    Result<void> extend(const Caller &caller, const std::string &name, mr::ByteView digest);
    Result<mr::Bytes> report(const Caller &caller, const mr::ReportData &data, const std::string &provider);
    Result<mr::Quoted> quote(const Caller &caller, const mr::ReportData &data, const mr::ReportOptions &options,
                             const std::string &provider);
    // The lowest level that a report of SEV-SNP can be for on this machine, which is what one says that was asked for without any. Error: protocol: it was no such report.
    Result<std::uint32_t> privlevel_floor(const Caller &caller, const std::string &provider);
    // May he have a quote, by the rules as they are now? Error: permission_denied, or why nobody can tell. None is made.
    Result<void> may_quote(const Caller &caller, const std::string &provider);
    // And may he have the log?
    Result<void> may_log(const Caller &caller);
    // The whole log, as long as `take` wants more of it.
    Result<void> export_log(const Caller &caller, const std::string &format, const std::function<bool(const mr::Bytes &)> &take);

private:
    enum class Patience : std::uint8_t { none, for_a_restart };
    struct Outcome {
        bool is_unknown = false;  // it was sent, and was not answered
    };

    // Idle ones, and how others are made.
    struct Connections {
        mr::ClientOptions options;
        std::vector<mr::Client> idle = {};
    };
    Result<mr::Client> take_connection(Connections &connections);
    void give_back(Connections &connections, mr::Client client);
    // `failed`: when this call did first; the first time that is now.
    [[nodiscard]] bool is_worth_waiting(std::optional<std::chrono::steady_clock::time_point> &failed) const;

    // `call`: Client & -> expected<T, Error>.
    template <class Call>
    auto make(Connections &connections, const Call &call, Patience patience, Outcome *outcome = nullptr)
        -> decltype(call(std::declval<mr::Client &>()));
    template <class Call>
    auto make(const Call &call, Patience patience, Outcome *outcome = nullptr) {
        return make(calls_, call, patience, outcome);
    }

    [[nodiscard]] std::optional<mr::OnBehalfOf> on_behalf_of(const Caller &caller) const;

    bool for_callers_;
    std::atomic<std::uint64_t> life_ = 0;
    std::atomic<std::chrono::steady_clock::rep> last_heard_of_ = 0;
    std::mutex mutex_;  // of what is idle
    Connections calls_;
    Connections inventory_;
};

}  // namespace mrfs
