// The daemon, from command line to event loop.
#include <openssl/crypto.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>

#include "mr/bytes.h"
#include "mrd/activation.h"
#include "mrd/config.h"
#include "mrd/lock.h"
#include "mrd/log.h"
#include "mrd/providers/sim/simulator.h"
#include "mrd/registers.h"
#include "mrd/service.h"
#include "proto/varlink/server.h"

namespace {

namespace asio = boost::asio;
using Failure = std::unexpected<std::string>;

enum ExitCode : int { exit_done = 0, exit_refused = 1, exit_usage = 2 };

// How long SIGTERM waits for clients that do not read their answers; calls to the hardware are waited for without end.
constexpr auto stop_grace = std::chrono::seconds(10);

constexpr mode_t socket_mode = 0600;

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
};

void describe(CLI::App &app, Options &options) {
    app.add_flag("--sim", options.simulate, "Serve a TDX module in software; its values prove nothing");
    app.add_option("--config", options.config, "Configuration file (TOML)");
    app.add_option("--socket", options.socket, "Socket to listen on [/run/mrd/io.mrd]");
    app.add_option("--state", options.state, "State directory [/run/mrd/state]");
    app.add_option("--log-level", options.log_level, "debug, info, warning or error")->capture_default_str();
    app.add_flag("--check", options.check, "Check the configuration, say what is wrong with it, and end");
    app.add_flag("--reset", options.reset, "Start the simulated TD anew");
    app.add_option("--sim-mrtd", options.sim_mrtd, "MRTD of the simulated TD (48 bytes, hexadecimal)");
    app.add_option("--sim-mrconfigid", options.sim_mrconfigid, "MRCONFIGID of the simulated TD (48 bytes)");
    app.add_option("--sim-mrowner", options.sim_mrowner, "MROWNER of the simulated TD (48 bytes)");
    app.add_option("--sim-mrownerconfig", options.sim_mrownerconfig, "MROWNERCONFIG of the simulated TD (48 bytes)");
    app.add_option("--sim-attributes", options.sim_attributes, "TD attributes of the simulated TD (64 bits, hexadecimal) [10000000]");
    app.set_version_flag("--version", MRD_VERSION);
}

std::expected<mrd::Config, std::string> configuration(const Options &options) {
    mrd::Config config;
    if (!options.config.empty()) {
        auto loaded = mrd::load_config(options.config);
        if (!loaded) return loaded;
        config = std::move(*loaded);
    }
    if (!options.socket.empty()) config.socket = options.socket;
    if (!options.state.empty()) config.state = options.state;
    const auto is_sim = [](const mrd::ProviderConfig &provider) { return provider.type == "sim"; };
    if (options.simulate && std::ranges::none_of(config.providers, is_sim)) config.providers.push_back({"sim", "tdx", true});
    return config;
}

// ---- The simulator

std::expected<std::optional<std::array<std::uint8_t, 48>>, std::string> value_48(const std::string &option, const std::string &text) {
    std::array<std::uint8_t, 48> value{};
    if (text.empty()) return std::nullopt;
    const auto bytes = mr::from_hex(text);
    if (!bytes || bytes->size() != value.size()) return Failure(option + " needs 96 hexadecimal digits");
    std::ranges::copy(*bytes, value.begin());
    return value;
}

std::expected<mrd::sim::Options, std::string> simulator_options(const Options &options, const mrd::Config &config,
                                                                const std::string &name) {
    mrd::sim::Options sim;
    sim.name = name;
    sim.state_file = mrd::sim::state_file(config.state, name);
    sim.reset = options.reset;
    std::ifstream boot_id(config.boot_id_file);
    if (!std::getline(boot_id, sim.boot_id) || sim.boot_id.empty())
        return Failure("cannot read the boot id from " + config.boot_id_file.string());
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
#ifdef MRD_TEST_HOOKS
    if (const char *faults = std::getenv("MRD_SIM_FAULTS")) {  // NOLINT(concurrency-mt-unsafe): before any thread is started
        auto parsed = mrd::sim::parse_faults(faults);
        if (!parsed) return Failure("MRD_SIM_FAULTS: " + parsed.error());
        sim.faults = std::move(*parsed);
    }
#endif
    return sim;
}

// ---- The providers

constexpr const char *kernel_registers = "/sys/devices/virtual/misc/tdx_guest/measurements";

std::string no_provider_message(const mrd::Config &config) {
    const bool has_kernel = std::filesystem::exists(kernel_registers);
    return "no usable back end: " +
           std::string(config.providers.empty() ? "no [[provider]] is configured" : "none of the configured ones could be opened") + ", " +
           kernel_registers + (has_kernel ? " is there, but this version cannot use it yet" : " is not there") +
           ". Give --sim for a TDX module in software, whose values prove nothing";
}

std::expected<void, std::string> open_providers(const Options &options, const mrd::Config &config, mrd::Registers &registers) {
    for (const auto &provider : config.providers) {
        const auto opened = [&]() -> std::expected<void, std::string> {
            auto sim_options = simulator_options(options, config, provider.name);
            if (!sim_options) return Failure(sim_options.error());
            auto simulator = mrd::sim::open(*sim_options);
            if (!simulator) return Failure(simulator.error());
            auto specs = mrd::apply_rules(provider.name, (*simulator)->registers(), config.rules);
            if (!specs) return Failure(specs.error());
            return registers.add(std::move(*simulator), std::move(*specs));
        }();
        if (opened) continue;
        if (provider.required) return opened;
        mrd::log::warning("provider left out", {{"provider", provider.name}, {"reason", opened.error()}});
    }
    if (registers.providers().empty()) return Failure(no_provider_message(config));
    if (registers.simulated()) mrd::log::warning("the registers are simulated: they prove nothing");
    return {};
}

// ---- Folders, locks, socket

std::expected<void, std::string> make_folder(const std::filesystem::path &folder, mode_t mode) {
    if (folder.empty()) return {};
    std::error_code error;
    const bool is_new = std::filesystem::create_directories(folder, error);
    if (error) return Failure("cannot make the folder " + folder.string() + ": " + error.message());
    if (is_new && ::chmod(folder.c_str(), mode) != 0) return Failure("cannot set the mode of " + folder.string());
    return {};
}

// Held as long as mrd runs.
struct Locks {
    varlink::FileDescriptor state;
    varlink::FileDescriptor socket;
};

std::expected<void, std::string> lock_state(const mrd::Config &config, Locks &locks) {
    if (auto made = make_folder(config.state, 0700); !made) return made;
    auto lock = mrd::lock_file(config.state / "lock", "the state directory " + config.state.string());
    if (!lock) return Failure(lock.error());
    locks.state = std::move(*lock);
    return {};
}

// The lock beside the socket says that nobody listens on it, so a file that is there is left over and goes.
std::expected<varlink::FileDescriptor, std::string> listen(const mrd::Config &config, Locks &locks) {
    auto address = varlink::Address::parse(config.socket);
    if (!address) return Failure(address.error());
    if (!address->path().empty()) {
        const std::filesystem::path path = address->path();
        if (auto made = make_folder(path.parent_path(), 0755); !made) return Failure(made.error());
        auto lock = mrd::lock_file(path.string() + ".lock", "the socket " + path.string());
        if (!lock) return Failure(lock.error());
        locks.socket = std::move(*lock);
    }
    return varlink::listen_on(*address, socket_mode);
}

// ---- Running

void stop_when_done(asio::io_context &loop, const mrd::Registers &registers) {
    // Calls whose clients have gone run on: what was asked of the hardware is finished.
    const auto open = std::make_shared<std::size_t>(registers.providers().size());
    for (const auto &provider : registers.providers()) {
        provider->when_idle([open, &loop] {
            if (--*open == 0) loop.stop();
        });
    }
}

std::expected<void, std::string> run(const Options &options, const mrd::Config &config) {
    auto activated = mrd::take_activated_socket();
    if (!activated) return Failure(activated.error());
    Locks locks;
    if (auto locked = lock_state(config, locks); !locked) return locked;

    asio::io_context loop(1);
    mrd::Registers registers(loop);
    if (auto opened = open_providers(options, config, registers); !opened) return opened;
    registers.on_divergence([](mrd::Registers::Place place) {
        const auto &divergence = *place.table().divergence(place.index);
        mrd::log::warning("somebody else extended a register of mrd", {{"register", place.name()},
                                                                       {"expected", mr::to_hex(divergence.expected.bytes())},
                                                                       {"found", mr::to_hex(divergence.found.bytes())}});
    });

    std::optional<varlink::Server> server;
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    const auto service =
        mrd::make_service(registers, {now, [&server] { return server->connections(); }, [&server] { return server->refused(); }});
    server.emplace(loop, *service, config.limits);

    // Before the socket: a signal that comes right after the first answer must find its handler.
    asio::signal_set signals(loop, SIGTERM, SIGINT);
    asio::steady_timer grace(loop);
    bool stopping = false;
    const auto finish = [&] { stop_when_done(loop, registers); };
    const auto stop = [&] {
        if (std::exchange(stopping, true)) return;
        mrd::notify_service_manager("STOPPING=1");
        mrd::log::info("stopping");
        server->on_empty(finish);
        server->stop();
        if (server->connections() == 0) return finish();
        grace.expires_after(stop_grace);
        grace.async_wait([&finish](const boost::system::error_code &error) {
            if (!error) finish();
        });
    };
    signals.async_wait([&stop](const boost::system::error_code &error, int) {
        if (!error) stop();
    });

    if (*activated && !(*activated)->listening) {
        server->serve(std::move((*activated)->socket));
        server->on_empty(stop);
    } else if (*activated) {
        server->accept_on(std::move((*activated)->socket));
    } else {
        auto listening = listen(config, locks);
        if (!listening) return Failure(listening.error());
        server->accept_on(std::move(*listening));
    }
    mrd::log::info("ready",
                   {{"socket", *activated ? "(passed)" : config.socket}, {"state", config.state.string()}, {"version", MRD_VERSION}});
    mrd::notify_service_manager("READY=1");
    loop.run();
    if (!*activated) {
        if (const auto address = varlink::Address::parse(config.socket); address && !address->path().empty())
            ::unlink(address->path().c_str());
    }
    return {};
}

}  // namespace

int main(int argc, char **argv) {
    // No configuration file of OpenSSL: reading it would double the time to the first answer, and nothing here can be configured in it.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): SIG_IGN for a known signal cannot fail

    Options options;
    CLI::App app{"mrd, the measurement-register service of a confidential virtual machine"};
    describe(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        return app.exit(error) == 0 ? exit_done : exit_usage;
    }
    if (!mrd::log::set_level(options.log_level)) {
        std::cerr << "mrd: --log-level must be debug, info, warning or error\n";
        return exit_usage;
    }
    const auto config = configuration(options);
    if (!config) {
        std::cerr << "mrd: " << config.error() << '\n';
        return exit_usage;
    }
    if (options.check) return exit_done;
    if (const auto result = run(options, *config); !result) {
        mrd::log::error(result.error());
        return exit_refused;
    }
    return exit_done;
}
