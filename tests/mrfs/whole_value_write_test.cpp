#include "mrfs/whole_value_write.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace mrfs {
namespace {

constexpr std::size_t size = 48;

TEST(WholeValueWrite, TakesAWholeValueAtTheBeginningAndClipsWhatIsLonger) {
    EXPECT_EQ(whole_value_of_write(size, 0, size), size);
    EXPECT_EQ(whole_value_of_write(size, 0, size + 1), size);
    EXPECT_EQ(whole_value_of_write(size, 0, 1 << 20), size);
}

TEST(WholeValueWrite, OfLessThanAValueIsInvalidWhereverItBegins) {
    for (std::size_t length = 1; length < size; ++length) {
        EXPECT_EQ(whole_value_of_write(size, 0, length), std::unexpected(EINVAL)) << length;
    }
    for (std::uint64_t offset = 1; offset < size; ++offset) {
        EXPECT_EQ(whole_value_of_write(size, offset, size), std::unexpected(EINVAL)) << offset;
        EXPECT_EQ(whole_value_of_write(size, offset, size - offset), std::unexpected(EINVAL)) << offset;
    }
}

TEST(WholeValueWrite, BehindTheFilesEndIsTooBigAndOfNothingIsNothing) {
    EXPECT_EQ(whole_value_of_write(size, size, 1), std::unexpected(EFBIG));
    EXPECT_EQ(whole_value_of_write(size, size, size), std::unexpected(EFBIG));
    EXPECT_EQ(whole_value_of_write(size, ~std::uint64_t{0}, size), std::unexpected(EFBIG));
    EXPECT_EQ(whole_value_of_write(size, 7, 0), 0);
}

TEST(WritePosition, OfAFileThatAppendsIsBehindWhatThisOpenFileHasWritten) {
    WritePosition appending(true);
    EXPECT_EQ(appending.offset(size), 0U);
    appending.wrote(size);
    EXPECT_EQ(appending.offset(size), size);
    WritePosition plain(false);
    plain.wrote(size);
    EXPECT_EQ(plain.offset(0), 0U);
    EXPECT_EQ(plain.offset(7), 7U);
}

}  // namespace
}  // namespace mrfs
