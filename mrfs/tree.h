// What stands where: the folders and files of the mount, their modes and sizes. Knows nothing of open files, and asks nobody.
//
//     measurements/NAME[:HASH]                 Linux 6.16, of one provider
//     registers/PROVIDER/NAME/{digest,hash_algo}   or a file, where the register's flag F says so
//     config/tsm/report/NAME/{inblob,outblob,generation,provider}, and what else the driver shows
//     log/FORMAT
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mrfs/caller.h"
#include "mrfs/report_instances.h"
#include "mrfs/shown_registers.h"

namespace mrfs {

enum class Kind : std::uint8_t {
    root,
    measurements,
    measurement,
    registers,
    provider,
    register_folder,
    digest,
    hash_algorithm,
    register_file,  // with flag F
    config,
    tsm,
    reports,
    report,
    inblob,
    outblob,
    generation,
    report_provider,
    report_option,  // `option` says which
    privlevel_floor,
    auxblob,
    manifestblob,
    logs,
    log,
};

struct Node {
    Kind kind = Kind::root;
    std::string name = {};                 // of a register: its whole one; of a provider, a log: its own
    ReportInstances::Number instance = 0;  // of a report and what is in it
    ReportOption option = {};              // of a report's option
    // Of a file, who looked it up, as rules see him: the kernel keeps pages of a file for all who have the same one (a private mapping, splice), whatever we say of them, and what is read
    // is not the same for all, or not for all to read.
    uid_t user = 0;
    gid_t group = 0;

    friend auto operator<=>(const Node &, const Node &) = default;
};

bool is_folder(Kind kind);
// Is it there on every mount, whatever mrd has?
bool is_fixed_folder(Kind kind);
// One value, or one text, in what is read at once; what else there is has a size.
inline constexpr std::size_t text_size = 4096;
// A quote's size is not known before it is made. The kernel says 0, by which sendfile() reads nothing through FUSE: a block of this size makes it, and all others,
// read to the end.
inline constexpr std::size_t shown_quote_size = 65'536;

struct Attributes {
    mode_t mode = 0;  // with the type
    uid_t uid = 0;
    gid_t gid = 0;
    std::size_t size = 0;
    std::size_t block_size = text_size;
    unsigned links = 1;
};

// What there is at this moment, as the caller may see it.
struct Seen {
    const ShownRegisters &registers;
    const ReportInstances &reports;
    const std::vector<mr::Register> &virtual_registers;  // the caller's; empty where none are asked for
    Caller owner = {};                                   // of all that users do not make
};

// Are registers' names, or what is known of one, in that?
bool shows_registers(const Node &node);
// Are the caller's virtual registers needed to tell what is in that folder, or what that is?
bool needs_virtual_registers(const Node &node);

// Error: ENOENT.
std::expected<Node, int> child(const Node &folder, std::string_view name, const Seen &seen);
std::expected<Attributes, int> attributes(const Node &node, const Seen &seen);

struct Entry {
    std::string name;
    Node node;
};
std::vector<Entry> children(const Node &folder, const Seen &seen);
// Of a root the root.
Node parent(const Node &node);

// May this user look into that at all? A report is its creator's alone.
bool is_for(const Node &node, const Caller &caller, const ReportInstances &reports);

}  // namespace mrfs
