// Subscriptions to register values. A change only puts its register at the end of those that have changed; the watchers are told of it in turn, some of them in each
// turn of the event loop, so that thousands of them hold up no extend, and each looks only at what has changed since its last turn, however much it watches. A watcher
// that does not keep up gets the latest value of each register, not every one; it holds no more than two numbers for each register it watches, and of these each client
// has a share (watched_registers). A connection watches once, since its calls run one after the other: there are no more watchers than connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "libmr/wire/registers.h"
#include "mrd/interfaces/methods.h"
#include "mrd/registers/registers.h"
#include "mrd/registers/virtual_registers.h"
#include "mrd/shares/client_shares.h"
#include "mrd/shares/rounds.h"

namespace mrd {

// Each takes 20 bytes of every watcher of it, with room to grow 40.
inline constexpr SharedBound watched_registers{.what = "watched registers",
                                               .all = std::size_t{1} << 20,
                                               .others = std::size_t{3} << 18,
                                               .uid = std::size_t{1} << 18,
                                               .connection = std::size_t{1} << 15};

// Registers that new rules make one turn of the event loop judge, but for those of the last watcher in it: a turn of some milliseconds.
inline constexpr std::size_t looked_at_in_a_turn = 4096;

class Watches : public std::enable_shared_from_this<Watches> {
public:
    // All of them outlive it.
    static std::shared_ptr<Watches> make(Registers &registers, VirtualRegisters &virtual_registers, const std::shared_ptr<Gate> &gate);

    // A virtual one by its whole name, for another may have it later.
    using Register = std::variant<Registers::Place, std::string>;

    // Sends the present values, then the changes, until the connection ends, or new rules no longer allow one of them. `and_others`: of all that can be read, and that
    // the caller may, and come later, too.
    void add(const std::vector<Register> &registers, bool and_others, const Caller &caller, Answer<mr::wire::Watch> answer);

private:
    Watches(Registers &registers, VirtualRegisters &virtual_registers, std::shared_ptr<Gate> gate)
        : registers_(registers), virtual_(virtual_registers), gate_(std::move(gate)) {}

    using Change = std::uint64_t;  // the number of one, counted from 1 over all registers: of a value, or that one has come or gone
    // That is, or was, watched, or was made since the start. It stays where it is.
    struct Entry {
        Register reg;
        Change last = 0;
    };
    struct Watched {
        const Entry *of;
        Change told = 0;  // its last one when it was told
    };
    struct Watch;
    using Watchers = Rounds<std::shared_ptr<Watch>>;
    struct Watch : std::enable_shared_from_this<Watch> {
        Watch(std::vector<Watched> registers_, LastingCaller caller_, Answer<mr::wire::Watch> answer_, std::uint64_t rules_,
              std::optional<std::uint64_t> others_since)
            : registers(std::move(registers_)),
              caller(std::move(caller_)),
              answer(std::move(answer_)),
              rules(rules_),
              arrivals(others_since) {
            find_those_from(0);
        }

        [[nodiscard]] Watched *find(const Entry &entry);
        void take_in(std::span<const Watched> others);
        void find_those_from(std::size_t first);

        std::vector<Watched> registers;
        std::vector<std::uint32_t> by_entry;  // the same, in the order of their entries' places
        LastingCaller caller;
        Answer<mr::wire::Watch> answer;
        std::uint64_t rules;                    // that it was judged by
        std::optional<std::uint64_t> arrivals;  // of all that it has taken in; nothing: it watches those that were named
        std::size_t made = 0;                   // so many of the virtual ones that were made it has looked at
        std::size_t known = 0;                  // registers whose present value has been read
        std::size_t begun = 0;                  // of these, registers whose first value was told: changes of the others are not told yet
        Change told = 0;                        // it was told of all up to this one
        bool is_reading = false;                // present values, now
        std::optional<Watchers::Position> position = {};
    };

    void first_values(const std::weak_ptr<Watch> &weak);
    void read_next(Watch &watch);
    void value_known(const std::weak_ptr<Watch> &weak);
    void remove(Watch &watch);
    bool take_in_others(Watch &watch, const Caller &caller, bool has_new_rules);
    void judge_again();
    [[nodiscard]] std::uint64_t rules() const { return gate_->access.changes() + remade_; }  // the number of those that are judged by
    bool judge(Watch &watch);
    Entry &entry_of(const Register &reg);
    void on_change(const Register &reg);
    [[nodiscard]] bool may_watch(const Caller &caller, const Register &reg) const;
    [[nodiscard]] static std::string name_of(const Register &reg);
    void tell_later();
    void tell();
    void send(Watch &watch);
    void tell_of(Watch &watch, Watched &watched);

    Registers &registers_;
    VirtualRegisters &virtual_;
    std::shared_ptr<Gate> gate_;
    std::map<std::pair<const ProviderRegisters *, RegisterIndex>, Entry> entries_;
    std::map<std::string, Entry> virtual_entries_;
    std::map<Change, const Entry *> latest_;  // those that have changed, by their last one
    Change changes_ = 0;
    std::vector<const Entry *> made_;  // virtual ones, since the start
    std::uint64_t arrivals_ = 0;
    std::uint64_t remade_ = 0;  // virtual ones of a name that was another's before: by their bank, others may watch them
    ClientShares shares_{watched_registers};
    Watchers watchers_;
    bool will_tell_ = false;
    std::size_t looked_at_ = 0;  // in this turn
};

}  // namespace mrd
