// The access rules of the configuration: [[access]].
#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mrd/access/rules.h"

namespace toml::inline v3 {
class table;  // NOLINT(readability-identifier-naming): toml++'s
}  // namespace toml::inline v3

namespace mrd {

// A rule as it is written: users and groups by name or number.
struct AccessRuleConfig {
    std::string name;
    std::vector<std::string> users = {};
    std::vector<std::string> groups = {};
    std::vector<std::string> on_behalf_of = {};  // by name or number, and ranges of numbers
    AccessRule rule = {};                        // all but these
};

// One table more for `rules`. Error: a sentence that names the file, the line and the key.
std::expected<void, std::string> read_access_rule(const toml::table &table, std::string_view file, std::vector<AccessRuleConfig> &rules);

// The rules as they are judged by; the defaults where the configuration has none. Asks the system's tables for names. Error: a sentence that names the rule, and the user
// or group that this machine does not have.
std::expected<AccessRules, std::string> make_access_rules(const std::vector<AccessRuleConfig> &rules);

}  // namespace mrd
