// The command line of mrfs.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <string>

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

}  // namespace

int main(int argc, char **argv) {
    varlink::fill_standard_descriptors();
    mr::ClientOptions client;
    mrfs::FileSystem::Options options;
    mrfs::MountOptions mount;

    CLI::App app{
        "Shows the measurement registers of this machine, its reports and its log as the files that Linux has of them, through mrd",
        "mrfs"};
    app.set_version_flag("--version", MRD_VERSION);
    app.footer("It serves until it is told to end (SIGTERM) or unmounted. Exit: 0 done, 1 failed, 2 wrong usage, 3 no service.");
    app.add_option("--socket", client.socket, "mrd's socket [$MRD_SOCKET, or /run/mrd/io.mrd]")->type_name("FILE");
    app.add_option("--provider", options.provider,
                   "Whose registers are in measurements/, and who makes the quotes [the TD's, or the first]")
        ->type_name("PROVIDER");
    app.add_option("MOUNTPOINT", mount.mountpoint, "Folder to mount on")->type_name("FOLDER")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        const auto code = app.exit(error);
        return code == 0 ? exit_done : exit_usage;
    }

    options.owner = {.uid = ::geteuid(), .gid = ::getegid()};
    mrfs::Service service(mr::socket_of(client));
    mrfs::FileSystem files(service, options);
    if (const auto there = files.ask_for_registers(); !there)
        return fail(there.error().message, there.error().code == mr::ErrorCode::no_service ? exit_no_service : exit_failed);
    // A connection is of who made it: none is left for another user to ask by.
    service.close_connections();
    const auto ended = mrfs::serve_mount(mount, {.files = files, .only = ::geteuid()});
    return ended ? exit_done : fail(ended.error(), exit_failed);
}
