#include "mrd/interfaces/log_view.h"

#include "mrd/evidence/log_cut.h"
#include "mrd/interfaces/known_register.h"

namespace mrd {

namespace {

// Of one that is not there, no more than its name is known.
KnownRegister register_named_in(const mr::Event &event, const Access &access) {
    RegisterName reg{.name = std::string(event.name.substr(0, event.name.find(':')))};
    const auto algorithm = event.digests.size() == 1 ? mr::hash_algorithm_from_tcg(event.digests.front().algorithm_id) : std::nullopt;
    if (reg.name.size() < event.name.size()) {
        reg.with_bank = event.name;
    } else if (algorithm) {
        reg.with_bank = reg.name + ":" + std::string(mr::to_string(*algorithm));
    }
    if (auto there = access.find(reg.with_bank.empty() ? reg.name : reg.with_bank)) return *std::move(there);
    return {.name = std::move(reg)};
}

}  // namespace

void LogView::judge_again() {
    if (std::exchange(rules_, caller_.access().changes()) == caller_.access().changes()) return;
    sees_.clear();
    now_.reset();
    if (tenant_) tenant_->judge(*caller_.now());
}

bool LogView::sees(const mr::Event &event) {
    const auto known = sees_.find(event.name);
    if (known != sees_.end()) return known->second;
    if (!now_) now_ = caller_.now();
    return sees_.emplace(event.name, now_->sees_contents(register_named_in(event, caller_.access()))).first->second;
}

const mr::Event &LogView::shown(const mr::Event &event) {
    judge_again();
    if (tenant_) return tenant_->shown(event, &caller_);
    if (sees(event)) return event;
    redacted_ = event;
    if (!replay_needs_data(event)) redacted_.data.reset();
    redacted_.description.reset();
    redacted_.caller.reset();
    redacted_.id.reset();
    return redacted_;
}

}  // namespace mrd
