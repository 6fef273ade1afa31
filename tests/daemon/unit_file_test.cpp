// The service's unit file allows what mrd's own limits add up to.
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "mr/limits.h"
#include "mrd/evidence/evidence_budget.h"
#include "mrd/journal/event_ids.h"
#include "mrd/journal/format.h"
#include "mrd/journal/journal.h"
#include "mrd/journal/state.h"
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

// ---- What clients can make mrd keep, beside what stands in its journal

constexpr std::uint64_t of_heap = 64;  // what an allocation and its links add

// An id is there twice: it is found by it, and the oldest goes first.
constexpr std::uint64_t size_of_id = sizeof(journal::EventIds::First) + journal::max_targets * sizeof(journal::EventIds::Result) +
                                     2 * (sizeof(std::string) + mr::max_event_id + of_heap);
constexpr std::uint64_t most_ids = std::uint64_t{journal::remembered_callers} * journal::remembered_ids * size_of_id;

// Its name is in the state and in its index.
constexpr std::uint64_t size_of_name = sizeof(std::string) + journal::virtual_provider.size() + 1 + mr::max_virtual_register_name + of_heap;
constexpr std::uint64_t most_virtual_registers =
    std::uint64_t{journal::max_virtual_registers} * (sizeof(journal::RegisterState) + 2 * size_of_name);

// While it is written: the state's bytes, and the record around them. It says nothing that records do not, so that it is no larger than the journal.
constexpr std::uint64_t largest_checkpoint = 2 * std::min<std::uint64_t>(journal::max_checkpoint_body, journal::default_size_limit);

TEST(UnitFile, MemoryHasRoomForEveryLimit) {
    // The journal is memory under /run, twice while it is repaired.
    constexpr auto stated = 2 * journal::default_size_limit + max_evidence_bytes + varlink::Limits().max_buffered +
                            varlink::Limits().max_left_behind + most_ids + most_virtual_registers + largest_checkpoint;
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
