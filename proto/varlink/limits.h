// Every size, count and time that a peer controls has its bound here.
#pragma once

#include <chrono>
#include <cstddef>

namespace varlink {

struct Limits {
    std::size_t max_message = std::size_t{1} << 20;    // bytes of one message that a server takes
    std::size_t max_connections = 4096;                // of one server; sd-varlink's figure
    std::size_t max_buffered = std::size_t{64} << 20;  // bytes of all connections: received and not parsed, made and not sent
    std::size_t max_left_behind = std::size_t{16}
                                  << 20;  // bytes of clients that have gone, whose calls are still to be made without their sockets
    std::chrono::milliseconds max_frame_time{10'000};       // from a message's first byte to its last
    std::chrono::milliseconds max_unread_time{60'000};      // in which a peer takes nothing of the answers that wait for it
    std::chrono::milliseconds max_unread_time_at_end{500};  // the same once the server stops
};

inline constexpr std::size_t max_peer_groups = 1024;  // of one peer that are kept: a user namespace can give one 65 536 of them

inline constexpr std::size_t max_reply = std::size_t{16} << 20;  // bytes of one message that a client takes; sd-varlink's figure
inline constexpr std::size_t max_depth = 32;                     // of nested objects and arrays in a message
inline constexpr std::size_t max_values = 262'144;               // of all kinds in one message: the list of 16,384 registers has 164,000
// What a call is made of: no method takes more than a few names, and one event's data (64 KiB) and description. Each value costs, and so does each byte of what
// only the full parser reads: \u escapes, what is not ASCII, and fractions.
inline constexpr std::size_t max_call_values = 4096;
inline constexpr std::size_t max_unusual_call = 128 * 1024;   // bytes of a call with such a thing in it
inline constexpr std::size_t max_echoed = 256;                // bytes of a peer's text that an error repeats
inline constexpr std::size_t receive_size = 64 * 1024;        // bytes taken from a socket at once
inline constexpr std::size_t connection_receive_size = 4096;  // a connection's own buffer: most of what an idle one costs

// A connection whose peer does not read gets no further calls served while this much output waits. One reply can exceed it.
inline constexpr std::size_t max_unsent = 256 * 1024;

// Calls of a connection that are done while their answers wait (Responder::let_next_begin()): the next one waits until there are fewer. And what each takes of
// memory, wherever its answer comes from: about.
inline constexpr std::size_t max_owed_answers = 128;
inline constexpr std::size_t owed_answer_size = 512;

// Calls that one connection has served before others have their turn; a call with a long message or answer counts as so many more.
inline constexpr std::size_t calls_in_a_turn = 64;
inline constexpr std::size_t bytes_of_a_call = 512;

}  // namespace varlink
