#include "mrd/daemon/access_reload.h"

#include <string>
#include <utility>
#include <vector>

#include "mrd/log.h"

namespace mrd {

void warn_of_access(const AccessRules &rules, const std::vector<ListenerConfig> &listeners) {
    std::vector<std::string> names;
    for (const auto &listener : listeners) names.push_back(listener.name);
    for (const auto &warning : rules.warnings(names)) log::warning(warning);
}

bool reload_access(const std::filesystem::path &config_file, const std::vector<ListenerConfig> &listeners, Daemon &daemon) {
    const auto stay = [](const std::string &reason) {
        log::error(log::Kind::configuration, "the access rules stay as they were", {{"reason", reason}});
        return false;
    };
    if (config_file.empty()) return stay("mrd was started without a configuration file");
    const auto config = load_config(config_file);
    if (!config) return stay(config.error().message);
    auto rules = make_access_rules(config->access);
    if (!rules) return stay(rules.error());
    warn_of_access(*rules, listeners);
    const auto count = std::to_string(rules->all().size());
    daemon.set_access(std::move(*rules));
    log::info(log::Kind::configuration, "the access rules are reloaded", {{"rules", count}});
    return true;
}

}  // namespace mrd
