#include "proto/varlink/message.h"

#include "proto/varlink/limits.h"

namespace varlink {

namespace {

// False: not an object, so the message is broken. null counts as absent.
bool take_parameters(Value value, std::optional<Value> &parameters) {
    if (value.kind() == Kind::object) parameters = value;
    return value.kind() == Kind::object || value.kind() == Kind::null;
}

bool take_flag(Value value, bool &flag) {
    const auto read = value.as_bool();
    flag = read.value_or(false);
    return read.has_value();
}

// More members than the envelope has keys: looking for a key that stands twice must not cost the square of a hostile message.
constexpr std::size_t max_members = 8;

// Calls take(key, value) for each member; false if it returns false, a key stands twice, or the message is no object.
template <class Take>
bool for_each_member(std::string_view message, Document &document, const ParseLimits &limits, const Take &take) {
    if (!document.parse(message, limits) || document.root().kind() != Kind::object || document.root().size() > max_members) return false;
    for (auto member = document.root().first(); member; member = member->next()) {
        for (auto later = member->next(); later; later = later->next()) {
            if (later->key() == member->key()) return false;
        }
        if (!take(member->key(), *member)) return false;
    }
    return true;
}

}  // namespace

std::optional<Call> parse_call(std::string_view message, Document &document) {
    Call call;
    const auto take = [&](std::string_view key, Value value) {
        if (key == "method") {
            const auto method = value.as_string();
            call.method = method.value_or("");
            return method.has_value();
        }
        if (key == "parameters") return take_parameters(value, call.parameters);
        if (key == "oneway") return take_flag(value, call.oneway);
        if (key == "more") return take_flag(value, call.more);
        if (key == "upgrade") return take_flag(value, call.upgrade);
        return false;
    };
    const auto modes = [&] { return (call.oneway ? 1 : 0) + (call.more ? 1 : 0) + (call.upgrade ? 1 : 0); };
    constexpr ParseLimits limits{.values = max_call_values, .unusual = max_unusual_call};
    if (!for_each_member(message, document, limits, take) || call.method.empty() || modes() > 1) return std::nullopt;
    return call;
}

std::optional<Reply> parse_reply(std::string_view message, Document &document) {
    Reply reply;
    const auto take = [&](std::string_view key, Value value) {
        if (key == "error") {
            const auto error = value.as_string();
            reply.error = error.value_or("");
            return error.has_value() && !reply.error.empty();
        }
        if (key == "parameters") return take_parameters(value, reply.parameters);
        if (key == "continues") return take_flag(value, reply.continues);
        return false;
    };
    // An error is always final.
    if (!for_each_member(message, document, {}, take) || (!reply.error.empty() && reply.continues)) return std::nullopt;
    return reply;
}

}  // namespace varlink
