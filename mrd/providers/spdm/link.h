// The connection to one device: a socket, over which messages go in the frames of DMTF's emulator. Blocks, but no longer than it is told, and not beyond interrupt().
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>

#include "mr/bytes.h"
#include "mr/spdm_transport.h"
#include "mrd/providers/spdm/address.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd::spdm {

using TimePoint = std::chrono::steady_clock::time_point;

struct LinkFailure {
    enum class Cause : std::uint8_t { timed_out, disconnected, wrong_form, interrupted };
    Cause cause = Cause::disconnected;
    std::string reason;
};

class Link {
public:
    Link(Address address, mr::SpdmTransport transport);
    Link(const Link &) = delete;
    Link &operator=(const Link &) = delete;
    ~Link() = default;

    // Ends what waits, now and later. From any thread.
    void interrupt();

    std::expected<void, LinkFailure> connect(TimePoint deadline);
    void close();
    [[nodiscard]] bool is_open() const { return static_cast<bool>(socket_); }

    // The answer, without what carries it; of DOE with its padding. After a failure the connection is to be closed.
    std::expected<mr::Bytes, LinkFailure> exchange(mr::ByteView message, TimePoint deadline);

    // Beside the others, from another thread, as long as nobody closes it: returns when the peer has ended the connection, or at wake().
    void wait_for_end() const;
    void wake();
    // Until then, or until interrupt() or wake().
    void sleep_until(TimePoint time) const;
    [[nodiscard]] bool is_interrupted() const;

private:
    std::expected<void, LinkFailure> wait(short events, TimePoint deadline) const;
    void drain_wakes() const;
    std::expected<void, LinkFailure> send(mr::ByteView bytes, TimePoint deadline);

    Address address_;
    mr::SpdmTransport transport_;
    varlink::FileDescriptor interrupted_;
    varlink::FileDescriptor woken_;
    varlink::FileDescriptor socket_;
};

}  // namespace mrd::spdm
