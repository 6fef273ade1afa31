// Faults and delays that tests put around the simulator, in the words of MRD_SIM_FAULTS.
//
//   faults    = [ fault { "," fault } ]
//   fault     = operation ":" action [ "@" first [ "-" last ] ]
//   operation = "extend" | "refresh" | "write" | "report" | "quote"
//   action    = "delay=" milliseconds
//             | "fail-before" | "fail-after" | "fail" | "hang"                             of all but quote
//             | "error" | "unavailable" | "never" | "empty" | "too-long" | "changing"      of quote, where the host is at fault:
//             | "other-report" | "spurious" | "no-report"
//
// "extend:fail-after@3,refresh:fail@2-4,extend:delay=200": the third extend happens and then fails, the second to fourth refresh
// fail, every extend takes 200 ms longer. The calls of each operation are counted from 1 when the provider is opened; without
// "@" a fault concerns every call. "fail" is "fail-before" with a reason that does not say when. "hang" says so on standard
// error and never returns, on whatever thread it was called.
//
// Of a quote: the host answers with an error, or that its service is unavailable, or never; it succeeds with a quote of no bytes, or of more than the
// buffer has, or rewrites the length after it was looked at; it quotes another report; it notifies before there is an answer. no-report: the
// module makes no report to quote.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mrd::faults {

enum class Operation : std::uint8_t { extend, refresh, write, report, quote };
inline constexpr std::size_t operation_count = 5;

enum class Action : std::uint8_t {
    fail_before,
    fail_after,
    fail,
    hang,
    delay,
    // Of a quote.
    error,
    unavailable,
    never,
    empty,
    too_long,
    changing,
    other_report,
    spurious,
    no_report,
};

inline constexpr std::chrono::milliseconds max_delay = std::chrono::minutes(10);

struct Fault {
    Operation operation = Operation::extend;
    Action action = Action::fail;
    std::chrono::milliseconds delay{};  // of Action::delay
    std::uint64_t first = 1;
    std::uint64_t last = std::numeric_limits<std::uint64_t>::max();

    friend bool operator==(const Fault &, const Fault &) = default;
};

std::string_view to_string(Operation operation);

// Error: one sentence that names the fault it does not understand. The empty text is no faults.
std::expected<std::vector<Fault>, std::string> parse_faults(std::string_view text);

// Counts the calls and says what happens to each. Register operations and quotes run on threads of their own: each has its own plan.
class FaultPlan {
public:
    // A reason to fail where not empty.
    struct Call {
        std::chrono::milliseconds delay{};
        std::string fail_before;
        std::string fail_after;
        bool hang = false;
        // Of a quote.
        bool spurious = false;
        std::optional<Action> host = {};  // what the host does wrong
    };

    FaultPlan() = default;
    explicit FaultPlan(std::vector<Fault> faults) : faults_(std::move(faults)) {}

    // Does any register operation take longer?
    [[nodiscard]] bool delays() const;
    Call next(Operation operation);

private:
    std::vector<Fault> faults_;
    std::array<std::uint64_t, operation_count> calls_{};
};

}  // namespace mrd::faults
