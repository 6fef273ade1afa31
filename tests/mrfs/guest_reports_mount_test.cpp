// Reports of guests other than a TD, as the kernel shows them: on a mount over an mrd that is one. The rows are those that the kernel lab observed (AllAttributes of
// tests/kernel-lab/reports_test.cpp), and what the drivers do of Linux.
#include <algorithm>
#include <set>

#include "mr/digest.h"
#include "tests/mrfs/mounted.h"
#include "tests/mrfs/shown.h"

namespace mrfs {
namespace {

class GuestReportsMountTest : public MountTest {
protected:
    void SetUp() override {
        MountTest::SetUp();
        if (mrfs_.pid() <= 0) return;
        ASSERT_EQ(result_of(::mkdir(report().c_str(), 0700)), 0);
    }
    // tests/faults/guest.h
    [[nodiscard]] virtual std::string guest() const = 0;
    [[nodiscard]] mrd::Daemon::Options mrd_options() const override {
        const auto *const name = guest().starts_with("sev") ? "snp" : "cca";
        return {.arguments = {}, .guest = guest(), .config = std::string("[[provider]]\ntype = \"tsm\"\nname = \"") + name + "\"\n"};
    }

    [[nodiscard]] std::set<std::string> shown() const {
        std::set<std::string> names;
        for (const auto &entry : std::filesystem::directory_iterator(report())) names.insert(entry.path().filename().native());
        return names;
    }
    [[nodiscard]] long set(const std::string &attribute, std::string_view text) const {
        return write_file(report() / attribute, mr::as_bytes(text), O_TRUNC);
    }
    [[nodiscard]] long ask(const mr::Bytes &data) const { return write_file(report() / "inblob", data); }
    [[nodiscard]] std::string text(const std::string &attribute) const { return read_text(report() / attribute); }
    [[nodiscard]] std::expected<mr::Bytes, int> quote() const { return read_file(report() / "outblob"); }

    // Of a report of SEV-SNP: where its VMPL and report data are. Source: AMD 56860, ATTESTATION_REPORT.
    static int vmpl_in(const mr::Bytes &quote) { return quote.at(0x30); }
    static mr::Bytes report_data_in(const mr::Bytes &quote) { return {quote.begin() + 0x50, quote.begin() + 0x90}; }
};

// ---- SEV-SNP with a service module beneath it

class ServiceModuleMountTest : public GuestReportsMountTest {
protected:
    [[nodiscard]] std::string guest() const override { return "sev_guest:1"; }
};

TEST_F(ServiceModuleMountTest, ShowsAllAttributesWithTheirModes) {
    EXPECT_EQ(shown(), (std::set<std::string>{"auxblob", "generation", "inblob", "manifestblob", "outblob", "privlevel", "privlevel_floor",
                                              "provider", "service_guid", "service_manifest_version", "service_provider"}));
    EXPECT_EQ(text("provider"), "sev_guest\n");
    EXPECT_EQ(text("privlevel_floor"), "1\n");
    for (const auto *name : {"privlevel", "service_provider", "service_guid", "service_manifest_version"})
        EXPECT_EQ(File(report() / name, O_RDONLY).opened(), -EACCES) << name;
    for (const auto *name : {"privlevel_floor", "auxblob", "manifestblob"})
        EXPECT_EQ(File(report() / name, O_WRONLY).opened(), -EACCES) << name;
    const File option(report() / "privlevel", O_WRONLY);
    EXPECT_EQ(result_of(::fsync(option.get())), -EINVAL);
}

TEST_F(ServiceModuleMountTest, ReportAndCertificatesAreOfOneReportUntilAnAttributeIsWritten) {
    for (const auto *name : {"outblob", "auxblob", "manifestblob"})
        EXPECT_EQ(read_file(report() / name), std::unexpected(EINVAL)) << name << " before inblob";
    ASSERT_EQ(ask(filled(64, 5)), 64);
    // As programs do it that want the certificates first.
    const auto certificates = text("auxblob");
    EXPECT_TRUE(certificates.starts_with("certificates ")) << certificates;
    const auto first = quote();
    ASSERT_TRUE(first);
    EXPECT_EQ(report_data_in(*first), filled(64, 5));
    EXPECT_EQ(vmpl_in(*first), 1) << "without a level it is the machine's own";
    EXPECT_EQ(text("manifestblob"), "");
    EXPECT_EQ(text("auxblob"), certificates);
    EXPECT_EQ(quote(), first);
    EXPECT_EQ(text("generation"), "1\n");
    // One that is open keeps its own.
    const File opened(report() / "auxblob", O_RDONLY);
    ASSERT_TRUE(opened.read());
    ASSERT_EQ(ask(filled(64, 5)), 64);
    EXPECT_EQ(::lseek(opened.get(), 0, SEEK_SET), 0);
    EXPECT_EQ(opened.read(), mrd::bytes_of(std::string_view(certificates)));
    EXPECT_NE(text("auxblob"), certificates);
    EXPECT_NE(quote(), first);
    EXPECT_EQ(text("generation"), "2\n");
}

TEST_F(ServiceModuleMountTest, TheReportIsForTheLevelThatWasWrittenAndOneBelowTheFloorIsInvalid) {
    for (const auto *level : {"0", "4", "x"}) EXPECT_EQ(set("privlevel", level), -EINVAL) << level;
    EXPECT_EQ(text("generation"), "0\n");
    EXPECT_EQ(set("privlevel", "2\n"), 2);
    ASSERT_EQ(ask(filled(64, 6)), 64);
    EXPECT_EQ(text("generation"), "2\n");
    EXPECT_EQ(vmpl_in(quote().value()), 2);
    const auto done = shell("echo 3 > config/tsm/report/r/privlevel && cat config/tsm/report/r/generation");
    EXPECT_EQ(done.out, "3\n") << done.err;
    EXPECT_EQ(vmpl_in(quote().value()), 3) << "over the same bytes";
}

TEST_F(ServiceModuleMountTest, ServicesComeWithTheirManifest) {
    // A level is passed over then.
    EXPECT_EQ(set("privlevel", "3"), 1);
    EXPECT_EQ(set("service_provider", "svsm\n"), 5);
    ASSERT_EQ(ask(filled(64, 7)), 64);
    const auto first = quote();
    ASSERT_TRUE(first) << first.error();
    EXPECT_EQ(text("manifestblob"), "services");
    auto over = filled(64, 7);
    for (const char c : std::string_view("services")) over.push_back(static_cast<std::uint8_t>(c));
    const auto hash = mr::hash(mr::HashAlgorithm::sha512, over).value();
    EXPECT_TRUE(std::ranges::equal(report_data_in(*first), hash.bytes()));
    // One of them alone.
    EXPECT_EQ(set("service_guid", some_guid), 36);
    EXPECT_EQ(set("service_manifest_version", "7"), 1);
    EXPECT_EQ(text("manifestblob"), "service " + std::string(some_guid) + ", version 7");
    EXPECT_EQ(text("generation"), "5\n");
    // A GUID that is none is refused, and counts.
    EXPECT_EQ(set("service_guid", "nope"), -EINVAL);
    EXPECT_EQ(text("generation"), "6\n");
    EXPECT_EQ(text("manifestblob"), "services");
    EXPECT_EQ(set("service_provider", "other"), 5);
    for (const auto *name : {"outblob", "auxblob", "manifestblob"}) EXPECT_EQ(read_file(report() / name), std::unexpected(EINVAL)) << name;
}

TEST_F(ServiceModuleMountTest, EachWriteOfTextIsOneByItself) {
    const File option(report() / "service_provider", O_WRONLY);
    EXPECT_EQ(option.write(mr::as_bytes("oth")), 3);
    EXPECT_EQ(option.write(mr::as_bytes("svsm")), 4);
    EXPECT_EQ(text("generation"), "2\n") << "before it is closed";
    EXPECT_EQ(option.write(filled(5000, 'x')), 4095);
    EXPECT_EQ(option.write(mr::as_bytes("svsm")), 4);
    ASSERT_EQ(ask(filled(64, 8)), 64);
    EXPECT_EQ(text("manifestblob"), "services");
    ASSERT_EQ(result_of(::rmdir(report().c_str())), 0);
    EXPECT_EQ(option.write(mr::as_bytes("svsm")), -ENOENT);
}

TEST_F(ServiceModuleMountTest, AReportIsKeptWhileMrdIsStartedAnew) {
    ASSERT_EQ(ask(filled(64, 9)), 64);
    const auto certificates = text("auxblob");
    const auto first = quote();
    EXPECT_EQ(daemon_->stop(), 0);
    daemon_.emplace(started(mrd_options()));
    EXPECT_EQ(quote(), first);
    EXPECT_EQ(text("auxblob"), certificates);
}

// ---- SEV-SNP of the highest level: nothing is beneath it

class SevGuestMountTest : public GuestReportsMountTest {
protected:
    [[nodiscard]] std::string guest() const override { return "sev_guest"; }
};

TEST_F(SevGuestMountTest, ShowsNoServices) {
    EXPECT_EQ(shown(), (std::set<std::string>{"auxblob", "generation", "inblob", "outblob", "privlevel", "privlevel_floor", "provider"}));
    EXPECT_EQ(File(report() / "service_provider", O_WRONLY).opened(), -ENOENT);
    EXPECT_EQ(File(report() / "manifestblob", O_RDONLY).opened(), -ENOENT);
    EXPECT_EQ(text("privlevel_floor"), "0\n");
    EXPECT_EQ(set("privlevel", "0"), 1);
    ASSERT_EQ(ask(filled(64, 1)), 64);
    EXPECT_EQ(vmpl_in(quote().value()), 0);
    EXPECT_EQ(ask(filled(63, 1)), 63);
    EXPECT_EQ(quote(), std::unexpected(EINVAL));
}

// ---- Arm CCA: the driver shows everything, and heeds nothing of it

class ArmGuestMountTest : public GuestReportsMountTest {
protected:
    [[nodiscard]] std::string guest() const override { return "arm_cca_guest"; }
};

TEST_F(ArmGuestMountTest, ShowsWhatItsDriverPassesOver) {
    EXPECT_EQ(text("provider"), "arm_cca_guest\n");
    EXPECT_EQ(shown().size(), 11U);
    EXPECT_EQ(text("privlevel_floor"), "0\n");
    EXPECT_EQ(set("privlevel", "2"), 1);
    EXPECT_EQ(set("privlevel", "4"), -EINVAL);
    EXPECT_EQ(set("service_provider", "other"), 5);
    // A challenge of 32 bytes or more, with zeros up to 64.
    ASSERT_EQ(ask(filled(31, 1)), 31);
    EXPECT_EQ(quote(), std::unexpected(EINVAL));
    ASSERT_EQ(ask(filled(32, 1)), 32);
    const auto token = quote();
    ASSERT_TRUE(token) << token.error();
    auto challenge = filled(32, 1);
    challenge.resize(64);
    EXPECT_FALSE(std::ranges::search(*token, challenge).empty());
    EXPECT_EQ(text("auxblob"), "");
    EXPECT_EQ(text("manifestblob"), "");
    EXPECT_EQ(text("generation"), "4\n");
}

}  // namespace
}  // namespace mrfs
