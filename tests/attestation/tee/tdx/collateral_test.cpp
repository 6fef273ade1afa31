#include "mr/collateral.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/attestation/tee/tdx/sample_quotes.h"
#include "tests/attestation/tee/tdx/test_platform.h"
#include "tests/attestation/verdict_text.h"

namespace mr {
namespace {

using ::testing::HasSubstr;

using Json = nlohmann::ordered_json;

TEST(Collateral, WrittenAndReadIsTheSame) {
    auto collateral = TestPlatform().collateral();
    EXPECT_EQ(parse_collateral(write_collateral(collateral)), collateral);
    collateral.tcb_info = "\"quotes\" \\ and\nlines, \xC3\xA9";
    EXPECT_EQ(parse_collateral(write_collateral(collateral)), collateral);
}

TEST(Collateral, OfEverySampleIsReadByteForByte) {
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    for (const auto &folder : sample_quotes()) {
        if (!exists(sample_path(folder + "/collateral.json"))) continue;
        SCOPED_TRACE(folder);
        const auto text = sample_text(folder + "/collateral.json");
        const auto collateral = parse_collateral(text);
        ASSERT_TRUE(collateral) << collateral.error().message;
        const auto json = Json::parse(text);
        EXPECT_EQ(collateral->tcb_info, json.at("tcb_info").get<std::string>());
        EXPECT_EQ(collateral->qe_identity, json.at("qe_identity").get<std::string>());
        EXPECT_EQ(to_hex(collateral->pck_crl), json.at("pck_crl").get<std::string>());
        EXPECT_EQ(parse_collateral(write_collateral(*collateral)), *collateral);
    }
}

TEST(Collateral, RefusesAMemberThatItDoesNotKnow) {
    const auto collateral = TestPlatform().collateral();
    auto json = Json::parse(write_collateral(collateral));
    json["pck_certificate"] = "x";
    const auto refused = parse_collateral(json.dump());
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("pck_certificate is none that it has"));
}

// The quote's own chain, as dcap-qvl keeps it: nothing rests on what it says there.
TEST(Collateral, PassesOverTheChainOfTheQuote) {
    const auto collateral = TestPlatform().collateral();
    auto json = Json::parse(write_collateral(collateral));
    for (const Json &chain : {Json(), Json("-----BEGIN CERTIFICATE-----"), Json("")}) {
        json["pck_certificate_chain"] = chain;
        EXPECT_EQ(parse_collateral(json.dump()), collateral) << chain;
    }
    for (const Json &other : {Json(7), Json::array({"x"})}) {
        json["pck_certificate_chain"] = other;
        const auto refused = parse_collateral(json.dump());
        ASSERT_FALSE(refused) << other;
        EXPECT_THAT(refused.error().message, HasSubstr("pck_certificate_chain is neither text nor null"));
    }
}

TEST(Collateral, WithoutAMemberOrWithOneOfAnotherKindIsMalformedAndTheMemberNamed) {
    const auto good = Json::parse(write_collateral(TestPlatform().collateral()));
    ASSERT_EQ(good.size(), 9U);
    for (const auto &[name, value] : good.items()) {
        for (const Json &other : {Json(), Json(7), Json(""), Json::object(), Json("not hexadecimal")}) {
            const bool is_text = other == "not hexadecimal" && (name == "tcb_info" || name == "qe_identity" || name.ends_with("chain"));
            auto json = good;
            json[name] = other;
            const auto collateral = parse_collateral(json.dump());
            ASSERT_EQ(collateral.has_value(), is_text) << name;
            if (is_text) continue;
            EXPECT_EQ(collateral.error().code, ErrorCode::malformed);
            EXPECT_THAT(collateral.error().message, HasSubstr(name));
        }
        auto json = good;
        json.erase(name);
        EXPECT_THAT(parse_collateral(json.dump()).error().message, HasSubstr(name + " is missing"));
        const auto twice = good.dump().insert(1, Json(name).dump() + ":" + value.dump() + ",");
        EXPECT_THAT(parse_collateral(twice).error().message, HasSubstr(name + " is there twice"));
    }
}

TEST(Collateral, ThatIsNotOneObjectIsMalformed) {
    const auto good = write_collateral(TestPlatform().collateral());
    for (const auto &text : {std::string(), std::string("[]"), std::string("7"), std::string("{"), good + good,
                             good.substr(0, good.size() - 3), std::string(max_collateral_size + 1, ' ')}) {
        ASSERT_FALSE(parse_collateral(text));
        EXPECT_EQ(parse_collateral(text).error().code, ErrorCode::malformed);
    }
}

// ---- What is in the signed texts

// Each member of the JSON that is missing, of another type or out of range: signed all the same, but not to be read.
void each_defect(const Json &good, const std::function<void(const std::string &, const Json &)> &check) {
    const auto flat = good.flatten();
    for (const auto &[path, value] : flat.items()) {
        if (path.ends_with("/category") || path.ends_with("/type")) continue;
        if (path.find("advisoryIDs") != std::string::npos) continue;
        if (path == "/tdxModuleIdentities/0/id") continue;  // any text is a module's name: another module's
        const Json::json_pointer at(path);
        for (const Json &other : {Json(), Json::array({1}), Json(-1), Json(70000), Json("?"), Json("2026-13-01T00:00:00Z"), Json(true)}) {
            if (path.ends_with("tcbEvaluationDataNumber") && other == 70000) continue;  // it may be so
            auto json = good;
            json[at] = other;
            check(path + " = " + other.dump(), json);
        }
        auto json = good;
        json[at.parent_pointer()].erase(at.back());
        // An element of a list leaves a list that is too short; a member leaves a gap.
        check(path + " left out", json);
    }
}

TEST(TcbInfo, WithADefectInAnyMemberIsNotBelieved) {
    TestPlatform platform;
    const auto quote = platform.quote();
    const auto good = platform.tcb_info;
    std::size_t tried = 0;
    each_defect(good, [&](const std::string &what, const Json &json) {
        platform.tcb_info = json;
        const auto collateral = platform.collateral();
        Verdict verdict;
        verify_quote(quote, &collateral, platform.anchors(), test_now, {}, verdict);
        EXPECT_FALSE(verdict.verified()) << what;
        EXPECT_THAT(false_ones(verdict), testing::UnorderedElementsAre("root_is_hardware", "tcb")) << what << "\n" << reasons(verdict);
        ++tried;
    });
    EXPECT_GT(tried, 300U);
}

TEST(QeIdentity, WithADefectInAnyMemberIsNotBelieved) {
    TestPlatform platform;
    const auto quote = platform.quote();
    const auto good = platform.qe_identity;
    each_defect(good, [&](const std::string &what, const Json &json) {
        platform.qe_identity = json;
        const auto collateral = platform.collateral();
        Verdict verdict;
        verify_quote(quote, &collateral, platform.anchors(), test_now, {}, verdict);
        EXPECT_THAT(false_ones(verdict), testing::UnorderedElementsAre("root_is_hardware", "qe_identity")) << what << "\n"
                                                                                                           << reasons(verdict);
    });
}

TEST(TcbInfo, ThatIsNoJsonIsNotBelieved) {
    TestPlatform platform;
    for (const std::string text : {"", "{}", "[]", "{\"id\":\"TDX\"", "\xFF"}) {
        auto collateral = platform.collateral();
        collateral.tcb_info = text;
        collateral.tcb_info_signature = platform.tcb_key.sign(as_bytes(text));
        Verdict verdict;
        verify_quote(platform.quote(), &collateral, platform.anchors(), test_now, {}, verdict);
        EXPECT_THAT(false_ones(verdict), testing::UnorderedElementsAre("root_is_hardware", "tcb")) << reasons(verdict);
        EXPECT_EQ(verdict.find(statement::tcb_info_current)->result, Judgement::not_judged);
    }
}

}  // namespace
}  // namespace mr
