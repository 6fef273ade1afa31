// What clients have changed, in mrd's log: a record for each change, with who made it and the rule that let him. Of each uid so many that no client fills the system's
// journal; what mrd's own log has of them is complete (docs/event-log.md).
#pragma once

#include <sys/types.h>

#include <array>
#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "mr/event_log.h"
#include "mrd/log.h"

namespace mrd {

// Decides which records are written. No clock: a test steps it.
class AuditShares {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    static constexpr std::int64_t records_at_once = 64;          // of one uid
    static constexpr std::chrono::seconds time_for_a_record{1};  // it may have another one each time this has passed
    static constexpr std::size_t max_uids = 64;                  // with a share of their own; the others have one together

    // Nothing: it is not to be written. Otherwise how many of the share's were not since the last that was.
    std::optional<std::int64_t> take(uid_t uid, TimePoint now);

    [[nodiscard]] std::int64_t unwritten() const { return unwritten_; }  // since the start

private:
    struct Share {
        TimePoint since = {};
        std::int64_t records = 0;  // that count against records_at_once
        std::int64_t unwritten = 0;
    };
    Share &share_of(uid_t uid, TimePoint now);
    static void refill(Share &share, TimePoint now);

    std::map<uid_t, Share> shares_;
    Share others_;
    std::int64_t unwritten_ = 0;
};

class Audit {
public:
    using Kinds = std::bitset<log::kinds>;
    // Those that there are to choose from: extend (Measure too), cap, create, write, repair.
    static constexpr std::array all{log::Kind::extend, log::Kind::cap, log::Kind::create, log::Kind::write, log::Kind::repair};

    static Kinds every();

    void set_kinds(Kinds kinds) { kinds_ = kinds; }

    struct Change {
        log::Kind kind;
        std::string_view method;    // its name without the interface's
        std::string_view reg = {};  // empty: it is about none
        std::int64_t sequence = 0;  // of the event; 0: it made none
        std::string_view id = {};   // the event's
    };
    // It has been made.
    void tell(const Change &change, const mr::EventCaller &caller);

    [[nodiscard]] std::int64_t unwritten() const { return shares_.unwritten(); }

private:
    Kinds kinds_ = every();
    AuditShares shares_;
};

}  // namespace mrd
