// What else a process gives up, for good: its capabilities, and what could bring some back.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

namespace confinement {

// Who to become.
struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
};

// A bit for each, as <linux/capability.h> numbers them.
using Capabilities = std::uint64_t;
constexpr Capabilities capability(int number) { return Capabilities{1} << static_cast<unsigned>(number); }

// Becomes `identity`, if one is given, without any other group, and keeps those of the capabilities that it has and that are in `kept`. From then on nothing brings
// another one back: neither a program that is run, nor a change of its user. Sets no_new_privs. For the calling thread: call it before there is a second one. Error: one sentence.
[[nodiscard]] std::expected<void, std::string> reduce_rights(const std::optional<Identity> &identity, Capabilities kept);

// No core file, and nobody but root looks into its memory.
void hide_memory();

}  // namespace confinement
