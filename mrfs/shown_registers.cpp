#include "mrfs/shown_registers.h"

#include <algorithm>
#include <utility>

namespace mrfs {

namespace {

// A TD has it, and tsm-mr shows no file of it.
constexpr std::string_view without_file = "servtd_hash";

}  // namespace

std::string_view provider_of(std::string_view name) { return name.substr(0, name.find('/')); }

std::string_view local_name_of(std::string_view name) {
    const auto slash = name.find('/');
    return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

std::optional<std::string> measurement_name(const mr::Register &reg) {
    auto name = local_name_of(reg.name);
    if (reg.flags.has(mr::Flag::file) || name == without_file) return std::nullopt;
    name = name.substr(0, name.find(':'));
    return reg.hash ? std::string(name) + ":" + std::string(mr::to_string(*reg.hash)) : std::string(name);
}

mode_t mode_of(const mr::Register &reg) {
    mode_t mode = 0;
    if (reg.flags.has(mr::Flag::readable)) mode |= 0444;
    if (reg.flags.has(mr::Flag::writable)) mode |= 0200;
    return mode;
}

ShownRegisters::ShownRegisters(std::vector<mr::Register> all, std::string_view provider) : all_(std::move(all)), provider_(provider) {
    std::erase_if(all_, [](const mr::Register &reg) { return provider_of(reg.name) == virtual_provider; });
    if (!provider_.empty() || all_.empty()) return;
    auto chosen = all_.end();
    for (const auto &driver : report_drivers()) {
        if (chosen == all_.end())
            chosen = std::ranges::find(all_, driver.known_by, [](const auto &reg) { return local_name_of(reg.name); });
    }
    provider_ = provider_of(chosen == all_.end() ? all_.front().name : chosen->name);
}

const mr::Register *ShownRegisters::find(std::string_view whole_name) const {
    const auto found = std::ranges::find(all_, whole_name, &mr::Register::name);
    return found == all_.end() ? nullptr : &*found;
}

std::vector<std::string> ShownRegisters::providers() const {
    std::vector<std::string> names;
    for (const auto &reg : all_) {
        const auto name = provider_of(reg.name);
        if (std::ranges::find(names, name) == names.end()) names.emplace_back(name);
    }
    return names;
}

const mr::Register *ShownRegisters::measurement(std::string_view file_name) const {
    const auto found = std::ranges::find_if(
        all_, [&](const mr::Register &reg) { return provider_of(reg.name) == provider_ && measurement_name(reg) == file_name; });
    return found == all_.end() ? nullptr : &*found;
}

const ReportDriver *ShownRegisters::report_driver() const {
    for (const auto &driver : report_drivers()) {
        if (find(provider_ + "/" + std::string(driver.known_by)) != nullptr) return &driver;
    }
    return nullptr;
}

bool ShownRegisters::are_fixed() const {
    return std::ranges::none_of(all_, [this](const mr::Register &reg) {
        return provider_of(reg.name) == provider_ &&
               (reg.flags.has(mr::Flag::live) || reg.flags.has(mr::Flag::extensible) || reg.flags.has(mr::Flag::writable));
    });
}

bool ShownRegisters::are_mrds_alone() const {
    return std::ranges::all_of(all_, [this](const mr::Register &reg) {
        return provider_of(reg.name) != provider_ || !reg.flags.has(mr::Flag::live) || reg.flags.has(mr::Flag::file) ||
               reg.owner == mr::Owner::owned;
    });
}

}  // namespace mrfs
