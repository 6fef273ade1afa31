// mrctl on evidence in the forms of other tools, and on attestation results.
#include <gmock/gmock.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <fstream>
#include <memory>

#include "mr/ear.h"
#include "tests/integration/mrctl.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class MrctlWrapped : public MrctlTest {
protected:
    [[nodiscard]] std::string at(const std::string &name) const { return (folder() / name).native(); }
    static std::string sample(const std::string &name) { return (places::shared_data() / name).native(); }
    static bool have_samples() { return exists(places::shared_data() / "envelope"); }

    // Evidence of the simulator in a form.
    void make(const std::vector<std::string> &form, const std::string &name) {
        std::vector<std::string> command{"evidence", "--data", nonce, "-o", at(name)};
        command.insert(command.end(), form.begin(), form.end());
        const auto made = mrctl(command);
        EXPECT_EQ(made.exit_code, 0) << made.err;
    }
    void make_roots() {
        start();
        output({"measure", "tdx/rtmr3", "-", "--envelope", "--description", "what runs"}, "content");
        output({"collateral", "-o", at("collateral.json"), "--root", at("root.pem")});
        std::ofstream(at("reference.json"))
            << R"({"format":"mrd-reference-values","version":1,"requiredEvents":[{"name":"it","description":"what runs"}]})";
    }
    [[nodiscard]] std::vector<std::string> verify(const std::string &name, const std::vector<std::string> &more = {}) const {
        std::vector<std::string> command{"verify",  at(name),       "--nonce",     nonce,
                                         "--roots", at("root.pem"), "--reference", at("reference.json")};
        command.insert(command.end(), more.begin(), more.end());
        return command;
    }
    // PEM files of a pair.
    void make_key(const std::string &private_name, const std::string &public_name) const {
        const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
        const std::unique_ptr<BIO, decltype(&BIO_free)> secret(BIO_new_file(at(private_name).c_str(), "w"), BIO_free);
        const std::unique_ptr<BIO, decltype(&BIO_free)> open(BIO_new_file(at(public_name).c_str(), "w"), BIO_free);
        ASSERT_EQ(PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
        ASSERT_EQ(PEM_write_bio_PUBKEY(open.get(), key.get()), 1);
    }

    const std::string nonce = hex(7, 32);
};

TEST_F(MrctlWrapped, EvidenceOfEveryFormGivesTheSameVerdict) {
    make_roots();
    const std::vector<std::pair<std::string, std::vector<std::string>>> forms{
        {"mrd", {}}, {"mrd-cbor", {"--cbor"}}, {"cmw", {"--format", "cmw"}}, {"cmw-cbor", {"--format", "cmw", "--cbor"}}};
    for (const auto &[name, form] : forms) {
        SCOPED_TRACE(name);
        make(form, name);
        EXPECT_THAT(output(verify(name)), EndsWith("\nverified, but not hardware (the root is not Intel's)\n"));
    }
    make({"--format", "coco"}, "coco");
    // Its collateral has no place there.
    EXPECT_THAT(output(verify("coco", {"--collateral", at("collateral.json")})),
                EndsWith("\nverified, but not hardware (the root is not Intel's)\n"));
    EXPECT_THAT(failure(2, verify("coco", {"--log", at("coco")})), HasSubstr("has its log in it"));
    EXPECT_THAT(failure(2, {"evidence", "--data", nonce, "-o", at("x"), "--format", "coco", "--cbor"}),
                HasSubstr("CoCo's evidence is JSON"));
    EXPECT_THAT(failure(2, {"evidence", "--data", nonce, "-o", at("x"), "--format", "x"}), HasSubstr("--format"));
}

TEST_F(MrctlWrapped, WhatEachFormHasIsExplained) {
    make_roots();
    make({"--format", "cmw"}, "cmw");
    EXPECT_THAT(output({"inspect", at("cmw")}),
                AllOf(StartsWith("CMW: "), HasSubstr("\ntdx application/vnd.veraison.tsm-report+json evidence "),
                      HasSubstr("\nmrd application/vnd.mrd.evidence+json evidence "), HasSubstr("Quote of an Intel TDX guest")));
    const auto cmw = json({"inspect", at("cmw")});
    EXPECT_EQ(cmw["form"], "CMW");
    EXPECT_EQ(cmw["evidence"], "mrd");
    EXPECT_EQ(cmw["cmw"]["members"]["tdx"]["indicator"], "evidence");
    make({"--format", "coco"}, "coco");
    EXPECT_THAT(output({"inspect", at("coco")}),
                AllOf(StartsWith("CoCo's evidence\n"), HasSubstr("Quote of an Intel TDX guest"), HasSubstr("rtmr3")));
    const auto coco = json({"inspect", at("coco")});
    EXPECT_EQ(coco["kind"], "tdx");
    EXPECT_EQ(coco["report_data"], nonce + std::string(64, '0'));
    EXPECT_EQ(coco["log_sizes"].size(), 1U);
}

TEST_F(MrctlWrapped, AVerdictIsWrittenAsAnAttestationResultThatIsSigned) {
    make_roots();
    make({}, "evidence");
    make_key("key.pem", "public.pem");
    make_key("other.pem", "another.pem");
    const std::vector<std::string> as_ear{"--ear", at("ear.jwt"), "--ear-key", at("key.pem")};
    EXPECT_THAT(output(verify("evidence", as_ear)), HasSubstr("\nverified, but not hardware"));
    const auto ear = json({"inspect", at("ear.jwt"), "--key", at("public.pem")});
    EXPECT_EQ(ear["signature_holds"], true);
    EXPECT_EQ(ear["appraisals"]["cpu0"]["status"], "contraindicated");
    EXPECT_EQ(ear["appraisals"]["cpu0"]["vector"]["hardware"], 97);
    EXPECT_EQ(ear["appraisals"]["cpu0"]["vector"]["executables"], 3);
    EXPECT_EQ(ear["nonces"].size(), 1U);
    EXPECT_THAT(output({"inspect", at("ear.jwt"), "--key", at("public.pem")}),
                AllOf(StartsWith("Attestation result (EAR)"),
                      HasSubstr("cpu0.hardware 97 (contraindicated: hardware that is not recognised)"), EndsWith("The signature holds\n")));
    EXPECT_THAT(output({"inspect", at("ear.jwt")}), HasSubstr("was not checked"));
    EXPECT_THAT(failure(1, {"inspect", at("ear.jwt"), "--key", at("key.pem")}),
                AllOf(HasSubstr("key.pem is a private key"), HasSubstr("--key takes the public one")));
    const auto other = mrctl({"inspect", at("ear.jwt"), "--key", at("another.pem")});
    EXPECT_EQ(other.exit_code, 1);
    EXPECT_THAT(other.out, EndsWith("The signature does NOT hold\n"));

    // The key by a pipe, the result into one.
    std::ofstream(at("piped.jwt")) << output(verify("evidence", {"--ear", "-", "--ear-key", "-"}), contents(at("key.pem")));
    EXPECT_EQ(json({"inspect", at("piped.jwt"), "--key", at("public.pem")})["signature_holds"], true);

    // Standard output is the token's: why it is a negative one stands on standard error.
    for (const bool as_json : {false, true}) {
        std::vector<std::string> arguments{"verify", at("evidence"), "--roots", at("root.pem"), "--nonce",
                                           nonce,    "--ear",        "-",       "--ear-key",    at("key.pem")};
        if (as_json) arguments.emplace_back("--json");
        const auto refused = mrctl(arguments);
        EXPECT_EQ(refused.exit_code, 1);
        EXPECT_EQ(refused.err, "mrctl: REFUSED: reference_values (no --reference)\n");
        EXPECT_TRUE(mr::parse_ear(mr::as_bytes(refused.out))) << refused.out;
    }

    // One that ends, as another verifier gives it: whether it has is said beside the time.
    auto ending = mr::parse_ear(mr::as_bytes(contents(at("ear.jwt"))))->ear;
    for (const bool has_expired : {true, false}) {
        ending.expires = has_expired ? 1'700'000'000 : 32'503'680'000;
        std::ofstream(at("ending.jwt")) << mr::sign_ear(ending, mr::as_bytes(contents(at("key.pem")))).value();
        EXPECT_EQ(json({"inspect", at("ending.jwt")})["expired"], has_expired);
        EXPECT_EQ(output({"inspect", at("ending.jwt")}).find("(it has expired)") != std::string::npos, has_expired);
    }

    // A negative one, too; on standard output it stands alone.
    std::ofstream(at("reference.json"))
        << R"({"format":"mrd-reference-values","version":1,"requiredEvents":[{"name":"it","description":"another"}]})";
    const auto refused = mrctl(verify("evidence", {"--ear", "-", "--ear-key", at("key.pem")}));
    EXPECT_EQ(refused.exit_code, 1);
    std::ofstream(at("refused.jwt")) << refused.out;
    const auto negative = json({"inspect", at("refused.jwt"), "--key", at("public.pem")});
    EXPECT_EQ(negative["signature_holds"], true);
    EXPECT_EQ(negative["appraisals"]["cpu0"]["vector"]["executables"], 96);

    EXPECT_THAT(failure(2, verify("evidence", {"--ear", at("x")})), HasSubstr("--ear and --ear-key go together"));
    EXPECT_THAT(failure(1, verify("evidence", {"--ear", at("x"), "--ear-key", at("public.pem")})), HasSubstr("no private key of P-256"));
    EXPECT_THAT(failure(2, {"inspect", at("evidence"), "--key", at("public.pem")}), HasSubstr("--key goes with an attestation result"));
}

TEST_F(MrctlWrapped, WithoutAVerdictTheFileForTheResultIsAsItWas) {
    make_roots();
    make({}, "evidence");
    make_key("key.pem", "public.pem");
    const std::string before(20'000, 'x');
    std::ofstream(at("ear.jwt")) << before;
    std::ofstream(at("nothing")) << "{}";
    for (const auto &[judged, key] :
         {std::pair("evidence", "public.pem"), std::pair("nothing", "key.pem"), std::pair("missing", "key.pem")}) {
        failure(1, verify(judged, {"--ear", at("ear.jwt"), "--ear-key", at(key)}));
        EXPECT_EQ(contents(at("ear.jwt")), before) << judged << ' ' << key;
    }
    output(verify("evidence", {"--ear", at("ear.jwt"), "--ear-key", at("key.pem")}));
    EXPECT_EQ(json({"inspect", at("ear.jwt"), "--key", at("public.pem")})["signature_holds"], true) << "nothing is left behind it";
    EXPECT_THAT(contents(at("ear.jwt")), Not(HasSubstr("xxxxxxxx")));
}

TEST_F(MrctlWrapped, AFileThatIsNoEvidenceIsSaidToBeNone) {
    std::ofstream(at("file")) << "hello, world";
    EXPECT_THAT(failure(1, {"verify", at("file"), "--without", "nonce,reference,tcb"}),
                AllOf(HasSubstr("(12 bytes) is nothing that can be judged; looked for were"), HasSubstr("CMW"), HasSubstr("SEV-SNP"),
                      HasSubstr("CCA token")));
}

TEST_F(MrctlWrapped, AQuoteThatCannotBeReadIsTheErrorInEveryForm) {
    start();
    EXPECT_EQ(mrctl({"quote", "--data", nonce, "-o", at("quote")}).exit_code, 0);
    const auto whole = mr::to_hex(mr::as_bytes(contents(at("quote"))));
    const auto no_version_of_snp = "06" + std::string(std::size_t{2} * 1183, '0');
    for (const auto &[name, quote] : {std::pair(std::string("whole"), whole), {"cut", whole.substr(0, 400)}, {"snp", no_version_of_snp}}) {
        std::ofstream(at(name)) << R"({"quote":")" << quote << R"(","event_log":"[]","vm_config":"{}"})";
        const int code = name == "whole" ? 0 : 1;
        const auto told = mrctl({"inspect", at(name)});
        EXPECT_EQ(told.exit_code, code) << name << told.out << told.err;
        if (code == 1) {
            EXPECT_THAT(told.err, HasSubstr("the quote in it: ")) << name;
        }
        const auto json = mrctl({"inspect", "--json", at(name)});
        EXPECT_EQ(json.exit_code, code) << name;
        EXPECT_EQ(json.out.find("quote_error") != std::string::npos, code == 1) << name;
    }
}

TEST_F(MrctlWrapped, ARootThatIsNotKnownIsAskedFor) {
    make_roots();
    make({}, "evidence");
    const auto refused = mrctl({"verify", at("evidence"), "--nonce", nonce, "--without", "reference"});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.out, HasSubstr("REFUSED: certificate_chain (no --roots), "));
}

TEST_F(MrctlWrapped, TheHelpOfVerifyNamesEveryKind) {
    EXPECT_THAT(output({"verify", "--help"}), AllOf(HasSubstr("TD quote"), HasSubstr("SEV-SNP"), HasSubstr("CCA"), HasSubstr("CMW")));
}

TEST_F(MrctlWrapped, RealReportsInAllTheirWrappingsAreVerifiedAndExplained) {
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    const auto facts = Json::parse(contents(sample("snp/genoa-v3-tsm-report/info.json")))["expected"];
    for (const std::string name : {"tsm-report.json", "tsm-report.cbor", "ratsd-token.json"}) {
        SCOPED_TRACE(name);
        const auto file = sample("snp/genoa-v3-tsm-report/" + name);
        EXPECT_THAT(output({"verify", file, "--nonce", facts["report_data"], "--without", "reference,tcb", "--time", "1800000000"}),
                    HasSubstr("\nverified, but not "));
        const auto inspected = json({"inspect", file});
        EXPECT_EQ(inspected["kind"], "snp");
        EXPECT_EQ(inspected["registers"]["measurement"], facts["measurement"]);
        EXPECT_THAT(output({"inspect", file}), HasSubstr("Report of an AMD SEV-SNP guest"));
    }
}

TEST_F(MrctlWrapped, AnyCmwIsExplained) {
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    const auto message = json({"inspect", sample("envelope/cmw/collection-cbor-ok.cbor")})["cmw"]["members"];
    EXPECT_EQ(message["1"]["type"], "application/signed-corim+cbor");
    EXPECT_EQ(message["1"]["indicator"], "reference values, endorsements");
    EXPECT_EQ(message["1"]["value"], "d28443a10126a1");
    EXPECT_THAT(message["2"]["type"].get<std::string>(), EndsWith("tag 1668576818"));
    EXPECT_EQ(message["s"]["type"], "content format 30001");
    for (const std::string name : {"x509-cert+cbor-cmw.der", "x509-cert+json-cmw.der"})
        EXPECT_THAT(output({"inspect", sample("envelope/cmw/" + name)}), StartsWith("Certificate with a CMW in an extension"));
    EXPECT_THAT(failure(1, {"verify", sample("envelope/cmw/collection-ok.json"), "--without", "nonce,reference,tcb"}),
                HasSubstr("none of its 2 records is evidence that is read here"));
}

}  // namespace
}  // namespace mrd
