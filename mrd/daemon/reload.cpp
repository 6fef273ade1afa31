#include "mrd/daemon/reload.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mrd/access/audit.h"
#include "mrd/access/caller.h"
#include "mrd/daemon/accounts.h"
#include "mrd/interfaces/asked_rights.h"
#include "mrd/interfaces/known_register.h"
#include "mrd/log.h"
#include "proto/varlink/server.h"

namespace mrd {

namespace {

// Sections of the configuration, each of which reload() takes whole.
constexpr std::array<std::string_view, 2> reloaded{"access", "log"};

// The others that differ.
std::string changed_sections(const Sections &before, const Sections &now) {
    std::string changed;
    const auto compare = [&changed](const Sections &these, const Sections &those, bool is_second) {
        for (const auto &[name, text] : these) {
            const auto other = those.find(name);
            const bool differs = other == those.end() || (!is_second && other->second != text);
            if (differs && std::ranges::find(reloaded, name) == reloaded.end()) changed += (changed.empty() ? "" : ", ") + name;
        }
    };
    compare(before, now, false);
    compare(now, before, true);
    return changed;
}

}  // namespace

RuleSurroundings surroundings_of(const Config &config, std::optional<uid_t> user) {
    RuleSurroundings surroundings{.roles = {usual_roles.begin(), usual_roles.end()},
                                  .units_are_known = varlink::knows_processes_of_peers()};
    for (const auto &[role, reg] : config.roles) surroundings.roles.push_back(role);
    for (const auto &listener : config.listeners) {
        auto owner = listener.owner ? user_from(*listener.owner) : std::nullopt;
        if (!listener.owner) owner = user;
        surroundings.listeners.push_back(
            {.name = listener.name, .asked_for = asked_rights(listener.interfaces), .mode = listener.mode, .owner = owner});
    }
    return surroundings;
}

void warn_of_access(const AccessRules &rules, const RuleSurroundings &surroundings) {
    for (const auto &warning : rules.warnings(surroundings)) log::warning(warning);
}

void warn_of_registers(Daemon &daemon) {
    // As long as more may come, it may be for one of those.
    if (daemon.more_may_come()) return;
    std::vector<RegisterName> names;
    for (auto *provider : daemon.registers().providers()) {
        for (RegisterIndex index = 0; index < provider->table().size(); ++index) names.push_back(known_register({provider, index}).name);
    }
    for (const auto &warning : daemon.gate()->access.rules().warnings_of_registers(names)) log::warning(warning);
}

void set_audit(const Config &config, Daemon &daemon) {
    daemon.audit()->set_kinds(config.audit.value_or(log::goes_to_journal() ? Audit::every() : Audit::Kinds()));
}

namespace {

void take(const Config &config, AccessRules rules, const Config &at_start, Daemon &daemon) {
    const auto count = std::to_string(rules.all().size());
    daemon.set_access(std::move(rules));
    warn_of_registers(daemon);
    set_audit(config, daemon);
    log::info(log::Kind::configuration, "access rules and log.audit are reloaded", {{"rules", count}});
    if (const auto changed = changed_sections(at_start.sections, config.sections); !changed.empty())
        log::warning(log::Kind::configuration, "what else has changed in the configuration waits for mrd's next start",
                     {{"sections", changed}});
}

}  // namespace

void reload(const std::filesystem::path &config_file, const Config &at_start, const RuleSurroundings &surroundings, Daemon &daemon,
            SelfMeasurement *self, std::move_only_function<void(bool)> done) {
    const auto stay = [](const std::string &reason) {
        log::error(log::Kind::configuration, "access rules and log.audit stay as they were", {{"reason", reason}});
        return false;
    };
    if (config_file.empty()) return done(stay("mrd was started without a configuration file"));
    auto config = load_config(config_file);
    if (!config) return done(stay(config.error().message));
    auto rules = make_access_rules(config->access);
    if (!rules) return done(stay(rules.error()));
    warn_of_access(*rules, surroundings);
    if (self == nullptr) {
        take(*config, std::move(*rules), at_start, daemon);
        return done(true);
    }
    auto description = self->description();
    description.reloaded = config->digest == at_start.digest ? std::nullopt : config->digest;
    description.access = sha384_text(mr::as_bytes(access_text(*rules)));
    self->measure(std::move(description),
                  [config = std::move(*config), rules = std::move(*rules), &at_start, &daemon, stay, is_asked_for = self->is_asked_for(),
                   done = std::move(done)](const std::expected<void, std::string> &measured) mutable {
                      if (!measured && is_asked_for) return done(stay(measured.error()));
                      if (!measured)
                          log::warning(log::Kind::configuration, "the log does not say what is reloaded", {{"reason", measured.error()}});
                      take(config, std::move(rules), at_start, daemon);
                      done(true);
                  });
}

}  // namespace mrd
