// A relying party: reads evidence from standard input, and decides by it. It needs no mrd and no network.
#include <ctime>
#include <iostream>
#include <string>

#include "mr/event_content.h"
#include "mr/file.h"
#include "mr/verify.h"

namespace {

int complain(const std::string &what) { return std::cerr << "verifier: " << mr::printable_text(what) << '\n', 2; }

}  // namespace

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) return complain("usage: verifier NONCE REFERENCE_VALUES [ROOTS] <EVIDENCE");
    const auto nonce = mr::from_hex(argv[1]);
    if (!nonce) return complain(nonce.error().message);
    const auto values = mr::read_file(argv[2], mr::max_reference_values_size);
    if (!values) return complain(values.error().message);
    const auto reference = mr::parse_reference_values(std::string(values->begin(), values->end()));
    if (!reference) return complain(reference.error().message);
    mr::VerifyOptions options;
    options.report_data = *nonce;
    options.time = std::time(nullptr);
    options.reference = *reference;
    if (argc > 3) {  // the roots of the hardware's makers otherwise
        const auto file = mr::read_file(argv[3], mr::max_certificate_file_size);
        if (!file) return complain(file.error().message);
        const auto roots = mr::parse_trust_anchors(*file);
        if (!roots) return complain(roots.error().message);
        options.anchors = *roots;
    }
    const auto file = mr::read_file("/dev/stdin", mr::max_evidence_size);
    if (!file) return complain(file.error().message);
    const auto evidence = mr::parse_evidence(*file);
    if (!evidence) return complain(evidence.error().message);
    const auto verdict = mr::verify(*evidence, options);
    for (const auto &statement : verdict.statements()) {
        if (statement.required && statement.result != mr::Judgement::holds)
            std::cout << statement.name << " is " << to_string(statement.result) << ": " << mr::printable_text(statement.reason) << '\n';
    }
    std::cout << (verdict.verified() ? "trusted" : "NOT trusted") << '\n';
    return verdict.verified() ? 0 : 1;
}
