// What an event's digest can be of: the rules that recompute_binding() knows, by the names that it gives them.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "libmr/src/event_log/dstack_event.h"

namespace mr::event_log {

inline constexpr std::string_view envelope_rule = "envelope";
inline constexpr std::string_view redacted_envelope_rule = "redacted envelope";

inline constexpr auto binding_rules = std::to_array<std::string_view>(
    {"data", "variable data", "data without its last byte", "text with a NUL after it", "text without its NUL", "text in ASCII with a NUL",
     "text without its prefix and NUL", "text without its prefix", "tagged content", "configuration without header", dstack_rule_1,
     dstack_rule_2, envelope_rule, redacted_envelope_rule});

// One of these; another name does not compile.
class BindingRule {
public:
    consteval BindingRule(std::string_view name) : name_(name) {  // NOLINT(google-explicit-constructor): a name is one
        if (std::ranges::find(binding_rules, name) == binding_rules.end()) throw "not among binding_rules";
    }
    consteval BindingRule(const char *name) : BindingRule(std::string_view(name)) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] std::string_view name() const { return name_; }

private:
    std::string_view name_;
};

}  // namespace mr::event_log
