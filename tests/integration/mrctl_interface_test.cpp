// mrctl on the report of a device interface: what of it is judged, and that nothing which was not given is taken for a yes.
#include <gmock/gmock.h>

#include <fstream>

#include "mr/digest.h"
#include "tests/attestation/tee/tdisp/interface_report.h"
#include "tests/integration/mrctl.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr mr::TdispRange plain_range{.first_page = 0x100, .pages = 4};
constexpr mr::TdispRange non_tee_range{.first_page = 0x100, .pages = 4, .attributes = mr::tdisp_range_non_tee};
constexpr mr::TdispRange updatable_range{.first_page = 0x100, .pages = 4, .attributes = mr::tdisp_range_updatable};

std::string digest_text(const mr::Bytes &report) {
    return "sha384:" + mr::to_hex(mr::hash(mr::HashAlgorithm::sha384, report).value().bytes());
}

// DEVICE_INTERFACE_REPORT of the function 01:00.0, or of another one of that device.
mr::Bytes report_message(mr::ByteView portion, std::size_t remainder, std::uint8_t function = 0) {
    auto message = mr::from_hex("10040000000100000000000000000000").value();
    message[4] = function;
    for (const auto number : {portion.size(), remainder}) {
        message.push_back(static_cast<std::uint8_t>(number));
        message.push_back(static_cast<std::uint8_t>(number >> 8U));
    }
    message.insert(message.end(), portion.begin(), portion.end());
    return message;
}

// In SPDM's VENDOR_DEFINED_RESPONSE.
mr::Bytes in_spdm(const mr::Bytes &message) {
    auto outer = mr::from_hex("127e00000300020100000001").value();
    outer[9] = static_cast<std::uint8_t>(message.size() + 1);
    outer.insert(outer.end(), message.begin(), message.end());
    return outer;
}

class MrctlInterface : public MrctlTest {
protected:
    std::string file(const std::string &name, std::string_view content) {
        const auto path = folder() / name;
        std::ofstream(path, std::ios::binary) << content;
        return path.native();
    }
    std::string file(const std::string &name, const mr::Bytes &content) {
        return file(name, std::string_view(reinterpret_cast<const char *>(content.data()), content.size()));
    }
    static std::vector<std::string> command(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"device", "verify-interface"});
        return arguments;
    }
    // In the state RUN, by the digest that the TSM would say.
    std::vector<std::string> judging(const mr::Bytes &report, std::string_view policy = "{}") {
        return command(
            {file("report", report), "--policy", file("policy.json", policy), "--digest", digest_text(report), "--state", "RUN"});
    }
    // The last line of a verdict that is negative.
    std::string refusal(const std::vector<std::string> &arguments) {
        const auto done = mrctl(arguments);
        EXPECT_EQ(done.exit_code, 1) << done.out;
        EXPECT_THAT(done.err, ::testing::IsEmpty());
        EXPECT_THAT(done.out, EndsWith("\n"));
        const auto lines = done.out.substr(0, done.out.size() - std::min<std::size_t>(done.out.size(), 1));
        return lines.substr(lines.rfind('\n') + 1);
    }
};

TEST_F(MrctlInterface, AReportThatSatisfiesThePolicyIsVerified) {
    const auto report = mr::interface_report({plain_range});
    const auto verdict = output(judging(report));
    EXPECT_THAT(verdict, HasSubstr("interface_report true required a report of 1 ranges\n"));
    EXPECT_THAT(verdict, HasSubstr("interface_origin true required the report has the digest that the TSM says\n"));
    EXPECT_THAT(verdict, EndsWith("\nverified\n"));
}

TEST_F(MrctlInterface, AReportIsBytesOrTextAndMayComeFromStandardInput) {
    const auto report = mr::interface_report({plain_range});
    const auto policy = file("policy.json", R"({"states": ["CONFIG_LOCKED"], "digest": ")" + digest_text(report) + "\"}");
    for (const auto &text : {mr::to_hex(report), mr::to_base64(report)}) {
        const auto verdict = output(command({"-", "--policy", policy, "--state", "CONFIG_LOCKED"}), text);
        EXPECT_THAT(verdict, EndsWith("\nverified\n")) << text;
    }
    EXPECT_THAT(output(command({file("report", report), "--policy", "-", "--state", "RUN", "--digest", digest_text(report)}), "{}"),
                EndsWith("\nverified\n"));
    EXPECT_THAT(failure(2, command({"-", "--policy", "-", "--state", "RUN"})), HasSubstr("standard input is one file"));
}

TEST_F(MrctlInterface, WhatThePolicyDoesNotAcceptIsRefusedByItsStatement) {
    constexpr auto locked = mr::tdisp_no_update_after_lock;
    struct Case {
        mr::Bytes report;
        const char *member;  // that accepts it
        std::string statement;
    };
    for (const auto &[report, member, statement] :
         {Case{mr::interface_report({non_tee_range}), "nonTeeRanges", "interface_ranges"},
          Case{mr::interface_report({updatable_range}), "updatableRanges", "interface_ranges"},
          Case{mr::interface_report({plain_range}, 0), "updateAfterLock", "interface_update"},
          Case{mr::interface_report({plain_range}, locked | mr::tdisp_ats), "ats", "interface_dma"},
          Case{mr::interface_report({plain_range}, locked | mr::tdisp_prs), "prs", "interface_dma"}}) {
        EXPECT_EQ(refusal(judging(report)), "REFUSED: " + statement) << member;
        EXPECT_THAT(output(judging(report, R"({")" + std::string(member) + R"(": "accept"})")), EndsWith("\nverified\n")) << member;
    }
    const auto report = mr::interface_report({plain_range});
    EXPECT_EQ(refusal(judging(report, R"({"states": ["CONFIG_LOCKED"]})")), "REFUSED: interface_state");
    const auto other = digest_text(mr::interface_report({}));
    const auto policy = file("digest.json", R"({"digest": ")" + other + "\"}");
    EXPECT_EQ(refusal(command({file("report", report), "--policy", policy, "--state", "RUN"})), "REFUSED: interface_origin");
    EXPECT_EQ(refusal(command({file("report", report), "--policy", file("policy.json", "{}"), "--state", "RUN", "--digest", other})),
              "REFUSED: interface_origin");
}

TEST_F(MrctlInterface, AReportOfAnotherLengthIsRefusedAlsoWhereTheTsmWouldSayItsDigest) {
    const auto report = mr::interface_report({plain_range});
    auto longer = report;
    longer.push_back(0);
    EXPECT_EQ(refusal(judging(longer)), "REFUSED: interface_report");
    for (const std::size_t size : {std::size_t{0}, std::size_t{15}, report.size() - 4, report.size() - 1}) {
        const mr::Bytes shorter(report.begin(), report.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(refusal(judging(shorter)), "REFUSED: interface_report") << size;
    }
    EXPECT_EQ(refusal(judging(mr::interface_report({plain_range, plain_range}))), "REFUSED: interface_report");
    const mr::Bytes huge(mr::max_tdisp_report_size + 4096, 0);
    EXPECT_THAT(failure(1, judging(huge)), HasSubstr("is longer than"));
}

TEST_F(MrctlInterface, WhatIsNotGivenMakesTheVerdictNegativeUnlessItIsWaived) {
    const auto report = file("report", mr::interface_report({plain_range}));
    EXPECT_EQ(refusal(command({report})),
              "REFUSED: interface_policy (no --policy), interface_origin (no --digest), interface_state (no --state)");
    const auto policy = file("policy.json", "{}");
    const auto digest = digest_text(mr::interface_report({plain_range}));
    EXPECT_EQ(refusal(command({report, "--state", "RUN", "--digest", digest})), "REFUSED: interface_policy (no --policy)");
    EXPECT_EQ(refusal(command({report, "--policy", policy, "--state", "RUN"})), "REFUSED: interface_origin (no --digest)");
    EXPECT_EQ(refusal(command({report, "--policy", policy, "--digest", digest})), "REFUSED: interface_state (no --state)");
    EXPECT_THAT(output(command({report, "--without", "policy,origin,state"})),
                AllOf(EndsWith("\nverified, but not what the interface may be (--without policy), where the report is from (--without "
                               "origin), the interface's state (--without state)\n"),
                      HasSubstr("interface_report true required"), HasSubstr("interface_ranges not_judged - "),
                      HasSubstr("interface_origin not_judged - ")));
    // A rule that is broken is broken with it, too.
    const auto shared = file("shared", mr::interface_report({non_tee_range}));
    EXPECT_EQ(refusal(command({shared, "--policy", policy, "--without", "origin,state"})), "REFUSED: interface_ranges");
    EXPECT_EQ(refusal(command({report, "--state", "ERROR", "--without", "policy,origin"})), "REFUSED: interface_state");
}

TEST_F(MrctlInterface, WhatContradictsItselfIsWrongUsage) {
    const auto report = file("report", mr::interface_report({plain_range}));
    const auto digest = digest_text(mr::interface_report({plain_range}));
    const auto policy = file("policy.json", R"({"digest": ")" + digest + "\"}");
    EXPECT_THAT(failure(2, command({report, "--policy", policy, "--without", "policy"})),
                HasSubstr("--without policy and --policy contradict each other"));
    EXPECT_THAT(failure(2, command({report, "--state", "RUN", "--without", "state"})),
                HasSubstr("--without state and --state contradict each other"));
    EXPECT_THAT(failure(2, command({report, "--digest", digest, "--without", "origin"})),
                HasSubstr("--without origin and --digest contradict each other"));
    EXPECT_THAT(failure(2, command({report, "--policy", policy, "--without", "origin"})), HasSubstr("the policy has a digest"));
    EXPECT_THAT(failure(2, command({report, "--policy", policy, "--digest", digest})), HasSubstr("the policy has a digest"));
    EXPECT_THAT(failure(2, command({report, "--without", "tcb"})), HasSubstr("--without takes policy, origin and state"));
    EXPECT_THAT(failure(2, command({report, "--digest", "sha256:00"})), HasSubstr("--digest takes sha384:HEX"));
    EXPECT_THAT(failure(2, command({report, "--state", "LOCKED"})), HasSubstr("LOCKED"));
    EXPECT_THAT(failure(2, command({})), HasSubstr("REPORT is required"));
}

TEST_F(MrctlInterface, AsJsonEveryOutcomeSaysWhetherItIsVerified) {
    const auto report = mr::interface_report({plain_range});
    const auto verdict = json(judging(report));
    EXPECT_TRUE(verdict["verified"].get<bool>());
    EXPECT_EQ(verdict["statements"][0]["name"].get<std::string>(), "interface_policy");
    const auto told = [&](int exit_code, std::vector<std::string> arguments) {
        arguments.emplace_back("--json");
        const auto done = mrctl(arguments);
        EXPECT_EQ(done.exit_code, exit_code) << done.out;
        auto object = Json::parse(done.out, nullptr, false);
        EXPECT_FALSE(object.value("verified", true)) << done.out;
        return object;
    };
    EXPECT_EQ(told(1, judging(mr::interface_report({}, 0)))["statements"].size(), 7U);
    EXPECT_THAT(told(1, judging(report, R"({"atS": "accept"})")).value("error", ""), HasSubstr("policy.json: the member atS"));
    EXPECT_EQ(told(1, command({(folder() / "none").native()})).value("code", ""), "io");
    EXPECT_EQ(told(2, command({"x", "--state", "LOCKED"})).value("code", ""), "usage");
    EXPECT_EQ(told(2, command({"x", "--without", "x"})).value("code", ""), "usage");
}

TEST_F(MrctlInterface, TheMessagesThatAReportComesInArePutTogether) {
    const auto report = mr::interface_report({plain_range});
    const mr::ByteView whole(report);
    const auto policy = file("policy.json", R"({"digest": ")" + digest_text(report) + "\"}");
    const auto judged = [&](std::vector<std::string> files) {
        files.insert(files.end(), {"--policy", policy, "--state", "RUN"});
        return command(files);
    };
    const auto alone = report_message(whole, 0);
    EXPECT_THAT(output(judged({file("alone", alone)})), EndsWith("\nverified\n"));
    EXPECT_THAT(output(judged({file("in-spdm", mr::to_hex(in_spdm(alone)))})), EndsWith("\nverified\n"));
    const auto first = file("first", in_spdm(report_message(whole.first(16), report.size() - 16)));
    const auto second = file("second", report_message(whole.subspan(16), 0));
    EXPECT_THAT(output(judged({first, second})), EndsWith("\nverified\n"));
    EXPECT_THAT(failure(1, judged({first})), HasSubstr("bytes of it are missing"));
    EXPECT_THAT(failure(1, judged({second, first})), HasSubstr("a portion says"));
    const auto others = file("others", report_message(whole.subspan(16), 0, 1));
    EXPECT_THAT(failure(1, judged({first, others})), HasSubstr("is of the interface 01:00.1, and the one before it of 01:00.0"));
    EXPECT_THAT(failure(1, judged({first, file("report", report)})), HasSubstr("report is no message"));
    auto longer = alone;
    longer.push_back(0);
    EXPECT_THAT(failure(1, judged({file("longer", longer)})), HasSubstr("TDISP message"));
    const auto state = file("state", "1005000000010000000000000000000002");
    EXPECT_THAT(failure(1, judged({state})), AllOf(HasSubstr("DEVICE_INTERFACE_STATE"), Not(HasSubstr("REFUSED"))));
}

}  // namespace
}  // namespace mrd
