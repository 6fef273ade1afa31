// What is shown of the log to whoever asks for the log of some virtual registers: their events whole, and of all others no more than proves them. An envelope
// keeps its header and the digest of its body; anything else keeps its digest, and what a replay needs of resyncs and caps. Who made the others, when, and what
// for, is nowhere in it.
#pragma once

#include <expected>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "mr/envelope.h"
#include "mr/event_log.h"
#include "mrd/access/caller.h"
#include "mrd/daemon/daemon.h"
#include "mrd/evidence/log_cut.h"
#include "proto/varlink/service.h"

namespace mrd {

class TenantView {
public:
    struct Own {
        mr::VirtualRegisterId id;
        KnownRegister reg;
        bool is_shown = true;
    };
    explicit TenantView(std::vector<Own> own) : own_(std::move(own)) {}

    // By new rules: of a register whose contents are no longer his to see the events are those of others.
    void judge(const Caller &now);
    [[nodiscard]] bool shows_all() const;

    // Valid until the next call, and as long as the event is. `follower`: who goes on with the registers that are made later with the name of one of these, which
    // its owner alone can; nothing: they are others'.
    const mr::Event &shown(const mr::Event &event, const LastingCaller *follower = nullptr);

private:
    [[nodiscard]] bool is_own(const mr::VirtualRegisterId &id) const;
    void take_in(const mr::VirtualRegisterId &id, const mr::CreatedRegister &made, const LastingCaller &follower);

    std::vector<Own> own_;
    EventCutter cutter_;
    mr::Event hidden_;
};

// Of these names, those that were closed too. Error: one that no virtual register has, or had in this boot; one whose contents are not the caller's to see. `field`: the
// parameter that has them.
using TenantRefusal = std::variant<varlink::InvalidParameter, varlink::PermissionDenied>;
std::expected<TenantView, TenantRefusal> tenant_view(Daemon &daemon, const Caller &caller, Operation operation, std::string_view field,
                                                     const std::vector<std::string_view> &names);

}  // namespace mrd
