// Any bytes as a report of SEV-SNP, and as what comes beside one: what decodes is put together to the same bytes, what is read keeps its limits, and without anybody
// who vouches for it none is accepted.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mr/verify.h"
#include "mr/verify_snp.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

bool is_within(mr::ByteView part, mr::ByteView whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void check_verdict(const mr::TeeEvidence &evidence, bool is_report) {
    mr::VerifyOptions options;
    options.waived = {.nonce = true, .reference = true, .tcb = true};
    options.time = 1'800'000'000;
    const auto verdict = mr::verify(evidence, {}, options);
    const auto holds = [&](std::string_view name) {
        const auto *const statement = verdict.find(name);
        return statement != nullptr && statement->result == mr::Judgement::holds;
    };
    require(!verdict.verified() && !holds(mr::statement::quote_signature));
    require(is_report || !holds(mr::statement::quote_format) || evidence.quote.size() != mr::snp_report_size);
    for (const auto name : {mr::statement::not_debug, mr::statement::tcb, mr::statement::guest_policy, mr::statement::vmpl})
        require(!holds(name));
    for (const auto &statement : verdict.statements()) require(!statement.reason.empty());
}

void check_beside(mr::ByteView bytes) {
    if (const auto entries = mr::decode_snp_table(bytes)) {
        require(entries->size() <= mr::max_snp_certificates);
        for (const auto &entry : *entries) require(!entry.content.empty() && is_within(entry.content, bytes));
    }
    if (const auto read = mr::read_snp_certificates(bytes)) {
        require(read->certificates.size() + read->crls.size() <= mr::max_snp_certificates);
        // CRLs that cannot be read as such are certificates to it in DER: only of PEM the same comes back.
        const auto text = mr::write_snp_certificates(*read);
        const auto again = mr::read_snp_certificates(mr::as_bytes(text));
        require(text.empty() || text.size() > mr::max_snp_certificates_size ||
                (again && again->certificates == read->certificates && again->crls == read->crls));
    }
    // Nobody's signature.
    mr::SnpReport report;
    report.version = 3;
    report.signature_algorithm = mr::snp_ecdsa_p384_sha384;
    report.family = 0x19;
    const auto quote = mr::encode_snp_report(report);
    check_verdict({.quote = quote, .auxiliary = bytes}, true);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView bytes(data, size);
    const auto report = mr::decode_snp_report(bytes);
    check_verdict({.quote = bytes}, report.has_value());
    check_beside(bytes);
    if (!report) {
        require(!report.error().message.empty());
        require(report.error().code == mr::ErrorCode::malformed || report.error().code == mr::ErrorCode::not_supported);
        return 0;
    }
    require(is_within(report->signed_part, bytes) && is_within(report->signature, bytes));
    // Reserved bytes are told of, and not kept; where there are none all of it comes back.
    const auto again = mr::encode_snp_report(*report);
    const bool has_reserved = !report->nonzero_reserved.empty();
    require(has_reserved || std::ranges::equal(mr::ByteView(again).first(mr::snp_signed_size), report->signed_part));
    return 0;
}
