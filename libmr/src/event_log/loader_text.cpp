#include "libmr/src/event_log/loader_text.h"

#include <algorithm>

#include "libmr/src/event_log/printable.h"

namespace mr::event_log {

std::optional<LoaderText> read_loader_text(ByteView data) {
    struct Prefix {
        std::string_view text;
        std::string_view what;
    };
    // With a colon as GRUB itself writes them; without it from patches of RHEL and its like.
    constexpr Prefix prefixes[] = {{"grub_cmd: ", "GRUB command"},
                                   {"kernel_cmdline: ", "kernel command line"},
                                   {"module_cmdline: ", "module command line"},
                                   {"grub_cmd ", "GRUB command"},
                                   {"grub_kernel_cmdline ", "kernel command line"}};
    for (const Prefix &prefix : prefixes) {
        const ByteView begin = as_bytes(prefix.text);
        if (data.size() < begin.size() || !std::ranges::equal(data.first(begin.size()), begin)) continue;
        const ByteView rest = data.subspan(begin.size());
        const ByteView text = until_nul(rest);
        const bool has_nul = text.size() < rest.size();
        return LoaderText{.what = prefix.what, .text = text, .has_nul = has_nul, .surplus = rest.subspan(text.size() + (has_nul ? 1 : 0))};
    }
    return std::nullopt;
}

}  // namespace mr::event_log
