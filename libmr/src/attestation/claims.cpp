#include "libmr/src/attestation/claims.h"

#include <algorithm>
#include <set>
#include <utility>

#include "mr/certificate.h"
#include "mr/event_content.h"
#include "mr/verify_quote.h"

namespace mr::attestation {
namespace {

// Of the simulator's certificates (mrd/providers/sim/pki.h), so that nobody takes them for hardware's.
constexpr std::string_view simulators_organisation = "O=mrd simulation";

bool is_resync(const Event &event) {
    if (event.digests.empty()) return false;
    const auto envelope = bound_envelope(event, event.digests.front());
    return envelope && envelope->header.type == "resync";
}

std::string format_of(const Quote &quote) {
    const auto version = "tdx_v" + std::to_string(quote.header.version);
    if (quote.header.version < 5) return version;
    return version + (quote.body_type == QuoteBodyType::td15 ? "_td15" : "_td10");
}

// Nothing: the root is neither Intel's nor the simulator's, or cannot be read.
std::optional<bool> is_simulated(const Quote &quote) {
    std::string_view pem(reinterpret_cast<const char *>(quote.inner_certification_data.data()), quote.inner_certification_data.size());
    while (pem.ends_with('\0')) pem.remove_suffix(1);
    const auto chain = decode_pem_certificates(pem);
    if (!chain) return std::nullopt;
    const auto &intel = intel_trust_anchors().roots;
    if (std::ranges::find(intel, chain->back()) != intel.end()) return false;
    const auto root = describe_certificate(chain->back());
    if (root && root->subject.find(simulators_organisation) != std::string::npos) return true;
    return std::nullopt;
}

}  // namespace

std::optional<std::size_t> rtmr_number(std::string_view name) {
    const auto common = common_name(name);
    if (common.size() != 5 || !common.starts_with("rtmr") || common.back() < '0') return std::nullopt;
    const auto number = static_cast<std::size_t>(common.back() - '0');
    return number < rtmr_count ? std::optional(number) : std::nullopt;
}

bool LogClaims::is_named_right(std::string_view name, std::size_t number) const {
    return provider_.empty() || name == provider_ + "/rtmr" + std::to_string(number);
}

bool LogClaims::is_of_another(std::string_view name, std::size_t number) const {
    const auto slash = name.find('/');
    return slash != std::string_view::npos && slash > 0 && name.substr(0, slash) != provider_ &&
           name.substr(slash + 1) == "rtmr" + std::to_string(number);
}

void LogClaims::declare(const LogRegister &known) {
    const auto number = rtmr_number(known.name);
    if (!number) return;
    const auto name = "the log's register " + known.name;
    if (!provider_.empty() && is_of_another(known.name, *number)) {
        if (!declared_of_others_.insert(known.name).second) contradict(name + " is there twice");
        return;
    }
    if (!is_named_right(known.name, *number)) contradict(name + " is not one of the provider " + provider_);
    if (std::exchange(declared_.at(*number), true)) contradict(name + " is there twice");
    if (known.algorithm != HashAlgorithm::sha384 || known.initial != Digest::zero(HashAlgorithm::sha384))
        contradict(name + " did not begin as 48 zero bytes of SHA-384, as an RTMR does");
}

void LogClaims::see(const Event &event) {
    const auto name = "event " + std::to_string(event.sequence);
    if (event.sequence != last_ + 1) contradict(name + " follows event " + std::to_string(last_) + ": one is missing, or there twice");
    last_ = event.sequence;
    if ((event.origin == EventOrigin::resync) != is_resync(event)) {
        contradict(name + (event.origin == EventOrigin::resync ? " is called a resync and is none" : " is a resync and is not called one"));
    }
    if (event.origin != EventOrigin::firmware) firmware_is_over_ = true;
    if (event.origin == EventOrigin::firmware && firmware_is_over_)
        contradict(name + " is called the firmware's, whose events are the log's first");
    const auto number = rtmr_number(event.name);
    if (!is_measured(event) || !number) return;
    if (event.index != tcg_index(event.name))
        contradict(name + " has the index " + std::to_string(event.index) + ", which is not its register's");
    if (declared_of_others_.contains(event.name)) return;
    if (!is_named_right(event.name, *number)) contradict(name + " is of a register of another provider than " + provider_);
    if (!provider_.empty() && !declared_.at(*number)) contradict(name + " is of a register that the log's first line does not have");
}

std::vector<std::string> contradictions(const Evidence &evidence, const Quote &quote, const ReplayedLog *log) {
    std::vector<std::string> all;
    const auto expect = [&all](bool good, std::string what) {
        if (!good) all.push_back(std::move(what));
    };
    const auto format = format_of(quote);
    expect(evidence.quote_format == format, "quoteFormat is not the quote's, which is " + format);
    expect(evidence.report_data == quote.body.report_data, "reportData is not what the quote is over");
    expect(!evidence.auxiliary, "there is auxiliary data, which no TD quote has");
    const auto simulated = is_simulated(quote);
    expect(!simulated || evidence.simulated == *simulated,
           simulated == true ? "simulated is false, and the root is the simulator's" : "simulated is true, and the root is hardware's");
    if (log != nullptr) {
        expect(std::cmp_equal(evidence.sequence, log->last_event),
               "sequence is not the log's last event, which is " + std::to_string(log->last_event));
    }
    std::set<std::size_t> seen;
    for (const auto &reg : evidence.registers) {
        const auto number = rtmr_number(reg.name);
        if (!number || reg.name != evidence.provider + "/rtmr" + std::to_string(*number)) {
            expect(false, reg.name + " is no register of " + evidence.provider + " that a log leads to and the quote signs");
            continue;
        }
        expect(seen.insert(*number).second, reg.name + " is there twice");
        expect(reg.signed_value == Digest(quote.body.rtmr.at(*number)), reg.name + ": another value is signed");
        expect(log == nullptr || reg.logged == log->value(*number), reg.name + ": the log leads to another value than `logged`");
    }
    return all;
}

}  // namespace mr::attestation
