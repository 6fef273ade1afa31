// A state as bytes: what a checkpoint holds, so that a start reads only what stands behind it.
#pragma once

#include <expected>
#include <string>

#include "mr/bytes.h"
#include "mrd/journal/state.h"

namespace mrd::journal {

// All that the records up to here add up to, but for the number of checkpoints. Equal states give equal bytes.
void append_state(mr::Bytes &out, const State &state);

// Error: they are none. What registers and records said of each other is not proved again.
std::expected<State, std::string> read_state(mr::ByteView bytes);

}  // namespace mrd::journal
