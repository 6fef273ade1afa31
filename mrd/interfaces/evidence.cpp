#include "mrd/interfaces/evidence.h"

#include <algorithm>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mr/evidence.h"
#include "mrd/clock.h"
#include "mrd/evidence/evidence.h"
#include "mrd/evidence/evidence_budget.h"
#include "mrd/interfaces/evidence_log.h"
#include "mrd/interfaces/quote.h"
#include "mrd/interfaces/tenant_view.h"
#include "mrd/registers/set_reads.h"

namespace mrd {

namespace wire = mr::wire;

namespace {

struct EvidenceRequest {
    mr::ReportData report_data{};
    std::vector<ProviderSlot *> providers = {};
    std::vector<EvidenceSource> sources = {};  // of each of them
    QuoteQueue::TimePoint deadline = {};       // when the call is to be answered
    std::optional<TenantView> tenant = {};     // whose virtual registers the log is for
};

EvidenceSource source_of(ProviderSlot &provider) {
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

// Those that are named, or all that make quotes.
std::expected<std::vector<ProviderSlot *>, RequestError> providers_of(Daemon &daemon,
                                                                      const std::optional<std::vector<std::string_view>> &names) {
    std::vector<ProviderSlot *> chosen;
    if (!names) {
        for (auto *provider : daemon.providers()) {
            if (provider->quotes() != nullptr) chosen.push_back(provider);
        }
        if (!chosen.empty() && chosen.size() <= mr::max_evidence_parts) return chosen;
        wire::attestation::NoSuchProvider error;
        for (const auto *provider : chosen) error.candidates.emplace_back(provider->name());
        return std::unexpected(std::move(error));
    }
    if (names->empty() || names->size() > mr::max_evidence_parts) return std::unexpected(varlink::InvalidParameter{"providers"});
    for (const auto name : *names) {
        const auto provider = choose_provider(daemon, name, [](const ProviderSlot &) { return true; });
        if (!provider) return std::unexpected(provider.error());
        if ((*provider)->quotes() == nullptr)
            return std::unexpected(wire::attestation::NotSupported{std::string((*provider)->name()), "quotes"});
        if (std::ranges::find(chosen, *provider) != chosen.end()) return std::unexpected(varlink::InvalidParameter{"providers"});
        chosen.push_back(*provider);
    }
    return chosen;
}

std::expected<EvidenceRequest, RequestError> evidence_request(Daemon &daemon, const Caller &caller,
                                                              const wire::attestation::EvidenceParameters &parameters) {
    EvidenceRequest request;
    const auto data = report_data_of(caller, parameters.report_data, parameters.bind);
    if (!data) return std::unexpected(data.error());
    const auto deadline = deadline_of(parameters.deadline_milliseconds);
    if (!deadline) return std::unexpected(deadline.error());
    request.deadline = *deadline;
    auto providers = providers_of(daemon, parameters.providers);
    if (!providers) return std::unexpected(std::move(providers.error()));
    request.providers = std::move(*providers);
    // Whatever a provider's quotes are over is made of it.
    if (auto fits = check_size(*data, ReportDataSize{}); !fits) return std::unexpected(fits.error());
    std::ranges::copy(*data, request.report_data.begin());
    std::size_t registers = 0;
    for (auto *provider : request.providers) {
        request.sources.push_back(source_of(*provider));
        registers += request.sources.back().registers.size();
        if (registers > mr::max_evidence_registers)
            return std::unexpected(wire::attestation::NotSupported{std::string(provider->name()),
                                                                   "evidence of more than " + std::to_string(mr::max_evidence_registers) +
                                                                       " registers that can be extended: name fewer providers"});
    }
    return request;
}

// One call. It lives as long as a step of it is to come.
class EvidenceCall : public std::enable_shared_from_this<EvidenceCall> {
public:
    EvidenceCall(Daemon &daemon, const Client &client, EvidenceRequest request, Answer<wire::attestation::Evidence> answer)
        : registers_(daemon.registers()),
          readings_(daemon.log_readings()),
          budget_(daemon.evidence_budget()),
          client_(client),
          providers_(std::move(request.providers)),
          deadline_(request.deadline),
          tenant_(std::move(request.tenant)),
          answer_(std::move(answer)),
          making_(request.report_data, std::move(request.sources)) {}

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
        if (waits_for_quote_) provider().quotes()->cancel(quote_ticket_);
        if (const auto budget = budget_.lock()) budget->cancel(budget_ticket_);
    }

    void on_deadline() {
        const auto budget = budget_.lock();
        const auto limit = budget ? budget->waits_for(budget_ticket_) : std::nullopt;
        const auto late = waits_for_quote_ ? std::optional<std::string>(provider().name()) : std::nullopt;
        stop_work();
        if (limit) return answer_.fail(wire::attestation::Busy{*limit});
        answer_.fail(wire::attestation::QuoteTimeout{late});
    }

    void give_up() {
        stop_work();
        // mrd is stopping, or there is nobody to hear it; either way what was sent behind this call may go on.
        answer_.fail(wire::attestation::QuoteUnavailable{.provider = {}, .reason = "mrd is stopping"});
    }

    // The one that the next step is about.
    [[nodiscard]] ProviderSlot &provider() const { return *providers_[making_.source()]; }
    [[nodiscard]] std::uint64_t last_event() const { return registers_.journal().state().sequence(); }

    void go(EvidenceMaking::Action action) {
        using Action = EvidenceMaking::Action;
        switch (action) {
        case Action::quote: return ask_for_quote();
        case Action::settle: return settle();
        case Action::room: return wait_for_room();
        case Action::read_log: return read_log();
        case Action::cut_log: return cut_log();
        case Action::reread: return reread();
        case Action::collateral:
            return provider().collateral(client_.uid, {},
                                         [self = shared_from_this()](const std::expected<QuoteCollateral, std::string> &collateral) {
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
        case Cause::log_too_large: return answer_.fail(wire::attestation::LogTooLarge{static_cast<std::int64_t>(mr::max_evidence_log)});
        case Cause::journal_failed: return answer_.fail(wire::attestation::JournalFailed{failure.reason});
        }
    }

    void ask_for_quote() {
        auto &quotes = *provider().quotes();
        quote_ticket_ = quotes.new_ticket();
        waits_for_quote_ = true;
        quotes.ask(quote_ticket_, client_, {making_.report_data(), {}}, deadline_,
                   [self = shared_from_this()](const Quotes::Result &quoted) {
                       self->waits_for_quote_ = false;
                       if (!self->stopped_) self->go(self->making_.quoted(quoted, self->last_event()));
                   });
    }

    void settle() {
        settling_ = providers_.size();
        for (auto *each : providers_) {
            each->when_settled([self = shared_from_this()] {
                if (--self->settling_ > 0 || self->stopped_) return;
                self->go(self->making_.settled(self->last_event(), now_in_microseconds()));
            });
        }
    }

    void wait_for_room() {
        const auto budget = budget_.lock();
        if (!budget) return;  // mrd is stopping
        // In a second round it goes on with the room it has: what came to the log meanwhile is little, and to wait again would be to wait behind all others.
        if (counted_) return go(making_.has_room());
        // A log's events are at most as long in JSON, with base64 for their data and again for the log, as evidence_bytes() counts them.
        const auto log = static_cast<std::size_t>(std::min<std::uint64_t>(registers_.journal().end(), mr::max_evidence_log));
        budget_ticket_ =
            budget->take(client_, evidence_bytes(providers_.size(), log), [self = shared_from_this()](EvidenceBudget::Share share) {
                self->budget_ticket_ = 0;
                self->counted_ = std::move(share);
                self->go(self->making_.has_room());
            });
    }

    void read_log() {
        const auto readings = readings_.lock();
        if (!readings) return;  // mrd is stopping
        const auto reading = std::make_shared<LogUpToQuotes>(*readings, client_, making_.signed_quotes(), making_.until(), tenant_,
                                                             [self = shared_from_this()](ReadLog read) {
                                                                 if (!self->stopped_) self->go(self->making_.log_read(std::move(read)));
                                                             });
        reading_ = reading;
        reading->start();
    }

    void cut_log() {
        const auto readings = readings_.lock();
        if (!readings) return;  // mrd is stopping
        const auto reading = std::make_shared<LogThatIsCut>(*readings, client_, making_.to_cut(), tenant_,
                                                            [self = shared_from_this()](LogThatIsCut::Result made) {
                                                                if (!self->stopped_) self->go(self->making_.log_cut(std::move(made)));
                                                            });
        reading_ = reading;
        reading->go();
    }

    void reread() {
        std::vector<Registers::Place> places;
        for (std::size_t i = 0; i < providers_.size(); ++i) {
            for (const auto &reg : making_.sources()[i].registers) places.push_back({providers_[i]->registers(), reg.index});
        }
        // A failure is not the end of it: the second quote tells.
        read_sets(client_.uid, places, true, [self = shared_from_this()](const std::expected<SetsRead, RegisterError> &) {
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
    std::vector<ProviderSlot *> providers_;  // of the sources, in their order
    std::size_t settling_ = 0;               // how many of them have not done yet what was begun before
    QuoteQueue::TimePoint deadline_;
    std::optional<TenantView> tenant_;
    std::shared_ptr<void> timer_;
    Answer<wire::attestation::Evidence> answer_;
    Quotes::Ticket quote_ticket_ = 0;
    bool waits_for_quote_ = false;
    EvidenceMaking making_;
    std::weak_ptr<LogReading> reading_;
    bool stopped_ = false;  // nobody waits for it any more
};

}  // namespace

void answer_evidence(Daemon &daemon, const Caller &caller, const wire::attestation::EvidenceParameters &parameters,
                     Answer<wire::attestation::Evidence> answer) {
    auto wanted = evidence_request(daemon, caller, parameters);
    if (!wanted) return answer.fail(wanted.error());
    if (parameters.registers) {
        auto tenant = tenant_view(daemon, caller, Operation::evidence, "registers", *parameters.registers);
        if (!tenant) return answer.fail(tenant.error());
        wanted->tenant = std::move(*tenant);
    }
    std::make_shared<EvidenceCall>(daemon, caller.client(), std::move(*wanted), std::move(answer))->start();
}

}  // namespace mrd
