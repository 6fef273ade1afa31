// A Varlink service: interfaces with their descriptions, methods, and what a method gets and answers with. No input or output.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/varlink/call_counters.h"
#include "proto/varlink/effect.h"
#include "proto/varlink/fields.h"
#include "proto/varlink/file_descriptor.h"
#include "proto/varlink/frame_memo.h"
#include "proto/varlink/message.h"
#include "proto/varlink/plain_call.h"

namespace varlink {

class Session;

// Who is at the other end, as the kernel saw it when the connection was made (SO_PEERCRED, SO_PEERGROUPS).
struct Peer {
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
    std::vector<gid_t> groups = {};  // supplementary; none of more than max_peer_groups
    pid_t pid = 0;
    uid_t share = uid;                        // whose share it takes of what all share: its own, or unnamed_uids
    std::uint64_t connection = 0;             // no other connection of this process has it
    std::weak_ptr<const void> open = {};      // expires with the connection
    std::chrono::nanoseconds connected = {};  // by CLOCK_BOOTTIME
    std::string_view listener = {};           // to which it connected: the service's, and there as long as that
    // The process that made the connection, by a descriptor of it (SO_PEERPIDFD, Linux 6.5): none if it has ended, the connection has been closed, or the kernel
    // does not know.
    std::function<FileDescriptor()> process = {};
};

// ---- The standard errors, for methods that have to give one themselves

struct InvalidParameter {
    static constexpr std::string_view error_name = "org.varlink.service.InvalidParameter";
    std::string parameter;
    static constexpr auto fields() { return std::tuple(field("parameter", &InvalidParameter::parameter)); }
};
struct InterfaceNotFound {
    static constexpr std::string_view error_name = "org.varlink.service.InterfaceNotFound";
    std::string interface;
    static constexpr auto fields() { return std::tuple(field("interface", &InterfaceNotFound::interface)); }
};
struct MethodNotFound {
    static constexpr std::string_view error_name = "org.varlink.service.MethodNotFound";
    std::string method;
    static constexpr auto fields() { return std::tuple(field("method", &MethodNotFound::method)); }
};
struct MethodNotImplemented {
    static constexpr std::string_view error_name = "org.varlink.service.MethodNotImplemented";
    std::string method;
    static constexpr auto fields() { return std::tuple(field("method", &MethodNotImplemented::method)); }
};
struct PermissionDenied {
    static constexpr std::string_view error_name = "org.varlink.service.PermissionDenied";
    static constexpr auto fields() { return std::tuple(); }
};
struct ExpectedMore {
    static constexpr std::string_view error_name = "org.varlink.service.ExpectedMore";
    static constexpr auto fields() { return std::tuple(); }
};

// What an error repeats of a name that a peer gave: its beginning, if it is long.
std::string echoed(std::string_view name);

template <class T>
concept WireError = Described<T> && requires {
    { T::error_name } -> std::convertible_to<std::string_view>;
};

// ---- What a method answers with

// The right and the duty to answer one call, exactly once, at once or later. Dropping it unanswered closes the connection: a caller
// must never wait for an answer that cannot come. After the connection has ended every answer goes nowhere, silently.
class Responder {
public:
    Responder(Responder &&other) noexcept = default;
    Responder &operator=(Responder &&other) noexcept;
    ~Responder();

    template <Described Parameters>
    void reply(const Parameters &parameters) {
        finish(false, [&](std::string &out) { write_reply(out, parameters); });
    }
    template <WireError Error>
    void fail(const Error &error) {
        fail(Error::error_name, error);
    }
    template <Described Error>
    void fail(std::string_view name, const Error &error) {
        finish(true, [&](std::string &out) { write_error(out, name, error); });
    }

    // All that the call does is done, but its answer has to wait: the connection's next call may begin. Answers are sent in the order of the calls all the same.
    // Precondition: nothing was streamed, and neither on_drained nor on_closed are used.
    void let_next_begin();

    // One of several answers. Precondition: the call allowed them (Request::more).
    template <Described Parameters>
    void stream(const Parameters &parameters) {
        add([&](std::string &out) { write_reply(out, parameters, true); });
    }

    // More output waits than the peer reads: stream no more until on_drained is called. True also when nobody is there any more, for good.
    [[nodiscard]] bool congested() const;

    // Called each time all output has been sent, until the call is answered or the peer has gone. A handler that is given after that is let go of at once.
    void on_drained(std::function<void()> handler);

    // Called once if the peer has gone before the call is answered, or the connection is to end because the service stops: the method then drops the call
    // or answers it. Where that is so already, it is called after the method has returned; with the connection closed, from within on_closed.
    void on_closed(std::function<void()> handler);

private:
    friend class Session;
    explicit Responder(std::weak_ptr<Session> session) : session_(std::move(session)) {}

    // A plain function pointer and a pointer to the writer: nothing is allocated to answer.
    template <class Write>
    void finish(bool failed, const Write &write) {
        finish_with(failed, &write, [](const void *self, std::string &out) { (*static_cast<const Write *>(self))(out); });
    }
    template <class Write>
    void add(const Write &write) {
        add_with(&write, [](const void *self, std::string &out) { (*static_cast<const Write *>(self))(out); });
    }
    using WriteFunction = void (*)(const void *self, std::string &out);
    void finish_with(bool failed, const void *self, WriteFunction write);
    void add_with(const void *self, WriteFunction write);
    void abandon();

    std::weak_ptr<Session> session_;
    std::uint64_t owed_ = 0;  // as the session has numbered it since let_next_begin(); 0: the call has the turn
};

// ---- Methods and interfaces

struct Request {
    std::string_view method;  // the whole name
    Value parameters;         // an object; valid only until the method returns
    bool more = false;
    const Peer &peer;
};

using Method = std::function<void(const Request &, Responder)>;

class Interface {
public:
    // `description` is the interface file's text, which introspection gives back verbatim. It must outlive the interface.
    // Precondition: it begins, after comments, with "interface NAME".
    explicit Interface(std::string_view description);

    // Precondition: the description has this method, and it has not been added before. A method that the description has and nobody adds answers
    // MethodNotImplemented.
    Interface &add(std::string_view method, Effect effect, Method handler);

    // The handler gets decoded parameters; what does not decode is answered with InvalidParameter. Views in the parameters are valid
    // only until the handler returns.
    template <Described Parameters, std::invocable<const Request &, const Parameters &, Responder> Handler>
    Interface &add(std::string_view method, Effect effect, Handler handler) {
        const auto shared = std::make_shared<const Handler>(std::move(handler));
        add(method, effect, [shared](const Request &request, Responder responder) {
            auto parameters = decode<Parameters>(request.parameters);
            if (!parameters) return responder.fail(InvalidParameter{echoed(parameters.error().name)});
            (*shared)(request, *parameters, std::move(responder));
        });
        if constexpr (PlainShape<Parameters>) {
            methods_.find(method)->second.run_plain = [shared](PlainScanner text, const Request &request, Responder &responder,
                                                               CallCounters &counters) {
                const auto parameters = end_plain_call<Parameters>(text);
                if (!parameters) return false;
                ++counters.calls;
                (*shared)(request, *parameters, std::move(responder));
                return true;
            };
        }
        return *this;
    }

    // What the method keeps of a call, for when the same one comes again (frame_memo.h): of one that is neither `oneway` nor has `more`. Null: nothing of this one.
    // Precondition: the method has been added, only reads, and answers at once.
    template <Described Parameters, std::invocable<const Parameters &> Keep>
    Interface &keep(std::string_view method, Keep keep) {
        methods_.find(method)->second.keep = [keep = std::move(keep)](Value value) -> std::unique_ptr<KeptCall> {
            const auto parameters = decode<Parameters>(value);
            return parameters ? keep(*parameters) : nullptr;
        };
        return *this;
    }

    [[nodiscard]] const std::string &name() const { return name_; }
    [[nodiscard]] std::string_view description() const { return description_; }

    // Calls found(name without the interface's, counters) for each method.
    template <class Found>
    void for_each_method(const Found &found) const {
        for (const auto &[method, entry] : methods_) found(std::string_view(method), std::as_const(*entry.counters));
    }

private:
    friend class Service;
    struct Entry {
        Effect effect = Effect::reads;
        Method run;  // null: described, and that is all
        // From the text of its parameters. False: they are for the parser, and the responder is still there. Null: parameters of this method are never plain.
        std::function<bool(PlainScanner, const Request &, Responder &, CallCounters &)> run_plain;
        std::function<std::unique_ptr<KeptCall>(Value)> keep;  // null: nothing is ever kept
        std::unique_ptr<CallCounters> counters = std::make_unique<CallCounters>();
    };
    std::string name_;
    std::string_view description_;
    std::map<std::string, Entry, std::less<>> methods_;
};

struct ServiceInfo {
    std::string vendor;
    std::string product;
    std::string version;
    std::string url;
    std::vector<std::string> interfaces = {};
    static constexpr auto fields() {
        return std::tuple(field("vendor", &ServiceInfo::vendor), field("product", &ServiceInfo::product),
                          field("version", &ServiceInfo::version), field("url", &ServiceInfo::url),
                          field("interfaces", &ServiceInfo::interfaces));
    }
};

// What one listener serves. Several may have interfaces in common. Answers org.varlink.service by itself, of what it serves and no more.
class Service {
public:
    explicit Service(ServiceInfo info, std::string listener = {});
    Service(const Service &) = delete;
    Service &operator=(const Service &) = delete;
    ~Service() = default;

    void add(std::shared_ptr<const Interface> interface);
    void add(Interface interface) { add(std::make_shared<const Interface>(std::move(interface))); }

    // Its name.
    [[nodiscard]] const std::string &listener() const { return listener_; }

    // Of the method that dispatch() would run; a call that is only answered with an error changes nothing.
    [[nodiscard]] Effect effect(const Call &call) const;

    // Can this be the message of a call that changes something? Without parsing it: it cannot where nothing is escaped and no such method is named.
    [[nodiscard]] bool may_change(std::string_view message) const;

    // Finds the method and runs it. Returns the method's counters, in which the call is; null: there is no such method.
    CallCounters *dispatch(const Call &call, const Peer &peer, Responder responder) const;

    // ---- The fast paths: what the plain one does, in less time (docs/performance.md). By default they are there unless the build leaves them out
    // (MRD_FAST_PATHS). Only for a peer that waits for the answer.

    void set_fast_paths(bool on) { has_fast_paths_ = on; }
    [[nodiscard]] bool has_fast_paths() const { return has_fast_paths_; }

    // What is kept of the call that came before in the same bytes. Null: nothing.
    [[nodiscard]] FrameMemo::Slot *kept(std::string_view message) { return memo_.find(message); }

    // Runs the method straight from the message's text, and returns its counters. Null: the message is for the parser, and the responder is still there.
    CallCounters *dispatch_plain(std::string_view message, const Peer &peer, Responder &responder);

    // What the parser made of a message: lets the method keep something of the call, if it has come before.
    void keep(std::string_view message, const Call &call);

    // ----

    // Is the next of several calls that came together to be timed?
    [[nodiscard]] bool times_next() const { return (calls_ + 1) % CallCounters::timed_one_in == 0; }
    void count_next() { ++calls_; }

    // Where all sessions of one event loop parse: one call is looked at at a time.
    [[nodiscard]] Document &scratch() { return scratch_; }

private:
    // Null: there is no such method.
    [[nodiscard]] const Interface::Entry *find(std::string_view method) const;

    ServiceInfo info_;
    std::string listener_;
    std::map<std::string, std::shared_ptr<const Interface>, std::less<>> interfaces_;
    std::vector<std::string> changes_;  // how the names of the methods that change something end: Extend"
    Document scratch_;
    FrameMemo memo_;
    bool has_fast_paths_;
    unsigned calls_ = 0;
};

}  // namespace varlink
