// What somebody may do, and by which rule or why not: for people who ask for it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mrd/access/access.h"

namespace mrd {

// Of a right, and of the registers of which it is so.
struct Permission {
    Right right = Right::list;
    std::optional<std::vector<std::string>> registers = {};  // nothing: all, or the right is about none
    std::optional<std::string> rule = {};                    // that allows it; nothing: none does
    std::string why_not = {};                                // what is missing
    // Of Right::create, where a rule allows it:
    std::vector<std::string> on = {};         // patterns of what may carry the registers; none: whatever can
    std::optional<std::size_t> at_most = {};  // so many until the next boot
};

// In the place of a rule's name, which has no parentheses: of a virtual register whose owner it is.
inline constexpr std::string_view owners_rule = "(owner)";

inline constexpr std::size_t max_told_rules = 4;  // of those that allow a right to others, when none allows it

inline constexpr std::size_t max_told_entries = 8;  // of one list of such a rule

// In the order of the rights; of one right that is not the same for all registers, in the order of the registers.
// `are_all`: there are no others than `registers`, so that what is so of each of these is so of all. A right to all registers is none to somebody else's virtual ones:
// those of `registers` are told apart where none allows it.
std::vector<Permission> permissions(const Access &access, const Principal &principal, std::span<const KnownRegister> registers,
                                    bool are_all = true);

// Of the rules that allow a right to others than root, the one of which least does not fit, and the first of several.
struct NearestRule {
    std::string name;
    std::string is_for;  // what does not fit: "other users, the registers tdx/rtmr3"
};

// Of what an operation asks for, and was refused; nothing: no rule allows it to others, or what was refused is not the operation's own right. `reg`: as the call names
// it, or as it is to be called. For mrd's log, which is for who may see the rules.
std::optional<NearestRule> nearest_rule(const AccessRules &rules, const Principal &principal, Right right, const KnownRegister &reg);

}  // namespace mrd
