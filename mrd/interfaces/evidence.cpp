#include "mrd/interfaces/evidence.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mr/evidence.h"
#include "mr/tdreport.h"
#include "mrd/clock.h"
#include "mrd/evidence/evidence_budget.h"
#include "mrd/evidence/evidence_cut.h"
#include "mrd/evidence/log_cut.h"
#include "mrd/interfaces/log_export.h"
#include "mrd/interfaces/log_reading.h"
#include "mrd/interfaces/quote.h"
#include "mrd/registers/set_reads.h"
#include "proto/varlink/release.h"

namespace mrd {

namespace wire = mr::wire::attestation;

namespace {

// Somebody else can extend a register between mrd's look at it and the quote: a second quote shows whether that is how it stays.
constexpr int max_quotes = 2;

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

// The log up to the place where the quote was taken, or up to its end.
struct ReadLog {
    enum class End : std::uint8_t { found, not_found, too_large, failed };
    End end = End::not_found;
    std::string reason;  // of failed
    EvidenceCut cut;
    mr::Bytes log;             // if all of it fits
    std::vector<bool> to_cut;  // otherwise: of each event, whether it is to be cut
};

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
    struct Result {
        mr::Bytes log;
        mr::EvidenceCutContent cut;
        std::string reason;  // why there is none; empty: there is one
    };
    using Done = std::move_only_function<void(Result)>;

    // `to_cut`: of each event up to the last one that is wanted.
    LogThatIsCut(LogReadings &readings, const Client &client, std::vector<bool> to_cut, Done done)
        : LogReading(readings, client, ReadFor::evidence), to_cut_(std::move(to_cut)), done_(std::move(done)) {
        format_->begin(result_.log, registers().journal().state());
    }

private:
    void take(const mr::Event &event) override {
        const auto begin = result_.log.size();
        format_->add(result_.log, event, cursor());
        if (to_cut_[events_]) {
            const auto whole = result_.log.size() - begin;
            result_.log.resize(begin);
            format_->add(result_.log, cut_event(event, redacted_), cursor());
            ++result_.cut.events;
            result_.cut.bytes += static_cast<std::int64_t>(whole - (result_.log.size() - begin));
        }
        if (++events_ < to_cut_.size()) return;
        stop();
        done_(std::move(result_));
    }
    // There were more when it was read first.
    void at_end() override { fail("the log has lost events"); }
    void failed(const std::string &reason) override {
        result_.reason = reason;
        done_(std::move(result_));
    }

    std::vector<bool> to_cut_;
    std::size_t events_ = 0;
    std::unique_ptr<LogExport> format_ = make_log_export("json");
    mr::Bytes redacted_;
    Result result_;
    Done done_;
};

// One call: quote -> what came to the log meanwhile is settled -> there is room for the log -> log up to the quote, cut if it does not fit -> reply; where the log does not
// explain the quote, the registers are reread, which records the divergence, and one more quote is taken. It lives as long as a step of it is to come.
class EvidenceCall : public std::enable_shared_from_this<EvidenceCall> {
public:
    EvidenceCall(Daemon &daemon, const Client &client, const QuoteRequest &request, Answer<wire::Evidence> answer)
        : registers_(daemon.registers()),
          readings_(daemon.log_readings()),
          budget_(daemon.evidence_budget()),
          client_(client),
          provider_(*request.provider),
          report_data_(request.report_data),
          deadline_(request.deadline),
          answer_(std::move(answer)) {}

    void start() {
        timer_ = registers_.at(deadline_, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->on_deadline();
        });
        answer_.on_closed([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->give_up();
        });
        ask_for_quote();
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

    void ask_for_quote() {
        auto &quotes = *provider_.quotes();
        ++quotes_;
        first_ = registers_.journal().state().sequence();
        quote_ticket_ = quotes.new_ticket();
        quotes.ask(quote_ticket_, client_, {report_data_, {}}, deadline_,
                   [self = shared_from_this()](const Quotes::Result &quoted) { self->take_quote(quoted); });
    }

    void take_quote(const Quotes::Result &quoted) {
        if (stopped_) return;
        if (!quoted) return answer_.fail(quote_error(provider_.name(), quoted.error()));
        signed_ = quoted->says.registers;
        evidence_ = {.provider = std::string(provider_.name()),
                     .simulated = provider_.simulated(),
                     .report_data = padded(report_data_),
                     .quote = quoted->quote,
                     .quote_format = std::string(quoted->format),
                     .auxiliary = quoted->auxiliary,
                     .time = now_in_microseconds(),
                     .registers = {},
                     .log = {}};
        // An extend that the quote shows may not be settled yet.
        provider_.when_idle([self = shared_from_this()] { self->wait_for_room(); });
    }

    void wait_for_room() {
        if (stopped_) return;
        const auto budget = budget_.lock();
        if (!budget) return;  // mrd is stopping
        until_ = registers_.journal().state().sequence();
        // After a second quote it goes on with the room it has: what came to the log meanwhile is little, and to wait again would be to wait behind all others.
        if (counted_) return read_log();
        budget_ticket_ =
            budget->take(client_, bytes_for_log(registers_.journal().end()), [self = shared_from_this()](EvidenceBudget::Share share) {
                self->budget_ticket_ = 0;
                self->counted_ = std::move(share);
                self->read_log();
            });
    }

    void read_log() {
        const auto readings = readings_.lock();
        if (!readings) return;  // mrd is stopping
        std::vector<EvidenceCut::Signed> owned;
        for (const auto &[index, value] : signed_) {
            if (is_logged(index) && table().spec(index).owner == mr::Owner::owned) owned.push_back({table().name(index), value});
        }
        const auto reading =
            std::make_shared<LogUpToQuote>(*readings, client_, EvidenceCut(first_, std::move(owned)), until_,
                                           [self = shared_from_this()](ReadLog read) { self->log_is_read(std::move(read)); });
        reading_ = reading;
        reading->start();
    }

    void log_is_read(ReadLog read) {
        if (stopped_) return;
        using End = ReadLog::End;
        switch (read.end) {
        case End::failed: return answer_.fail(wire::JournalFailed{read.reason});
        case End::too_large: return answer_.fail(wire::LogTooLarge{static_cast<std::int64_t>(mr::max_evidence_log)});
        case End::not_found:
            if (quotes_ < max_quotes) return reread();
            break;
        case End::found: break;
        }
        if (read.to_cut.empty()) return finish(read);
        cut_log(std::move(read));
    }

    void cut_log(ReadLog read) {
        const auto readings = readings_.lock();
        if (!readings) return;  // mrd is stopping
        auto to_cut = std::move(read.to_cut);
        const auto reading = std::make_shared<LogThatIsCut>(
            *readings, client_, std::move(to_cut),
            [self = shared_from_this(), read = std::make_shared<ReadLog>(std::move(read))](LogThatIsCut::Result made) {
                if (self->stopped_) return;
                if (!made.reason.empty()) return self->answer_.fail(wire::JournalFailed{made.reason});
                read->log = std::move(made.log);
                self->evidence_.cut = made.cut;
                self->finish(*read);
            });
        reading_ = reading;
        reading->go();
    }

    void finish(ReadLog &read) {
        evidence_.sequence = static_cast<std::int64_t>(read.cut.sequence());
        for (const auto &[index, value] : signed_) {
            if (!is_logged(index)) continue;
            const auto &name = table().name(index);
            evidence_.registers.push_back({name, table().spec(index).owner, value, read.cut.logged(name)});
        }
        evidence_.log = std::move(read.log);
        add_collateral();
    }

    void reread() {
        std::vector<Registers::Place> places;
        for (const auto &[index, value] : signed_) {
            if (is_logged(index)) places.push_back({provider_.registers(), index});
        }
        // A failure is not the end of it: the second quote tells.
        read_sets(places, true, [self = shared_from_this()](const std::expected<SetsRead, RegisterError> &) {
            if (!self->stopped_) self->ask_for_quote();
        });
    }

    void add_collateral() {
        if (!provider_.has_collateral()) return reply();
        provider_.collateral([self = shared_from_this()](const std::expected<QuoteCollateral, std::string> &collateral) {
            if (self->stopped_) return;
            if (collateral) {
                if (auto parsed = mr::parse_collateral(collateral->json)) self->evidence_.collateral = std::move(*parsed);
            }
            self->reply();
        });
    }

    void reply() {
        answer_.reply({{mr::write_evidence_json(evidence_)}});
        counted_.reset();
    }

    // A quote that says what a register holds is of a provider that has registers.
    [[nodiscard]] const RegisterTable &table() const { return provider_.registers()->table(); }
    [[nodiscard]] bool is_logged(RegisterIndex index) const { return table().spec(index).flags.has(mr::Flag::extensible); }

    Registers &registers_;
    // Neither is held: what is left of a call may outlive the service, and gives back nothing then.
    std::weak_ptr<LogReadings> readings_;
    std::weak_ptr<EvidenceBudget> budget_;
    Client client_;
    EvidenceBudget::Ticket budget_ticket_ = 0;  // while it waits for room
    EvidenceBudget::Share counted_;
    ProviderSlot &provider_;
    mr::Bytes report_data_;
    QuoteQueue::TimePoint deadline_;
    std::shared_ptr<void> timer_;
    Answer<wire::Evidence> answer_;
    Quotes::Ticket quote_ticket_ = 0;
    int quotes_ = 0;           // asked for
    std::uint64_t first_ = 0;  // the log's last event before the quote was asked for
    std::uint64_t until_ = 0;  // and the last one that it can have taken part of
    std::vector<QuoteStatement::Register> signed_;
    mr::Evidence evidence_;
    std::weak_ptr<LogReading> reading_;
    bool stopped_ = false;  // nobody waits for it any more
};

}  // namespace

void answer_evidence(Daemon &daemon, const Client &client, const wire::EvidenceParameters &parameters, Answer<wire::Evidence> answer) {
    const auto wanted = quote_request(daemon, parameters.report_data, parameters.provider, parameters.deadline_milliseconds);
    if (!wanted) return answer.fail(wanted.error());
    std::make_shared<EvidenceCall>(daemon, client, *wanted, std::move(answer))->start();
}

}  // namespace mrd
