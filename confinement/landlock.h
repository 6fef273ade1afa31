// Which files this process may still open, and which ports of TCP it may still connect to (Landlock, Linux 5.13 and later): none but those that are named here. It
// holds for the calling thread, for threads that it makes afterwards, and for their processes. What is open already stays so.
//
// A build with a sanitizer reads /proc, too: it looks at its own memory and threads.
//
// What an older kernel does not know to keep it does not keep: truncation by a path (6.2), requests to devices (6.10), abstract sockets of others
// (6.12), TCP (6.7).
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

namespace confinement {

enum class Access : std::uint8_t {
    list,    // the names in a folder
    read,    // list, and read its files
    write,   // read and write what is there; of a device, requests too
    manage,  // write, and make, rename, remove: files and folders of its own
    remove,  // remove its files
};

class FilesAllowed {
public:
    // A folder with what is below it, or a file. What is not there is passed over.
    FilesAllowed &allow(std::filesystem::path path, Access access);
    // A port of TCP, at whatever address.
    FilesAllowed &allow_connecting_to(std::uint16_t port);

    // From now on, and without a way back. Sets no_new_privs. The version of the kernel's Landlock. Error: why this kernel keeps nothing of it, one sentence.
    [[nodiscard]] std::expected<int, std::string> enforce() const;

private:
    struct Rule {
        std::filesystem::path path;
        Access access;
    };
    std::vector<Rule> rules_;
    std::vector<std::uint16_t> ports_;
};

}  // namespace confinement
