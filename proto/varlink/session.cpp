#include "proto/varlink/session.h"

#include <atomic>
#include <utility>

namespace varlink {

std::shared_ptr<Session> Session::create(Service &service, Peer peer, const Limits &limits, std::function<void()> wake) {
    return std::shared_ptr<Session>(new Session(service, peer, limits, std::move(wake)));
}

Session::Session(Service &service, Peer peer, const Limits &limits, std::function<void()> wake)
    : service_(service), peer_(peer), wake_(std::move(wake)), splitter_(limits.max_message) {
    static std::atomic<std::uint64_t> connections = 0;
    peer_.connection = ++connections;
}

Session::~Session() = default;

void Session::receive(std::string_view bytes, std::string &out) {
    splitter_.feed(bytes);
    run(out);
    splitter_.keep_rest();
}

void Session::resume(std::string &out) {
    out += pending_;
    pending_ = {};
    splitter_.feed({});
    run(out);
    splitter_.keep_rest();
}

void Session::run(std::string &out) {
    // A method may drop the last reference to this session's connection.
    const auto self = shared_from_this();
    const auto start = out.size();
    out_ = &out;
    held_back_ = false;
    while (!answering_ && !broken_ && !ended_) {
        if (unsent_ + out.size() - start > max_unsent) {
            held_back_ = true;
            break;
        }
        const auto message = splitter_.next();
        if (!message) {
            broken_ = broken_ || splitter_.overflowed();
            break;
        }
        run_call(*message);
    }
    out_ = nullptr;
}

void Session::run_call(std::string_view message) {
    auto &document = service_.scratch();
    const auto call = parse_call(message, document);
    if (!call) {
        broken_ = true;
        return;
    }
    answering_ = true;
    oneway_ = call->oneway;
    service_.dispatch(*call, peer_, Responder(weak_from_this()));
    document.trim();
}

void Session::answer(const void *self, Responder::WriteFunction write, bool final) {
    if (ended_ || !answering_) return;
    if (!oneway_) write(self, out_ != nullptr ? *out_ : pending_);
    if (final) {
        answering_ = false;
        drained_ = nullptr;
        closed_ = nullptr;
    }
    if (out_ == nullptr) wake_();
}

void Session::abandon() {
    if (ended_ || !answering_) return;
    answering_ = false;
    broken_ = true;
    if (out_ == nullptr) wake_();
}

bool Session::congested() const {
    const auto produced = pending_.size() + (out_ != nullptr ? out_->size() : 0);
    return ended_ || unsent_ + produced > max_unsent;
}

void Session::set_unsent(std::size_t bytes) {
    unsent_ = bytes;
    if (bytes == 0 && pending_.empty()) kept_.clear();
    if (bytes == 0 && pending_.empty() && drained_) {
        const auto handler = drained_;
        handler();
    }
}

void Session::hang_up() {
    drained_ = nullptr;
    if (const auto handler = std::exchange(closed_, nullptr)) handler();
}

bool Session::end_subscription() {
    // "more" alone does not make one: it may be sent with any call.
    if (!answering_ || !closed_) return false;
    hang_up();
    if (std::exchange(answering_, false)) broken_ = true;
    return true;
}

void Session::close() {
    if (std::exchange(ended_, true)) return;
    kept_.clear();
    hang_up();
}

}  // namespace varlink
