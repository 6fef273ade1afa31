#include "mrd/daemon/listeners.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "mrd/daemon/accounts.h"
#include "mrd/daemon/lock.h"
#include "mrd/log.h"
#include "mrd/opener/opener.h"
#include "mrd/own_files.h"
#include "proto/varlink/address.h"

namespace mrd {

namespace {

using Failure = std::unexpected<std::string>;

// What a socket is called whose unit says nothing: by systemd the unit's name, "connection" with Accept=yes, and "unknown" where the names are lost; by varlinkctl, and
// whoever else starts a service for itself alone, "varlink".
bool is_default_name(std::string_view name) {
    return name.empty() || name.ends_with(".socket") || name == "connection" || name == "unknown" || name == "varlink";
}

std::string names_of(const std::vector<ListenerConfig> &listeners) {
    std::string names;
    for (const auto &listener : listeners) names += (names.empty() ? "" : ", ") + listener.name;
    return names;
}

// A name of the system's tables, or a number, as `look_up` finds it.
template <class Number>
std::expected<std::optional<Number>, std::string> number_of(const ListenerConfig &listener, std::string_view key, std::string_view what,
                                                            const std::optional<std::string> &text,
                                                            std::optional<Number> (*look_up)(const std::string &)) {
    if (!text) return std::nullopt;
    if (const auto number = look_up(*text)) return number;
    return Failure("listener." + std::string(key) + " = \"" + *text + "\" of the listener " + listener.name +
                   ": this machine has no such " + std::string(what) + "; name one that it has, or give its number");
}

mode_t mode_of(const ListenerConfig &listener, const AccessRules &rules) {
    return listener.mode.value_or(rules.lets_others_in(listener.name) ? mode_for_all : mode_for_mrd);
}

std::expected<varlink::SocketAccess, std::string> access_of(const ListenerConfig &listener, const AccessRules &rules) {
    auto owner = number_of<uid_t>(listener, "owner", "user", listener.owner, &user_from);
    if (!owner) return Failure(owner.error());
    auto group = number_of<gid_t>(listener, "group", "group", listener.group, &group_from);
    if (!group) return Failure(group.error());
    return varlink::SocketAccess{.mode = mode_of(listener, rules), .owner = *owner, .group = *group};
}

// Without links, ".", ".." and a / at the end, as far as it is there already.
std::filesystem::path whole_path(const std::filesystem::path &path) {
    std::error_code unknown;
    auto whole = std::filesystem::weakly_canonical(std::filesystem::absolute(path, unknown), unknown);
    if (unknown) whole = path.lexically_normal();
    return whole.has_filename() ? whole : whole.parent_path();
}

// Access is by the file's mode, and an abstract socket has none.
std::expected<varlink::Address, std::string> address_of_file(const std::string &path) {
    auto address = varlink::Address::parse(path);
    // An address has options behind it, which mrd does not know: what is there must not be lost.
    if (path.contains(';'))
        return Failure(path + " has a ;, which no socket's path has here: mode, owner and group have keys of their own");
    if (address && address->path().empty()) return Failure(path + " is an abstract socket, to which anybody could connect: use a path");
    return address;
}

bool lies_below(const std::filesystem::path &path, const std::filesystem::path &folder) {
    return std::ranges::mismatch(path, folder).in2 == folder.end() && path != folder;
}

std::filesystem::path lock_of(const std::filesystem::path &socket) { return socket.native() + ".lock"; }

// What mrd keeps, or will keep, by this name in the state directory: its lock, journals, and what its simulators have.
bool is_name_of_the_state(std::string_view name) {
    return name == "lock" || name == "journal" || name.starts_with("journal.") ||
           (name.starts_with("sim-") && (name.contains(".state") || name.contains(".quoting")));
}

// Why not, where the state is there. Both paths are whole.
std::optional<std::string> why_not_beside_the_state(const std::filesystem::path &path, const std::filesystem::path &state) {
    const auto shown = "the state directory " + state.string();
    for (const auto &taken : {path, lock_of(path)}) {
        if (taken == state || lies_below(state, taken)) return "leaves no place for " + shown;
    }
    if (!lies_below(path, state)) return std::nullopt;
    const auto name = std::ranges::mismatch(path, state).in1->native();
    if (!is_name_of_the_state(name)) return std::nullopt;
    return "is where mrd keeps the file " + name + " of " + shown;
}

std::expected<Listener, std::string> make_socket(const ListenerConfig &listener, const AccessRules &rules) {
    auto access = access_of(listener, rules);
    if (!access) return Failure(access.error());
    auto bound = bind_socket_file(listener.path, *access);
    if (!bound) return Failure(bound.error());
    return Listener{.config = &listener, .socket = std::move(bound->socket), .file = std::move(bound->file)};
}

}  // namespace

std::expected<PassedToListeners, std::string> assign_sockets(const std::vector<ListenerConfig> &listeners,
                                                             std::vector<PassedSocket> passed) {
    PassedToListeners assigned(listeners.size());
    const bool alone = passed.size() == 1;
    for (auto &socket : passed) {
        const auto shown = socket.name.empty() ? std::string("without a name") : "\"" + socket.name + "\"";
        if (!socket.listening && !alone)
            return Failure("the passed socket " + shown + " is connected: it has to be the only one (Accept=yes), or listen (Accept=no)");
        auto wanted = std::ranges::find(listeners, socket.name, &ListenerConfig::name);
        if (wanted == listeners.end() && alone && is_default_name(socket.name)) wanted = listeners.begin();
        if (wanted == listeners.end()) {
            return Failure("the passed socket " + shown +
                           " is for no listener: give it the name of one (FileDescriptorName=); there are: " + names_of(listeners));
        }
        auto &place = assigned[static_cast<std::size_t>(wanted - listeners.begin())];
        if (place) return Failure("two sockets are passed for the listener " + wanted->name + ": pass one");
        place = std::move(socket);
    }
    return assigned;
}

std::expected<void, std::string> check_listeners(const std::vector<ListenerConfig> &listeners, const AccessRules &rules,
                                                 const std::filesystem::path &state) {
    std::vector<std::filesystem::path> paths;
    for (const auto &listener : listeners) {
        const auto fail = [&listener](const std::string &why) {
            return Failure("listener.path = \"" + listener.path + "\" of the listener " + listener.name + " " + why +
                           ": give it another one");
        };
        if (auto address = address_of_file(listener.path); !address)
            return Failure("listener.path of the listener " + listener.name + ": " + address.error());
        const auto path = whole_path(listener.path);
        if (const auto why = why_not_beside_the_state(path, whole_path(state))) return fail(*why);
        for (std::size_t i = 0; i < paths.size(); ++i) {
            const auto &other = listeners[i].name;
            if (path == paths[i]) return fail("is the path of the listener " + other + ", too");
            if (path == lock_of(paths[i])) return fail("is the lock of the listener " + other);
            if (lock_of(path) == paths[i]) return fail("has the path of the listener " + other + " as its lock");
            if (lies_below(path, paths[i]) || lies_below(paths[i], path))
                return fail("and the path of the listener " + other + " lie one below the other");
        }
        paths.push_back(path);
        if (auto access = access_of(listener, rules); !access) return Failure(access.error());
    }
    return {};
}

SocketFile::SocketFile(std::filesystem::path path, varlink::FileDescriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {
    if (::lstat(path_.c_str(), &made_) != 0) path_.clear();
}

SocketFile::SocketFile(SocketFile &&other) noexcept
    : path_(std::exchange(other.path_, {})), made_(other.made_), lock_(std::move(other.lock_)) {}

bool SocketFile::is_there() const {
    struct stat there{};
    return !path_.empty() && ::lstat(path_.c_str(), &there) == 0 && there.st_dev == made_.st_dev && there.st_ino == made_.st_ino;
}

SocketFile::~SocketFile() {
    if (is_there()) opener::remove_socket(path_);
}

std::error_code SocketFile::set_mode(mode_t mode) const {
    return {is_there() ? opener::set_socket_mode(path_, mode) : 0, std::generic_category()};
}

std::expected<BoundSocket, std::string> bind_socket_file(const std::string &path, const varlink::SocketAccess &access) {
    auto address = address_of_file(path);
    if (!address) return Failure(address.error());
    if (auto good = varlink::check_socket_file(*address); !good) return Failure(good.error());
    const std::filesystem::path file = address->path();
    const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    if (auto made = make_own_folder(folder, 0755, Others::write_their_own); !made) return Failure(made.error());
    auto lock = lock_file(lock_of(file), "the socket " + file.string());
    if (!lock) return Failure(lock.error());
    if (auto unused = check_nobody_listens(*address); !unused) return Failure(unused.error());
    auto socket = varlink::bind_to(*address, access);
    if (!socket) return Failure(socket.error());
    return BoundSocket{.socket = std::move(*socket), .file = SocketFile(file, std::move(*lock))};
}

std::expected<std::vector<Listener>, std::string> open_listeners(const std::vector<ListenerConfig> &listeners, PassedToListeners passed,
                                                                 const AccessRules &rules) {
    const bool for_one_client = std::ranges::any_of(passed, [](const auto &socket) { return socket && !socket->listening; });
    std::vector<Listener> opened;
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        if (auto &socket = passed[i]) {
            opened.push_back({.config = &listeners[i], .socket = std::move(socket->socket), .listening = socket->listening});
        } else if (!for_one_client) {
            auto made = make_socket(listeners[i], rules);
            if (!made) return Failure(made.error());
            opened.push_back(std::move(*made));
        }
    }
    return opened;
}

void fit_modes(const std::vector<Listener> &listeners, const AccessRules &rules) {
    for (const auto &listener : listeners) {
        if (!listener.file || listener.config->mode) continue;
        if (const auto error = listener.file->set_mode(mode_of(*listener.config, rules)))
            log::error("a socket keeps its mode", {{"listener", listener.config->name}, {"reason", error.message()}});
    }
}

}  // namespace mrd
