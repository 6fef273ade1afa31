#include "mrctl/program.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include "libmr/src/input_file.h"
#include "mrctl/refusal.h"

namespace mrctl {

namespace {

bool may_be_run(const std::string &path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
}

// A folder is no program that may not be run.
bool is_there(const std::string &path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
}

// Of the machine that mrctl itself is for: by its header alone, since that decides who loads it. Another one's would be run by an interpreter (binfmt_misc).
bool is_native_program(mr::ByteView file) {
#if defined(__x86_64__)
    constexpr auto machine = EM_X86_64;
#elif defined(__aarch64__)
    constexpr auto machine = EM_AARCH64;
#else
#error "which machine is this in an ELF header?"
#endif
    Elf64_Ehdr header{};
    if (file.size() < sizeof(header)) return false;
    std::memcpy(&header, file.data(), sizeof(header));
    return std::memcmp(static_cast<const void *>(header.e_ident), ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
           header.e_machine == machine;
}

bool is_script(mr::ByteView file) { return file.size() >= 2 && file[0] == '#' && file[1] == '!'; }

// "#! /bin/sh -e": the interpreter and, where there is one, all that stands behind it as one argument, as Linux has it (fs/binfmt_script.c).
std::expected<std::vector<std::string>, mr::Error> interpreter_of(mr::ByteView script, const std::string &path) {
    constexpr std::string_view blanks = " \t";
    const std::string_view text(reinterpret_cast<const char *>(script.data()), std::min(script.size(), max_interpreter_line + 1));
    const auto end = text.find('\n');
    if (end == std::string_view::npos && script.size() > max_interpreter_line)
        return refuse(mr::ErrorCode::malformed,
                      "cannot run " + path + ": its first line has more than " + std::to_string(max_interpreter_line) + " bytes");
    auto line = text.substr(0, end).substr(2);
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    line = line.substr(0, line.find_last_not_of(blanks) + 1);
    if (line.find('\0') != std::string_view::npos)
        return refuse(mr::ErrorCode::malformed, "cannot run " + path + ": its first line has a NUL");
    const auto name = line.substr(0, line.find_first_of(blanks));
    if (!name.starts_with('/'))
        return refuse(mr::ErrorCode::malformed, "cannot run " + path + ": its first line names no interpreter by a path from the root");
    std::vector<std::string> interpreter{std::string(name)};
    if (const auto argument = line.find_first_not_of(blanks, name.size()); argument != std::string_view::npos)
        interpreter.emplace_back(line.substr(argument));
    // It looks for another program, and runs that unmeasured; also where a link calls it otherwise.
    std::error_code unknown;
    const auto meant = std::filesystem::canonical(interpreter.front(), unknown);
    if (name.substr(name.rfind('/') + 1) == "env" || meant.filename() == "env")
        return refuse(mr::ErrorCode::malformed, "cannot run " + path + ": its interpreter is " + interpreter.front() +
                                                    ", which runs another one that nobody measures: name that one in the first line");
    return interpreter;
}

}  // namespace

std::expected<std::string, mr::Error> find_program(const std::string &name) {
    if (name.find('/') != std::string::npos) return name;
    const char *const variable = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): mrctl sets no variable
    const std::string_view folders = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
    // Where nothing of that name may be run, the shell's error is of the first that is there.
    std::string seen;
    for (std::size_t begin = 0; !name.empty() && begin <= folders.size();) {
        const auto end = std::min(folders.find(':', begin), folders.size());
        const auto folder = folders.substr(begin, end - begin);
        auto path = std::string(folder.empty() ? "." : folder) + '/' + name;
        if (may_be_run(path)) return path;
        if (seen.empty() && is_there(path)) seen = std::move(path);
        begin = end + 1;
    }
    if (!seen.empty()) return mr::cannot("run", seen, EACCES);
    return std::unexpected(mr::Error{mr::ErrorCode::io, "there is no program " + name + " in the folders of PATH"});
}

std::expected<std::vector<ProgramPart>, mr::Error> load_program(const std::vector<std::string> &command) {
    const auto path = find_program(command.front());
    if (!path) return std::unexpected(path.error());
    auto file = SealedFile::copy_of(*path);
    if (!file) return std::unexpected(file.error());
    std::vector<ProgramPart> parts;
    if (is_script(file->bytes())) {
        auto interpreter = interpreter_of(file->bytes(), *path);
        if (!interpreter) return std::unexpected(interpreter.error());
        auto loaded = SealedFile::copy_of(interpreter->front());
        if (!loaded) return std::unexpected(loaded.error());
        if (is_script(loaded->bytes()))
            return refuse(mr::ErrorCode::malformed, "cannot run " + *path + ": its interpreter " + interpreter->front() +
                                                        " is a script, too; name a program in the first line");
        if (!is_native_program(loaded->bytes()))
            return refuse(mr::ErrorCode::malformed,
                          "cannot run " + *path + ": its interpreter " + interpreter->front() + " is no program of this machine");
        parts.push_back({.file = std::move(*loaded), .arguments = std::move(*interpreter)});
    } else if (!is_native_program(file->bytes())) {
        return refuse(mr::ErrorCode::malformed,
                      "cannot run " + *path + ": it is neither a program of this machine (ELF) nor a script that begins with #!");
    }
    parts.push_back({.file = std::move(*file), .arguments = command});
    return parts;
}

int run_program(const std::vector<ProgramPart> &parts) {
    auto arguments = parts.front().arguments;
    if (parts.size() > 1) {
        // As the kernel does it, but by the descriptor: a path may lead elsewhere by now. The interpreter opens what is sealed.
        const auto &script = parts.back();
        arguments.push_back("/proc/self/fd/" + std::to_string(script.file.descriptor()));
        arguments.insert(arguments.end(), script.arguments.begin() + 1, script.arguments.end());
        if (::fcntl(script.file.descriptor(), F_SETFD, 0) != 0) return errno;
    }
    std::vector<char *> given;
    for (auto &argument : arguments) given.push_back(argument.data());
    given.push_back(nullptr);
    // What makes the dynamic loader run other code than the program's own.
    std::vector<char *> environment;
    for (char **variable = environ; *variable != nullptr; ++variable) {
        if (!std::string_view(*variable).starts_with("LD_")) environment.push_back(*variable);
    }
    environment.push_back(nullptr);
    ::fexecve(parts.front().file.descriptor(), given.data(), environment.data());
    return errno;
}

}  // namespace mrctl
