// mrd-sim-device: a device in software that answers over SPDM, for who has none to try mrd's provider `spdm` with (docs/devices.md). It proves nothing: its keys and its roots are made when it
// starts.
//
// SIGUSR1 unplugs it, SIGUSR2 plugs it in again, SIGHUP resets it, SIGSTOP makes it hang. Exit: 0 ended by SIGTERM or SIGINT, 1 failed, 2 wrong usage.
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "libmr/src/command_line.h"
#include "mr/file.h"
#include "mrd/daemon/listeners.h"
#include "tests/spdm/responder.h"

namespace {

using mr::spdm_test::BlockType;

constexpr int done = 0;
constexpr int failed = 1;
constexpr int wrong_usage = 2;

constexpr mode_t socket_mode = 0666;

struct CommandLine {
    std::string socket;
    std::string roots;
    std::string firmware;
    std::string transport = "mctp";
};

mr::Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// SPDM 1.3 in normal mode, with a log that leads to its hash-extend block; each slot has a root of its own.
mr::spdm_test::DeviceOptions device_of(const CommandLine &command_line) {
    mr::spdm_test::DeviceOptions device;
    device.framing = command_line.transport == "doe" ? mr::spdm_test::Framing::doe : mr::spdm_test::Framing::mctp;
    device.version = 0x13;
    device.slots.emplace(0, mr::spdm_test::SlotPki("simulated device"));
    device.slots.emplace(1, mr::spdm_test::SlotPki("simulated device of another owner"));
    device.blocks = {
        {.index = 1, .type = BlockType::rom, .content = bytes_of("rom")},
        {.index = 2, .type = BlockType::firmware, .content = {}, .file = command_line.firmware},
        {.index = 5, .type = BlockType::device_mode, .is_raw = true, .content = {4, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
        {.index = 7, .type = BlockType::svn, .is_raw = true, .content = {5, 0, 0, 0, 0, 0, 0, 0}},
        {.index = 17, .type = BlockType::hash_extend, .content = {}}};
    device.extension_log = {bytes_of("first"), bytes_of("second")};
    return device;
}

int fail(const std::string &reason) {
    std::cerr << "mrd-sim-device: " << mr::printable_text(reason) << '\n';
    return failed;
}

int serve(const CommandLine &command_line) {
    // Blocked in all threads: they are waited for below.
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) ::sigaddset(&signals, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    // Later, one that cannot be read is a firmware that is empty.
    if (const auto firmware = mr::read_file(command_line.firmware, mr::spdm_test::max_block_file_size); !firmware)
        return fail(firmware.error().message);
    auto options = device_of(command_line);
    // Before the socket: who waits for that finds them.
    std::ofstream roots(command_line.roots);
    for (const auto &[number, pki] : options.slots) roots << pki.root_pem();
    roots.close();
    if (!roots.good()) return fail("cannot write " + command_line.roots);
    auto bound = mrd::bind_socket_file(command_line.socket, {.mode = socket_mode});
    if (!bound) return fail(bound.error());
    if (::listen(bound->socket.get(), 8) != 0)
        return fail("cannot listen on " + command_line.socket + ": " + std::generic_category().message(errno));
    mr::spdm_test::Responder device(std::move(options), std::move(bound->socket));
    for (;;) {
        int signal = 0;
        ::sigwait(&signals, &signal);
        switch (signal) {
        case SIGUSR1: device.unplug(); break;
        case SIGUSR2: device.plug(); break;
        case SIGHUP: device.reset(); break;
        default: return done;
        }
    }
}

}  // namespace

int main(int argc, char **argv) {
    CommandLine command_line;
    CLI::App app{"A device in software that answers over SPDM, to try mrd with; it proves nothing", "mrd-sim-device"};
    app.footer(
        "SIGUSR1 unplugs it, SIGUSR2 plugs it in again, SIGHUP resets it, SIGSTOP makes it hang until SIGCONT. Each start is another "
        "device: it has other keys and roots.");
    app.add_option("--listen", command_line.socket, "Path of the Unix socket where it answers")->type_name("PATH")->required();
    app.add_option("--roots", command_line.roots, "Where it writes the roots of its slots 0 and 1, PEM")->type_name("FILE")->required();
    app.add_option("--firmware", command_line.firmware, "What its block 2 is the SHA-384 of, read each time that it measures")
        ->type_name("FILE")
        ->required();
    app.add_option("--transport", command_line.transport, "As in mrd's configuration")
        ->type_name("{mctp,doe}")
        ->check(CLI::IsMember({"mctp", "doe"}).description(""))
        ->capture_default_str();
    app.set_version_flag("--version", MRD_VERSION);
    mr::refuse_empty_values(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        return mr::answer_command_line(app, error, "mrd-sim-device", wrong_usage);
    }
    return serve(command_line);
}
