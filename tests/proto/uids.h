// Whom the tests of what each uid may have are about.
#pragma once

#include <sys/types.h>

namespace varlink::test {

inline constexpr uid_t root_uid = 0;
inline constexpr uid_t alice = 1000;

}  // namespace varlink::test
