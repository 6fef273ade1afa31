// Which system calls this process may still make: an allow-list, kept by the kernel (seccomp) for each thread, those that are there and those to come, and for every
// process that they make.
//
// Who goes past it does not get an error, but ends, with all its threads: SIGSYS. So does who calls as a program of another kind (x32, i386). Calls that a library tries, and goes on without, are refused with an error instead (refuse()).
//
// A build with a sanitizer makes calls of its own, which nobody can list, and is held to less: everything is allowed but what runs a program, opens a socket of a
// family that no rule names or changes the system, which still ends it.
#pragma once

#include <cstdint>
#include <expected>
#include <initializer_list>
#include <memory>
#include <string>

namespace confinement {

// (argument & mask) == value
struct Condition {
    unsigned argument = 0;  // from 0
    std::uint64_t value = 0;
    std::uint64_t mask = ~std::uint64_t{0};
};

class SystemCalls {
public:
    // With what every program of ours needs to go on at all: memory that nothing is run in, locks, clocks, its end.
    SystemCalls();
    ~SystemCalls();
    SystemCalls(SystemCalls &&) = delete;
    SystemCalls &operator=(SystemCalls &&) = delete;

    // By their names; one that this machine does not have is passed over.
    SystemCalls &allow(std::initializer_list<const char *> names);
    // Where all conditions hold; several times for one name: where any of them does.
    SystemCalls &allow_where(const char *name, std::initializer_list<Condition> conditions);
    SystemCalls &refuse(std::initializer_list<const char *> names, int error);
    SystemCalls &refuse_where(const char *name, std::initializer_list<Condition> conditions, int error);

    // From now on, and without a way back. Sets no_new_privs. Error: why this kernel does not keep it, one sentence.
    [[nodiscard]] std::expected<void, std::string> enforce();

private:
    struct Filter;
    std::unique_ptr<Filter> filter_;
};

// Is the list that is kept the reduced one?
bool system_calls_are_reduced();

}  // namespace confinement
