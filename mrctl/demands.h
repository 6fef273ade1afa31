// What a command that judges asks for, unless --without names it.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mrctl {

struct Demand {
    std::string_view word;       // of --without
    std::string_view option;     // that gives it
    std::string_view statement;  // that does not hold without it
    std::string_view subject;    // what nobody has looked at then
    bool is_given;               // in this call
};

using WaivedDemands = std::vector<std::string_view>;  // by their statements

bool is_waived(const WaivedDemands &waived, std::string_view statement);

// Of the option's words, with commas between. Error: a sentence.
std::expected<WaivedDemands, std::string> waived_demands(const std::optional<std::string> &without, std::span<const Demand> demands);

// For a positive line. `more`: what else nobody has looked at.
std::string left_out_of(const Demand &demand, std::string_view more = {});

}  // namespace mrctl
