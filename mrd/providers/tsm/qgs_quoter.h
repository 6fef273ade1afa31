// Quotes by Intel's quote generation service (QGS) on the host: a TDREPORT to a socket, a quote from it. Beside the kernel's configfs, and faster where the guest's
// kernel looks for its answer once a second.
#pragma once

#include <memory>
#include <vector>

#include "mrd/providers/provider.h"
#include "mrd/providers/qgs/address.h"

namespace mrd::tsm {

// A connection for each quote, as the service wants it. `reporter` is the machine's own, is used on the quotes' thread and outlives this; `registers` are the
// provider's, which the quote speaks of. A quote that is not over the very report that was sent is `invalid`: whoever answers on a vsock is only known by its CID.
std::unique_ptr<Quoter> make_qgs_quoter(qgs::Address address, Reporter &reporter, std::vector<RegisterSpec> registers);

}  // namespace mrd::tsm
