// What evidence says and nothing signs: any single claim that is changed in good evidence is found out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/attestation/log_lines.h"
#include "tests/attestation/machine.h"
#include "tests/attestation/tee/tdx/sample_quotes.h"
#include "tests/attestation/verdict_text.h"

namespace mr {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ClaimsTest : public MachineTest {
protected:
    [[nodiscard]] json good() { return json::parse(write_evidence_json(evidence())); }
    // Refused, as no evidence or by the verdict.
    [[nodiscard]] bool is_refused(const json &changed) const {
        const auto parsed = parse_evidence(as_bytes(changed.dump()));
        return !parsed || !verify(*parsed, options).verified();
    }
    [[nodiscard]] std::vector<std::string> refused_by(const Evidence &changed) const { return refusing(verify(changed, options)); }
};

// Other values of the same kind.
std::vector<json> changes_of(const json &value) {
    if (value.is_boolean()) return {!value.get<bool>()};
    if (value.is_number()) return {value.get<std::int64_t>() + 1, value.get<std::int64_t>() - 1, 0, 1'000'000};
    auto text = value.get<std::string>();
    std::vector<json> all{"", text + "00", text.substr(0, text.size() / 2)};
    for (const auto at : {std::size_t{0}, text.size() / 2, text.size() - 1}) {
        auto changed = text;
        changed[at] = changed[at] == '1' ? '2' : '1';
        all.emplace_back(changed);
    }
    std::erase(all, value);
    return all;
}

// Every leaf of the document, by its path.
void leaves(const json &value, const std::string &path, std::vector<std::string> &all) {
    if (!value.is_structured()) return all.push_back(path);
    for (const auto &[key, inner] : value.items()) leaves(inner, path + "/" + key, all);
}

TEST_F(ClaimsTest, AnyMemberThatIsChangedIsRefusedButThoseThatNothingCanContradict) {
    const auto whole = good();
    ASSERT_FALSE(is_refused(whole));
    std::vector<std::string> paths;
    leaves(whole, "", paths);
    ASSERT_GT(paths.size(), 30U);
    for (const auto &path : paths) {
        // The guest's clock, who else may extend a register, and what stands behind a root that is neither hardware's nor the simulator's, are its
        // word; the CA's own chain is not looked at, the quote has it.
        const bool is_word = path == "/time" || path == "/parts/0/simulated" || path.ends_with("/owner") ||
                             path == "/parts/0/collateral/pck_crl_issuer_chain";
        for (const auto &change : changes_of(whole.at(json::json_pointer(path)))) {
            auto changed = whole;
            changed[json::json_pointer(path)] = change;
            if (!is_word) {
                EXPECT_TRUE(is_refused(changed)) << path << " " << change.dump().substr(0, 100);
            }
        }
    }
}

TEST_F(ClaimsTest, AMemberThatIsTakenAwayOrAddedIsRefused) {
    const auto whole = good();
    for (const auto &[key, value] : whole.items()) {
        auto changed = whole;
        changed.erase(key);
        EXPECT_TRUE(is_refused(changed)) << key;
    }
    for (const auto &[key, value] : whole["parts"][0].items()) {
        auto changed = whole;
        changed["parts"][0].erase(key);
        options.waived.tcb = key != "collateral";
        EXPECT_TRUE(is_refused(changed)) << key;
    }
    auto changed = whole;
    changed["parts"][0]["collateral"]["more"] = "x";
    EXPECT_TRUE(is_refused(changed)) << "more than collateral has";
    changed = whole;
    changed["parts"][0]["auxiliary"] = "AAAA";
    EXPECT_TRUE(is_refused(changed));
    for (const auto *key : {"name", "owner", "signed", "logged"}) {
        changed = whole;
        changed["registers"][1].erase(key);
        EXPECT_TRUE(is_refused(changed)) << key;
    }
    changed = whole;
    changed["registers"].push_back(whole["registers"][0]);
    EXPECT_TRUE(is_refused(changed)) << "twice";
    for (const auto *name : {"tdx/mrtd", "tdx/rtmr4", "rtmr9", "tpm/pcr1", "", "rtmr0", "tdx/rtmr0:sha384", "tdx2/rtmr0"}) {
        changed = whole;
        changed["registers"].push_back({{"name", name}, {"owner", "shared"}, {"signed", ""}});
        EXPECT_TRUE(is_refused(changed)) << name;
    }
}

TEST_F(ClaimsTest, AreComparedWithQuoteAndReplay) {
    const auto expect = [&](auto change, const std::string &why) {
        auto changed = evidence();
        change(changed);
        EXPECT_THAT(refused_by(changed), ElementsAre("evidence_claims")) << why;
        EXPECT_THAT(reason_of(verify(changed, options), evidence_claims), HasSubstr(why));
    };
    expect([](Evidence &e) { e.parts[0].quote_format = "tdx_v5_td15"; }, "tdx_v4");
    expect([](Evidence &e) { e.report_data = {9}; }, "reportData");
    expect([](Evidence &e) { ++e.sequence; }, "sequence");
    expect([](Evidence &e) { e.sequence = 0; }, "sequence");
    expect([](Evidence &e) { e.registers[3].logged = Digest(Bytes(48, 1)); }, "tdx/rtmr3");
    expect([](Evidence &e) { e.registers[1].logged.reset(); }, "tdx/rtmr1");
    expect([](Evidence &e) { e.registers[3].signed_value = Digest(Bytes(48, 0xFF)); }, "tdx/rtmr3");
    expect([](Evidence &e) { e.registers[3].name = "tdx/rtmr2"; }, "twice");
    expect([](Evidence &e) { e.registers[3] = {"tdx/servtd_hash", Owner::owned, {}, {}}; }, "no register of tdx");
    // A quote of version 5 is called by its body, too.
    platform.header.version = 5;
    platform.type = QuoteBodyType::td15;
    platform.body.tee_tcb_svn2 = platform.body.tee_tcb_svn;
    EXPECT_THAT(refused_by(evidence()), Contains("evidence_claims"));
    auto named = evidence();
    named.parts[0].quote_format = "tdx_v5_td15";
    EXPECT_THAT(refused_by(named), IsEmpty());
}

// Names are the provider's, in the evidence and in its log.
TEST_F(ClaimsTest, AnotherProviderThanTheLogsIsRefused) {
    auto changed = evidence();
    changed.parts[0].name = "tdx2";
    // What the log has is another provider's, and explains nothing.
    EXPECT_THAT(refused_by(changed), ElementsAre("log_replay", "evidence_claims"));
    for (auto &reg : changed.registers) reg.name.replace(0, 3, "tdx2");
    EXPECT_THAT(refused_by(changed), ElementsAre("log_replay", "evidence_claims"));
}

// Of the simulator's root: tests/integration/evidence_test.cpp.
TEST_F(ClaimsTest, ThatSomethingIsSimulatedIsComparedWithTheRoot) {
    if (!have_samples()) GTEST_SKIP() << "skipped: no sample data beside the repository";
    auto changed = evidence();
    changed.parts[0].quote = sample_bytes("quote/gcp-cos113/quote.bin");
    EXPECT_THAT(reason_of(verify(changed, options), evidence_claims), testing::Not(HasSubstr("simulated")));
    changed.parts[0].simulated = true;
    EXPECT_THAT(reason_of(verify(changed, options), evidence_claims), HasSubstr("simulated is true"));
}

// ---- The log's own claims

TEST_F(ClaimsTest, EventsAreNumberedFromOneWithoutHolesOrDoubles) {
    const auto made = evidence();
    const auto whole = lines_of(made);
    ASSERT_EQ(whole.size(), 4U);
    EXPECT_THAT(refused_by(with_lines(made, whole)), IsEmpty());
    for (std::size_t event = 1; event < whole.size(); ++event) {
        for (const auto number : {0, 1, 2, 3, 4, 5, 1000}) {
            auto lines = whole;
            if (lines[event]["sequence"] == number) continue;
            lines[event]["sequence"] = number;
            EXPECT_THAT(refused_by(with_lines(made, lines)), Contains("log_well_formed")) << event << " as " << number;
        }
    }
    // One of the firmware's that extends nothing leaves no other trace.
    auto lines = whole;
    lines.insert(lines.begin() + 2,
                 json{{"sequence", 2}, {"name", ""}, {"eventType", 3}, {"digests", json::object()}, {"origin", "firmware"}});
    for (std::size_t event = 3; event < lines.size(); ++event) lines[event]["sequence"] = event;
    auto longer = with_lines(made, lines);
    longer.sequence = 4;
    EXPECT_THAT(refused_by(longer), IsEmpty());
    lines.erase(lines.begin() + 2);
    longer = with_lines(made, lines);
    longer.sequence = 4;
    EXPECT_THAT(refused_by(longer), Contains("log_well_formed"));
}

TEST_F(ClaimsTest, AnEventIsCalledAResyncIfItIsOneAndTheFirmwaresAreTheFirstOfTheirRegister) {
    options.reference.accept_gaps = true;
    const auto held = platform.body.rtmr[2];
    // The register did not even change: without its name the event would look like any other.
    add(resync("tdx/rtmr2", held, held));
    const auto made = evidence();
    const auto whole = lines_of(made);
    EXPECT_THAT(refused_by(made), IsEmpty());
    for (std::size_t event = 1; event < whole.size(); ++event) {
        for (const auto *origin : {"firmware", "service", "resync"}) {
            if (whole[event]["origin"] == origin) continue;
            auto lines = whole;
            lines[event]["origin"] = origin;
            const bool is_first = std::none_of(whole.begin() + 1, whole.begin() + static_cast<std::ptrdiff_t>(event),
                                               [&](const json &line) { return line["name"] == whole[event]["name"]; });
            const auto refused = refused_by(with_lines(made, lines));
            const bool may_be = is_first && std::string(origin) == "firmware";  // a gap is one all the same
            EXPECT_EQ(std::ranges::count(refused, "log_well_formed"), may_be ? 0 : 1) << event << " as " << origin;
        }
    }
}

TEST_F(ClaimsTest, ALogsFirstLineAndItsRegistersNamesAreChecked) {
    const auto made = evidence();
    const auto whole = lines_of(made);
    const auto expect = [&](auto change) {
        auto lines = whole;
        change(lines);
        EXPECT_THAT(refused_by(with_lines(made, lines)), Contains("log_well_formed")) << lines[0].dump();
    };
    expect([](auto &lines) { lines[0]["registers"][3]["initial"] = std::string(96, '1'); });
    expect([](auto &lines) { lines[0]["registers"][3]["name"] = "rtmr3"; });
    expect([](auto &lines) { lines[0]["registers"][3]["name"] = "tdx/rtmr2"; });
    expect([](auto &lines) { lines[0]["registers"].erase(3); });
    expect([](auto &lines) { lines[2]["name"] = "rtmr3"; });
    expect([](auto &lines) { lines[2]["name"] = "other/rtmr3"; });
    expect([](auto &lines) { lines[2]["index"] = 3; });
    // Another register's are its own matter.
    auto lines = whole;
    lines[0]["registers"].push_back(
        {{"name", "tpm/pcr1"}, {"hash", "sha256"}, {"initial", std::string(64, '0')}, {"start", std::string(64, '0')}});
    EXPECT_THAT(refused_by(with_lines(made, lines)), IsEmpty());
}

// What a replay would not miss: nobody extended anything by it, and people would read it in a log that is verified.
TEST_F(ClaimsTest, AnEventThatNoRegisterOfTheFirstLineTakesIsRefused) {
    const auto made = evidence();
    const auto whole = lines_of(made);
    const auto content = bytes_of("approved by the auditor");
    const auto number = whole.size();
    const json invented{{"sequence", number},
                        {"name", "tdx/rtmr3"},
                        {"index", 4},
                        {"eventType", 13},
                        {"digests", {{"sha256", to_hex(hash(HashAlgorithm::sha256, content)->bytes())}}},
                        {"data", "YXBwcm92ZWQgYnkgdGhlIGF1ZGl0b3I="},
                        {"origin", "service"}};
    const auto expect = [&](auto change) {
        auto event = invented;
        change(event);
        auto lines = whole;
        lines.push_back(event);
        auto changed = with_lines(made, lines);
        changed.sequence = static_cast<std::int64_t>(number);
        EXPECT_THAT(refused_by(changed), Contains("log_well_formed")) << event.dump();
    };
    const auto in_sha384 = to_hex(hash(HashAlgorithm::sha384, content)->bytes());
    const auto named = [&](const std::string &name) {
        return [&, name](json &event) {
            event["name"] = name;
            event["digests"] = json{{"sha384", in_sha384}};
            event.erase("index");
        };
    };
    expect([](json &) {});
    expect([](json &event) { event["digests"] = json::object(); });
    expect([](json &event) { event["eventType"] = 3; });
    expect([](json &event) {
        event["name"] = "tdx/rtmr1";
        event["index"] = 2;
        event["origin"] = "firmware";
    });
    for (const auto *name : {"tdx/mrtd", "tdx/rtmr4", "tdx/rtmr03", "rtmr4", "tdx/", "other/pcr1"}) expect(named(name));
    // Nor does the first line make a register of the provider's.
    for (const auto *name : {"tdx/mrtd", "tdx/rtmr4", "rtmr4"}) {
        auto lines = whole;
        lines[0]["registers"].push_back(
            {{"name", name}, {"hash", "sha384"}, {"initial", std::string(96, '0')}, {"start", std::string(96, '0')}});
        EXPECT_THAT(refused_by(with_lines(made, lines)), Contains("log_well_formed")) << name;
    }
    // Beside its register's digest one of a bank that the register does not have, which would make any data look bound.
    for (std::size_t event = 1; event < whole.size(); ++event) {
        auto lines = whole;
        lines[event]["digests"]["sha256"] = invented["digests"]["sha256"];
        lines[event]["data"] = invented["data"];
        EXPECT_THAT(refused_by(with_lines(made, lines)), Contains("log_well_formed")) << event;
    }
}

TEST_F(ClaimsTest, OfOnePartTheLogEndsWithItsQuote) {
    auto changed = evidence();
    changed.parts[0].sequence = changed.sequence;
    EXPECT_THAT(refused_by(changed), IsEmpty());
    --*changed.parts[0].sequence;
    EXPECT_THAT(reason_of(verify(changed, options), evidence_claims), HasSubstr("after every part's quote"));
}

// A machine with two TDX modules, such as hardware and a simulator beside it: the log tells of both, the quote is of one.
TEST_F(ClaimsTest, OfTwoProvidersWhoseRegistersHaveTheSameNamesTheEvidencesCounts) {
    const auto made = evidence();
    auto lines = lines_of(made);
    auto event = lines.back();
    const auto digest = Digest(*from_hex(std::string(96, '7')));
    event["name"] = "other/rtmr3";
    event["sequence"] = made.sequence + 1;
    event["digests"]["sha384"] = to_hex(digest.bytes());
    lines.push_back(event);
    const std::string zeros(96, '0');
    auto both = with_lines(made, lines);
    both.sequence = made.sequence + 1;
    EXPECT_THAT(refused_by(both), Contains("log_well_formed")) << "of a register that the first line does not have";
    lines[0]["registers"].push_back({{"name", "other/rtmr3"}, {"hash", "sha384"}, {"initial", zeros}, {"start", zeros}});
    both = with_lines(both, lines);
    EXPECT_THAT(refused_by(both), IsEmpty());
    const EventRule rule{.name = "other", .event_digest = ContentDigest{.value = digest}};
    options.reference.required_events = {rule};
    EXPECT_THAT(refused_by(both), Contains("required_events"));
    options.reference.required_events = {};
    options.reference.forbidden_events = {rule};
    EXPECT_THAT(refused_by(both), Not(Contains("forbidden_events")));
    // What another's register is shared with covers none of this one's.
    options.reference = {};
    both.parts[0].name = "other";
    EXPECT_THAT(refused_by(both), Contains("log_replay"));
    lines[0]["registers"].push_back(lines[0]["registers"].back());
    EXPECT_THAT(refused_by(with_lines(made, lines)), Contains("log_well_formed")) << "a register that is there twice";
}

TEST_F(ClaimsTest, TheLogInEvidenceIsMrdsJsonAndNothingStandsBeforeIt) {
    auto changed = evidence();
    std::string cel;
    for (const auto &event : events) append_cel_json(cel, event.view());
    changed.log = bytes_of(cel);
    EXPECT_THAT(refused_by(changed), Contains("log_well_formed"));
    const std::string mark = "\xEF\xBB\xBF";
    const auto text = write_evidence_json(evidence());
    EXPECT_TRUE(parse_evidence(as_bytes(text)));
    EXPECT_FALSE(parse_evidence(as_bytes(mark + text)));
    changed = evidence();
    std::string log(changed.log.begin(), changed.log.end());
    changed.log = bytes_of(mark + log);
    EXPECT_THAT(refused_by(changed), Contains("log_well_formed"));
    log.insert(log.find('\n') + 1, mark);
    changed.log = bytes_of(log);
    EXPECT_THAT(refused_by(changed), Contains("log_well_formed"));
}

}  // namespace
}  // namespace mr
