// A guest of SEV-SNP or Arm CCA without one: its reports are of their shape, signed by nobody who is trusted, and differ from one to the next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mrd/providers/open.h"

namespace mrd::faults {

struct GuestOptions {
    std::string driver;                 // "sev_guest" or "arm_cca_guest"
    std::uint32_t privilege_level = 0;  // the guest's own, of SEV-SNP; above 0 there is a service module beneath it
};

// DRIVER or DRIVER:LEVEL. Error: one sentence.
std::expected<GuestOptions, std::string> parse_guest(std::string_view text);

// Opens such a guest where one of the type tsm is configured, and the others as `rest` does. What a quote is asked for beside its data goes through the rules of the kernel's driver, as it does with the kernel's own.
//
// The auxiliary part is "certificates N", N from 1 on: of the N-th report. The manifest is "services", or "service GUID, version V".
OpenProvider open_as_guest(const GuestOptions &options, OpenProvider rest);

}  // namespace mrd::faults
