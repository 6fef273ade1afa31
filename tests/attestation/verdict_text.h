// Verdicts as tests compare them.
#pragma once

#include <string>
#include <vector>

#include "mr/verdict.h"

namespace mr {

// Of every statement that is not true: "tcb: false".
inline std::vector<std::string> not_true(const Verdict &verdict) {
    std::vector<std::string> names;
    for (const auto &statement : verdict.statements()) {
        if (statement.result != Judgement::holds) {
            names.push_back(statement.name + ": " + std::string(to_string(statement.result)));
        }
    }
    return names;
}

// Of every statement that is false.
inline std::vector<std::string> false_ones(const Verdict &verdict) {
    std::vector<std::string> names;
    for (const auto &statement : verdict.statements()) {
        if (statement.result == Judgement::fails) names.push_back(statement.name);
    }
    return names;
}

inline std::string reasons(const Verdict &verdict) {
    std::string text;
    for (const auto &statement : verdict.statements()) {
        text += statement.name + ": " + std::string(to_string(statement.result)) + (statement.required ? " (required): " : ": ") +
                statement.reason + "\n";
    }
    return text;
}

}  // namespace mr
