// One piece of evidence in the making: what has to be done next, and what comes of it. Inputs in, an action out, without input or output of its own;
// mrd/interfaces/evidence.cpp does what it says.
//
// A quote of each provider, one after the other -> what came to the log meanwhile is settled -> there is room for the log -> the log is read up to the last of
// the places that explain the quotes -> cut, if it does not fit -> collateral of each provider that has some -> the answer. Where the log does not explain
// one of them, the registers are reread, which records the divergence, and the quotes are taken once more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "mr/evidence.h"
#include "mrd/evidence/evidence_cut.h"
#include "mrd/providers/provider.h"

namespace mrd {

// Bytes of a part as JSON, its collateral included: what does not fit is not evidence. So what a part takes does not depend on what a quoting service gives, and
// as many parts as evidence may have fit beside the largest log.
inline constexpr std::size_t max_part_size = std::size_t{64} << 10U;

// A provider whose quote becomes a part.
struct EvidenceSource {
    std::string name;
    std::string kind;
    bool simulated = false;
    bool has_collateral = false;
    std::size_t report_data_size = mr::report_data_size;  // bytes that its quotes are over: 32 or 64
    // Those that a log leads to.
    struct Register {
        RegisterIndex index = 0;
        std::string name;  // "tdx/rtmr3"
        mr::Owner owner = mr::Owner::owned;
    };
    std::vector<Register> registers;
};

// The log up to the place where the quotes were taken, or up to its end.
struct ReadLog {
    enum class End : std::uint8_t { found, not_found, too_large, failed };
    End end = End::not_found;
    std::string reason;  // of failed
    EvidenceCut cut;
    mr::Bytes log;             // if all of it fits
    std::vector<bool> to_cut;  // otherwise: of each event, whether it is to be cut
};

// The same log with events that were cut.
struct CutLog {
    mr::Bytes log;
    mr::EvidenceCutContent cut;
};

// Why there is none.
struct EvidenceFailure {
    enum class Cause : std::uint8_t {
        no_quote,  // `quote` says why, of the provider
        log_too_large,
        journal_failed,  // `reason`
    };
    Cause cause = Cause::no_quote;
    std::string provider;
    QuoteFailure quote = {};
    std::string reason = {};
};

class EvidenceMaking {
public:
    enum class Action : std::uint8_t {
        quote,       // of source()
        settle,      // wait until what was begun before is done
        room,        // wait until there is room for the log
        read_log,    // for an EvidenceCut of signed_quotes(), no further than event until()
        cut_log,     // the events of to_cut()
        reread,      // the registers
        collateral,  // of source()
        answer,      // evidence() is complete
        fail,        // failure() says why
    };

    // Somebody else can extend a register between mrd's look at it and the quote: a second round shows whether that is how it stays.
    static constexpr int max_rounds = 2;

    // Precondition: there is a source, and no more of them, with no more registers, than evidence may have.
    EvidenceMaking(const mr::ReportData &report_data, std::vector<EvidenceSource> sources);

    // Each answers the action of its name. Preconditions: that action is what is waited for.
    // `last_event`: of the log, now. `time`: microseconds since the epoch.
    Action begin(std::uint64_t last_event);  // first of all, and after reread
    Action quoted(const std::expected<Quoted, QuoteFailure> &quote, std::uint64_t last_event);
    Action settled(std::uint64_t last_event, std::int64_t time);
    Action has_room();
    Action log_read(ReadLog read);
    Action log_cut(std::expected<CutLog, std::string> made);
    Action collateral(const std::expected<QuoteCollateral, std::string> &collateral);

    [[nodiscard]] const std::vector<EvidenceSource> &sources() const { return sources_; }
    [[nodiscard]] std::size_t source() const { return at_; }  // number of the one that quote and collateral are about
    [[nodiscard]] mr::Bytes report_data() const;              // that its quote is asked for
    [[nodiscard]] const std::vector<EvidenceCut::SignedQuote> &signed_quotes() const { return signed_; }
    [[nodiscard]] std::uint64_t until() const { return until_; }
    [[nodiscard]] const std::vector<bool> &to_cut() const { return read_->to_cut; }
    [[nodiscard]] const mr::Evidence &evidence() const { return evidence_; }
    [[nodiscard]] const EvidenceFailure &failure() const { return failure_; }

private:
    Action fail(EvidenceFailure failure);
    Action add_log(mr::Bytes log);
    // From source `at_` on.
    Action next_collateral();
    std::vector<EvidenceSource> sources_;
    int rounds_ = 0;
    std::size_t at_ = 0;
    std::uint64_t first_ = 0;  // the log's last event before the quote was asked for that is waited for
    std::uint64_t until_ = 0;  // and the last one that a quote can show
    std::vector<EvidenceCut::SignedQuote> signed_;
    std::optional<ReadLog> read_;
    mr::Evidence evidence_;
    EvidenceFailure failure_;
};

}  // namespace mrd
