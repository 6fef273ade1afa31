// The service's unit file allows what mrd's own limits add up to.
#include <gtest/gtest.h>

#include <charconv>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "mrd/evidence/evidence_budget.h"
#include "mrd/journal/journal.h"
#include "proto/varlink/limits.h"
#include "tests/places.h"

namespace mrd {
namespace {

// A number, with M for MiB.
std::optional<std::uint64_t> value_of(std::string_view key) {
    std::ifstream file(places::unit_file());
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(std::string(key) + "=")) continue;
        const auto text = std::string_view(line).substr(key.size() + 1);
        std::uint64_t number = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
        if (read.ec != std::errc()) return std::nullopt;
        return text.ends_with('M') ? number << 20U : number;
    }
    return std::nullopt;
}

TEST(UnitFile, MemoryHasRoomForEveryLimit) {
    // The journal is memory under /run, twice while it is repaired.
    constexpr auto stated =
        2 * journal::default_size_limit + max_evidence_bytes + varlink::Limits().max_buffered + varlink::Limits().max_left_behind;
    const auto high = value_of("MemoryHigh");
    const auto most = value_of("MemoryMax");
    ASSERT_TRUE(high && most);
    EXPECT_GE(*high, stated + (std::uint64_t{64} << 20U)) << "connections and the program itself";
    EXPECT_GT(*most, *high);
}

TEST(UnitFile, EveryConnectionHasADescriptor) {
    constexpr std::uint64_t others = 64;
    ASSERT_TRUE(value_of("LimitNOFILE"));
    EXPECT_GE(*value_of("LimitNOFILE"), varlink::Limits().max_connections + others);
}

}  // namespace
}  // namespace mrd
