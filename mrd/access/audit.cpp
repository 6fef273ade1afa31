#include "mrd/access/audit.h"

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

std::optional<std::int64_t> AuditShares::take(uid_t share, TimePoint now) {
    auto &own = shares_[share];
    if (const auto more = (now - own.since) / time_for_a_record; more > 0) {
        own.records = more >= own.records ? 0 : own.records - more;
        own.since = now;
    }
    if (own.records == records_at_once) {
        ++own.unwritten;
        ++unwritten_;
        return std::nullopt;
    }
    ++own.records;
    return std::exchange(own.unwritten, 0);
}

// ---- What they say

Audit::Kinds Audit::every() {
    Kinds kinds;
    for (const auto kind : all) kinds.set(static_cast<std::size_t>(kind));
    return kinds;
}

void Audit::tell(const Change &change, const mr::EventCaller &caller, uid_t share) {
    if (!kinds_.test(static_cast<std::size_t>(change.kind))) return;
    if (!log::is_told(log::Level::info)) return shares_.leave_out();
    const auto unwritten = shares_.take(share, AuditShares::TimePoint::clock::now());
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
    const auto other_uid = caller.on_behalf_of ? std::to_string(caller.on_behalf_of->uid) : "";
    const auto other_gid = caller.on_behalf_of ? std::to_string(caller.on_behalf_of->gid) : "";
    const auto other_pid = caller.on_behalf_of ? std::to_string(caller.on_behalf_of->pid) : "";
    if (caller.on_behalf_of) fields.insert(fields.end(), {{"for_uid", other_uid}, {"for_gid", other_gid}, {"for_pid", other_pid}});
    if (caller.executable) fields.emplace_back("executable", *caller.executable);
    if (caller.unit) fields.emplace_back("unit", *caller.unit);
    if (caller.rule) fields.emplace_back("rule", *caller.rule);
    if (*unwritten > 0) fields.emplace_back("untold", untold);
    log::write(log::Level::info, change.kind, text_of(change.kind), fields);
}

}  // namespace mrd
