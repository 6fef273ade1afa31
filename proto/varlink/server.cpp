#include "proto/varlink/server.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include "proto/varlink/buffer_budget.h"
#include "proto/varlink/release.h"
#include "proto/varlink/session.h"
#include "proto/varlink/turn_queue.h"
#include "proto/varlink/uid_shares.h"

namespace varlink {

namespace asio = boost::asio;
using Socket = asio::local::stream_protocol::socket;
using Acceptor = asio::local::stream_protocol::acceptor;
using ErrorCode = boost::system::error_code;

constexpr auto sweep_period = std::chrono::seconds(1);
constexpr auto sweep_period_at_end = std::chrono::milliseconds(100);
constexpr std::size_t turns_at_once = 16;                 // before sockets, new connections and timers are looked at again
constexpr std::size_t near_turns = 4 * turns_at_once;     // so soon comes a turn that nobody waits for a hang-up meanwhile
constexpr std::size_t trim_size = std::size_t{8} << 20U;  // bytes that were freed are given back to the system from here on

namespace {

constexpr std::string_view no_descriptor_left = "mrd has no descriptor left";

FileDescriptor open_spare() { return FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

// A peer that sends a descriptor, which nothing here takes, is refused (EPERM): to let go of the last reference to a file can block this process for as long
// as the peer likes. A connection has it from the listening socket, from its first moment. Linux before 6.16 does not know it.
void refuse_descriptors(const FileDescriptor &socket) {
    constexpr int no = 0;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no));
}

// One system call, whatever their number: who is in more groups than are kept is in none.
std::vector<gid_t> groups_of(const FileDescriptor &socket) {
    std::array<gid_t, max_peer_groups> groups{};
    socklen_t size = sizeof(groups);
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return {};
    return {groups.begin(), groups.begin() + size / sizeof(gid_t)};
}

FileDescriptor process_of(int socket) {
    int process = -1;
    socklen_t size = sizeof(process);
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &process, &size) != 0) return {};
    return FileDescriptor(process);
}

Peer peer_of(const FileDescriptor &socket) {
    ucred credentials{};
    socklen_t size = sizeof(credentials);
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {};
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return {.uid = credentials.uid,
            .gid = credentials.gid,
            .groups = groups_of(socket),
            .pid = credentials.pid,
            .connected = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)};
}

}  // namespace

bool knows_processes_of_peers() {
    std::array<int, 2> pair{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return true;  // nobody has said that it cannot
    const FileDescriptor one(pair[0]);
    const FileDescriptor other(pair[1]);
    return process_of(one.get()) || errno != ENOPROTOOPT;
}

struct Server::Listener {
    Acceptor acceptor;
    Service &service;
};

// All that the connections of a server share. Connections hold it, so that their last handlers may run after the server's end.
struct Server::State {
    State(asio::io_context &loop_, const Limits &limits_, ShareOf share_of_)
        : loop(loop_),
          limits(limits_),
          share_of(std::move(share_of_)),
          places(limits_.max_connections),
          left_behind(limits_.max_left_behind),
          budget(limits_),
          sweep_timer(loop_) {}

    // A handler of a closed acceptor can still be under way, so it shares the listener and asks it.
    static void accept_next(const std::shared_ptr<State> &state, const std::shared_ptr<Listener> &listener);
    static void accept_ready(const std::shared_ptr<State> &state, const std::shared_ptr<Listener> &listener);
    static void serve(const std::shared_ptr<State> &state, FileDescriptor connected, Service &service);
    bool refuse_next(Acceptor &acceptor);
    // Whose it is, and whose share it takes.
    [[nodiscard]] Peer sharing_peer_of(const FileDescriptor &connected) const;
    void refuse(const Peer &peer, std::size_t &counter, std::string_view why);

    // May what was just received have its turn before those who wait for theirs? Of the first ones only: they come in the order of the sockets, whoever's they are.
    // Whoever comes again in the same round shows that it is over: the sockets have been looked at since. `last_round`: the connection's own.
    bool begins_at_once(std::uint64_t &last_round) {
        if (std::exchange(last_round, round) == round) {
            last_round = ++round;
            first_turns = turns_at_once;
        }
        if (first_turns == 0) return false;
        --first_turns;
        return true;
    }
    static void give_turns_later(const std::shared_ptr<State> &state);
    static void give_turns(const std::shared_ptr<State> &state);

    // One timer for all connections, and only while one is waited for or memory is to be given back.
    static void sweep_later(const std::shared_ptr<State> &state);
    void sweep();

    // About what the connections take of memory.
    [[nodiscard]] std::size_t memory() const;
    void note_memory() { most_memory = std::max(most_memory, memory()); }
    [[nodiscard]] bool much_was_freed() const { return most_memory - std::min(most_memory, memory()) >= trim_size; }

    asio::io_context &loop;
    Limits limits;
    ShareOf share_of;
    std::vector<std::shared_ptr<Listener>> listeners;
    std::unordered_set<std::shared_ptr<Connection>> connections;
    std::function<void()> empty;
    OnClosed told_of_closed;
    OnClosed told_of_refused;
    UidShares places;
    UidShares left_behind;  // bytes
    BufferBudget budget;
    TurnQueue turns;
    bool will_give_turns = false;
    std::uint64_t round = 1;                  // of looking at the sockets, as far as is known
    std::size_t first_turns = turns_at_once;  // left in it
    ServerCounters counters;
    bool stopping = false;

    // With this one a connection is refused when there is no other.
    FileDescriptor spare = open_spare();

    asio::steady_timer sweep_timer;
    bool will_sweep = false;
    std::size_t most_memory = 0;  // since memory was last given back

    // One of each for all connections.
    std::array<char, receive_size> received{};
    std::string to_send;
};

// Waits by callbacks instead of a coroutine: while a call is being answered three things can come first (the answer, the peer's hang-up, room
// to send), and an idle connection then costs no coroutine frame.
class Server::Connection : public std::enable_shared_from_this<Connection>, public BufferBudget::Holder, public TurnQueue::Member {
public:
    Connection(std::shared_ptr<State> state, Service &service, const Peer &peer)
        : BufferBudget::Holder(peer.share),
          TurnQueue::Member(peer.share),
          state_(std::move(state)),
          service_(service),
          peer_(peer),
          socket_(state_->loop) {}

    // False: the kernel does not let the loop watch one more socket.
    bool adopt(FileDescriptor connected) {
        ErrorCode error;
        socket_.assign(asio::local::stream_protocol(), connected.get(), error);
        if (!error) (void)connected.release();
        return !error;
    }

    void start() {
        peer_.process = [weak = weak_from_this()] {
            const auto self = weak.lock();
            return self && self->socket_.is_open() ? process_of(self->socket_.native_handle()) : FileDescriptor();
        };
        session_ = Session::create(service_, peer_, state_->limits, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->wake();
        });
        go_on();
    }

    void stop() {
        stopping_ = true;
        session_->stop();
        take_turn();
    }

    void take_turn() {
        awaits_first_turn_ = false;
        resume();
        go_on();
    }

    // Nobody reads its answers any more; what was sent before the hang-up and changes something still takes effect.
    void on_hang_up() {
        gone_ = true;
        release(unsent_);
        go_on();
    }

    void close_for(std::string_view why) {
        if (!closed_ && state_->told_of_closed) state_->told_of_closed(peer_, why);
        close();
    }

    void close() {
        if (std::exchange(closed_, true)) return;
        const auto self = shared_from_this();
        ErrorCode ignored;
        socket_.close(ignored);
        session_->close();
        const auto state = state_;
        state->budget.remove(*this);
        state->turns.leave(*this);
        left_behind_ > 0 ? state->left_behind.give_back(peer_.share, left_behind_) : state->places.give_back(peer_.share);
        state->connections.erase(self);
        if (state->much_was_freed()) State::sweep_later(state);
        if (state->connections.empty() && state->empty) state->empty();
    }

private:
    void go_on() {
        wait_for_next();
        if (!closed_) account();
    }

    // Holds the limit of what all hold. Who would have to go for it may have taken what was sent to him, with mrd too busy to see it: that is looked at first.
    void account() {
        if (left_behind_ > 0 || !tell_budget()) return;
        const auto state = state_;
        state->note_memory();
        State::sweep_later(state);
        while (auto *excess = closed_ ? nullptr : state->budget.excess(*this, std::chrono::steady_clock::now())) {
            auto &holder = static_cast<Connection &>(*excess);
            if (holder.send_more()) continue;
            ++state->counters.closed_buffered;
            holder.close_for("it held too much of max_buffered");
        }
    }

    // Says what is held and what is waited for: is it anything? Most turns of most connections hold nothing.
    bool tell_budget() {
        using Waiting = BufferBudget::Waiting;
        const auto bytes = session_->memory() + (unsent_.empty() ? 0 : unsent_.capacity());
        const auto waiting = !unsent_.empty()          ? Waiting::for_reader
                             : session_->awaits_rest() ? Waiting::for_rest_of_message
                                                       : Waiting::for_nothing;
        if (bytes == 0 && waiting == Waiting::for_nothing) {
            state_->budget.remove(*this);
            return false;
        }
        state_->budget.update(*this, bytes, waiting, std::exchange(progress_, 0), std::chrono::steady_clock::now());
        return true;
    }

    // Nothing else happens for it yet: its wait for room goes on.
    bool send_more() {
        progress_ += send_unsent();
        if (gone_ || progress_ == 0) return false;
        tell_budget();
        return true;
    }

    std::size_t send_unsent() {
        const auto sent = unsent_.empty() ? 0 : send_some(unsent_);
        unsent_.erase(0, sent);
        if (unsent_.empty()) release(unsent_);
        session_->set_unsent(unsent_.size());
        return sent;
    }

    void wait_for_next() {
        if (closed_) return;
        if (gone_ && !session_->hung_up()) {
            session_->hang_up();
            resume();
        }
        if (!unsent_.empty()) wait_writable();
        // The calls held back get a turn of their own, behind all who wait for theirs. Where too much was unsent, and all went out at once, or nowhere, no room
        // to send will be reported.
        if (session_->turn_is_over() || (unsent_.empty() && session_->held_back())) {
            state_->turns.enter(*this);
            State::give_turns_later(state_);
        }
        if (waits_for_answers()) {
            if (gone_) leave_behind();
            if (left_behind_ == 0 && !is_near_first_turn()) wait_hang_up();
            return;
        }
        if (left_behind_ > 0) return close();
        if (session_->broken() || input_ended_ || stopping_) {
            if (unsent_.empty()) session_->broken() ? close_for(session_->why_broken()) : close();
            return;
        }
        if (unsent_.size() <= max_unsent) wait_readable();
    }

    // Nothing is received meanwhile: a call runs, or it is over but for answers that are still to come.
    [[nodiscard]] bool waits_for_answers() const {
        const bool is_over = gone_ || input_ended_ || stopping_ || left_behind_ > 0 || session_->broken();
        return session_->busy() || (is_over && session_->owes_answers());
    }

    // For what was just received: that its client has gone meanwhile is met by the first answer that is sent. To wait for the hang-up arms epoll by a system call.
    [[nodiscard]] bool is_near_first_turn() const {
        return awaits_first_turn_ && session_->turn_is_over() && state_->turns.size() <= near_turns;
    }

    // What a client that has gone wants changed needs neither its socket nor its place: they are given back, as far as there is room for what it has sent.
    void leave_behind() {
        if (left_behind_ > 0 || waiting_readable_ || !has_hung_up()) return;
        int unread = 0;
        if (::ioctl(socket_.native_handle(), FIONREAD, &unread) != 0) return;
        const auto bytes = sizeof(Connection) + sizeof(Session) + session_->memory() + static_cast<std::size_t>(unread);
        if (state_->left_behind.take(peer_.share, bytes) != UidShares::Outcome::taken) return;
        std::string rest(static_cast<std::size_t>(unread), '\0');
        std::size_t read = 0;
        for (ssize_t size = 0; (size = ::recv(socket_.native_handle(), rest.data() + read, rest.size() - read, MSG_DONTWAIT)) > 0;)
            read += static_cast<std::size_t>(size);
        rest.resize(read);
        session_->keep(rest);
        ErrorCode ignored;
        socket_.close(ignored);
        state_->budget.remove(*this);
        state_->places.give_back(peer_.share);
        left_behind_ = bytes;
    }

    void wait_readable() {
        if (std::exchange(waiting_readable_, true)) return;
        // Beside a wait for errors each read would arm epoll, too.
        if (waiting_hang_up_) hang_up_not_waited_for_.emit(asio::cancellation_type::total);
        // Reading costs a system call less than waiting until there is something to read, which has to arm epoll each time.
        socket_.async_read_some(asio::buffer(received_), [self = shared_from_this()](const ErrorCode &error, std::size_t size) {
            self->waiting_readable_ = false;
            if (!self->closed_ && self->left_behind_ == 0) self->on_readable(error, size);
        });
    }

    void wait_writable() {
        if (std::exchange(waiting_writable_, true)) return;
        socket_.async_wait(Socket::wait_write, [self = shared_from_this()](const ErrorCode &error) {
            self->waiting_writable_ = false;
            if (!error && !self->closed_ && self->left_behind_ == 0) self->on_writable();
        });
    }

    // The peer's full close, or an error; not its half close, after which it still reads.
    void wait_hang_up() {
        if (std::exchange(waiting_hang_up_, true)) return;
        const auto come = [self = shared_from_this()](const ErrorCode &error) {
            if (self->closed_ || self->left_behind_ > 0 || (error && error != asio::error::operation_aborted)) return;
            if (!error && self->has_hung_up()) return self->on_hang_up();
            self->waiting_hang_up_ = false;
            if (self->waits_for_answers()) self->wait_hang_up();
        };
        socket_.async_wait(Socket::wait_error, asio::bind_cancellation_slot(hang_up_not_waited_for_.slot(), come));
    }

    // An urgent byte (MSG_OOB) wakes the wait for a hang-up too, and would do so again and again: it is no part of the stream, and dropped.
    [[nodiscard]] bool has_hung_up() {
        pollfd state{.fd = socket_.native_handle(), .events = 0, .revents = 0};
        if (::poll(&state, 1, 0) > 0) return true;
        char urgent = 0;
        (void)::recv(socket_.native_handle(), &urgent, 1, MSG_OOB | MSG_DONTWAIT);
        return false;
    }

    void on_readable(const ErrorCode &error, std::size_t size) {
        if (error && error != asio::error::eof) return session_->owes_answers() ? on_hang_up() : close();
        if (stopping_) return go_on();  // what comes now is not served
        auto &out = state_->to_send;
        out.clear();
        const auto messages = session_->messages();
        const bool at_once = size > 0 && state_->begins_at_once(last_round_);
        const auto take = [&](std::string_view bytes) { at_once ? session_->receive(bytes, out) : session_->keep(bytes); };
        if (size > 0) take({received_.data(), size});
        input_ended_ = error == asio::error::eof;
        // There may be more than the connection's own buffer holds. While a call runs, its answer decides how it goes on.
        if (size == received_.size() && !session_->busy()) {
            const auto more = ::recv(socket_.native_handle(), state_->received.data(), state_->received.size(), MSG_DONTWAIT);
            if (more > 0) take({state_->received.data(), static_cast<std::size_t>(more)});
            // The end of the input and errors are met again by the next read.
        }
        if (session_->messages() != messages) progress_ = size;
        awaits_first_turn_ = size > 0 && !at_once;
        send(out);
        go_on();
    }

    void on_writable() {
        progress_ = send_unsent();
        if (unsent_.empty()) resume();
        go_on();
    }

    void wake() {
        if (std::exchange(wake_posted_, true)) return;
        asio::post(state_->loop, [self = shared_from_this()] {
            self->wake_posted_ = false;
            if (!self->closed_) self->take_turn();
        });
    }

    void resume() {
        auto &out = state_->to_send;
        out.clear();
        session_->resume(out);
        send(out);
    }

    void send(const std::string &out) {
        if (out.empty() || gone_) return;
        if (!unsent_.empty()) {
            unsent_ += out;
        } else if (const auto sent = send_some(out); !gone_ && sent < out.size()) {
            unsent_.assign(out, sent);
        }
        session_->set_unsent(unsent_.size());
        if (out.capacity() > 4 * max_unsent) release(state_->to_send);
    }

    std::size_t send_some(std::string_view bytes) {
        const auto size = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size >= 0) return static_cast<std::size_t>(size);
        if (errno == EAGAIN || errno == EINTR) return 0;
        gone_ = true;
        return bytes.size();
    }

    std::shared_ptr<State> state_;
    Service &service_;
    Peer peer_;
    Socket socket_;
    std::shared_ptr<Session> session_;
    std::string unsent_;
    std::size_t progress_ = 0;     // as BufferBudget has it
    std::size_t left_behind_ = 0;  // bytes of State::left_behind; more than none: its socket is closed, and its place given back
    std::array<char, connection_receive_size> received_{};
    asio::cancellation_signal hang_up_not_waited_for_;
    std::uint64_t last_round_ = 0;  // in which it was received from
    bool waiting_readable_ = false;
    bool waiting_writable_ = false;
    bool waiting_hang_up_ = false;
    bool wake_posted_ = false;
    bool awaits_first_turn_ = false;  // of what was received last
    bool input_ended_ = false;
    bool gone_ = false;
    bool stopping_ = false;
    bool closed_ = false;
};

std::expected<void, std::string> check_socket_file(const Address &address) {
    struct stat file{};
    if (address.path().empty() || ::lstat(address.path().c_str(), &file) != 0 || S_ISSOCK(file.st_mode)) return {};
    return std::unexpected(address.path() + " is there and is not a socket: remove it, or name another socket");
}

std::expected<FileDescriptor, std::string> bind_to(const Address &address, const SocketAccess &access) {
    const auto failed = [&address](std::string_view what) {
        const auto reason = std::generic_category().message(errno);
        return std::unexpected("cannot " + std::string(what) + " the socket " + (address.path().empty() ? "(abstract)" : address.path()) +
                               ": " + reason);
    };
    if (auto good = check_socket_file(address); !good) return std::unexpected(good.error());
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return failed("create");
    if (!address.path().empty() && ::unlink(address.path().c_str()) != 0 && errno != ENOENT) return failed("remove the old file of");
    // Nobody can connect before listen(), and the file has its mode from the start: bind() applies the mask itself, in a folder with a default access list too.
    const auto old_mask = ::umask(static_cast<mode_t>(~access.mode & 0777U));
    const auto bound = ::bind(socket.get(), address.data(), address.size());
    ::umask(old_mask);
    if (bound != 0) return failed("bind");
    constexpr auto as_it_is = static_cast<uid_t>(-1);
    const bool is_given = access.owner || access.group;
    if (is_given && ::lchown(address.path().c_str(), access.owner.value_or(as_it_is), access.group.value_or(as_it_is)) != 0) {
        auto failure = failed("set owner and group of");
        ::unlink(address.path().c_str());
        return failure;
    }
    refuse_descriptors(socket);
    return socket;
}

std::expected<FileDescriptor, std::string> listen_on(const Address &address, const SocketAccess &access) {
    auto socket = bind_to(address, access);
    if (socket && ::listen(socket->get(), SOMAXCONN) != 0)
        return std::unexpected("cannot listen on the socket: " + std::generic_category().message(errno));
    return socket;
}

Server::Server(asio::io_context &loop, const Limits &limits, ShareOf share_of)
    : state_(std::make_shared<State>(loop, limits, std::move(share_of))) {}

Server::~Server() {
    state_->empty = nullptr;
    state_->sweep_timer.cancel();
    stop();
    while (!state_->connections.empty()) {
        const auto connection = *state_->connections.begin();
        connection->close();
    }
}

void Server::accept_on(FileDescriptor listening, Service &service) {
    refuse_descriptors(listening);  // one from bind_to() does; the service manager's may not
    // The service manager's listens already, with a queue as it says. A bound socket's cannot fail.
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(listening.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens == 0)
        (void)::listen(listening.get(), SOMAXCONN);
    const auto listener = std::make_shared<Listener>(Listener{Acceptor(state_->loop), service});
    listener->acceptor.assign(asio::local::stream_protocol(), listening.release());
    listener->acceptor.non_blocking(true);
    state_->listeners.push_back(listener);
    State::accept_next(state_, listener);
}

void Server::State::accept_next(const std::shared_ptr<State> &state, const std::shared_ptr<Listener> &listener) {
    listener->acceptor.async_wait(Acceptor::wait_read, [state, listener](const ErrorCode &error) {
        if (!error && listener->acceptor.is_open()) accept_ready(state, listener);
    });
}

void Server::State::accept_ready(const std::shared_ptr<State> &state, const std::shared_ptr<Listener> &listener) {
    auto &acceptor = listener->acceptor;
    // A bounded number each time: those who are connected get their turn too.
    constexpr int at_once = 64;
    for (int i = 0; i < at_once; ++i) {
        FileDescriptor connected(::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (connected) {
            serve(state, std::move(connected), listener->service);
            continue;
        }
        const auto failure = errno;
        const bool no_descriptor = failure == EMFILE || failure == ENFILE;
        if (no_descriptor && state->refuse_next(acceptor)) continue;
        if (no_descriptor || failure == ENOMEM || failure == ENOBUFS) {
            // The connection stays in the queue and would wake the loop at once, again and again.
            const auto retry = std::make_shared<asio::steady_timer>(state->loop, std::chrono::milliseconds(100));
            retry->async_wait([state, listener, retry](const ErrorCode &error) {
                if (!error && listener->acceptor.is_open()) accept_next(state, listener);
            });
            return;
        }
        break;
    }
    accept_next(state, listener);
}

Peer Server::State::sharing_peer_of(const FileDescriptor &connected) const {
    auto peer = peer_of(connected);
    peer.share = share_of ? share_of(peer.uid) : peer.uid;
    return peer;
}

void Server::State::refuse(const Peer &peer, std::size_t &counter, std::string_view why) {
    ++counter;
    if (told_of_refused) told_of_refused(peer, why);
}

// Without a descriptor for it the next connection would wait, and not know for what.
bool Server::State::refuse_next(Acceptor &acceptor) {
    if (!spare) spare = open_spare();
    if (!spare) return false;
    spare.reset();
    FileDescriptor connected(::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    const bool is_refused = static_cast<bool>(connected);
    if (is_refused) refuse(sharing_peer_of(connected), counters.refused_descriptors, no_descriptor_left);
    connected.reset();
    spare = open_spare();
    return is_refused;
}

void Server::serve(FileDescriptor connected, Service &service) { State::serve(state_, std::move(connected), service); }

void Server::State::serve(const std::shared_ptr<State> &state, FileDescriptor connected, Service &service) {
    // A connection too many ends at once: better than one that never answers.
    auto &counters = state->counters;
    if (state->stopping) {
        ++counters.refused_full;
        return;
    }
    refuse_descriptors(connected);  // it may have been made before its listening socket was told
    const auto peer = state->sharing_peer_of(connected);
    switch (state->places.take(peer.share)) {
    case UidShares::Outcome::taken: break;
    case UidShares::Outcome::none_left:
        return state->refuse(peer, counters.refused_full, "as many connections are open as max_connections allows");
    case UidShares::Outcome::over_share:
        return state->refuse(peer, counters.refused_share,
                             "this uid, or all that no rule names together, has its share of the connections");
    }
    const auto connection = std::make_shared<Connection>(state, service, peer);
    if (!connection->adopt(std::move(connected))) {
        state->places.give_back(peer.share);
        return state->refuse(peer, counters.refused_descriptors, no_descriptor_left);
    }
    state->connections.insert(connection);
    state->note_memory();
    connection->start();
}

std::size_t Server::State::memory() const {
    return budget.total() + left_behind.taken() + places.taken() * (sizeof(Connection) + sizeof(Session));
}

void Server::State::give_turns_later(const std::shared_ptr<State> &state) {
    if (state->turns.size() == 0 || std::exchange(state->will_give_turns, true)) return;
    asio::post(state->loop, [weak = std::weak_ptr(state)] {
        if (const auto self = weak.lock()) give_turns(self);
    });
}

void Server::State::give_turns(const std::shared_ptr<State> &state) {
    state->will_give_turns = false;
    state->first_turns = turns_at_once;
    // Nobody has a second one before the sockets were looked at.
    for (auto left = std::min(state->turns.size(), turns_at_once); left > 0; --left) {
        if (auto *next = state->turns.next()) static_cast<Connection *>(next)->shared_from_this()->take_turn();
    }
    give_turns_later(state);
}

void Server::State::sweep_later(const std::shared_ptr<State> &state) {
    if (std::exchange(state->will_sweep, true)) return;
    state->sweep_timer.expires_after(state->stopping ? sweep_period_at_end : sweep_period);
    state->sweep_timer.async_wait([weak = std::weak_ptr(state)](const ErrorCode &error) {
        const auto self = weak.lock();
        if (error || !self) return;
        self->will_sweep = false;
        self->sweep();
        if (!self->budget.empty() || self->much_was_freed()) sweep_later(self);
    });
}

void Server::State::sweep() {
    for (auto *holder : budget.overdue(std::chrono::steady_clock::now())) {
        const bool unread = holder->waiting() == BufferBudget::Waiting::for_reader;
        ++(unread ? counters.closed_unread : counters.closed_frame);
        auto &connection = static_cast<Connection &>(*holder);
        // At the end of the service it is as if it had gone: what it has sent and changes something is finished before it is closed.
        if (unread && stopping) {
            connection.on_hang_up();
        } else {
            connection.close_for(unread ? "it took nothing of its answers for too long" : "it did not finish a message in time");
        }
    }
    // Only when it is calm: it takes milliseconds.
    if (!much_was_freed() || memory() > most_memory / 2) return;
    ::malloc_trim(0);
    most_memory = memory();
}

void Server::stop() {
    state_->stopping = true;
    state_->budget.set_max_unread_time(state_->limits.max_unread_time_at_end);
    state_->will_sweep = false;  // what was waited for is too far off
    for (const auto &listener : std::exchange(state_->listeners, {})) {
        ErrorCode ignored;
        listener->acceptor.close(ignored);
    }
    const std::vector<std::shared_ptr<Connection>> connections(state_->connections.begin(), state_->connections.end());
    for (const auto &connection : connections) connection->stop();
    if (!state_->budget.empty()) State::sweep_later(state_);
}

void Server::on_empty(std::function<void()> handler) { state_->empty = std::move(handler); }

void Server::on_closed(OnClosed handler) { state_->told_of_closed = std::move(handler); }

void Server::on_refused(OnClosed handler) { state_->told_of_refused = std::move(handler); }

std::size_t Server::connections() const { return state_->connections.size(); }

ServerCounters Server::counters() const {
    auto counters = state_->counters;
    counters.connections = state_->places.taken();
    counters.buffered = state_->budget.total();
    counters.left_behind = state_->left_behind.taken();
    return counters;
}

}  // namespace varlink
