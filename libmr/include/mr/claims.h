// What a quote claims, in one shape for every kind of trusted execution environment (TEE): what the rules of a verdict loop over. In mr::verify.
//
// Names, algorithms and initial values come from the TEE's own reader (mr/tee.h), which has them from the TEE's specification: never from what evidence
// or its log say of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/extend_rule.h"

namespace mr {

struct ClaimedRegister {
    std::string name;             // "rtmr3": as its kind calls it, without the name of a provider
    std::string other_name = {};  // as other tools call it; may be empty
    HashAlgorithm algorithm = HashAlgorithm::sha384;
    Digest value;
    // What the hardware begins with, of a register that is extended. Nothing: it is not, so that no log leads to it.
    std::optional<Digest> initial = {};
    // Nothing: it depends on the platform, and the reference values do not say it; then no log with events of the register is replayed.
    std::optional<ExtendRule> extend_rule = ExtendRule::digest;
    bool says_what_runs = true;  // false: it is what whoever started the machine says of it, or an identity of the platform
};

// Yes, no, or nobody can tell.
struct ClaimedFact {
    std::optional<bool> is = {};
    std::string reason = {};  // one sentence, in each case
};

// How up to date the platform is.
struct ClaimedTcb {
    std::optional<std::string> status = {};  // as its maker names it: "UpToDate"
    bool is_up_to_date = false;
    // What is told to programs: together with what signs its quotes.
    std::optional<std::string> reported = {};
    bool failed = false;                       // without a status: it is asked for, and what should say it does not
    bool is_asked_for = false;                 // by the policy, or by collateral that is there
    std::string reason = {};                   // one sentence, in each case
    std::vector<std::string> advisories = {};  // "INTEL-SA-00837"
};

struct Claims {
    std::string kind;          // "tdx"
    std::string quote_format;  // "tdx_v4"
    Bytes report_data;         // as it is signed: 64 bytes, or 32 of kinds that take no more
    std::vector<ClaimedRegister> registers;
    bool has_auxiliary = false;             // quotes of this kind come with auxiliary data
    std::optional<bool> simulated = {};     // by the root of its certificates: of the simulator, of the hardware's maker; nothing: neither
    bool reference_says_what_runs = false;  // what the reference values say of this kind alone says it, too
    Bytes leaf_key = {};  // the public key that vouches for this very piece of hardware, in one form; empty: it cannot be read
    // Which piece of hardware it is, as its certificates or its platform's signed claims number it, whatever key vouches for it now: the processor has another key for each TCB.
    // Empty: nothing says.
    std::vector<Bytes> hardware_ids = {};
    ClaimedFact hardware = {};  // its certificates lead to the root of the hardware's maker
    ClaimedFact debug = {};     // the host can look into it
    ClaimedTcb tcb = {};

    // By either name. Null: there is none.
    [[nodiscard]] const ClaimedRegister *find(std::string_view name) const;
};

}  // namespace mr
