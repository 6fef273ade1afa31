// Reports of SEV-SNP and the tables of certificates beside them: what is read, and what is not taken for one.
#include "mr/snp_report.h"
#include "mr/verify_snp.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/attestation/tee/tdx/sample_quotes.h"

namespace mr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

Bytes example(std::uint32_t version = 3) {
    SnpReport report;
    report.version = version;
    report.signature_algorithm = snp_ecdsa_p384_sha384;
    return encode_snp_report(report);
}

Json json_of(const SnpTcbBytes &bytes, std::optional<SnpProduct> product) {
    const auto tcb = snp_tcb_of(bytes, product.value_or(SnpProduct::milan));
    Json json{{"bl", tcb.bootloader}, {"tee", tcb.tee}, {"snp", tcb.snp}, {"ucode", tcb.microcode}, {"raw", to_hex(bytes)}};
    if (tcb.fmc) json["fmc"] = *tcb.fmc;
    return json;
}

std::string hex_number(std::uint64_t value) {
    std::ostringstream text;
    text << "0x" << std::hex << value;
    return text.str();
}

// By the names of the samples' expectations.
Json json_of(const SnpReport &report) {
    Json json{{"version", report.version},
              {"guest_svn", report.guest_svn},
              {"policy", hex_number(report.policy)},
              {"family_id", to_hex(report.family_id)},
              {"image_id", to_hex(report.image_id)},
              {"vmpl", report.vmpl},
              {"sig_algo", report.signature_algorithm},
              {"platform_info", hex_number(report.platform_info)},
              {"key_info", hex_number(report.key_info)},
              {"signing_key", report.signing_key() == 0   ? "VCEK"
                              : report.signing_key() == 1 ? "VLEK"
                                                          : "none"},
              {"report_data", to_hex(report.report_data)},
              {"measurement", to_hex(report.measurement)},
              {"host_data", to_hex(report.host_data)},
              {"id_key_digest", to_hex(report.id_key_digest)},
              {"author_key_digest", to_hex(report.author_key_digest)},
              {"report_id", to_hex(report.report_id)},
              {"report_id_ma", to_hex(report.report_id_ma)},
              {"cpuid", {{"family", hex_number(report.family)}, {"model", hex_number(report.model)}, {"stepping", report.stepping}}},
              {"chip_id", to_hex(report.chip_id)},
              {"current_version", to_string(report.current_version)},
              {"committed_version", to_string(report.committed_version)},
              {"launch_mit_vector", hex_number(report.launch_mitigations)},
              {"current_mit_vector", hex_number(report.current_mitigations)},
              {"nonzero_reserved", report.nonzero_reserved}};
    const auto product = report.product();
    if (product) json["product"] = to_string(*product);
    json["current_tcb"] = json_of(report.current_tcb, product);
    json["reported_tcb"] = json_of(report.reported_tcb, product);
    json["committed_tcb"] = json_of(report.committed_tcb, product);
    json["launch_tcb"] = json_of(report.launch_tcb, product);
    return json;
}

// What the samples' certificates have in their extensions, as DER: by the names of the expectations.
std::string der_number(unsigned number) {
    constexpr unsigned sign = 0x80;
    Bytes der{2, 1};
    if (number >= sign) der = {2, 2, 0};
    der.push_back(static_cast<std::uint8_t>(number));
    return to_hex(der);
}
std::string der_text(std::string_view text) {
    Bytes der{0x16, static_cast<std::uint8_t>(text.size())};
    der.insert(der.end(), text.begin(), text.end());
    return to_hex(der);
}
Json json_of(const SnpKeyExtensions &key) {
    Json json{{"1 struct_version", der_number(key.struct_version)},
              {"2 product_name", der_text(key.product_name)},
              {"3.1 blSPL", der_number(key.bootloader)},
              {"3.2 teeSPL", der_number(key.tee)},
              {"3.3 snpSPL", der_number(key.snp)},
              {"3.8 ucodeSPL", der_number(key.microcode)}};
    // Reserved, and nothing of ours.
    for (const auto *const name : {"3.5 spl5", "3.6 spl6", "3.7 spl7"}) json[name] = der_number(0);
    json[key.fmc ? "3.9 fmcSPL" : "3.4 spl4"] = der_number(key.fmc.value_or(0));
    if (!key.hardware_id.empty()) json["4 hwid"] = to_hex(key.hardware_id);
    if (!key.csp_id.empty()) json["5 csp_id"] = der_text(key.csp_id);
    return json;
}

std::string date_text(UnixTime time) {
    std::array<char, 32> text{};
    const std::time_t seconds = time;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S+00:00", &parts)};
}

void expect_certificate(const CertificateDescription &certificate, const Json &expected) {
    for (const auto &[member, value] : expected.items()) {
        if (member == "subject_cn") {
            EXPECT_THAT(certificate.subject, HasSubstr("CN=" + value.get<std::string>()));
        } else if (member == "issuer") {
            const auto text = value.get<std::string>();
            const auto issuer = describe_certificate(sample_bytes("snp/roots/" + text.substr(0, text.find(':'))));
            ASSERT_TRUE(issuer) << issuer.error().message;
            EXPECT_EQ(certificate.issuer, issuer->subject);
        } else if (member == "serial") {
            EXPECT_EQ(to_hex(certificate.serial).find_first_not_of('0') == std::string::npos, value == 0) << to_hex(certificate.serial);
        } else if (member == "not_before") {
            EXPECT_EQ(date_text(certificate.not_before), value.get<std::string>());
        } else if (member == "not_after") {
            EXPECT_EQ(date_text(certificate.not_after), value.get<std::string>());
        } else if (member == "extensions_hex") {
            EXPECT_EQ(json_of(*certificate.snp), value);
        } else {
            ADD_FAILURE() << "nothing compares " << member;
        }
    }
}

// The one whose key signs reports, of the file that a sample's folder has.
std::optional<CertificateDescription> key_certificate(const std::string &folder) {
    for (const auto *const file : {"vcek.der", "vlek.der", "auxblob.bin"}) {
        if (!exists(sample_path(folder) / file)) continue;
        const auto read = read_snp_certificates(sample_bytes(folder + "/" + file));
        if (!read) return std::nullopt;
        for (const auto &der : read->certificates) {
            const auto certificate = describe_certificate(der);
            if (certificate && certificate->snp) return *certificate;
        }
    }
    return std::nullopt;
}

// Of the envelope around a report, of the verdict, or told to people.
const std::set<std::string> compared_elsewhere{
    "auxblob_table", "cbor_equals_json",  "cmw_collection",  "eat_nonce_is_report_data",
    "must_accept",   "provider",          "ratsd_eat_nonce", "ratsd_eat_profile",
    "signature",     "ratsd_equals_json", "table_end",       "signature_verifies_with_certificate",
    "traps"};

TEST(SnpReport, OfEverySampleIsReadAsItsExpectations) {
    if (!exists(sample_path("snp"))) GTEST_SKIP() << "there are no samples on this machine";
    std::size_t compared = 0;
    std::size_t certificates = 0;
    for (const auto &folder : std::filesystem::directory_iterator(sample_path("snp"))) {
        if (!exists(folder.path() / "report.bin")) continue;
        const auto name = "snp/" + folder.path().filename().string();
        SCOPED_TRACE(name);
        const auto bytes = sample_bytes(name + "/report.bin");
        const auto report = decode_snp_report(bytes);
        ASSERT_TRUE(report) << report.error().message;
        EXPECT_THAT(report->nonzero_reserved, IsEmpty());
        const auto own = json_of(*report);
        const auto expected = sample_expectations(name);
        const auto certificate = key_certificate(name);
        ASSERT_TRUE(certificate && certificate->snp);
        for (const auto &[member, value] : expected.items()) {
            if (compared_elsewhere.contains(member)) continue;
            if (member == "certificate") {
                expect_certificate(*certificate, value);
                ++certificates;
            } else if (member == "csp_id") {
                EXPECT_EQ(certificate->snp->csp_id, value.get<std::string>());
            } else {
                ASSERT_TRUE(own.contains(member)) << "nothing compares " << member;
                EXPECT_EQ(own.at(member), value) << member;
                ++compared;
            }
        }
        auto again = encode_snp_report(*report);
        EXPECT_TRUE(std::ranges::equal(ByteView(again).first(snp_signed_size), report->signed_part));
    }
    EXPECT_GE(compared, 6U * 7);
    EXPECT_GE(certificates, 4U);
}

TEST(SnpReport, HasOneSizeAndFourVersions) {
    for (const std::size_t size : {0U, 1183U, 1185U, 16U << 20U}) {
        auto bytes = example();
        bytes.resize(size);
        const auto report = decode_snp_report(bytes);
        ASSERT_FALSE(report) << size;
        EXPECT_EQ(report.error().code, ErrorCode::malformed);
        EXPECT_THAT(report.error().message, HasSubstr(std::to_string(size)));
    }
    for (std::uint32_t version = 0; version < 300; ++version) {
        const auto bytes = example(version);
        const auto report = decode_snp_report(bytes);
        EXPECT_EQ(report.has_value(), version >= 2 && version <= 5) << version;
        EXPECT_TRUE(report || report.error().code == ErrorCode::not_supported) << version;
    }
    auto bytes = example();
    bytes[0x34] = 2;
    EXPECT_THAT(decode_snp_report(bytes).error().message, HasSubstr("signature algorithm is 2"));
}

// The bytes of the report that no field, and no number of the signature, has.
TEST(SnpReport, EveryReservedByteThatIsNotZeroIsTold) {
    for (const std::uint32_t version : {2U, 3U, 4U, 5U}) {
        const auto good = example(version);
        std::set<std::size_t> reserved;
        for (std::size_t i = 0; i < good.size(); ++i) {
            auto bytes = good;
            bytes[i] ^= i == 0x48 ? 0x20 : 0x80;
            const auto report = decode_snp_report(bytes);
            if (report && !report->nonzero_reserved.empty()) reserved.insert(i);
        }
        std::set<std::size_t> expected{0x48, 0x49, 0x4A, 0x4B, 0x1EB, 0x1EF};
        const auto add = [&](std::size_t begin, std::size_t end) {
            for (auto i = begin; i < end; ++i) expected.insert(i);
        };
        add(0x4C, 0x50);
        add(version < 3 ? 0x188 : 0x18B, 0x1A0);
        add(version < 5 ? 0x1F8 : 0x208, 0x2A0);
        add(0x330, 0x4A0);
        EXPECT_EQ(reserved, expected) << version;
    }
}

// Genoa sends version 5, too.
TEST(SnpReport, TheProcessorSaysWhatATcbMeansAndTheVersionDoesNot) {
    for (int family = 0; family < 256; ++family) {
        for (int model = 0; model < 256; ++model) {
            const auto product = snp_product_of(static_cast<std::uint8_t>(family), static_cast<std::uint8_t>(model));
            std::optional<SnpProduct> expected;
            if (family == 0x19 && model < 0x10) expected = SnpProduct::milan;
            if (family == 0x19 && (model >> 4 == 1 || model >> 4 == 0xA)) expected = SnpProduct::genoa;
            if (family == 0x1A && model < 0x12) expected = SnpProduct::turin;
            EXPECT_EQ(product, expected) << family << " " << model;
        }
    }
    const SnpTcbBytes bytes{1, 2, 3, 4, 5, 6, 7, 8};
    EXPECT_EQ(to_string(snp_tcb_of(bytes, SnpProduct::genoa)), "bootloader 1, tee 2, snp 7, microcode 8");
    EXPECT_EQ(to_string(snp_tcb_of(bytes, SnpProduct::turin)), "fmc 1, bootloader 2, tee 3, snp 4, microcode 8");
    SnpReport report;
    report.version = 2;
    report.family = 0x19;
    EXPECT_FALSE(report.product()) << "version 2 has no CPUID";
    report.version = 5;
    EXPECT_EQ(report.product(), SnpProduct::milan);
    EXPECT_EQ(snp_product_from("Milan-B0"), SnpProduct::milan);
    EXPECT_EQ(snp_product_from("Genoa"), SnpProduct::genoa);
    for (const auto *const name : {"", "Mila", "Milano", "milan", "Rome"}) EXPECT_FALSE(snp_product_from(name)) << name;
}

// A sum, or the bytes as one number, would let one component pay for another.
TEST(SnpReport, ATcbIsComparedByComponent) {
    const SnpTcb least{.fmc = 1, .bootloader = 4, .tee = 1, .snp = 24, .microcode = 217};
    EXPECT_FALSE(least.below(least));
    for (auto change : {+[](SnpTcb &tcb) { --*tcb.fmc; }, +[](SnpTcb &tcb) { --tcb.bootloader; }, +[](SnpTcb &tcb) { --tcb.tee; },
                        +[](SnpTcb &tcb) { --tcb.snp; }, +[](SnpTcb &tcb) { --tcb.microcode; }}) {
        SnpTcb other{.fmc = 9, .bootloader = 9, .tee = 9, .snp = 99, .microcode = 250};
        EXPECT_FALSE(other.below(least));
        auto lower = least;
        change(lower);
        EXPECT_TRUE(lower.below(least));
        EXPECT_FALSE(least.below(lower));
    }
    EXPECT_THAT((SnpTcb{.fmc = 1, .bootloader = 4, .tee = 1, .snp = 99, .microcode = 209}.below(least)),
                testing::Optional(std::string("microcode 209 is below 217")));
}

TEST(SnpReport, BitsHaveNames) {
    EXPECT_EQ(bits_text(0, snp_policy_bits()), "none");
    EXPECT_EQ(bits_text(0xB0000, snp_policy_bits()), "smt, must_be_one, debug");
    EXPECT_EQ(bits_text(0x65, snp_platform_bits()), "smt, ecc, alias_check_complete, iommu_write_safe");
    EXPECT_EQ(bits_text(1ULL << 40U, snp_policy_bits()), "bit 40");
}

// ---- Tables

void append(Bytes &to, std::uint32_t number) {
    for (int i = 0; i < 4; ++i) to.push_back(static_cast<std::uint8_t>(number >> 8 * i));
}
Bytes table_of(const std::vector<std::tuple<std::string, std::uint32_t, std::uint32_t>> &entries, std::size_t size = 200) {
    Bytes table;
    for (const auto &[guid, offset, length] : entries) {
        const auto bytes = from_hex(guid).value();
        table.insert(table.end(), bytes.begin(), bytes.end());
        append(table, offset);
        append(table, length);
    }
    table.resize(size);
    return table;
}
constexpr auto vcek = "63da758de6644564adc5f4b93be8accd";
constexpr auto ark = "c0b406a4a803495297433fb6014cd0ae";

TEST(SnpTable, HasItsEntriesByName) {
    const auto table = table_of({{vcek, 100, 50}, {ark, 150, 50}, {"00112233445566778899aabbccddeeff", 72 + 24, 1}});
    const auto entries = decode_snp_table(table);
    ASSERT_TRUE(entries) << entries.error().message;
    ASSERT_EQ(entries->size(), 3U);
    EXPECT_EQ(entries->at(0).name, "VCEK");
    EXPECT_EQ(entries->at(0).content.data(), table.data() + 100);
    EXPECT_EQ(entries->at(0).content.size(), 50U);
    EXPECT_EQ(entries->at(1).name, "ARK");
    EXPECT_EQ(entries->at(2).name, "00112233-4455-6677-8899-aabbccddeeff");
    EXPECT_TRUE(is_snp_table(table));
    EXPECT_FALSE(is_snp_table(Bytes(200)));
    EXPECT_EQ(decode_snp_table(Bytes(200))->size(), 0U);
}

TEST(SnpTable, EntriesOfOtherKindsStandAnywhereAndAsOftenAsTheyWill) {
    constexpr auto other = "00112233445566778899aabbccddeeff";
    const auto table = table_of({{other, 190, 1}, {vcek, 150, 20}, {other, 191, 2}});
    EXPECT_TRUE(is_snp_table(table));
    const auto entries = decode_snp_table(table);
    ASSERT_TRUE(entries) << entries.error().message;
    EXPECT_EQ(entries->at(1).name, "VCEK");
    // Alone they are a table all the same, without a certificate.
    const auto alone = table_of({{other, 190, 1}});
    EXPECT_TRUE(is_snp_table(alone));
    const auto read = read_snp_certificates(alone);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(read->certificates.empty() && read->crls.empty());
    // What is wrong behind one is told.
    EXPECT_THAT(read_snp_certificates(table_of({{other, 190, 1}, {vcek, 150, 1}, {vcek, 151, 1}})).error().message,
                HasSubstr("VCEK twice"));
}

// What the kernel gives where the host has none.
TEST(SnpTable, WithoutAnEntryOrAByteHasNoCertificates) {
    for (const std::size_t size : {0U, 24U, 4096U}) {
        const auto read = read_snp_certificates(Bytes(size));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_TRUE(read->certificates.empty() && read->crls.empty());
    }
    EXPECT_FALSE(read_snp_certificates(Bytes(std::size_t{24}, 1)));
}

TEST(SnpTable, ThatPointsOutsideOrIntoItselfIsRefused) {
    const auto error = [](const Bytes &table) {
        const auto entries = decode_snp_table(table);
        return entries ? "accepted" : entries.error().message;
    };
    EXPECT_THAT(error(table_of({{vcek, 100, 101}})), HasSubstr("VCEK is empty or ends outside"));
    EXPECT_THAT(error(table_of({{vcek, 0xFFFFFFFF, 2}})), HasSubstr("ends outside"));
    EXPECT_THAT(error(table_of({{vcek, 100, 0xFFFFFFFF}})), HasSubstr("ends outside"));
    EXPECT_THAT(error(table_of({{vcek, 100, 0}})), HasSubstr("is empty"));
    EXPECT_THAT(error(table_of({{vcek, 47, 10}})), HasSubstr("begins within the entries"));
    EXPECT_THAT(error(table_of({{vcek, 100, 1}, {vcek, 101, 1}})), HasSubstr("VCEK twice"));
    EXPECT_THAT(error(table_of({{vcek, 10, 1}}, 30)), HasSubstr("without the zero entry"));
    EXPECT_THAT(error({}), HasSubstr("without the zero entry"));
    EXPECT_THAT(error(Bytes(max_snp_certificates_size + 1)), HasSubstr("are the most"));
    std::vector<std::tuple<std::string, std::uint32_t, std::uint32_t>> many;
    for (int i = 0; i < 17; ++i) many.emplace_back(to_hex(Bytes(16, static_cast<std::uint8_t>(i + 1))), 600, 1);
    EXPECT_THAT(error(table_of(many, 700)), HasSubstr("more than 16 entries"));
}

TEST(SnpTable, OfTheSampleHasTheEntriesOfItsExpectations) {
    const std::string folder = "snp/genoa-v3-tsm-report";
    if (!exists(sample_path(folder))) GTEST_SKIP() << "there are no samples on this machine";
    const auto table = sample_bytes(folder + "/auxblob.bin");
    const auto entries = decode_snp_table(table);
    ASSERT_TRUE(entries) << entries.error().message;
    std::vector<std::string> own;
    for (const auto &entry : *entries)
        own.push_back(entry.name + " " + std::to_string(entry.offset) + " " + std::to_string(entry.content.size()));
    std::vector<std::string> expected;
    const auto expectations = sample_expectations(folder);
    for (const auto &entry : expectations.at("auxblob_table")) {
        const auto name = entry.at("entry").get<std::string>();
        expected.push_back(name.substr(0, name.find('/')) + " " + std::to_string(entry.at("offset").get<int>()) + " " +
                           std::to_string(entry.at("length").get<int>()));
    }
    EXPECT_EQ(own, expected);
}

}  // namespace
}  // namespace mr
