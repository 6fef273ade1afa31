// Measures mrd itself into a register: before anybody is served, and before a reload takes effect.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mrd/daemon/daemon.h"
#include "mrd/daemon/self_description.h"

namespace mrd {

// All calls from the event loop.
class SelfMeasurement {
public:
    // The role whose register it is by default, on hardware.
    static constexpr std::string_view usual_role = "config";

    // `into`: a register's name, or a role. `is_asked_for`: by the configuration, and then nothing goes on without it. The daemon's journal has started, and the daemon
    // outlives it.
    SelfMeasurement(Daemon &daemon, std::string into, bool is_asked_for);

    [[nodiscard]] bool is_asked_for() const { return is_asked_for_; }

    // The register; error: a sentence, there is none, or it takes no extend.
    [[nodiscard]] std::expected<Registers::Place, std::string> place() const;

    // Measures that, unless it is what the log of this boot says of mrd last. `done` is told when the event is there, or why it is not.
    using Done = std::move_only_function<void(std::expected<void, std::string>)>;
    void measure(SelfDescription description, Done done);

    // What was measured last.
    [[nodiscard]] const SelfDescription &description() const { return description_; }

private:
    [[nodiscard]] std::string why_not(const std::string &why) const { return "mrd cannot measure itself into " + into_ + ": " + why; }
    // As the log has it; an event behind which the register has a gap tells nothing any more. It reads all of the log.
    [[nodiscard]] std::expected<std::optional<std::string>, std::string> last_in_log(const Registers::Place &place) const;
    void has_measured(const Registers::Place &place, SelfDescription description);

    Daemon &daemon_;
    std::string into_;
    bool is_asked_for_;
    SelfDescription description_;
    std::optional<Registers::Place>
        measured_into_;  // where the description is the last in the log, and no gap is behind it; nothing: that is not known
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace mrd
