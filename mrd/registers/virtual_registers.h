// Virtual registers: X without W, in no hardware. Each is kept on a register that carries it: what makes it, each event and its end extend the carrier and name its
// id, so that the carrier alone proves all of them. What they hold and what became of them is the journal's (mrd/journal/state.h); here is who may have how many, what
// can carry them, and how an event comes to be one of both. None costs another anything: nothing goes over all of them but what lists them.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "mr/digest.h"
#include "mr/limits.h"
#include "mrd/registers/registers.h"

namespace mrd {

using journal::max_virtual_registers;
// Of one share: a uid that a rule names, or all others together. Root's are bounded by the whole alone.
inline constexpr std::size_t max_virtual_registers_of_share = max_virtual_registers / 4;

// There is one of that name.
struct RegisterExists {
    std::string name;
};
// So many there are, over the boot.
struct TooManyRegisters {
    std::size_t limit = 0;
    std::string share = {};  // whose limit it is, as "uid 1000"; empty: that of all
};
// Why a register can carry none.
struct CannotCarry {
    std::string provider;
    std::string what;
};
// Another is being made by that name.
struct IsBeingMade {
    std::string name;
};
using CreateError = std::variant<RegisterExists, TooManyRegisters, CannotCarry, IsBeingMade, MeasurementError, RegisterError>;

class VirtualRegisters {
public:
    using Number = journal::RegisterNumber;

    explicit VirtualRegisters(Registers &registers) : registers_(registers) {}

    // Does the name say that it is one? Nothing is said of whether there is.
    [[nodiscard]] static bool has_name_of_one(std::string_view name);
    // What stands behind "virtual/". Nothing: no virtual register can be called so.
    [[nodiscard]] static std::optional<std::string_view> new_name(std::string_view name);

    // Error: NoSuchRegister; RegisterGone, where it was closed.
    [[nodiscard]] std::expected<Number, RegisterError> find(std::string_view name) const;
    // The last one of that name that was made, closed or not; null: there was none in this boot. Valid until the next extend.
    [[nodiscard]] const journal::RegisterState *last_of_name(std::string_view name) const;
    // Whose the name is, also when it was closed: he alone may have it again until the next boot. Nothing: nobody's.
    [[nodiscard]] std::optional<uid_t> owner_of_name(std::string_view name) const;
    [[nodiscard]] const journal::RegisterState &state(Number number) const { return journal().state().registers()[number]; }
    // visit(number, state) for each that there is, in the names' order.
    template <class Visit>
    void for_each(const Visit &visit) const {
        for (const auto &[name, number] : journal().state().virtual_registers()) {
            const auto &reg = state(number);
            if (reg.is_made() && reg.closed_by == 0) visit(number, reg);
        }
    }
    // Error: RegisterGone, while its provider is not there.
    [[nodiscard]] std::expected<Registers::Place, RegisterError> carrier(Number number) const;

    // Calls done as soon as what they hold is known for certain: when what the start believed was checked.
    void when_known(std::move_only_function<void()> done) const { journal().when_checked(std::move(done)); }

    using Extended = ProviderRegisters::Extended;
    using ExtendDone = std::move_only_function<void(std::expected<Extended, RegisterError>)>;

    struct NewRegister {
        std::string_view name;  // new_name() of it
        mr::HashAlgorithm hash = mr::HashAlgorithm::sha384;
        Registers::Place carrier;
        uid_t owner = 0;
    };
    using CreateDone = std::move_only_function<void(std::expected<Extended, RegisterError>, Number)>;
    // Makes it, in one event of it and its carrier. Error: nothing has been begun, and done is not called. `share`: in whose turn it is done.
    std::expected<void, CreateError> create(const NewRegister &wanted, std::shared_ptr<const mr::EventCaller> caller, uid_t share,
                                            CreateDone done);

    // As what is measured into it needs it. Precondition: carrier() is there.
    [[nodiscard]] MeasuredRegister measured(Number number, const Registers::Place &carrier) const;
    // One event of it and its carrier. Precondition: `measurement` is of measured().
    void extend(Number number, const Registers::Place &carrier, Measurement measurement, ExtendDone done);

    // Each of those who ask is told: it was made, extended or closed.
    void on_change(std::function<void(Number)> handler) { on_change_.push_back(std::move(handler)); }

private:
    [[nodiscard]] journal::Journal &journal() const { return registers_.journal(); }
    [[nodiscard]] std::optional<CannotCarry> why_not(const Registers::Place &place) const;
    [[nodiscard]] std::optional<TooManyRegisters> too_many(uid_t owner) const;

    Registers &registers_;
    std::set<std::string, std::less<>> being_made_;  // names: in a turn that has not come yet
    std::vector<std::function<void(Number)>> on_change_;
};

}  // namespace mrd
