#include "mrd/daemon/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string_view>
#include <utility>

#include "libmr/src/command_line.h"
#include "mr/bytes.h"
#include "mr/event_content.h"
#include "mrd/log.h"
#include "mrd/providers/open.h"
#include "proto/varlink/address.h"

namespace mrd {

namespace {

using Failure = std::unexpected<std::string>;

constexpr const char *machine_config = "/etc/mrd/mrd.toml";

struct Options {
    bool simulate = false;
    bool check = false;
    bool reset = false;
    std::string config;
    std::string socket;
    std::string state;
    std::string log_level = "info";
    std::string sim_mrtd;
    std::string sim_mrconfigid;
    std::string sim_mrowner;
    std::string sim_mrownerconfig;
    std::string sim_attributes;
    std::string sim_ccel;
    bool sim_survives_boot = false;
};

void describe(CLI::App &app, Options &options) {
    app.add_flag("--sim", options.simulate, "Serve a TDX module in software; its values prove nothing");
    app.add_option("--config", options.config, "Configuration file (TOML) [/etc/mrd/mrd.toml if it is there, without --sim]")
        ->type_name("FILE");
    app.add_option("--socket", options.socket, "Path of the socket, the first one where the configuration has several [/run/mrd/io.mrd]")
        ->type_name("FILE");
    app.add_option("--state", options.state, "State directory [/run/mrd/state]")->type_name("FOLDER");
    app.add_option("--log-level", options.log_level, "What is logged")->type_name("{debug,info,warning,error}")->capture_default_str();
    app.add_flag("--check", options.check,
                 "Check the configuration's syntax, keys and ranges, and end; registers and paths are checked at start");
    app.add_flag("--reset", options.reset, "Start the simulated TD anew");
    app.add_option("--sim-mrtd", options.sim_mrtd, "MRTD of the simulated TD (48 bytes)")->type_name("HEX");
    app.add_option("--sim-mrconfigid", options.sim_mrconfigid, "MRCONFIGID of the simulated TD (48 bytes)")->type_name("HEX");
    app.add_option("--sim-mrowner", options.sim_mrowner, "MROWNER of the simulated TD (48 bytes)")->type_name("HEX");
    app.add_option("--sim-mrownerconfig", options.sim_mrownerconfig, "MROWNERCONFIG of the simulated TD (48 bytes)")->type_name("HEX");
    app.add_option("--sim-attributes", options.sim_attributes, "TD attributes of the simulated TD (64 bits) [10000000]")->type_name("HEX");
    app.add_option(
           "--sim-ccel", options.sim_ccel,
           "A firmware's event log (CCEL): a new simulated TD's registers hold what it replays to; one that runs keeps its own: --reset")
        ->type_name("FILE");
    app.add_flag("--sim-survives-boot", options.sim_survives_boot,
                 "Keep the simulated TD although the boot id has changed, as over a kexec");
    app.set_version_flag("--version", MRD_VERSION);
    mr::refuse_empty_values(app);
}

// Empty: none. The machine's own is for the machine's mrd: a simulated one is somebody's trial.
std::filesystem::path config_file(const Options &options) {
    if (!options.config.empty() || options.simulate) return options.config;
    std::error_code unknown;
    const bool is_there = std::filesystem::symlink_status(machine_config, unknown).type() != std::filesystem::file_type::not_found;
    return is_there ? machine_config : "";
}

std::expected<Config, mr::Error> configuration(const Options &options) {
    Config config;
    const auto file = config_file(options);
    if (!file.empty()) {
        auto loaded = load_config(file);
        if (!loaded) return loaded;
        config = std::move(*loaded);
    }
    if (!options.socket.empty()) {
        if (const auto address = varlink::Address::parse(options.socket); !address)
            return std::unexpected(mr::Error{mr::ErrorCode::invalid_argument, address.error()});
        config.listeners.front().path = options.socket;
    }
    if (!options.state.empty()) config.state = options.state;
    if (options.simulate && std::ranges::none_of(config.providers, is_simulated)) config.providers.push_back({"sim", "tdx", true});
    // Nothing simulated, unless it is asked for.
    if (config.providers.empty()) config.providers.push_back({.type = std::string(automatic_type), .name = std::string(automatic_type)});
    return config;
}

// The one that is given; null: none.
const char *option_of_simulator(const Options &options) {
    const std::pair<bool, const char *> all[] = {{options.reset, "--reset"},
                                                 {options.sim_survives_boot, "--sim-survives-boot"},
                                                 {!options.sim_ccel.empty(), "--sim-ccel"},
                                                 {!options.sim_mrtd.empty(), "--sim-mrtd"},
                                                 {!options.sim_mrconfigid.empty(), "--sim-mrconfigid"},
                                                 {!options.sim_mrowner.empty(), "--sim-mrowner"},
                                                 {!options.sim_mrownerconfig.empty(), "--sim-mrownerconfig"},
                                                 {!options.sim_attributes.empty(), "--sim-attributes"}};
    const auto *const given = std::ranges::find(all, true, &std::pair<bool, const char *>::first);
    return given == std::end(all) ? nullptr : given->second;
}

std::expected<std::optional<std::array<std::uint8_t, 48>>, std::string> value_48(const std::string &option, const std::string &text) {
    std::array<std::uint8_t, 48> value{};
    if (text.empty()) return std::nullopt;
    const auto bytes = mr::from_hex(text);
    if (!bytes || bytes->size() != value.size()) return Failure(option + " needs 96 hexadecimal digits");
    std::ranges::copy(*bytes, value.begin());
    return value;
}

std::expected<mrd::sim::Options, std::string> simulated_td(const Options &options) {
    mrd::sim::Options sim;
    sim.reset = options.reset;
    sim.survives_boot = options.sim_survives_boot;
    sim.ccel = options.sim_ccel;
    struct {
        const char *option;
        const std::string &text;
        decltype(sim.mrtd) &out;
    } const values[] = {{"--sim-mrtd", options.sim_mrtd, sim.mrtd},
                        {"--sim-mrconfigid", options.sim_mrconfigid, sim.mrconfigid},
                        {"--sim-mrowner", options.sim_mrowner, sim.mrowner},
                        {"--sim-mrownerconfig", options.sim_mrownerconfig, sim.mrownerconfig}};
    for (const auto &[option, text, out] : values) {
        auto value = value_48(option, text);
        if (!value) return Failure(value.error());
        out = *value;
    }
    if (!options.sim_attributes.empty()) {
        std::uint64_t attributes = 0;
        std::string_view digits = options.sim_attributes;
        if (digits.starts_with("0x")) digits.remove_prefix(2);
        const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), attributes, 16);
        if (end.ec != std::errc() || end.ptr != digits.data() + digits.size())
            return Failure("--sim-attributes needs up to 16 hexadecimal digits");
        sim.attributes = attributes;
    }
    return sim;
}

}  // namespace

std::expected<CommandLine, EndNow> parse_command_line(int argc, char **argv) {
    Options options;
    CLI::App app{"The measurement-register service of a confidential virtual machine", "mrd"};
    describe(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        return std::unexpected(EndNow{mr::answer_command_line(app, error, "mrd", exit_usage)});
    }
    const auto refuse = [](const std::string &message, int exit_code = exit_usage) {
        std::cerr << "mrd: " << mr::printable_text(message) << '\n';
        return std::unexpected(EndNow{exit_code});
    };
    if (!log::set_level(options.log_level)) return refuse("--log-level must be debug, info, warning or error");
    auto config = configuration(options);
    if (!config) return refuse(config.error().message, config.error().code == mr::ErrorCode::io ? exit_refused : exit_usage);
    const auto *const of_simulator = option_of_simulator(options);
    if (of_simulator != nullptr && std::ranges::none_of(config->providers, is_simulated))
        return refuse(std::string(of_simulator) + " is of the simulator, and nothing is simulated: give --sim too, or leave it out");
    auto td = simulated_td(options);
    if (!td) return refuse(td.error());
    return CommandLine{std::move(*config), std::move(*td), options.check, {argv + 1, argv + argc}, config_file(options)};
}

}  // namespace mrd
