#include "mrctl/confinement.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "confinement/landlock.h"
#include "confinement/rights.h"
#include "confinement/system_calls.h"
#include "mr/digest.h"
#include "mrctl/output.h"

namespace mrctl {

void confine_to_output(int also) {
    // libcrypto reads its configuration when it is first used: what an administrator demands of it there holds.
    (void)mr::hash(mr::HashAlgorithm::sha384, {});
    confinement::hide_memory();
    // An older kernel has no Landlock. It is the second of two locks: no file is among the calls that are left either.
    (void)confinement::FilesAllowed().enforce();
    confinement::SystemCalls calls;
    for (const auto output : {std::uint64_t{STDOUT_FILENO}, std::uint64_t{STDERR_FILENO}}) {
        calls.allow_where("write", {{.argument = 0, .value = output}});
        calls.allow_where("writev", {{.argument = 0, .value = output}});
    }
    if (also >= 0) {
        calls.allow_where("write", {{.argument = 0, .value = static_cast<std::uint64_t>(also)}});
        calls.allow_where("ftruncate", {{.argument = 0, .value = static_cast<std::uint64_t>(also)}});
    }
    calls.allow_where("ioctl", {{.argument = 1, .value = TCGETS}});  // isatty()
    calls.allow({"lseek"});
    // What libraries look for and go on without: a time zone, a setting.
    calls.refuse({"open", "openat", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "stat", "lstat"}, EACCES);
    calls.refuse_where("newfstatat", {{.argument = 3, .value = 0, .mask = AT_EMPTY_PATH}}, EACCES);
    if (const auto kept = calls.enforce(); !kept) note("mrctl is not confined while it reads this: " + kept.error());
}

}  // namespace mrctl
