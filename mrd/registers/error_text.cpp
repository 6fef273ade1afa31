#include "mrd/registers/error_text.h"

#include <variant>

namespace mrd {

namespace {

struct Sentence {
    std::string operator()(const NoSuchRegister &one) const {
        return one.candidates.empty() ? "there is no register " + one.name : "several registers are called " + one.name;
    }
    std::string operator()(const RegisterGone &one) const { return "the register " + one.name + " has vanished"; }
    std::string operator()(const NoRegisterForRole &one) const { return "no register of this machine has the role " + one.role; }
    std::string operator()(const Capped &one) const { return "the register " + one.name + " is capped until the next boot"; }
    std::string operator()(const Indeterminate &one) const {
        return "an extend of " + one.name + " has failed, and the register cannot be reread";
    }
    std::string operator()(const ProviderFailed &one) const { return one.provider + ": " + one.reason; }
    std::string operator()(const journal::Full &one) const {
        return "the journal has reached a limit, " + std::to_string(one.limit) + " " + one.share.value_or("bytes");
    }
    std::string operator()(const journal::Failed &one) const { return "the journal: " + one.reason; }
    template <class Other>
    std::string operator()(const Other &one) const {
        if constexpr (requires { one.name; }) {
            return "the register " + one.name + " takes no such event";
        } else {
            return "it is refused";
        }
    }
};

}  // namespace

std::string sentence_of(const RegisterError &error) { return std::visit(Sentence(), error); }

}  // namespace mrd
