#include "mrd/daemon/start_progress.h"

#include <string>

namespace mrd {

void StartProgress::went_on(TimePoint now) {
    if (is_over_ || now - told_ < interval) return;
    told_ = now;
    manager_.tell("EXTEND_TIMEOUT_USEC=" + std::to_string(std::chrono::microseconds(extension).count()));
}

}  // namespace mrd
