#include "confinement/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "confinement/system_calls.h"

namespace confinement {

namespace {

// <linux/landlock.h> of an older system has only the beginning of this: Documentation/userspace-api/landlock.rst.
namespace right {
constexpr std::uint64_t execute = 1U << 0U;
constexpr std::uint64_t write_file = 1U << 1U;
constexpr std::uint64_t read_file = 1U << 2U;
constexpr std::uint64_t read_folder = 1U << 3U;
constexpr std::uint64_t remove_folder = 1U << 4U;
constexpr std::uint64_t remove_file = 1U << 5U;
constexpr std::uint64_t make_folder = 1U << 7U;
constexpr std::uint64_t make_file = 1U << 8U;
constexpr std::uint64_t first_version = (1U << 13U) - 1;
constexpr std::uint64_t refer = 1U << 13U;           // 2: rename into another folder
constexpr std::uint64_t truncate = 1U << 14U;        // 3
constexpr std::uint64_t device_request = 1U << 15U;  // 5
}  // namespace right

struct RulesetAttributes {
    std::uint64_t handled_files;
    std::uint64_t handled_network;  // 4: bind and connect of TCP
    std::uint64_t scoped;           // 6: abstract sockets
};
constexpr std::uint64_t connect_tcp = 1U << 1U;
constexpr std::uint64_t all_network = connect_tcp | 1U << 0U;

struct PortAttributes {
    std::uint64_t allowed;
    std::uint64_t port;
};
constexpr int rule_of_a_port = 2;
// Signals are left to the list of system calls: with them, the one that the kernel sends at a parent's end (PR_SET_PDEATHSIG) would not arrive either.
constexpr std::uint64_t all_scopes = 1;

RulesetAttributes handled_by(int version) {
    RulesetAttributes handled{.handled_files = right::first_version, .handled_network = 0, .scoped = 0};
    if (version >= 2) handled.handled_files |= right::refer;
    if (version >= 3) handled.handled_files |= right::truncate;
    if (version >= 4) handled.handled_network = all_network;
    if (version >= 5) handled.handled_files |= right::device_request;
    if (version >= 6) handled.scoped = all_scopes;
    return handled;
}

std::size_t size_for(int version) {
    if (version < 4) return sizeof(std::uint64_t);
    return version < 6 ? 2 * sizeof(std::uint64_t) : sizeof(RulesetAttributes);
}

constexpr std::uint64_t rights_of(Access access) {
    switch (access) {
    case Access::list: return right::read_folder;
    case Access::read: return right::read_folder | right::read_file;
    case Access::write: return rights_of(Access::read) | right::write_file | right::truncate | right::device_request;
    case Access::manage:
        return (rights_of(Access::write) & ~right::device_request) | right::remove_folder | right::remove_file | right::make_folder |
               right::make_file;
    case Access::remove: return right::remove_file;
    }
    return 0;
}
constexpr std::uint64_t rights_of_a_file = right::execute | right::write_file | right::read_file | right::truncate | right::device_request;

class Descriptor {
public:
    explicit Descriptor(long number) : number_(static_cast<int>(number)) {}
    Descriptor(Descriptor &&) = delete;
    Descriptor &operator=(Descriptor &&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int get() const { return number_; }

private:
    int number_;
};

std::unexpected<std::string> failed(std::string_view what) {
    return std::unexpected("the kernel does not keep the list of files (Landlock): cannot " + std::string(what) + ": " +
                           std::generic_category().message(errno));
}

}  // namespace

FilesAllowed &FilesAllowed::allow(std::filesystem::path path, Access access) {
    rules_.push_back({std::move(path), access});
    return *this;
}

FilesAllowed &FilesAllowed::allow_connecting_to(std::uint16_t port) {
    ports_.push_back(port);
    return *this;
}

std::expected<int, std::string> FilesAllowed::enforce() const {
    const auto version = static_cast<int>(::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
    if (version < 1) return failed("ask for its version");
    const auto handled = handled_by(version);
    const Descriptor ruleset(::syscall(SYS_landlock_create_ruleset, &handled, size_for(version), 0));
    if (ruleset.get() < 0) return failed("begin one");
    auto rules = rules_;
    if (system_calls_are_reduced()) rules.push_back({"/proc", Access::read});
    for (const auto &rule : rules) {
        const Descriptor at(::open(rule.path.c_str(), O_PATH | O_CLOEXEC));
        if (at.get() < 0) {
            if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) continue;
            return failed("open " + rule.path.native());
        }
        struct stat status{};
        if (::fstat(at.get(), &status) != 0) return failed("look at " + rule.path.native());
        landlock_path_beneath_attr beneath{};
        beneath.allowed_access =
            rights_of(rule.access) & handled.handled_files & (S_ISDIR(status.st_mode) ? ~std::uint64_t{0} : rights_of_a_file);
        beneath.parent_fd = at.get();
        if (beneath.allowed_access == 0) continue;
        if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
            return failed("allow " + rule.path.native());
    }
    for (const auto port : ports_) {
        const PortAttributes attributes{.allowed = connect_tcp, .port = port};
        if (handled.handled_network != 0 && ::syscall(SYS_landlock_add_rule, ruleset.get(), rule_of_a_port, &attributes, 0) != 0)
            return failed("allow port " + std::to_string(port));
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("set no_new_privs");
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return failed("begin to keep it");
    return version;
}

}  // namespace confinement
