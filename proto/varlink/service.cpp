#include "proto/varlink/service.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "proto/varlink/interfaces.h"
#include "proto/varlink/limits.h"
#include "proto/varlink/session.h"
#include "proto/varlink/text.h"

namespace varlink {

namespace {

struct InterfaceParameter {
    std::string_view interface;
    static constexpr auto fields() { return std::tuple(field("interface", &InterfaceParameter::interface)); }
};

struct DescriptionReply {
    std::string_view description;
    static constexpr auto fields() { return std::tuple(field("description", &DescriptionReply::description)); }
};

// For calls that have none.
Value no_parameters() {
    static const Document empty = [] {
        Document document;
        (void)document.parse("{}");
        return document;
    }();
    return empty.root();
}

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// Calls found(keyword, name) for each "interface NAME" and "method NAME" of an interface file.
template <class Found>
void scan_description(std::string_view text, const Found &found) {
    for (std::size_t at = 0; at < text.size();) {
        const auto line_end = std::min(text.find('\n', at), text.size());
        auto line = text.substr(at, line_end - at);
        at = line_end + 1;
        while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
        for (const std::string_view keyword : {"interface", "method"}) {
            if (!line.starts_with(keyword) || line.size() == keyword.size() || !is_space(line[keyword.size()])) continue;
            auto name = line.substr(keyword.size());
            while (!name.empty() && is_space(name.front())) name.remove_prefix(1);
            std::size_t size = 0;
            while (size < name.size() && !is_space(name[size]) && name[size] != '(' && name[size] != '#') ++size;
            found(keyword, name.substr(0, size));
        }
    }
}

}  // namespace

std::string echoed(std::string_view name) {
    if (name.size() <= max_echoed) return std::string(name);
    return std::string(beginning_of(name, max_echoed)) + "...";
}

Responder &Responder::operator=(Responder &&other) noexcept {
    if (this != &other) {
        abandon();
        session_ = std::move(other.session_);
        owed_ = other.owed_;
    }
    return *this;
}

Responder::~Responder() { abandon(); }

void Responder::abandon() {
    const auto session = session_.lock();
    if (!session) return;
    owed_ == 0 ? session->abandon() : session->abandon_owed(owed_);
}

void Responder::let_next_begin() {
    if (const auto session = session_.lock(); session && owed_ == 0) owed_ = session->let_next_begin();
}

bool Responder::congested() const {
    const auto session = session_.lock();
    return !session || session->congested();
}

void Responder::on_drained(std::function<void()> handler) {
    if (const auto session = session_.lock()) session->on_drained(std::move(handler));
}

void Responder::on_closed(std::function<void()> handler) {
    if (const auto session = session_.lock()) return session->on_closed(std::move(handler));
    const std::weak_ptr<Session> answered;
    const bool is_answered = !session_.owner_before(answered) && !answered.owner_before(session_);
    if (!is_answered) handler();
}

void Responder::finish_with(bool failed, const void *self, WriteFunction write) {
    if (const auto session = session_.lock()) {
        session_.reset();
        const auto answered = failed ? Session::Answered::with_error : Session::Answered::with_reply;
        owed_ == 0 ? session->answer(self, write, answered) : session->answer_owed(owed_, self, write, answered);
    }
}

void Responder::add_with(const void *self, WriteFunction write) {
    if (const auto session = session_.lock()) session->answer(self, write, Session::Answered::in_part);
}

Interface::Interface(std::string_view description) : description_(description) {
    scan_description(description, [this](std::string_view keyword, std::string_view name) {
        if (keyword == "interface") {
            name_ = name;
        } else {
            methods_.emplace(name, Entry{});
        }
    });
    if (name_.empty()) throw std::logic_error("an interface description without \"interface NAME\"");
}

Interface &Interface::add(std::string_view method, Effect effect, Method handler) {
    const auto known = methods_.find(method);
    if (known == methods_.end()) throw std::logic_error(name_ + " describes no method " + std::string(method));
    if (known->second.run) throw std::logic_error(name_ + " has the method " + std::string(method) + " already");
    known->second.effect = effect;
    known->second.run = std::move(handler);
    return *this;
}

Service::Service(ServiceInfo info, std::string listener)
    : info_(std::move(info)), listener_(std::move(listener)), has_fast_paths_(MRD_FAST_PATHS != 0) {
    Interface own(interfaces::org_varlink_service);
    own.add<NoParameters>("GetInfo", Effect::reads,
                          [this](const Request &, const NoParameters &, Responder responder) { responder.reply(info_); });
    own.add<InterfaceParameter>("GetInterfaceDescription", Effect::reads,
                                [this](const Request &, const InterfaceParameter &wanted, Responder responder) {
                                    const auto known = interfaces_.find(wanted.interface);
                                    if (known == interfaces_.end()) return responder.fail(InterfaceNotFound{echoed(wanted.interface)});
                                    responder.reply(DescriptionReply{known->second->description()});
                                });
    add(std::move(own));
}

void Service::add(std::shared_ptr<const Interface> interface) {
    info_.interfaces.push_back(interface->name());
    for (const auto &[name, method] : interface->methods_) {
        if (method.effect == Effect::changes) changes_.push_back(name + '"');
    }
    interfaces_.emplace(interface->name(), std::move(interface));
}

const Interface::Entry *Service::find(std::string_view method) const {
    const auto dot = method.rfind('.');
    if (dot == std::string_view::npos) return nullptr;
    const auto interface = interfaces_.find(method.substr(0, dot));
    if (interface == interfaces_.end()) return nullptr;
    const auto found = interface->second->methods_.find(method.substr(dot + 1));
    return found == interface->second->methods_.end() ? nullptr : &found->second;
}

Effect Service::effect(const Call &call) const {
    const auto *method = find(call.method);
    return method == nullptr ? Effect::reads : method->effect;
}

bool Service::may_change(std::string_view message) const {
    if (message.contains('\\')) return true;
    for (auto dot = message.find('.'); dot != std::string_view::npos; dot = message.find('.', dot + 1)) {
        const auto rest = message.substr(dot + 1);
        if (std::ranges::any_of(changes_, [rest](const std::string &name) { return rest.starts_with(name); })) return true;
    }
    return false;
}

CallCounters *Service::dispatch(const Call &call, const Peer &peer, Responder responder) const {
    const auto refuse = [&responder](const auto &error) -> CallCounters * {
        responder.fail(error);
        return nullptr;
    };
    const auto dot = call.method.rfind('.');
    if (dot == std::string_view::npos) return refuse(MethodNotFound{echoed(call.method)});
    const auto interface = interfaces_.find(call.method.substr(0, dot));
    if (interface == interfaces_.end()) return refuse(InterfaceNotFound{echoed(call.method.substr(0, dot))});
    const auto method = interface->second->methods_.find(call.method.substr(dot + 1));
    if (method == interface->second->methods_.end()) return refuse(MethodNotFound{echoed(call.method)});
    // Nothing here upgrades a connection to another protocol.
    if (!method->second.run || call.upgrade) return refuse(MethodNotImplemented{echoed(call.method)});
    // The interface is there as long as this; the method may end the session.
    auto *counters = method->second.counters.get();
    ++counters->calls;
    method->second.run(Request{call.method, call.parameters.value_or(no_parameters()), call.more, peer}, std::move(responder));
    return counters;
}

CallCounters *Service::dispatch_plain(std::string_view message, const Peer &peer, Responder &responder) {
    const auto call = begin_plain_call(message);
    const auto *method = call ? find(call->method) : nullptr;
    if (method == nullptr || !method->run_plain) return nullptr;
    // What is kept of a call is made of what the parser says of it.
    if (method->keep && memo_.wants(message)) return nullptr;
    auto *counters = method->counters.get();
    return method->run_plain(call->rest, Request{call->method, no_parameters(), false, peer}, responder, *counters) ? counters : nullptr;
}

void Service::keep(std::string_view message, const Call &call) {
    if (call.oneway || call.more || call.upgrade || !call.parameters) return;
    const auto *method = find(call.method);
    if (method == nullptr || !method->keep || !memo_.wants(message)) return;
    if (auto kept = method->keep(*call.parameters)) memo_.keep(message, std::move(kept), *method->counters);
}

}  // namespace varlink
