#include "mr/error.h"

namespace mr {

std::string_view to_string(ErrorCode code) {
    switch (code) {
    case ErrorCode::no_such_register: return "no_such_register";
    case ErrorCode::no_such_provider: return "no_such_provider";
    case ErrorCode::not_readable: return "not_readable";
    case ErrorCode::not_writable: return "not_writable";
    case ErrorCode::not_extensible: return "not_extensible";
    case ErrorCode::log_only: return "log_only";
    case ErrorCode::register_exists: return "register_exists";
    case ErrorCode::too_many_registers: return "too_many_registers";
    case ErrorCode::capped: return "capped";
    case ErrorCode::indeterminate: return "indeterminate";
    case ErrorCode::wrong_length: return "wrong_length";
    case ErrorCode::generation_mismatch: return "generation_mismatch";
    case ErrorCode::duplicate_event: return "duplicate_event";
    case ErrorCode::journal_full: return "journal_full";
    case ErrorCode::log_too_large: return "log_too_large";
    case ErrorCode::journal_failed: return "journal_failed";
    case ErrorCode::provider_failed: return "provider_failed";
    case ErrorCode::quote_timeout: return "quote_timeout";
    case ErrorCode::quote_unavailable: return "quote_unavailable";
    case ErrorCode::quote_failed: return "quote_failed";
    case ErrorCode::quote_invalid: return "quote_invalid";
    case ErrorCode::no_such_device: return "no_such_device";
    case ErrorCode::device_absent: return "device_absent";
    case ErrorCode::device_failed: return "device_failed";
    case ErrorCode::device_timeout: return "device_timeout";
    case ErrorCode::generation_passed: return "generation_passed";
    case ErrorCode::not_measured: return "not_measured";
    case ErrorCode::busy: return "busy";
    case ErrorCode::not_supported: return "not_supported";
    case ErrorCode::method_not_implemented: return "method_not_implemented";
    case ErrorCode::invalid_parameter: return "invalid_parameter";
    case ErrorCode::permission_denied: return "permission_denied";
    case ErrorCode::remote: return "remote";
    case ErrorCode::no_service: return "no_service";
    case ErrorCode::timed_out: return "timed_out";
    case ErrorCode::connection_lost: return "connection_lost";
    case ErrorCode::protocol: return "protocol";
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::malformed: return "malformed";
    case ErrorCode::io: return "io";
    }
    return "unknown";
}

}  // namespace mr
