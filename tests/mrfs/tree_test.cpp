#include "mrfs/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>

#include "tests/mrfs/shown.h"

namespace mrfs {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class TreeTest : public ::testing::Test {
protected:
    [[nodiscard]] Seen seen() const {
        return {.registers = registers, .reports = reports, .virtual_registers = own, .owner = {.uid = 5, .gid = 6}};
    }
    // "a/b/c"
    [[nodiscard]] std::expected<Node, int> at(std::string_view path) const {
        Node node;
        while (!path.empty()) {
            const auto name = path.substr(0, path.find('/'));
            auto next = child(node, name, seen());
            if (!next) return next;
            node = *next;
            path.remove_prefix(std::min(path.size(), name.size() + 1));
        }
        return node;
    }
    [[nodiscard]] std::vector<std::string> names_in(std::string_view path) const {
        std::vector<std::string> names;
        for (auto &entry : children(*at(path), seen())) names.push_back(entry.name);
        return names;
    }
    [[nodiscard]] Attributes told(std::string_view path) const { return *attributes(*at(path), seen()); }
    [[nodiscard]] mode_t mode(std::string_view path) const { return told(path).mode; }

    ShownRegisters registers{td_registers(), ""};
    ReportInstances reports;
    std::vector<mr::Register> own{{.name = "virtual/build", .hash = mr::HashAlgorithm::sha256, .size = 32, .flags = mr::flags_rtmr}};
};

TEST_F(TreeTest, WhatIsFixedIsThereWhateverMrdHas) {
    const ShownRegisters none;
    for (const auto &folder : {Node{}, Node{.kind = Kind::config}, Node{.kind = Kind::tsm}}) {
        for (const auto &entry : children(folder, {.registers = none, .reports = reports, .virtual_registers = own}))
            EXPECT_TRUE(is_fixed_folder(entry.node.kind)) << entry.name;
    }
    for (const auto kind : {Kind::provider, Kind::register_folder, Kind::report, Kind::measurement, Kind::inblob, Kind::log})
        EXPECT_FALSE(is_fixed_folder(kind)) << static_cast<int>(kind);
}

TEST_F(TreeTest, ShowsExactlyTheMeasurementsOfLinux) {
    EXPECT_THAT(names_in("measurements"), UnorderedElementsAre("mrtd:sha384", "mrconfigid", "mrowner", "mrownerconfig", "rtmr0:sha384",
                                                               "rtmr1:sha384", "rtmr2:sha384", "rtmr3:sha384"));
    EXPECT_EQ(mode("measurements/rtmr3:sha384"), S_IFREG | 0644U);
    EXPECT_EQ(mode("measurements/mrtd:sha384"), S_IFREG | 0444U);
    EXPECT_EQ(told("measurements/mrowner").size, 48U);
    EXPECT_EQ(told("measurements/mrowner").uid, 5U);
    EXPECT_EQ(at("measurements/rtmr3"), std::unexpected(ENOENT));
    EXPECT_EQ(at("measurements/servtd_hash:sha384"), std::unexpected(ENOENT));
}

TEST_F(TreeTest, TheFlagFDecidesBetweenAFileAndAFolder) {
    EXPECT_THAT(names_in("registers"), ElementsAre("tdx", "virtual"));
    EXPECT_THAT(names_in("registers/tdx/rtmr3"), ElementsAre("digest", "hash_algo"));
    EXPECT_THAT(names_in("registers/tdx/mrowner"), ElementsAre("digest"));  // it has no hash
    EXPECT_EQ(mode("registers/tdx/rtmr3/digest"), S_IFREG | 0644U);
    EXPECT_EQ(mode("registers/tdx/report0"), S_IFREG | 0444U);
    EXPECT_EQ(told("registers/tdx/report0").size, 1024U);
    EXPECT_EQ(mode("registers/tdx/reportdata"), S_IFREG | 0644U);
}

TEST_F(TreeTest, VirtualRegistersAreFoldersThatTakeNoBareDigest) {
    EXPECT_THAT(names_in("registers/virtual"), ElementsAre("build"));
    EXPECT_EQ(mode("registers/virtual/build/digest"), S_IFREG | 0444U);
    EXPECT_EQ(told("registers/virtual/build/digest").size, 32U);
    const auto digest = *at("registers/virtual/build/digest");
    EXPECT_TRUE(needs_virtual_registers(digest));
    own.clear();
    EXPECT_EQ(attributes(digest, seen()).error(), ENOENT);
}

TEST_F(TreeTest, AReportHasWhatTdxGuestShowsAndItsCreatorOwnsIt) {
    ASSERT_TRUE(reports.make("mine", {.uid = 1000, .gid = 1001}, 0700, {}));
    EXPECT_THAT(names_in("config/tsm/report"), ElementsAre("mine"));
    EXPECT_THAT(names_in("config/tsm/report/mine"), UnorderedElementsAre("inblob", "outblob", "generation", "provider"));
    EXPECT_EQ(mode("config/tsm/report/mine/inblob"), S_IFREG | 0200U);
    EXPECT_EQ(mode("config/tsm/report/mine/outblob"), S_IFREG | 0444U);
    EXPECT_EQ(told("config/tsm/report/mine/inblob").size, 0U);
    EXPECT_EQ(told("config/tsm/report/mine/generation").size, 4096U);
    EXPECT_EQ(told("config/tsm/report/mine").uid, 1000U);
    EXPECT_EQ(mode("config/tsm/report/mine"), S_IFDIR | 0700U);
    EXPECT_EQ(told("config/tsm/report/mine/inblob").gid, 1001U);
}

TEST_F(TreeTest, AReportShowsWhatItsDriverShowsOnThatMachine) {
    const auto shown = [this](const std::string &name, const ReportMaker &maker) {
        EXPECT_TRUE(reports.make(name, {.uid = 1000}, 0700, {}, maker));
        return names_in("config/tsm/report/" + name);
    };
    EXPECT_THAT(shown("snp", maker_of(snp_registers())),
                UnorderedElementsAre("inblob", "outblob", "generation", "provider", "privlevel", "privlevel_floor", "auxblob"));
    const auto all = UnorderedElementsAre("inblob", "outblob", "generation", "provider", "privlevel", "privlevel_floor", "auxblob",
                                          "service_provider", "service_guid", "service_manifest_version", "manifestblob");
    EXPECT_THAT(shown("svsm", maker_of(snp_registers(), 1)), all);
    EXPECT_THAT(shown("cca", maker_of(cca_registers())), all);
    for (const char *name : {"privlevel", "service_provider", "service_guid", "service_manifest_version"}) {
        EXPECT_EQ(mode("config/tsm/report/svsm/" + std::string(name)), S_IFREG | 0200U) << name;
        EXPECT_EQ(told("config/tsm/report/svsm/" + std::string(name)).size, 4096U) << name;
    }
    EXPECT_EQ(mode("config/tsm/report/svsm/privlevel_floor"), S_IFREG | 0444U);
    EXPECT_EQ(told("config/tsm/report/svsm/privlevel_floor").size, 4096U);
    for (const char *name : {"auxblob", "manifestblob"}) {
        EXPECT_EQ(mode("config/tsm/report/svsm/" + std::string(name)), S_IFREG | 0444U) << name;
        EXPECT_EQ(told("config/tsm/report/svsm/" + std::string(name)).size, told("config/tsm/report/svsm/outblob").size) << name;
    }
    EXPECT_EQ(told("config/tsm/report/svsm/auxblob").uid, 1000U);
}

// coreutils takes a size that is no multiple of a block for true.
TEST_F(TreeTest, AQuotesSizeIsABlockSinceItIsNotKnown) {
    ASSERT_TRUE(reports.make("mine", {.uid = 1000}, 0700, {}));
    const auto outblob = told("config/tsm/report/mine/outblob");
    EXPECT_EQ(outblob.size, outblob.block_size);
}

TEST_F(TreeTest, WhatIsInAReportThatWasRemovedIsNotThere) {
    ASSERT_TRUE(reports.make("mine", {.uid = 1000}, 0700, {}));
    const auto outblob = *at("config/tsm/report/mine/outblob");
    ASSERT_TRUE(reports.remove("mine", {.uid = 1000}));
    ASSERT_TRUE(reports.make("mine", {.uid = 1000}, 0700, {}));
    EXPECT_EQ(attributes(outblob, seen()).error(), ENOENT);
    EXPECT_NE(*at("config/tsm/report/mine/outblob"), outblob);
}

TEST_F(TreeTest, AReportIsForItsCreatorAlone) {
    ASSERT_TRUE(reports.make("mine", {.uid = 1000}, 0700, {}));
    const auto outblob = *at("config/tsm/report/mine/outblob");
    EXPECT_TRUE(is_for(outblob, {.uid = 1000}, reports));
    EXPECT_FALSE(is_for(outblob, {.uid = 0}, reports));
    EXPECT_TRUE(is_for(*at("measurements"), {.uid = 0}, reports));
}

TEST_F(TreeTest, EachChildsParentIsTheFolderItIsIn) {
    ASSERT_TRUE(reports.make("mine", {.uid = 1000}, 0700, {}));
    ASSERT_TRUE(reports.make("svsm", {.uid = 1000}, 0700, {}, maker_of(snp_registers(), 1)));
    std::vector<Node> folders{Node{}};
    std::size_t seen_nodes = 0;
    while (!folders.empty()) {
        const auto folder = folders.back();
        folders.pop_back();
        for (const auto &entry : children(folder, seen())) {
            ++seen_nodes;
            EXPECT_EQ(parent(entry.node), folder) << entry.name;
            EXPECT_EQ(child(folder, entry.name, seen()), entry.node);
            const auto attributes_of = attributes(entry.node, seen());
            ASSERT_TRUE(attributes_of) << entry.name;
            EXPECT_EQ(S_ISDIR(attributes_of->mode), is_folder(entry.node.kind)) << entry.name;
            if (is_folder(entry.node.kind)) folders.push_back(entry.node);
        }
    }
    EXPECT_GT(seen_nodes, 40U);
}

}  // namespace
}  // namespace mrfs
