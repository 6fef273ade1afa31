#include "mrd/evidence/evidence.h"

#include <algorithm>
#include <utility>

namespace mrd {

using Action = EvidenceMaking::Action;

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
    says_.clear();
    evidence_.parts.clear();
    return Action::quote;
}

Action EvidenceMaking::quoted(const std::expected<Quoted, QuoteFailure> &quote) {
    const auto &source = sources_[at_];
    if (!quote) return fail({.cause = EvidenceFailure::Cause::no_quote, .provider = source.name, .quote = quote.error()});
    evidence_.parts.push_back({.name = source.name,
                               .kind = source.kind,
                               .simulated = source.simulated,
                               .quote = quote->quote,
                               .quote_format = quote->format,
                               .auxiliary = quote->auxiliary});
    says_.push_back(quote->says);
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

std::optional<mr::Digest> EvidenceMaking::signed_value(std::size_t source, RegisterIndex index) const {
    const auto &registers = says_[source].registers;
    const auto found = std::ranges::find(registers, index, &QuoteStatement::Register::index);
    return found == registers.end() ? std::nullopt : std::optional(found->value);
}

EvidenceCut EvidenceMaking::cut() const {
    std::vector<EvidenceCut::Signed> owned;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        for (const auto &reg : sources_[i].registers) {
            const auto value = signed_value(i, reg.index);
            if (value && reg.owner == mr::Owner::owned) owned.push_back({reg.name, *value});
        }
    }
    return EvidenceCut(first_, std::move(owned));
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
    evidence_.log = std::move(log);
    evidence_.sequence = static_cast<std::int64_t>(read_->cut.sequence());
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        for (const auto &reg : sources_[i].registers) {
            if (const auto value = signed_value(i, reg.index))
                evidence_.registers.push_back({reg.name, reg.owner, *value, read_->cut.logged(reg.name)});
        }
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
    if (collateral) evidence_.parts[at_].collateral = collateral->json;
    ++at_;
    return next_collateral();
}

}  // namespace mrd
