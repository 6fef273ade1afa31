// What access rules can allow, and which of it an operation takes (docs/access.md): mrd judges by it, and clients tell people by it what they lack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "libmr/wire/method.h"

namespace mr::wire {

enum class Right : std::uint8_t {
    list,          // which registers and providers there are
    read,          // values of registers and changes of them, and how the service is
    log,           // what was extended and when, without what clients said of it
    log_contents,  // and that: data, description, id and caller
    extend,
    measure,
    write,
    cap,
    create,
    report,  // and what a report is over: the registers that are written for one, and that hold one
    quote,
    evidence,  // and the contents of the log, which evidence carries
    repair,
    accept,  // devices, in the name of this machine
};
inline constexpr std::size_t rights = static_cast<std::size_t>(Right::accept) + 1;
inline constexpr std::array<std::string_view, rights> right_names{"list",    "read",     "log",    "log_contents", "extend",
                                                                  "measure", "write",    "cap",    "create",       "report",
                                                                  "quote",   "evidence", "repair", "accept"};
constexpr std::string_view name_of(Right right) { return right_names[static_cast<std::size_t>(right)]; }

// The right that an operation needs; nothing: whoever may connect may ask.
constexpr std::optional<Right> right_for(Operation operation) {
    switch (operation) {
    case Operation::list: return Right::list;
    case Operation::read:
    case Operation::watch:
    case Operation::status:
    case Operation::verify_report:
    case Operation::collateral: return Right::read;
    case Operation::extend: return Right::extend;
    case Operation::measure: return Right::measure;
    case Operation::write: return Right::write;
    case Operation::cap:
    case Operation::close: return Right::cap;
    case Operation::create: return Right::create;
    case Operation::log_read: return Right::log;
    case Operation::report: return Right::report;
    case Operation::quote: return Right::quote;
    case Operation::evidence: return Right::evidence;
    case Operation::repair: return Right::repair;
    case Operation::accept: return Right::accept;
    case Operation::access: return std::nullopt;
    }
    std::unreachable();
}

}  // namespace mr::wire
