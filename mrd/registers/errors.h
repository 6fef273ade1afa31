// Why a register is not read, written or extended: mrd's own closed list. Each interface says it in its own words, in one place
// (mrd/interfaces/register_errors.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "mrd/journal/errors.h"
#include "mrd/providers/provider.h"

namespace mrd {

struct NoSuchRegister {
    std::string name;
    std::vector<std::string> candidates;  // what it can mean
};

// `name` below: the register's.
// It has vanished, and its provider may bring it back.
struct RegisterGone {
    std::string name;
};
// No register has the role.
struct NoRegisterForRole {
    std::string role;
};
struct NotReadable {
    std::string name;
};
struct NotWritable {
    std::string name;
};
struct NotExtensible {
    std::string name;
};
// It takes no digest, only what mrd measures into it.
struct LogOnly {
    std::string name;
};
struct Capped {
    std::string name;
    std::uint64_t sequence = 0;  // of the event that capped it
};
// An extend failed, and the register cannot be reread to tell what became of it.
struct Indeterminate {
    std::string name;
};
struct WrongLength {
    std::string name;
    std::size_t expected = 0;
    std::size_t actual = 0;
};
struct GenerationMismatch {
    std::int64_t expected = 0;
    std::int64_t actual = 0;
};
// The id was given to another event before.
struct DuplicateEvent {
    std::string id;
};
struct ProviderFailed {
    std::string provider;
    std::string reason;
    Applied applied = Applied::unknown;
};

using RegisterError =
    std::variant<NoSuchRegister, RegisterGone, NoRegisterForRole, NotReadable, NotWritable, NotExtensible, LogOnly, Capped, Indeterminate,
                 WrongLength, GenerationMismatch, DuplicateEvent, ProviderFailed, journal::Full, journal::Failed>;

inline RegisterError from_journal(const journal::Error &error) {
    return std::visit([](const auto &one) { return RegisterError(one); }, error);
}

}  // namespace mrd
