// The one error type of libmr. Errors are values: every function that can fail returns std::expected<T, mr::Error>. What was moved from, of any class of libmr, may only be destroyed or assigned to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mr {

// The closed list. The first part are the refusals of mrd, named as on the wire; the second part are found on this side.
enum class ErrorCode : std::uint8_t {
    // Refused by mrd.
    no_such_register,        // no register has that name, a short name has several, or no register has the role: use a name of list()
    no_such_provider,        // no provider has that name, or none is named and several could be meant
    not_readable,            // the register has no R flag
    not_writable,            // the register has no W flag, or is extended instead of written
    not_extensible,          // the register has no X flag, or is only observed
    log_only,                // the register is extended only through the log: use measure()
    register_exists,         // there is a virtual register of that name: close it first, or take another name
    too_many_registers,      // the virtual registers that one, or all, may make until the next boot are made
    capped,                  // the register takes no extend until the next boot
    indeterminate,           // a failed extend may have happened, and the register cannot be reread: try again later
    wrong_length,            // value, digest or report data of another length than the register's
    generation_mismatch,     // another client wrote reportdata in between: write and read again, or use report()
    duplicate_event,         // the event id was used for another event: with another digest, type, description or data
    journal_full,            // the journal reached its size limit
    log_too_large,           // evidence cannot carry the log: take a quote, and export the log
    journal_failed,          // the journal cannot be read or written
    provider_failed,         // the hardware, or the simulator, refused or failed
    quote_timeout,           // there was no quote, or no evidence, within the deadline
    quote_unavailable,       // no quoting service answers now: try again later
    quote_failed,            // the quoting service refused the report
    quote_invalid,           // what the quoting service gave is not the quote that was asked for
    no_such_device,          // no device has that name
    device_absent,           // it does not answer, is not there, or what it says does not hold: the message says which
    device_failed,           // it was asked, and gave no evidence
    device_timeout,          // no evidence of it within the deadline
    generation_passed,       // the device is in another generation than the one that was judged: ask for evidence again
    not_measured,            // an acceptance cannot be measured, so it is none
    busy,                    // a limit of mrd is reached: try again later
    not_supported,           // the provider cannot do this
    method_not_implemented,  // this mrd is older than the caller
    invalid_parameter,       // a parameter is unknown, missing or of the wrong type; the message names it
    permission_denied,       // the caller may not do this, or may not connect
    remote,                  // an error that this library does not know: its name and parameters are in Error

    // Found here.
    no_service,        // nobody listens on the socket: start mrd, or name its socket
    timed_out,         // no answer within the time-out; the call may still take effect
    connection_lost,   // the connection ended before the answer came; the call may have taken effect
    protocol,          // the peer does not speak this protocol
    invalid_argument,  // the caller's own argument is not well formed
    malformed,         // a document (TDREPORT, ...) is not well formed
    io,                // a file cannot be read or written
};

struct Error {
    ErrorCode code;
    std::string message;          // one sentence that names the field and says what to do
    std::string name = {};        // the error's name on the wire ("io.mrd.Registers.LogOnly"); empty if found here
    std::string parameters = {};  // the error's parameters on the wire, a JSON object; empty if found here
};

// "no_such_register", for logs and tests.
std::string_view to_string(ErrorCode code);

}  // namespace mr
