// A relying party: reads evidence from standard input, and decides by it. It needs no mrd and no network.
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>

#include "mr/event_content.h"
#include "mr/verify.h"

namespace {

std::string contents(std::istream &&file) { return {std::istreambuf_iterator<char>(file), {}}; }

int complain(const std::string &what) { return std::cerr << "verifier: " << mr::printable_text(what) << '\n', 2; }

}  // namespace

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) return complain("usage: verifier NONCE REFERENCE_VALUES [ROOTS] <EVIDENCE");
    const auto nonce = mr::from_hex(argv[1]);
    if (!nonce) return complain(nonce.error().message);
    const auto reference = mr::parse_reference_values(contents(std::ifstream(argv[2])));
    if (!reference) return complain(reference.error().message);
    mr::VerifyOptions options{.report_data = *nonce, .time = std::time(nullptr), .reference = *reference};
    if (argc > 3) {  // Intel's root otherwise
        const auto roots = mr::parse_trust_anchors(mr::as_bytes(contents(std::ifstream(argv[3]))));
        if (!roots) return complain(roots.error().message);
        options.anchors = *roots;
    }
    const auto evidence = mr::parse_evidence(mr::as_bytes(contents(std::move(std::cin))));
    if (!evidence) return complain(evidence.error().message);
    const auto verdict = mr::verify(*evidence, options);
    for (const auto &statement : verdict.statements()) {
        if (statement.required && statement.result != mr::Judgement::holds)
            std::cout << to_string(statement.name) << " is " << to_string(statement.result) << ": " << mr::printable_text(statement.reason)
                      << '\n';
    }
    std::cout << (verdict.verified() ? "trusted" : "NOT trusted") << '\n';
    return verdict.verified() ? 0 : 1;
}
