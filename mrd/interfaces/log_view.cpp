#include "mrd/interfaces/log_view.h"

#include "mrd/evidence/log_cut.h"

namespace mrd {

namespace {

RegisterName register_of(const mr::Event &event) {
    const std::string name(event.name.substr(0, event.name.find(':')));
    if (name.size() < event.name.size()) return {name, std::string(event.name)};
    const auto algorithm = event.digests.size() == 1 ? mr::hash_algorithm_from_tcg(event.digests.front().algorithm_id) : std::nullopt;
    return {name, algorithm ? name + ":" + std::string(mr::to_string(*algorithm)) : std::string()};
}

}  // namespace

bool LogView::sees(const mr::Event &event) {
    if (rules_ != caller_.access().changes()) {
        rules_ = caller_.access().changes();
        sees_.clear();
        now_.reset();
    }
    const auto known = sees_.find(event.name);
    if (known != sees_.end()) return known->second;
    if (!now_) now_ = caller_.now();
    return sees_.emplace(event.name, now_->sees_contents(register_of(event))).first->second;
}

const mr::Event &LogView::shown(const mr::Event &event) {
    if (tenant_) return tenant_->shown(event);
    if (sees(event)) return event;
    redacted_ = event;
    if (!replay_needs_data(event)) redacted_.data.reset();
    redacted_.description.reset();
    redacted_.caller.reset();
    redacted_.id.reset();
    return redacted_;
}

}  // namespace mrd
