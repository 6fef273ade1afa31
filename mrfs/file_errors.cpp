#include "mrfs/file_errors.h"

#include <cerrno>

namespace mrfs {

int to_errno(const mr::Error &error) {
    switch (error.code) {
    // What is asked is not there, or not now.
    case mr::ErrorCode::no_such_register:
    case mr::ErrorCode::no_such_device:
    case mr::ErrorCode::device_absent:
    case mr::ErrorCode::no_service: return ENODEV;
    case mr::ErrorCode::no_such_provider: return ENXIO;
    case mr::ErrorCode::busy:
    case mr::ErrorCode::quote_unavailable: return EBUSY;
    case mr::ErrorCode::generation_passed:
    case mr::ErrorCode::generation_mismatch: return EAGAIN;
    case mr::ErrorCode::quote_timeout:
    case mr::ErrorCode::device_timeout:
    case mr::ErrorCode::timed_out: return ETIMEDOUT;

    // This caller may not, or nobody may.
    case mr::ErrorCode::permission_denied:
    case mr::ErrorCode::not_readable:
    case mr::ErrorCode::not_writable: return EACCES;
    case mr::ErrorCode::not_extensible:
    case mr::ErrorCode::log_only:
    case mr::ErrorCode::capped: return EPERM;

    // What was given is wrong, or too much.
    case mr::ErrorCode::wrong_length:
    case mr::ErrorCode::invalid_parameter:
    case mr::ErrorCode::invalid_argument: return EINVAL;
    case mr::ErrorCode::register_exists: return EEXIST;
    case mr::ErrorCode::too_many_registers: return EDQUOT;
    case mr::ErrorCode::journal_full: return ENOSPC;
    case mr::ErrorCode::log_too_large: return EFBIG;
    case mr::ErrorCode::not_supported:
    case mr::ErrorCode::method_not_implemented: return EOPNOTSUPP;

    // Something failed.
    case mr::ErrorCode::device_failed:
    case mr::ErrorCode::not_measured:
    case mr::ErrorCode::indeterminate:
    case mr::ErrorCode::duplicate_event:
    case mr::ErrorCode::journal_failed:
    case mr::ErrorCode::provider_failed:
    case mr::ErrorCode::quote_failed:
    case mr::ErrorCode::quote_invalid:
    case mr::ErrorCode::remote:
    case mr::ErrorCode::connection_lost:
    case mr::ErrorCode::protocol:
    case mr::ErrorCode::malformed:
    case mr::ErrorCode::io: return EIO;
    }
    return EIO;
}

}  // namespace mrfs
