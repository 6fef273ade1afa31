// A client of the service without a socket: what it sends goes into a session, what it gets is parsed.
#pragma once

#include <unistd.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "proto/varlink/session.h"

namespace mrd {

class SessionClient {
public:
    // Of this user: it may everything, unless other rules are set.
    explicit SessionClient(varlink::Service &service) : SessionClient(service, {.uid = ::getuid(), .gid = ::getgid()}) {}
    SessionClient(varlink::Service &service, varlink::Peer peer)
        : session_(varlink::Session::create(service, std::move(peer), {}, [this] { woken_ = true; })) {}
    SessionClient(const SessionClient &) = delete;
    SessionClient &operator=(const SessionClient &) = delete;
    ~SessionClient() { session_->close(); }

    // `parameters` is JSON.
    void send(std::string_view method, std::string_view parameters = "{}", bool more = false) {
        std::string frame =
            R"({"method":")" + std::string(method) + R"(","parameters":)" + std::string(parameters) + (more ? R"(,"more":true})" : "}");
        frame += '\0';
        send_frames(frame);
    }
    // Whole ones, each with its NUL.
    void send_frames(std::string_view frames) {
        std::string out;
        session_->receive(frames, out);
        take(out);
    }

    // The next reply's text, without its NUL; empty if there is none.
    std::string reply() {
        resume();
        if (replies_.empty()) return {};
        auto next = std::move(replies_.front());
        replies_.pop_front();
        return next;
    }
    std::string call(std::string_view method, std::string_view parameters = "{}", bool more = false) {
        send(method, parameters, more);
        return reply();
    }

    // As if the peer had stopped reading, and gone on.
    void stop_reading() { session_->set_unsent(varlink::max_unsent + 1); }
    void go_on_reading() { session_->set_unsent(0); }

    void hang_up() {
        session_->hang_up();
        woken_ = true;
    }
    void close() { session_->close(); }
    [[nodiscard]] bool broken() const { return session_->broken(); }

private:
    void resume() {
        while (std::exchange(woken_, false)) {
            std::string out;
            session_->resume(out);
            take(out);
        }
    }
    void take(std::string_view out) {
        for (auto end = out.find('\0'); end != std::string_view::npos; end = out.find('\0')) {
            replies_.emplace_back(out.substr(0, end));
            out.remove_prefix(end + 1);
        }
    }

    bool woken_ = false;
    std::deque<std::string> replies_;
    std::shared_ptr<varlink::Session> session_;
};

}  // namespace mrd
