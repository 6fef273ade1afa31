// Who may do what. Every call of every method is asked here first, and passes nowhere else (mrd/interfaces/methods.h). There are no rules yet: everything is
// allowed, but to speak for somebody else.
#pragma once

#include <bitset>
#include <initializer_list>
#include <string_view>

#include "libmr/wire/method.h"
#include "mrd/access/callers.h"

namespace mrd {

using mr::wire::Operation;

class Access {
public:
    Access() = default;
    // Nobody may ask for these.
    Access(std::initializer_list<Operation> refused) {
        for (const auto operation : refused) refused_.set(static_cast<std::size_t>(operation));
    }

    // `subject`: the register or provider as the call names it; empty: the operation is about none, or about all. A call that names several is asked about each.
    [[nodiscard]] bool allows(const Caller &caller, Operation operation, std::string_view /*subject*/) const {
        // Nobody is trusted to say for whom he asks. To pass that over would be to do it in his own name.
        if (caller.on_behalf_of()) return false;
        return !refused_.test(static_cast<std::size_t>(operation));
    }

private:
    std::bitset<mr::wire::operations> refused_;
};

}  // namespace mrd
