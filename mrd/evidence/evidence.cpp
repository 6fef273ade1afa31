#include "mrd/evidence/evidence.h"

#include <algorithm>
#include <string>
#include <utility>

#include "mrd/evidence/quote_check.h"

namespace mrd {

using Action = EvidenceMaking::Action;

namespace {

constexpr std::size_t base64_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }

// The largest evidence fits into one message.
constexpr std::size_t register_size = 768;       // bytes of JSON: two values of 64 bytes, and a name
constexpr std::size_t members_size = 4U << 10U;  // of all that is neither parts, registers nor log
static_assert(mr::max_evidence_parts * max_part_size + mr::max_evidence_registers * register_size + base64_size(mr::max_evidence_log) +
                  members_size <=
              mr::max_evidence_size);

// Bytes of a part as JSON, its collateral left out.
std::size_t written_size(const mr::EvidencePart &part) {
    constexpr std::size_t members = 256;  // their names, and what is short
    return members + part.name.size() + base64_size(part.quote.size()) + base64_size(part.auxiliary ? part.auxiliary->size() : 0);
}

}  // namespace

EvidenceMaking::EvidenceMaking(const mr::ReportData &report_data, std::vector<EvidenceSource> sources) : sources_(std::move(sources)) {
    evidence_.report_data = report_data;
}

Action EvidenceMaking::fail(EvidenceFailure failure) {
    failure_ = std::move(failure);
    return Action::fail;
}

Action EvidenceMaking::begin(std::uint64_t last_event) {
    ++rounds_;
    at_ = 0;
    first_ = last_event;
    signed_.clear();
    evidence_.parts.clear();
    return Action::quote;
}

Action EvidenceMaking::quoted(const std::expected<Quoted, QuoteFailure> &quote, std::uint64_t last_event) {
    const auto &source = sources_[at_];
    const auto fail_quote = [&](QuoteFailure why) {
        return fail({.cause = EvidenceFailure::Cause::no_quote, .provider = source.name, .quote = std::move(why)});
    };
    if (!quote) return fail_quote(quote.error());
    const auto &part = evidence_.parts.emplace_back(mr::EvidencePart{.name = source.name,
                                                                     .kind = source.kind,
                                                                     .simulated = is_simulated(source.kind, quote->quote, source.simulated),
                                                                     .quote = quote->quote,
                                                                     .quote_format = quote->format,
                                                                     .auxiliary = quote->auxiliary});
    if (written_size(part) > max_part_size)
        return fail_quote({.cause = QuoteFailure::Cause::invalid,
                           .reason = "it is too long for evidence, where a part has at most " + std::to_string(max_part_size) + " bytes"});
    auto &signs = signed_.emplace_back(EvidenceCut::SignedQuote{.first = first_});
    for (const auto &reg : source.registers) {
        const auto found = std::ranges::find(quote->says.registers, reg.index, &QuoteStatement::Register::index);
        if (found != quote->says.registers.end()) signs.registers.push_back({reg.name, found->value, reg.owner});
    }
    first_ = last_event;
    // An extend that a quote shows may not be settled yet.
    return ++at_ < sources_.size() ? Action::quote : Action::settle;
}

Action EvidenceMaking::settled(std::uint64_t last_event, std::int64_t time) {
    until_ = last_event;
    evidence_.time = time;
    return Action::room;
}

Action EvidenceMaking::has_room() { return Action::read_log; }

mr::Bytes EvidenceMaking::report_data() const {
    const auto &source = sources_[at_];
    // A provider that takes another size says so when it is asked for the quote.
    return mr::part_report_data(source.kind, source.name, evidence_.report_data, source.report_data_size).value_or(mr::Bytes());
}

Action EvidenceMaking::log_read(ReadLog read) {
    using End = ReadLog::End;
    switch (read.end) {
    case End::failed: return fail({.cause = EvidenceFailure::Cause::journal_failed, .provider = {}, .reason = std::move(read.reason)});
    case End::too_large: return fail({.cause = EvidenceFailure::Cause::log_too_large, .provider = {}});
    case End::not_found:
        if (rounds_ < max_rounds) return Action::reread;
        break;
    case End::found: break;
    }
    read_ = std::move(read);
    return read_->to_cut.empty() ? add_log(std::move(read_->log)) : Action::cut_log;
}

Action EvidenceMaking::log_cut(std::expected<CutLog, std::string> made) {
    if (!made) return fail({.cause = EvidenceFailure::Cause::journal_failed, .provider = {}, .reason = std::move(made.error())});
    evidence_.cut = made->cut;
    return add_log(std::move(made->log));
}

Action EvidenceMaking::add_log(mr::Bytes log) {
    const auto &cut = read_->cut;
    evidence_.log = std::move(log);
    evidence_.sequence = static_cast<std::int64_t>(cut.sequence());
    for (std::size_t i = 0; i < signed_.size(); ++i) {
        const auto &registers = signed_[i].registers;
        const auto place = cut.place(i).value_or(cut.sequence());
        if (!registers.empty() && place < cut.sequence()) evidence_.parts[i].sequence = static_cast<std::int64_t>(place);
        for (std::size_t r = 0; r < registers.size(); ++r)
            evidence_.registers.push_back({registers[r].name, registers[r].owner, registers[r].value, cut.logged(i, r)});
    }
    at_ = 0;
    return next_collateral();
}

Action EvidenceMaking::next_collateral() {
    while (at_ < sources_.size() && !sources_[at_].has_collateral) ++at_;
    return at_ < sources_.size() ? Action::collateral : Action::answer;
}

Action EvidenceMaking::collateral(const std::expected<QuoteCollateral, std::string> &collateral) {
    // Without it a verifier needs some from elsewhere, as it does for hardware.
    auto &part = evidence_.parts[at_];
    if (collateral && written_size(part) + collateral->json.size() <= max_part_size) part.collateral = collateral->json;
    ++at_;
    return next_collateral();
}

}  // namespace mrd
