// Reports, quotes and their verification, each beside the cryptography that it cannot do without; and what reading evidence takes.
//
// Usage: bench_attestation MILLISECONDS EVIDENCE   a line for each part, every part for so long: CPU ns for each operation, and p50 and p99 in ns of their times
//
//     report-limit    a TDREPORT: two hashes and the MAC
//     sign-limit      an ECDSA P-256 signature of a digest, key and context ready
//     quote           QuotingService::quote: checks the report, signs, puts the quote together
//     verify-limit    the nine ECDSA verifications behind a verdict with collateral: quote, QE report, PCK certificate, its CA, TCB signing
//                     certificate, TCB info, QE identity and two revocation lists; keys and contexts ready
//     verify          verify_quote with collateral
//     verify-one      one ECDSA verification, a ninth of verify-limit
//     appraise        the same by an Appraiser that has judged a quote of this platform before
//     cca-limit       the two ECDSA P-384 verifications behind a verdict over a CCA token, keys and contexts ready
//     cca             an Appraiser's verdict over a CCA token of a platform that it knows
//     snp-limit       the ECDSA P-384 verification behind a verdict over an SEV-SNP report, key and context ready
//     snp             an Appraiser's verdict over such a report, with the certificates of a platform that it knows
//     evidence-json   parse_evidence of what is in the file EVIDENCE, which is JSON
//     evidence-cbor   and of the same as CBOR
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "bench/parts.h"
#include "bench/peers.h"
#include "mr/appraiser.h"
#include "mr/digest.h"
#include "mr/evidence.h"
#include "mr/file.h"
#include "mr/tdreport.h"
#include "mr/verify_quote.h"
#include "mrd/providers/sim/quoting_service.h"
#include "mrd/providers/sim/report.h"
#include "tests/attestation/tee/cca/test_token.h"
#include "tests/attestation/tee/snp/test_snp.h"

namespace {

using bench::die;
using bench::must;

constexpr int measuring_cpu = 1;
constexpr int verifications = 9;
constexpr mrd::sim::ReportKey report_key{};

// Of this process: another one's work is none of ours.
std::int64_t cpu_now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

template <class Operation>
void measure(const char *part, std::int64_t duration_ns, Operation operation) {
    constexpr int at_once = 16;  // so that looking at the clock costs nothing
    std::int64_t count = 0;
    std::int64_t taken = 0;
    operation();  // warm
    const auto begun = cpu_now_ns();
    do {
        for (int i = 0; i < at_once; ++i) operation();
        count += at_once;
        taken = cpu_now_ns() - begun;
    } while (taken < duration_ns);
    // Each by itself, a quarter of them: here looking at the clock is in the figure.
    std::vector<std::int64_t> times;
    for (auto left = std::max<std::int64_t>(count / 4, 1); left > 0; --left) {
        const auto before = bench::now_ns();
        operation();
        times.push_back(bench::now_ns() - before);
    }
    std::printf("%s %.1f %ld %ld\n", part, static_cast<double>(taken) / static_cast<double>(count),
                static_cast<long>(bench::percentile(times, 50)), static_cast<long>(bench::percentile(times, 99)));
}

void need(bool done) {
    if (!done) die("a part of the benchmark fails");
}

void measure_ecdsa(std::int64_t duration_ns, bool sign) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY_CTX *signing = EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr);
    EVP_PKEY_CTX *verifying = EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr);
    need(EVP_PKEY_sign_init(signing) == 1 && EVP_PKEY_verify_init(verifying) == 1);
    std::array<std::uint8_t, 32> digest{1};
    std::array<std::uint8_t, 80> signature{};
    std::size_t size = 0;
    const auto one_signature = [&] {
        size = signature.size();
        need(EVP_PKEY_sign(signing, signature.data(), &size, digest.data(), digest.size()) == 1);
    };
    one_signature();
    if (sign) {
        measure("sign-limit", duration_ns, one_signature);
    } else {
        const auto one_verification = [&] { need(EVP_PKEY_verify(verifying, signature.data(), size, digest.data(), digest.size()) == 1); };
        measure("verify-limit", duration_ns, [&] {
            for (int i = 0; i < verifications; ++i) one_verification();
        });
        measure("verify-one", duration_ns, one_verification);
    }
    EVP_PKEY_CTX_free(verifying);
    EVP_PKEY_CTX_free(signing);
    EVP_PKEY_free(key);
}

void measure_p384(const char *part, int count, std::int64_t duration_ns) {
    EVP_PKEY *key = EVP_EC_gen("P-384");
    EVP_PKEY_CTX *signing = EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr);
    EVP_PKEY_CTX *verifying = EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr);
    std::array<std::uint8_t, 48> digest{1};
    std::array<std::uint8_t, 112> signature{};
    std::size_t size = signature.size();
    need(EVP_PKEY_sign_init(signing) == 1 && EVP_PKEY_verify_init(verifying) == 1 &&
         EVP_PKEY_sign(signing, signature.data(), &size, digest.data(), digest.size()) == 1);
    measure(part, duration_ns, [&] {
        for (int i = 0; i < count; ++i) need(EVP_PKEY_verify(verifying, signature.data(), size, digest.data(), digest.size()) == 1);
    });
    EVP_PKEY_CTX_free(verifying);
    EVP_PKEY_CTX_free(signing);
    EVP_PKEY_free(key);
}

void measure_cca(std::int64_t duration_ns) {
    const mr::TestCcaToken made;
    const auto token = made.encode();
    measure_p384("cca-limit", 2, duration_ns);
    mr::Appraiser appraiser({.anchors = made.anchors(), .waived = {.nonce = true, .reference = true, .tcb = true}});
    measure("cca", duration_ns, [&] { need(appraiser.appraise(token, {}, {}).verified()); });
}

void measure_snp(std::int64_t duration_ns) {
    mr::TestSnp made;
    const auto report = made.signed_report();
    const auto certificates = mr::write_snp_certificates(made.certificates());
    measure_p384("snp-limit", 1, duration_ns);
    mr::Appraiser appraiser({.anchors = made.anchors(), .waived = {.nonce = true, .reference = true, .tcb = true}});
    const mr::TeeEvidence evidence{.quote = report, .auxiliary = mr::as_bytes(certificates)};
    measure("snp", duration_ns, [&] { need(appraiser.appraise(evidence, {}, {.time = mr::test_now}).verified()); });
}

void measure_evidence(std::int64_t duration_ns, const char *file) {
    const auto json = must(mr::read_file(file, mr::max_evidence_size));
    const auto cbor = mr::write_evidence_cbor(must(mr::parse_evidence(json)));
    measure("evidence-json", duration_ns, [&] { need(mr::parse_evidence(json).has_value()); });
    measure("evidence-cbor", duration_ns, [&] { need(mr::parse_evidence(cbor).has_value()); });
}

void measure_all(std::int64_t duration_ns) {
    const bench::Folder folder;
    auto reports = must(mrd::sim::ReportMaker::open(report_key));
    auto hasher = must(mr::Hasher::open(mr::HashAlgorithm::sha384));
    const auto td = mrd::sim::td_info_of(mrd::sim::default_statics(), {});
    const std::array<std::uint8_t, 239> tcb_info{};
    mr::ReportData data{};
    measure("report-limit", duration_ns, [&] {
        // The maker has its TEE_TCB_INFO's hash ready, which a module computes each time.
        data[0] = hasher.hash(tcb_info).bytes().front();
        ++data[1];
        need(reports.make(td, data)[0] == mr::tdreport_type_tdx);
    });

    measure_ecdsa(duration_ns, true);
    auto service = must(mrd::sim::QuotingService::open(folder.path() / "quoting.keys", report_key, mrd::sim::QuoteFormat::v4));
    const auto report = reports.make(td, data);
    measure("quote", duration_ns, [&] { need(service.quote(report).has_value()); });

    measure_ecdsa(duration_ns, false);
    const auto quote = must(service.quote(report));
    const auto collateral = must(service.collateral());
    const auto anchors = must(mr::parse_trust_anchors(mr::as_bytes(service.root_pem())));
    const mr::UnixTime now = std::time(nullptr);
    measure("verify", duration_ns, [&] {
        mr::Verdict verdict;
        (void)mr::verify_quote(quote, &collateral, anchors, now, {}, verdict);
        need(verdict.verified());
    });
    mr::AppraiserOptions options{.anchors = anchors, .waived = {.nonce = true, .reference = true}};
    options.collateral.emplace(mr::tdx_kind, mr::write_collateral(collateral));
    mr::Appraiser appraiser(std::move(options));
    const mr::Question question{.time = now};
    measure("appraise", duration_ns, [&] { need(appraiser.appraise(quote, {}, question).verified()); });
}

}  // namespace

int main(int argc, char **argv) {
    std::int64_t milliseconds = 0;
    const std::string_view text = argc == 3 ? argv[1] : "";
    if (std::from_chars(text.data(), text.data() + text.size(), milliseconds).ec != std::errc() || milliseconds <= 0) {
        die("usage: bench_attestation MILLISECONDS EVIDENCE");
    }
    bench::pin(0, measuring_cpu);
    measure_all(milliseconds * 1'000'000);
    measure_cca(milliseconds * 1'000'000);
    measure_snp(milliseconds * 1'000'000);
    measure_evidence(milliseconds * 1'000'000, argv[2]);
    return 0;
}
