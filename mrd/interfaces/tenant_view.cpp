#include "mrd/interfaces/tenant_view.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "mr/limits.h"
#include "mrd/interfaces/known_register.h"

namespace mrd {

namespace {

// mrd alone writes envelopes, and none into what was there before it.
std::optional<mr::Envelope> envelope_of(const mr::Event &event) {
    if (event.origin != mr::EventOrigin::service || !event.data || mr::envelope_form(*event.data) != mr::EnvelopeForm::whole) return {};
    auto envelope = mr::decode_envelope(*event.data);
    return envelope ? std::optional(std::move(*envelope)) : std::nullopt;
}

}  // namespace

bool TenantView::is_own(const mr::VirtualRegisterId &id) const {
    return std::ranges::any_of(own_, [&id](const Own &own) { return own.is_shown && own.id == id; });
}

void TenantView::take_in(const mr::VirtualRegisterId &id, const mr::CreatedRegister &made, const LastingCaller &follower) {
    if (std::ranges::none_of(own_, [&made](const Own &own) { return own.reg.name.name == made.name; }) ||
        std::ranges::find(own_, id, &Own::id) != own_.end())
        return;
    own_.push_back(
        {.id = id,
         .reg = {.name = {made.name, made.name + ":" + std::string(mr::to_string(made.hash))}, .owner = static_cast<uid_t>(made.owner)}});
    own_.back().is_shown = follower.now()->sees_contents(own_.back().reg);
}

void TenantView::judge(const Caller &now) {
    for (auto &own : own_) own.is_shown = now.sees_contents(own.reg);
}

bool TenantView::shows_all() const { return std::ranges::all_of(own_, &Own::is_shown); }

const mr::Event &TenantView::shown(const mr::Event &event, const LastingCaller *follower) {
    const auto envelope = envelope_of(event);
    const auto id = envelope ? envelope->header.id : std::nullopt;
    if (id && envelope->body.created && follower != nullptr) take_in(*id, *envelope->body.created, *follower);
    if (id && is_own(*id)) return event;  // NOLINT(bugprone-return-const-ref-from-parameter): as it promises
    hidden_ = cutter_.cut(event);
    hidden_.description.reset();
    hidden_.id.reset();
    hidden_.caller.reset();
    hidden_.time.reset();
    return hidden_;
}

std::expected<TenantView, TenantRefusal> tenant_view(Daemon &daemon, const Caller &caller, Operation operation, std::string_view field,
                                                     const std::vector<std::string_view> &names) {
    const auto invalid = [field] { return std::unexpected(TenantRefusal(varlink::InvalidParameter{std::string(field)})); };
    if (names.empty() || names.size() > mr::max_names) return invalid();
    std::vector<TenantView::Own> own;
    const auto &registers = daemon.journal().state().registers();
    std::set<std::string_view> seen;
    for (const auto name : names) {
        if (!seen.insert(name).second) continue;
        const auto owner = daemon.virtual_registers().owner_of_name(name);
        if (!owner) return invalid();
        bool is_shown = true;
        for (const auto &reg : registers) {
            if (!reg.carrier || !reg.is_made() || reg.name != name) continue;
            own.push_back({.id = reg.id, .reg = known_register(reg)});
            is_shown = is_shown && caller.sees_contents(own.back().reg);
        }
        if (is_shown) continue;
        caller.tell_refused(operation, name);
        return std::unexpected(TenantRefusal(varlink::PermissionDenied{}));
    }
    return TenantView(std::move(own));
}

}  // namespace mrd
