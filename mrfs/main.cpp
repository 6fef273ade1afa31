// The command line of mrfs.
#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>

#include "libmr/src/command_line.h"
#include "mr/client.h"
#include "mr/event_content.h"
#include "mrfs/file_system.h"
#include "mrfs/mount.h"
#include "mrfs/service.h"
#include "proto/varlink/file_descriptor.h"

namespace {

enum ExitCode : int { exit_done = 0, exit_failed = 1, exit_usage = 2, exit_no_service = 3 };

int fail(std::string message, int code) {
    std::ranges::replace(message, '\n', ' ');
    std::cerr << "mrfs: " << mr::printable_text(message) << '\n';
    return code;
}

// Where it cannot be read, what the kernel begins with.
uid_t overflow_uid() {
    uid_t uid = 65'534;
    std::ifstream("/proc/sys/kernel/overflowuid") >> uid;
    return uid;
}

}  // namespace

int main(int argc, char **argv) {
    varlink::fill_standard_descriptors();
    mr::ClientOptions client;
    mrfs::FileSystem::Options options;
    mrfs::MountOptions mount;
    std::string user;

    CLI::App app{
        "Shows the measurement registers of this machine, its reports and its log as the files that Linux has of them, through mrd",
        "mrfs"};
    app.set_version_flag("--version", MRD_VERSION);
    app.footer("It serves until it is told to end (SIGTERM) or unmounted. Exit: 0 done, 1 failed, 2 wrong usage, 3 no service.");
    app.add_option("--socket", client.socket, "mrd's socket [$MRD_SOCKET, or /run/mrd/io.mrd]")->type_name("FILE");
    app.add_option("--provider", options.provider,
                   "Whose registers are in measurements/, and who makes the quotes [the TD's, or the first that has reports, or the first]")
        ->type_name("PROVIDER");
    app.add_flag("--for-everyone", mount.for_everyone,
                 "All users may look in; mrd is told whose call each is, and has to take mrfs's word [only who starts it]");
    app.add_option("--user", user, "Who serves, with --for-everyone: a user of this machine [who starts it]")->type_name("USER");
    app.add_option("MOUNTPOINT", mount.mountpoint, "Folder to mount on")->type_name("FOLDER")->required();
    mr::refuse_empty_values(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        return mr::answer_command_line(app, error, "mrfs", exit_usage);
    }

    if (!user.empty()) {
        // Whose files they are would be another than who sees them.
        if (!mount.for_everyone) return fail("--user goes with --for-everyone: without it mrfs serves whoever starts it", exit_usage);
        // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
        const auto *entry = ::getpwnam(user.c_str());
        if (entry == nullptr) return fail("this machine has no user " + user, exit_usage);
        if (::geteuid() != 0) return fail("only root can become another user: start mrfs as root, or as " + user, exit_usage);
        mount.identity = confinement::Identity{.uid = entry->pw_uid, .gid = entry->pw_gid};
    }
    options.owner = {.uid = ::geteuid(), .gid = ::getegid()};
    mrfs::Service service(mr::socket_of(client), mount.for_everyone);
    mrfs::FileSystem files(service, options);
    if (const auto there = files.ask_for_registers(); !there)
        return fail(there.error().message, there.error().code == mr::ErrorCode::no_service ? exit_no_service : exit_failed);
    // A connection is of who made it: none is left for another user to ask by.
    service.close_connections();
    mrfs::Served served{.files = files, .only = std::nullopt, .overflow_uid = overflow_uid()};
    if (!mount.for_everyone) served.only = ::geteuid();
    const auto ended = mrfs::serve_mount(mount, served);
    return ended ? exit_done : fail(ended.error(), exit_failed);
}
