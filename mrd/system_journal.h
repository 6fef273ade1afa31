// The system's journal as it is written to: an entry is one datagram of fields (systemd.io/JOURNAL_NATIVE_PROTOCOL). These few lines take the place of libsystemd, which
// would take longer to load than all else at start.
#pragma once

#include <sys/un.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "proto/varlink/file_descriptor.h"

namespace mrd {

class SystemJournal {
public:
    // A datagram socket that is connected to this address (a sockaddr); none: nobody is there.
    using Connect = std::function<varlink::FileDescriptor(std::span<const std::uint8_t> address)>;

    // Connects, and does so again where the journal was started anew: it has another socket under the same name then. Nothing: no journal can have this socket.
    static std::optional<SystemJournal> open(std::string_view path, Connect connect);

    [[nodiscard]] std::span<const std::uint8_t> address() const {
        return {reinterpret_cast<const std::uint8_t *>(&address_), static_cast<std::size_t>(size_)};
    }

    enum class Sent : std::uint8_t {
        sent,
        lost,          // it does not read
        nobody_there,  // or it does not take this one
    };
    // Where it does not read, mrd waits for it this long, and then, until it reads again, no more.
    static constexpr std::chrono::milliseconds patience{50};
    Sent send(std::string_view entry);

    // Entries since the last that was told of.
    [[nodiscard]] std::uint64_t lost() const { return lost_; }
    void forget_lost() { lost_ = 0; }

private:
    SystemJournal(const sockaddr_un &address, socklen_t size, Connect connect)
        : address_(address), size_(size), connect_(std::move(connect)) {}

    void connect();
    bool send_once(std::string_view entry);

    sockaddr_un address_;
    socklen_t size_;
    Connect connect_;
    varlink::FileDescriptor socket_;
    std::uint64_t lost_ = 0;
    bool reads_ = true;
};

}  // namespace mrd
