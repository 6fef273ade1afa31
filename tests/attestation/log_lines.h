// The lines of the log that evidence carries, to change them.
#pragma once

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "mr/evidence.h"
#include "tests/event_log/built_log.h"

namespace mr {

inline std::vector<nlohmann::json> lines_of(const Evidence &from) {
    std::vector<nlohmann::json> lines;
    std::istringstream text(std::string(from.log.begin(), from.log.end()));
    for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
}

// Evidence with these instead.
inline Evidence with_lines(Evidence made, const std::vector<nlohmann::json> &lines) {
    std::string log;
    for (const auto &line : lines) log += line.dump() + "\n";
    made.log = bytes_of(log);
    return made;
}

}  // namespace mr
