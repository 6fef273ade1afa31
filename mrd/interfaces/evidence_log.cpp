#include "mrd/interfaces/evidence_log.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "mrd/journal/state.h"
#include "proto/varlink/release.h"
#include "proto/varlink/uid_shares.h"

namespace mrd {

namespace {

EvidenceCut cut_for(const std::vector<EvidenceCut::SignedQuote> &quotes, const journal::State &state) {
    std::vector<mr::LogRegister> known;
    for (const auto &reg : state.registers()) {
        if (!reg.carrier) known.push_back({reg.name, reg.algorithm, reg.initial, reg.start});
    }
    return EvidenceCut(quotes, known);
}

}  // namespace

LogUpToQuotes::LogUpToQuotes(LogReadings &readings, const Client &client, const std::vector<EvidenceCut::SignedQuote> &quotes,
                             std::uint64_t until, std::optional<TenantView> tenant, Done done)
    : LogReading(readings, client, ReadFor::evidence),
      result_{.reason = {}, .cut = cut_for(quotes, registers().journal().state()), .log = {}, .to_cut = {}},
      tenant_(std::move(tenant)),
      until_(until),
      done_(std::move(done)) {
    format_->begin(result_.log, registers().journal().state());
    sizes_.add_header(result_.log.size());
}

void LogUpToQuotes::start() { result_.cut.found() ? end(End::found) : go(); }

void LogUpToQuotes::take(const mr::Event &event) {
    if (event.sequence > until_) return at_end();
    if (auto applied = result_.cut.apply(event); !applied) return fail(applied.error());
    add(event);
    if (!sizes_.fits_when_cut()) return end(End::too_large);
    if (result_.cut.found()) return end(End::found);
    if (event.sequence == until_) at_end();
}

void LogUpToQuotes::at_end() {
    if (is_damaged()) return fail(registers().journal().reason());
    end(End::not_found);
}

void LogUpToQuotes::failed(const std::string &reason) {
    result_.reason = reason;
    end(End::failed);
}

void LogUpToQuotes::add(const mr::Event &event) {
    auto &to = sizes_.fits() ? result_.log : whole_;
    const auto begin = to.size();
    const auto &shown = tenant_ ? tenant_->shown(event) : event;
    format_->add(to, shown, cursor());
    const auto whole = to.size() - begin;
    cut_.clear();
    format_->add(cut_, cutter_.cut(shown), cursor());
    const bool is_clients = !cursor().is_own() && event.caller;
    const auto share_of = [this](std::int64_t uid) {
        return registers().journal().has_own_share(uid) ? uid : static_cast<std::int64_t>(varlink::unnamed_uids);
    };
    sizes_.add(is_clients ? std::optional(share_of(event.caller->counts_for())) : std::nullopt,
               {.whole = whole, .least = std::min(whole, cut_.size())});
    if (sizes_.fits()) return;
    varlink::release(result_.log);
    whole_.clear();
}

void LogUpToQuotes::end(End end) {
    stop();
    result_.end = end;
    if ((end == End::found || end == End::not_found) && !sizes_.fits()) result_.to_cut = sizes_.decide();
    done_(std::move(result_));
}

LogThatIsCut::LogThatIsCut(LogReadings &readings, const Client &client, std::vector<bool> to_cut, std::optional<TenantView> tenant,
                           Done done)
    : LogReading(readings, client, ReadFor::evidence), to_cut_(std::move(to_cut)), tenant_(std::move(tenant)), done_(std::move(done)) {
    format_->begin(made_.log, registers().journal().state());
}

void LogThatIsCut::take(const mr::Event &all_of_it) {
    const auto &event = tenant_ ? tenant_->shown(all_of_it) : all_of_it;
    const auto begin = made_.log.size();
    format_->add(made_.log, event, cursor());
    if (to_cut_[events_]) {
        const auto whole = made_.log.size() - begin;
        made_.log.resize(begin);
        format_->add(made_.log, cutter_.cut(event), cursor());
        ++made_.cut.events;
        made_.cut.bytes += static_cast<std::int64_t>(whole - (made_.log.size() - begin));
    }
    if (++events_ < to_cut_.size()) return;
    stop();
    done_(std::move(made_));
}

// There were more when it was read first.
void LogThatIsCut::at_end() { fail("the log has lost events"); }

void LogThatIsCut::failed(const std::string &reason) { done_(std::unexpected(reason)); }

}  // namespace mrd
