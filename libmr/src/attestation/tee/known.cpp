// The kinds that this library knows.
#include <algorithm>
#include <array>
#include <utility>

#include "libmr/src/attestation/reference_members.h"
#include "libmr/src/attestation/tee/cca/cca.h"
#include "libmr/src/attestation/tee/snp/snp.h"
#include "libmr/src/attestation/tee/spdm/spdm.h"
#include "libmr/src/attestation/tee/tdx/tdx.h"
#include "mr/tee.h"

namespace mr {

Tees known_tees() {
    static const std::array<const Tee *, 4> known{&tdx::tee(), &snp::tee(), &cca::tee(), &spdm::tee()};
    return known;
}

const Tee *find_tee(std::string_view kind, Tees tees) {
    const auto found = std::ranges::find(tees, kind, &Tee::kind);
    return found == tees.end() ? nullptr : *found;
}

std::vector<std::string> attestation::known_policy_members(const Tee &tee) {
    for (const auto &[known, members] : {std::pair{&tdx::tee(), &tdx::policy_members}, std::pair{&snp::tee(), &snp::policy_members},
                                         std::pair{&cca::tee(), &cca::policy_members}, std::pair{&spdm::tee(), &spdm::policy_members}}) {
        if (known == &tee) return members();
    }
    return {};
}

const ClaimedRegister *Claims::find(std::string_view name) const {
    if (name.empty()) return nullptr;
    const auto found = std::ranges::find_if(registers, [&](const auto &reg) { return reg.name == name || reg.other_name == name; });
    return found == registers.end() ? nullptr : &*found;
}

}  // namespace mr
