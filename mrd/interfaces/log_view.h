// What one reader of the log is shown of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "mr/event_log.h"
#include "mrd/access/caller.h"
#include "mrd/interfaces/tenant_view.h"

namespace mrd {

class LogView {
public:
    // `tenant`: where he asks for the log of some virtual registers.
    LogView(const Caller &caller, const std::shared_ptr<Gate> &gate, std::optional<TenantView> tenant = {})
        : caller_(caller, gate), rules_(caller_.access().changes()), tenant_(std::move(tenant)) {}

    // The event, or what is left of it for who has no right to its contents: its digests, register, type, time and origin, and the data that a replay needs.
    // Valid until the next call.
    const mr::Event &shown(const mr::Event &event);

    // Is all that he asked for still his to see?
    [[nodiscard]] bool shows_all_asked_for() {
        judge_again();
        return !tenant_ || tenant_->shows_all();
    }

    // By the rules as they are now.
    [[nodiscard]] const LastingCaller &caller() const { return caller_; }

private:
    bool sees(const mr::Event &event);
    void judge_again();  // where the rules are others

    LastingCaller caller_;
    std::unique_ptr<const Caller> now_;              // as he was when the rules were new
    std::uint64_t rules_;                            // that what is known was judged by
    std::map<std::string, bool, std::less<>> sees_;  // of each register in the log
    mr::Event redacted_;
    std::optional<TenantView> tenant_;
};

}  // namespace mrd
