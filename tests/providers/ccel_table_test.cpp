#include "mrd/providers/ccel_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "mr/file.h"
#include "tests/mrd/temporary_folder.h"
#include "tests/places.h"

namespace mrd {
namespace {

using ::testing::EndsWith;

class CcelTable : public ::testing::Test {
protected:
    CcelTable() { std::filesystem::create_directory(folder_.path() / "data"); }
    [[nodiscard]] std::filesystem::path log() const { return folder_.path() / "data" / "CCEL"; }
    [[nodiscard]] std::filesystem::path table() const { return folder_.path() / "CCEL"; }
    void write(const mr::Bytes &bytes) const {
        std::ofstream(table(), std::ios::binary | std::ios::trunc)
            .write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    static mr::Bytes of(std::uint8_t type, std::uint8_t subtype) {
        mr::Bytes bytes(56);
        std::ranges::copy(std::string_view("CCEL"), bytes.begin());
        bytes[36] = type;
        bytes[37] = subtype;
        return bytes;
    }
    [[nodiscard]] std::string refused() const {
        const auto checked = check_ccel_table(log());
        return checked ? "" : checked.error();
    }

    TemporaryFolder folder_;
};

TEST_F(CcelTable, OfATdIsRight) {
    write(of(2, 0));
    EXPECT_EQ(refused(), "");
}

TEST_F(CcelTable, OfAnotherMachineIsRefusedByName) {
    const auto begin = "the ACPI table " + table().string();
    write(of(1, 0));
    EXPECT_EQ(refused(), begin + " is of AMD SEV (type 1, subtype 0): its log says nothing of a TD's registers");
    write(of(2, 3));
    EXPECT_EQ(refused(), begin + " is of Intel TDX (type 2, subtype 3): its log says nothing of a TD's registers");
    write(of(7, 0));
    EXPECT_EQ(refused(),
              begin + " is of a kind of machine that mrd does not know (type 7, subtype 0): its log says nothing of a TD's registers");
    write(mr::Bytes(40));
    EXPECT_EQ(refused(), begin + " has 40 bytes, and not 56");
    write(mr::Bytes(56));
    EXPECT_EQ(refused(), begin + " is another table");
    write(mr::Bytes(57));
    EXPECT_THAT(refused(), ::testing::StartsWith(begin + " cannot be read: "));
}

TEST_F(CcelTable, OneThatIsNotThereSaysNothing) {
    EXPECT_EQ(refused(), "");
    write(of(1, 0));
    EXPECT_TRUE(check_ccel_table(folder_.path() / "data" / "log")) << "a copy of a log, somewhere else";
}

TEST_F(CcelTable, OfRealMachinesIsRead) {
    for (const auto *machine : {"gcp-cos113", "intel-ita-ovmf"}) {
        const auto file = places::shared_data() / std::filesystem::path("ccel") / machine / "ccel_acpi_table.bin";
        if (!std::filesystem::exists(file)) GTEST_SKIP();
        write(*mr::read_file(file.string(), 1000));
        EXPECT_EQ(refused(), "") << machine;
    }
}

}  // namespace
}  // namespace mrd
