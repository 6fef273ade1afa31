// mrctl gate: a program runs only if this machine's registers and log hold what reference values ask for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "mr/envelope.h"
#include "tests/integration/as_user.h"
#include "tests/integration/mrctl.h"
#include "tests/integration/stepped_program.h"
#include "tests/sanitized.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class MrctlGate : public MrctlTest {
protected:
    // Reference values by which this content must have been measured.
    std::string reference(const std::string &name, const std::string &content) {
        const auto path = folder() / name;
        std::ofstream(path) << R"({"format":"mrd-reference-values","version":1,"requiredEvents":[{"name":"it","text":")" + content +
                                   "\"}]}";
        return path.native();
    }
    std::vector<std::string> command(const std::string &reference, std::vector<std::string> program) {
        std::vector<std::string> all{places::mrctl(), "--socket", (folder() / "io.mrd").native(), "gate", "--reference", reference, "--"};
        all.insert(all.end(), program.begin(), program.end());
        return all;
    }
    Finished gate(const std::string &reference, const std::vector<std::string> &program) {
        return run_program(command(reference, program), folder());
    }
    void measure(const std::string &content) { (void)output({"measure", "rtmr3", "-"}, content); }

    // Description, and what was measured: text, or a digest in hexadecimal.
    struct Event {
        std::string description;
        std::string content;
        friend bool operator==(const Event &, const Event &) = default;
    };
    std::vector<Event> events() {
        std::vector<Event> found;
        auto client = daemon().client();
        EXPECT_TRUE(client.records(1, false, [&found](const mr::LogRecord &record) {
            const auto envelope = mr::decode_envelope(record.data.value_or(mr::Bytes()));
            if (!envelope || record.binding != mr::Binding::bound) return true;
            const auto &body = envelope->body;
            found.push_back({body.description.value_or(""),
                             body.digest ? mr::to_hex(body.digest->value.bytes()) : std::string(body.data->begin(), body.data->end())});
            return true;
        }));
        return found;
    }
    static std::string digest_hex(const std::string &bytes) { return mr::to_hex(digest_of(bytes).bytes()); }
};

TEST_F(MrctlGate, RunsTheProgramWhereTheReferenceValuesHoldAndItsStatusPassesThrough) {
    start();
    measure("what must be there");
    const auto good = reference("good.json", "what must be there");
    const auto done = gate(good, {"sh", "-c", "echo it runs; exit 7"});
    EXPECT_EQ(done.exit_code, 7);
    EXPECT_EQ(done.out, "it runs\n");
    EXPECT_EQ(done.err, "mrctl: note: this machine is simulated and proves nothing\n");
    EXPECT_EQ(gate(good, {}).exit_code, 0) << "for ExecCondition=";
    EXPECT_EQ(gate(good, {"sh", "-c", "kill -TERM $$"}).exit_code, 1000 + SIGTERM);
}

TEST_F(MrctlGate, RunsNothingWhereTheyDoNotAndSaysWhy) {
    start();
    measure("something else");
    const auto done = gate(reference("bad.json", "what must be there"), {"echo", "it runs"});
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.out, IsEmpty());
    EXPECT_THAT(done.err, StartsWith("mrctl: gate: refused: required_events: not in the log: it"));
    EXPECT_EQ(std::ranges::count(done.err, '\n'), 1) << done.err;
}

TEST_F(MrctlGate, WhateverTheReferenceValuesAskForCounts) {
    start();
    measure("what must be there");
    const auto asks_for = [this](const std::string &member) {
        const auto path = folder() / "more.json";
        std::ofstream(path)
            << R"({"format":"mrd-reference-values","version":1,"requiredEvents":[{"name":"it","text":"what must be there"}],)" << member
            << "}";
        return gate(path.native(), {"echo", "it runs"});
    };
    const auto refused = [&](const std::string &member, const std::string &statement) {
        const auto done = asks_for(member);
        EXPECT_EQ(done.exit_code, 1) << member;
        EXPECT_THAT(done.out, IsEmpty());
        EXPECT_THAT(done.err, HasSubstr(statement));
    };
    refused(R"("logOnlyRegisters":["tdx/rtmr2"],"virtualRegisters":["virtual/never-made"])", "virtual_registers");
    refused(R"("registers":{"rtmr3":[")" + hex(7) + R"("]})", "register_values");
    refused(R"("forbiddenEvents":[{"name":"it","text":"what must be there"}])", "forbidden_events");
    refused(R"("closedRegisters":[{"register":"tdx/rtmr3","events":[{"name":"other","text":"another"}]}])", "closed_registers");
    refused(R"("simulatedRoots":"refuse")", "root_is_hardware: this machine is simulated");
    EXPECT_EQ(asks_for(R"("simulatedRoots":"accept")").exit_code, 0);
    const auto held = asks_for(R"("registers":{"rtmr2":[")" + std::string(96, '0') + R"("]})");
    EXPECT_EQ(held.exit_code, 0) << held.err;
}

TEST_F(MrctlGate, TheReferenceValuesAndTheDecisionAreEvents) {
    start();
    measure("what must be there");
    const auto good = reference("good.json", "what must be there");
    const auto bad = reference("bad.json", "what is not there");
    EXPECT_EQ(gate(good, {"echo", "a b"}).exit_code, 0);
    EXPECT_EQ(gate(bad, {"echo"}).exit_code, 1);
    EXPECT_THAT(events(),
                ElementsAre(Event{"gate reference " + good, digest_hex(contents(good))}, Event{R"(gate passed ["echo","a b"])", "passed"},
                            Event{"gate reference " + bad, digest_hex(contents(bad))},
                            Event{R"(gate refused ["echo"])", "refused: required_events"}));
}

TEST_F(MrctlGate, ARegisterThatTheLogDoesNotExplainIsRefused) {
    start();
    measure("what must be there");
    const auto good = reference("good.json", "what must be there");
    extend_behind("rtmr2", hex(7));
    const auto done = gate(good, {"echo", "it runs"});
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.out, IsEmpty());
    EXPECT_THAT(done.err, HasSubstr("log_replay"));
    // In the register that takes the gate's own events it is a gap before them, as soon as mrd has seen it.
    extend_behind("rtmr3", hex(7));
    EXPECT_THAT(gate(good, {"echo", "it runs"}).err, HasSubstr("rtmr3: the log leads to"));
    (void)output({"read", "rtmr3", "--fresh"});
    EXPECT_THAT(gate(good, {"echo", "it runs"}).err, AllOf(HasSubstr("history_complete"), HasSubstr("required_events")));
}

TEST_F(MrctlGate, WhatCannotBeJudgedIsAFailureAndNoNo) {
    start();
    const auto good = reference("good.json", "what must be there");
    const auto expect_failure = [&](const std::vector<std::string> &arguments, const std::string &why) {
        const auto done = mrctl(arguments);
        EXPECT_EQ(done.exit_code, 255) << "which systemd takes for a failure";
        EXPECT_THAT(done.err, HasSubstr(why));
        EXPECT_THAT(done.out, IsEmpty());
    };
    const auto socket = (folder() / "io.mrd").native();
    expect_failure({"--socket", folder() / "nobody", "gate", "--reference", good, "echo"}, "no mrd at");
    expect_failure({"--socket", socket, "gate", "--reference", folder() / "nothing", "echo"}, "No such file");
    expect_failure({"--socket", socket, "gate", "--reference", "/dev/null", "echo"}, "/dev/null: ");
    expect_failure({"--socket", socket, "gate", "echo"}, "--reference is required");
    expect_failure({"--socket", socket, "gate", "--reference", good, "--no-such-option", "echo"}, "--no-such-option");
    expect_failure({"--socket", socket, "gate", "--reference", good, "--register", "mrtd", "echo"}, "NotExtensible");
    EXPECT_THAT(events(), IsEmpty());
    measure("what must be there");
    const auto done = gate(good, {folder() / "no-such-program"});
    EXPECT_EQ(done.exit_code, 255);
    EXPECT_THAT(done.err, HasSubstr("no-such-program: No such file"));
}

TEST_F(MrctlGate, TheEnvironmentDoesNotChooseWhoIsAsked) {
    start();
    measure("what must be there");
    if (std::filesystem::exists(mr::default_socket)) GTEST_SKIP() << "an mrd runs on this machine";
    const auto done = mrctl({"gate", "--reference", reference("good.json", "what must be there"), "echo", "it runs"});
    EXPECT_EQ(done.exit_code, 255);
    EXPECT_THAT(done.err, HasSubstr("no mrd at /run/mrd/io.mrd"));
}

TEST_F(MrctlGate, DoesNotPointToWhatItDoesNotLookAt) {
    const auto nobody =
        run_program({places::mrctl(), "--socket", (folder() / "none").native(), "gate", "--reference", reference("values", "a")}, folder());
    EXPECT_EQ(nobody.exit_code, 255);
    EXPECT_THAT(nobody.err, AllOf(HasSubstr("name its socket with --socket"), ::testing::Not(HasSubstr("MRD_SOCKET"))));
    const auto help = run_program({places::mrctl(), "gate", "--help"}, folder()).out;
    EXPECT_THAT(help, AllOf(HasSubstr("255 it cannot be judged, also"), ::testing::Not(HasSubstr("3 no service"))));
}

TEST_F(MrctlGate, AnotherUsersServiceIsNotAskedAnything) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    std::filesystem::permissions(folder(), std::filesystem::perms::all);
    const auto path = (folder() / "impostor").native();
    std::array<int, 2> heard{};
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe(heard.data()), 0);
    ASSERT_EQ(::pipe(ready.data()), 0);
    const pid_t impostor = ::fork();
    if (impostor == 0) {
        become({.uid = 4711});
        const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(path, std::begin(address.sun_path));
        if (::bind(listener, reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0 || ::listen(listener, 1) != 0) ::_exit(1);
        (void)!::write(ready[1], "x", 1);
        const int client = ::accept(listener, nullptr, nullptr);
        char byte = 0;
        while (::read(client, &byte, 1) == 1) (void)!::write(heard[1], &byte, 1);
        ::_exit(0);
    }
    ::close(heard[1]);
    ::close(ready[1]);
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    const auto done = mrctl({"--socket", path, "gate", "--reference", reference("good.json", "x"), "echo", "it runs"});
    EXPECT_EQ(done.exit_code, 255);
    EXPECT_THAT(done.err, HasSubstr("is not to be trusted as mrd: uid 4711 listens there"));
    EXPECT_EQ(::read(heard[0], &byte, 1), 0) << "something was said to it";
    ::close(heard[0]);
    ::close(ready[0]);
    ::waitpid(impostor, nullptr, 0);
}

TEST_F(MrctlGate, JudgesByTheReferenceValuesThatItHasMeasured) {
    start();
    measure("what must be there");
    const auto path = folder() / "reference.json";
    const auto good = contents(reference("good.json", "what must be there"));
    const auto bad = contents(reference("bad.json", "what is not there"));
    const auto put = [&](const std::string &text) {
        std::ofstream(folder() / "next") << text;
        std::filesystem::rename(folder() / "next", path);
    };
    put(bad);
    const int points = run_stepped(command(path, {"/bin/echo", "it runs"}), folder(), path, {}, -1, [] {}).points;
    EXPECT_GT(points, 20);
    int passed = 0;
    int refused = 0;
    for (int at = 0; at < points; at += is_sanitized ? 29 : 5) {
        put(bad);
        const auto before = events().size();
        const auto done = run_stepped(command(path, {"/bin/echo", "it runs"}), folder(), path, {}, at, [&] { put(good); }).finished;
        const auto told = events();
        ASSERT_EQ(told.size(), before + 2) << done.err;
        EXPECT_EQ(told[before].content, digest_hex(done.exit_code == 0 ? good : bad)) << at;
        EXPECT_EQ(done.out, done.exit_code == 0 ? "it runs\n" : "");
        ++(done.exit_code == 0 ? passed : refused);
    }
    EXPECT_GT(passed, 0);
    EXPECT_GT(refused, 0);
}

// ---- Guests of SEV-SNP and Arm CCA: what they have is in a report that is a quote, and mrd extends nothing of it

class MrctlGateOfAGuest : public MrctlGate {
protected:
    // `beside`: another provider, which takes events.
    void start_guest(const std::string &driver, bool beside) {
        const std::string simulator = "[[provider]]\ntype = \"sim\"\nname = \"tdx\"\n";
        start({.arguments = {}, .guest = driver, .config = "[[provider]]\ntype = \"tsm\"\nname = \"guest\"\n" + (beside ? simulator : "")});
    }
    std::string values(const std::string &members) {
        const auto path = folder() / "values.json";
        std::ofstream(path) << R"({"format":"mrd-reference-values","version":1,)" << members << "}";
        return path.native();
    }
    static std::string registers(const std::string &name, const std::string &value) {
        return R"("registers":{")" + name + R"(":[")" + value + R"("]})";
    }
    Finished gate_guest(const std::string &members, const std::vector<std::string> &options) {
        auto all = command(values(members), {"echo", "it runs"});
        all.insert(std::ranges::find(all, "--"), options.begin(), options.end());
        return run_program(all, folder());
    }
    static void expect_passed(const Finished &done) {
        EXPECT_EQ(done.exit_code, 0) << done.err;
        EXPECT_EQ(done.out, "it runs\n");
    }
    static void expect_refused(const Finished &done, const std::string &why) {
        EXPECT_EQ(done.exit_code, 1) << done.err;
        EXPECT_THAT(done.out, IsEmpty());
        EXPECT_THAT(done.err, AllOf(HasSubstr("mrctl: gate: refused: "), HasSubstr(why)));
    }
    void expect_judged_without_events(const std::string &good, const std::string &bad) {
        const auto unmeasured = gate_guest(good, {});
        EXPECT_EQ(unmeasured.exit_code, 255);
        EXPECT_THAT(unmeasured.out, IsEmpty());
        EXPECT_THAT(unmeasured.err, AllOf(HasSubstr("NoRegisterForRole (role app)"), HasSubstr("--unmeasured")));
        const auto passed = gate_guest(good, {"--unmeasured"});
        expect_passed(passed);
        EXPECT_EQ(passed.err, "mrctl: note: no register takes the gate's events: neither reference values nor decision are measured\n");
        expect_refused(gate_guest(bad, {"--unmeasured"}), "register_values");
        // A register that is named is meant to take them.
        const auto named = gate_guest(good, {"--unmeasured", "--register", "tdx/rtmr3"});
        EXPECT_EQ(named.exit_code, 255);
        EXPECT_THAT(named.err, HasSubstr("NoSuchRegister"));
    }
};

// As tests/faults/guest.h plays them.
const std::string measurement_of_snp = mr::to_hex(mr::Bytes(48, 1));
const std::string rim_of_cca = mr::to_hex(mr::Bytes(32, 0x61));

TEST_F(MrctlGateOfAGuest, OfSevSnpIsJudgedByItsReportAndTheDecisionIsAnEventOfWhatTakesSome) {
    start_guest("sev_guest", true);
    const std::vector<std::string> options{"--provider", "guest"};
    const auto passed = gate_guest(registers("measurement", measurement_of_snp), options);
    expect_passed(passed);
    EXPECT_THAT(passed.err, IsEmpty()) << "what is judged is not simulated";
    expect_refused(gate_guest(registers("measurement", hex(7)), options), "register_values: measurement is " + measurement_of_snp);
    expect_refused(gate_guest(registers("rtmr3", std::string(96, '0')), options), "rtmr3 is in no quote");
    const auto told = events();
    ASSERT_EQ(told.size(), 6U);
    EXPECT_EQ(told[1], (Event{R"(gate passed ["echo","it runs"])", "passed"}));
    EXPECT_EQ(told[3], (Event{R"(gate refused ["echo","it runs"])", "refused: register_values"}));
}

TEST_F(MrctlGateOfAGuest, OfCcaIsJudgedByItsToken) {
    start_guest("arm_cca_guest", true);
    const std::vector<std::string> options{"--provider", "guest"};
    const auto at_start = R"(,"rem0":[")" + std::string(64, '0') + R"("]})";
    auto good = registers("rim", rim_of_cca);
    good.replace(good.rfind('}'), 1, at_start);
    expect_passed(gate_guest(good, options));
    expect_refused(gate_guest(registers("rim", hex(7, 32)), options), "register_values: rim is " + rim_of_cca);
    expect_refused(gate_guest(R"("requiredEvents":[{"name":"it","register":"rem0","text":"what must be there"}])", options),
                   "required_events");
}

TEST_F(MrctlGateOfAGuest, OfSevSnpWithoutARegisterThatTakesEventsIsJudgedOnlyWhereThatMayBe) {
    start_guest("sev_guest", false);
    expect_judged_without_events(registers("measurement", measurement_of_snp), registers("measurement", hex(7)));
}

TEST_F(MrctlGateOfAGuest, OfCcaWithoutARegisterThatTakesEventsIsJudgedOnlyWhereThatMayBe) {
    start_guest("arm_cca_guest", false);
    expect_judged_without_events(registers("rim", rim_of_cca), registers("rem1", hex(7, 32)));
}

TEST_F(MrctlGateOfAGuest, OfSevSnpIsRefusedWhatTheReferenceValuesNameAndNoCertificateVouchesFor) {
    start_guest("sev_guest", false);
    const auto with = [&](const std::string &snp) {
        return gate_guest(registers("measurement", measurement_of_snp) + R"(,"snp":)" + snp, {"--unmeasured"});
    };
    expect_refused(with(R"({"policySet":["smt"]})"), "guest_policy: nothing vouches for the report, which snp.policySet needs");
    expect_refused(with(R"({"vmpls":[0]})"), "vmpl: nothing vouches for the report, which snp.vmpls needs");
    expect_refused(with(R"({"minimumGuestSvn":1})"), "guest_svn: nothing vouches for the report, which snp.minimumGuestSvn needs");
    expect_refused(with(R"({"migrationAgent":"refuse"})"), "migration_agent: ");
    // It asks for less.
    expect_passed(with(R"({"migrationAgent":"accept"})"));
    // Of the platform, as of a TD's.
    expect_passed(with(R"({"minimumTcb":{"Genoa":{"snp":5}}})"));
}

TEST_F(MrctlGate, MeasuresWhereARegisterTakesItsEventsThoughItNeedNot) {
    start();
    measure("what must be there");
    auto all = command(reference("good.json", "what must be there"), {"echo", "it runs"});
    all.insert(std::ranges::find(all, "--"), "--unmeasured");
    EXPECT_EQ(run_program(all, folder()).exit_code, 0);
    EXPECT_EQ(events().size(), 2U);
}

}  // namespace
}  // namespace mrd
