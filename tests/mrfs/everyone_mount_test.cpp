// A mount for all users: whose each call is stays known, to mrd and to its log.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mr/quote.h"
#include "proto/varlink/file_descriptor.h"
#include "tests/integration/as_user.h"
#include "tests/integration/reload.h"
#include "tests/mrfs/mounted.h"

namespace mrfs {
namespace {

constexpr uid_t user_uid = 1000;
constexpr uid_t reader_uid = 1001;
constexpr uid_t nobody = 65'534;
// Who serves: some user of any Debian.
constexpr const char *server = "daemon";
constexpr uid_t server_uid = 1;

constexpr const char *rules = R"([[access]]
name = "files"
users = ["daemon"]
allow = ["list", "read", "extend", "report", "quote", "log"]
on_behalf_of = ["root", "1000-1999"]

[[access]]
name = "inventory"
users = ["daemon"]
allow = ["list", "read"]

[[access]]
name = "users"
users = [1000]
allow = ["list", "read", "extend", "report", "quote", "log"]

[[access]]
name = "readers"
users = [1001]
allow = ["list", "read"]
)";

class EveryoneTest : public MountTest {
protected:
    void SetUp() override {
        ::chmod(folder().c_str(), 0755);
        MountTest::SetUp();
    }
    [[nodiscard]] mrd::Daemon::Options mrd_options() const override { return {.config = rules}; }
    [[nodiscard]] std::vector<std::string> mrfs_options() const override { return {"--for-everyone", "--user", server}; }

    // What a user gets, as text.
    static std::string as(uid_t uid, const std::function<std::string()> &ask) { return mrd::as_user({.uid = uid}, ask); }
    [[nodiscard]] std::optional<mr::EventCaller> last_caller() const {
        std::optional<mr::EventCaller> last;
        auto client = daemon_->client();
        EXPECT_TRUE(client.records(1, false, [&last](const mr::LogRecord &record) {
            last = record.caller;
            return true;
        }));
        return last;
    }
    [[nodiscard]] std::filesystem::path folder_of_registers() const { return mountpoint() / "registers/tdx"; }
};

TEST_F(EveryoneTest, AnExtendIsInTheLogAsItsWritersAndMrfsIsNamedBesides) {
    const auto said = as(user_uid, [this] {
        return std::to_string(write_file(measurement("rtmr3:sha384"), digest_bytes("one"))) + " " + std::to_string(::getpid());
    });
    const auto caller = last_caller();
    ASSERT_TRUE(caller && caller->on_behalf_of);
    EXPECT_EQ(said, "48 " + std::to_string(caller->on_behalf_of->pid));
    EXPECT_EQ(caller->uid, server_uid);
    EXPECT_EQ(caller->rule, "files");
    EXPECT_EQ(caller->on_behalf_of->uid, user_uid);
    EXPECT_EQ(caller->on_behalf_of->gid, user_uid);
}

// The kernel keeps pages of a file for all who have it open: of one that is not the same for all each has his own.
TEST_F(EveryoneTest, NobodySeesThePagesOfAnother) {
    const auto map_as = [path = folder_of_registers() / "reportdata"](uid_t uid) -> const char * {
        EXPECT_EQ(::seteuid(uid), 0);
        const varlink::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        EXPECT_EQ(::seteuid(0), 0);
        auto *pages = ::mmap(nullptr, mr::report_data_size, PROT_READ, MAP_PRIVATE, file.get(), 0);
        return pages == MAP_FAILED ? nullptr : static_cast<const char *>(pages);
    };
    const std::string own(mr::report_data_size, 'A');
    ASSERT_EQ(as(user_uid, [&] { return std::to_string(write_file(folder_of_registers() / "reportdata", mr::as_bytes(own))); }), "64");
    const auto *theirs = map_as(reader_uid);
    const auto *mine = map_as(user_uid);
    ASSERT_TRUE(theirs != nullptr && mine != nullptr);
    // Each is read when it is first looked at.
    EXPECT_EQ(std::string(mine, own.size()), own);
    EXPECT_EQ(std::string(theirs, own.size()), std::string(own.size(), '\0'));
}

TEST_F(EveryoneTest, AUserHasSoManyFoldersOpenAndNoMore) {
    const auto opened = [this] {
        std::vector<varlink::FileDescriptor> folders;
        for (;;) {
            varlink::FileDescriptor next(::open(folder_of_registers().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            if (!next) return std::to_string(folders.size()) + " " + std::to_string(errno);
            folders.push_back(std::move(next));
        }
    };
    for (int i = 0; i < 2; ++i) EXPECT_EQ(as(user_uid, opened), "64 " + std::to_string(EMFILE)) << "what is closed is free";
}

TEST_F(EveryoneTest, WhatAUserMayNotIsRefusedAndHappensNot) {
    const auto said = as(reader_uid, [this] {
        const auto written = write_file(measurement("rtmr3:sha384"), digest_bytes("one"));
        const auto read = read_file(measurement("rtmr3:sha384"));
        return std::to_string(written) + " " + (read ? "read" : "not read");
    });
    EXPECT_EQ(said, std::to_string(-EACCES) + " read");
    EXPECT_EQ(register_value("tdx/rtmr3"), mrd::zero());
    // For whom mrd does not take mrfs's word, and who is nobody.
    for (const uid_t other : {uid_t{2'000}, nobody}) {
        EXPECT_EQ(as(other, [this] { return std::to_string(write_file(measurement("rtmr3:sha384"), digest_bytes("one"))); }),
                  std::to_string(-EACCES))
            << other;
    }
    EXPECT_EQ(register_value("tdx/rtmr3"), mrd::zero());
    // The first of them is told of.
    const auto told = mrd::contents(log());
    const std::string warning = "mrfs: warning: mrd refuses all that is asked for uid 2000";
    EXPECT_TRUE(told.contains(warning)) << told;
    EXPECT_EQ(told.find("warning", told.find(warning) + warning.size()), std::string::npos) << told;
}

TEST_F(EveryoneTest, NamesAreForWhoMayListThem) {
    const auto names = [this](uid_t uid, const std::string &in) {
        return as(uid, [path = mountpoint() / in] {
            std::string all;
            std::error_code error;
            for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
                all += at->path().filename().native() + " ";
            return error ? "errno " + std::to_string(error.value()) : all;
        });
    };
    EXPECT_EQ(names(user_uid, "measurements").find("rtmr3:sha384") == std::string::npos, false);
    mrd::reload(*daemon_, folder(),
                std::string(rules) + "[[access]]\nname = \"one\"\nusers = [1002]\nallow = [\"read\"]\nregisters = [\"tdx/rtmr3\"]\n",
                "are reloaded");
    EXPECT_EQ(names(1002, "measurements"), "rtmr3:sha384 ");
    EXPECT_EQ(names(1002, "registers/tdx"), "rtmr3 ");
    EXPECT_EQ(as(1002, [this] { return std::to_string(read_file(measurement("rtmr3:sha384")).has_value()); }), "1");
    EXPECT_EQ(as(1002, [this] { return std::to_string(read_file(measurement("rtmr2:sha384")).error()); }), std::to_string(ENOENT));
    // Who may list none, and for whom mrd does not take mrfs's word.
    for (const uid_t other : {uid_t{1'003}, uid_t{2'000}}) {
        EXPECT_EQ(names(other, "measurements"), "errno " + std::to_string(EACCES)) << other;
        EXPECT_EQ(names(other, "registers"), "virtual ") << other;
        EXPECT_EQ(names(other, "registers/tdx"), "errno " + std::to_string(ENOENT)) << other;
    }
}

TEST_F(EveryoneTest, AQuoteThatIsKeptIsForWhoMayHaveOneStill) {
    const auto quoted = [this] {
        return as(user_uid, [this] {
            const auto made = read_file(report() / "outblob");
            return made ? std::string("a quote") : "errno " + std::to_string(made.error());
        });
    };
    ASSERT_EQ(as(user_uid, [this] { return std::to_string(::mkdir(report().c_str(), 0700)); }), "0");
    ASSERT_EQ(as(user_uid, [this] { return std::to_string(write_file(report() / "inblob", filled(64, 1))); }), "64");
    EXPECT_EQ(quoted(), "a quote");
    EXPECT_EQ(quoted(), "a quote") << "the same one";
    std::string without(rules);
    const std::string of_users = "users = [1000]\nallow = [\"list\", \"read\", \"extend\", \"report\", \"quote\"";
    ASSERT_NE(without.find(of_users), std::string::npos);
    without.replace(without.find(of_users), of_users.size(), "users = [1000]\nallow = [\"list\", \"read\", \"extend\", \"report\"");
    mrd::reload(*daemon_, folder(), without, "are reloaded");
    EXPECT_EQ(quoted(), "errno " + std::to_string(EACCES));
}

// What mrfs knows of mrd it believes for a second; then it asks, and waits for so long and no longer.
TEST_F(EveryoneTest, AFolderIsNotMadeWhileMrdHangsAndTheErrorSaysSo) {
    daemon_->process().signal(SIGSTOP);
    long made = 0;
    while ((made = result_of(::mkdir(report("hangs").c_str(), 0700))) == 0) ASSERT_EQ(::rmdir(report("hangs").c_str()), 0);
    EXPECT_EQ(made, -ETIMEDOUT);
    daemon_->process().signal(SIGCONT);
    struct stat status{};
    EXPECT_EQ(result_of(::stat(report("hangs").c_str(), &status)), -ENOENT);
    EXPECT_TRUE(read_file(measurement("rtmr3:sha384"))) << "it goes on";
}

TEST_F(EveryoneTest, AnOpenFileIsOfWhoOpenedItWhoeverUsesIt) {
    const File file(measurement("rtmr3:sha384"), O_WRONLY);
    EXPECT_EQ(as(reader_uid, [&file] { return std::to_string(file.write(digest_bytes("one"))); }), "48");
    const auto caller = last_caller();
    ASSERT_TRUE(caller && caller->on_behalf_of);
    EXPECT_EQ(caller->on_behalf_of->uid, 0);
    EXPECT_EQ(caller->on_behalf_of->pid, ::getpid());
}

TEST_F(EveryoneTest, AReportIsItsCreatorsAloneNotEvenRoots) {
    const auto said = as(user_uid, [this]() -> std::string {
        if (::mkdir(report().c_str(), 0700) != 0) return "no folder";
        if (write_file(report() / "inblob", filled(64, 1), O_TRUNC) != 64) return "no inblob";
        const auto made = read_file(report() / "outblob");
        if (!made) return "no quote: " + std::to_string(made.error());
        return mr::decode_quote(*made)->body.report_data[63] == 1 ? "a quote" : "another quote";
    });
    EXPECT_EQ(said, "a quote");
    EXPECT_EQ(result_of(::mkdir(report().c_str(), 0700)), -EEXIST);
    EXPECT_EQ(read_file(report() / "outblob"), std::unexpected(EACCES));
    EXPECT_EQ(write_file(report() / "inblob", filled(64, 2)), -EACCES);
    EXPECT_EQ(shell("ls config/tsm/report/r").exit_code, 2);
    EXPECT_EQ(result_of(::rmdir(report().c_str())), -EACCES);
    struct stat status{};
    EXPECT_EQ(::stat(report().c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, user_uid);
    EXPECT_EQ(as(user_uid, [this] { return std::to_string(result_of(::rmdir(report().c_str()))); }), "0");
}

TEST_F(EveryoneTest, WhoMayHaveNoQuoteHasNoFolderAndTakesNobodysPlace) {
    const auto made = [this](const std::string &name) { return std::to_string(result_of(::mkdir(report(name).c_str(), 0700))); };
    for (const uid_t without : {reader_uid, uid_t{2'000}, nobody})
        EXPECT_EQ(as(without, [&] { return made("r"); }), std::to_string(-EACCES)) << without;
    EXPECT_EQ(as(user_uid, [&] { return made("r"); }), "0");
    EXPECT_EQ(made("r"), std::to_string(-EEXIST));
}

TEST_F(EveryoneTest, ALogIsOpenedByWhoMayReadItAlone) {
    const auto opened = [this](uid_t uid, const char *name) {
        return as(uid, [path = mountpoint() / "log" / name] { return std::to_string(File(path, O_RDONLY).opened()); });
    };
    for (const auto *name : {"json", "cel_json", "tcg", "tcg_index0", "firmware"}) {
        for (const uid_t without : {reader_uid, uid_t{2'000}, nobody})
            EXPECT_EQ(opened(without, name), std::to_string(-EACCES)) << name << " " << without;
        for (const uid_t with : {uid_t{0}, user_uid}) EXPECT_EQ(opened(with, name), "0") << name << " " << with;
    }
    // What was asked to find that out has held up nothing.
    EXPECT_EQ(as(user_uid, [this] { return std::to_string(read_file(mountpoint() / "log/json").has_value()); }), "1");
}

TEST_F(EveryoneTest, WhatIsOpenOfUsersWithoutARightLeavesRoomForWhoMayQuote) {
    std::vector<varlink::FileDescriptor> open;
    const auto open_as = [&](uid_t uid) {
        EXPECT_EQ(::seteuid(uid), 0);
        varlink::FileDescriptor next(::open(mountpoint().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const int error = errno;
        EXPECT_EQ(::seteuid(0), 0);
        if (!next) return error;
        open.push_back(std::move(next));
        return 0;
    };
    // Each has as many as one user may, until nothing is left but what is kept.
    int refused = 0;
    for (uid_t uid = 2'000; refused != ENFILE; ++uid) {
        ASSERT_LT(uid, 2'010U) << "they have all that there is";
        while ((refused = open_as(uid)) == 0) {
        }
    }
    EXPECT_EQ(open_as(reader_uid), ENFILE);
    EXPECT_EQ(open_as(user_uid), 0);
    EXPECT_EQ(open_as(0), 0);
}

TEST_F(EveryoneTest, ReportDataIsEachUsersOwn) {
    EXPECT_EQ(write_file(folder_of_registers() / "reportdata", filled(64, 1)), 64);
    const auto said = as(user_uid, [this]() -> std::string {
        if (read_file(folder_of_registers() / "reportdata") != filled(64, 0)) return "another's data";
        if (read_file(folder_of_registers() / "report0") != std::unexpected(EINVAL)) return "a report over nothing";
        if (write_file(folder_of_registers() / "reportdata", filled(64, 2)) != 64) return "not written";
        const auto made = read_file(folder_of_registers() / "report0");
        return made ? std::to_string(mr::decode_tdreport(*made)->report_data[63]) : "errno " + std::to_string(made.error());
    });
    EXPECT_EQ(said, "2");
    EXPECT_EQ(mr::decode_tdreport(*read_file(folder_of_registers() / "report0"))->report_data[63], 1);
}

TEST_F(EveryoneTest, WhatServesIsThatUserWithoutAnyRight) {
    const auto status = mrd::contents("/proc/" + std::to_string(serving()) + "/status");
    EXPECT_TRUE(status.contains("\nUid:\t1\t1\t1\t1\n")) << status;
    EXPECT_TRUE(status.contains("\nGroups:\t \n")) << status;
    for (const char *set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
        EXPECT_TRUE(status.contains(std::string("\n") + set + ":\t0000000000000000\n")) << status;
    EXPECT_TRUE(status.contains("\nNoNewPrivs:\t1\n")) << status;
    EXPECT_TRUE(status.contains("\nSeccomp:\t2\n")) << status;
    // What unmounts can do nothing else.
    const auto keeper = mrd::contents("/proc/" + std::to_string(mrfs_.pid()) + "/status");
    EXPECT_TRUE(keeper.contains("\nCapEff:\t0000000000200020\n")) << keeper;  // CAP_SYS_ADMIN, CAP_KILL
    EXPECT_TRUE(keeper.contains("\nSeccomp:\t")) << keeper;
}

TEST_F(EveryoneTest, WhatServesEndsWithWhatUnmounts) {
    const int ended = static_cast<int>(::syscall(SYS_pidfd_open, serving(), 0));
    mrfs_.signal(SIGKILL);
    pollfd waited{ended, POLLIN, 0};
    EXPECT_EQ(::poll(&waited, 1, 60'000), 1);
    ::close(ended);
    EXPECT_EQ(mrfs_.wait(), 1000 + SIGKILL);
    ASSERT_TRUE(start_mrfs());
}

TEST_F(EveryoneTest, NeedsAUserThatThereIs) {
    (void)stop_mrfs();
    const auto run = [this](std::vector<std::string> options) {
        options.insert(options.begin(), {places::mrfs(), "--socket", (folder() / "io.mrd").native()});
        options.push_back(mountpoint());
        return mrd::run_program(options, folder()).exit_code;
    };
    EXPECT_EQ(run({"--for-everyone", "--user", "no-such-user"}), 2);
    EXPECT_EQ(run({"--user", server}), 2);
}

}  // namespace
}  // namespace mrfs
