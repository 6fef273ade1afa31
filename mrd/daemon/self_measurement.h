// Measures mrd itself into a register: before anybody is served, and before a reload takes effect.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "mrd/daemon/daemon.h"
#include "mrd/daemon/self_description.h"

namespace mrd {

// All calls from the event loop.
class SelfMeasurement {
public:
    // `into`: a register's name, or a role. The daemon's journal has started, and the daemon outlives it.
    SelfMeasurement(Daemon &daemon, std::string into) : daemon_(daemon), into_(std::move(into)) {}

    // Measures that, unless it is what the log of this boot says of mrd last. `done` is told when the event is there, or why it is not.
    using Done = std::move_only_function<void(std::expected<void, std::string>)>;
    void measure(SelfDescription description, Done done);

    // What was measured last.
    [[nodiscard]] const SelfDescription &description() const { return description_; }

private:
    // As the log has it; an event behind which the register has a gap tells nothing any more.
    [[nodiscard]] std::expected<std::optional<std::string>, std::string> last_in_log(const Registers::Place &place) const;

    Daemon &daemon_;
    std::string into_;
    SelfDescription description_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace mrd
