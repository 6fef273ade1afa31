#include "mrd/quoting_service/run.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <expected>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "libmr/src/command_line.h"
#include "mr/event_content.h"
#include "mr/file.h"
#include "mrd/daemon/activation.h"
#include "mrd/daemon/listeners.h"
#include "mrd/daemon/socket_address.h"
#include "mrd/log.h"
#include "mrd/own_files.h"
#include "mrd/providers/qgs/address.h"
#include "mrd/quoting_service/answer.h"
#include "mrd/quoting_service/confine.h"

namespace mrd::quoting_service {
namespace {

using Failure = std::unexpected<std::string>;

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

constexpr mode_t socket_mode = 0666;       // a quote is over what the TD itself reported, whoever brings it
constexpr int queue_of_connections = 64;   // that the kernel keeps until they are accepted
constexpr std::size_t max_listeners = 16;  // of one service

struct CommandLine {
    std::vector<qgs::Address> addresses;
    std::filesystem::path report_key;  // empty: the TD's
    PlatformOptions platform{.state = "/run/mrd/state"};
};

// Error: the exit code. What there is to say has been printed.
std::expected<CommandLine, int> parse(int argc, char **argv) {
    CommandLine command_line;
    std::vector<std::string> addresses;
    std::string state = command_line.platform.state;
    std::string format(sim::to_string(command_line.platform.format));
    std::string report_key;
    CLI::App app{"Intel's quote generation service (QGS) for the platform of mrd's simulator; its quotes prove nothing",
                 "mrd-quoting-service"};
    app.add_option("--listen", addresses, "Where it listens: the path of a Unix socket, vsock:PORT or vsock:CID:PORT; may be given again")
        ->type_name("ADDRESS")
        ->required()
        ->allow_extra_args(false);
    app.add_option("--state", state, "State directory of the mrd whose platform it is; made where it is not there [/run/mrd/state]")
        ->type_name("FOLDER");
    app.add_option("--provider", command_line.platform.provider, "Name of the simulator's provider in it [tdx]")->type_name("NAME");
    app.add_option("--format", format, "Of the quotes")->type_name("{tdx_v4,tdx_v5_td10,tdx_v5_td15}")->capture_default_str();
    app.add_option("--report-key", report_key,
                   "32 bytes: the key of another module in software, whose TDREPORTs are quoted in the place of the simulator's")
        ->type_name("FILE");
    app.set_version_flag("--version", MRD_VERSION);
    mr::refuse_empty_values(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        return std::unexpected(mr::answer_command_line(app, error, "mrd-quoting-service", exit_usage));
    }
    const auto refuse = [](const std::string &message) {
        std::cerr << "mrd-quoting-service: " << mr::printable_text(message) << '\n';
        return std::unexpected(exit_usage);
    };
    if (addresses.size() > max_listeners) return refuse("--listen: a service has at most " + std::to_string(max_listeners));
    for (const auto &text : addresses) {
        auto address = qgs::Address::parse_listening(text);
        if (!address) return refuse("--listen: " + address.error());
        command_line.addresses.push_back(std::move(*address));
    }
    constexpr std::array formats{sim::QuoteFormat::v4, sim::QuoteFormat::v5_td10, sim::QuoteFormat::v5_td15};
    const auto *const known = std::ranges::find(formats, format, [](auto each) { return sim::to_string(each); });
    if (known == formats.end()) return refuse("--format must be tdx_v4, tdx_v5_td10 or tdx_v5_td15");
    if (command_line.platform.provider.contains('/')) return refuse("--provider is the name of a provider, without a slash");
    command_line.platform.format = *known;
    command_line.platform.state = state;
    command_line.report_key = report_key;
    return command_line;
}

// More than a key's, so that what is none (hexadecimal, a certificate) is told by its size.
constexpr std::size_t max_key_file = 4096;

std::expected<sim::ReportKey, std::string> read_key(const std::filesystem::path &file) {
    sim::ReportKey key{};
    auto bytes = mr::read_file(file, max_key_file);
    if (!bytes) return Failure("--report-key: " + bytes.error().message);
    if (bytes->size() == key.size() + 1 && bytes->back() == '\n') bytes->pop_back();  // as a kernel module's parameter
    if (bytes->size() != key.size())
        return Failure("--report-key: " + file.native() + " has " + std::to_string(bytes->size()) +
                       " bytes: a key has 32, as such and not as hexadecimal; a line feed may follow");
    std::ranges::copy(*bytes, key.begin());
    return key;
}

struct Listening {
    std::vector<varlink::FileDescriptor> sockets;
    std::vector<SocketFile> files;  // removed with this
};

std::expected<Listening, std::string> listen_on(const std::vector<qgs::Address> &addresses) {
    Listening all;
    for (const auto &address : addresses) {
        const auto failed = [&address] {
            return Failure("cannot listen on " + address.text() + ": " + std::generic_category().message(errno));
        };
        varlink::FileDescriptor socket;
        if (!address.path.empty()) {
            auto bound = bind_socket_file(address.path, {.mode = socket_mode});
            if (!bound) return Failure(bound.error());
            socket = std::move(bound->socket);
            all.files.push_back(std::move(bound->file));
        } else {
            socket = varlink::FileDescriptor(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            const auto bytes = address.bytes();
            if (!socket ||
                ::bind(socket.get(), reinterpret_cast<const sockaddr *>(bytes.data()), static_cast<socklen_t>(bytes.size())) != 0)
                return failed();
        }
        if (::listen(socket.get(), queue_of_connections) != 0) return failed();
        all.sockets.push_back(std::move(socket));
    }
    return all;
}

std::expected<void, std::string> serve(CommandLine command_line) {
    const auto manager = ServiceManager::from_environment();
    if (!command_line.report_key.empty()) {
        const auto key = read_key(command_line.report_key);
        if (!key) return Failure(key.error());
        command_line.platform.report_key = *key;
    }
    const auto state = command_line.platform.state;
    if (auto made = make_own_folder(state, 0700, Others::write_nothing); !made) return made;
    auto platform = Platform::open(std::move(command_line.platform));
    if (!platform) return Failure(platform.error());
    auto listening = listen_on(command_line.addresses);
    if (!listening) return Failure(listening.error());

    boost::asio::io_context loop(1);
    boost::asio::signal_set signals(loop, SIGTERM, SIGINT);
    signals.async_wait([&loop](const boost::system::error_code &error, int) {
        if (!error) loop.stop();
    });
    std::string names;
    for (const auto &socket : listening->sockets) names += (names.empty() ? "" : ", ") + name_of_socket(socket);
    std::vector<std::filesystem::path> files;
    for (const auto &file : listening->files) files.push_back(file.path());
    const auto openers = confine(state, files);
    if (!openers) return Failure(openers.error());
    const RequestListener listener(
        loop, std::move(listening->sockets), [&platform](mr::ByteView received) { return answer(*platform, received); }, usual_limits);
    log::info("the simulator's quoting service answers", {{"at", names}, {"state", state.native()}, {"version", MRD_VERSION}});
    manager.tell("READY=1");
    loop.run();
    return {};
}

}  // namespace

int run(int argc, char **argv) {
    varlink::fill_standard_descriptors();
    ::umask(0077);
    std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): of a known signal it cannot fail
    auto command_line = parse(argc, argv);
    if (!command_line) return command_line.error();
    if (const auto served = serve(std::move(*command_line)); !served) {
        log::error(served.error());
        return exit_failed;
    }
    return exit_done;
}

}  // namespace mrd::quoting_service
