#include "libmr/src/attestation/evidence_claims.h"

#include <algorithm>
#include <utility>

#include "mr/event_content.h"

namespace mr::attestation {
namespace {

bool is_resync(const Event &event) {
    if (event.digests.empty()) return false;
    const auto envelope = bound_envelope(event, event.digests.front());
    return envelope && envelope->header.type == "resync";
}

bool is_part(const Evidence &evidence, std::string_view name) {
    return std::ranges::find(evidence.parts, name, &EvidencePart::name) != evidence.parts.end();
}

std::string providers_of(const Evidence &evidence) {
    std::string all;
    for (const auto &part : evidence.parts) all.append(all.empty() ? "" : ", ").append(part.name);
    return all;
}

}  // namespace

bool LogClaims::is_like_one(std::string_view name) const {
    const auto bare = without_provider_and_bank(name);
    return std::ranges::any_of(registers_, [&](const SignedRegister &reg) { return reg.claimed.name == bare; });
}

std::optional<std::size_t> LogClaims::number_of(std::string_view name, std::optional<HashAlgorithm> bank) const {
    const auto bare = without_provider_and_bank(name);
    const auto is_named = [&](const SignedRegister &reg) { return evidence_ == nullptr ? reg.claimed.name == bare : reg.logged == name; };
    auto found =
        std::ranges::find_if(registers_, [&](const SignedRegister &reg) { return is_named(reg) && reg.claimed.algorithm == bank; });
    if (found == registers_.end()) found = std::ranges::find_if(registers_, is_named);
    if (found == registers_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - registers_.begin());
}

bool LogClaims::has_bank(std::string_view name, const EventDigest &digest) const {
    const auto known = banks_.find(name);
    const auto algorithm = hash_algorithm_from_tcg(digest.algorithm_id);
    return known != banks_.end() && algorithm && known->second.contains(*algorithm);
}

bool LogClaims::is_of_another(std::string_view name) const {
    const auto provider = provider_of(name);
    return evidence_ != nullptr && !provider.empty() && !is_part(*evidence_, provider) &&
           name.substr(provider.size() + 1) == without_provider_and_bank(name);
}

void LogClaims::declare(const LogRegister &known) {
    const auto name = "the log's register " + known.name;
    if (!banks_[known.name].insert(known.algorithm).second) contradict(name + " is there twice");
    if (is_of_another(known.name)) return;
    const auto number = is_like_one(known.name) ? number_of(known.name, known.algorithm) : std::nullopt;
    if (!number) {
        if (evidence_ != nullptr) contradict(name + " is none that " + providers_of(*evidence_) + " extends");
        return;
    }
    const auto &claimed = registers_[*number].claimed;
    if (known.algorithm != claimed.algorithm || known.initial != *claimed.initial)
        contradict(name + " did not begin as its hardware does, with " + to_hex(claimed.initial->bytes()) + " of " +
                   std::string(to_string(claimed.algorithm)));
}

void LogClaims::see(const Event &event) {
    const auto name = "event " + std::to_string(event.sequence);
    if (event.sequence != last_ + 1) contradict(name + " follows event " + std::to_string(last_) + ": one is missing, or there twice");
    last_ = event.sequence;
    // Of before mrd there may be some that another mrd has measured: they are gaps all the same.
    if (event.origin != EventOrigin::firmware && (event.origin == EventOrigin::resync) != is_resync(event)) {
        contradict(name + (event.origin == EventOrigin::resync ? " is called a resync and is none" : " is a resync and is not called one"));
    }
    // A provider that comes late has its firmware's log behind the events of others.
    if (event.origin != EventOrigin::firmware) {
        extended_.emplace(event.name);
    } else if (extended_.contains(event.name)) {
        contradict(name + " is called the firmware's, whose events are the first of their register");
    }
    if (is_like_one(event.name) && is_measured(event) && event.index != tcg_index(event.name).value_or(no_index))
        contradict(name + " has the index " + std::to_string(event.index) + ", which is not its register's");
    see_register(event, name);
}

// A digest that no register takes, and an event that none was extended by, are nothing that a replay would miss.
void LogClaims::see_register(const Event &event, const std::string &name) {
    const auto is_known = [&](const EventDigest &digest) { return has_bank(event.name, digest); };
    const bool is_checked = evidence_ != nullptr || banks_.contains(event.name);
    // Firmware logs what it extends nothing by, and more banks than a provider has.
    if (event.origin == EventOrigin::firmware) {
        if (is_checked && is_measured(event) && is_like_one(event.name) && !is_of_another(event.name) &&
            std::ranges::none_of(event.digests, is_known))
            contradict(name + " has no digest for a register that the log's first line has");
        return;
    }
    if (!is_measured(event)) return contradict(name + " extends no register, and mrd logs none that does not");
    if (!is_checked) return;
    if (event.digests.empty()) contradict(name + " has no digest");
    if (!std::ranges::all_of(event.digests, is_known))
        contradict(name + " is of a register, or has a digest of a bank, that the log's first line does not have");
}

std::vector<std::string> contradictions(const Evidence &evidence, std::span<const std::optional<Claims>> claims,
                                        std::span<const SignedRegister> registers, const ReplayedLog *log) {
    std::vector<std::string> all;
    const auto expect = [&all](bool good, std::string what) {
        if (!good) all.push_back(std::move(what));
    };
    for (std::size_t i = 0; i < evidence.parts.size(); ++i) {
        if (!claims[i]) continue;
        const auto &part = evidence.parts[i];
        const auto &signed_claims = *claims[i];
        const auto in_part = evidence.parts.size() > 1 ? part.name + ": " : "";
        expect(part.quote_format == signed_claims.quote_format,
               in_part + "quoteFormat is not the quote's, which is " + signed_claims.quote_format);
        const auto report_data = part_report_data(part.kind, part.name, evidence.report_data, signed_claims.report_data.size());
        expect(report_data && *report_data == signed_claims.report_data, in_part + "reportData is not what the quote is over");
        expect(!part.auxiliary || signed_claims.has_auxiliary,
               in_part + "there is auxiliary data, which no quote of " + part.kind + " has");
        const auto simulated = signed_claims.simulated;
        expect(!simulated || part.simulated == *simulated,
               in_part + (simulated == true ? "simulated is false, and the root is the simulator's"
                                            : "simulated is true, and the root is hardware's"));
    }
    if (log != nullptr) {
        expect(std::cmp_equal(evidence.sequence, log->last_event),
               "sequence is not the log's last event, which is " + std::to_string(log->last_event));
        // The log ends at the last quote's place: where the part does not say it, at the log's end. What extends nothing, as a device, has none in it.
        std::size_t places = 0;
        bool is_cut_at_a_quote = false;
        for (std::size_t i = 0; i < evidence.parts.size(); ++i) {
            const auto &part = evidence.parts[i];
            const auto is_extended = [](const ClaimedRegister &reg) { return reg.initial.has_value(); };
            if (claims[i] && std::ranges::none_of(claims[i]->registers, is_extended)) {
                expect(!part.sequence, part.name + ": there is a sequence, and nothing of it is extended");
                continue;
            }
            ++places;
            expect(!part.sequence || std::cmp_less_equal(*part.sequence, log->last_event), part.name + ": sequence is no event of the log");
            is_cut_at_a_quote = is_cut_at_a_quote || !part.sequence || std::cmp_equal(*part.sequence, log->last_event);
        }
        is_cut_at_a_quote = is_cut_at_a_quote || places == 0;
        expect(is_cut_at_a_quote, "the log has events that came after every part's quote");
    }
    std::set<std::size_t> seen;
    for (const auto &reg : evidence.registers) {
        const auto known = std::ranges::find_if(registers, [&](const SignedRegister &each) { return is_called(reg.name, each); });
        if (known == registers.end()) {
            expect(false, reg.name + " is no register of " + providers_of(evidence) + " that a log leads to and the quote signs");
            continue;
        }
        const auto number = static_cast<std::size_t>(known - registers.begin());
        expect(seen.insert(number).second, reg.name + " is there twice");
        expect(reg.signed_value == known->claimed.value, reg.name + ": another value is signed");
        expect(log == nullptr || reg.logged == log->value(number), reg.name + ": the log leads to another value than `logged`");
    }
    return all;
}

}  // namespace mr::attestation
