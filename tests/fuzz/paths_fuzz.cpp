// A script of what clients send and hardware does (tests/interfaces/scripted_service.h), played to a service with fast paths and to one without: both answer the
// same bytes, close the same connections, count the same, and have the same events in their journals.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/interfaces/scripted_service.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view script(reinterpret_cast<const char *>(data), size);
    const auto fast = mrd::test::played(script, true);
    const auto plain = mrd::test::played(script, false);
    if (fast != plain) {
        std::fprintf(stderr, "by the fast paths:\n%s\nby the plain ones:\n%s\n", fast.c_str(), plain.c_str());
        std::abort();
    }
    return 0;
}
