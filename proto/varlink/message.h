// Calls and replies: the envelope around parameters. Source: varlink.org/Method-Call, and what real clients accept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/varlink/fields.h"
#include "proto/varlink/value.h"

namespace varlink {

struct Call {
    std::string_view method;          // "io.mrd.Registers.Read"; a view into the document
    std::optional<Value> parameters;  // an object, if there are any
    bool oneway = false;              // wants no reply, not even an error
    bool more = false;                // allows several replies
    bool upgrade = false;
};

struct Reply {
    std::string_view error;           // empty: success; a view into the document
    std::optional<Value> parameters;  // an object, if there are any
    bool continues = false;           // another reply to the same call follows
};

// Nothing: the message is not a call (or reply) and the connection cannot go on. Views into `document`, which it parses into.
std::optional<Call> parse_call(std::string_view message, Document &document);
std::optional<Reply> parse_reply(std::string_view message, Document &document);

struct NoParameters {
    static constexpr auto fields() { return std::tuple(); }
};

enum class CallMode : std::uint8_t { plain, oneway, more };

// Appends a whole frame, NUL byte included. A reply's parameters are always an object, and nothing else than these keys is ever sent:
// varlinkctl hangs up at others.
// Parameters as JSON text are for programs that pass on what they were given.
template <class T>
concept WritableParameters = Described<T> || std::same_as<T, RawJson>;

template <WritableParameters Parameters>
void write_call(std::string &out, std::string_view method, const Parameters &parameters, CallMode mode = CallMode::plain) {
    out += R"({"method":)";
    write_json(out, method);
    out += R"(,"parameters":)";
    write_json(out, parameters);
    if (mode == CallMode::oneway) out += R"(,"oneway":true)";
    if (mode == CallMode::more) out += R"(,"more":true)";
    out += '}';
    out += '\0';
}

template <Described Parameters>
void write_reply(std::string &out, const Parameters &parameters, bool continues = false) {
    out += R"({"parameters":)";
    write_json(out, parameters);
    out += continues ? R"(,"continues":true})" : "}";
    out += '\0';
}

template <Described Parameters>
void write_error(std::string &out, std::string_view name, const Parameters &parameters) {
    out += R"({"error":)";
    write_json(out, name);
    out += R"(,"parameters":)";
    write_json(out, parameters);
    out += '}';
    out += '\0';
}

}  // namespace varlink
