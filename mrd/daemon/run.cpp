// The daemon: its providers, locks and socket, and the event loop.
#include "mrd/daemon/run.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "mr/bytes.h"
#include "mr/file.h"
#include "mrd/access/caller.h"
#include "mrd/clock.h"
#include "mrd/daemon/activation.h"
#include "mrd/daemon/command_line.h"
#include "mrd/daemon/confine.h"
#include "mrd/daemon/daemon.h"
#include "mrd/daemon/listeners.h"
#include "mrd/daemon/lock.h"
#include "mrd/daemon/metrics.h"
#include "mrd/daemon/metrics_listener.h"
#include "mrd/daemon/metrics_socket.h"
#include "mrd/daemon/reload.h"
#include "mrd/daemon/self_measurement.h"
#include "mrd/daemon/service.h"
#include "mrd/daemon/socket_address.h"
#include "mrd/daemon/start_progress.h"
#include "mrd/daemon/watchdog.h"
#include "mrd/log.h"
#include "mrd/own_files.h"
#include "mrd/providers/ccel_table.h"
#include "mrd/providers/discovery.h"
#include "mrd/providers/open.h"
#include "proto/varlink/server.h"

namespace {

namespace asio = boost::asio;
using Failure = std::unexpected<std::string>;

constexpr int exit_done = 0;

// How long SIGTERM waits for clients that do not read their answers; calls to the hardware are waited for without end.
constexpr auto stop_grace = std::chrono::seconds(10);

// ---- The providers

std::expected<std::string, std::string> boot_id(const mrd::Config &config) {
    constexpr std::size_t limit = 4096;  // the kernel's has 37 bytes
    const auto file = mr::read_file(config.boot_id_file.native(), limit);
    if (!file) return Failure("the boot id: " + file.error().message);
    std::string id(file->begin(), std::ranges::find(*file, '\n'));
    if (id.empty()) return Failure("the boot id: " + config.boot_id_file.string() + " has none in its first line");
    return id;
}

// Why mrd does not run.
struct Refusal {
    std::string reason;
    int exit_code = mrd::exit_refused;
    Refusal(std::string why) : reason(std::move(why)) {}  // NOLINT(google-explicit-constructor): what is not of the configuration
    Refusal(std::string why, int code) : reason(std::move(why)), exit_code(code) {}
};

// The configuration has to be mended: to start again helps nothing.
std::unexpected<Refusal> misconfigured(std::string why) { return std::unexpected(Refusal(std::move(why), mrd::exit_usage)); }

// A rule for no register is a mistake: log_only with a wrong name would protect nothing. As long as more may come, it may be for one of those.
std::expected<void, Refusal> check_rules(const mrd::Config &config, mrd::Daemon &daemon) {
    for (const auto &rule : config.rules) {
        bool matched = false;
        std::string names;  // mrd does not serve yet: nobody else can say them
        for (const auto *provider : daemon.registers().providers()) {
            const auto &table = provider->table();
            for (mrd::RegisterIndex index = 0; index < table.size(); ++index) {
                matched = matched || mrd::matches(rule, provider->name(), table.spec(index));
                names.append(names.empty() ? "" : ", ").append(provider->name()).append("/").append(table.spec(index).name);
            }
        }
        if (matched) continue;
        const auto reason =
            "the rule for register.name = \"" + rule.pattern + "\" matches no register" + (names.empty() ? "" : "; there are: ") + names;
        if (!daemon.more_may_come()) return misconfigured(reason);
        mrd::log::warning(reason, {{"missing", "a provider, or a device, whose registers it may be for"}});
    }
    return {};
}

// What a rule said of a register, as long as nobody knew of which hash that is, stays: mrd has begun with it.
void warn_of_another_bank(const mrd::Config &config, const mrd::Registers::Place &place) {
    const auto &spec = place.table().spec(place.index);
    for (const auto &rule : config.rules) {
        if (mrd::was_for_another_bank(rule, place.provider->name(), spec))
            mrd::log::warning("a rule was applied to a register that turns out to be of another hash: correct it, and start mrd again",
                              {{"register.name", rule.pattern}, {"register", place.name()}});
    }
}

// What the configuration names is there.
mrd::RuleSurroundings surroundings_for(const mrd::Config &config) {
    const auto user = mrd::configured_user(config);
    return mrd::surroundings_of(config, user && *user ? std::optional((*user)->uid) : std::nullopt);
}

// A role of no register is a mistake, unless one may come for it; so is one by which a register is called.
std::expected<void, Refusal> check_roles(const mrd::Config &config, mrd::Daemon &daemon) {
    for (const auto &[role, reg] : config.roles) {
        bool has_one = reg == mrd::no_register;
        if (const auto *named = daemon.registers().named(role)) {
            for (const auto &place : *named) {
                const auto &roles = place.table().spec(place.index).roles;
                const bool is_its = std::ranges::find(roles, role) != roles.end();
                has_one = has_one || is_its;
                if (!is_its)
                    return misconfigured("roles." + role + ": the register " + place.name() + " is called so; give the role another name");
            }
        }
        if (has_one) continue;
        auto reason = "roles." + role;
        reason.append(" = \"").append(reg).append("\": there is no such register; `mrctl list` shows those that there are");
        if (!daemon.more_may_come()) return misconfigured(reason);
        mrd::log::warning(reason, {{"missing", "a provider, or a device, whose register it may be"}});
    }
    return {};
}

// What the firmware measured into the provider's registers, and others before mrd started.
mrd::journal::LogFiles logs_of(const mrd::CommandLine &command_line, const mrd::ProviderConfig &provider) {
    // The kernel's file is of the hardware's registers: it says nothing of simulated ones.
    const auto usual =
        mrd::is_simulated(provider) ? std::filesystem::path(command_line.simulated_td.ccel) : mrd::kernel_firmware_log(provider.type);
    const auto configured = provider.firmware_log ? provider.firmware_log : command_line.config.journal.firmware_log;
    const auto path = configured.value_or(usual);
    mrd::journal::LogFiles files;
    files.earlier = provider.earlier_logs;
    if (path.empty() || path == "none" || (!configured && !std::filesystem::exists(path))) return files;
    if (auto good = mrd::check_ccel_table(path); good) {
        files.firmware = path;
    } else {
        files.why_no_firmware = std::move(good.error());
    }
    return files;
}

// Those that are configured, and what the machine has where that is asked for: which says so.
std::expected<std::vector<mrd::ProviderConfig>, std::string> find_providers(const mrd::Config &config) {
    const bool is_wanted = std::ranges::find(config.providers, mrd::automatic_type, &mrd::ProviderConfig::type) != config.providers.end();
    auto discovered = mrd::discover(config.providers, is_wanted ? mrd::look_for_hardware() : std::vector<mrd::Looked>());
    if (!discovered) return Failure(discovered.error());
    if (!discovered->told.empty()) mrd::log::info(discovered->told);
    return std::move(discovered->providers);
}

// `open`, `command_line` and `provider` outlive it. `misruled` is set when what the configuration says of its registers cannot be.
mrd::ConfiguredProvider configured(const mrd::OpenProvider &open, const mrd::CommandLine &command_line, const mrd::ProviderConfig &provider,
                                   const std::string &boot_id, const std::shared_ptr<std::atomic<bool>> &misruled) {
    const auto rule = [&command_line, &provider,
                       misruled](std::vector<mrd::RegisterSpec> registers) -> std::expected<std::vector<mrd::RegisterSpec>, std::string> {
        const auto &config = command_line.config;
        auto ruled = mrd::apply_rules(provider.name, mrd::give_roles(provider.name, std::move(registers), config.roles), config.rules);
        if (ruled) ruled = mrd::apply_roles(provider.name, std::move(*ruled), config.roles);
        if (!ruled) *misruled = true;
        return ruled;
    };
    return {.name = provider.name,
            .type = provider.type,
            .required = provider.required,
            .simulated = mrd::is_simulated(provider),
            .open = [&open, &command_line, &provider, boot_id, rule]() -> std::expected<mrd::ReadProvider, std::string> {
                auto opened = open(provider, {command_line.config.state, boot_id, command_line.simulated_td});
                if (!opened) return Failure(opened.error());
                std::vector<mrd::RegisterSpec> registers;
                if (auto *driver = (*opened)->registers()) {
                    auto ruled = rule(driver->list());
                    if (!ruled) return Failure(ruled.error());
                    registers = std::move(*ruled);
                }
                return mrd::ReadProvider::read(std::move(*opened), std::move(registers), mrd::Registers::first_generation());
            },
            .rule = rule,
            .logs = [&command_line, &provider] { return logs_of(command_line, provider); }};
}

// All of these outlive the daemon.
std::expected<void, Refusal> open_providers(const mrd::OpenProvider &open, const mrd::CommandLine &command_line,
                                            const std::vector<mrd::ProviderConfig> &providers, mrd::Daemon &daemon) {
    const auto &config = command_line.config;
    const auto id = boot_id(config);
    if (!id) return Failure(id.error());
    daemon.registers().set_roles(config.roles);
    for (const auto &provider : providers) {
        const auto misruled = std::make_shared<std::atomic<bool>>(false);  // it is opened again on other threads
        if (auto opened = daemon.open(configured(open, command_line, provider, *id, misruled)); !opened)
            return std::unexpected(Refusal(opened.error(), *misruled ? mrd::exit_usage : mrd::exit_refused));
    }
    if (auto all_match = check_rules(config, daemon); !all_match) return all_match;
    if (auto all_good = check_roles(config, daemon); !all_good) return all_good;
    if (daemon.simulated()) mrd::log::warning("the registers are simulated: they prove nothing");
    return {};
}

// ---- The journal

std::expected<std::unique_ptr<mrd::journal::Journal>, std::string> open_journal(asio::io_context &loop, const mrd::Config &config,
                                                                                const mrd::journal::OpenFile &open_file,
                                                                                std::function<void()> on_progress) {
    auto id = boot_id(config);
    if (!id) return Failure(id.error());
    return mrd::journal::Journal::open(loop, {.folder = config.state,
                                              .boot_id = std::move(*id),
                                              .size_limit = config.journal.size_limit,
                                              .sync = config.journal.sync,
                                              .open_file = open_file,
                                              .on_progress = std::move(on_progress)});
}

// What the configuration names is as trusted as itself: with a log others would say what the firmware did, with another boot's id begin a new journal.
std::expected<void, std::string> check_named_files(const mrd::Config &config) {
    std::vector<std::filesystem::path> named;
    if (config.boot_id_file != mrd::Config().boot_id_file) named.push_back(config.boot_id_file);
    const auto add = [&named](const std::optional<std::filesystem::path> &log) {
        if (log && *log != "none") named.push_back(*log);
    };
    add(config.journal.firmware_log);
    for (const auto &provider : config.providers) {
        add(provider.firmware_log);
        for (const auto &log : provider.earlier_logs) add(log);
        for (const auto &file : {provider.device.roots, provider.device.interface_report}) {
            if (!file.empty()) add(file);
        }
    }
    for (const auto &file : named) {
        if (auto trusted = mrd::check_trusted_file(file); !trusted) return trusted;
    }
    return {};
}

// A path that somebody configured leads to a file. (What is wrong within the file is the firmware's fault, and no reason not to start.)
std::expected<void, std::string> check_firmware_logs(const mrd::Config &config) {
    std::vector<std::optional<std::filesystem::path>> configured{config.journal.firmware_log};
    for (const auto &provider : config.providers) configured.push_back(provider.firmware_log);
    for (const auto &path : configured) {
        if (!path || *path == "none") continue;
        std::error_code error;
        if (!std::filesystem::is_regular_file(*path, error))
            return Failure("the firmware log " + path->string() + " is no file" + (error ? ": " + error.message() : ""));
        if (::access(path->c_str(), R_OK) != 0) return Failure("the firmware log " + path->string() + " may not be read");
    }
    return {};
}

// ---- What mrd says of itself

constexpr std::string_view no_mrd_in_log = "the log does not say which mrd this is";

// Into which register, or role: the configured one; by default, on hardware, that of the role. Nothing: into none.
std::optional<std::string> where_itself(const mrd::Config &config, const std::vector<mrd::ProviderConfig> &providers) {
    if (config.measure_itself) return *config.measure_itself == mrd::no_register ? std::nullopt : config.measure_itself;
    if (std::ranges::any_of(providers, [](const mrd::ProviderConfig &each) { return mrd::is_simulated(each); })) return std::nullopt;
    return std::string(mrd::SelfMeasurement::usual_role);
}

// Nobody is served before it is there. What was asked for keeps mrd from starting where it fails; what mrd does by itself is left, and said. Null: there is none.
std::expected<std::unique_ptr<mrd::SelfMeasurement>, Refusal> measure_itself(asio::io_context &loop, mrd::Daemon &daemon,
                                                                             const mrd::Config &config, const std::string &into,
                                                                             mrd::SelfDescription description) {
    const bool is_asked_for = config.measure_itself.has_value();
    auto self = std::make_unique<mrd::SelfMeasurement>(daemon, into, is_asked_for);
    if (const auto place = self->place(); !place) {
        if (!is_asked_for) {
            mrd::log::info(place.error(), {{"so", no_mrd_in_log}});
            return nullptr;
        }
        if (daemon.more_may_come()) return Failure(place.error());
        return misconfigured(place.error());
    }
    std::optional<std::expected<void, std::string>> result;
    self->measure(std::move(description), [&result](std::expected<void, std::string> measured) { result = std::move(measured); });
    const auto work = asio::make_work_guard(loop);
    while (!result && !loop.stopped()) loop.run_one();
    if (!result) return Failure("mrd is stopped before it has measured itself");
    if (*result) return self;
    if (is_asked_for) return Failure(result->error());
    mrd::log::warning(result->error(), {{"so", no_mrd_in_log}});
    return nullptr;
}

// ---- Folders, locks, descriptors

// Whoever tries mrd out is seldom root, and the usual places are root's.
std::string may_need_root(std::string reason) {
    if (reason.ends_with(std::generic_category().message(EACCES)))
        reason += ": run mrd as root, or give it places of this user's (--state, --socket)";
    if (reason.ends_with(std::generic_category().message(EROFS))) reason += ": give it places that can be written (--state, --socket)";
    return reason;
}

// The lock is held as long as mrd runs.
std::expected<varlink::FileDescriptor, std::string> lock_state(const mrd::Config &config) {
    if (auto made = mrd::make_own_folder(config.state, 0700, mrd::Others::write_nothing); !made) return Failure(made.error());
    return mrd::lock_file(config.state / "lock", "the state directory " + config.state.string());
}

// What mrd itself opens: journal, state and keys, for a moment a file that replaces one, /proc of a caller; and one listener's socket and lock.
constexpr rlim_t own_descriptors = 40;
constexpr rlim_t descriptors_of_a_listener = 2;  // each further one

// A connection needs a descriptor; what the service manager allows by default is fewer than max_connections. Where the limit cannot be raised, there are fewer
// connections.
std::expected<varlink::Limits, std::string> fit_descriptors(const mrd::Config &config, std::size_t metrics_sockets) {
    auto limits = config.limits;
    rlimit allowed{};
    if (::getrlimit(RLIMIT_NOFILE, &allowed) != 0) return limits;
    const rlim_t for_metrics = metrics_sockets == 0 ? 0 : metrics_sockets + mrd::MetricsListener::usual().connections;
    const rlim_t own = own_descriptors + descriptors_of_a_listener * (config.listeners.size() - 1) + for_metrics;
    const rlim_t wanted = limits.max_connections + own;
    if (allowed.rlim_cur >= wanted) return limits;
    auto raised = allowed;
    raised.rlim_cur = std::min(allowed.rlim_max, wanted);
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) allowed = raised;
    if (allowed.rlim_cur >= wanted) return limits;
    if (allowed.rlim_cur <= own)
        return Failure("the limit of " + std::to_string(allowed.rlim_cur) +
                       " open files leaves none for a connection: raise LimitNOFILE (ulimit -n) above " + std::to_string(own));
    limits.max_connections = allowed.rlim_cur - own;
    mrd::log::warning("max_connections is lowered to what the limit of open files allows: raise LimitNOFILE (ulimit -n)",
                      {{"max_connections", std::to_string(limits.max_connections)}, {"limit", std::to_string(allowed.rlim_cur)}});
    return limits;
}

// ---- Running

void stop_when_done(asio::io_context &loop, const mrd::Daemon &daemon) {
    // Calls whose clients have gone run on: what was asked of the hardware is finished.
    const auto open = std::make_shared<std::size_t>(daemon.providers().size());
    if (*open == 0) return loop.stop();
    for (auto *provider : daemon.providers()) {
        provider->when_idle([open, &loop] {
            if (--*open == 0) loop.stop();
        });
    }
}

// Without one mrd can reread and extend no hardware any more: it ends, so that the service manager starts it again.
std::vector<asio::posix::stream_descriptor> watch_openers(asio::io_context &loop, std::vector<varlink::FileDescriptor> openers,
                                                          std::string &ended) {
    std::vector<asio::posix::stream_descriptor> watched;
    for (auto &opener : openers) {
        watched.emplace_back(loop, opener.release())
            .async_wait(asio::posix::stream_descriptor::wait_read, [&loop, &ended](const boost::system::error_code &error) {
                if (error) return;
                ended = "an opener has ended, which opens for mrd what it may not open itself";
                loop.stop();
            });
    }
    return watched;
}

// The port that is configured, unless sockets were passed: then it is those.
std::expected<void, std::string> open_for_metrics(const mrd::MetricsConfig &config, std::vector<varlink::FileDescriptor> &sockets) {
    if (sockets.empty() && config.port) {
        auto socket = mrd::listen_for_metrics(config.address, *config.port);
        if (!socket) return Failure(socket.error());
        sockets.push_back(std::move(*socket));
        if (const auto warning = mrd::warning_of(config)) mrd::log::warning(*warning);
    }
    return {};
}

std::expected<void, Refusal> serve(const mrd::CommandLine &command_line, const mrd::Seams &seams) {
    const auto &config = command_line.config;
    const auto manager = mrd::ServiceManager::from_environment();
    mrd::StartProgress progress(manager);
    if (auto trusted = check_named_files(config); !trusted) return misconfigured(trusted.error());
    if (auto good = check_firmware_logs(config); !good) return good;
    auto rules = mrd::make_access_rules(config.access);
    if (!rules) return misconfigured(rules.error());
    if (auto good = mrd::check_listeners(config.listeners, *rules, config.state); !good) return misconfigured(good.error());
    const auto providers = find_providers(config);
    if (!providers) return Failure(providers.error());
    if (auto good = mrd::check_provider_names(config, *providers); !good) return misconfigured(good.error());
    auto passed = mrd::take_passed_sockets();
    if (!passed) return Failure(passed.error());
    auto for_metrics = mrd::take_metrics_sockets(*passed);
    if (!for_metrics) return Failure(for_metrics.error());
    auto assigned = mrd::assign_sockets(config.listeners, std::move(*passed));
    if (!assigned) return Failure(assigned.error());
    const auto identity = mrd::wanted_identity(config);
    if (!identity) return misconfigured(identity.error());
    if (*identity) mrd::expect_user((*identity)->uid);
    if (const auto warning = mrd::warning_of_root(config, *providers)) mrd::log::warning(*warning);

    // Before the state directory, of which nothing is made where another mrd has a socket of these. Nobody can connect before somebody listens.
    auto listeners = mrd::open_listeners(config.listeners, std::move(*assigned), *rules);
    if (!listeners) return Failure(may_need_root(listeners.error()));
    const auto state_lock = lock_state(config);
    if (!state_lock) return Failure(may_need_root(state_lock.error()));
    if (auto opened = open_for_metrics(config.metrics, *for_metrics); !opened) return opened;
    const auto limits = fit_descriptors(config, for_metrics->size());
    if (!limits) return Failure(limits.error());
    auto memory = mrd::Metrics::open_memory();
    mrd::SelfDescription itself{.configuration = config.digest,
                                .access = mrd::sha384_text(mr::as_bytes(mrd::access_text(*rules))),
                                .options = command_line.given,
                                .roles = {config.roles.begin(), config.roles.end()}};
    auto itself_into = where_itself(config, *providers);
    if (itself_into) {
        // Confined, mrd may not read its own program any more.
        auto program = mrd::digest_of_running_program();
        if (!program && config.measure_itself) return Failure(program.error());
        if (program) {
            itself.binary = std::move(*program);
        } else {
            mrd::log::warning(program.error(), {{"so", no_mrd_in_log}});
            itself_into.reset();
        }
    }
    auto surroundings = surroundings_for(config);
    // A socket that was passed has the mode that whoever made it gave it.
    for (const auto &listener : *listeners) {
        if (!listener.file)
            std::ranges::find(surroundings.listeners, listener.config->name, &mrd::RuleSurroundings::Listener::name)->mode.reset();
    }
    auto openers = mrd::confine(command_line, *providers, *listeners, *identity);
    if (!openers) return Failure(openers.error());

    asio::io_context loop(1);
    std::string ended;
    const auto watched = watch_openers(loop, std::move(*openers), ended);
    auto journal = open_journal(loop, config, seams.open_file, [&progress] { progress.went_on(); });
    if (!journal) return Failure(journal.error());
    mrd::Daemon daemon(loop, **journal);
    mrd::set_audit(config, daemon);
    mrd::warn_of_access(*rules, surroundings);
    daemon.set_access(std::move(*rules));
    for (const auto &listener : config.listeners) {
        if (listener.bound_only) daemon.gate()->bound_only.insert(listener.name);
    }
    const auto &access = daemon.gate()->access;
    auto &registers = daemon.registers();
    registers.on_divergence([](mrd::Registers::Place place) {
        const auto &divergence = *place.table().divergence(place.index);
        mrd::log::warning(mrd::log::Kind::divergence,
                          place.table().was_reset(place.index)
                              ? "software has reset a register: its next extend is logged as one that follows a reset"
                              : "a register holds what the log does not explain: somebody else extended it, or records are missing",
                          {{"register", place.name()},
                           {"expected", mr::to_hex(divergence.expected.bytes())},
                           {"found", mr::to_hex(divergence.found.bytes())}});
    });

    if (!config.rules.empty()) registers.on_appearance([&config](mrd::Registers::Place place) { warn_of_another_bank(config, place); });

    if (auto opened = open_providers(seams.open_provider, command_line, *providers, daemon); !opened) return opened;
    if (auto started = daemon.start_journal(); !started) return started;
    std::unique_ptr<mrd::SelfMeasurement> self;
    if (itself_into) {
        auto measured = measure_itself(loop, daemon, config, *itself_into, std::move(itself));
        if (!measured) return std::unexpected(std::move(measured.error()));
        self = std::move(*measured);
    }
    progress.end();
    mrd::warn_of_registers(daemon);
    daemon.on_late([&config, &daemon](mrd::ProviderSlot &) {
        mrd::warn_of_registers(daemon);
        for (const auto &good : {check_rules(config, daemon), check_roles(config, daemon)}) {
            if (!good) mrd::log::warning(good.error().reason);
        }
    });

    // The services outlive the server: their subscriptions end with the connections.
    std::vector<std::unique_ptr<varlink::Service>> services;
    std::optional<varlink::Server> server;
    const mrd::ServiceFacts facts{mrd::now_in_microseconds(), [&server] { return server->counters(); }, *limits,
                                  config.journal.sync == mrd::journal::Sync::group ? "group" : "none"};
    const auto metrics = std::make_shared<mrd::Metrics>(daemon, facts, std::move(memory));
    const auto interfaces = mrd::make_interfaces(daemon, facts, metrics);
    server.emplace(loop, *limits, [&access](uid_t uid) { return access.rules().share_of(uid); });
    // As many of each user as of what users change: nobody fills the log by breaking off, or by coming again and again.
    const auto tell_of = [shares = std::make_shared<mrd::AuditShares>()](std::string_view what) {
        return [shares, what](const varlink::Peer &peer, std::string_view why) {
            if (const auto untold = shares->take(peer.share, mrd::AuditShares::TimePoint::clock::now()))
                mrd::log::warning(what, {{"reason", why},
                                         {"uid", std::to_string(peer.uid)},
                                         {"pid", std::to_string(peer.pid)},
                                         {"untold", std::to_string(*untold)}});
        };
    };
    server->on_closed(tell_of("a connection is closed"));
    server->on_refused(tell_of("a connection is refused"));

    // Before the sockets: a signal that comes right after the first answer must find its handler.
    asio::signal_set signals(loop, SIGTERM, SIGINT);
    asio::signal_set reload(loop, SIGHUP);
    // As systemd's own services take them (systemd(1)): tell all; and as much as at the start.
    asio::signal_set levels(loop, SIGRTMIN + 22, SIGRTMIN + 23);
    const std::string first_level(mrd::log::level());
    const std::function<void()> wait_for_level = [&] {
        levels.async_wait([&](const boost::system::error_code &error, int signal) {
            if (error) return;
            mrd::log::change_level(signal == SIGRTMIN + 22 ? "debug" : first_level, "a signal");
            wait_for_level();
        });
    };
    wait_for_level();
    asio::steady_timer grace(loop);
    bool stopping = false;
    const auto finish = [&] { stop_when_done(loop, daemon); };
    const auto stop = [&] {
        if (std::exchange(stopping, true)) return;
        manager.tell("STOPPING=1");
        mrd::log::info(mrd::log::Kind::stopping, "stopping");
        server->on_empty(finish);
        server->stop();
        for (auto *provider : daemon.providers()) provider->interrupt();
        if (server->connections() == 0) return finish();
        grace.expires_after(stop_grace);
        grace.async_wait([&finish](const boost::system::error_code &error) {
            if (!error) finish();
        });
    };
    signals.async_wait([&stop](const boost::system::error_code &error, int) {
        if (!error) stop();
    });

    const std::function<void()> wait_for_reload = [&] {
        reload.async_wait([&](const boost::system::error_code &error, int) {
            if (error) return;
            mrd::reload(command_line.config_file, config, surroundings, daemon, self.get(), [&](bool is_new) {
                if (is_new) mrd::fit_modes(*listeners, access.rules());
                wait_for_reload();
            });
        });
    };
    wait_for_reload();
    std::string sockets;
    for (auto &listener : *listeners) {
        sockets += (sockets.empty() ? "" : ", ") + (listener.file ? listener.config->path : listener.config->name + " (passed)");
        auto &service = *services.emplace_back(mrd::make_service(daemon, interfaces, *listener.config));
        if (listener.listening) {
            server->accept_on(std::move(listener.socket), service);
        } else {
            server->serve(std::move(listener.socket), service);
            // Not from within: stop() puts another handler in the place of the one that runs.
            server->on_empty([&loop, &stop] { asio::post(loop, stop); });
        }
    }
    for (const auto &socket : *for_metrics) mrd::log::info("metrics are told over HTTP", {{"at", mrd::name_of_socket(socket)}});
    const mrd::MetricsListener metrics_listener(loop, std::move(*for_metrics), [metrics] { return metrics->text(); });
    mrd::log::info(mrd::log::Kind::ready, "ready", {{"sockets", sockets}, {"state", config.state.string()}, {"version", MRD_VERSION}});
    manager.tell("READY=1");
    mrd::Watchdog watchdog(loop, manager);
    watchdog.start();
    loop.run();
    if (!ended.empty()) return Failure(ended);
    return {};
}

// What the start would refuse on any machine, and of this one what can be told without its hardware. Nothing is started, and nothing is made.
int check(const mrd::Config &config) {
    const auto refuse = [](const std::string &why) {
        mrd::log::to_standard_error();
        mrd::log::error(why);
        return mrd::exit_usage;
    };
    const auto rules = mrd::make_access_rules(config.access);
    if (!rules) return refuse(rules.error());
    if (const auto good = mrd::check_listeners(config.listeners, *rules, config.state); !good) return refuse(good.error());
    if (const auto good = mrd::check_provider_names(config, config.providers); !good) return refuse(good.error());
    if (const auto user = mrd::configured_user(config); !user) return refuse(user.error());
    mrd::warn_of_access(*rules, surroundings_for(config));
    if (const auto trusted = check_named_files(config); !trusted) return refuse(trusted.error());
    if (const auto warning = mrd::warning_of(config.metrics)) mrd::log::warning(*warning);
    return exit_done;
}

}  // namespace

int mrd::run(int argc, char **argv, const Seams &seams) {
    varlink::fill_standard_descriptors();
    // Whatever it was: what mrd makes is for mrd, and has the mode that it asks for. Folders get theirs set.
    ::umask(0077);
    // No configuration file of OpenSSL: reading it would double the time to the first answer, and nothing here can be configured in it. Nor its lists of names, which are of
    // algorithms that nobody asks for by name here.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS, nullptr);
    // What is large is given back to the system when it is freed, however large it was before.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);  // NOLINT(concurrency-mt-unsafe): there is one thread yet
    // NOLINTBEGIN(cert-err33-c): SIG_IGN for a known signal cannot fail
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is an error of the write
    // NOLINTEND(cert-err33-c)

    log::open(seams.system_journal, &connect_to_journal);
    const auto command_line = parse_command_line(argc, argv);
    if (!command_line) return command_line.error().exit_code;
    if (command_line->check) return check(command_line->config);
    if (const auto result = serve(*command_line, seams); !result) {
        log::to_standard_error();
        log::error(result.error().reason);
        return result.error().exit_code;
    }
    return exit_done;
}
