// Collateral put together out of the answers of Intel's service and its caches, in the forms in which people keep them.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "mr/collateral.h"
#include "tests/attestation/tee/tdx/sample_quotes.h"
#include "tests/attestation/tee/tdx/test_platform.h"
#include "tests/attestation/verdict_text.h"

namespace mr {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<std::uint8_t>(c);
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
        out += plain ? std::string(1, c) : "%" + to_hex({&byte, 1});
    }
    return out;
}

std::string crl_pem(ByteView der) { return "-----BEGIN X509 CRL-----\n" + to_base64(der) + "\n-----END X509 CRL-----\n"; }
std::string text_of(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

std::string answer(std::string_view name, const std::string &text, ByteView signature) {
    return "{\"" + std::string(name) + "\":" + text + ",\"signature\":\"" + to_hex(signature) + "\"}";
}

// What the service answers for one collateral, each in its plainest form.
struct Answers {
    explicit Answers(Collateral made)
        : collateral(std::move(made)),
          tcb_info(answer("tcbInfo", collateral.tcb_info, collateral.tcb_info_signature)),
          qe_identity(answer("enclaveIdentity", collateral.qe_identity, collateral.qe_identity_signature)),
          tcb_chain(collateral.tcb_info_issuer_chain),
          crl_chain(collateral.pck_crl_issuer_chain),
          root_crl(text_of(collateral.root_ca_crl)),
          pck_crl(text_of(collateral.pck_crl)) {}

    [[nodiscard]] std::vector<std::pair<std::string, std::string>> named() const {
        std::vector<std::pair<std::string, std::string>> files = {{"tcb", tcb_info},        {"qe", qe_identity},
                                                                  {"tcb.chain", tcb_chain}, {"crl.chain", crl_chain},
                                                                  {"root.crl", root_crl},   {"pck.crl", pck_crl}};
        files.insert(files.end(), more.begin(), more.end());
        std::erase_if(files, [](const auto &file) { return file.second.empty(); });
        return files;
    }

    [[nodiscard]] std::expected<Collateral, Error> assemble(ByteView quote = {}) const {
        const auto kept = named();
        std::vector<CollateralFile> files;
        for (const auto &[name, content] : kept) files.push_back({name, as_bytes(content)});
        return assemble_collateral(files, quote);
    }

    [[nodiscard]] std::string error(ByteView quote = {}) const {
        const auto assembled = assemble(quote);
        if (assembled) return "no error";
        EXPECT_EQ(assembled.error().code, ErrorCode::malformed);
        return assembled.error().message;
    }

    Collateral collateral;
    std::string tcb_info, qe_identity, tcb_chain, crl_chain, root_crl, pck_crl;
    std::vector<std::pair<std::string, std::string>> more = {};
};

Answers answers() { return Answers(TestPlatform().collateral()); }

TEST(CollateralAssembly, OfPlainAnswersIsTheCollateralInAnyOrder) {
    const auto given = answers();
    EXPECT_EQ(given.assemble().value(), given.collateral);
    auto files = given.named();
    std::ranges::reverse(files);
    std::vector<CollateralFile> reversed;
    for (const auto &[name, content] : files) reversed.push_back({"?", as_bytes(content)});
    EXPECT_EQ(assemble_collateral(reversed).value(), given.collateral);
}

TEST(CollateralAssembly, ReadsEveryFormInWhichAnAnswerIsKept) {
    const auto plain = answers();
    const std::vector<std::pair<std::string, std::function<void(Answers &)>>> forms = {
        {"CRLs in PEM",
         [](Answers &a) {
             a.root_crl = crl_pem(a.collateral.root_ca_crl);
             a.pck_crl = "some text\n" + crl_pem(a.collateral.pck_crl);
         }},
        {"CRLs in hexadecimal, as a cache gives them",
         [](Answers &a) {
             a.root_crl = to_hex(a.collateral.root_ca_crl) + "\n";
             a.pck_crl = to_hex(a.collateral.pck_crl);
         }},
        {"CRLs in base64", [](Answers &a) { a.pck_crl = to_base64(a.collateral.pck_crl); }},
        {"a CRL in PEM, in hexadecimal", [](Answers &a) { a.pck_crl = to_hex(as_bytes(crl_pem(a.collateral.pck_crl))); }},
        {"both CRLs in one file",
         [](Answers &a) {
             a.root_crl = crl_pem(a.collateral.root_ca_crl) + crl_pem(a.collateral.pck_crl);
             a.pck_crl.clear();
         }},
        {"a chain that is percent-encoded", [](Answers &a) { a.tcb_chain = percent_encoded(a.tcb_chain); }},
        {"headers beside the body",
         [](Answers &a) {
             a.tcb_chain =
                 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTCB-Info-Issuer-Chain: " + percent_encoded(a.tcb_chain) + "\r\n\r\n";
             a.crl_chain = "sgx-pck-crl-issuer-chain: " + percent_encoded(a.crl_chain) + "\n";
         }},
        {"headers before the body, and a proxy's before them",
         [](Answers &a) {
             a.tcb_info =
                 "HTTP/1.1 200 Connection established\r\n\r\nHTTP/2 200\r\nsgx-tcb-info-issuer-chain: " + percent_encoded(a.tcb_chain) +
                 "\r\n\r\n" + a.tcb_info;
             a.tcb_chain.clear();
             a.pck_crl =
                 "HTTP/1.1 200 OK\r\nSGX-PCK-CRL-Issuer-Chain: " + percent_encoded(a.crl_chain) + "\r\n\r\n" + to_hex(a.collateral.pck_crl);
             a.crl_chain.clear();
         }},
        {"headers before a CRL in DER",
         [](Answers &a) {
             a.pck_crl =
                 "HTTP/1.1 200 OK\r\nContent-Type: application/pkix-crl\r\nSGX-PCK-CRL-Issuer-Chain: " + percent_encoded(a.crl_chain) +
                 "\r\n\r\n" + a.pck_crl;
             a.crl_chain.clear();
             a.root_crl.insert(0, "HTTP/1.1 200 OK\r\n\r\n");
         }},
        {"headers before a CRL in hexadecimal with 0x",
         [](Answers &a) { a.root_crl = "HTTP/1.1 200 OK\r\n\r\n0x" + to_hex(a.collateral.root_ca_crl) + "\r\n"; }},
        {"a byte-order mark, blanks and line ends around", [](Answers &a) { a.tcb_info = "\xEF\xBB\xBF \r\n" + a.tcb_info + "\r\n\r\n"; }},
        {"JSON that was indented since", [](Answers &a) { a.qe_identity = nlohmann::ordered_json::parse(a.qe_identity).dump(2); }},
        {"the chains' certificates in files of their own, root first, and twice",
         [](Answers &a) {
             const auto certificates = decode_pem_certificates(a.tcb_chain).value();
             a.tcb_chain = pem_of(certificates[1]) + pem_of(certificates[0]) + pem_of(certificates[1]);
             a.more = {{"again", text_of(certificates[1])}, {"tcb again", a.tcb_info}};
         }},
    };
    for (const auto &[name, change] : forms) {
        SCOPED_TRACE(name);
        auto given = plain;
        change(given);
        const auto assembled = given.assemble();
        ASSERT_TRUE(assembled) << assembled.error().message;
        EXPECT_EQ(*assembled, plain.collateral);
    }
}

TEST(CollateralAssembly, ACrlInDerBehindHeadersIsReadToItsLastByteWhateverThatIs) {
    constexpr int enough = 5000;  // signatures, of which one in 64 ends so
    const std::string_view blanks(" \t\r\n");
    for (int i = 0; i < enough; ++i) {
        auto given = answers();
        if (blanks.find(given.root_crl.back()) == std::string_view::npos) continue;
        given.root_crl.insert(0, "HTTP/1.1 200 OK\r\n\r\n");
        const auto assembled = given.assemble();
        ASSERT_TRUE(assembled) << assembled.error().message;
        EXPECT_EQ(*assembled, given.collateral);
        return;
    }
    FAIL() << "no CRL ends in a blank";
}

TEST(CollateralAssembly, NamesAllThatIsMissing) {
    EXPECT_THAT(assemble_collateral({}).error().message, AllOf(HasSubstr("TCB info"), HasSubstr("QE identity"), HasSubstr("TCB signing"),
                                                               HasSubstr("PCK CRL"), HasSubstr("root certificate")));
    const std::vector<std::pair<std::string Answers::*, std::string>> without = {{&Answers::tcb_info, "no TCB info"},
                                                                                 {&Answers::qe_identity, "no QE identity"},
                                                                                 {&Answers::tcb_chain, "no TCB signing certificate"},
                                                                                 {&Answers::crl_chain, "no certificate of the CA"},
                                                                                 {&Answers::root_crl, "no CRL of the root CA"},
                                                                                 {&Answers::pck_crl, "no PCK CRL"}};
    for (const auto &[member, message] : without) {
        auto given = answers();
        (given.*member).clear();
        EXPECT_THAT(given.error(), HasSubstr(message));
    }
}

TEST(CollateralAssembly, NamesTheFileThatItCannotRead) {
    const std::vector<std::pair<std::string, std::string>> files = {
        {"", "nothing"},
        {"{\"statusCode\":404}", "neither tcbInfo nor enclaveIdentity"},
        {"{\"tcbInfo\":", "not one JSON object"},
        {"{\"tcbInfo\":{}}", "signature"},
        {"{\"tcbInfo\":7,\"signature\":\"00\"}", "not an object"},
        {"HTTP/1.1 404 Not Found\r\nRequest-ID: 7\r\n\r\n", "status 404"},
        {"-----BEGIN X509 CRL-----\nAAAA\n", "no end"},
        {"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "certificate"},
        {"hello", "neither certificates nor CRLs"},
        {std::string("\x30\x03\x02\x01\x00", 5), "CRL"},
        {std::string("\x00\x01\x02", 3), "neither certificates nor CRLs"},
        {std::string(max_collateral_size + 1, ' '), "bytes"},
    };
    for (const auto &[content, message] : files) {
        auto given = answers();
        given.more = {{"odd.file", content.empty() ? " " : content}};
        EXPECT_THAT(given.error(), AllOf(HasSubstr("odd.file"), HasSubstr(message))) << content.substr(0, 60);
    }
    EXPECT_FALSE(assemble_collateral(std::vector<CollateralFile>(max_collateral_files + 1)));
}

TEST(CollateralAssembly, NamesWhatDoesNotBelongTogether) {
    TestPlatform platform;
    TestPlatform other;
    other.tcb_info["fmspc"] = "00906ED50000";
    const Answers given(platform.collateral());
    const Answers foreign(other.collateral());

    const std::vector<std::tuple<std::string, std::function<void(Answers &)>, std::string>> cases = {
        {"a text signed by another", [&](Answers &a) { a.tcb_info = foreign.tcb_info; }, "in tcb was signed by none"},
        {"a text that was changed", [&](Answers &a) { a.qe_identity.insert(a.qe_identity.find("isvprodid"), "x"); },
         "in qe was signed by none"},
        {"a CRL by another CA of the same name", [&](Answers &a) { a.pck_crl = foreign.pck_crl; }, "PCK CRL in pck.crl"},
        {"the root's CRL by another root of the same name", [&](Answers &a) { a.root_crl = foreign.root_crl; }, "root.crl was not signed"},
        {"chains to two roots",
         [&](Answers &a) {
             a.pck_crl = foreign.pck_crl;
             a.crl_chain = foreign.crl_chain;
         },
         "leads to the root"},
        {"two TCB infos", [&](Answers &a) { a.more = {{"tcb2", foreign.tcb_info}}; }, "in tcb and in tcb2"},
    };
    for (const auto &[name, change, message] : cases) {
        auto changed = given;
        change(changed);
        EXPECT_THAT(changed.error(), HasSubstr(message)) << name;
    }
}

TEST(CollateralAssembly, OfSgxInsteadOfTdxIsRefused) {
    TestPlatform platform;
    platform.tcb_info["id"] = "SGX";
    EXPECT_THAT(Answers(platform.collateral()).error(), AllOf(HasSubstr("tcb"), HasSubstr("none of TDX")));
}

TEST(CollateralAssembly, WithAQuoteTakesWhatIsOfItsPlatform) {
    TestPlatform platform;
    const auto quote = platform.quote();
    const Answers given(platform.collateral());
    EXPECT_EQ(given.assemble(quote).value(), given.collateral);

    platform.tcb_info["fmspc"] = "00906ED50000";
    const Answers of_other(platform.collateral());
    auto two = given;
    two.more = {{"other", of_other.tcb_info}, {"other.chain", of_other.tcb_chain}};
    const auto chosen = two.assemble(quote);
    ASSERT_TRUE(chosen) << chosen.error().message;
    EXPECT_EQ(chosen->tcb_info, given.collateral.tcb_info);
    EXPECT_THAT(two.error(), HasSubstr("in tcb and in other"));
    auto only_other = two;
    only_other.tcb_info = of_other.tcb_info;
    only_other.more.clear();
    EXPECT_THAT(only_other.error(quote), AllOf(HasSubstr("00906ed50000"), HasSubstr("FMSPC")));

    TestPlatform stranger;
    EXPECT_THAT(given.error(stranger.quote()), HasSubstr("root"));
    EXPECT_FALSE(given.assemble(Bytes{1, 2, 3}));
}

TEST(CollateralAssembly, OfTwoCasTakesTheCrlOfTheOneThatCertifiedTheQuotesPlatform) {
    TestPlatform platform;
    auto given = Answers(platform.collateral());
    const std::string name = "Intel SGX PCK Processor CA";
    const TestKey key;
    auto certificate = platform.authority;
    certificate.common_name = name;
    auto crl = platform.pck_crl;
    crl.issuer = name;
    given.more = {{"processor.chain", pem_of(certificate.encode(key, platform.root_key))}, {"processor.crl", text_of(crl.encode(key))}};
    EXPECT_EQ(given.assemble(platform.quote()).value(), given.collateral);
    EXPECT_THAT(given.error(), HasSubstr("PCK CRL, in pck.crl and in processor.crl"));
    given.pck_crl.clear();
    EXPECT_THAT(given.error(platform.quote()), AllOf(HasSubstr("Platform CA"), HasSubstr(name)));
}

// The answers behind each sample, as they came.
TEST(CollateralAssembly, OfEverySampleIsTheSamplesCollateral) {
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    std::size_t seen = 0;
    for (const auto &folder : sample_quotes()) {
        if (!exists(sample_path(folder + "/collateral.json"))) continue;
        SCOPED_TRACE(folder);
        ++seen;
        const auto collateral = parse_collateral(sample_text(folder + "/collateral.json")).value();
        const auto assembled = Answers(collateral).assemble(sample_bytes(folder + "/quote.bin"));
        ASSERT_TRUE(assembled) << assembled.error().message;
        EXPECT_EQ(assembled->tcb_info, collateral.tcb_info);
        EXPECT_EQ(assembled->qe_identity, collateral.qe_identity);
        EXPECT_EQ(assembled->pck_crl, collateral.pck_crl);
        EXPECT_EQ(assembled->root_ca_crl, collateral.root_ca_crl);
        EXPECT_EQ(decode_pem_certificates(assembled->tcb_info_issuer_chain).value(),
                  decode_pem_certificates(collateral.tcb_info_issuer_chain).value());
        EXPECT_EQ(decode_pem_certificates(assembled->pck_crl_issuer_chain).value(),
                  decode_pem_certificates(collateral.pck_crl_issuer_chain).value());
    }
    EXPECT_GE(seen, 4U);
}

// Intel's own sample, in the files in which it comes.
TEST(CollateralAssembly, OfIntelsSampleFilesHoldsUnderTheirRoot) {
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    const std::string folder = "quote/intel-qvl-simulated-root/";
    std::vector<std::pair<std::string, Bytes>> kept;
    for (const auto *const name :
         {"tcbInfo.json", "qeIdentity.json", "tcbSignChain.pem", "pckSignChain.pem", "rootCaCrl.der", "intermediateCaCrl.der"})
        kept.emplace_back(name, sample_bytes(folder + name));
    std::vector<CollateralFile> files;
    for (const auto &[name, content] : kept) files.push_back({name, content});
    const auto assembled = assemble_collateral(files);
    ASSERT_TRUE(assembled) << assembled.error().message;
    EXPECT_EQ(assembled->root_ca_crl, kept[4].second);
    EXPECT_EQ(assembled->pck_crl, kept[5].second);
}

}  // namespace
}  // namespace mr
