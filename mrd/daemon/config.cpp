#include "mrd/daemon/config.h"

#include <fnmatch.h>

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <sstream>
#include <utility>

#include "mr/file.h"
#include "mrd/access/rules.h"
#include "mrd/daemon/self_description.h"
#include "mrd/daemon/toml_table.h"
#include "mrd/interfaces/names.h"
#include "mrd/journal/earlier_log.h"
#include "mrd/own_files.h"
#include "proto/varlink/address.h"

namespace mrd {

namespace {

constexpr std::int64_t max_connections_limit = 65'536;
constexpr std::int64_t max_message_least = 4096;
constexpr std::int64_t max_message_most = std::int64_t{16} << 20;
constexpr std::int64_t max_buffered_least = std::int64_t{1} << 20;
constexpr std::int64_t max_buffered_most = std::int64_t{1} << 40;
constexpr std::size_t messages_buffered = 4;  // of the largest size, at least

std::expected<void, std::string> read_service(const toml::table &table, std::string_view file, Config &config) {
    TomlTable reader(file, "service");
    std::string state = config.state;
    std::string boot_id_file = config.boot_id_file;
    reader.text("state", state);
    reader.text("boot_id_file", boot_id_file);
    std::string user;
    reader.text("user", user);
    reader.key("confinement", [&config](const toml::node &node) -> std::string {
        constexpr std::array words{std::pair("required", Confined::required), std::pair("best-effort", Confined::best_effort),
                                   std::pair("off", Confined::off)};
        const auto value = node.value_exact<std::string>();
        const auto *const known = std::ranges::find_if(words, [&](const auto &word) { return value == word.first; });
        if (known == words.end()) return R"(must be "required", "best-effort" or "off")";
        config.confined = known->second;
        return {};
    });
    reader.key("measure_itself", [&config](const toml::node &node) -> std::string {
        const auto name = node.value_exact<std::string>();
        if (!name || name->empty()) return R"(must be a register's name, or a role, as "config", or "none")";
        config.measure_itself = *name;
        return {};
    });
    reader.count("max_connections", config.limits.max_connections, 1, max_connections_limit);
    reader.count("max_message", config.limits.max_message, max_message_least, max_message_most);
    reader.count("max_buffered", config.limits.max_buffered, max_buffered_least, max_buffered_most);
    auto result = reader.read(table);
    if (result && config.limits.max_buffered / messages_buffered < config.limits.max_message)
        return reader.fail(table, "max_buffered", "must be at least " + std::to_string(messages_buffered) + " times max_message");
    config.state = state;
    config.boot_id_file = boot_id_file;
    if (!user.empty()) config.user = user;
    return result;
}

constexpr std::int64_t size_limit_least = std::int64_t{1} << 20;
constexpr std::int64_t size_limit_most = std::int64_t{1} << 40;

std::expected<void, std::string> read_journal(const toml::table &table, std::string_view file, Config &config) {
    TomlTable reader(file, "journal");
    std::string firmware_log;
    reader.count("size_limit", config.journal.size_limit, size_limit_least, size_limit_most);
    reader.key("sync", [&config](const toml::node &node) -> std::string {
        const auto value = node.value_exact<std::string>();
        if (value != "none" && value != "group") return "must be \"none\" or \"group\"";
        config.journal.sync = *value == "group" ? journal::Sync::group : journal::Sync::none;
        return {};
    });
    reader.text("firmware_log", firmware_log);
    auto result = reader.read(table);
    if (!firmware_log.empty()) config.journal.firmware_log = firmware_log;
    return result;
}

std::expected<void, std::string> read_log(const toml::table &table, std::string_view file, Config &config) {
    TomlTable reader(file, "log");
    reader.key("audit", [&config](const toml::node &node) -> std::string {
        std::string known;
        for (const auto kind : Audit::all) known += (known.empty() ? "" : ", ") + std::string(log::to_string(kind));
        const auto *list = node.as_array();
        if (list == nullptr) return "must be a list; there are: " + known;
        auto &kinds = config.audit.emplace();
        for (const auto &element : *list) {
            const auto name = element.value_exact<std::string>();
            const auto *const kind = std::ranges::find_if(Audit::all, [&name](auto each) { return name == log::to_string(each); });
            if (kind == Audit::all.end()) return "has something else than a change that is told of; there are: " + known;
            kinds.set(static_cast<std::size_t>(*kind));
        }
        return {};
    });
    return reader.read(table);
}

std::expected<void, std::string> read_metrics(const toml::table &table, std::string_view file, Config &config) {
    TomlTable reader(file, "metrics");
    constexpr std::size_t none = 0;
    std::size_t port = none;
    reader.count("port", port, 1, std::numeric_limits<std::uint16_t>::max());
    reader.text("address", config.metrics.address);
    if (auto result = reader.read(table); !result) return result;
    if (!is_numeric_address(config.metrics.address))
        return reader.fail(*table.get("address"), "address", R"(must be an address in numbers, as "127.0.0.1" or "::1")");
    if (port == none) return reader.fail(table, "port", "is missing: say on which one metrics are asked for, as 9469");
    config.metrics.port = static_cast<std::uint16_t>(port);
    return {};
}

std::expected<void, std::string> read_provider(const toml::table &table, std::string_view file, Config &config) {
    TomlTable reader(file, "provider");
    ProviderConfig provider;
    std::string firmware_log;
    reader.text("firmware_log", firmware_log);
    reader.key("earlier_logs", [&provider](const toml::node &node) -> std::string {
        const auto wrong = "must be a list of at most " + std::to_string(journal::max_earlier_logs) + " paths of files";
        const auto *list = node.as_array();
        if (list == nullptr || list->size() > journal::max_earlier_logs) return wrong;
        for (const auto &entry : *list) {
            const auto path = entry.value_exact<std::string>();
            if (!path || path->empty()) return wrong;
            provider.earlier_logs.emplace_back(*path);
        }
        return {};
    });
    reader.text("type", provider.type);
    reader.text("name", provider.name);
    reader.flag("required", [&provider](bool value) { provider.required = value; });
    reader.key("quote_format", [&provider](const toml::node &node) -> std::string {
        constexpr std::array formats{sim::QuoteFormat::v4, sim::QuoteFormat::v5_td10, sim::QuoteFormat::v5_td15};
        const auto value = node.value_exact<std::string>();
        const auto *const known = std::ranges::find_if(formats, [&](auto format) { return value == sim::to_string(format); });
        if (known == formats.end()) return R"(must be "tdx_v4", "tdx_v5_td10" or "tdx_v5_td15")";
        provider.quote_format = *known;
        return {};
    });
    reader.key("qgs", [&provider](const toml::node &node) -> std::string {
        const auto value = node.value_exact<std::string>();
        if (!value) return "must be a text";
        auto address = qgs::Address::parse(*value);
        if (!address) return address.error();
        provider.qgs = std::move(*address);
        return {};
    });
    reader.key("address", [&provider](const toml::node &node) -> std::string {
        auto address = spdm::Address::parse(node.value_exact<std::string>().value_or(""));
        if (!address) return address.error();
        provider.device.address = std::move(*address);
        return {};
    });
    reader.key("transport", [&provider](const toml::node &node) -> std::string {
        constexpr std::array words{std::pair("mctp", mr::SpdmTransport::mctp), std::pair("doe", mr::SpdmTransport::doe)};
        const auto value = node.value_exact<std::string>();
        const auto *const known = std::ranges::find_if(words, [&](const auto &word) { return value == word.first; });
        if (known == words.end()) return R"(must be "mctp" or "doe")";
        provider.device.transport = known->second;
        return {};
    });
    std::size_t slot = 0;
    reader.count("slot", slot, 0, mr::spdm_slots - 1);
    std::string roots;
    reader.text("roots", roots);
    std::string interface_report;
    reader.text("interface_report", interface_report);
    reader.key("pci_function", [&provider](const toml::node &node) -> std::string {
        auto function = spdm::PciFunction::parse(node.value_exact<std::string>().value_or(""));
        if (!function) return function.error();
        provider.device.pci_function = std::move(*function);
        return {};
    });
    if (auto result = reader.read(table); !result) return result;
    provider.device.slot = static_cast<std::uint8_t>(slot);
    provider.device.roots = roots;
    provider.device.interface_report = interface_report;
    if (!firmware_log.empty()) provider.firmware_log = firmware_log;
    const bool is_automatic = provider.type == automatic_type;
    const auto types = provider_types();
    if (!is_automatic && std::ranges::find(types, provider.type) == types.end()) {
        std::string known(automatic_type);
        for (const auto type : types) known += ", " + std::string(type);
        return reader.fail(table, "type", "is missing or not known; known are: " + known);
    }
    for (const auto *key :
         {"name", "required", "quote_format", "address", "transport", "slot", "roots", "pci_function", "interface_report"}) {
        if (is_automatic && table.contains(key))
            return reader.fail(*table.get(key), key,
                               "is not for the type \"auto\", which takes what is there: give the type that it is for");
    }
    for (const auto &[key, type] : {std::pair("qgs", "tsm"), std::pair("quote_format", "sim"), std::pair("address", "spdm"),
                                    std::pair("transport", "spdm"), std::pair("slot", "spdm"), std::pair("roots", "spdm"),
                                    std::pair("pci_function", "spdm"), std::pair("interface_report", "spdm")}) {
        if (!is_automatic && provider.type != type && table.contains(key))
            return reader.fail(*table.get(key), key, "is for the type \"" + std::string(type) + "\" alone: leave it out");
    }
    if (provider.type == "spdm") {
        for (const auto *key : {"firmware_log", "earlier_logs"}) {
            if (table.contains(key))
                return reader.fail(*table.get(key), key,
                                   "is not for the type \"spdm\": nothing of a device is in such a log; leave it out");
        }
        if (provider.device.address.text.empty())
            return reader.fail(table, "address", "is missing: where the device answers, as \"127.0.0.1:2323\"");
        if (roots.empty())
            return reader.fail(table, "roots", "is missing: a file with the roots that the device's certificates must lead to");
    }
    if (provider.name.empty()) provider.name = is_automatic ? automatic_type : default_provider_name(provider.type);
    if (!is_configured_name(provider.name)) return reader.fail(table, "name", configured_name_rule());
    if (provider.name == journal::virtual_provider)
        return reader.fail(table, "name", "is that of virtual registers, which no provider has: give it another one");
    if (std::ranges::find(config.providers, provider.name, &ProviderConfig::name) != config.providers.end())
        return reader.fail(table, "name", "is there twice: " + provider.name);
    config.providers.push_back(std::move(provider));
    return {};
}

std::string why_no_rule(const std::string &why) {
    return "fits no register: the pattern " + why + R"(; write one as "tdx/rtmr*", or a role, as "app")";
}

std::expected<void, std::string> read_rule(const toml::table &table, std::string_view file, Config &config) {
    TomlTable reader(file, "register");
    RegisterRule rule;
    reader.text("name", rule.pattern);
    reader.flag("log_only", [&rule](bool value) { rule.log_only = value; });
    reader.key("owner", [&rule](const toml::node &node) -> std::string {
        rule.owner = mr::owner_from(node.value_or(std::string_view()));
        return rule.owner ? "" : "must be owned, shared or observed";
    });
    if (auto result = reader.read(table); !result) return result;
    if (rule.pattern.empty()) return reader.fail(table, "name", "is missing: say which registers, as \"tdx/rtmr*\"");
    if (is_role_name(rule.pattern)) {
        if (rule.owner == mr::Owner::observed)
            return reader.fail(*table.get("owner"), "owner",
                               "is of no register that has a role: what mrd only observes is not measured into");
    } else if (const auto why = why_never_fits(rule.pattern); !why.empty()) {
        return reader.fail(*table.get("name"), "name", why_no_rule(why));
    }
    config.rules.push_back(std::move(rule));
    return {};
}

std::expected<void, std::string> read_roles(const toml::table &table, std::string_view file, Config &config) {
    const TomlTable reader(file, "roles");
    for (const auto &[key, node] : table) {
        const auto role = key.str();
        if (!is_role_name(role)) return reader.fail(node, role, role_name_rule());
        const auto reg = node.value_exact<std::string>().value_or("");
        const auto slash = reg.find('/');
        const bool is_whole = slash != std::string::npos && is_configured_name(reg.substr(0, slash)) && slash + 1 < reg.size() &&
                              reg.find_first_of("*?[\\") == std::string::npos && why_never_fits(reg).empty();
        if (!is_whole && reg != no_register)
            return reader.fail(node, role, "must be a register's whole name, as \"tdx/rtmr3\", or \"none\"");
        if (config.roles.size() == max_roles)
            return reader.fail(node, role, "is one too many: there are at most " + std::to_string(max_roles) + " roles");
        config.roles.emplace(role, reg);
    }
    return {};
}

bool is_role(const Roles &configured, std::string_view name) {
    return configured.contains(name) || std::ranges::find(usual_roles, name) != usual_roles.end();
}

// When all of the file is read: its roles may stand behind its rules.
std::expected<void, std::string> check_roles_of_rules(const toml::table &root, std::string_view file, const Config &config) {
    const auto *rules = root.get_as<toml::array>("register");
    if (rules == nullptr) return {};
    for (const auto &rule : *rules) {
        const auto &name = *rule.as_table()->get("name");
        const auto text = name.value_or(std::string());
        if (is_role_name(text) && !is_role(config.roles, text))
            return TomlTable(file, "register").fail(name, "name", why_no_rule(why_never_fits(text)));
    }
    return {};
}

// Octal, as chmod takes it: "0660".
std::optional<mode_t> mode_from(std::string_view text) {
    constexpr int octal = 8;
    constexpr mode_t most = 0777;
    mode_t mode = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), mode, octal);
    const bool is_mode = end.ec == std::errc() && end.ptr == text.data() + text.size() && mode <= most;
    return is_mode ? std::optional(mode) : std::nullopt;
}

std::expected<void, std::string> read_listener(const toml::table &table, std::string_view file, Config &config) {
    TomlTable reader(file, "listener");
    ListenerConfig listener{.name = {}, .path = {}};
    std::string owner;
    std::string group;
    reader.text("name", listener.name);
    reader.text("path", listener.path);
    reader.text("owner", owner);
    reader.text("group", group);
    reader.flag("bound_only", [&listener](bool value) { listener.bound_only = value; });
    reader.key("mode", [&listener](const toml::node &node) -> std::string {
        const auto mode = mode_from(node.value_exact<std::string>().value_or(""));
        if (!mode) return R"(must be a text of octal digits, as "0660")";
        listener.mode = *mode;
        return {};
    });
    reader.texts("interfaces", interface_names.size(), [&listener](const std::string &name) -> std::string {
        listener.interfaces.push_back(name);
        if (std::ranges::find(interface_names, name) != interface_names.end()) return {};
        std::string known;
        for (const auto each : interface_names) known += (known.empty() ? "" : ", ") + std::string(each);
        return "has something else than an interface of mrd: " + name + "; known are: " + known;
    });
    if (auto result = reader.read(table); !result) return result;
    if (!owner.empty()) listener.owner = owner;
    if (!group.empty()) listener.group = group;
    if (!is_configured_name(listener.name)) return reader.fail(table, "name", configured_name_rule());
    if (listener.name == metrics_socket_name)
        return reader.fail(table, "name", "is that of the sockets that metrics are asked for on: give it another one");
    if (listener.path.empty()) return reader.fail(table, "path", "is missing: the socket's path, as \"/run/mrd/io.mrd\"");
    if (const auto address = varlink::Address::parse(listener.path); !address)
        return reader.fail(table, "path", "is wrong: " + address.error());
    for (const auto &other : config.listeners) {
        if (other.name == listener.name) return reader.fail(table, "name", "is there twice: " + listener.name);
        if (other.path == listener.path) return reader.fail(table, "path", "is there twice: " + listener.path);
    }
    if (config.listeners.size() == max_listeners)
        return reader.fail(table, "name", "is of one too many: there are at most " + std::to_string(max_listeners) + " listeners");
    config.listeners.push_back(std::move(listener));
    return {};
}

using ReadTable = std::expected<void, std::string> (*)(const toml::table &, std::string_view, Config &);

// The parser bounds how deep values are nested, but not keys with dots between their parts, each of which is a table within the one before: what frees them takes stack for each.
constexpr std::size_t max_dots_in_a_line = 100;

std::optional<std::size_t> line_of_too_many_dots(std::string_view text) {
    std::size_t line = 1;
    std::size_t dots = 0;
    for (const char c : text) {
        if (c == '\n') {
            ++line;
            dots = 0;
        } else if (c == '.' && ++dots > max_dots_in_a_line) {
            return line;
        }
    }
    return std::nullopt;
}

}  // namespace

std::expected<Config, std::string> parse_config(std::string_view text, std::string_view file_name) {
    if (const auto line = line_of_too_many_dots(text)) {
        return std::unexpected(std::string(file_name) + ":" + std::to_string(*line) + ": has more than " +
                               std::to_string(max_dots_in_a_line) + " dots; write a long list on several lines");
    }
    toml::table root;
    try {
        root = toml::parse(text, file_name);
    } catch (const toml::parse_error &error) {
        std::ostringstream out;
        out << file_name << ":" << error.source().begin.line << ": " << error.description();
        return std::unexpected(out.str());
    }
    Config config;
    const auto default_listeners = std::exchange(config.listeners, {});
    std::optional<std::string> failure;
    const auto each_of = [&](ReadTable read, std::string kind) {
        return [&, read, kind = std::move(kind)](const toml::node &node) -> std::string {
            const auto *array = node.as_array();
            if (array == nullptr || !array->is_array_of_tables()) return "must be written as [[" + kind + "]]";
            for (const auto &element : *array) {
                if (auto result = read(*element.as_table(), file_name, config); !result && !failure) failure = result.error();
            }
            return {};
        };
    };
    TomlTable reader(file_name, "");
    reader.key("service", [&](const toml::node &node) -> std::string {
        if (!node.is_table()) return "must be written as [service]";
        if (auto result = read_service(*node.as_table(), file_name, config); !result && !failure) failure = result.error();
        return {};
    });
    reader.key("journal", [&](const toml::node &node) -> std::string {
        if (!node.is_table()) return "must be written as [journal]";
        if (auto result = read_journal(*node.as_table(), file_name, config); !result && !failure) failure = result.error();
        return {};
    });
    reader.key("log", [&](const toml::node &node) -> std::string {
        if (!node.is_table()) return "must be written as [log]";
        if (auto result = read_log(*node.as_table(), file_name, config); !result && !failure) failure = result.error();
        return {};
    });
    reader.key("metrics", [&](const toml::node &node) -> std::string {
        if (!node.is_table()) return "must be written as [metrics]";
        if (auto result = read_metrics(*node.as_table(), file_name, config); !result && !failure) failure = result.error();
        return {};
    });
    reader.key("roles", [&](const toml::node &node) -> std::string {
        if (!node.is_table()) return "must be written as [roles]";
        if (auto result = read_roles(*node.as_table(), file_name, config); !result && !failure) failure = result.error();
        return {};
    });
    reader.key("provider", each_of(&read_provider, "provider"));
    reader.key("register", each_of(&read_rule, "register"));
    reader.key("listener", each_of(&read_listener, "listener"));
    reader.key("access", each_of([](const toml::table &table, std::string_view file,
                                    Config &read) { return read_access_rule(table, file, read.access); },
                                 "access"));
    if (auto result = reader.read(root); !result) return std::unexpected(result.error());
    if (failure) return std::unexpected(*failure);
    if (auto good = check_roles_of_rules(root, file_name, config); !good) return std::unexpected(good.error());
    if (config.listeners.empty()) config.listeners = default_listeners;
    for (const auto &[name, section] : root) {
        std::ostringstream written;
        written << toml::toml_formatter(section);
        config.sections.emplace(name.str(), written.str());
    }
    // A log is of one machine's registers: of another provider's it says nothing.
    if (config.providers.size() > 1 && config.journal.firmware_log.value_or("none") != "none") {
        return std::unexpected(std::string(file_name) + ": journal.firmware_log is of the only provider; with several, each has its own: " +
                               "write provider.firmware_log");
    }
    return config;
}

std::expected<Config, mr::Error> load_config(const std::filesystem::path &file) {
    const auto fail = [](mr::ErrorCode code, const std::string &message) { return std::unexpected(mr::Error{code, message}); };
    // Whoever writes to it says who may do what.
    if (auto trusted = check_trusted_file(file); !trusted)
        return fail(mr::ErrorCode::invalid_argument, "the configuration: " + trusted.error());
    const auto bytes = mr::read_file(file.native(), max_config_size);
    if (!bytes) {
        std::error_code unknown;
        const bool is_there = std::filesystem::exists(file, unknown) || unknown;
        return fail(is_there ? mr::ErrorCode::io : mr::ErrorCode::invalid_argument, "the configuration: " + bytes.error().message);
    }
    auto config = parse_config({reinterpret_cast<const char *>(bytes->data()), bytes->size()}, file.string());
    if (!config) return fail(mr::ErrorCode::invalid_argument, config.error());
    config->digest = sha384_text(*bytes);
    return std::move(*config);
}

namespace {

// As far as its whole name says what it is. One that has a role takes extends.
RegisterSpec register_called(std::string_view name) {
    const auto colon = name.find(':');
    return {.name = std::string(name.substr(0, colon)),
            .hash = colon == std::string_view::npos ? std::nullopt : mr::hash_algorithm_from(name.substr(colon + 1)),
            .flags = mr::Flag::extensible | mr::Flag::readable};
}

}  // namespace

std::expected<void, std::string> check_provider_names(const Config &config, const std::vector<ProviderConfig> &providers) {
    std::vector<std::string> names;
    for (const auto &provider : providers) {
        if (provider.type != automatic_type) names.push_back(provider.name);
    }
    const bool is_all = names.size() == providers.size();
    const auto has = [&names](const std::string &name) { return std::ranges::find(names, name) != names.end(); };
    const auto nobody = [&names](const std::string &key, const std::string &reg) {
        std::string known;
        for (const auto &name : names) known += (known.empty() ? "" : ", ") + name;
        return std::unexpected(key + " = \"" + reg + "\": no provider is called " + reg.substr(0, reg.find('/')) + "; there are: " + known);
    };
    for (const auto &[role, reg] : config.roles) {
        if (has(role)) return std::unexpected("roles." + role + ": a provider is called so; give the role another name");
        if (is_all && reg != no_register && !has(reg.substr(0, reg.find('/')))) return nobody("roles." + role, reg);
    }
    const auto nobody_has = [&config](const std::string &key, const std::string &name) {
        const auto role = config.roles.find(name);
        const bool is_so = role != config.roles.end() && role->second == no_register;
        return is_so ? key + ": no register of this machine has the role " + name + ", says roles." + name : std::string();
    };
    if (config.measure_itself && *config.measure_itself != no_register) {
        const auto &into = *config.measure_itself;
        const auto key = "service.measure_itself = \"" + into + "\"";
        if (into.find_first_of("*?[") != std::string::npos) return std::unexpected(key + " is a pattern: name one register, or a role");
        if (const auto why = nobody_has(key, into); !why.empty()) return std::unexpected(why + ": name another one, or \"none\"");
        if (is_all && into.contains('/') && !has(into.substr(0, into.find('/')))) return nobody("service.measure_itself", into);
    }
    for (const auto &rule : config.rules) {
        if (is_role_name(rule.pattern)) {
            if (auto why = nobody_has("register.name = \"" + rule.pattern + "\"", rule.pattern); !why.empty())
                return std::unexpected(why + ": name another one, or leave the rule out");
            continue;
        }
        const auto provider = rule.pattern.substr(0, rule.pattern.find('/'));
        const auto fits = [&provider](const std::string &name) { return ::fnmatch(provider.c_str(), name.c_str(), 0) == 0; };
        if (is_all && std::ranges::none_of(names, fits)) return nobody("register.name", rule.pattern);
    }
    // On every machine that has these registers the rules say this of them; more of them may be of one than its whole name here says.
    for (const auto &[role, reg] : config.roles) {
        if (reg == no_register) continue;
        const auto slash = reg.find('/');
        const auto provider = reg.substr(0, slash);
        const auto ruled =
            apply_rules(provider, give_roles(provider, {register_called(reg.substr(slash + 1))}, config.roles), config.rules);
        if (!ruled) return std::unexpected(ruled.error());
    }
    return {};
}

bool matches(const RegisterRule &rule, std::string_view provider, const RegisterSpec &spec) {
    if (is_role_name(rule.pattern)) return std::ranges::find(spec.roles, rule.pattern) != spec.roles.end();
    return std::ranges::any_of(whole_names(provider, spec), [&rule](const std::string &name) {
        return ::fnmatch(rule.pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0;
    });
}

bool was_for_another_bank(const RegisterRule &rule, std::string_view provider, const RegisterSpec &spec) {
    if (!spec.hash_by_value || !spec.hash || matches(rule, provider, spec)) return false;
    auto before = spec;
    before.hash.reset();
    return matches(rule, provider, before);
}

namespace {

// Of two rules by names the later one wins: who writes them sees that they are of one register. That a role is of the same one is so on this machine, and not on another.
std::string why_not_both(const RegisterRule &earlier, const RegisterRule &later, const std::string &reg) {
    const bool is_by_role = is_role_name(later.pattern);
    const bool are_alike = is_by_role == is_role_name(earlier.pattern);
    const bool contradict = (earlier.owner && later.owner && earlier.owner != later.owner) ||
                            (earlier.log_only && later.log_only && earlier.log_only != later.log_only);
    if (are_alike && !(is_by_role && contradict)) return {};
    const auto both = "the rules for register.name = \"" + earlier.pattern + "\" and register.name = \"" + later.pattern + "\" ";
    return are_alike ? both + "say different things of " + reg + ", which has both roles here: say the same in both, or leave one out"
                     : both + "are both of " + reg + ", by its role and by its name: leave one out";
}

}  // namespace

std::expected<std::vector<RegisterSpec>, std::string> apply_rules(std::string_view provider, std::vector<RegisterSpec> registers,
                                                                  const std::vector<RegisterRule> &rules) {
    for (auto &spec : registers) {
        const auto name = std::string(provider) + "/" + spec.name;
        std::vector<const RegisterRule *> applied;
        for (const auto &rule : rules) {
            if (!matches(rule, provider, spec)) continue;
            for (const auto *earlier : applied) {
                if (auto why = why_not_both(*earlier, rule, name); !why.empty()) return std::unexpected(std::move(why));
            }
            applied.push_back(&rule);
            if (rule.owner) spec.owner = *rule.owner;
            if (!rule.log_only) continue;
            if (!spec.flags.has(mr::Flag::extensible))
                return std::unexpected("register \"" + name + "\": log_only needs a register that can be extended");
            spec.flags = *rule.log_only ? spec.flags.without(mr::Flag::writable) : spec.flags | mr::Flag::writable;
        }
    }
    return registers;
}

}  // namespace mrd
