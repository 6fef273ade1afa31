#include "libmr/src/client/transport_error.h"

namespace mr {

Error from_transport(const varlink::ClientError &error, const std::string &socket, bool may_change) {
    switch (error.code) {
    case varlink::ClientErrorCode::no_service:
        return {ErrorCode::no_service,
                "no mrd at " + socket + " (" + error.reason + "): start it, or name its socket with --socket or MRD_SOCKET"};
    case varlink::ClientErrorCode::not_permitted:
        return {ErrorCode::permission_denied,
                "this user may not connect to " + socket + " (" + error.reason + "): its mode, owner and group say who may"};
    case varlink::ClientErrorCode::not_trusted:
        return {ErrorCode::no_service, "what listens at " + socket + " is not to be trusted as mrd: " + error.reason};
    case varlink::ClientErrorCode::refused:
        return {ErrorCode::no_service, "mrd at " + socket + " closed the connection without an answer (" + error.reason +
                                           "): nothing was done; it has been started again since, or has as many connections as its "
                                           "max_connections allows: connect again; or the call is longer than its max_message"};
    case varlink::ClientErrorCode::timed_out:
        return {ErrorCode::timed_out, "mrd at " + socket + ": " + error.reason + (may_change ? "; the call may still take effect" : "")};
    case varlink::ClientErrorCode::connection_lost:
        return {ErrorCode::connection_lost,
                "mrd at " + socket + " has ended the connection (" + error.reason + "): connect again" +
                    (may_change ? "; the call may have taken effect, and an extend with an id can be sent again" : "") +
                    ". Where mrd ended it, as for a message longer than its max_message, its log says so"};
    case varlink::ClientErrorCode::not_connected:
        return {ErrorCode::connection_lost, "not connected to " + socket + ": nothing was sent; connect first"};
    case varlink::ClientErrorCode::protocol: return {ErrorCode::protocol, socket + ": " + error.reason};
    }
    return {ErrorCode::protocol, socket + ": " + error.reason};
}

}  // namespace mr
