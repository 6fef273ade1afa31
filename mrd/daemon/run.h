// All of mrd, from the command line to its end.
#pragma once

#include <string>

#include "mrd/daemon/command_line.h"
#include "mrd/journal/append_file.h"
#include "mrd/log.h"
#include "mrd/providers/open.h"

namespace mrd {

// Where mrd meets hardware and disk: tests put others there, with faults and places to die at.
struct Seams {
    OpenProvider open_provider = mrd::open_provider;
    journal::OpenFile open_file = journal::open_append_file;  // of the journal
    std::string system_journal = std::string(log::journal_socket);
};

// The exit code. Changes the process: umask, signals, limits.
int run(int argc, char **argv, const Seams &seams = {});

}  // namespace mrd
