#include "confinement/system_calls.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <set>
#include <string_view>
#include <system_error>

namespace confinement {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif
#else
constexpr bool is_sanitized = false;
#endif

constexpr int max_conditions = 6;  // a call has no more arguments

// What still ends a build with a sanitizer. (Its leak check stops the program's threads by ptrace.)
constexpr std::array killed_in_any_build = {
    "execve",
    "execveat",
    "open_by_handle_at",
    "mount",
    "umount2",
    "move_mount",
    "fsopen",
    "open_tree",
    "pivot_root",
    "chroot",
    "unshare",
    "setns",
    "bpf",
    "init_module",
    "finit_module",
    "kexec_load",
    "reboot",
    "io_uring_setup",
    "process_vm_readv",
    "process_vm_writev",
    "keyctl",
    "add_key",
    "request_key",
    "userfaultfd",
    "perf_event_open",
    "setuid",
    "setgid",
    "setresuid",
    "setresgid",
    "mknodat",
};

}  // namespace

bool system_calls_are_reduced() { return is_sanitized; }

struct SystemCalls::Filter {
    scmp_filter_ctx context;  // null: the library knows that this kernel cannot do it
    int failure = 0;          // of the context or the first rule that could not be made
    // Of sockets, where the list is the reduced one: those that no rule allows end the process.
    std::set<std::uint64_t> ending_families = {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG};

    Filter() : context(::seccomp_init(is_sanitized ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS)) {
        if (context == nullptr) failure = EOPNOTSUPP;
    }
    Filter(Filter &&) = delete;
    Filter &operator=(Filter &&) = delete;
    ~Filter() {
        if (context != nullptr) ::seccomp_release(context);
    }

    void add(std::uint32_t action, const char *name, std::initializer_list<Condition> conditions) {
        if (context == nullptr || (is_sanitized && action != SCMP_ACT_KILL_PROCESS)) return;
        const int call = ::seccomp_syscall_resolve_name(name);
        if (call == __NR_SCMP_ERROR) return;
        std::array<scmp_arg_cmp, max_conditions> compared{};
        unsigned count = 0;
        for (const auto &each : conditions) compared.at(count++) = {each.argument, SCMP_CMP_MASKED_EQ, each.mask, each.value};
        const int result = ::seccomp_rule_add_array(context, action, call, count, compared.data());
        if (result != 0 && failure == 0) failure = -result;
    }
};

SystemCalls::SystemCalls() : filter_(std::make_unique<Filter>()) {
    allow({"brk",          "munmap",         "mremap",        "madvise",      "futex",
           "rt_sigreturn", "rt_sigprocmask", "rt_sigaction",  "sigaltstack",  "restart_syscall",
           "exit",         "exit_group",     "clock_gettime", "clock_getres", "clock_nanosleep",
           "nanosleep",    "gettimeofday",   "time",          "getrandom",    "getpid",
           "gettid",       "sched_yield",    "close"});
    // Memory is written or run, and what is run is here already.
    allow_where("mmap", {{.argument = 2, .value = 0, .mask = PROT_EXEC}});
    allow_where("mprotect", {{.argument = 2, .value = 0, .mask = PROT_EXEC}});
    // abort() and raise()
    allow_where("tgkill", {{.argument = 0, .value = static_cast<std::uint64_t>(::getpid())}});
    // fstat(), in the C library's words
    allow({"fstat"});
    allow_where("newfstatat", {{.argument = 3, .value = AT_EMPTY_PATH, .mask = AT_EMPTY_PATH}});
    if (is_sanitized) {
        for (const char *name : killed_in_any_build) filter_->add(SCMP_ACT_KILL_PROCESS, name, {});
    }
}

SystemCalls::~SystemCalls() = default;

SystemCalls &SystemCalls::allow(std::initializer_list<const char *> names) {
    for (const char *name : names) filter_->add(SCMP_ACT_ALLOW, name, {});
    return *this;
}

SystemCalls &SystemCalls::allow_where(const char *name, std::initializer_list<Condition> conditions) {
    filter_->add(SCMP_ACT_ALLOW, name, conditions);
    if (std::string_view(name) == "socket") {
        for (const auto &each : conditions) {
            if (each.argument == 0) filter_->ending_families.erase(each.value);
        }
    }
    return *this;
}

SystemCalls &SystemCalls::refuse(std::initializer_list<const char *> names, int error) {
    for (const char *name : names) filter_->add(SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)), name, {});
    return *this;
}

SystemCalls &SystemCalls::refuse_where(const char *name, std::initializer_list<Condition> conditions, int error) {
    filter_->add(SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)), name, conditions);
    return *this;
}

std::expected<void, std::string> SystemCalls::enforce() {
    const auto failed = [](int error) {
        return std::unexpected("the kernel does not keep the list of system calls (seccomp): " + std::generic_category().message(error));
    };
    if (is_sanitized) {
        for (const auto family : filter_->ending_families)
            filter_->add(SCMP_ACT_KILL_PROCESS, "socket", {{.argument = 0, .value = family}});
    }
    if (filter_->failure != 0) return failed(filter_->failure);
    // All threads at once; a search tree instead of a list, since every call goes through it; and the kernel's own errors instead of the library's.
    constexpr std::uint32_t binary_tree = 2;
    ::seccomp_attr_set(filter_->context, SCMP_FLTATR_CTL_TSYNC, 1);
    ::seccomp_attr_set(filter_->context, SCMP_FLTATR_CTL_OPTIMIZE, binary_tree);
    ::seccomp_attr_set(filter_->context, SCMP_FLTATR_API_SYSRAWRC, 1);
    // Of a program of another kind (x32, i386), whose calls have other numbers: as what is not on the list.
    ::seccomp_attr_set(filter_->context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (const int result = ::seccomp_load(filter_->context); result != 0) return failed(-result);
    return {};
}

}  // namespace confinement
