// Quotes by Intel's quote generation service (QGS) on the host: a TDREPORT to a socket, a quote from it. Beside the kernel's configfs, and faster where the guest's
// kernel looks for its answer once a second.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mrd/providers/provider.h"

namespace mrd::tsm {

// Where the service listens: "vsock:CID:PORT" (the host has CID 2, the service port 4050), or the path of a Unix socket.
struct QgsAddress {
    std::uint32_t cid = 0;
    std::uint32_t port = 0;
    std::string path;  // not empty: of a Unix socket

    // Error: one sentence that says how it is written.
    static std::expected<QgsAddress, std::string> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    // A sockaddr.
    [[nodiscard]] mr::Bytes bytes() const;
    friend bool operator==(const QgsAddress &, const QgsAddress &) = default;
};

// A connection for each quote, as the service wants it. `reporter` is the machine's own, is used on the quotes' thread and outlives this; `registers` are the
// provider's, which the quote speaks of. A quote that is not over the very report that was sent is `invalid`: whoever answers on a vsock is only known by its CID.
std::unique_ptr<Quoter> make_qgs_quoter(QgsAddress address, Reporter &reporter, std::vector<RegisterSpec> registers);

}  // namespace mrd::tsm
