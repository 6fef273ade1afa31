// The configuration's rules about who may do what. A rule allows, none forbids: what no rule allows is refused, and of several that allow it the first is told.
// Decisions only; who a caller is, is found out elsewhere (caller.h, peer_unit.h).
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libmr/wire/right.h"

namespace mrd {

using mr::wire::Right;
using mr::wire::right_names;
using mr::wire::rights;
std::optional<Right> right_from(std::string_view name);
// Can it be asked for of one register? The others are about the whole machine, so that a rule for some registers cannot allow them.
bool is_about_registers(Right right);
// Whoever may do one of these with a register may list it: its name, hash and size are what that takes.
inline constexpr std::array rights_that_list{Right::read, Right::extend, Right::measure, Right::write, Right::cap};

class Rights {
public:
    Rights() = default;
    Rights(std::initializer_list<Right> all) {
        for (const auto right : all) add(right);
    }
    void add(Right right) { bits_.set(static_cast<std::size_t>(right)); }
    [[nodiscard]] bool has(Right right) const { return bits_.test(static_cast<std::size_t>(right)); }
    [[nodiscard]] bool has_all_of(const Rights &others) const { return (others.bits_ & ~bits_).none(); }
    [[nodiscard]] bool empty() const { return bits_.none(); }
    static Rights all() {
        Rights every;
        every.bits_.set();
        return every;
    }

private:
    std::bitset<rights> bits_;
};

inline constexpr std::size_t max_access_rules = 64;
inline constexpr std::size_t max_access_entries = 256;  // of each list of a rule

// Some of the rules: a bit for each, in their order; mrd's own comes first.
using RuleSet = std::bitset<max_access_rules + 1>;

// Who asks, as the kernel says it. What is somebody else's word (a name, a program's path) is not here.
struct Principal {
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
    std::span<const gid_t> groups = {};  // the others that he is in
    std::string_view listener = {};      // to which he connected
    // The unit of systemd's system manager that he is in; nothing: none, or it cannot be told for certain. Asked only where it decides: it has to be read.
    std::function<std::optional<std::string>()> unit = {};
    // For whom he asks, by his word: then only rules are for him that let him ask for that one. Whether that one may is asked by a principal of his own.
    std::optional<uid_t> asks_for = {};

    // What AccessRules have found out of him, so that a call about many registers costs it once. A copy, which may be changed, knows nothing of it.
    struct LookedUp {
        std::uint64_t number = 0;  // of the rules
        RuleSet for_him = {};

        LookedUp() = default;
        LookedUp(const LookedUp & /*other*/) {}
        LookedUp &operator=(const LookedUp & /*other*/) {
            number = 0;
            return *this;
        }
        ~LookedUp() = default;
    };
    mutable LookedUp looked_up = {};
};

// A register that a call is about. Empty: all of them, or none.
struct RegisterName {
    std::string name = {};                    // "tdx/rtmr3"
    std::string with_bank = {};               // "tdx/rtmr3:sha384"
    std::span<const std::string> roles = {};  // of whoever made it

    [[nodiscard]] bool empty() const { return name.empty(); }
};

// Registers whose patterns are remembered; there are some tens.
inline constexpr std::size_t max_remembered_registers = 4096;
inline constexpr std::size_t max_new_register_name = 256;  // bytes; no rule is about a longer one

inline constexpr std::size_t default_created_registers = 16;

// Both included.
struct UidRange {
    uid_t first = 0;
    uid_t last = 0;
    [[nodiscard]] bool is_one() const { return first == last; }
    friend bool operator==(const UidRange &, const UidRange &) = default;
};

// Of each list one entry has to fit; an empty list fits everybody.
struct AccessRule {
    std::string name;
    std::vector<uid_t> users = {};
    std::vector<gid_t> groups = {};
    std::vector<std::string> units = {};
    std::vector<std::string> listeners = {};
    Rights allow = {};
    std::vector<std::string> registers =
        {};  // patterns as a shell's, with or without the bank, and roles; empty: all, and what is about no register
    // Of virtual registers that may be created:
    std::vector<std::string> create_on = {};                 // patterns of what may carry them; empty: whatever can
    std::size_t create_at_most = default_created_registers;  // by one uid, until the next boot
    // For whom what is allowed may be asked, and for nobody else. Empty: for oneself.
    std::vector<UidRange> on_behalf_of = {};

    [[nodiscard]] bool is_about(const RegisterName &reg) const;
    [[nodiscard]] bool has_unit_of(const Principal &principal) const;
};

// Of one kind of their lists: which rules' lists have an entry, or are empty.
template <class Entry>
class RulesByEntry {
public:
    void add(std::size_t rule, const std::vector<Entry> &entries);
    // Of none and of whatever entry.
    [[nodiscard]] const RuleSet &open() const { return open_; }
    template <class Value>
    [[nodiscard]] RuleSet of(const Value &value) const {
        const auto found =
            std::ranges::lower_bound(named_, value, std::less<>(), [](const auto &each) -> const Entry & { return each.first; });
        return found == named_.end() || found->first != value ? open_ : open_ | found->second;
    }

private:
    RuleSet open_;
    std::vector<std::pair<Entry, RuleSet>> named_;  // in order
};

// What rules are held against, to tell which of them can never decide anything: what is configured beside them, and what this machine can.
struct RuleSurroundings {
    struct Listener {
        std::string name;
        Rights asked_for = Rights::all();  // by the methods of its interfaces
        // Of the socket's file; nothing: as the rules need it, or somebody else's.
        std::optional<mode_t> mode = {};
        std::optional<uid_t> owner = {};  // nothing: the user that mrd runs as
    };
    std::vector<Listener> listeners = {};
    std::vector<std::string> roles = {};
    bool units_are_known = true;  // can the kernel say which process has connected?
};

// Who comes out of a user namespace that does not map him: nobody in particular. The kernel's own, unless it was told otherwise.
inline constexpr uid_t usual_overflow_uid = 65534;

// Why no register's name can ever fit the pattern, as what it "has" or "is not"; empty: one can.
std::string why_never_fits(std::string_view pattern);

class AccessRules {
public:
    // Root, and the user that mrd runs as, may everything, whatever `rules` say: both reach registers, journal and rules without mrd.
    AccessRules(std::vector<AccessRule> rules, uid_t own_uid, uid_t overflow_uid = usual_overflow_uid);

    // Where the configuration has none: the group `mrd`, if this machine has it, attests; everybody lists, reads, and has the log without what others said in it.
    static std::vector<AccessRule> defaults(std::optional<gid_t> mrd_group);
    inline static constexpr std::string_view name_of_first = "root";

    // The rule that allows it; null: none does. Valid as long as this is the same. Of a register that there is, or was: what its name fits is remembered.
    [[nodiscard]] const AccessRule *allows(const Principal &principal, Right right, const RegisterName &reg = {}) const;
    // Of one that is to be made, by a name that the client chooses.
    [[nodiscard]] const AccessRule *allows_new(const Principal &principal, Right right, const std::string &name) const;
    // Of a virtual register, by one who has made so many until now, on this carrier.
    [[nodiscard]] const AccessRule *allows_create(const Principal &principal, const std::string &name, const RegisterName &carrier,
                                                  std::size_t made) const;
    // Of a virtual register that somebody else has made: only by a rule that speaks of virtual ones.
    [[nodiscard]] const AccessRule *allows_of_others(const Principal &principal, Right right, const RegisterName &virtual_register) const;
    // The same of some register, whichever.
    [[nodiscard]] const AccessRule *allows_some(const Principal &principal, Right right) const;
    // All that do, in their order.
    [[nodiscard]] std::vector<const AccessRule *> all_that_allow_some(const Principal &principal, Right right) const;
    // Is there a rule that lets him ask for whom he says that he asks?
    [[nodiscard]] bool trusts(const Principal &principal) const;

    // Which rules are for him by each of their lists. Units are not among them: they have to be read.
    struct Fitting {
        RuleSet users;
        RuleSet groups;
        RuleSet listeners;
        RuleSet on_behalf_of;  // that let him ask for whom he asks for
    };
    [[nodiscard]] Fitting fitting(const Principal &principal) const;
    // Which are about the register. Empty: about all of them.
    [[nodiscard]] RuleSet about(const RegisterName &reg) const;
    [[nodiscard]] std::size_t remembered() const { return about_.size(); }
    // Is there any for him at all?
    [[nodiscard]] bool may_have_any(const Principal &principal) const {
        return principal.uid != overflow_uid_ && principal.uid != static_cast<uid_t>(-1);
    }

    // Uids that are root's or named by a rule, in order: each has a share of its own of what all share, all others have one together, for one user can have
    // thousands of uids.
    [[nodiscard]] const std::vector<uid_t> &named() const { return named_; }
    // Whose share it is.
    [[nodiscard]] uid_t share_of(uid_t uid) const;

    // Can anybody but root and mrd's own user do anything on this listener?
    [[nodiscard]] bool lets_others_in(std::string_view listener) const;

    // For each rule, or part of one, that can never decide anything, why that is; and for each that lets everybody do more than look.
    [[nodiscard]] std::vector<std::string> warnings(const RuleSurroundings &surroundings) const;

    // For each pattern that fits none of these registers, which are all that there are, that it does not.
    [[nodiscard]] std::vector<std::string> warnings_of_registers(std::span<const RegisterName> registers) const;

    [[nodiscard]] const std::vector<AccessRule> &all() const { return rules_; }

private:
    [[nodiscard]] RuleSet for_him(const Principal &principal) const;
    [[nodiscard]] RuleSet that_let_ask_for(uid_t uid) const;
    [[nodiscard]] RuleSet for_oneself() const;
    [[nodiscard]] RuleSet candidates(const Principal &principal, Right right) const;
    [[nodiscard]] const AccessRule *first(const Principal &principal, const RuleSet &candidates) const;
    // Can anybody connect there whom the rule is for, and who has not everything anyway? Who is in a group is not known: he may be.
    [[nodiscard]] bool may_connect(const AccessRule &rule, const RuleSurroundings::Listener &listener) const;
    [[nodiscard]] std::vector<std::string> warnings_of_listeners(const AccessRule &rule, const RuleSurroundings &surroundings) const;
    [[nodiscard]] RuleSet candidates_for_new(const Principal &principal, Right right, const std::string &name) const;

    std::vector<AccessRule> rules_;
    // What makes a judgement one of a few bits, however many rules of however many entries there are: everybody's call is judged, some for each of many registers.
    std::uint64_t number_;  // of these rules, and of no others
    std::array<RuleSet, rights> allowing_;
    RulesByEntry<uid_t> users_;
    RulesByEntry<gid_t> groups_;
    RulesByEntry<std::string> listeners_;
    struct Remembered {
        std::vector<std::string> roles;  // that it had then: whoever knows no more than its name asks as of one without
        RuleSet about;
    };
    mutable std::unordered_map<std::string, Remembered> about_;  // by the register's name with its bank
    std::vector<uid_t> named_;
    uid_t overflow_uid_;
};

}  // namespace mrd
