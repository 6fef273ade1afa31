// One mrd with its registers, its journal and its clients, as a value: every step that can come next leads to a copy. Table, extension and journal state are the
// real ones; what is around them (queue, file, hardware, clients) is so small here that it can be copied.
//
// A step is what happens between two moments at which something else could: the event loop's work up to the next durable or visible effect, one call of the
// hardware, one record in the file. A kill of mrd, somebody else's extend and what clients ask for come between any two.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "mrd/journal/state.h"
#include "mrd/registers/extension.h"
#include "mrd/registers/register_table.h"
#include "tests/explore/fingerprint.h"

namespace mrd {

// How often each thing may happen.
struct Bounds {
    std::size_t clients = 2;
    std::array<mr::Owner, 2> owners{mr::Owner::owned, mr::Owner::owned};
    bool banks = false;    // the registers are banks of one: each event extends both
    bool carried = false;  // the first carries a virtual register: each of its events but caps is one of that
    bool report = false;   // the second is a report over the first: it changes with it, and nobody extends it
    bool beside = false;   // readers' refreshes run beside extends: no queue does that now, but the table is made for it
    unsigned extends = 3;  // each with an id of its own
    bool last_caps = false;
    unsigned resends = 0;  // of an event with its id
    unsigned reads = 1;
    unsigned fresh_reads = 1;
    unsigned foreign = 1;            // extends by somebody else
    unsigned provider_failures = 1;  // of an extend, before or after its effect
    unsigned reread_failures = 1;
    unsigned journal_failures = 0;  // intents that are refused
    unsigned crashes = 1;
};

struct Step {
    enum class Kind : std::uint8_t {
        send,
        resend,
        read,
        read_fresh,
        turn,
        log,
        log_fails,
        provider,
        provider_fails_before,
        provider_fails_after,
        reread,
        reread_fails,
        end,
        reread_beside,
        reread_beside_fails,
        end_beside,
        settle,
        answer,
        foreign,
        crash,
        open,
        join,
    };
    Kind kind = Kind::turn;
    std::uint8_t what = 0;  // register, or event of a resend
};
std::string text_of(const Step &step);

class World {
public:
    explicit World(const Bounds &bounds);

    [[nodiscard]] std::vector<Step> steps() const;
    void take(const Step &step);

    // What should not be; empty: nothing.
    [[nodiscard]] const std::string &violation() const { return violation_; }
    [[nodiscard]] Fingerprint::Hash fingerprint() const;

private:
    static constexpr std::size_t registers = 2;

    // What the hardware took of whom.
    struct Taken {
        enum class By : std::uint8_t { event, resync, foreign };
        By by = By::event;
        std::size_t event = 0;
        std::uint64_t intent = 0;  // 0: not mrd's
    };
    struct Hardware {
        mr::Digest value;
        std::vector<Taken> taken;
        std::vector<mr::Digest> held;  // before and after each
    };
    // One client's extend. Its id and its digest are its own.
    struct Event {
        enum class Fate : std::uint8_t { not_sent, waits, is_lost, is_refused, is_unknown, is_answered };
        Extension::Targets targets = {};
        bool caps = false;
        Fate fate = Fate::not_sent;
        Extension::Extended answer = {};
        bool is_indeterminate = false;  // nobody can tell whether it happened, and its id is free
    };
    // Of those who wait. Which client it is makes no difference.
    struct Reader {
        RefreshId refresh = 0;
        std::size_t reg = 0;
        std::size_t floor = 0;  // it may not be told what the register held before
    };
    struct Call {
        std::optional<std::size_t> event;  // nothing: a refresh for readers
        std::optional<Extension> extension;
        RefreshId refresh = 0;
        RefreshSet set = 0;
        // Since its turn:
        Extension::Action action = Extension::Action::answer;
        bool has_acted = false;  // the provider, and its result is not taken yet
        bool failed = false;
        std::size_t logged = 0;       // so many intents
        std::size_t extended = 0;     // so many registers of its event
        bool was_not_reread = false;  // at some reread of its turn
        std::vector<mr::Bytes> values = {};
        std::array<std::size_t, registers> at_turn{};  // how much the hardware had taken
        std::array<bool, registers> is_overtaken{};    // an extend of the register was under way beside it
    };
    struct Logged {
        Taken what;
        std::size_t reg = 0;
        std::uint64_t sequence = 0;
    };

    enum class Phase : std::uint8_t { runs, is_down, has_read };

    void violate(const std::string &what) {
        if (violation_.empty()) violation_ = what;
    }

    void build_table();
    [[nodiscard]] Extension::Known known() { return {*table_, journal_, "fake"}; }
    // What the register is read from: a report has what it is over.
    [[nodiscard]] std::size_t place_of(std::size_t reg) const { return left_.report ? 0 : reg; }
    [[nodiscard]] std::size_t extensible() const { return left_.report ? 1 : registers; }  // so many, the first
    [[nodiscard]] journal::RegisterNumber virtual_register() const { return static_cast<journal::RegisterNumber>(extensible()); }
    [[nodiscard]] bool is_extending(std::size_t reg) const;
    void ask(std::size_t number);
    void read(std::size_t reg, bool fresh);
    void answer_read(std::size_t reg, std::size_t floor);
    void turn();
    void log(bool fails);
    void provider(Step::Kind how);
    void reread(Call &call, bool fails);
    void end(std::optional<Call> &place);
    std::vector<Extension::Settled> end_refresh(RefreshId id, const std::vector<mr::Bytes> *values);
    std::uint64_t settle(std::uint64_t number, journal::Outcome outcome);
    void answer();
    void take_hardware(std::size_t reg, const mr::Digest &by, Taken what);
    void crash();
    void open();
    void join();
    void write(const journal::Record &record);
    journal::State read_file() const;
    void check_log();
    void check_virtual();
    void check_shown();
    void check_rest();
    [[nodiscard]] mr::Digest virtual_after(std::size_t events) const;
    [[nodiscard]] bool is_carried(const Event &event) const;

    [[nodiscard]] RegisterSpec spec(std::size_t reg) const;
    [[nodiscard]] mr::Digest digest(std::size_t reg, std::uint8_t byte) const;
    [[nodiscard]] bool others_have_extended(std::size_t reg) const;
    [[nodiscard]] std::size_t waiting_clients() const;

    Bounds left_;
    std::size_t clients_;
    Phase phase_ = Phase::runs;

    // What outlives mrd.
    std::array<Hardware, registers> hardware_;
    mr::Bytes file_;

    // mrd
    std::optional<RegisterTable> table_;
    journal::State journal_;
    std::deque<Call> queue_;
    std::optional<Call> current_;
    std::optional<Call> beside_;
    std::vector<Reader> readers_;

    // What clients know and did, and what is known of mrd.
    std::vector<Event> events_;
    std::array<std::size_t, registers> floor_{};    // nobody may be told what the register held before
    std::array<mr::Digest, registers> observed_{};  // by mrd's last refresh, and what its own extends made of that
    std::vector<Logged> log_;                       // the events that are done
    std::string violation_;
};

}  // namespace mrd
