// What a TD quote says, for every provider that gets one: from a host, the kernel or a quoting service.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "mr/bytes.h"
#include "mrd/providers/provider.h"

namespace mrd {

struct TdQuote {
    std::string format;  // "tdx_v4", "tdx_v5_td10" or "tdx_v5_td15"
    QuoteStatement says;
};

// `registers`: the provider's list, in which the RTMRs are named rtmr0 to rtmr3. Error: why it is no TD quote, one sentence.
std::expected<TdQuote, std::string> read_td_quote(mr::ByteView quote, const std::vector<RegisterSpec> &registers);

// Is this a quote over that very TDREPORT, every field of it? Error: why not, one sentence.
std::expected<void, std::string> check_td_quote(mr::ByteView quote, mr::ByteView tdreport);

}  // namespace mrd
