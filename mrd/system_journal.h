// The system's journal as it is written to: an entry is one datagram of fields (systemd.io/JOURNAL_NATIVE_PROTOCOL). These few lines take the place of libsystemd, which
// would take longer to load than all else at start.
#pragma once

#include <sys/un.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "proto/varlink/file_descriptor.h"

namespace mrd {

class SystemJournal {
public:
    // Nothing: no journal can have this socket.
    static std::optional<SystemJournal> open(std::string_view path);

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
    SystemJournal(varlink::FileDescriptor socket, const sockaddr_un &address, socklen_t size)
        : socket_(std::move(socket)), address_(address), size_(size) {}

    varlink::FileDescriptor socket_;
    sockaddr_un address_;
    socklen_t size_;
    std::uint64_t lost_ = 0;
    bool reads_ = true;
};

}  // namespace mrd
