#include "proto/varlink/release.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace varlink {
namespace {

TEST(Release, NothingOfTheMemoryIsKept) {
    std::string text(100'000, 'x');
    release(text);
    EXPECT_EQ(text.capacity(), std::string().capacity());
    std::vector<char> bytes(100'000);
    release(bytes);
    EXPECT_EQ(bytes.capacity(), 0U);
}

}  // namespace
}  // namespace varlink
