// Files of 16 MiB, and such as are as large as their form may be, made to cost whoever verifies them as much as they can: each ends at a limit that docs/verification.md states, and
// takes no more memory on its way there than ten times its size. Tokens of CCA and reports of SEV-SNP: verify_cca_test.cpp, verify_snp_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <new>
#include <string>

#include "libmr/src/attestation/wrapped/tsm_report.h"
#include "libmr/src/base64url.h"
#include "mr/cmw.h"
#include "mr/corim.h"
#include "mr/ear.h"
#include "mr/verify.h"
#include "mr/verify_spdm.h"
#include "mr/wrapped_evidence.h"
#include "tests/attestation/machine.h"
#include "tests/attestation/tee/spdm/test_corim.h"
#include "tests/attestation/tee/tdx/test_platform.h"
#include "tests/attestation/verdict_text.h"
#include "tests/sanitized.h"

namespace mr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t mebibyte = std::size_t{1} << 20;
constexpr std::size_t file_size = 16 * mebibyte;

// Of this process's data; 0: nobody tells.
std::size_t data_size() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmData:")) return std::strtoull(line.c_str() + 7, nullptr, 10) * 1024;
    }
    return 0;
}

constexpr int no_memory = 3;
[[noreturn]] void in_little(std::size_t memory, const std::function<std::string()> &work) {
    const rlimit limit{data_size() + memory, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_DATA, &limit) != 0) std::_Exit(2);
    try {
        std::cerr << work() << std::flush;
    } catch (const std::bad_alloc &) {
        std::_Exit(no_memory);
    }
    std::_Exit(0);
}

// In a process of its own, which may take so much memory more than it has, it ends, and says that. A sanitizer takes memory of its own.
void expect_within(std::size_t memory, const std::string &says, const std::function<std::string()> &work) {
    if (mrd::is_sanitized) {
        EXPECT_THAT(work(), HasSubstr(says));
    } else {
        EXPECT_EXIT(in_little(memory, work), testing::ExitedWithCode(0), HasSubstr(says));
    }
}

// Why it is none of the forms that are read.
std::string refusal_of(ByteView file) {
    const auto read = unwrap_evidence(file);
    return read ? "it is read" : "refused: " + read.error().message;
}

constexpr auto too_large_a_quote = "1048576 are the most that are read";

// What begins so, and goes on with that for 16 MiB.
std::string filled_up(std::string text, std::string_view with) {
    while (text.size() < file_size) text += with;
    return text;
}

class HostileFile : public MachineTest {
protected:
    Verdict judged(const Bytes &quote) { return verify(quote, {}, options); }
};

TEST_F(HostileFile, ThatTakesMoreMemoryThanItMayIsSeen) {
    if (mrd::is_sanitized) GTEST_SKIP() << "a sanitizer takes memory of its own";
    const auto take = [] { return std::to_string(Bytes(file_size, 1).back()); };
    EXPECT_EXIT(in_little(file_size / 2, take), testing::ExitedWithCode(no_memory), "");
    expect_within(2 * file_size, "1", take);
}

// ---- TD quotes

TEST_F(HostileFile, ThatBeginsAsAQuoteEndsWithItsSize) {
    auto quote = platform.quote();
    quote.resize(file_size, 0xFF);
    expect_within(8 * mebibyte, too_large_a_quote, [&] { return reason_of(judged(quote), quote_format); });
    EXPECT_THAT(false_ones(judged(quote)), ElementsAre("quote_format"));
}

TEST_F(HostileFile, ThatIsAQuoteFullOfCertificatesEndsWithTheirSizeAndNumber) {
    const auto certificate = pem_of(platform.authority_der());
    while (platform.after_pem.size() < max_quote_size - 16 * std::size_t{1024}) platform.after_pem += certificate;
    const auto large = platform.quote();
    ASSERT_LE(large.size(), max_quote_size);
    expect_within(8 * mebibyte, "65536 are the most", [&] { return reason_of(judged(large), certificate_chain); });
    platform.after_pem.clear();
    for (std::size_t i = 0; i < max_pem_certificates - 2; ++i) platform.after_pem += certificate;
    EXPECT_THAT(reason_of(judged(platform.quote()), certificate_chain), HasSubstr("more than 8 certificates"));
}

TEST_F(HostileFile, ThatSaysSizesBeyondItsEndIsNoQuote) {
    const auto good = platform.quote();
    for (const std::size_t at : {std::size_t{632}, std::size_t{632 + 4 + 64 + 64 + 2}}) {
        auto quote = good;
        std::fill_n(quote.begin() + static_cast<std::ptrdiff_t>(at), 4, std::uint8_t{0xFF});
        EXPECT_THAT(false_ones(judged(quote)), ElementsAre("quote_format")) << at;
    }
}

// ---- What is wrapped

TEST_F(HostileFile, ThatIsACmwEndsWithTheMessagesInItAndInEachOther) {
    std::string wide = "{";
    for (std::size_t i = 0; wide.size() < file_size; ++i) wide.append("\"").append(std::to_string(i)).append(R"(":["x/y",""],)");
    wide.back() = '}';
    for (const auto &text :
         {filled_up("", "["), filled_up("", R"({"a":)"), filled_up(R"(["x/y",")", "AAAA"), filled_up(R"(["x/y","AAAA",)", "1,"), wide})
        expect_within(10 * file_size, "refused", [&] { return refusal_of(as_bytes(text)); });
}

TEST_F(HostileFile, ThatIsACmwInCborCannotSayHowMuchIsTaken) {
    // Maps, arrays and strings of more than there is, by their heads.
    for (const auto *const head : {"bb7fffffffffffffff", "bb00000000ffffffff0160", "831901075b7fffffffffffffff", "821901075a7fffffff",
                                   "da637401015b00000000ffffffff"}) {
        auto file = from_hex(head).value();
        file.resize(file_size, 0xA1);
        expect_within(mebibyte, "refused", [&] { return refusal_of(file); });
    }
}

// The form is good all the way down; the quote in it is not.
TEST_F(HostileFile, ThatIsACmwAroundAnEndlessQuoteEndsWithTheQuotesSize) {
    auto quote = platform.quote();
    quote.resize(file_size / 2, 0xFF);
    const TsmReport report{.outblob = quote, .provider = "tdx_guest\n"};
    for (const auto encoding : {WrapEncoding::json, WrapEncoding::cbor}) {
        const bool is_json = encoding == WrapEncoding::json;
        const auto json = attestation::write_tsm_report_json(report);
        const auto inner = is_json ? Bytes(json.begin(), json.end()) : attestation::write_tsm_report_cbor(report);
        const Cmw message{
            CmwRecord{.type = std::string(is_json ? media_type::tsm_report_json : media_type::tsm_report_cbor), .value = inner}};
        const auto text = write_cmw_json(message).value();
        const auto file = is_json ? Bytes(text.begin(), text.end()) : write_cmw_cbor(message);
        ASSERT_LE(file.size(), max_cmw_size);
        expect_within(10 * file_size, too_large_a_quote, [&] {
            const auto read = unwrap_evidence(file);
            return read ? reason_of(judged(read->quote), quote_format) : read.error().message;
        });
    }
}

TEST_F(HostileFile, ThatIsCoCosEndsWithTheNumberOfItsValues) {
    for (const auto *const begin :
         {R"({"quote":"","cc_eventlog":[)", R"({"attestation_report":{"version":2},"cert_chain":[)", R"({"token":[)"}) {
        const auto text = filled_up(begin, "1,") + "1]}";
        expect_within(4 * file_size, "neither a CMW nor", [&] { return refusal_of(as_bytes(text)); });
    }
}

// ---- Results

TEST_F(HostileFile, ThatIsAnEarEndsWithItsSize) {
    const auto error_of = [](const std::string &token) {
        const auto read = parse_ear(as_bytes(token));
        return read ? "it is read" : read.error().message;
    };
    const auto token = filled_up("ey", "A") + ".ey.AAAA";
    EXPECT_FALSE(begins_ear(as_bytes(token)));
    expect_within(mebibyte, "more than 262144 bytes", [&] { return error_of(token); });
    // As large as one may be, of arrays in each other.
    std::string deep(max_ear_size / 2, '[');
    std::string largest = "eyJhbGciOiJFUzI1NiJ9.";
    append_base64url(largest, as_bytes(deep.insert(0, "{\"a\":")));
    largest += ".AAAA";
    ASSERT_LE(largest.size(), max_ear_size);
    expect_within(8 * mebibyte, "EAR", [&] { return error_of(largest); });
}

// ---- Devices

std::string device_file(const std::string &transcript, const std::string &more = "") {
    return R"({"transcript":")" + transcript + R"(","signature":"AAAA","chain":"AAAA")" + more + "}";
}
std::string error_of_device(const std::string &text) {
    const auto read = parse_device_evidence(as_bytes(text));
    if (!read) return read.error().message;
    const auto transcript = read_spdm_transcript(read->spdm);
    return transcript ? "it is read" : transcript.error().message;
}

TEST_F(HostileFile, ThatIsADevicesEndsWithItsSize) {
    const auto text = device_file(std::string(file_size, 'A'));
    ASSERT_TRUE(is_device_evidence(as_bytes(text)));
    expect_within(mebibyte, "more than 4194304 bytes", [&] { return error_of_device(text); });
    const Bytes file(text.begin(), text.end());
    EXPECT_THAT(reason_of(judged(file), quote_format), HasSubstr("more than 4194304 bytes"));
    EXPECT_FALSE(judged(file).verified());
}

TEST_F(HostileFile, ThatIsADevicesOfTheSizeThatIsReadEndsWithWhatIsInIt) {
    const auto most = max_device_evidence_size - 1024;
    const auto long_one = device_file(std::string(most, 'A'));
    expect_within(8 * max_device_evidence_size, "longer than 1048576 bytes", [&] { return error_of_device(long_one); });
    std::string blocks = ",\"blocks\":[1";
    while (blocks.size() < most) blocks += ",1";
    const auto many = device_file("EoQAAA==", blocks + "]");
    expect_within(16 * max_device_evidence_size, "not one JSON object", [&] { return error_of_device(many); });
    const auto deep = device_file("EoQAAA==", ",\"blocks\":" + std::string(most, '['));
    expect_within(16 * max_device_evidence_size, "not one JSON object", [&] { return error_of_device(deep); });
}

// ---- What their makers say of them

std::string error_of_corim(ByteView file) {
    const auto read = decode_corim(file);
    return read ? "it is read" : read.error().message;
}

TEST_F(HostileFile, ThatIsACorimEndsWithItsSize) {
    auto file = corim_test::manifest({});
    ASSERT_TRUE(begins_corim(file));
    file.resize(file_size, 0xA1);
    expect_within(mebibyte, "more than 1048576 bytes", [&] { return error_of_corim(file); });
}

TEST_F(HostileFile, ThatIsACorimOfTheSizeThatIsReadEndsWithWhatIsInIt) {
    constexpr std::size_t most = max_corim_size - 1024;
    const auto expect_end = [](std::string_view says, const std::vector<Bytes> &comids, const corim_test::ClaimList &more = {}) {
        const auto file = corim_test::manifest(comids, more);
        ASSERT_LE(file.size(), max_corim_size);
        ASSERT_GT(file.size(), most / 2);
        expect_within(10 * max_corim_size, std::string(says), [&] { return error_of_corim(file); });
    };
    const auto full_of = [](const Bytes &item) { return std::vector<Bytes>(most / item.size(), item); };
    const auto one = corim_test::measurement(1, {{1, corim_test::number(1)}});
    const auto device = corim_test::comid({one});
    expect_end("more than 4096 measurements", {corim_test::comid(full_of(one))});
    expect_end("more than 256 devices", full_of(device));
    expect_end("no reference values", full_of(corim_test::tagged(506, corim_test::bytes(corim_test::map({})))));
    expect_end("no reference values", full_of(corim_test::tagged(505, corim_test::bytes({}))));
    const auto digests = corim_test::array(full_of(corim_test::digest_value(7, Bytes(48, 0xA1))));
    expect_end("it is read", {corim_test::comid({corim_test::measurement(1, {{2, digests}})})});
    expect_end("nested more deeply", {device}, {{9, Bytes(most, 0x81)}});
    corim_test::ClaimList keys;
    for (std::int64_t key = 9; keys.size() < most / 10; ++key) keys.emplace_back(key, corim_test::number(std::uint64_t{1} << 20U));
    expect_end("more than 64 keys", {device}, keys);
}

// Maps, arrays and strings of more than there is, by their heads.
TEST_F(HostileFile, ThatIsACorimCannotSayHowMuchIsTaken) {
    for (const auto *const head : {"d901f5bb7fffffffffffffff", "d901f5a2006161019b7fffffffffffffff", "d901f5a2006161019a00ffffff",
                                   "d901f6845b7fffffffffffffff", "d284445b7fffff"}) {
        auto file = from_hex(head).value();
        ASSERT_TRUE(begins_corim(file));
        file.resize(max_corim_size, 0x81);
        expect_within(mebibyte, "CoRIM: ", [&] { return error_of_corim(file); });
    }
}

}  // namespace
}  // namespace mr
