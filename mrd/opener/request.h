// What mrd asks its openers for, and what of it they do. No input or output here: a request's bytes and what was agreed on at the start in, a step out.
//
// A message is of fixed size, in the byte order of the machine: both ends are one program. What is in it is nobody's word: mrd may be in other hands by then.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"

namespace mrd::opener {

inline constexpr std::size_t max_path = 512;      // bytes; the longest of ours has about 80
inline constexpr std::size_t max_name = 64;       // of one name below a folder
inline constexpr std::size_t max_text = 1024;     // of an answer: an executable's path
inline constexpr std::size_t max_instances = 64;  // that are there at once

// What may be asked for, agreed on before mrd gives up its rights.
struct Place {
    enum class Kind : std::uint8_t {
        file,         // this one
        folder,       // the files in it
        instances,    // the folders in it that the opener makes, by names of its own, and the files in those
        processes,    // `path` is /proc: cgroup and stat of any process
        socket_file,  // this one, which may have other modes later, and is removed at mrd's end
        socket,       // a connection: `path` is what it is called, `address` whom the kernel is to connect to
    };
    Kind kind = Kind::file;
    std::filesystem::path path;
    bool writable = false;
    // What the opener is let into, as the module, the mount or the file may come later: `path` is below it.
    std::filesystem::path root = {};
    mr::Bytes address = {};
    int type = SOCK_STREAM;          // of a connection
    std::vector<mode_t> modes = {};  // that a socket's file may be given
    // As it is asked for, where links lead from there to `path`. Empty: by `path`.
    std::filesystem::path asked = {};
};
using Places = std::vector<Place>;

// A file that somebody else wrote, for reading: links that lead to it now are followed, those that somebody puts there later are not.
Place place_of_file(const std::filesystem::path &asked);

enum class Operation : std::uint8_t {
    open = 1,
    make,         // an instance: the answer is its name
    remove,       // an instance, or a socket's file
    remove_left,  // instances of processes that are gone
    connect,
    executable,  // of `process`: the answer is its path
    set_mode,    // of a socket's file
};

struct Request {
    Operation operation = Operation::open;
    std::uint8_t access = 0;  // O_RDONLY, O_WRONLY, O_RDWR
    std::uint16_t mode = 0;   // of set_mode
    std::int32_t process = 0;
    std::uint32_t path_size = 0;
    std::array<char, max_path> path{};
};
struct Answer {
    std::int32_t error = 0;  // errno, 0
    std::uint32_t has_descriptor = 0;
    std::uint32_t text_size = 0;
    std::array<char, max_text> text{};
};

// What an opener does for a request that is allowed.
struct Step {
    Operation operation = Operation::open;
    std::filesystem::path path = {};  // absolute, without "." and ".."; of make: the folder for the instance
    int flags = 0;
    mode_t mode = 0;
    std::int32_t process = 0;
    const Place *place = nullptr;  // null: of executable
};

// `instances`: the paths of those that were made and are there. Error: errno for the answer: EACCES for what was not agreed on, EINVAL for what no mrd asks.
std::expected<Step, int> decide(std::span<const std::uint8_t> message, const Places &places,
                                const std::set<std::filesystem::path> &instances);

// "mrd-PID-NUMBER", by which a later opener knows whose it is.
std::string instance_name(pid_t owner, std::uint64_t number);
// 0: it is no such name.
pid_t owner_of_instance(std::string_view name);

}  // namespace mrd::opener
