// For whom a program makes a call that somebody else has asked it for.
#pragma once

#include <cstdint>

namespace mr {

// As the kernel told the program that makes the call. mrd takes its word from users that its access rules name, and for those that they name; what is asked for has to
// be allowed to both, and both stand in the event (docs/access.md, "Programs that ask for others").
struct OnBehalfOf {
    std::int64_t uid = 0;  // as gid below 4294967295, which is that of nobody
    std::int64_t gid = 0;
    std::int64_t pid = 0;  // 1 to 2147483647
    friend bool operator==(const OnBehalfOf &, const OnBehalfOf &) = default;
};

}  // namespace mr
