// Subscriptions to register values. A change only counts; the watchers are told of it in turn, some of them in each turn of the event loop, so that thousands of them
// hold up no extend. A watcher that does not keep up gets the latest value of each register, not every one; it holds no more than a number for each register it
// watches. A connection watches once, since its calls run one after the other: there are no more watchers than connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "libmr/wire/registers.h"
#include "mrd/interfaces/methods.h"
#include "mrd/registers/registers.h"
#include "mrd/registers/virtual_registers.h"
#include "mrd/shares/rounds.h"

namespace mrd {

class Watches : public std::enable_shared_from_this<Watches> {
public:
    // All of them outlive it.
    static std::shared_ptr<Watches> make(Registers &registers, VirtualRegisters &virtual_registers, const std::shared_ptr<Gate> &gate);

    // A virtual one by its whole name, for another may have it later.
    using Register = std::variant<Registers::Place, std::string>;

    // Sends the present values, then the changes, until the connection ends, or new rules no longer allow one of them. `and_others`: of all that can be read, and that
    // the caller may, and come later, too.
    void add(std::vector<Register> registers, bool and_others, const Caller &caller, Answer<mr::wire::Watch> answer);

private:
    Watches(Registers &registers, VirtualRegisters &virtual_registers, std::shared_ptr<Gate> gate)
        : registers_(registers), virtual_(virtual_registers), gate_(std::move(gate)) {}

    struct Watched {
        Register reg;
        const std::uint64_t *changes;  // of the register: it has come or gone too
        std::uint64_t told = 0;        // at how many of them
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
              arrivals(others_since) {}

        std::vector<Watched> registers;
        LastingCaller caller;
        Answer<mr::wire::Watch> answer;
        std::uint64_t rules;                    // that it was judged by
        std::optional<std::uint64_t> arrivals;  // of all that it has taken in; nothing: it watches those that were named
        std::size_t made = 0;                   // so many of the virtual ones that were made it has looked at
        std::size_t known = 0;                  // registers whose present value has been read: changes of the others are not told yet
        std::optional<Watchers::Position> position = {};
    };

    void first_values(const std::weak_ptr<Watch> &weak);
    void value_known(Watch &watch);
    void remove(Watch &watch);
    void take_in_others(Watch &watch, const Caller &caller);
    void judge_again();
    bool judge(Watch &watch);
    // How often the register has changed, counted from 1; it stays where it is.
    std::uint64_t &changes_of(const Register &reg);
    void on_change(const Register &reg);
    [[nodiscard]] bool may_watch(const Caller &caller, const Register &reg) const;
    [[nodiscard]] static std::string name_of(const Register &reg);
    static bool watches(const Watch &watch, const Register &reg);
    void tell_later();
    void tell();
    void send(Watch &watch);

    Registers &registers_;
    VirtualRegisters &virtual_;
    std::shared_ptr<Gate> gate_;
    std::map<std::pair<const ProviderRegisters *, RegisterIndex>, std::uint64_t> changes_;  // of the registers that are or were watched
    std::map<std::string, std::uint64_t> virtual_changes_;  // of all that were made since the start, or watched
    std::vector<std::string> made_;                         // virtual ones, since the start
    std::uint64_t arrivals_ = 0;
    Watchers watchers_;
    bool will_tell_ = false;
};

}  // namespace mrd
