// Who may do what. Every call of every method is asked here first, and passes nowhere else (mrd/interfaces/methods.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/wire/method.h"
#include "mr/event_log.h"
#include "mrd/access/refusals.h"
#include "mrd/access/rules.h"

namespace mrd {

using mr::wire::Operation;
using mr::wire::right_for;
inline constexpr std::array<std::string_view, mr::wire::operations> operation_names{
    "list",     "read",   "extend",        "measure", "write",    "cap",        "create", "close",  "watch", "status",
    "log_read", "report", "verify_report", "quote",   "evidence", "collateral", "repair", "accept", "access"};

// A register that there is.
struct KnownRegister {
    RegisterName name;
    // What is written into it a report is over, or it holds one: a host makes a quote of a report, so who may read or write it speaks for the machine.
    bool is_for_reports = false;
    // Of a virtual one: who made it. He may everything with it; for others a rule has to name virtual registers, by a pattern that begins with "virtual/".
    std::optional<uid_t> owner = {};
};

// What a judgement came to. `rule`: the one that allows it, or null where it is refused or none is needed.
struct Judgement {
    bool allowed = false;
    const AccessRule *rule = nullptr;
};

class Access {
public:
    // Until there are others: root's.
    explicit Access(AccessRules rules = only_root());
    static AccessRules only_root();

    [[nodiscard]] const AccessRules &rules() const { return rules_; }
    // Tells whoever has asked: what was allowed before and goes on is to be judged again.
    void replace(AccessRules rules);
    void on_change(std::function<void()> handler) { on_change_.push_back(std::move(handler)); }
    // How often they were replaced.
    [[nodiscard]] std::uint64_t changes() const { return changes_; }

    // How a name that a call has is made whole; nothing: no register has it, or several.
    void set_lookup(std::function<std::optional<KnownRegister>(std::string_view)> look_up) { look_up_ = std::move(look_up); }
    [[nodiscard]] std::optional<KnownRegister> find(std::string_view name) const { return look_up_ ? look_up_(name) : std::nullopt; }

    // Whether there is a virtual register that this uid has made.
    void set_owners(std::function<bool(uid_t)> owns_some) { owns_some_ = std::move(owns_some); }

    // `subject`: the register or provider as the call names it; empty: the operation is about none, or about all. A call that names several is judged for each. Where
    // it lists, reads or watches all, it passes if it may do so with some, by a rule or because it has made one: it is to leave out the others then. So it does with a
    // name that no register has: it will be told so.
    [[nodiscard]] Judgement judge(const Principal &principal, Operation operation, std::string_view subject) const;
    // Of a register that is there.
    [[nodiscard]] Judgement judge(const Principal &principal, Operation operation, const KnownRegister &reg) const;
    // May he be told that there is this register? Who may list it, or do anything with it.
    [[nodiscard]] bool tells_of(const Principal &principal, const KnownRegister &reg) const;
    // What others said in the events of this register: evidence carries it too, so who may have evidence sees it anyway.
    [[nodiscard]] bool shows_contents(const Principal &principal, const KnownRegister &reg) const;

    // Counts it, and tells it in mrd's log, with the rule that comes nearest. `other`: for whom he asks; null: for himself. `caller`: as an event would name him; asked
    // only where there is a line to write.
    using WhoItIs = std::function<std::shared_ptr<const mr::EventCaller>()>;
    void refused(const Principal &principal, const Principal *other, const WhoItIs &caller, Operation operation, std::string_view subject);
    [[nodiscard]] const Refusals &refusals() const { return refusals_; }

    // The rule that allows it with this register; nothing: it is not allowed. Null: his own.
    [[nodiscard]] std::optional<const AccessRule *> allowing(const Principal &principal, Right right, const KnownRegister &reg) const;

private:
    [[nodiscard]] bool may_have_own(const Principal &principal) const;
    [[nodiscard]] Judgement judge_some(const Principal &principal, Right right) const;

    AccessRules rules_;
    std::uint64_t changes_ = 0;
    std::vector<std::function<void()>> on_change_;
    std::function<std::optional<KnownRegister>(std::string_view)> look_up_;
    std::function<bool(uid_t)> owns_some_;
    Refusals refusals_;
};

}  // namespace mrd
