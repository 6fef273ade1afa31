#include "libmr/src/client/transport_error.h"

namespace mr {

Error from_transport(const varlink::ClientError &error, const std::string &socket) {
    switch (error.code) {
    case varlink::ClientErrorCode::no_service:
        return {ErrorCode::no_service,
                "no mrd at " + socket + " (" + error.reason + "): start it, or name its socket with --socket or MRD_SOCKET"};
    case varlink::ClientErrorCode::not_permitted:
        return {ErrorCode::permission_denied, "this user may not connect to " + socket + " (" + error.reason + "): run as mrd's user"};
    case varlink::ClientErrorCode::refused:
        return {ErrorCode::no_service, "mrd at " + socket + " closed the connection without an answer (" + error.reason +
                                           "): nothing was done; it has been started again since, or has as many connections as its "
                                           "max_connections allows: connect again"};
    case varlink::ClientErrorCode::timed_out:
        return {ErrorCode::timed_out, "mrd at " + socket + ": " + error.reason + "; the call may still take effect"};
    case varlink::ClientErrorCode::connection_lost:
        return {ErrorCode::connection_lost,
                "mrd at " + socket + " has ended the connection (" + error.reason +
                    "): connect again; the call may have taken effect, and an extend with an id can be sent again"};
    case varlink::ClientErrorCode::protocol: return {ErrorCode::protocol, socket + ": " + error.reason};
    }
    return {ErrorCode::protocol, socket + ": " + error.reason};
}

}  // namespace mr
