#include "mrd/opener/request.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

namespace mrd::opener {

namespace {

constexpr std::string_view instance_prefix = "mrd-";

bool is_name(std::string_view name) {
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == ':' || c == '.';
    };
    return !name.empty() && name.size() <= max_name && name != "." && name != ".." && std::ranges::all_of(name, is_plain);
}

bool is_number(std::string_view text) {
    return !text.empty() && text.size() <= 10 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// The names below the folder, at most two; nothing where the path is not below it or has anything else than names.
std::vector<std::string_view> names_below(const std::filesystem::path &folder, std::string_view path) {
    std::vector<std::string_view> names;
    if (!path.starts_with(folder.native()) || path.size() <= folder.native().size() || path[folder.native().size()] != '/') return names;
    for (auto rest = path.substr(folder.native().size() + 1);;) {
        const auto slash = rest.find('/');
        names.push_back(rest.substr(0, slash));
        if (!is_name(names.back()) || names.size() > 2) return {};
        if (slash == std::string_view::npos) return names;
        rest.remove_prefix(slash + 1);
    }
}

// The path that is opened, if this is what the place is for.
std::optional<std::filesystem::path> opened_path(const Place &place, std::string_view path,
                                                 const std::set<std::filesystem::path> &instances) {
    switch (place.kind) {
    case Place::Kind::file:
        return path == (place.asked.empty() ? place.path : place.asked).native() ? std::optional(place.path) : std::nullopt;
    case Place::Kind::folder: return names_below(place.path, path).size() == 1 ? std::optional(std::filesystem::path(path)) : std::nullopt;
    case Place::Kind::instances: {
        const auto names = names_below(place.path, path);
        return names.size() == 2 && instances.contains(place.path / names.front()) ? std::optional(std::filesystem::path(path))
                                                                                   : std::nullopt;
    }
    case Place::Kind::processes: {
        const auto names = names_below(place.path, path);
        const bool is_ours = names.size() == 2 && is_number(names[0]) && (names[1] == "cgroup" || names[1] == "stat");
        return is_ours ? std::optional(std::filesystem::path(path)) : std::nullopt;
    }
    case Place::Kind::socket_file:
    case Place::Kind::socket: return std::nullopt;
    }
    return std::nullopt;
}

std::expected<Step, int> decide_open(const Request &request, std::string_view path, const Places &places,
                                     const std::set<std::filesystem::path> &instances) {
    if (request.access != O_RDONLY && request.access != O_WRONLY && request.access != O_RDWR) return std::unexpected(EINVAL);
    for (const auto &place : places) {
        auto opened = opened_path(place, path, instances);
        if (!opened || (request.access != O_RDONLY && !place.writable)) continue;
        return Step{.operation = Operation::open,
                    .path = std::move(*opened),
                    .flags = request.access | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,  // it waits for no pipe
                    .place = &place};
    }
    return std::unexpected(EACCES);
}

}  // namespace

Place place_of_file(const std::filesystem::path &asked) {
    std::error_code unknown;
    auto path = std::filesystem::weakly_canonical(asked, unknown);
    if (unknown) path = asked;
    auto root = path.parent_path();
    return {.kind = Place::Kind::file, .path = std::move(path), .root = std::move(root), .asked = asked};
}

std::expected<Step, int> decide(std::span<const std::uint8_t> message, const Places &places,
                                const std::set<std::filesystem::path> &instances) {
    Request request;
    if (message.size() != sizeof(request)) return std::unexpected(EINVAL);
    std::memcpy(&request, message.data(), sizeof(request));
    if (request.path_size > request.path.size() || (request.mode != 0 && request.operation != Operation::set_mode))
        return std::unexpected(EINVAL);
    const std::string_view path(request.path.data(), request.path_size);
    const auto place_of = [&places, path](Place::Kind kind) {
        const auto found =
            std::ranges::find_if(places, [&](const Place &place) { return place.kind == kind && place.path.native() == path; });
        return found == places.end() ? nullptr : &*found;
    };
    switch (request.operation) {
    case Operation::open: return decide_open(request, path, places, instances);
    case Operation::make:
        if (const auto *place = place_of(Place::Kind::instances)) {
            if (instances.size() >= max_instances) return std::unexpected(EMFILE);
            return Step{.operation = Operation::make, .path = place->path, .place = place};
        }
        return std::unexpected(EACCES);
    case Operation::remove: {
        for (const auto &place : places) {
            if (place.kind == Place::Kind::socket_file && place.asked.native() == path)
                return Step{.operation = Operation::remove, .path = place.path, .place = &place};
        }
        const auto made = instances.find(std::filesystem::path(path));
        if (made == instances.end()) return std::unexpected(EACCES);
        for (const auto &place : places) {
            if (place.kind == Place::Kind::instances && place.path == made->parent_path())
                return Step{.operation = Operation::remove, .path = *made, .place = &place};
        }
        return std::unexpected(EACCES);
    }
    case Operation::remove_left:
        if (const auto *place = place_of(Place::Kind::instances))
            return Step{.operation = Operation::remove_left, .path = place->path, .place = place};
        return std::unexpected(EACCES);
    case Operation::connect:
        if (const auto *place = place_of(Place::Kind::socket))
            return Step{.operation = Operation::connect, .path = place->path, .place = place};
        return std::unexpected(EACCES);
    case Operation::executable:
        if (request.process <= 0 || request.path_size != 0) return std::unexpected(EINVAL);
        return Step{.operation = Operation::executable, .process = request.process};
    case Operation::set_mode:
        for (const auto &place : places) {
            if (place.kind == Place::Kind::socket_file && place.asked.native() == path &&
                std::ranges::find(place.modes, request.mode) != place.modes.end())
                return Step{.operation = Operation::set_mode, .path = place.path, .mode = request.mode, .place = &place};
        }
        return std::unexpected(EACCES);
    }
    return std::unexpected(EINVAL);
}

std::string instance_name(pid_t owner, std::uint64_t number) {
    return std::string(instance_prefix) + std::to_string(owner) + "-" + std::to_string(number);
}

pid_t owner_of_instance(std::string_view name) {
    if (!name.starts_with(instance_prefix)) return 0;
    name.remove_prefix(instance_prefix.size());
    pid_t owner = 0;
    const auto end = std::from_chars(name.data(), name.data() + name.size(), owner);
    const bool is_ours = end.ec == std::errc() && owner > 0 && end.ptr != name.data() + name.size() && *end.ptr == '-';
    return is_ours ? owner : 0;
}

}  // namespace mrd::opener
