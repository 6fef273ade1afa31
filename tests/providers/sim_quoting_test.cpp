#include "mrd/providers/sim/quoting_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "mr/quote.h"
#include "mr/tdreport.h"
#include "mr/tee.h"
#include "mr/verify_quote.h"
#include "mrd/providers/sim/collateral.h"
#include "mrd/providers/sim/pki.h"
#include "mrd/providers/sim/platform.h"
#include "mrd/providers/sim/quoting_keys.h"
#include "mrd/providers/sim/report.h"
#include "tests/attestation/verdict_text.h"
#include "tests/mrd/temporary_folder.h"
#include "tests/places.h"

namespace mrd::sim {
namespace {

using ::testing::HasSubstr;

constexpr std::array all_formats = {QuoteFormat::v4, QuoteFormat::v5_td10, QuoteFormat::v5_td15};
constexpr ReportKey report_key = {1, 2, 3};

struct X509Free {
    void operator()(X509_CRL *crl) const { X509_CRL_free(crl); }
    void operator()(BIO *bio) const { BIO_free_all(bio); }
    void operator()(EVP_PKEY *key) const { EVP_PKEY_free(key); }
    void operator()(EVP_MD_CTX *context) const { EVP_MD_CTX_free(context); }
    void operator()(ECDSA_SIG *signature) const { ECDSA_SIG_free(signature); }
};

std::vector<Certificate> certificates_in(std::string_view pem) {
    std::vector<Certificate> certificates;
    const std::unique_ptr<BIO, X509Free> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    while (X509 *next = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
        certificates.emplace_back(next);
    }
    return certificates;
}

std::string subject_of(const Certificate &certificate) {
    const std::unique_ptr<BIO, X509Free> out(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253 & ~XN_FLAG_DN_REV);
    char *text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

bool issued_by(const Certificate &certificate, const Certificate &issuer) {
    return X509_check_issued(issuer.get(), certificate.get()) == X509_V_OK &&
           X509_verify(certificate.get(), X509_get0_pubkey(issuer.get())) == 1;
}

// ECDSA P-256 with SHA-256 as verifiers see it, by other calls than those that signed.
bool signature_holds(EVP_PKEY *key, mr::ByteView signature, mr::ByteView message) {
    const std::unique_ptr<ECDSA_SIG, X509Free> parsed(ECDSA_SIG_new());
    ECDSA_SIG_set0(parsed.get(), BN_bin2bn(signature.data(), 32, nullptr), BN_bin2bn(signature.data() + 32, 32, nullptr));
    unsigned char *der = nullptr;
    const int size = i2d_ECDSA_SIG(parsed.get(), &der);
    const std::unique_ptr<EVP_MD_CTX, X509Free> context(EVP_MD_CTX_new());
    EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key);
    const bool holds = EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(size), message.data(), message.size()) == 1;
    OPENSSL_free(der);
    return holds;
}

bool signed_with(const Certificate &certificate, mr::ByteView signature, mr::ByteView message) {
    return signature_holds(X509_get0_pubkey(certificate.get()), signature, message);
}

std::string content_of(const std::filesystem::path &file) {
    std::ostringstream out;
    out << std::ifstream(file, std::ios::binary).rdbuf();
    return out.str();
}

void write(const std::filesystem::path &file, std::string_view content) {
    std::ofstream(file, std::ios::binary) << content;
    std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

class SimQuotingTest : public ::testing::Test {
protected:
    [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "quoting.keys"; }

    [[nodiscard]] QuotingService opened(QuoteFormat format = QuoteFormat::v4) const {
        auto service = QuotingService::open(file(), report_key, format);
        EXPECT_TRUE(service.has_value()) << service.error();
        return std::move(service.value());
    }

    [[nodiscard]] std::string opening_error() const {
        const auto service = QuotingService::open(file(), report_key, QuoteFormat::v4);
        return service ? std::string() : service.error();
    }

    static mr::TdInfo td_info() {
        RunTimeValues values;
        for (std::size_t i = 0; i < rtmr_count; ++i) {
            values.rtmr[i].fill(static_cast<std::uint8_t>(0xA0 + i));
        }
        return td_info_of(default_statics(), values);
    }

    static mr::ReportData report_data() {
        mr::ReportData data;
        data.fill(0x5A);
        return data;
    }

    static std::array<std::uint8_t, mr::tdreport_size> tdreport() {
        return ReportMaker::open(report_key).value().make(td_info(), report_data());
    }

    TemporaryFolder folder_;
};

TEST_F(SimQuotingTest, TheFileIsMadeAtFirstUseAndOnlyItsOwnerReadsIt) {
    const QuotingService service = opened();
    struct stat status{};
    ASSERT_EQ(::stat(file().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), std::filesystem::directory_iterator()), 1);
}

TEST_F(SimQuotingTest, KeysAndCertificatesAreKeptOverAReopen) {
    QuotingService first = opened();
    QuotingService again = opened();
    EXPECT_EQ(first.root_pem(), again.root_pem());
    const mr::Bytes first_quote = first.quote(tdreport()).value();
    const mr::Bytes second_quote = again.quote(tdreport()).value();
    const mr::Quote one = mr::decode_quote(first_quote).value();
    const mr::Quote two = mr::decode_quote(second_quote).value();
    EXPECT_TRUE(std::ranges::equal(one.attestation_key, two.attestation_key));
    EXPECT_TRUE(std::ranges::equal(one.inner_certification_data, two.inner_certification_data));
}

TEST_F(SimQuotingTest, ADamagedFileIsOneErrorThatNamesItAndSaysWhatToDo) {
    {
        const QuotingService service = opened();
    }
    const std::string good = content_of(file());
    const auto expect_refused = [&](const std::string &content, const std::string &reason) {
        write(file(), content);
        EXPECT_EQ(opening_error(), file().native() + " " + reason + ": use --reset to start a new simulated TD, with new quoting keys");
        EXPECT_EQ(content_of(file()), content) << "an opener must not touch a file it does not understand";
    };
    expect_refused("", "is not the file of the simulator's quoting keys");
    expect_refused("mrdsimtd", "is not the file of the simulator's quoting keys");
    expect_refused("mrd simulated quoting keys 2 00000000\n", "has another format than this mrd writes");
    expect_refused("mrd simulated quoting keys 1 00000000", "is damaged");
    // Complete as its checksum says (that of nothing is zero), yet without a key.
    expect_refused("mrd simulated quoting keys 1 00000000\n", "is damaged");
    expect_refused(good.substr(0, good.size() - 1), "is damaged");
    expect_refused(good + std::string(max_quoting_keys_size, '\n'), "is damaged");
    const std::size_t body = good.find('\n') + 1;
    for (std::size_t at = body; at < good.size(); at += 97) {
        std::string changed = good;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        expect_refused(changed, "is damaged");
    }
    write(file(), good);
    EXPECT_EQ(opening_error(), "");
}

TEST_F(SimQuotingTest, AFolderThatIsNotThereIsAnErrorThatNamesTheFile) {
    const auto service = QuotingService::open(folder_.path() / "none" / "quoting.keys", report_key, QuoteFormat::v4);
    ASSERT_FALSE(service.has_value());
    EXPECT_THAT(service.error(), HasSubstr("none/quoting.keys: cannot write the simulator's quoting keys (No such file or directory)"));
}

TEST_F(SimQuotingTest, ADiskThatIsFullLeavesNoFile) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        // A write then stops in the middle.
        const rlimit limit{.rlim_cur = 1000, .rlim_max = 1000};
        const bool limited = ::signal(SIGXFSZ, SIG_IGN) != SIG_ERR && ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
        ::_exit(limited && opening_error().find("cannot write the simulator's quoting keys (No space left on device)") != std::string::npos
                    ? 0
                    : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(SimQuotingTest, ProcessesThatOpenAtOnceEndWithOnePki) {
    constexpr int processes = 8;
    std::array<int, 2> start{};
    std::array<int, 2> roots{};
    ASSERT_EQ(::pipe(start.data()), 0);
    ASSERT_EQ(::pipe(roots.data()), 0);
    for (int i = 0; i < processes; ++i) {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            // All leave this read at once: when the last writing end is closed.
            ::close(start[1]);
            char byte = 0;
            [[maybe_unused]] const auto ended = ::read(start[0], &byte, 1);
            const auto service = QuotingService::open(file(), report_key, QuoteFormat::v4);
            const mr::Digest digest =
                mr::hash(mr::HashAlgorithm::sha256, mr::as_bytes(service ? service->root_pem() : service.error())).value();
            const bool told = ::write(roots[1], digest.bytes().data(), digest.size()) == static_cast<ssize_t>(digest.size());
            ::_exit(service && told ? 0 : 1);
        }
    }
    ::close(start[0]);
    ::close(start[1]);
    for (int i = 0; i < processes; ++i) {
        int status = 0;
        ASSERT_GT(::wait(&status), 0);
        EXPECT_EQ(status, 0);
    }
    ::close(roots[1]);
    const mr::Digest kept = mr::hash(mr::HashAlgorithm::sha256, mr::as_bytes(opened().root_pem())).value();
    std::array<std::uint8_t, 32> seen{};
    int count = 0;
    while (::read(roots[0], seen.data(), seen.size()) == static_cast<ssize_t>(seen.size())) {
        EXPECT_TRUE(std::ranges::equal(seen, kept.bytes()));
        ++count;
    }
    ::close(roots[0]);
    EXPECT_EQ(count, processes);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), std::filesystem::directory_iterator()), 1);
}

TEST_F(SimQuotingTest, AReportThatThisModuleDidNotMakeIsNotQuoted) {
    QuotingService service = opened();
    auto report = tdreport();
    report[mr::tdreport_mac_offset] ^= 1;
    EXPECT_THAT(service.quote(report).error(), HasSubstr("the MAC does not hold"));
    report = tdreport();
    report[720] ^= 1;  // RTMR0, which the MAC covers through a hash only
    EXPECT_THAT(service.quote(report).error(), HasSubstr("TDINFO does not have the hash"));
    const auto of_another_td = ReportMaker::open(ReportKey{9}).value().make(td_info(), report_data());
    EXPECT_THAT(service.quote(of_another_td).error(), HasSubstr("the MAC does not hold"));
    EXPECT_THAT(service.quote(mr::ByteView(report).first(100)).error(), HasSubstr("1024 bytes"));
    EXPECT_TRUE(service.quote(tdreport()).has_value());
}

TEST_F(SimQuotingTest, AQuoteCarriesWhatTheReportSays) {
    const mr::TeeTcbInfo module = simulated_tcb_info();
    const mr::TdInfo td = td_info();
    for (const QuoteFormat format : all_formats) {
        const mr::Bytes bytes = opened(format).quote(tdreport()).value();
        const auto quote = mr::decode_quote(bytes);
        ASSERT_TRUE(quote.has_value()) << to_string(format) << ": " << quote.error().message;
        EXPECT_EQ(quote->header.version, format == QuoteFormat::v4 ? 4 : 5);
        EXPECT_EQ(quote->header.qe_vendor_id, mr::intel_qe_vendor_id);
        EXPECT_EQ(quote->body_type, format == QuoteFormat::v5_td15 ? mr::QuoteBodyType::td15 : mr::QuoteBodyType::td10);
        EXPECT_EQ(quote->body.report_data, report_data());
        EXPECT_EQ(quote->body.rtmr, td.rtmr);
        EXPECT_EQ(quote->body.mrtd, td.mrtd);
        EXPECT_EQ(quote->body.td_attributes, td.attributes);
        EXPECT_EQ(quote->body.xfam, td.xfam);
        EXPECT_EQ(quote->body.tee_tcb_svn, module.tee_tcb_svn);
        EXPECT_EQ(quote->body.mr_seam, module.mr_seam);
        EXPECT_EQ(quote->body.tee_tcb_svn2, format == QuoteFormat::v5_td15 ? module.tee_tcb_svn2 : mr::TdQuoteBody{}.tee_tcb_svn2);
        EXPECT_EQ(quote->qe_authentication_data.size(), 32);
        EXPECT_EQ(quote->trailing, 0);
    }
}

// The chain that a verifier follows, link by link: root, platform CA, PCK, QE report, attestation key, quote.
TEST_F(SimQuotingTest, EveryLinkFromTheRootToTheQuoteHolds) {
    for (const QuoteFormat format : all_formats) {
        QuotingService service = opened(format);
        const mr::Bytes bytes = service.quote(tdreport()).value();
        const mr::Quote quote = mr::decode_quote(bytes).value();
        const std::string_view pem(reinterpret_cast<const char *>(quote.inner_certification_data.data()),
                                   quote.inner_certification_data.size());
        const auto chain = certificates_in(pem);
        ASSERT_EQ(chain.size(), 3);
        EXPECT_EQ(to_pem(chain[2]), service.root_pem());
        EXPECT_TRUE(issued_by(chain[2], chain[2]));
        EXPECT_TRUE(issued_by(chain[1], chain[2]));
        EXPECT_TRUE(issued_by(chain[0], chain[1]));
        EXPECT_TRUE(signed_with(chain[0], quote.qe_report_signature, quote.qe_report_bytes));

        mr::Bytes vouched(quote.attestation_key.begin(), quote.attestation_key.end());
        vouched.insert(vouched.end(), quote.qe_authentication_data.begin(), quote.qe_authentication_data.end());
        const mr::Digest digest = mr::hash(mr::HashAlgorithm::sha256, vouched).value();
        EXPECT_TRUE(std::ranges::equal(digest.bytes(), mr::ByteView(quote.qe_report.report_data).first(32)));
        EXPECT_TRUE(std::ranges::all_of(mr::ByteView(quote.qe_report.report_data).subspan(32), [](auto byte) { return byte == 0; }));

        // Any certificate's key has the curve; only the point is put in.
        const std::unique_ptr<EVP_PKEY, X509Free> key(EVP_PKEY_new());
        mr::Bytes point = {4};
        point.insert(point.end(), quote.attestation_key.begin(), quote.attestation_key.end());
        ASSERT_EQ(EVP_PKEY_copy_parameters(key.get(), X509_get0_pubkey(chain[0].get())), 1);
        ASSERT_EQ(EVP_PKEY_set1_encoded_public_key(key.get(), point.data(), point.size()), 1);
        EXPECT_TRUE(signature_holds(key.get(), quote.signature, quote.signed_part));
        EXPECT_TRUE(std::ranges::equal(quote.signed_part, mr::ByteView(bytes).first(quote.signed_part.size())));
    }
}

TEST_F(SimQuotingTest, EveryCertificateHasItsNameItsExtensionsAndSaysThatItIsASimulation) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const Pki pki = make_pki(now);
    struct Expected {
        const Certificate &certificate;
        std::string common_name;
        int extensions;
        std::uint32_t key_usage;
        bool ca;
    };
    for (const Expected &expected :
         {Expected{pki.root.certificate, "Intel SGX Root CA", 5, KU_KEY_CERT_SIGN | KU_CRL_SIGN, true},
          Expected{pki.platform_ca.certificate, "Intel SGX PCK Platform CA", 5, KU_KEY_CERT_SIGN | KU_CRL_SIGN, true},
          Expected{pki.pck.certificate, "Intel SGX PCK Certificate", 6, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, false},
          Expected{pki.tcb_signing.certificate, "Intel SGX TCB Signing", 5, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, false}}) {
        X509 *certificate = expected.certificate.get();
        EXPECT_EQ(subject_of(expected.certificate),
                  "CN=" + expected.common_name + ",O=mrd simulation,OU=proves nothing: not Intel hardware");
        EXPECT_EQ(X509_get_version(certificate), X509_VERSION_3);
        EXPECT_EQ(X509_get_ext_count(certificate), expected.extensions) << expected.common_name;
        for (const int extension : {NID_authority_key_identifier, NID_crl_distribution_points, NID_subject_key_identifier, NID_key_usage,
                                    NID_basic_constraints}) {
            EXPECT_GE(X509_get_ext_by_NID(certificate, extension, -1), 0) << expected.common_name << ": " << OBJ_nid2sn(extension);
        }
        EXPECT_EQ(X509_get_key_usage(certificate), expected.key_usage) << expected.common_name;
        EXPECT_EQ(X509_check_ca(certificate), expected.ca ? 1 : 0) << expected.common_name;
        std::time_t moment = (now - std::chrono::hours{24}).time_since_epoch().count();
        EXPECT_EQ(X509_cmp_time(X509_get0_notBefore(certificate), &moment), -1) << "not later than a day before";
        moment -= 1;
        EXPECT_EQ(X509_cmp_time(X509_get0_notBefore(certificate), &moment), 1) << "and not earlier";
    }
    EXPECT_TRUE(issued_by(pki.tcb_signing.certificate, pki.root.certificate));
}

TEST_F(SimQuotingTest, ThePckCertificateNamesThePlatformThatTheCollateralSpeaksOf) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const Pki pki = make_pki(now);
    const std::unique_ptr<ASN1_OBJECT, decltype(&ASN1_OBJECT_free)> identifier(OBJ_txt2obj("1.2.840.113741.1.13.1", 1), ASN1_OBJECT_free);
    const int place = X509_get_ext_by_OBJ(pki.pck.certificate.get(), identifier.get(), -1);
    ASSERT_GE(place, 0);
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(pki.pck.certificate.get(), place));
    const mr::ByteView bytes(ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value)));
    const std::string hex = mr::to_hex(bytes);
    const nlohmann::json tcb_info = nlohmann::json::parse(make_collateral(pki, now).tcb_info);
    // Identifier, OCTET STRING, its length, its value.
    EXPECT_THAT(hex, HasSubstr("060a2a864886f84d010d0104"
                               "0406" +
                               tcb_info["fmspc"].get<std::string>()));
    EXPECT_THAT(hex, HasSubstr("060a2a864886f84d010d0103"
                               "0402" +
                               tcb_info["pceId"].get<std::string>()));
    EXPECT_THAT(hex, HasSubstr("060b2a864886f84d010d010212"
                               "0410" +
                               mr::to_hex(simulated_cpu_svn)));
    EXPECT_THAT(hex, HasSubstr("060b2a864886f84d010d010211"
                               "02010d"));
}

TEST_F(SimQuotingTest, CollateralIsSignedNowForThirtyDaysAndSurvivesItsFile) {
    const auto before = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    QuotingService service = opened();
    const mr::Collateral collateral = service.collateral().value();
    EXPECT_EQ(mr::parse_collateral(mr::write_collateral(collateral)).value(), collateral);

    const auto chain = certificates_in(collateral.tcb_info_issuer_chain);
    ASSERT_EQ(chain.size(), 2);
    EXPECT_EQ(collateral.qe_identity_issuer_chain, collateral.tcb_info_issuer_chain);
    EXPECT_EQ(to_pem(chain[1]), service.root_pem());
    EXPECT_TRUE(signed_with(chain[0], collateral.tcb_info_signature, mr::as_bytes(collateral.tcb_info)));
    EXPECT_TRUE(signed_with(chain[0], collateral.qe_identity_signature, mr::as_bytes(collateral.qe_identity)));

    const auto ca_chain = certificates_in(collateral.pck_crl_issuer_chain);
    ASSERT_EQ(ca_chain.size(), 2);
    struct List {
        const mr::Bytes &der;
        const Certificate &issuer;
    };
    for (const List &list : {List{collateral.root_ca_crl, ca_chain[1]}, List{collateral.pck_crl, ca_chain[0]}}) {
        const unsigned char *in = list.der.data();
        const std::unique_ptr<X509_CRL, X509Free> crl(d2i_X509_CRL(nullptr, &in, static_cast<long>(list.der.size())));
        ASSERT_NE(crl, nullptr);
        EXPECT_EQ(X509_NAME_cmp(X509_CRL_get_issuer(crl.get()), X509_get_subject_name(list.issuer.get())), 0);
        EXPECT_EQ(X509_CRL_verify(crl.get(), X509_get0_pubkey(list.issuer.get())), 1);
        EXPECT_GE(X509_CRL_get_ext_by_NID(crl.get(), NID_crl_number, -1), 0);
        EXPECT_GE(X509_CRL_get_ext_by_NID(crl.get(), NID_authority_key_identifier, -1), 0);
        int days = 0;
        int seconds = 0;
        ASSERT_EQ(ASN1_TIME_diff(&days, &seconds, X509_CRL_get0_lastUpdate(crl.get()), X509_CRL_get0_nextUpdate(crl.get())), 1);
        EXPECT_EQ(days, 30);
        EXPECT_EQ(seconds, 0);
    }

    const auto seconds_of = [](const nlohmann::json &text) {
        std::tm parts{};
        EXPECT_NE(::strptime(text.get<std::string>().c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts), nullptr);
        return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
    };
    for (const std::string &text : {collateral.tcb_info, collateral.qe_identity}) {
        const nlohmann::json json = nlohmann::json::parse(text);
        // A verifier whose clock is behind must not take it for one of the future.
        EXPECT_GE(seconds_of(json["issueDate"]), before - std::chrono::hours{24});
        EXPECT_LE(seconds_of(json["issueDate"]), std::chrono::system_clock::now() - std::chrono::hours{24});
        EXPECT_EQ(seconds_of(json["nextUpdate"]) - seconds_of(json["issueDate"]), std::chrono::days{30});
    }
}

// The members of a document and of its first level, in the order and with the kinds of Intel's own.
std::vector<std::string> shape_of(const nlohmann::ordered_json &value, const std::string &name = "") {
    std::vector<std::string> shape;
    const auto append = [&](const std::vector<std::string> &more) { shape.insert(shape.end(), more.begin(), more.end()); };
    if (value.is_object()) {
        for (const auto &[key, member] : value.items()) {
            append(shape_of(member, name + "." + key));
        }
    } else if (value.is_array() && !value.empty()) {
        append(shape_of(value.front(), name + "[]"));
    } else {
        shape.push_back(name + " " + value.type_name());
    }
    return shape;
}

TEST_F(SimQuotingTest, CollateralHasTheShapeOfIntels) {
    const std::string real = content_of(places::shared_data() / "quote" / "google-v5-body3" / "collateral.json");
    if (real.empty()) {
        GTEST_SKIP() << "the sample data are not here";
    }
    const mr::Collateral theirs = mr::parse_collateral(real).value();
    const mr::Collateral ours = opened().collateral().value();
    EXPECT_EQ(shape_of(nlohmann::ordered_json::parse(ours.tcb_info)), shape_of(nlohmann::ordered_json::parse(theirs.tcb_info)));
    EXPECT_EQ(shape_of(nlohmann::ordered_json::parse(ours.qe_identity)), shape_of(nlohmann::ordered_json::parse(theirs.qe_identity)));
}

TEST_F(SimQuotingTest, AReaderTellsWhoseEachQuoteIsHoweverTheyTakeTurns) {
    const auto simulated = [](mr::ByteView quote) { return mr::find_tee("tdx")->read(quote).value().simulated; };
    const auto ours = opened().quote(tdreport()).value();
    auto unreadable = ours;
    constexpr std::string_view begin_of_last = "-----BEGIN CERTIFICATE";
    const auto last = std::ranges::find_end(unreadable, mr::as_bytes(begin_of_last));
    ASSERT_FALSE(last.empty());
    last.front() = '+';
    const auto hardwares = content_of(places::shared_data() / "quote" / "google-v5-body3" / "quote.bin");
    for (int turn = 0; turn < 3; ++turn) {
        EXPECT_EQ(simulated(ours), true);
        EXPECT_EQ(simulated(ours), true);
        EXPECT_EQ(simulated(unreadable), std::nullopt);
        if (hardwares.empty()) continue;
        EXPECT_EQ(simulated(mr::as_bytes(hardwares)), false);
    }
}

TEST_F(SimQuotingTest, OurOwnVerifierAcceptsEveryFormatUnderTheSimulatorsRootAlone) {
    for (const QuoteFormat format : all_formats) {
        QuotingService service = opened(format);
        const mr::Bytes quote = service.quote(tdreport()).value();
        const mr::Collateral collateral = service.collateral().value();
        const auto now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
        const auto judged = [&](const mr::TrustAnchors &anchors) {
            mr::Verdict verdict;
            mr::verify_quote(quote, &collateral, anchors, now.count(), {}, verdict);
            return verdict;
        };
        const mr::Verdict accepted = judged(mr::parse_trust_anchors(mr::as_bytes(service.root_pem())).value());
        EXPECT_TRUE(accepted.verified()) << to_string(format);
        EXPECT_THAT(mr::not_true(accepted), ::testing::ElementsAre("root_is_hardware: false")) << mr::reasons(accepted);
        const mr::Verdict refused = judged(mr::intel_trust_anchors());
        EXPECT_FALSE(refused.verified());
        EXPECT_EQ(refused.find(mr::statement::certificate_chain)->result, mr::Judgement::fails) << mr::reasons(refused);
    }
}

}  // namespace
}  // namespace mrd::sim
