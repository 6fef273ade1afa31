// An opener as a process: forked, confined, and asked over a socket that nobody else has.
//
// There is one for each of three things, since they need different rights, and none of them may wait for another: `files` (CAP_DAC_OVERRIDE: the kernel gives files of
// registers and devices to root), `quotes` (likewise: what the kernel makes in configfs is root's; and there it waits while any quote is made) and `callers`
// (CAP_SYS_PTRACE: who a process of another user is; Landlock would keep it from that, so it has no call that opens anything in its place).
//
// It ends when mrd does, however that ends; mrd learns of its end by a pipe.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "confinement/rights.h"
#include "mrd/opener/request.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd::opener {

// What else there is to do where mrd must be confined (service.confinement), behind why it cannot be.
inline constexpr const char *or_best_effort = "; service.confinement = \"best-effort\" goes on without";

enum class Duty : std::uint8_t { files, quotes, callers };

// Forks, one after the other, those that there is something to do for, and has opener.h ask them from now on. Before there is a second thread, and once. Each holds
// to the places of its duty: `instances` are quotes', all others files'. `identity`: whom it becomes; none: it stays who it is. Without `must_be_confined`
// an opener works all the same where its kernel keeps none of it.
//
// Descriptors that become readable when one has ended. Error: one sentence.
std::expected<std::vector<varlink::FileDescriptor>, std::string> start_openers(const Places &places,
                                                                               const std::optional<confinement::Identity> &identity,
                                                                               bool must_be_confined);

}  // namespace mrd::opener
