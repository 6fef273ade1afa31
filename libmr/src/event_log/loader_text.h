// EV_IPL of GRUB: "grub_cmd: set pager=1" and the like. GRUB's digest is that of the text alone.
#pragma once

#include <optional>
#include <string_view>

#include "mr/bytes.h"

namespace mr::event_log {

struct LoaderText {
    std::string_view what;  // "GRUB command"
    ByteView text;          // without prefix and NUL
    bool has_nul = false;
    ByteView surplus;  // after the NUL: some versions of GRUB log a byte too many
};

// Nothing where the data begins with no prefix of GRUB's.
std::optional<LoaderText> read_loader_text(ByteView data);

}  // namespace mr::event_log
