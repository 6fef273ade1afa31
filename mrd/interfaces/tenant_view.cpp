#include "mrd/interfaces/tenant_view.h"

#include <algorithm>
#include <set>
#include <string>

#include "mr/limits.h"
#include "mrd/interfaces/known_register.h"

namespace mrd {

// mrd alone writes envelopes, and none into what was there before it.
bool TenantView::is_own(const mr::Event &event) const {
    if (event.origin != mr::EventOrigin::service || !event.data) return false;
    if (mr::envelope_form(*event.data) != mr::EnvelopeForm::whole) return false;
    const auto envelope = mr::decode_envelope(*event.data);
    return envelope && envelope->header.id &&
           std::ranges::any_of(own_, [&](const Own &own) { return own.is_shown && own.id == *envelope->header.id; });
}

void TenantView::judge(const Caller &now) {
    for (auto &own : own_) own.is_shown = now.sees_contents(own.reg);
}

bool TenantView::shows_all() const { return std::ranges::all_of(own_, &Own::is_shown); }

const mr::Event &TenantView::shown(const mr::Event &event) {
    if (is_own(event)) return event;  // NOLINT(bugprone-return-const-ref-from-parameter): as it promises
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
