// What is run where a command line names a program: which file, by which interpreter, with which arguments.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

#include "mr/error.h"
#include "mrctl/sealed_file.h"

namespace mrctl {

inline constexpr std::size_t max_interpreter_line = 255;  // bytes of a script's first line: what the kernel reads of it

// The file that a shell would run by this name: with a slash it is the path, else the first of its name in the folders of PATH that may be executed; the
// system's own folders where PATH is not set. Error: io.
std::expected<std::string, mr::Error> find_program(const std::string &name);

// A file that is run, or that its interpreter reads.
struct ProgramPart {
    SealedFile file;
    std::vector<std::string> arguments;  // that it is run with, its name first
};

// Everything that is run, in the order in which it is measured: of a script its interpreter comes first. Error: as SealedFile::copy_of(); malformed: it is
// neither a program of this kind of machine nor a script, its interpreter is a script, too, or one that runs another program (env).
std::expected<std::vector<ProgramPart>, mr::Error> load_program(const std::vector<std::string> &command);

// Runs it in the place of this process, without LD_* in its environment. Returns where it cannot: errno.
int run_program(const std::vector<ProgramPart> &parts);

}  // namespace mrctl
