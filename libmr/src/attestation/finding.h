// What one check of a quote found: it becomes a statement, or a part of one.
#pragma once

#include <string>
#include <utility>

#include "mr/verdict.h"

namespace mr::attestation {

struct Finding {
    Judgement result = Judgement::not_judged;
    std::string reason;

    [[nodiscard]] bool good() const { return result == Judgement::holds; }
};

inline Finding holds(std::string reason) { return {Judgement::holds, std::move(reason)}; }
inline Finding fails(std::string reason) { return {Judgement::fails, std::move(reason)}; }
inline Finding not_judged(std::string reason) { return {Judgement::not_judged, std::move(reason)}; }

inline Finding judge(bool good, std::string if_good, std::string if_not) {
    return good ? holds(std::move(if_good)) : fails(std::move(if_not));
}

// "2025-01-21T11:14:05Z"
std::string date_text(std::int64_t time);

}  // namespace mr::attestation
