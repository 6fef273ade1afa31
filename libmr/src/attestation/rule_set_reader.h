// Reads the rules of reference values: those that stand in the file itself, and those of each set of its alternatives.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/reference_values.h"
#include "proto/varlink/value.h"

namespace mr::attestation {

// Error: malformed. All errors of reference values begin so.
std::unexpected<Error> malformed_values(std::string message);

// Of a register, with a part before it or without. Which registers there are the evidence's quotes tell.
bool is_register_name(std::string_view name);

// What is wrong with the name of a register that a quote signs, by itself or with what carries it; empty: nothing.
std::string wrong_signed_name(std::string_view name);
// Of a virtual register, as mrd has them: "virtual/build".
bool is_virtual_register_name(std::string_view name);

// What is null says nothing, where its writer meant something: an unset variable of a template. The name of such a member.
std::optional<std::string> null_member(varlink::Value object);

// A register's value. Error: malformed, naming the member.
std::expected<Bytes, Error> value_from(std::string_view member, std::string_view hex);

// Adds to one set after the other, and counts what all of them ask of each event.
class RuleSetReader {
public:
    static bool is_member(std::string_view name);
    // Those of a set, what is in their objects ("closedRegisters.order"), and those of a rule, wherever it stands ("rule.text").
    static std::vector<std::string> members();

    // Members of the object that are none of a rule set's are passed over. `where`: put before a member's name in errors. Error: malformed, naming it.
    std::expected<void, Error> read(varlink::Value object, const std::string &where, RuleSet &set);

private:
    std::expected<void, Error> count(std::size_t more);
    std::expected<void, Error> read_registers(varlink::Value object, const std::string &where, RuleSet &set);
    std::expected<void, Error> read_rules(varlink::Value array, const std::string &member, bool of_closed_register,
                                          std::vector<EventRule> &rules);
    static std::expected<void, Error> read_self(varlink::Value object, const std::string &where, RuleSet &set);
    std::expected<ClosedRegister, Error> read_closed_register(varlink::Value value, const std::string &member);

    std::size_t rules_ = 0;
};

}  // namespace mr::attestation
