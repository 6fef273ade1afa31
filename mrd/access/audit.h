// What clients have changed, in mrd's log: a record for each change, with who made it and the rule that let him. Of each share so many that no client fills the system's
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

    static constexpr std::int64_t records_at_once = 64;          // of one share
    static constexpr std::chrono::seconds time_for_a_record{1};  // it may have another one each time this has passed

    // Nothing: it is not to be written. Otherwise how many of the share's were not since the last that was. `share`: as AccessRules has it, so there are few.
    std::optional<std::int64_t> take(uid_t share, TimePoint now);

    // One that is not written whatever the shares are, as where the log's level leaves it out.
    void leave_out() { ++unwritten_; }

    [[nodiscard]] std::int64_t unwritten() const { return unwritten_; }  // since the start

private:
    struct Share {
        TimePoint since = {};
        std::int64_t records = 0;  // that count against records_at_once
        std::int64_t unwritten = 0;
    };

    std::map<uid_t, Share> shares_;
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
    // It has been made, by a client of this share.
    void tell(const Change &change, const mr::EventCaller &caller, uid_t share);

    [[nodiscard]] std::int64_t unwritten() const { return shares_.unwritten(); }

private:
    Kinds kinds_ = every();
    AuditShares shares_;
};

}  // namespace mrd
