// In mr::verify. The seam between the rules of a verdict, which are the same for every trusted execution environment (TEE), and what knows one of them: its quotes, who
// signed them, how its maker says which platforms are good. A new kind is a Tee of its own, in libmr/src/attestation/tee/ or in the caller's program.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/certificate.h"
#include "mr/claims.h"
#include "mr/error.h"
#include "mr/verdict.h"

namespace mr {

// What a caller accepts of platforms beyond the strictest.
struct PlatformPolicy {
    // The statuses that are accepted, and no others, as the makers name them; empty: those that are up to date.
    std::vector<std::string> accepted_tcb = {};
    bool tcb_required = true;  // also where there is no collateral, which then fails; with collateral the TCB is always required
    bool accept_debug = false;
    // Unset: the roots that the caller gave decide, and root_is_hardware is stated but not required.
    std::optional<bool> accept_simulated_roots = {};
    // What only one kind has, by kind: a JSON object, as Tee::check_policy() takes it.
    std::map<std::string, std::string, std::less<>> of_kind = {};

    // Is the platform's status one of those that are accepted?
    [[nodiscard]] bool accepts(const ClaimedTcb &tcb) const;
};

// One part of evidence, as its reader takes it. Must outlive the call.
struct TeeEvidence {
    ByteView quote;
    std::optional<ByteView> auxiliary = {};
    std::optional<std::string_view> collateral = {};  // a JSON object
    bool is_own_collateral = false;                   // whoever verifies gave it; otherwise it came with the evidence
};

// Judges quotes of one kind, and keeps what it has read of anchors, policy and collateral. For one thread at a time.
class TeeJudge {
public:
    virtual ~TeeJudge() = default;

    // Adds what the kind has to state of signatures, certificates, collateral and itself; each statement is added whatever the others come to, and
    // requires what it says. The facts in the claims are the verdict's rules to judge. Nothing: the quote cannot be read, which a statement says. Never fails;
    // `evidence` may end after the call.
    virtual std::optional<Claims> judge(const TeeEvidence &evidence, UnixTime time, Verdict &verdict) = 0;
};

// Has no state: any number of threads may use it at once.
class Tee {
public:
    virtual ~Tee() = default;

    [[nodiscard]] virtual std::string_view kind() const = 0;  // "tdx"

    // Does this begin as a quote of the kind, or as a report that is quoted? Cheap.
    [[nodiscard]] virtual bool begins_quote(ByteView quote) const = 0;

    // What the quote says, believed or not. Error: malformed or not_supported.
    [[nodiscard]] virtual std::expected<Claims, Error> read(ByteView quote) const = 0;

    // Is a register of this kind called so, by either of its names? A role of reference values is not: it would stand before the register.
    [[nodiscard]] virtual bool names_register(std::string_view /*name*/) const { return false; }

    // What reference values say for this kind alone. Error: malformed, naming the member.
    [[nodiscard]] virtual std::expected<void, Error> check_policy(std::string_view json) const = 0;
    // The statuses that a TCB of this kind can have.
    [[nodiscard]] virtual std::vector<std::string_view> tcb_statuses() const = 0;
    // The statements of this kind's own, beside quote_format, quote_signature, certificate_chain and not_revoked, that are links between the root of the hardware's
    // maker and what is signed: where one of them fails, anybody can have made the signature, and the part's registers are unbound.
    [[nodiscard]] virtual std::vector<std::string_view> links() const = 0;

    // `anchors`: null for the roots of the hardware's maker. Both must outlive the judge. Precondition: check_policy() takes what the policy has for this kind.
    [[nodiscard]] virtual std::unique_ptr<TeeJudge> open_judge(const TrustAnchors *anchors, const PlatformPolicy &policy) const = 0;
};

using Tees = std::span<const Tee *const>;
// Those that this library knows. They have no end.
Tees known_tees();
// Null: none is of that kind.
const Tee *find_tee(std::string_view kind, Tees tees = known_tees());

}  // namespace mr
