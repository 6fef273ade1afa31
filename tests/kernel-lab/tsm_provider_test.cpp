// mrd's provider on the kernel's own files: what tests/providers/tsm shows on plain ones, and what only a kernel does. kernel-lab-quoting runs beside it.
#include <sys/mount.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "mr/tdreport.h"
#include "mrd/opener/opener.h"
#include "mrd/providers/tsm/tsm.h"
#include "tests/kernel-lab/machine.h"

namespace mrd::lab {
namespace {

using testing::HasSubstr;
using Cause = QuoteFailure::Cause;

class TsmProvider : public testing::Test {
protected:
    RegisterIndex index_of(std::string_view name) {
        const auto &list = provider_->registers()->list();
        return static_cast<RegisterIndex>(std::ranges::find(list, name, &RegisterSpec::name) - list.begin());
    }
    std::expected<mr::Bytes, ProviderError> read(std::string_view name) {
        std::vector<mr::Bytes> values(provider_->registers()->list().size());
        auto refreshed = provider_->registers()->refresh(provider_->registers()->list()[index_of(name)].refresh_set, values);
        if (!refreshed) return std::unexpected(refreshed.error());
        return values[index_of(name)];
    }
    std::expected<void, ProviderError> extend(std::string_view name, std::uint8_t fill) {
        return provider_->registers()->extend(index_of(name), mr::Digest(some_digest(fill)));
    }
    std::expected<Quoted, QuoteFailure> quote(std::uint8_t fill) { return provider_->quoter()->quote(mr::Bytes(64, fill), {}, {}); }
    static std::size_t folders() {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(reports), std::filesystem::directory_iterator()));
    }

    // As where there is no /dev/tdx_guest.
    static std::unique_ptr<Provider> with_files_alone() {
        return tsm::open({.name = "tdx", .paths = {.guest_device = "/nonexistent"}}).value();
    }

    // Why there is no quote where somebody does this to its folder while it is made; "none of it" where the quote is as it was asked for.
    template <class Act>
    std::string interfered(Act act) {
        set_parameter("quote_hold", "1");
        std::expected<Quoted, QuoteFailure> made;
        std::jthread asks([&] { made = quote(1); });
        wait_until_held("quote", 1);
        // The iterator closes the folder of all before anything is done: its close waits for the lock that a call in there holds while it sleeps.
        const std::filesystem::path folder = std::filesystem::directory_iterator(reports)->path();
        std::unique_ptr<Waiting> other = act(folder);
        EXPECT_TRUE(other->sleeps());
        set_parameter("quote_hold", "0");
        asks.join();
        other->outcome();
        if (!made) return made.error().reason;
        EXPECT_EQ(made->says.report_data, mr::Bytes(64, 1));
        return "none of it";
    }

    std::unique_ptr<Provider> provider_ = tsm::open({.name = "tdx"}).value();
};

TEST_F(TsmProvider, FindsARegisterForEachFileAndThoseThatOnlyAReportHas) {
    std::vector<std::string> names;
    for (const auto &spec : provider_->registers()->list())
        names.push_back(spec.name + " " + spec.flags.to_string() + " " + std::string(to_string(spec.owner)));
    EXPECT_THAT(names, testing::ElementsAre("mrconfigid R owned", "mrowner R owned", "mrownerconfig R owned", "mrtd R owned",
                                            "rtmr0 XWRL observed", "rtmr1 XWRL observed", "rtmr2 XWRL shared", "rtmr3 XWRL owned",
                                            "servtd_hash R owned", "reportdata WRF owned", "report0 RLF owned"));
}

TEST_F(TsmProvider, ExtendsThroughTheFileAndReadsWithOneReport) {
    const auto before = read("rtmr3").value();
    const auto extends = parameter("extend_calls");
    const auto ioctls = parameter("ioctl_calls");
    ASSERT_TRUE(extend("rtmr3", 1));
    EXPECT_EQ(read("rtmr3").value(), extended(before, some_digest(1)));
    EXPECT_EQ(parameter("extend_calls") - extends, 1);
    EXPECT_EQ(parameter("ioctl_calls") - ioctls, 1);
    EXPECT_EQ(read("mrtd").value(), value_of("mrtd:sha384"));
}

TEST_F(TsmProvider, ADigestOfAnotherSizeAndAnExtendOfWhatIsReadOnlyNeverReachTheHardware) {
    const auto before = read("rtmr3").value();
    const auto extends = parameter("extend_calls");
    // The kernel would cut the last two, and extend all the same.
    for (const std::size_t size : {32U, 64U}) {
        const auto refused = provider_->registers()->extend(index_of("rtmr3"), mr::Digest(mr::Bytes(size, 1)));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().applied, Applied::no);
        EXPECT_THAT(refused.error().reason, HasSubstr("takes 48 bytes, these are " + std::to_string(size)));
    }
    for (const auto *const name : {"mrtd", "mrowner", "servtd_hash"}) EXPECT_EQ(extend(name, 1).error().applied, Applied::no) << name;
    EXPECT_EQ(parameter("extend_calls"), extends);
    EXPECT_EQ(read("rtmr3").value(), before);
}

TEST_F(TsmProvider, OneExtendAfterTheOtherIsWrittenAtTheFilesBeginning) {
    const auto before = read("rtmr3").value();
    ASSERT_TRUE(extend("rtmr3", 1));
    ASSERT_TRUE(extend("rtmr3", 2));
    EXPECT_EQ(read("rtmr3").value(), extended(extended(before, some_digest(1)), some_digest(2)));
}

TEST_F(TsmProvider, SeesAnExtendFromElsewhereThatTheKernelsFilesDoNotShow) {
    const auto before = read("rtmr2").value();
    set_parameter("extend_elsewhere", "2 " + mr::to_hex(some_digest(2)));
    EXPECT_EQ(read("rtmr2").value(), extended(before, some_digest(2)));
}

TEST_F(TsmProvider, OfAnExtendThatFailsOnlyARefusalIsCertainToHaveChangedNothing) {
    const auto before = read("rtmr3").value();
    for (const int error : {EBUSY, ENXIO, ENODEV, EINVAL}) {
        const Parameter failing("extend_error_before", error);
        EXPECT_EQ(extend("rtmr3", 1).error().applied, Applied::no) << ::strerrorname_np(error);
        EXPECT_EQ(read("rtmr3").value(), before) << ::strerrorname_np(error);
    }
}

// A hardware's or a driver's error, whichever side of the effect it came from: the report tells at once what the files would hide.
TEST_F(TsmProvider, OfAnExtendThatFailsOtherwiseTheRegisterItselfSaysWhatBecame) {
    auto before = read("rtmr3").value();
    for (const int error : {EIO, EINTR, ETIMEDOUT}) {
        {
            const Parameter failing("extend_error_before", error);
            EXPECT_EQ(extend("rtmr3", 1).error().applied, Applied::unknown) << ::strerrorname_np(error);
        }
        EXPECT_EQ(read("rtmr3").value(), before) << ::strerrorname_np(error);
        {
            const Parameter failing("extend_error_after", error);
            const auto failure = extend("rtmr3", 1).error();
            EXPECT_EQ(failure.applied, Applied::unknown) << ::strerrorname_np(error);
            EXPECT_THAT(failure.reason, HasSubstr("rtmr3:sha384: " + std::generic_category().message(error)));
        }
        before = extended(before, some_digest(1));
        EXPECT_EQ(read("rtmr3").value(), before) << ::strerrorname_np(error);
    }
}

TEST_F(TsmProvider, AReportThatFailsIsTheReadersError) {
    const Parameter failing("ioctl_error_before", EIO);
    EXPECT_THAT(read("rtmr3").error().reason, HasSubstr("/dev/tdx_guest: Input/output error"));
}

TEST_F(TsmProvider, AReadThroughTheDeviceDoesNotWaitForASlowExtendOfTheFiles) {
    set_parameter("extend_hold", "1");
    Waiting extend(SYS_pwrite64,
                   [] { return ::pwrite(File(measurements / "rtmr3:sha384", O_WRONLY).get(), some_digest(1).data(), 48, 0); });
    wait_until_held("extend", 1);
    EXPECT_TRUE(read("rtmr3"));
    set_parameter("extend_hold", "0");
    EXPECT_EQ(extend.outcome(), "48");
}

TEST_F(TsmProvider, WithFilesAloneAnExtendWhoseOutcomeIsUnknownIsNotToldFromTheKernelsCache) {
    provider_ = with_files_alone();
    const auto before = read("rtmr3").value();
    {
        const Parameter failing("extend_error_after", EIO);
        EXPECT_EQ(extend("rtmr3", 1).error().applied, Applied::unknown);
    }
    EXPECT_EQ(value_of("rtmr3:sha384"), before) << "what the kernel shows";
    EXPECT_THAT(read("rtmr3").error().reason, HasSubstr("may show an old value"));
    ASSERT_TRUE(extend("rtmr2", 1));
    EXPECT_EQ(read("rtmr3").value(), extended(before, some_digest(1)));
}

TEST_F(TsmProvider, WithFilesAloneARefreshThatFailsIsTheErrorOfWhatIsLiveAloneAndTheNextReadHasTheValue) {
    provider_ = with_files_alone();
    const auto before = read("rtmr3").value();
    ASSERT_TRUE(extend("rtmr3", 1));
    {
        const Parameter failing("refresh_error_before", EIO);
        EXPECT_THAT(read("rtmr3").error().reason, HasSubstr("rtmr3:sha384: Input/output error"));
        EXPECT_TRUE(read("mrtd"));
    }
    EXPECT_EQ(read("rtmr3").value(), extended(before, some_digest(1)));
}

TEST_F(TsmProvider, AnotherUserReadsTheFilesAndIsToldWhatToDoToExtend) {
    const auto as_another = [this](const std::function<std::string()> &work) {
        return as_user(1000, [&] {
            provider_ = with_files_alone();
            return work();
        });
    };
    const auto extends = [this] {
        const auto done = extend("rtmr3", 1);
        return done ? std::string("extended")
                    : std::string(done.error().applied == Applied::no ? "not " : "perhaps ") + done.error().reason;
    };
    EXPECT_EQ(as_another([this] { return read("rtmr3") ? std::string("read") : "not"; }), "read");
    EXPECT_THAT(as_another([&] { return extends().substr(sizeof "not cannot open " - 1 + measurements.native().size() + 20); }),
                HasSubstr("Permission denied: run mrd as root, or give it the file"));
    const auto file = measurements / "rtmr3:sha384";
    ASSERT_EQ(::chown(file.c_str(), 1000, 1000), 0);
    EXPECT_EQ(as_another(extends), "extended");
    ASSERT_EQ(::chown(file.c_str(), 0, 0), 0);
    EXPECT_THAT(as_user(1000, [this] { return read("rtmr3") ? std::string("read") : "not read"; }), "not read") << "the device is root's";
    EXPECT_EQ(as_user(1000, [this] { return quote(1) ? std::string("quoted") : "not quoted"; }), "not quoted");
    EXPECT_EQ(folders(), 0U);
}

TEST_F(TsmProvider, AUserWhoOwnsTheFolderOfReportsAloneHasNoQuoteAndLeavesNothing) {
    ASSERT_EQ(::chown(reports.c_str(), 1000, 1000), 0);
    const auto reason = as_user(1000, [this] {
        const auto made = quote(1);
        return made ? std::string("quoted") : made.error().reason.substr(made.error().reason.rfind('/'));
    });
    EXPECT_EQ(reason, "/inblob: Permission denied: run mrd as root, or give it the file");
    EXPECT_EQ(folders(), 0U);
    ASSERT_EQ(::chown(reports.c_str(), 0, 0), 0);
}

TEST_F(TsmProvider, WhereSysIsReadOnlyAnExtendHasNotHappenedAndSaysWhatToDo) {
    const auto before = read("rtmr3").value();
    ASSERT_EQ(::mount(nullptr, "/sys", nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    const auto refused = extend("rtmr3", 1);
    ASSERT_EQ(::mount(nullptr, "/sys", nullptr, MS_REMOUNT, nullptr), 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().applied, Applied::no);
    EXPECT_THAT(refused.error().reason, HasSubstr("Read-only file system: mount it for writing"));
    EXPECT_EQ(read("rtmr3").value(), before);
}

TEST_F(TsmProvider, AReportIsOverTheDataThatWereGivenAndLeavesReportdataAlone) {
    ASSERT_TRUE(provider_->registers()->write(index_of("reportdata"), mr::Bytes(64, 1)));
    const auto report = mr::decode_tdreport(provider_->reporter()->report(mr::Bytes(64, 2)).value()).value();
    EXPECT_THAT(report.report_data, testing::Each(2));
    EXPECT_THAT(mr::decode_tdreport(read("report0").value()).value().report_data, testing::Each(1));
}

// ---- Quotes

TEST_F(TsmProvider, AQuoteIsOverItsDataAndTheRegistersAndLeavesNothingBehind) {
    const auto quoted = quote(3).value();
    EXPECT_EQ(quoted.format, "tdx_v4");
    EXPECT_EQ(quoted.says.report_data, mr::Bytes(64, 3));
    ASSERT_EQ(quoted.says.registers.size(), 4U);
    EXPECT_EQ(quoted.says.registers[3].index, index_of("rtmr3"));
    EXPECT_EQ(quoted.says.registers[3].value, mr::Digest(read("rtmr3").value()));
    EXPECT_EQ(folders(), 0U);
}

TEST_F(TsmProvider, AQuoteAfterAnExtendHasTheExtend) {
    const auto before = quote(3).value().says.registers[3].value;
    ASSERT_TRUE(extend("rtmr3", 4));
    EXPECT_EQ(quote(3).value().says.registers[3].value, mr::Digest(extended(before.bytes(), some_digest(4))));
}

TEST_F(TsmProvider, AQuoteThatFailsSaysWhyAndLeavesNothingBehind) {
    for (const auto &[error, cause] :
         {std::pair(EBUSY, Cause::unavailable), std::pair(EIO, Cause::failed), std::pair(ETIMEDOUT, Cause::timed_out)}) {
        const Parameter failing("quote_error_before", error);
        const auto failure = quote(1).error();
        EXPECT_EQ(failure.cause, cause) << error;
        EXPECT_THAT(failure.reason, HasSubstr("outblob: "));
    }
    EXPECT_EQ(folders(), 0U);
    EXPECT_EQ(provider_->quoter()->quote(mr::Bytes(64), {.privilege_level = 1}, {}).error().reason, "privilegeLevel");
    EXPECT_EQ(provider_->quoter()->quote(mr::Bytes(63), {}, {}).error().cause, Cause::no_report);
}

TEST_F(TsmProvider, AFolderThatSomebodyElseWroteToIsNoticed) {
    // The kernel's lock keeps the close, and so the change, until the quote is made. That it then comes before all was read is likely, not certain.
    bool noticed = false;
    for (int i = 0; i < 50 && !noticed; ++i) {
        noticed = interfered([](const std::filesystem::path &folder) {
                      const int inblob = ::open((folder / "inblob").c_str(), O_WRONLY | O_CLOEXEC);
                      if (::write(inblob, mr::Bytes(64, 9).data(), 64) != 64)
                          return std::make_unique<Waiting>(SYS_close, [] { return -1; });
                      return std::make_unique<Waiting>(SYS_close, [inblob] { return ::close(inblob); });
                  }).contains("somebody else wrote to");
    }
    EXPECT_TRUE(noticed);
}

TEST_F(TsmProvider, DataOfAnySizeBut64BytesNeverReachTheKernel) {
    const auto calls = parameter("quote_calls");
    for (const std::size_t size : {0U, 10U, 63U, 65U})
        EXPECT_EQ(provider_->quoter()->quote(mr::Bytes(size), {}, {}).error().cause, QuoteFailure::Cause::no_report) << size;
    EXPECT_EQ(parameter("quote_calls"), calls);
    EXPECT_EQ(folders(), 0U);
}

TEST_F(TsmProvider, AFolderThatSomebodyElseMadeBeforeIsLeftAlone) {
    // The numbers are counted up: the one that comes next.
    const auto last = opener::make_instance(reports).value();
    opener::remove_instance(last);
    const auto name = last.filename().native();
    const auto number_at = name.rfind('-') + 1;
    const auto theirs = reports / (name.substr(0, number_at) + std::to_string(std::stoi(name.substr(number_at)) + 1));
    ASSERT_EQ(::mkdir(theirs.c_str(), 0755), 0);
    const auto refused = quote(1);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().reason, HasSubstr("File exists"));
    EXPECT_TRUE(quote(1)) << "the next has a number of its own";
    EXPECT_TRUE(exists(theirs));
    ASSERT_EQ(::rmdir(theirs.c_str()), 0);
}

// The kernel keeps a folder until the quote is made, and nothing of it is there any more for who reads on.
TEST_F(TsmProvider, AFolderThatSomebodyElseRemovesWhileTheQuoteIsMadeIsToldAndTheNextQuoteIsGood) {
    const auto came = interfered([](const std::filesystem::path &folder) {
        return std::make_unique<Waiting>(SYS_rmdir, [folder] { return ::rmdir(folder.c_str()); });
    });
    EXPECT_THAT(came, testing::AnyOf("none of it", HasSubstr("somebody else removed " + reports.native())));
    EXPECT_TRUE(quote(2));
    EXPECT_EQ(folders(), 0U);
}

TEST_F(TsmProvider, WhatACrashLeftIsRemovedAtTheNextStartAndOthersAreLeftAlone) {
    // The kernel gives no process so high a number.
    ASSERT_EQ(::mkdir((reports / "mrd-4194305-1").c_str(), 0700), 0);
    ASSERT_EQ(::mkdir((reports / "mrd-1-1").c_str(), 0700), 0);
    ASSERT_EQ(::mkdir((reports / "another").c_str(), 0700), 0);
    provider_ = tsm::open({.name = "tdx"}).value();
    EXPECT_FALSE(std::filesystem::exists(reports / "mrd-4194305-1"));
    EXPECT_TRUE(std::filesystem::exists(reports / "mrd-1-1")) << "of a process that lives";
    EXPECT_TRUE(std::filesystem::exists(reports / "another"));
    EXPECT_EQ(::rmdir((reports / "mrd-1-1").c_str()), 0);
    EXPECT_EQ(::rmdir((reports / "another").c_str()), 0);
}

TEST_F(TsmProvider, BesideAnotherUserOfConfigfsEachQuoteIsOverItsOwnData) {
    std::atomic<bool> over = false;
    std::jthread user([&] {
        const auto folder = reports / "user";
        while (!over) {
            ::mkdir(folder.c_str(), 0755);
            write_once(folder / "inblob", mr::Bytes(64, 200));
            read_all(folder / "outblob");
            ::rmdir(folder.c_str());
        }
    });
    for (std::uint8_t nonce = 0; nonce < 16; ++nonce) {
        const auto quoted = quote(nonce);
        ASSERT_TRUE(quoted) << quoted.error().reason;
        EXPECT_EQ(quoted->says.report_data, mr::Bytes(64, nonce));
    }
    over = true;
}

// ---- With odd_registers=1

using OddRegistersOfTheProvider = TsmProvider;

TEST_F(OddRegistersOfTheProvider, HaveTheFlagsOfTheirModesAndEachIsWrittenAndReadAsThoseSay) {
    const auto flags = [this](std::string_view name) { return provider_->registers()->list().at(index_of(name)).flags.to_string(); };
    EXPECT_EQ(flags("odd256"), "XWRL");
    EXPECT_EQ(flags("oddwriteonly"), "W") << "what cannot be read cannot be held against the log";
    EXPECT_EQ(flags("oddstore"), "WR");
    const auto extend_by = [this](std::string_view name, std::size_t size) {
        return provider_->registers()->extend(index_of(name), mr::Digest(mr::Bytes(size, 1)));
    };
    EXPECT_TRUE(extend_by("odd256", 32));
    EXPECT_EQ(read("odd256").value(), mr::Bytes(32, 1)) << "the module stores what is written";
    EXPECT_FALSE(extend_by("odd256", 48));
    EXPECT_FALSE(extend_by("oddwriteonly", 64));
    EXPECT_TRUE(provider_->registers()->write(index_of("oddwriteonly"), mr::Bytes(64, 1)));
    EXPECT_TRUE(provider_->registers()->write(index_of("oddstore"), mr::Bytes(16, 2)));
    EXPECT_EQ(read("oddstore").value(), mr::Bytes(16, 2));
    EXPECT_FALSE(provider_->registers()->write(index_of("oddstore"), mr::Bytes(15, 2)));
}

}  // namespace
}  // namespace mrd::lab
