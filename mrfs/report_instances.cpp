#include "mrfs/report_instances.h"

#include <algorithm>
#include <cerrno>

#include "mrfs/user_shares.h"

namespace mrfs {

std::expected<ReportInstances::Number, int> ReportInstances::make(std::string_view name, const Caller &creator, mode_t mode, Time now,
                                                                  const ReportMaker &maker) {
    if (names_.contains(name)) return std::unexpected(EEXIST);
    const auto own = static_cast<std::size_t>(
        std::ranges::count_if(instances_, [&](const auto &each) { return share_of(each.second.creator.uid) == share_of(creator.uid); }));
    if (own >= max_instances_of_a_user && !reap(&creator, now)) return std::unexpected(EDQUOT);
    const auto most = creator.uid == 0 ? max_instances : max_instances - instances_for_root;
    if (instances_.size() >= most && !reap(nullptr, now)) return std::unexpected(ENOSPC);
    const auto number = ++last_;
    instances_.emplace(
        number,
        Instance{.name = std::string(name), .creator = creator, .mode = mode & 07777, .last_used = now, .report = ReportInstance(maker)});
    names_.emplace(name, number);
    return number;
}

std::expected<void, int> ReportInstances::remove(std::string_view name, const Caller &caller) {
    const auto found = names_.find(name);
    if (found == names_.end()) return std::unexpected(ENOENT);
    if (instances_.at(found->second).creator.uid != caller.uid) return std::unexpected(EACCES);
    instances_.erase(found->second);
    names_.erase(found);
    return {};
}

ReportInstances::Instance *ReportInstances::find(Number number) {
    const auto found = instances_.find(number);
    return found == instances_.end() ? nullptr : &found->second;
}

const ReportInstances::Instance *ReportInstances::find(Number number) const {
    const auto found = instances_.find(number);
    return found == instances_.end() ? nullptr : &found->second;
}

std::expected<ReportInstances::Number, int> ReportInstances::find(std::string_view name) const {
    const auto found = names_.find(name);
    if (found == names_.end()) return std::unexpected(ENOENT);
    return found->second;
}

void ReportInstances::opened(Number number, Time now) {
    if (auto *instance = find(number)) {
        ++instance->open_files;
        instance->last_used = now;
    }
}

void ReportInstances::closed(Number number, Time now) {
    if (auto *instance = find(number)) {
        --instance->open_files;
        instance->last_used = now;
    }
}

// The one that was not used for the longest time.
bool ReportInstances::reap(const Caller *of, Time now) {
    const Instance *oldest = nullptr;
    for (const auto &[number, instance] : instances_) {
        if (of != nullptr ? share_of(instance.creator.uid) != share_of(of->uid) : instance.creator.uid == 0) continue;
        if (instance.open_files != 0 || now - instance.last_used < abandoned_after) continue;
        if (oldest == nullptr || instance.last_used < oldest->last_used) oldest = &instance;
    }
    if (oldest == nullptr) return false;
    const auto named = names_.find(oldest->name);
    const auto number = named->second;
    names_.erase(named);
    instances_.erase(number);
    return true;
}

}  // namespace mrfs
