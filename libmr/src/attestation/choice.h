// What a policy says to something that it may take or not, as its JSON names it.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "proto/varlink/fields.h"

namespace mr {

enum class Choice : std::uint8_t { accept, refuse };

}  // namespace mr

template <>
struct varlink::EnumNames<mr::Choice> {
    static constexpr std::array values{std::pair{mr::Choice::accept, "accept"}, std::pair{mr::Choice::refuse, "refuse"}};
};
