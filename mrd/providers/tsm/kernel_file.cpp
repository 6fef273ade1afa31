#include "mrd/providers/tsm/kernel_file.h"

#include <cerrno>
#include <system_error>

#include "mrd/opener/opener.h"

namespace mrd::tsm {
namespace {

const char *what_to_do(int error) {
    switch (error) {
    case EACCES:
    case EPERM: return ": run mrd as root, or give it the file";
    case ENOENT: return ": load the module that has it";
    case EROFS: return ": mount it for writing";
    default: return "";
    }
}

}  // namespace

varlink::FileDescriptor open_kernel_file(const std::filesystem::path &path, int flags) { return opener::open(path, flags); }

std::string kernel_refusal(const char *what, const std::filesystem::path &path, int error) {
    return std::string("cannot ") + what + " " + path.native() + ": " + std::generic_category().message(error) + what_to_do(error);
}

}  // namespace mrd::tsm
