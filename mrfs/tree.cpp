#include "mrfs/tree.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace mrfs {

namespace {

struct Named {
    std::string_view name;
    Kind kind;
    ReportOption option = {};
};
constexpr std::array in_root{Named{"config", Kind::config}, Named{"log", Kind::logs}, Named{"measurements", Kind::measurements},
                             Named{"registers", Kind::registers}};
constexpr std::array in_config{Named{"tsm", Kind::tsm}};
constexpr std::array in_tsm{Named{"report", Kind::reports}};
// What every driver shows; what some show.
constexpr std::array in_report{Named{"generation", Kind::generation}, Named{"inblob", Kind::inblob}, Named{"outblob", Kind::outblob},
                               Named{"provider", Kind::report_provider}};
constexpr std::array report_options{Named{"auxblob", Kind::auxblob}, Named{"privlevel", Kind::report_option, ReportOption::privlevel},
                                    Named{"privlevel_floor", Kind::privlevel_floor}};
constexpr std::array report_services{Named{"manifestblob", Kind::manifestblob},
                                     Named{"service_guid", Kind::report_option, ReportOption::service_guid},
                                     Named{"service_manifest_version", Kind::report_option, ReportOption::service_manifest_version},
                                     Named{"service_provider", Kind::report_option, ReportOption::service_provider}};
// mrd's formats, by their names.
constexpr std::array<std::string_view, 5> formats{"cel_json", "firmware", "json", "tcg", "tcg_index0"};

std::span<const Named> fixed_children(Kind kind) {
    switch (kind) {
    case Kind::root: return in_root;
    case Kind::config: return in_config;
    case Kind::tsm: return in_tsm;
    case Kind::report: return in_report;
    default: return {};
    }
}

const mr::Register *find_register(const Node &node, const Seen &seen) {
    if (provider_of(node.name) != virtual_provider) return seen.registers.find(node.name);
    const auto found = std::ranges::find(seen.virtual_registers, node.name, &mr::Register::name);
    return found == seen.virtual_registers.end() ? nullptr : &*found;
}

Node node_of(const mr::Register &reg) {
    return {.kind = reg.flags.has(mr::Flag::file) ? Kind::register_file : Kind::register_folder, .name = reg.name};
}

// The fixed ones carry the register, or the report, that they are of.
Node node_of(const Node &folder, Kind kind, ReportOption option = {}) {
    return {.kind = kind, .name = folder.name, .instance = folder.instance, .option = option};
}

}  // namespace

bool is_folder(Kind kind) {
    switch (kind) {
    case Kind::root:
    case Kind::measurements:
    case Kind::registers:
    case Kind::provider:
    case Kind::register_folder:
    case Kind::config:
    case Kind::tsm:
    case Kind::reports:
    case Kind::report:
    case Kind::logs: return true;
    case Kind::measurement:
    case Kind::digest:
    case Kind::hash_algorithm:
    case Kind::register_file:
    case Kind::inblob:
    case Kind::outblob:
    case Kind::generation:
    case Kind::report_provider:
    case Kind::report_option:
    case Kind::privlevel_floor:
    case Kind::auxblob:
    case Kind::manifestblob:
    case Kind::log: return false;
    }
    return false;
}

bool is_fixed_folder(Kind kind) {
    switch (kind) {
    case Kind::root:
    case Kind::measurements:
    case Kind::registers:
    case Kind::config:
    case Kind::tsm:
    case Kind::reports:
    case Kind::logs: return true;
    default: return false;
    }
}

bool shows_registers(const Node &node) {
    switch (node.kind) {
    case Kind::measurements:
    case Kind::measurement:
    case Kind::registers: return true;
    case Kind::provider:
    case Kind::register_folder:
    case Kind::digest:
    case Kind::hash_algorithm:
    case Kind::register_file: return !needs_virtual_registers(node);
    case Kind::root:
    case Kind::config:
    case Kind::tsm:
    case Kind::reports:
    case Kind::report:
    case Kind::inblob:
    case Kind::outblob:
    case Kind::generation:
    case Kind::report_provider:
    case Kind::report_option:
    case Kind::privlevel_floor:
    case Kind::auxblob:
    case Kind::manifestblob:
    case Kind::logs:
    case Kind::log: return false;
    }
    return false;
}

bool needs_virtual_registers(const Node &node) { return provider_of(node.name) == virtual_provider; }

std::vector<Entry> children(const Node &folder, const Seen &seen) {
    std::vector<Entry> entries;
    const auto add = [&](std::span<const Named> all) {
        for (const auto &each : all) entries.push_back({std::string(each.name), node_of(folder, each.kind, each.option)});
    };
    add(fixed_children(folder.kind));
    switch (folder.kind) {
    case Kind::measurements:
        for (const auto &reg : seen.registers.all()) {
            const auto name = measurement_name(reg);
            if (name && provider_of(reg.name) == seen.registers.provider())
                entries.push_back({*name, {.kind = Kind::measurement, .name = reg.name}});
        }
        break;
    case Kind::registers:
        for (auto &name : seen.registers.providers()) entries.push_back({name, {.kind = Kind::provider, .name = name}});
        entries.push_back({std::string(virtual_provider), {.kind = Kind::provider, .name = std::string(virtual_provider)}});
        break;
    case Kind::provider:
        for (const auto &reg : folder.name == virtual_provider ? seen.virtual_registers : seen.registers.all()) {
            if (provider_of(reg.name) == folder.name) entries.push_back({std::string(local_name_of(reg.name)), node_of(reg)});
        }
        break;
    case Kind::register_folder:
        if (const auto *reg = find_register(folder, seen)) {
            entries.push_back({"digest", node_of(folder, Kind::digest)});
            if (reg->hash) entries.push_back({"hash_algo", node_of(folder, Kind::hash_algorithm)});
        }
        break;
    case Kind::reports:
        for (const auto &[number, instance] : seen.reports.all())
            entries.push_back({instance.name, {.kind = Kind::report, .instance = number}});
        break;
    case Kind::report:
        if (const auto *instance = seen.reports.find(folder.instance)) {
            const auto &maker = instance->report.maker();
            if (maker.driver->shows_options) add(report_options);
            if (maker.shows_services()) add(report_services);
        }
        break;
    case Kind::logs:
        for (const auto format : formats) entries.push_back({std::string(format), {.kind = Kind::log, .name = std::string(format)}});
        break;
    default: break;
    }
    return entries;
}

std::expected<Node, int> child(const Node &folder, std::string_view name, const Seen &seen) {
    if (folder.kind == Kind::reports) {
        const auto number = seen.reports.find(name);
        if (!number) return std::unexpected(number.error());
        return Node{.kind = Kind::report, .instance = *number};
    }
    auto entries = children(folder, seen);
    const auto found = std::ranges::find(entries, name, &Entry::name);
    if (found == entries.end()) return std::unexpected(ENOENT);
    return std::move(found->node);
}

std::expected<Attributes, int> attributes(const Node &node, const Seen &seen) {
    Attributes told{.mode = 0444, .uid = seen.owner.uid, .gid = seen.owner.gid};
    const auto is_of_report = node.instance != 0;
    if (is_of_report) {
        const auto *instance = seen.reports.find(node.instance);
        if (instance == nullptr) return std::unexpected(ENOENT);
        told.uid = instance->creator.uid;
        told.gid = instance->creator.gid;
    }
    if (node.kind == Kind::register_folder && find_register(node, seen) == nullptr) return std::unexpected(ENOENT);
    if (is_folder(node.kind)) {
        told.mode = S_IFDIR | (node.kind == Kind::report ? seen.reports.find(node.instance)->mode : 0755);
        told.links = 2;
        return told;
    }
    switch (node.kind) {
    case Kind::measurement:
    case Kind::digest:
    case Kind::register_file: {
        const auto *reg = find_register(node, seen);
        if (reg == nullptr) return std::unexpected(ENOENT);
        told.mode = mode_of(*reg);
        told.size = reg->size;
        break;
    }
    case Kind::inblob: told.mode = 0200; break;
    case Kind::outblob:
    case Kind::auxblob:
    case Kind::manifestblob: told.size = told.block_size = shown_quote_size; break;
    case Kind::report_option:
        told.mode = 0200;
        told.size = text_size;
        break;
    case Kind::privlevel_floor:
    case Kind::hash_algorithm:
    case Kind::generation:
    case Kind::report_provider: told.size = text_size; break;
    default: break;
    }
    told.mode |= S_IFREG;
    return told;
}

Node parent(const Node &node) {
    switch (node.kind) {
    case Kind::measurement: return {.kind = Kind::measurements};
    case Kind::provider: return {.kind = Kind::registers};
    case Kind::register_folder:
    case Kind::register_file: return {.kind = Kind::provider, .name = std::string(provider_of(node.name))};
    case Kind::digest:
    case Kind::hash_algorithm: return {.kind = Kind::register_folder, .name = node.name};
    case Kind::tsm: return {.kind = Kind::config};
    case Kind::reports: return {.kind = Kind::tsm};
    case Kind::report: return {.kind = Kind::reports};
    case Kind::inblob:
    case Kind::outblob:
    case Kind::generation:
    case Kind::report_provider:
    case Kind::report_option:
    case Kind::privlevel_floor:
    case Kind::auxblob:
    case Kind::manifestblob: return {.kind = Kind::report, .instance = node.instance};
    case Kind::log: return {.kind = Kind::logs};
    case Kind::root:
    case Kind::measurements:
    case Kind::registers:
    case Kind::config:
    case Kind::logs: return {};
    }
    return {};
}

bool is_for(const Node &node, const Caller &caller, const ReportInstances &reports) {
    if (node.instance == 0) return true;
    const auto *instance = reports.find(node.instance);
    return instance == nullptr || instance->creator.uid == caller.uid;
}

}  // namespace mrfs
