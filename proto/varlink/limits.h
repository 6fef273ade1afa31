// Every size and count that a peer controls has its bound here.
#pragma once

#include <cstddef>

namespace varlink {

struct Limits {
    std::size_t max_message = std::size_t{16} << 20;  // bytes of one message; sd-varlink's figure
    std::size_t max_connections = 4096;               // of one server; sd-varlink's figure
};

inline constexpr std::size_t max_depth = 32;                  // of nested objects and arrays in a message
inline constexpr std::size_t max_values = 65'536;             // of all kinds in one message
inline constexpr std::size_t receive_size = 64 * 1024;        // bytes taken from a socket at once
inline constexpr std::size_t connection_receive_size = 4096;  // a connection's own buffer: most of what an idle one costs

// A connection whose peer does not read gets no further calls served while this much output waits. One reply can exceed it.
inline constexpr std::size_t max_unsent = 256 * 1024;

}  // namespace varlink
