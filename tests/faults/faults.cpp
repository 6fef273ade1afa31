#include "tests/faults/faults.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace mrd::faults {
namespace {

constexpr std::array all_operations = {Operation::extend, Operation::refresh, Operation::write, Operation::report, Operation::quote};

constexpr std::array<std::pair<std::string_view, Action>, 4> register_actions = {{
    {"fail-before", Action::fail_before},
    {"fail-after", Action::fail_after},
    {"fail", Action::fail},
    {"hang", Action::hang},
}};
constexpr std::array<std::pair<std::string_view, Action>, 9> quote_actions = {{
    {"error", Action::error},
    {"unavailable", Action::unavailable},
    {"never", Action::never},
    {"empty", Action::empty},
    {"too-long", Action::too_long},
    {"changing", Action::changing},
    {"other-report", Action::other_report},
    {"spurious", Action::spurious},
    {"no-report", Action::no_report},
}};

template <class Actions>
std::optional<Action> action_from(std::string_view text, const Actions &actions) {
    const auto *const found = std::ranges::find(actions, text, [](const auto &each) { return each.first; });
    return found == actions.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint64_t> number_from(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

std::optional<Fault> fault_from(std::string_view text) {
    Fault fault;
    if (const auto at = text.find('@'); at != std::string_view::npos) {
        const std::string_view calls = text.substr(at + 1);
        const auto dash = calls.find('-');
        const auto first = number_from(calls.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : number_from(calls.substr(dash + 1));
        if (!first || !last || *first == 0 || *last < *first) {
            return std::nullopt;
        }
        fault.first = *first;
        fault.last = *last;
        text = text.substr(0, at);
    }

    const auto colon = text.find(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const auto *const operation = std::ranges::find(all_operations, text.substr(0, colon), [](Operation each) { return to_string(each); });
    if (operation == all_operations.end()) {
        return std::nullopt;
    }
    fault.operation = *operation;

    constexpr std::string_view delay = "delay=";
    const std::string_view action = text.substr(colon + 1);
    if (action.starts_with(delay)) {
        const auto milliseconds = number_from(action.substr(delay.size()));
        if (!milliseconds || *milliseconds > static_cast<std::uint64_t>(max_delay.count())) {
            return std::nullopt;
        }
        fault.action = Action::delay;
        fault.delay = std::chrono::milliseconds(*milliseconds);
        return fault;
    }
    const auto known = fault.operation == Operation::quote ? action_from(action, quote_actions) : action_from(action, register_actions);
    if (!known) {
        return std::nullopt;
    }
    fault.action = *known;
    return fault;
}

}  // namespace

std::string_view to_string(Operation operation) {
    switch (operation) {
    case Operation::extend: return "extend";
    case Operation::refresh: return "refresh";
    case Operation::write: return "write";
    case Operation::report: return "report";
    case Operation::quote: return "quote";
    }
    return "unknown";
}

std::expected<std::vector<Fault>, std::string> parse_faults(std::string_view text) {
    std::vector<Fault> faults;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const std::string_view one = text.substr(0, comma);
        const auto fault = fault_from(one);
        // A comma with nothing after it is taken for a fault that got lost.
        if (!fault || comma + 1 == text.size()) {
            return std::unexpected(
                "the fault \"" + std::string(fault ? text : one) +
                "\" is not understood: write OPERATION:ACTION or OPERATION:ACTION@FIRST-LAST, with extend, refresh, "
                "write or report, and fail-before, fail-after, fail, hang or delay=MILLISECONDS (at most 600000), or with "
                "quote, and error, unavailable, never, empty, too-long, changing, other-report, spurious, no-report or "
                "delay=MILLISECONDS");
        }
        faults.push_back(*fault);
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return faults;
}

bool FaultPlan::delays() const {
    return std::ranges::any_of(faults_, [](const Fault &fault) {
        return fault.operation != Operation::quote && fault.action == Action::delay && fault.delay.count() > 0;
    });
}

FaultPlan::Call FaultPlan::next(Operation operation) {
    const std::uint64_t number = ++calls_[static_cast<std::size_t>(operation)];
    Call call;
    for (const Fault &fault : faults_) {
        if (fault.operation != operation || number < fault.first || number > fault.last) {
            continue;
        }
        const std::string which = std::string(to_string(operation)) + " " + std::to_string(number);
        switch (fault.action) {
        case Action::fail_before: call.fail_before = "simulated failure before " + which + " took effect"; break;
        case Action::fail_after: call.fail_after = "simulated failure after " + which + " took effect"; break;
        case Action::fail: call.fail_before = "simulated failure of " + which; break;
        case Action::hang: call.hang = true; break;
        case Action::delay: call.delay += fault.delay; break;
        case Action::spurious: call.spurious = true; break;
        case Action::error:
        case Action::unavailable:
        case Action::never:
        case Action::empty:
        case Action::too_long:
        case Action::changing:
        case Action::other_report:
        case Action::no_report: call.host = fault.action; break;
        }
    }
    return call;
}

}  // namespace mrd::faults
