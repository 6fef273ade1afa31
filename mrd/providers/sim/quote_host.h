// The host's side of the simulator's quotes: what takes a request in a shared buffer, lets the quoting service answer it on a thread of its own, and
// notifies the TD.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>

#include "mr/bytes.h"
#include "mrd/providers/sim/quote_buffer.h"

namespace mrd::sim {

// The interrupt that says that something may have changed. It is not lost while nobody waits, and may come without a reason.
class Notification {
public:
    using Count = std::uint64_t;

    void notify();
    // Of notifications so far: what to give to wait().
    [[nodiscard]] Count count() const;
    // Returns when there has been one after `seen`, which then holds the count; or, false, when a stop is requested.
    bool wait(Count &seen, const std::stop_token &stop);

private:
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    Count count_ = 0;
};

class QuoteHost {
public:
    // A quote over a TDREPORT, or the status that the TD gets instead. Called on the host's thread.
    using Service = std::function<std::expected<mr::Bytes, std::uint64_t>(mr::ByteView report)>;

    QuoteHost() = default;
    QuoteHost(const QuoteHost &) = delete;
    QuoteHost &operator=(const QuoteHost &) = delete;
    // Leaves what is in flight in flight.
    virtual ~QuoteHost() = default;

    // The hypercall: the buffer is now in flight. False: the host does not take it.
    virtual bool get_quote(QuoteBuffer &buffer) = 0;
};

// One that has each request answered, in their order. `notification` outlives it, and so does every buffer it was given.
std::unique_ptr<QuoteHost> make_quote_host(QuoteHost::Service service, Notification &notification);

// The host, and the memory that the TD shares with it. Tests put a host here that does what it should not.
struct HostSide {
    std::function<std::unique_ptr<QuoteBuffer>()> make_buffer = [] { return std::make_unique<QuoteBuffer>(); };
    std::function<std::unique_ptr<QuoteHost>(QuoteHost::Service, Notification &)> make_host = make_quote_host;
};

}  // namespace mrd::sim
