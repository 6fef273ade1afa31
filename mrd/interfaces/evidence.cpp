#include "mrd/interfaces/evidence.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mr/evidence.h"
#include "mr/tdreport.h"
#include "mrd/clock.h"
#include "mrd/evidence/evidence.h"
#include "mrd/evidence/evidence_budget.h"
#include "mrd/evidence/log_cut.h"
#include "mrd/interfaces/log_export.h"
#include "mrd/interfaces/log_reading.h"
#include "mrd/interfaces/quote.h"
#include "mrd/registers/set_reads.h"
#include "proto/varlink/release.h"

namespace mrd {

namespace wire = mr::wire::attestation;

namespace {

mr::ReportData padded(const mr::Bytes &report_data) {
    mr::ReportData padded{};
    std::ranges::copy(report_data, padded.begin());
    return padded;
}

// A log's events are at most so much longer in JSON, with base64 for their data and again for the log.
constexpr std::size_t bytes_for_log(std::uint64_t journal_end) {
    return largest_evidence -
           3 * (mr::max_evidence_log - static_cast<std::size_t>(std::min<std::uint64_t>(journal_end, mr::max_evidence_log)));
}

// Reads the log up to the place where the quotes were taken.
class LogUpToQuote final : public LogReading {
public:
    using Done = std::move_only_function<void(ReadLog)>;
    using End = ReadLog::End;

    // Reads no further than event `until`.
    LogUpToQuote(LogReadings &readings, const Client &client, EvidenceCut cut, std::uint64_t until, Done done)
        : LogReading(readings, client, ReadFor::evidence),
          result_{.reason = {}, .cut = std::move(cut), .log = {}, .to_cut = {}},
          until_(until),
          done_(std::move(done)) {
        for (const auto &reg : registers().journal().state().registers())
            result_.cut.declare({reg.name, reg.algorithm, reg.initial, reg.start});
        format_->begin(result_.log, registers().journal().state());
        sizes_.add_header(result_.log.size());
    }

    void start() { result_.cut.found() ? end(End::found) : go(); }

private:
    void take(const mr::Event &event) override {
        if (event.sequence > until_) return at_end();
        if (auto applied = result_.cut.apply(event); !applied) return fail(applied.error());
        add(event);
        if (!sizes_.fits_when_cut()) return end(End::too_large);
        if (result_.cut.found()) return end(End::found);
        if (event.sequence == until_) at_end();
    }
    void at_end() override {
        if (is_damaged()) return fail(registers().journal().reason());
        end(End::not_found);
    }
    void failed(const std::string &reason) override {
        result_.reason = reason;
        end(End::failed);
    }
    void add(const mr::Event &event) {
        whole_.clear();
        format_->add(whole_, event, cursor());
        least_.clear();
        format_->add(least_, cut_event(event, redacted_), cursor());
        const bool is_clients = !cursor().is_own() && event.caller;
        sizes_.add(is_clients ? std::optional(event.caller->uid) : std::nullopt,
                   {.whole = whole_.size(), .least = std::min(whole_.size(), least_.size())});
        if (sizes_.fits()) {
            result_.log.insert(result_.log.end(), whole_.begin(), whole_.end());
        } else {
            varlink::release(result_.log);
        }
    }
    void end(End end) {
        stop();
        result_.end = end;
        if ((end == End::found || end == End::not_found) && !sizes_.fits()) result_.to_cut = sizes_.decide();
        done_(std::move(result_));
    }

    ReadLog result_;
    std::unique_ptr<LogExport> format_ = make_log_export("json");
    LogCut sizes_{mr::max_evidence_log};
    mr::Bytes whole_;
    mr::Bytes least_;
    mr::Bytes redacted_;
    std::uint64_t until_;
    Done done_;
};

// The same events once more, some of them cut.
class LogThatIsCut final : public LogReading {
public:
    using Result = std::expected<CutLog, std::string>;
    using Done = std::move_only_function<void(Result)>;

    // `to_cut`: of each event up to the last one that is wanted.
    LogThatIsCut(LogReadings &readings, const Client &client, std::vector<bool> to_cut, Done done)
        : LogReading(readings, client, ReadFor::evidence), to_cut_(std::move(to_cut)), done_(std::move(done)) {
        format_->begin(made_.log, registers().journal().state());
    }

private:
    void take(const mr::Event &event) override {
        const auto begin = made_.log.size();
        format_->add(made_.log, event, cursor());
        if (to_cut_[events_]) {
            const auto whole = made_.log.size() - begin;
            made_.log.resize(begin);
            format_->add(made_.log, cut_event(event, redacted_), cursor());
            ++made_.cut.events;
            made_.cut.bytes += static_cast<std::int64_t>(whole - (made_.log.size() - begin));
        }
        if (++events_ < to_cut_.size()) return;
        stop();
        done_(std::move(made_));
    }
    // There were more when it was read first.
    void at_end() override { fail("the log has lost events"); }
    void failed(const std::string &reason) override { done_(std::unexpected(reason)); }

    std::vector<bool> to_cut_;
    std::size_t events_ = 0;
    std::unique_ptr<LogExport> format_ = make_log_export("json");
    mr::Bytes redacted_;
    CutLog made_;
    Done done_;
};

// One call. It lives as long as a step of it is to come.
class EvidenceCall : public std::enable_shared_from_this<EvidenceCall> {
public:
    EvidenceCall(Daemon &daemon, const Client &client, const QuoteRequest &request, Answer<wire::Evidence> answer)
        : registers_(daemon.registers()),
          readings_(daemon.log_readings()),
          budget_(daemon.evidence_budget()),
          client_(client),
          provider_(*request.provider),
          deadline_(request.deadline),
          answer_(std::move(answer)),
          making_(padded(request.report_data), {source_of(provider_)}) {}

    void start() {
        timer_ = registers_.at(deadline_, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->on_deadline();
        });
        answer_.on_closed([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->give_up();
        });
        go(making_.begin(last_event()));
    }

private:
    void stop_work() {
        stopped_ = true;
        if (const auto reading = reading_.lock()) reading->cancel();
        provider_.quotes()->cancel(quote_ticket_);
        if (const auto budget = budget_.lock()) budget->cancel(budget_ticket_);
    }

    void on_deadline() {
        const auto budget = budget_.lock();
        const auto limit = budget ? budget->waits_for(budget_ticket_) : std::nullopt;
        stop_work();
        if (limit) return answer_.fail(wire::Busy{*limit});
        answer_.fail(wire::QuoteTimeout{});
    }

    void give_up() {
        stop_work();
        // mrd is stopping, or there is nobody to hear it; either way what was sent behind this call may go on.
        answer_.fail(wire::QuoteUnavailable{"mrd is stopping"});
    }

    static EvidenceSource source_of(ProviderSlot &provider) {
        EvidenceSource source{.name = std::string(provider.name()),
                              .kind = std::string(provider.kind()),
                              .simulated = provider.simulated(),
                              .has_collateral = provider.has_collateral(),
                              .report_data_size = provider.quotes()->report_data_size().most,
                              .registers = {}};
        if (provider.registers() == nullptr) return source;
        const auto &table = provider.registers()->table();
        for (RegisterIndex index = 0; index < table.size(); ++index) {
            const auto &spec = table.spec(index);
            if (spec.flags.has(mr::Flag::extensible) && table.is_there(index))
                source.registers.push_back({index, table.name(index), spec.owner});
        }
        return source;
    }

    [[nodiscard]] std::uint64_t last_event() const { return registers_.journal().state().sequence(); }

    void go(EvidenceMaking::Action action) {
        using Action = EvidenceMaking::Action;
        switch (action) {
        case Action::quote: return ask_for_quote();
        case Action::settle:
            return provider_.when_idle([self = shared_from_this()] {
                if (!self->stopped_) self->go(self->making_.settled(self->last_event(), now_in_microseconds()));
            });
        case Action::room: return wait_for_room();
        case Action::read_log: return read_log();
        case Action::cut_log: return cut_log();
        case Action::reread: return reread();
        case Action::collateral:
            return provider_.collateral([self = shared_from_this()](const std::expected<QuoteCollateral, std::string> &collateral) {
                if (!self->stopped_) self->go(self->making_.collateral(collateral));
            });
        case Action::answer: answer_.reply({{mr::write_evidence_json(making_.evidence())}}); return counted_.reset();
        case Action::fail: return fail(making_.failure());
        }
    }

    void fail(const EvidenceFailure &failure) {
        using Cause = EvidenceFailure::Cause;
        switch (failure.cause) {
        case Cause::no_quote: return answer_.fail(quote_error(failure.provider, failure.quote));
        case Cause::log_too_large: return answer_.fail(wire::LogTooLarge{static_cast<std::int64_t>(mr::max_evidence_log)});
        case Cause::journal_failed: return answer_.fail(wire::JournalFailed{failure.reason});
        }
    }

    void ask_for_quote() {
        auto &quotes = *provider_.quotes();
        quote_ticket_ = quotes.new_ticket();
        quotes.ask(quote_ticket_, client_, {making_.report_data(), {}}, deadline_,
                   [self = shared_from_this()](const Quotes::Result &quoted) {
                       if (!self->stopped_) self->go(self->making_.quoted(quoted));
                   });
    }

    void wait_for_room() {
        const auto budget = budget_.lock();
        if (!budget) return;  // mrd is stopping
        // In a second round it goes on with the room it has: what came to the log meanwhile is little, and to wait again would be to wait behind all others.
        if (counted_) return go(making_.has_room());
        budget_ticket_ =
            budget->take(client_, bytes_for_log(registers_.journal().end()), [self = shared_from_this()](EvidenceBudget::Share share) {
                self->budget_ticket_ = 0;
                self->counted_ = std::move(share);
                self->go(self->making_.has_room());
            });
    }

    void read_log() {
        const auto readings = readings_.lock();
        if (!readings) return;  // mrd is stopping
        const auto reading =
            std::make_shared<LogUpToQuote>(*readings, client_, making_.cut(), making_.until(), [self = shared_from_this()](ReadLog read) {
                if (!self->stopped_) self->go(self->making_.log_read(std::move(read)));
            });
        reading_ = reading;
        reading->start();
    }

    void cut_log() {
        const auto readings = readings_.lock();
        if (!readings) return;  // mrd is stopping
        const auto reading =
            std::make_shared<LogThatIsCut>(*readings, client_, making_.to_cut(), [self = shared_from_this()](LogThatIsCut::Result made) {
                if (!self->stopped_) self->go(self->making_.log_cut(std::move(made)));
            });
        reading_ = reading;
        reading->go();
    }

    void reread() {
        std::vector<Registers::Place> places;
        for (const auto &reg : making_.sources().front().registers) places.push_back({provider_.registers(), reg.index});
        // A failure is not the end of it: the second quote tells.
        read_sets(places, true, [self = shared_from_this()](const std::expected<SetsRead, RegisterError> &) {
            if (!self->stopped_) self->go(self->making_.begin(self->last_event()));
        });
    }

    Registers &registers_;
    // Neither is held: what is left of a call may outlive the service, and gives back nothing then.
    std::weak_ptr<LogReadings> readings_;
    std::weak_ptr<EvidenceBudget> budget_;
    Client client_;
    EvidenceBudget::Ticket budget_ticket_ = 0;  // while it waits for room
    EvidenceBudget::Share counted_;
    ProviderSlot &provider_;
    QuoteQueue::TimePoint deadline_;
    std::shared_ptr<void> timer_;
    Answer<wire::Evidence> answer_;
    Quotes::Ticket quote_ticket_ = 0;
    EvidenceMaking making_;
    std::weak_ptr<LogReading> reading_;
    bool stopped_ = false;  // nobody waits for it any more
};

}  // namespace

void answer_evidence(Daemon &daemon, const Client &client, const wire::EvidenceParameters &parameters, Answer<wire::Evidence> answer) {
    const auto wanted =
        quote_request(daemon, parameters.report_data, parameters.provider, parameters.deadline_milliseconds, ReportDataSize{});
    if (!wanted) return answer.fail(wanted.error());
    std::make_shared<EvidenceCall>(daemon, client, *wanted, std::move(answer))->start();
}

}  // namespace mrd
