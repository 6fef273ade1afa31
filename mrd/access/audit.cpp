#include "mrd/access/audit.h"

#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace mrd {

namespace {

std::string_view text_of(log::Kind kind) {
    switch (kind) {
    case log::Kind::extend: return "a register was extended";
    case log::Kind::cap: return "a register was capped";
    case log::Kind::create: return "a register was created";
    case log::Kind::write: return "a register was written";
    default: return "the journal was repaired, as was asked";
    }
}

}  // namespace

// ---- Which records are written

void AuditShares::refill(Share &share, TimePoint now) {
    const auto more = (now - share.since) / time_for_a_record;
    if (more <= 0) return;
    share.records = more >= share.records ? 0 : share.records - more;
    share.since = now;
}

AuditShares::Share &AuditShares::share_of(uid_t uid, TimePoint now) {
    if (const auto known = shares_.find(uid); known != shares_.end()) return known->second;
    if (shares_.size() == max_uids) {
        // Whose share is whole has nothing to remember.
        for (auto each = shares_.begin(); each != shares_.end();) {
            refill(each->second, now);
            each = each->second.records == 0 ? shares_.erase(each) : std::next(each);
        }
    }
    return shares_.size() == max_uids ? others_ : shares_[uid];
}

std::optional<std::int64_t> AuditShares::take(uid_t uid, TimePoint now) {
    auto &share = share_of(uid, now);
    refill(share, now);
    if (share.records == records_at_once) {
        ++share.unwritten;
        ++unwritten_;
        return std::nullopt;
    }
    ++share.records;
    return std::exchange(share.unwritten, 0);
}

// ---- What they say

Audit::Kinds Audit::every() {
    Kinds kinds;
    for (const auto kind : all) kinds.set(static_cast<std::size_t>(kind));
    return kinds;
}

void Audit::tell(const Change &change, const mr::EventCaller &caller) {
    if (!kinds_.test(static_cast<std::size_t>(change.kind))) return;
    const auto unwritten = shares_.take(static_cast<uid_t>(caller.uid), AuditShares::TimePoint::clock::now());
    if (!unwritten) return;
    const auto sequence = std::to_string(change.sequence);
    const auto uid = std::to_string(caller.uid);
    const auto pid = std::to_string(caller.pid);
    const auto untold = std::to_string(*unwritten);
    std::vector<log::Field> fields{{"method", change.method}};
    if (!change.reg.empty()) fields.emplace_back("register", change.reg);
    if (change.sequence > 0) fields.emplace_back("sequence", sequence);
    if (!change.id.empty()) fields.emplace_back("id", change.id);
    fields.insert(fields.end(), {{"uid", uid}, {"pid", pid}});
    if (caller.executable) fields.emplace_back("executable", *caller.executable);
    if (caller.unit) fields.emplace_back("unit", *caller.unit);
    if (caller.rule) fields.emplace_back("rule", *caller.rule);
    if (*unwritten > 0) fields.emplace_back("untold", untold);
    log::write(log::Level::info, change.kind, text_of(change.kind), fields);
}

}  // namespace mrd
