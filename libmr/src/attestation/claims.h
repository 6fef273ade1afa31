// What evidence and its log say beside what is signed. Nothing vouches for it, and people see it first: where the quote, the replay or the log itself
// shows that it cannot be so, it is a contradiction, whoever made it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/src/attestation/rule_judgement.h"
#include "mr/digest.h"
#include "mr/event_log.h"
#include "mr/evidence.h"
#include "mr/quote.h"

namespace mr::attestation {

// Of "tdx/rtmr3": 3. Nothing: it is no register that a quote signs and a log leads to.
std::optional<std::size_t> rtmr_number(std::string_view name);

// Of a log in mrd's JSON: its events are numbered 1, 2, ... without holes, the firmware's first; `origin` is "resync" for resyncs, and for nothing else;
// an RTMR began as zero.
class LogClaims {
public:
    // Whose registers the quote signs; empty: nobody says.
    explicit LogClaims(std::string_view provider) : provider_(provider) {}

    void declare(const LogRegister &known);
    void see(const Event &event);

    [[nodiscard]] std::uint64_t last() const { return last_; }  // event
    // The first one, a sentence; empty: none.
    [[nodiscard]] const std::string &contradiction() const { return contradiction_; }

private:
    void contradict(std::string what) {
        if (contradiction_.empty()) contradiction_ = std::move(what);
    }
    // By the provider's name and the register's.
    [[nodiscard]] bool is_named_right(std::string_view name, std::size_t number) const;
    // "other/rtmr3": of another provider of the same machine, whose registers the quote does not sign.
    [[nodiscard]] bool is_of_another(std::string_view name, std::size_t number) const;

    std::string provider_;
    std::uint64_t last_ = 0;
    bool firmware_is_over_ = false;
    std::array<bool, rtmr_count> declared_{};
    std::set<std::string, std::less<>> declared_of_others_;
    std::string contradiction_;
};

// What the replay of evidence's log shows.
struct ReplayedLog {
    std::uint64_t last_event = 0;
    // What the log leads to, of an RTMR's number. Nothing: the log does not know it.
    std::function<std::optional<Digest>(std::size_t)> value;
};

// One sentence each. `log`: null where the log cannot be read.
std::vector<std::string> contradictions(const Evidence &evidence, const Quote &quote, const ReplayedLog *log);

}  // namespace mr::attestation
