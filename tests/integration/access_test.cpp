// Who may do what, by real sockets and real users.
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <nlohmann/json.hpp>

#include "proto/varlink/file_descriptor.h"
#include "proto/varlink/limits.h"
#include "tests/integration/as_user.h"
#include "tests/integration/daemon.h"
#include "tests/integration/reload.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uid_t somebody = 41'000;
constexpr uid_t somebody_else = 41'001;
constexpr gid_t attesters = 42'000;

class AccessOfUsers : public DaemonTest {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
        ASSERT_EQ(::chmod(folder().c_str(), 0711), 0) << "to the socket everybody may come";
    }

    // The method's reply, or its error's name.
    static std::function<std::string()> calls(const Daemon &daemon, std::string method, std::string parameters = "{}", bool more = false) {
        return [socket = daemon.socket(), method = std::move(method), parameters = std::move(parameters), more]() -> std::string {
            auto client = mr::Client::connect({.socket = socket});
            if (!client) return "no connection: " + client.error().message;
            if (!more) {
                const auto reply = client->call(method, parameters);
                return reply ? reply->json : std::string(mr::to_string(reply.error().code));
            }
            std::string all;
            const auto ended = client->stream(mr::calls::any_stream(method, parameters), [&all](const mr::RawReply &reply) {
                all += reply.json + "\n";
                return true;
            });
            return ended ? all : std::string(mr::to_string(ended.error().code));
        };
    }
    static std::string extend(const std::string &name = "rtmr3") {
        return R"({"name":")" + name + R"(","digest":")" + mr::to_hex(mr::Bytes(48, 7)) +
               R"(","description":"a secret","data":"c2VjcmV0"})";
    }
    static inline const std::string nonce = R"({"reportData":")" + mr::to_hex(mr::Bytes(64, 9)) + "\"}";
    static inline const auto denied = HasSubstr("permission_denied");

    void reload(Daemon &daemon, const std::string &config, const std::string &until) { mrd::reload(daemon, folder(), config, until); }
};

TEST_F(AccessOfUsers, ByDefaultRootExtendsAndEverybodyReadsWithoutWhatOthersSaid) {
    const auto daemon = started();
    EXPECT_THAT(as_user({0}, calls(daemon, "io.mrd.Registers.Extend", extend())), HasSubstr("\"sequence\":1"));
    const OtherUser user{somebody};
    EXPECT_THAT(as_user(user, calls(daemon, "io.mrd.Registers.List")), HasSubstr("tdx/rtmr3"));
    EXPECT_THAT(as_user(user, calls(daemon, "io.mrd.Registers.Read", R"({"name":"rtmr3","fresh":true})")), HasSubstr("\"refreshed\":true"));
    EXPECT_THAT(as_user(user, calls(daemon, "io.mrd.EventLog.Records", "{}", true)),
                AllOf(HasSubstr("\"sequence\":1"), Not(HasSubstr("secret")), Not(HasSubstr("c2VjcmV0")), Not(HasSubstr("caller"))));
    EXPECT_THAT(as_user({0}, calls(daemon, "io.mrd.EventLog.Records", "{}", true)),
                AllOf(HasSubstr("a secret"), HasSubstr("c2VjcmV0"), HasSubstr(R"("rule":"root")")));
    for (const auto &[method, parameters] : std::vector<std::pair<std::string, std::string>>{
             {"io.mrd.Registers.Extend", extend()},
             {"io.mrd.Registers.Measure", R"({"name":"rtmr3","data":"AA=="})"},
             {"io.mrd.Registers.Write", R"({"name":"reportdata","value":")" + mr::to_hex(mr::Bytes(64, 1)) + "\"}"},
             {"io.mrd.Registers.Read", R"({"name":"report0"})"},
             {"io.mrd.Registers.Cap", R"({"name":"rtmr3"})"},
             {"io.mrd.Attestation.Report", nonce},
             {"io.mrd.Attestation.Quote", nonce},
             {"io.mrd.Attestation.Evidence", nonce},
             {"io.mrd.EventLog.Repair", "{}"}})
        EXPECT_THAT(as_user(user, calls(daemon, method, parameters)), denied) << method;
    EXPECT_THAT(daemon.log(), AllOf(HasSubstr("a call is refused: no rule allows it"), HasSubstr("operation=extend"),
                                    HasSubstr("register=rtmr3"), HasSubstr("uid=41000"), HasSubstr("executable=")));
    EXPECT_EQ(daemon.client().read("rtmr3")->value, extended(zero(), mr::Digest(mr::Bytes(48, 7)))) << "nothing of it was done";
}

TEST_F(AccessOfUsers, ASupplementaryGroupCountsAndAnothersDoesNot) {
    const auto daemon =
        started({.config = "[[access]]\nname = \"attesters\"\ngroups = [42000]\nallow = [\"report\", \"quote\", \"evidence\"]\n"});
    for (const auto *method : {"Report", "Quote", "Evidence"}) {
        const auto ask = calls(daemon, "io.mrd.Attestation." + std::string(method), nonce);
        EXPECT_THAT(as_user({somebody, {1, 2, attesters, 3}}, ask), HasSubstr("\"simulated\":true")) << method;
        EXPECT_THAT(as_user({attesters}, ask), HasSubstr("\"simulated\":true")) << method << ", by its own group";
        EXPECT_THAT(as_user({somebody, {1, 2, 3}}, ask), denied) << method;
        EXPECT_THAT(as_user({somebody}, ask), denied) << method;
    }
    EXPECT_THAT(daemon.log(), HasSubstr("nearest_rule=attesters is_for=\"other groups\" untold=0"));
    std::vector<gid_t> too_many;
    for (gid_t group = 50'000; too_many.size() < varlink::max_peer_groups; ++group) too_many.push_back(group);
    too_many.push_back(attesters);
    EXPECT_THAT(as_user({somebody, too_many}, calls(daemon, "io.mrd.Attestation.Report", nonce)), denied)
        << "in more than are kept: in none";
    too_many.erase(too_many.begin());
    EXPECT_THAT(as_user({somebody, too_many}, calls(daemon, "io.mrd.Attestation.Report", nonce)), HasSubstr("\"simulated\":true"));
}

TEST_F(AccessOfUsers, NoRuleIsForWhoHasNoUidHere) {
    const auto daemon = started(
        {.config = "[[access]]\nname = \"all\"\nallow = [\"list\"]\n[[access]]\nname = \"nobody\"\nusers = [65534]\nallow = [\"read\"]\n"});
    EXPECT_THAT(daemon.log(), HasSubstr("the access rule nobody: uid 65534 is whoever has no uid here"));
    EXPECT_THAT(as_user({65534}, calls(daemon, "io.mrd.Registers.List")), denied);
    EXPECT_THAT(as_user({65533}, calls(daemon, "io.mrd.Registers.List")), HasSubstr("registers"));
}

TEST_F(AccessOfUsers, AUnitCountsForWhoIsInItAtTheCallAndNotBelowIt) {
    const auto cgroups = folder() / "cgroups";
    std::filesystem::create_directory(cgroups);
    if (::mount("none", cgroups.c_str(), "cgroup2", 0, nullptr) != 0) GTEST_SKIP() << "no cgroup2 can be mounted here";
    struct Mounted {
        ~Mounted() {
            for (const auto *made : {"system.slice/agent.service/agent.service", "system.slice/agent.service", "system.slice"})
                ::rmdir((path / made).c_str());
            ::umount(path.c_str());
        }
        std::filesystem::path path;
    } const mounted{cgroups};
    if (!contents("/proc/self/cgroup").contains("0::/\n") || std::filesystem::exists(cgroups / "system.slice"))
        GTEST_SKIP() << "a service manager's hierarchy is not for tests";
    ASSERT_TRUE(std::filesystem::create_directories(cgroups / "system.slice" / "agent.service" / "agent.service"));
    const auto in = [&cgroups](const std::string &place) {
        return [file = cgroups / place / "cgroup.procs"] { std::ofstream(file) << ::getpid() << std::flush; };
    };
    const auto daemon =
        started({.config = "[[access]]\nname = \"agent\"\nusers = [41000]\nunits = [\"agent.service\"]\nallow = [\"report\"]\n"});
    const auto ask = calls(daemon, "io.mrd.Attestation.Report", nonce);
    EXPECT_THAT(as_user({somebody, {}, in("system.slice/agent.service")}, ask), HasSubstr("\"simulated\":true")) << daemon.log();
    EXPECT_THAT(as_user({somebody_else, {}, in("system.slice/agent.service")}, ask), denied) << "another user";
    EXPECT_THAT(as_user({somebody, {}, in("system.slice/agent.service/agent.service")}, ask), denied) << "below it";
    EXPECT_THAT(as_user({somebody}, ask), denied) << "in none";
}

TEST_F(AccessOfUsers, ARuleForOneListenerAndOneRegisterHoldsForThoseAlone) {
    const auto second = (folder() / "second").native();
    const auto config = [&](const std::string &path) {
        return "[[listener]]\nname = \"all\"\npath = \"" + path + "\"\n[[listener]]\nname = \"second\"\npath = \"" + second +
               "\"\n[[access]]\nname = \"extends\"\nusers = [41000]\nlisteners = [\"second\"]\nallow = [\"extend\"]\nregisters = "
               "[\"tdx/rtmr3\"]\n"
               "[[access]]\nname = \"everybody\"\nlisteners = [\"all\"]\nallow = [\"list\"]\n";
    };
    const auto daemon = started({.config = config((folder() / "unused").native())});
    const auto on_second = [&](const std::string &name) -> std::function<std::string()> {
        return [&second, parameters = extend(name)]() -> std::string {
            auto client = mr::Client::connect({.socket = second});
            if (!client) return "no connection: " + client.error().message;
            const auto reply = client->call("io.mrd.Registers.Extend", parameters);
            return reply ? reply->json : std::string(mr::to_string(reply.error().code));
        };
    };
    EXPECT_THAT(as_user({somebody}, on_second("rtmr3")), HasSubstr("\"sequence\":1"));
    EXPECT_THAT(as_user({somebody}, on_second("rtmr2")), denied);
    EXPECT_THAT(as_user({somebody_else}, on_second("rtmr3")), denied);
    EXPECT_THAT(as_user({somebody}, calls(daemon, "io.mrd.Registers.Extend", extend())), denied) << "on the other listener";
}

TEST_F(AccessOfUsers, AReloadIsWholeOrNotAtAllAndJudgesOpenSubscriptionsAgain) {
    const std::string allows = "[[access]]\nname = \"a\"\nusers = [41000]\nallow = [\"read\", \"log\"]\n";
    auto daemon = started({.config = allows});
    // Follow, and say so as soon as the first record is there; it ends with its error.
    std::array<int, 2> said{};
    ASSERT_EQ(::pipe(said.data()), 0);
    const pid_t follower = ::fork();
    if (follower == 0) {
        become({somebody});
        auto client = mr::Client::connect({.socket = daemon.socket()});
        const auto ended = client->records(1, true, [&said](const mr::LogRecord &) { return ::write(said[1], "r", 1) == 1; });
        const auto code = ended ? std::string("no error") : std::string(mr::to_string(ended.error().code));
        (void)!::write(said[1], code.data(), code.size());
        ::_exit(0);
    }
    ::close(said[1]);
    ASSERT_TRUE(daemon.client().extend("rtmr3", digest_of("a")));
    char first = 0;
    ASSERT_EQ(::read(said[0], &first, 1), 1);

    reload(daemon, "[[access]]\nname = \"a\"\nallow = [\"raed\"]\n", "access rules and log.audit stay as they were");
    EXPECT_THAT(daemon.log(), HasSubstr("nobody can be allowed: raed"));
    reload(daemon, allows + "[service]\nmax_connections = 0\n", "service.max_connections must be a number");
    reload(daemon, allows + "[[access]]\nname = \"b\"\nusers = [\"no-such-user-here\"]\nallow = [\"read\"]\n", "no-such-user-here");
    EXPECT_THAT(as_user({somebody}, calls(daemon, "io.mrd.Registers.Read", R"({"name":"rtmr3"})")), HasSubstr("reading"));
    ASSERT_TRUE(daemon.client().extend("rtmr3", digest_of("b")));
    ASSERT_EQ(::read(said[0], &first, 1), 1) << "it goes on";
    EXPECT_EQ(first, 'r');

    reload(daemon, "[[access]]\nname = \"a\"\nusers = [41001]\nallow = [\"read\"]\n", "access rules and log.audit are reloaded");
    std::string end;
    for (char next = 0; ::read(said[0], &next, 1) == 1;) end += next;
    EXPECT_EQ(end, "permission_denied");
    ::close(said[0]);
    ::waitpid(follower, nullptr, 0);
    EXPECT_THAT(as_user({somebody}, calls(daemon, "io.mrd.Registers.Read", R"({"name":"rtmr3"})")), denied);
    EXPECT_THAT(as_user({somebody_else}, calls(daemon, "io.mrd.Registers.Read", R"({"name":"rtmr3"})")), HasSubstr("reading"));

    // Nobody but root is let in: the socket says so.
    reload(daemon, "[[access]]\nname = \"a\"\nusers = [0]\nallow = [\"read\"]\n", "is allowed by the rule root already");
    const auto end_of_wait = std::chrono::steady_clock::now() + patience;
    std::string told;
    do told = as_user({somebody_else}, calls(daemon, "io.mrd.Registers.Read", R"({"name":"rtmr3"})"));
    while (!told.starts_with("no connection") && std::chrono::steady_clock::now() < end_of_wait);
    EXPECT_THAT(told, HasSubstr("no connection")) << "mode 0600";
    EXPECT_TRUE(daemon.client().read("rtmr3"));
    EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(AccessOfUsers, IsToldToOneselfAlwaysAndOfOthersToWhoMayRepair) {
    const auto daemon = started(
        {.config = "[[access]]\nname = \"agent\"\nusers = [41000]\ngroups = [42000]\nallow = [\"extend\"]\nregisters = [\"tdx/rtmr3\"]\n"
                   "[[access]]\nname = \"keeper\"\nusers = [41001]\nallow = [\"repair\"]\n"});
    const auto ask = calls(daemon, "io.mrd.Registers.Access");
    const auto permission = [](const std::string &reply, const std::string &right) {
        std::vector<std::string> found;
        const auto parsed = nlohmann::json::parse(reply);
        for (const auto &each : parsed["permissions"]) {
            if (each["right"] == right)
                found.push_back(each.contains("rule") ? each["registers"].dump() + " by " + each["rule"].get<std::string>()
                                                      : "not: " + each["why"].get<std::string>());
        }
        return found;
    };
    const auto own = as_user({somebody, {attesters}}, ask);
    EXPECT_THAT(own, HasSubstr("\"uid\":41000"));
    EXPECT_THAT(permission(own, "extend"), ::testing::Contains("[\"tdx/rtmr3\"] by agent"));
    EXPECT_THAT(permission(as_user({somebody}, ask), "extend"), ::testing::Contains(HasSubstr("not: the rule agent is for other groups")));
    EXPECT_THAT(permission(as_user({65534}, ask), "extend"), ::testing::Contains(HasSubstr("not: ")));

    const auto about = calls(daemon, "io.mrd.Registers.Access", R"({"uid":41000,"groups":[42000]})");
    EXPECT_THAT(permission(as_user({somebody}, about), "extend"), ::testing::Contains(HasSubstr("not: the rule agent is for other groups")))
        << "of oneself, as one is";
    EXPECT_THAT(permission(as_user({somebody, {attesters}}, calls(daemon, "io.mrd.Registers.Access", R"({"uid":41000})")), "extend"),
                ::testing::Contains("[\"tdx/rtmr3\"] by agent"));
    EXPECT_THAT(as_user({somebody}, calls(daemon, "io.mrd.Registers.Access", R"({"uid":41001})")), denied);
    EXPECT_THAT(permission(as_user({somebody_else}, about), "extend"), ::testing::Contains("[\"tdx/rtmr3\"] by agent"));
    EXPECT_THAT(permission(as_user({0}, about), "repair"), ElementsAre("not: the rule keeper is for other users"));
    for (const auto *wrong : {R"({"uid":-1})", R"({"uid":4294967295})", R"({"groups":[1]})", R"({"uid":1,"groups":[-1]})"})
        EXPECT_THAT(as_user({0}, calls(daemon, "io.mrd.Registers.Access", wrong)), HasSubstr("invalid_parameter")) << wrong;
}

TEST_F(AccessOfUsers, MrctlAccessTellsRightsRegistersRuleAndWhyNot) {
    const auto daemon =
        started({.config = "[[access]]\nname = \"agent\"\nusers = [41000]\nallow = [\"extend\"]\nregisters = [\"tdx/rtmr3\"]\n"
                           "[[access]]\nname = \"tenant\"\nusers = [41000]\nallow = [\"create\"]\nregisters = [\"virtual/*\"]\n"
                           "create_on = [\"tdx/rtmr3\"]\ncreate_at_most = 3\n"});
    const auto mrctl = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), places::mrctl());
        return run_program(arguments, folder(), {}, {{"MRD_SOCKET", daemon.socket()}});
    };
    const auto told = mrctl({"access", "41000"});
    EXPECT_EQ(told.exit_code, 0) << told.err;
    EXPECT_THAT(told.out, AllOf(HasSubstr("extend tdx/rtmr3 agent"), HasSubstr("create virtual/* on tdx/rtmr3, at most 3 tenant"),
                                HasSubstr("quote all - no rule allows it to others than root")));
    EXPECT_THAT(mrctl({"access"}).out, HasSubstr("repair all root"));
    EXPECT_THAT(mrctl({"access", "root", "--json"}).out, HasSubstr("\"uid\":0"));
    const auto unknown = mrctl({"access", "no-such-user-here"});
    EXPECT_EQ(unknown.exit_code, 2);
    EXPECT_THAT(unknown.err, HasSubstr("this machine has no user \"no-such-user-here\""));
}

TEST_F(AccessOfUsers, UidsThatNoRuleNamesHaveOneShareOfTheConnections) {
    const auto daemon = started({.config = "[service]\nmax_connections = 16\n[[access]]\nname = \"all\"\nallow = [\"read\"]\n"
                                           "[[access]]\nname = \"named\"\nusers = [41002]\nallow = [\"read\"]\n"});
    const auto connect_as = [&daemon](uid_t uid) {
        // The kernel takes the effective one of who connects.
        EXPECT_EQ(::seteuid(uid), 0);
        auto client = daemon.client();
        EXPECT_EQ(::seteuid(0), 0);
        return client;
    };
    std::vector<mr::Client> held;
    do held.push_back(connect_as(somebody));
    while (held.back().read("rtmr3"));
    EXPECT_LT(held.size(), 16U);
    auto other = connect_as(somebody_else);
    EXPECT_EQ(other.read("rtmr3").error().code, mr::ErrorCode::no_service) << "another uid is no other share";
    auto named = connect_as(41'002);
    EXPECT_TRUE(named.read("rtmr3"));
}

TEST_F(AccessOfUsers, UidsThatNoRuleNamesHaveOneShareOfTheJournal) {
    const auto daemon = started({.config = "[journal]\nsize_limit = 1048576\n[[access]]\nname = \"all\"\nallow = [\"measure\"]\n"
                                           "[[access]]\nname = \"named\"\nusers = [41002]\nallow = [\"measure\"]\n"});
    const auto measure = [&daemon]() -> std::string {
        const auto done = daemon.client().measure("rtmr3", mr::Bytes(60'000, 7));
        return done ? "done" : std::string(mr::to_string(done.error().code));
    };
    const auto fill = [&measure]() -> std::string {
        for (;;) {
            if (auto done = measure(); done != "done") return done;
        }
    };
    EXPECT_EQ(as_user({somebody}, fill), "journal_full");
    EXPECT_EQ(as_user({somebody_else}, measure), "journal_full") << "another uid is no other share";
    EXPECT_EQ(as_user({41'002}, measure), "done");
}

TEST_F(AccessOfUsers, ChangesOfUidsThatNoRuleNamesAreToldOfByOneShareTogether) {
    const auto daemon = started({.config = "[log]\naudit = [\"extend\"]\n"
                                           "[[access]]\nname = \"all\"\nallow = [\"extend\"]\n"
                                           "[[access]]\nname = \"named\"\nusers = [41002]\nallow = [\"extend\"]\n"});
    constexpr int extends = 60;  // fewer than a share has at once
    const auto extend_often = [&daemon]() -> std::string {
        auto client = daemon.client();
        for (int i = 0; i < extends; ++i) {
            if (const auto done = client.extend("rtmr3", digest_of("a")); !done) return done.error().message;
        }
        return "done";
    };
    const auto untold = [&daemon] {
        const auto text = daemon.client().metrics().value();
        constexpr std::string_view name = "\nmrd_audit_unwritten_total ";
        return std::stoi(text.substr(text.find(name) + name.size()));
    };
    EXPECT_EQ(as_user({somebody}, extend_often), "done");
    EXPECT_EQ(as_user({41'002}, extend_often), "done");
    EXPECT_EQ(untold(), 0) << "one uid, and one that has a share of its own";
    EXPECT_EQ(as_user({somebody_else}, extend_often), "done");
    EXPECT_GT(untold(), 0);
}

TEST_F(AccessOfUsers, AProgramAsksForOthersAsItsRuleSaysAndTheLogNamesBoth) {
    const auto rules = [](const std::string &whom) {
        return "[log]\naudit = [\"extend\"]\n[[access]]\nname = \"files\"\nusers = [41000]\nallow = [\"extend\", \"report\"]\non_behalf_of "
               "= " +
               whom + "\n[[access]]\nname = \"users\"\nallow = [\"extend\"]\n";
    };
    auto daemon = started({.config = rules("[41001, \"50000-59999\"]")});
    const auto extend_for = [&daemon](std::int64_t whom) {
        return [&daemon, whom]() -> std::string {
            const auto done = daemon.client().extend("rtmr3", digest_of("a"), {.on_behalf_of = mr::OnBehalfOf{whom, 42'000, 7}});
            return done ? "done" : std::string(mr::to_string(done.error().code)) + " " + done.error().message;
        };
    };
    EXPECT_EQ(as_user({somebody}, extend_for(41'001)), "done");
    EXPECT_EQ(as_user({somebody}, extend_for(50'123)), "done");
    EXPECT_THAT(as_user({somebody}, extend_for(0)), denied);
    EXPECT_THAT(as_user({somebody}, extend_for(60'000)), denied);
    EXPECT_THAT(as_user({somebody}, extend_for(4'294'967'295)), AllOf(HasSubstr("invalid_parameter"), HasSubstr("onBehalfOf.uid")));
    EXPECT_THAT(as_user({somebody_else}, extend_for(41'000)), denied) << "whom no rule lets ask";
    EXPECT_THAT(as_user({0}, extend_for(41'001)), denied) << "root, which may extend, but by no rule for others";
    EXPECT_THAT(as_user({somebody},
                        [&daemon]() -> std::string {
                            const auto report = daemon.client().report(mr::ReportData{1}, {}, mr::OnBehalfOf{41'001, 42'000, 7});
                            return report ? "a report" : std::string(mr::to_string(report.error().code));
                        }),
                denied)
        << "which the program may, and the user may not";
    std::vector<mr::EventCaller> callers;
    ASSERT_TRUE(daemon.client().records(1, false, [&callers](const mr::LogRecord &record) {
        if (record.caller) callers.push_back(*record.caller);
        return true;
    }));
    ASSERT_EQ(callers.size(), 2U);
    EXPECT_EQ(callers[0].uid, somebody);
    EXPECT_EQ(callers[0].rule, "files");
    EXPECT_EQ(callers[0].on_behalf_of, (mr::OnBehalfOf{41'001, 42'000, 7}));
    EXPECT_EQ(callers[1].on_behalf_of, (mr::OnBehalfOf{50'123, 42'000, 7}));
    EXPECT_THAT(daemon.log(), AllOf(HasSubstr("a register was extended"), HasSubstr("uid=41000"),
                                    HasSubstr("for_uid=41001 for_gid=42000 for_pid=7"), HasSubstr("for_uid=0 for_gid=42000 for_pid=7")));
    EXPECT_THAT(daemon.log(),
                AllOf(HasSubstr("for_uid=60000 for_gid=42000 for_pid=7 lacking=uid nearest_rule=files is_for=\"calls for other users than "
                                "this one\""),
                      HasSubstr("for_uid=41001 for_gid=42000 for_pid=7 lacking=for_uid nearest_rule=files is_for=\"calls for others, other "
                                "users\"")));
    const std::map<std::string, std::string> environment{{"MRD_SOCKET", daemon.socket()}};
    EXPECT_THAT(run_program({places::mrctl(), "log"}, folder(), {}, environment).out, HasSubstr("uid 41000 for [7] uid 41001"));
    const auto exported = (folder() / "log.json").native();
    ASSERT_EQ(run_program({places::mrctl(), "log", "--format", "json", "-o", exported}, folder(), {}, environment).exit_code, 0);
    EXPECT_THAT(run_program({places::mrctl(), "inspect", exported}, folder(), {}, {}).out,
                HasSubstr("on behalf of uid 41001 gid 42000 pid 7"));

    reload(daemon, rules("[41002]"), "access rules and log.audit are reloaded");
    EXPECT_THAT(as_user({somebody}, extend_for(41'001)), denied) << "new rules hold at once";
    EXPECT_EQ(as_user({somebody}, extend_for(41'002)), "done");
}

TEST_F(AccessOfUsers, MrctlDoesWhatItsUserMayAndNamesTheRightThatIsMissing) {
    const auto second = (folder() / "second").native();
    const auto file = (folder() / "file").native();
    std::ofstream(file) << "a file";
    ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
    const auto rule = [](const std::string &name, uid_t user, const std::string &allow) {
        return "[[access]]\nname = \"" + name + "\"\nusers = [" + std::to_string(user) + "]\nallow = " + allow + "\n";
    };
    const auto daemon =
        started({.config = "[[listener]]\nname = \"all\"\npath = \"" + (folder() / "unused").native() +
                           "\"\n[[listener]]\nname = \"log\"\npath = \"" + second + "\"\ninterfaces = [\"io.mrd.EventLog\"]\n" +
                           rule("extends", 41'000, "[\"extend\"]\nregisters = [\"tdx/rtmr3\"]") +
                           rule("measures", 41'001, "[\"measure\"]\nregisters = [\"tdx/rtmr3\"]") + rule("replays", 41'002, "[\"log\"]") +
                           rule("reads", 41'003, "[\"read\"]") + rule("makes", 41'005, "[\"create\"]\nregisters = [\"virtual/*\"]") +
                           rule("measures-virtual", 41'006, "[\"measure\"]\nregisters = [\"virtual/web\"]") +
                           "[[register]]\nname = \"tdx/rtmr1\"\nlog_only = true\n"});
    bool is_ours_alone = false;
    const auto mrctl = [&](uid_t user, std::vector<std::string> arguments, std::string socket = {}) {
        arguments.insert(arguments.begin(), places::mrctl());
        const auto out = folder() / "out";
        const auto err = folder() / "err";
        const int written = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        Process process(arguments, {.environment = {{"MRD_SOCKET", socket.empty() ? daemon.socket() : socket}},
                                    .output = written,
                                    .errors = err,
                                    .in_child = [user] { become({user}); }});
        ::close(written);
        const auto code = process.wait();
        is_ours_alone = is_ours_alone || code == 127 || contents(err).contains("mrctl-crypto");
        return std::to_string(code.value_or(-1)) + " " + contents(out) + contents(err);
    };
    const auto measured = mrctl(41'000, {"measure", "tdx/rtmr3", file});
    if (is_ours_alone) GTEST_SKIP() << "this build is for nobody else to run";
    EXPECT_THAT(measured, ::testing::StartsWith("0 tdx/rtmr3 "));
    EXPECT_THAT(mrctl(41'000, {"measure", "rtmr2", file}), AllOf(::testing::StartsWith("1 "), HasSubstr("that this user may list")));
    EXPECT_THAT(mrctl(41'000, {"measure", "rtmr3", file, "--envelope"}), HasSubstr("PermissionDenied (right measure, tdx/rtmr3)"));
    EXPECT_THAT(mrctl(41'004, {"measure", "rtmr3", file}),
                AllOf(::testing::StartsWith("1 "), HasSubstr("PermissionDenied (right measure, rtmr3)")));
    EXPECT_THAT(mrctl(41'001, {"measure", "rtmr3", file, "--envelope"}), ::testing::StartsWith("0 tdx/rtmr3 "));
    EXPECT_THAT(mrctl(41'001, {"measure", "rtmr3", file}),
                AllOf(HasSubstr("PermissionDenied (right extend, tdx/rtmr3)"), HasSubstr("with --envelope it takes the right measure")));
    EXPECT_THAT(mrctl(41'000, {"extend", "rtmr2", "--digest", std::string(96, '0'), "--json"}), HasSubstr("(right extend, rtmr2)"));
    EXPECT_THAT(mrctl(41'002, {"replay"}), AllOf(::testing::StartsWith("0 "), HasSubstr("tdx/rtmr3 equal"), HasSubstr("right list")));
    EXPECT_THAT(mrctl(41'002, {"replay"}, second), AllOf(::testing::StartsWith("0 "), HasSubstr("tdx/rtmr3 equal")));
    EXPECT_THAT(mrctl(41'003, {"status"}), AllOf(::testing::StartsWith("0 "), HasSubstr("provider tdx (sim) running")));
    // A tenant's right comes from no rule.
    EXPECT_THAT(mrctl(41'005, {"create", "web", "--on", "rtmr1"}), ::testing::StartsWith("0 virtual/web "));
    EXPECT_THAT(mrctl(41'005, {"measure", "virtual/web", file}), ::testing::StartsWith("0 virtual/web "));
    EXPECT_THAT(mrctl(41'005, {"list"}), AllOf(::testing::StartsWith("0 virtual/web "), Not(HasSubstr("\ntdx/"))));
    EXPECT_THAT(mrctl(41'006, {"measure", "virtual/web", file}), ::testing::StartsWith("0 virtual/web "));
    EXPECT_THAT(mrctl(0, {"close", "virtual/web"}), ::testing::StartsWith("0 "));
    EXPECT_THAT(mrctl(0, {"create", "web", "--on", "rtmr1"}),
                AllOf(::testing::StartsWith("1 "), HasSubstr("RegisterExists (name virtual/web)")));
}

TEST_F(AccessOfUsers, MrctlLogSaysThatItDoesNotShowAll) {
    const auto daemon = started();
    ASSERT_TRUE(daemon.client().extend("rtmr3", digest_of("a"), {.description = "a secret"}));
    const auto err = folder() / "err";
    Process process({places::mrctl(), "log"},
                    {.environment = {{"MRD_SOCKET", daemon.socket()}}, .errors = err, .in_child = [] { become({somebody}); }});
    const auto exit_code = process.wait();
    if (exit_code == 127) GTEST_SKIP() << "this build is for nobody else to run";
    EXPECT_EQ(exit_code, 0) << contents(err);
    EXPECT_THAT(contents(err), AllOf(HasSubstr("is shown to who has the right log_contents"), HasSubstr("by --for")));
    EXPECT_EQ(run_program({places::mrctl(), "log"}, folder(), {}, {{"MRD_SOCKET", daemon.socket()}}).err, "") << "root sees all";
}

class AccessCheck : public DaemonTest {};

TEST_F(AccessCheck, AStartWarnsOfPatternsThatFitNoRegister) {
    const auto daemon = started({.config = "[[access]]\nname = \"a\"\nusers = [1]\nallow = [\"extend\"]\nregisters = [\"tdx/rtmr[23]\", "
                                           "\"rtmr3\", \"tdx/rtmr3:sha384\"]\n"});
    EXPECT_THAT(daemon.log(), AllOf(HasSubstr("the access rule a: no register has a name like rtmr3;"), Not(HasSubstr("like tdx"))));
}

TEST_F(AccessCheck, WarnsOfRulesThatCanNeverAllowAnythingAndRefusesNamesThatThereAreNot) {
    const auto check = [this](const std::string &config) {
        std::ofstream(folder() / "mrd.toml") << config;
        return run_program({places::mrd(), "--config", folder() / "mrd.toml", "--check"}, folder());
    };
    const std::string rule = "[[access]]\nname = \"a\"\nallow = [\"read\"]\n";
    const auto good = check(rule);
    EXPECT_EQ(good.exit_code, 0);
    EXPECT_EQ(good.err, "");
    const auto warned = check(rule + "listeners = [\"public\"]\n");
    EXPECT_EQ(warned.exit_code, 0);
    EXPECT_THAT(warned.err, HasSubstr("the access rule a: there is no listener public"));
    const std::string log_alone = "[[listener]]\nname = \"log\"\npath = \"/run/mrd/log\"\ninterfaces = [\"io.mrd.EventLog\"]\n";
    const auto of_no_use = check("[[access]]\nname = \"a\"\nusers = [7]\nallow = [\"log\", \"quote\"]\n" + log_alone);
    EXPECT_EQ(of_no_use.exit_code, 0);
    EXPECT_THAT(of_no_use.err,
                AllOf(HasSubstr("the access rule a: quote is asked for by no interface of the listener log"), Not(HasSubstr("a: log is"))));
    const auto let_in = [&](const std::string &user, const std::string &listener) {
        return check("[[access]]\nname = \"a\"\nusers = [" + user + "]\nallow = [\"log\"]\n" + log_alone + listener).err;
    };
    const auto shut_out = HasSubstr("nobody but root and mrd's user may connect to the listener log (mode 0600)");
    EXPECT_THAT(let_in("7", "mode = \"0600\"\nowner = \"root\"\n"), shut_out);
    EXPECT_THAT(let_in("7", "mode = \"0600\"\n"), shut_out);
    EXPECT_THAT(let_in("7", "mode = \"0660\"\nowner = \"root\"\n"), Not(HasSubstr("may connect")));
    EXPECT_THAT(let_in("7", "mode = \"0600\"\nowner = \"7\"\n"), Not(HasSubstr("may connect")));
    EXPECT_THAT(let_in("7", "mode = \"0600\"\n[service]\nuser = \"7\"\n"), Not(HasSubstr("may connect"))) << "it will be mrd's user's";
    const auto no_owner = check("[[listener]]\nname = \"a\"\npath = \"/run/a\"\nowner = \"no-such-user-here\"\n");
    EXPECT_EQ(no_owner.exit_code, 2);
    EXPECT_THAT(no_owner.err, HasSubstr("listener.owner = \"no-such-user-here\" of the listener a: this machine has no such user"));
    const auto refused = check(rule + "users = [\"no-such-user-here\"]\n");
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr("access.users of the rule a: this machine has no user \"no-such-user-here\""));
}

// As on a kernel that cannot say which process has connected: from here on, and for who is run next.
void take_away_peer_processes() {
    constexpr std::uint32_t peer_process = 77;  // SO_PEERPIDFD
    const auto argument = [](unsigned number) {
        return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + number * sizeof(std::uint64_t));
    };
    std::array filter{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 0, 5),
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(1)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOL_SOCKET, 0, 3),
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(2)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, peer_process, 0, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{.len = static_cast<unsigned short>(filter.size()), .filter = filter.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) ::_exit(99);
}

TEST_F(AccessCheck, WarnsOfUnitsWhereTheKernelCannotSayWhichProcessHasConnected) {
    const std::string config = "[[access]]\nname = \"a\"\nunits = [\"a.service\"]\nallow = [\"read\"]\n";
    const auto dead = HasSubstr("the access rule a: it has units, and this kernel cannot say which process has connected");
    const auto file = folder() / "mrd.toml";
    std::ofstream(file) << config;
    const auto check = [&](std::function<void()> in_child) {
        const auto said = folder() / "said";
        std::filesystem::remove(said);
        EXPECT_EQ(Process({places::mrd(), "--config", file, "--check"}, {.errors = said, .in_child = std::move(in_child)}).wait(), 0);
        return contents(said);
    };
    EXPECT_THAT(check(&take_away_peer_processes), dead);
    const auto without = started({.config = config, .in_child = &take_away_peer_processes});
    EXPECT_THAT(without.log(), dead);
    // Where it can, nothing is said: Linux 6.5 and later.
    int process = -1;
    socklen_t size = sizeof(process);
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
    const varlink::FileDescriptor one(pair[0]);
    const varlink::FileDescriptor other(pair[1]);
    constexpr int peer_process = 77;
    if (::getsockopt(one.get(), SOL_SOCKET, peer_process, &process, &size) != 0) return;
    const varlink::FileDescriptor found(process);
    EXPECT_EQ(check({}), "");
}

}  // namespace
}  // namespace mrd
