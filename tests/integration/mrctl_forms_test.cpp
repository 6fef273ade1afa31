// Forms in which the same things come to mrctl and go from it: digests as other programs print them, bytes as text, errors as JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mr/event_log.h"
#include "tests/integration/mrctl.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using FormsTest = MrctlTest;

TEST_F(FormsTest, ADigestIsTakenAsOtherProgramsPrintIt) {
    start();
    const auto digits = mr::to_hex(digest_of("a").bytes());
    std::string upper = digits;
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    std::int64_t sequence = 0;
    for (const auto &form :
         {digits, digits + "  /boot/vmlinuz\n", digits + "  -", digits + " *file with blanks\r\n", "\\" + digits + "  a\\nb", upper + "  x",
          "SHA384 (a file) = " + digits + "\n", "SHA2-384(stdin)= " + digits, " " + digits + " "}) {
        const auto done = json({"extend", "rtmr3", "--digest", form});
        EXPECT_EQ(done["digest"], digits) << form;
        EXPECT_EQ(done["sequence"], ++sequence);
    }
    for (const auto &form :
         {digits + "  a\n" + digits + "  b\n", digits + " a", digits + "x", std::string(" "), std::string(), digits.substr(1) + "  a"})
        EXPECT_THAT(failure(2, {"extend", "rtmr3", "--digest", form}), HasSubstr("--digest")) << form;
}

// What curl keeps of the service's answers: a body, headers in a file of their own, both in one file.
TEST_F(FormsTest, CollateralIsPutTogetherOutOfTheServicesAnswers) {
    start();
    const auto at = [this](const std::string &name) { return (folder() / name).native(); };
    (void)mrctl({"evidence", "--data", hex(1, 64), "-o", at("evidence")});
    (void)mrctl({"quote", "--data", hex(1, 64), "-o", at("quote")});
    (void)mrctl({"collateral", "-o", at("made"), "--root", at("root")});
    const auto made = Json::parse(contents(at("made")));
    const auto text = [&](const char *member) { return made.at(member).get<std::string>(); };
    const auto encoded = [](const std::string &pem) {
        std::string out;
        for (const char c : pem)
            out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? std::string(1, c)
                                                                    : "%" + mr::to_hex(mr::as_bytes(std::string_view(&c, 1)));
        return out;
    };
    std::ofstream(at("tcb.json")) << R"({"tcbInfo":)" << text("tcb_info") << R"(,"signature":")" << text("tcb_info_signature") << "\"}";
    std::ofstream(at("tcb.headers")) << "HTTP/1.1 200 OK\r\nTCB-Info-Issuer-Chain: " << encoded(text("tcb_info_issuer_chain"))
                                     << "\r\n\r\n";
    std::ofstream(at("qe.answer")) << "HTTP/2 200\r\nsgx-enclave-identity-issuer-chain: " << encoded(text("qe_identity_issuer_chain"))
                                   << "\r\n\r\n{\"enclaveIdentity\":" << text("qe_identity") << R"(,"signature":")"
                                   << text("qe_identity_signature") << "\"}";
    std::ofstream(at("root.crl")) << text("root_ca_crl");
    std::ofstream(at("pck.crl")) << "SGX-PCK-CRL-Issuer-Chain: " << encoded(text("pck_crl_issuer_chain")) << "\r\n\r\n" << text("pck_crl");

    EXPECT_EQ(output({"collateral", "assemble", "--quote", at("quote"), "-o", at("assembled"), at("root.crl"), at("tcb.json"),
                      at("pck.crl"), at("qe.answer"), at("tcb.headers")}),
              "");
    EXPECT_EQ(output({"verify", at("evidence"), "--roots", at("root"), "--nonce", hex(1, 64), "--without", "reference", "--collateral",
                      at("assembled")})
                  .find("REFUSED"),
              std::string::npos);
    EXPECT_THAT(failure(1, {"collateral", "assemble", at("tcb.json"), at("tcb.headers")}),
                AllOf(HasSubstr("no QE identity"), HasSubstr("no CRL of the root CA")));
    EXPECT_THAT(failure(1, {"collateral", "assemble", at("none")}), HasSubstr("none"));
    EXPECT_THAT(failure(1, {"collateral", "assemble", "--quote", at("assembled"), at("tcb.json")}),
                HasSubstr(at("assembled") + ": it is Intel's collateral: "));
    EXPECT_THAT(failure(2, {"collateral", "assemble"}), HasSubstr("FILE"));
}

TEST_F(FormsTest, InspectShowsOfWhatIsBesideEvidenceWhatItIs) {
    start();
    const auto at = [this](const std::string &name) { return (folder() / name).native(); };
    (void)mrctl({"collateral", "-o", at("made"), "--root", at("root")});
    const auto crl = *mr::from_hex(Json::parse(contents(at("made"))).at("pck_crl").get<std::string>());
    std::ofstream(at("der"), std::ios::binary).write(reinterpret_cast<const char *>(crl.data()), static_cast<std::streamsize>(crl.size()));
    std::ofstream(at("pem")) << "kept\n-----BEGIN X509 CRL-----\n" << mr::to_base64(crl) << "\n-----END X509 CRL-----\n";
    for (const auto *form : {"der", "pem"}) {
        const auto told = json({"inspect", at(form)})["crls"];
        ASSERT_EQ(told.size(), 1U) << form;
        EXPECT_THAT(told[0]["issuer"].get<std::string>(), HasSubstr("CN=Intel SGX PCK")) << form;
        EXPECT_LT(told[0]["this_update"], told[0]["next_update"]) << form;
        EXPECT_EQ(told[0]["revoked"], Json::array()) << form;
        EXPECT_THAT(output({"inspect", at(form)}),
                    AllOf(HasSubstr("CRL 1: "), HasSubstr("revokes none"), HasSubstr("No signature was checked")));
    }
    // The generator of P-256 is a point of it. (FIPS 186-4, D.1.2.3)
    std::ofstream(at("keys"))
        << R"([{"instance-id":"01ab","pkey":{"kty":"EC","crv":"P-256",)"
        << R"("x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}}])";
    const auto key = json({"inspect", at("keys")})["platform_keys"][0];
    EXPECT_EQ(key["curve"], "P-256");
    EXPECT_EQ(key["instance_id"], "01ab");
    EXPECT_THAT(key["key"].get<std::string>(), testing::StartsWith("6b17d1f2e12c4247"));
    EXPECT_THAT(output({"inspect", at("keys")}),
                AllOf(HasSubstr("public key 1: P-256"), HasSubstr("of the instance 01ab"), HasSubstr("--roots")));
    std::ofstream(at("private")) << "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    EXPECT_THAT(failure(1, {"inspect", at("private")}), HasSubstr("it is a private key, of which nothing is shown"));
    std::ofstream(at("reference")) << R"({"format": "mrd-reference-values", "version": 1})";
    EXPECT_THAT(failure(1, {"inspect", at("reference")}), AllOf(HasSubstr("it is reference values"), HasSubstr("--reference")));
}

// The verdict is of all; each has its own.
TEST_F(FormsTest, OfSeveralFilesEachIsJudged) {
    start();
    const auto at = [this](const std::string &name) { return (folder() / name).native(); };
    (void)mrctl({"evidence", "--data", hex(1, 64), "-o", at("first")});
    output({"measure", "rtmr3", "-"}, "content");
    (void)mrctl({"evidence", "--data", hex(1, 64), "-o", at("second")});
    (void)mrctl({"evidence", "--data", hex(2, 64), "-o", at("stale")});
    (void)mrctl({"collateral", "-o", at("made"), "--root", at("root")});
    std::ofstream(at("broken")) << R"({"version":2,"parts":)";
    const auto verify = [&](std::vector<std::string> files, std::vector<std::string> more = {}) {
        files.insert(files.begin(), "verify");
        files.insert(files.end(), {"--roots", at("root"), "--nonce", hex(1, 64), "--without", "reference,tcb"});
        files.insert(files.end(), more.begin(), more.end());
        return files;
    };
    const auto last_line = [](std::string text) {
        text.pop_back();
        return text.substr(text.rfind('\n') + 1);
    };
    const auto both = mrctl(verify({at("first"), at("second")}));
    EXPECT_EQ(both.exit_code, 0) << both.out;
    EXPECT_THAT(both.out, AllOf(HasSubstr(at("first") + ":\n"), HasSubstr(at("second") + ":\n")));
    EXPECT_THAT(last_line(both.out), AllOf(testing::StartsWith("verified, but not "), HasSubstr("--without reference")));

    const auto some = mrctl(verify({at("first"), at("stale"), at("broken"), at("second")}));
    EXPECT_EQ(some.exit_code, 1);
    EXPECT_EQ(last_line(some.out), "REFUSED: " + at("stale") + ", " + at("broken"));
    EXPECT_THAT(some.out, AllOf(HasSubstr("\nREFUSED: report_data\n"), HasSubstr("\nverified, but not ")));

    const auto told = Json::parse(mrctl(verify({at("stale"), at("broken"), at("second")}, {"--json"})).out);
    EXPECT_EQ(told["verified"], false);
    ASSERT_EQ(told["files"].size(), 3U);
    EXPECT_EQ(told["files"][0]["verified"], false);
    EXPECT_EQ(told["files"][1]["verified"], false);
    EXPECT_THAT(told["files"][1]["error"].get<std::string>(), HasSubstr(at("broken")));
    EXPECT_EQ(told["files"][2]["verified"], true);
    EXPECT_EQ(told["files"][2]["file"], at("second"));
    EXPECT_FALSE(told["files"][2]["statements"].empty());

    EXPECT_THAT(failure(2, verify({at("first"), at("second")}, {"--log", at("first")})), HasSubstr("go with one file"));
    EXPECT_THAT(failure(2, verify({"-", "-"})), HasSubstr("standard input"));
    EXPECT_THAT(failure(2, verify(std::vector<std::string>(65, at("first")))), HasSubstr("at most 64 files"));
    // One that cannot be read, or is too large to be, keeps no other from its verdict either.
    std::ofstream(at("huge")) << "";
    std::filesystem::resize_file(at("huge"), std::uintmax_t{1} << 30);
    const auto unread = mrctl(verify({at("none"), at("first"), at("huge"), folder().native()}));
    EXPECT_EQ(unread.exit_code, 1);
    EXPECT_THAT(unread.out, AllOf(HasSubstr(at("first") + ":\n"), HasSubstr("\nverified, but not ")));
    EXPECT_THAT(unread.out, HasSubstr("REFUSED: " + at("huge") + " is longer than "));
    EXPECT_EQ(last_line(unread.out), "REFUSED: " + at("none") + ", " + at("huge") + ", " + folder().native());
    EXPECT_THAT(failure(1, verify({at("none")})), HasSubstr(at("none")));
    EXPECT_THAT(failure(2, verify({"-"}, {"--log", "-"})), HasSubstr("standard input is one file"));
}

TEST_F(FormsTest, AQuoteACertificateAndALogAreReadAsTextToo) {
    start();
    const auto at = [this](const std::string &name) { return (folder() / name).native(); };
    output({"measure", "rtmr3", "-"}, "content");
    (void)mrctl({"quote", "--data", hex(1, 64), "-o", at("quote")});
    (void)mrctl({"collateral", "-o", at("collateral"), "--root", at("root.pem")});
    output({"log", "--format", "tcg", "-o", at("log")});
    const auto pem = contents(at("root.pem"));
    auto begin = pem.find('\n');
    std::string root = pem.substr(begin, pem.find("-----END") - begin);
    std::erase(root, '\n');
    const auto der = mr::from_base64(root);
    ASSERT_TRUE(der);
    std::ofstream(at("root")) << std::string(der->begin(), der->end());

    const auto wrapped = [](const std::string &text) {
        std::string lines;
        for (std::size_t i = 0; i < text.size(); i += 64) lines += text.substr(i, 64) + "\r\n";
        return lines;
    };
    const std::vector<std::function<std::string(mr::ByteView)>> forms{
        [](mr::ByteView bytes) { return mr::to_hex(bytes); },
        [&](mr::ByteView bytes) { return "0x" + wrapped(mr::to_hex(bytes)); },
        [](mr::ByteView bytes) {
            std::string text;
            for (const auto byte : bytes) text += mr::to_hex(mr::ByteView(&byte, 1)) + " ";
            return text;
        },
        [&](mr::ByteView bytes) { return wrapped(mr::to_base64(bytes)); },
        [](mr::ByteView bytes) {
            auto text = mr::to_base64(bytes);
            std::ranges::replace(text, '+', '-');
            std::ranges::replace(text, '/', '_');
            return text.substr(0, text.find('='));
        },
    };
    const std::vector<std::string> verify{"verify",  "--quote",  at("quote"),    "--log",         at("log"),
                                          "--roots", at("root"), "--collateral", at("collateral")};
    const auto verified = mrctl(verify).out;
    EXPECT_THAT(verified, AllOf(HasSubstr("certificate_chain true"), HasSubstr("log_replay true")));
    std::map<std::string, std::string> inspected;
    std::map<std::string, std::string> bytes;
    for (const auto *name : {"quote", "log", "root"}) {
        inspected[name] = output({"inspect", at(name), "--json"});
        bytes[name] = contents(at(name));
    }
    for (std::size_t i = 0; i < forms.size(); ++i) {
        SCOPED_TRACE(i);
        for (const auto &[name, as_they_are] : bytes) {
            std::ofstream(at(name)) << forms[i](mr::as_bytes(as_they_are));
            EXPECT_EQ(output({"inspect", at(name), "--json"}), inspected[name]) << name;
        }
        const auto said = mrctl(verify).out;
        EXPECT_EQ(said.substr(0, verified.find("tcb_info_current")), verified.substr(0, verified.find("tcb_info_current")));
        EXPECT_THAT(said, HasSubstr("log_replay true"));
        EXPECT_THAT(output({"replay", "--log", at("log")}), HasSubstr("rtmr3 "));
    }
    std::ofstream(at("log")) << mr::to_base64(mr::Bytes(100, 0x55));
    EXPECT_THAT(failure(1, {"inspect", at("log")}), HasSubstr("(100 bytes, as text) is nothing this version knows"));
}

// Which Windows' tools write before text.
TEST_F(FormsTest, AByteOrderMarkBeforeBytesAsTextSaysNothing) {
    start();
    const auto at = [this](const std::string &name) { return (folder() / name).native(); };
    (void)mrctl({"quote", "--data", hex(1, 64), "-o", at("quote")});
    const auto plain = output({"inspect", at("quote")});
    const auto quote = contents(at("quote"));
    std::ofstream(at("hex")) << "\xEF\xBB\xBF" << mr::to_hex(mr::as_bytes(quote)) << "\r\n";
    std::ofstream(at("base64")) << "\xEF\xBB\xBF" << mr::to_base64(mr::as_bytes(quote)) << "\r\n";
    EXPECT_EQ(output({"inspect", at("hex")}), plain);
    EXPECT_EQ(output({"inspect", at("base64")}), plain);
}

TEST_F(FormsTest, WhatCannotBeVerifiedIsCalledWhatItIs) {
    start();
    const auto at = [this](const std::string &name) { return (folder() / name).native(); };
    (void)mrctl({"quote", "--data", hex(1, 64), "-o", at("quote")});
    (void)mrctl({"collateral", "-o", at("collateral"), "--root", at("root")});
    auto other = contents(at("quote"));
    other[0] = 3;
    std::ofstream(at("other")) << other;
    EXPECT_THAT(failure(1, {"verify", at("other"), "--without", "nonce,reference,tcb"}),
                HasSubstr("it is a quote of Intel's, but of another version"));
    EXPECT_THAT(failure(2, {"verify", at("quote"), "--certificates", at("root"), "--without", "nonce,reference,tcb"}),
                HasSubstr("--certificates goes with a report of SEV-SNP"));
    // Roots are not what a quote lacks that is cut.
    std::ofstream(at("cut")) << contents(at("quote")).substr(0, 4000);
    const auto cut = mrctl({"verify", at("cut"), "--without", "nonce,reference,tcb"});
    EXPECT_EQ(cut.exit_code, 1);
    EXPECT_THAT(cut.out, AllOf(HasSubstr("certificate_chain"), testing::Not(HasSubstr("(no --roots)"))));
    const auto untrusted = mrctl({"verify", at("quote"), "--without", "nonce,reference,tcb"});
    EXPECT_THAT(untrusted.out, HasSubstr("certificate_chain (no --roots)"));
}

TEST_F(FormsTest, OfWhatCannotBeReadInspectSaysWhy) {
    start();
    const auto at = [this](const std::string &name) { return (folder() / name).native(); };
    const auto inspect = [&](const std::string &content) {
        std::ofstream(at("changed"), std::ios::binary | std::ios::trunc) << content;
        return failure(1, {"inspect", at("changed")});
    };
    (void)mrctl({"quote", "--data", hex(1, 64), "-o", at("quote")});
    const auto quote = contents(at("quote"));
    EXPECT_THAT(inspect(quote.substr(0, quote.size() - 1)), HasSubstr("ends within its"));
    auto other = quote;
    other[0] = 3;
    EXPECT_THAT(inspect(other), HasSubstr("version is 3"));

    std::string report(1184, '\x5A');
    std::fill_n(report.begin(), 0x38, '\0');
    report[0] = 6;
    report[0x34] = 1;
    EXPECT_THAT(inspect(report), HasSubstr("the report's version is 6"));
    report[0] = 3;
    report[0x34] = 0;
    EXPECT_THAT(inspect(report), HasSubstr("the report's signature algorithm is 0: this library knows 1"));
    report[0x34] = 1;
    EXPECT_THAT(inspect(report + std::string(500, '\0')), HasSubstr("has 1184 bytes, this has 1684"));

    (void)mrctl({"collateral", "-o", at("collateral"), "--root", at("root.pem")});
    auto collateral = Json::parse(contents(at("collateral")));
    collateral.erase("pck_crl");
    EXPECT_THAT(inspect(collateral.dump()), HasSubstr("the collateral's member pck_crl is missing"));
    const auto told = failure(1, {"verify", "--quote", at("quote"), "--collateral", at("changed"), "--without", "nonce,reference"});
    EXPECT_THAT(told, AllOf(HasSubstr("pck_crl is missing"), ::testing::Not(HasSubstr("it is"))));
}

TEST_F(FormsTest, ALogThatLeadsToNoRegisterIsSaidToDoSo) {
    const auto told = [this](const std::string &content) {
        std::ofstream(folder() / "log", std::ios::binary | std::ios::trunc) << content;
        const auto done = mrctl({"replay", "--log", folder() / "log"});
        const auto inspected = mrctl({"inspect", folder() / "log", "--json"});
        EXPECT_EQ(done.exit_code, 0);
        EXPECT_EQ(inspected.exit_code, 0);
        EXPECT_TRUE(Json::accept(inspected.out));
        EXPECT_EQ(inspected.err, done.err);
        return done.err;
    };
    EXPECT_THAT(told("[]"), HasSubstr("the log holds no event"));
    EXPECT_THAT(told(R"([{"pcr":1,"content_type":"x","digests":[{"hashAlg":"sha3_256","digest":"00"}]}])"),
                HasSubstr("none of the log's events extends a register"));
}

// The words of an event's description make no other file of a log.
TEST_F(FormsTest, ALogIsOneWhateverItsEventsSay) {
    start();
    for (const std::string word : {"transcript", "chain", "tcb_info_issuer_chain"})
        output({"measure", "rtmr3", "-", "--envelope", "--description", word}, word);
    output({"log", "--format", "json", "-o", folder() / "log"});
    EXPECT_EQ(json({"inspect", folder() / "log"})["events"].size(), 3U);
}

// What comes in pieces stays one document.
TEST_F(FormsTest, ALogThatBreaksOffIsOneJsonObjectWithTheError) {
    start();
    const auto log = folder() / "log";
    output({"extend", "rtmr3", "--digest", hex(1)});
    output({"log", "--format", "json", "-o", log});
    std::ofstream(log, std::ios::app) << "{";
    const auto done = mrctl({"inspect", log, "--json"});
    EXPECT_EQ(done.exit_code, 1);
    const auto told = Json::parse(done.out, nullptr, false);
    ASSERT_TRUE(told.is_object()) << done.out;
    EXPECT_EQ(told["events"].size(), 1U);
    EXPECT_EQ(told["code"], "malformed");
    EXPECT_EQ(done.err, "mrctl: " + told["error"].get<std::string>() + "\n");
}

// What no event of the log extends holds as many zeros as the log's digests have bytes.
TEST_F(FormsTest, ARegisterWithoutEventsIsZerosOfTheLogsBank) {
    for (const auto &[bank, size] : {std::pair(mr::HashAlgorithm::sha256, 32U), std::pair(mr::HashAlgorithm::sha384, 48U),
                                     std::pair(mr::HashAlgorithm::sm3_256, 32U), std::pair(mr::HashAlgorithm::sha512, 64U)}) {
        mr::Bytes log;
        mr::append_tcg_header(log, {.index = 1, .algorithms = {{mr::tcg_id(bank), static_cast<std::uint16_t>(size)}}, .vendor_info = {}});
        const mr::Bytes digest(size, 1);
        mr::Event event;
        event.index = 1;
        event.type = mr::ev_ipl;
        event.digests = {{mr::tcg_id(bank), digest}};
        mr::append_tcg_event(log, event);
        std::ofstream(folder() / "log", std::ios::binary) << std::string(log.begin(), log.end());
        const auto replayed = json({"inspect", folder() / "log"})["replayed_from_log"];
        EXPECT_EQ(replayed["rtmr3"], std::string(2 * size, '0')) << mr::to_string(bank);
        EXPECT_EQ(replayed["rtmr0"].get<std::string>().size(), 2 * size);
    }
}

}  // namespace
}  // namespace mrd
