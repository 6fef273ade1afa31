// Evidence of an mrd with two providers that make quotes, and what becomes of it in the hands of who carries it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <fstream>
#include <functional>

#include "mr/verify.h"
#include "tests/integration/daemon.h"
#include "tests/integration/extenders.h"
#include "tests/integration/mrctl.h"

namespace mrd {
namespace {

using namespace mr::statement;  // NOLINT(google-build-using-namespace): names
using mr::ErrorCode;
using mr::Judgement;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::string two_providers = "[[provider]]\ntype = \"sim\"\nname = \"tdx\"\n[[provider]]\ntype = \"sim\"\nname = \"other\"\n";

mr::ReportData nonce_of(std::uint8_t number) {
    mr::ReportData data{};
    data.fill(number);
    return data;
}

std::string told(const mr::Verdict &verdict) {
    std::string text;
    for (const auto &each : verdict.statements()) text += each.name + " " + std::string(to_string(each.result)) + ": " + each.reason + "\n";
    return text;
}

class TwoProviders : public DaemonTest {
protected:
    Daemon with_two(Daemon::Options options = {}) {
        options.arguments.clear();
        options.config = two_providers;
        return started(std::move(options));
    }
    static std::expected<mr::Evidence, mr::Error> evidence_of(mr::Client &client, const mr::ReportData &data,
                                                              const mr::EvidenceOptions &options = {}) {
        const auto given = client.evidence(data, options);
        if (!given) return std::unexpected(given.error());
        return mr::parse_evidence(mr::as_bytes(given->json));
    }
    // As a relying party would who trusts both simulators' roots, and names both parts.
    static mr::VerifyOptions options_for(mr::Client &client, const mr::ReportData &expected) {
        mr::VerifyOptions options;
        options.report_data = mr::Bytes(expected.begin(), expected.end());
        options.time = std::time(nullptr);
        options.anchors.emplace();
        for (const auto *provider : {"tdx", "other"}) {
            auto anchors = mr::parse_trust_anchors(mr::as_bytes(client.collateral(provider).value().root_pem)).value();
            options.anchors->roots.push_back(anchors.roots.front());
        }
        options.waived.reference = true;
        options.reference.parts = {{.name = "tdx", .kind = "tdx"}, {.name = "other", .kind = "tdx"}};
        return options;
    }
    static std::vector<std::string> names_of(const mr::Evidence &evidence) {
        std::vector<std::string> names;
        for (const auto &part : evidence.parts) names.push_back(part.name);
        return names;
    }
};

TEST_F(TwoProviders, EvidenceHasAPartOfEachProviderThatMakesQuotesOrOfThoseThatAreNamed) {
    const auto daemon = with_two();
    auto client = daemon.client();
    ASSERT_TRUE(client.measure("tdx/rtmr3", mr::as_bytes("image"), {.description = "kernel", .envelope = true}));
    ASSERT_TRUE(client.measure("other/rtmr3", mr::as_bytes("settings"), {.description = "agent", .envelope = true}));
    const auto evidence = evidence_of(client, nonce_of(1));
    ASSERT_TRUE(evidence) << evidence.error().message;
    EXPECT_EQ(names_of(*evidence), (std::vector<std::string>{"tdx", "other"})) << "in the order of the configuration";
    EXPECT_TRUE(evidence->coherent());
    EXPECT_THAT(evidence->registers, SizeIs(8));
    EXPECT_EQ(evidence->sequence, 2);
    auto options = options_for(client, nonce_of(1));
    auto verdict = mr::verify(*evidence, options);
    EXPECT_TRUE(verdict.verified()) << told(verdict);
    EXPECT_EQ(verdict.find(parts_distinct)->result, Judgement::holds);
    EXPECT_THAT(verdict.platforms(), SizeIs(2));

    // Reference values mean a register by its part.
    options.reference.required_events = {{.name = "the kernel", .register_name = "tdx/rtmr3", .description = "kernel"},
                                         {.name = "the agent", .register_name = "other/rtmr3", .description = "agent"}};
    EXPECT_TRUE(mr::verify(*evidence, options).verified());
    options.reference.required_events[1].register_name = "tdx/rtmr3";
    EXPECT_EQ(mr::verify(*evidence, options).find(required_events)->result, Judgement::fails) << "it is in the other part's";

    const auto reversed = evidence_of(client, nonce_of(1), {.providers = {"other", "tdx"}}).value();
    EXPECT_EQ(names_of(reversed), (std::vector<std::string>{"other", "tdx"}));
    options = options_for(client, nonce_of(1));
    EXPECT_TRUE(mr::verify(reversed, options).verified());
    const auto one = evidence_of(client, nonce_of(1), {.providers = {"other"}}).value();
    EXPECT_EQ(names_of(one), std::vector<std::string>{"other"});
    verdict = mr::verify(one, options);
    EXPECT_EQ(verdict.find(parts_present)->result, Judgement::fails) << told(verdict);
    options.reference.parts = {{.name = "other", .kind = "tdx"}};
    verdict = mr::verify(one, options);
    EXPECT_TRUE(verdict.verified()) << told(verdict);
}

TEST_F(TwoProviders, WhileBothProvidersAreExtendedEachPartIsThatOfItsMomentAndTheLogLeadsToBoth) {
    const auto daemon = with_two();
    auto client = daemon.client();
    const auto options = options_for(client, nonce_of(1));
    Extenders extenders(daemon, 8, {"tdx/rtmr2", "other/rtmr2", "tdx/rtmr3", "other/rtmr3"}, 0);
    constexpr std::ptrdiff_t extends_for_each = 40;
    for (int i = 0; i < 20; ++i) {
        extenders.allow(extends_for_each);
        const auto evidence = evidence_of(client, nonce_of(1));
        ASSERT_TRUE(evidence) << evidence.error().message;
        EXPECT_TRUE(evidence->coherent());
        const auto verdict = mr::verify(*evidence, options);
        EXPECT_TRUE(verdict.verified()) << told(verdict);
    }
    extenders.stop();
}

TEST_F(TwoProviders, OneProvidersFailureIsThatOfAllAndNamesIt) {
    std::filesystem::create_directories(folder() / "state" / "sim-other.quoting");
    std::filesystem::permissions(folder() / "state", std::filesystem::perms::owner_all);
    const auto daemon = with_two();
    auto client = daemon.client();
    const auto failed = evidence_of(client, nonce_of(1));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::quote_unavailable);
    EXPECT_THAT(failed.error().parameters, HasSubstr(R"("provider":"other")"));
    EXPECT_THAT(failed.error().message, HasSubstr("provider other"));
    EXPECT_TRUE(evidence_of(client, nonce_of(1), {.providers = {"tdx"}})) << "it is not asked";
}

TEST_F(TwoProviders, AQuoteThatNeverComesIsTheTimeoutOfItsProviderAndHoldsUpNoOtherProvider) {
    const auto daemon = with_two({.faults = "quote:never@2"});
    auto client = daemon.client();
    ASSERT_TRUE(evidence_of(client, nonce_of(1), {.providers = {"other"}}));
    const auto failed = evidence_of(client, nonce_of(2), {.deadline = std::chrono::milliseconds(300)});
    ASSERT_FALSE(failed) << "the second quote of `other`, after the first one of `tdx`";
    EXPECT_EQ(failed.error().code, ErrorCode::quote_timeout);
    EXPECT_THAT(failed.error().parameters, HasSubstr(R"("provider":"other")"));
    EXPECT_TRUE(client.extend("other/rtmr3", digest_of("goes on")));
}

TEST_F(TwoProviders, ProvidersThatCannotBeMeantAreRefused) {
    const auto daemon = with_two();
    auto client = daemon.client();
    const auto code = [&](const std::string &providers) {
        const auto reply = client.call("io.mrd.Attestation.Evidence",
                                       R"({"reportData":")" + mr::to_hex(nonce_of(1)) + R"(","providers":)" + providers + "}");
        return reply ? std::string("evidence") : std::string(mr::to_string(reply.error().code)) + " " + reply.error().parameters;
    };
    for (const std::string wrong : {"[]", R"(["tdx","tdx"])", R"(["tdx","other","tdx"])"})
        EXPECT_EQ(code(wrong), R"(invalid_parameter {"parameter":"providers"})") << wrong;
    std::string many = R"(["0")";
    for (std::size_t i = 1; i <= mr::max_evidence_parts; ++i) many += ",\"" + std::to_string(i) + "\"";
    EXPECT_EQ(code(many + "]"), R"(invalid_parameter {"parameter":"providers"})") << "one too many";
    EXPECT_EQ(code(R"(["tdx","tpm"])"), R"(no_such_provider {"name":"tpm","candidates":["tdx","other"]})");
    EXPECT_EQ(code("null"), "evidence");
    EXPECT_EQ(client.collateral().error().code, ErrorCode::no_such_provider) << "two could be meant";
    EXPECT_EQ(client.collateral("tpm").error().code, ErrorCode::no_such_provider);
    EXPECT_THAT(client.collateral().error().message, HasSubstr("several providers could be meant: name one of the candidates"));
    EXPECT_THAT(client.collateral("tpm").error().message, HasSubstr("NoSuchProvider (name tpm, candidates "));
    EXPECT_NE(client.collateral("tdx")->root_pem, client.collateral("other")->root_pem);
}

// ---- Who carries it

class CarriedParts : public TwoProviders {
protected:
    void SetUp() override {
        daemon_.emplace(with_two());
        auto client = daemon_->client();
        ASSERT_TRUE(client.extend("tdx/rtmr3", digest_of("of the one")));
        ASSERT_TRUE(client.extend("other/rtmr3", digest_of("of the other")));
        good = evidence_of(client, nonce_of(1)).value();
        options = options_for(client, nonce_of(1));
        ASSERT_TRUE(mr::verify(good, options).verified());
    }
    // By the verdict, or as no evidence; as a file, and as it is in memory.
    void expect_refused(const mr::Evidence &changed, const char *how) const {
        EXPECT_FALSE(mr::verify(changed, options).verified()) << how;
        const auto parsed = mr::parse_evidence(mr::as_bytes(mr::write_evidence_json(changed)));
        EXPECT_FALSE(parsed && mr::verify(*parsed, options).verified()) << how;
    }
    static mr::Evidence renamed_everywhere(mr::Evidence changed, const std::string &from, const std::string &to) {
        for (auto &part : changed.parts) {
            if (part.name == from) part.name = to;
        }
        for (auto &reg : changed.registers) {
            if (reg.name.starts_with(from + "/")) reg.name.replace(0, from.size(), to);
        }
        std::string log(changed.log.begin(), changed.log.end());
        const auto old_name = "\"" + from + "/";
        for (auto at = log.find(old_name); at != std::string::npos; at = log.find(old_name, at))
            log.replace(at, old_name.size(), "\"" + to + "/");
        changed.log.assign(log.begin(), log.end());
        return changed;
    }

    std::optional<Daemon> daemon_;
    mr::Evidence good;
    mr::VerifyOptions options;
};

TEST_F(CarriedParts, OneThatIsLeftOutIsMissed) {
    for (const std::size_t part : {0U, 1U}) {
        auto changed = good;
        const auto name = changed.parts[part].name + "/";
        changed.parts.erase(changed.parts.begin() + static_cast<std::ptrdiff_t>(part));
        expect_refused(changed, "the part alone");
        std::erase_if(changed.registers, [&](const auto &reg) { return reg.name.starts_with(name); });
        expect_refused(changed, "with what the evidence says of it");
    }
}

TEST_F(CarriedParts, OneThatIsThereTwiceIsRefusedUnderAnyName) {
    for (const auto *name : {"tdx", "other", "third"}) {
        auto changed = good;
        changed.parts.push_back(good.parts[0]);
        changed.parts.back().name = name;
        expect_refused(changed, name);
        changed = good;
        changed.parts[1] = good.parts[0];
        changed.parts[1].name = name;
        expect_refused(changed, "in the other's place");
    }
}

TEST_F(CarriedParts, TwoThatAreExchangedAreRefused) {
    auto changed = good;
    std::swap(changed.parts[0].name, changed.parts[1].name);
    expect_refused(changed, "their names");
    changed = good;
    std::swap(changed.parts[0].quote, changed.parts[1].quote);
    expect_refused(changed, "their quotes");
    changed = good;
    std::swap(changed.parts[0].collateral, changed.parts[1].collateral);
    expect_refused(changed, "their collateral");
    changed = good;
    std::swap(changed.registers[3].signed_value, changed.registers[7].signed_value);
    expect_refused(changed, "what is said of their registers");
    // The order is nothing that anybody goes by.
    changed = good;
    std::swap(changed.parts[0], changed.parts[1]);
    EXPECT_TRUE(mr::verify(changed, options).verified());
}

TEST_F(CarriedParts, OneThatIsRenamedIsRefusedHoweverThoroughly) {
    auto changed = good;
    changed.parts[1].name = "third";
    expect_refused(changed, "its name");
    expect_refused(renamed_everywhere(good, "other", "third"), "everywhere");
    // Nor is the one taken for the other.
    changed = renamed_everywhere(renamed_everywhere(good, "other", "between"), "tdx", "other");
    changed = renamed_everywhere(changed, "between", "tdx");
    options.reference.required_events = {
        {.name = "the one", .register_name = "tdx/rtmr3", .event_digest = mr::ContentDigest{.value = digest_of("of the one")}}};
    EXPECT_TRUE(mr::verify(good, options).verified());
    expect_refused(changed, "the one as the other: what ran there is elsewhere");
}

// ---- The command line

using PartsOnTheCommandLine = MrctlTest;

TEST_F(PartsOnTheCommandLine, EvidenceOfTheNamedProvidersIsVerifiedWithTheRootsOfAll) {
    start({.arguments = {}, .config = two_providers});
    const std::string data(64, '7');
    const auto at = [&](const char *name) { return (folder() / name).string(); };
    EXPECT_THAT(failure(1, {"collateral", "--root", at("root.pem")}), HasSubstr("name one"));
    output({"collateral", "--provider", "tdx", "--root", at("tdx.pem")});
    output({"collateral", "--provider", "other", "--root", at("other.pem")});
    std::ofstream(at("roots.pem")) << contents(at("tdx.pem")) << contents(at("other.pem"));
    const auto parts_of = [&](const std::vector<std::string> &more) {
        std::vector<std::string> arguments{"evidence", "--data", data, "-o", at("e.json")};
        arguments.insert(arguments.end(), more.begin(), more.end());
        EXPECT_EQ(mrctl(arguments).exit_code, 0);
        std::vector<std::string> names;
        const auto made = Json::parse(contents(at("e.json")));
        for (const auto &part : made["parts"]) names.push_back(part["name"]);
        return names;
    };
    const auto verified_with = [&](const std::string &roots) {
        return mrctl({"verify", at("e.json"), "--roots", at(roots.c_str()), "--nonce", data, "--without", "reference"}).exit_code == 0;
    };
    EXPECT_EQ(parts_of({"--provider", "other"}), std::vector<std::string>{"other"});
    EXPECT_TRUE(verified_with("other.pem"));
    EXPECT_FALSE(verified_with("tdx.pem"));
    EXPECT_EQ(parts_of({"--provider", "other", "tdx"}), (std::vector<std::string>{"other", "tdx"}));
    EXPECT_EQ(parts_of({"--provider", "other", "--provider", "tdx"}), (std::vector<std::string>{"other", "tdx"}));
    EXPECT_EQ(parts_of({}), (std::vector<std::string>{"tdx", "other"}));
    EXPECT_TRUE(verified_with("roots.pem"));
    EXPECT_FALSE(verified_with("other.pem")) << "each part leads to a root that is trusted";
    EXPECT_THAT(failure(1, {"evidence", "--data", data, "-o", at("e.json"), "--provider", "tdx", "tdx"}), HasSubstr("none twice"));
}

}  // namespace
}  // namespace mrd
