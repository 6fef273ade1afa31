#pragma once

#include <cstdint>

namespace varlink {

// What becomes of a call that was received whole and will not be answered: it waits for its turn when its peer hangs up, or it is "oneway".
enum class Effect : std::uint8_t {
    reads,    // it is dropped: its answer was all there is to it
    changes,  // it is run: whoever sent it need not wait for the answer
};

}  // namespace varlink
