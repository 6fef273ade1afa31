// Many connections that mix good calls with random and damaged ones, cut anywhere, against a server on its own thread. A good call that
// came before anything bad on its connection must be answered, and answers must come in the order of the calls.
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "proto/varlink/message.h"
#include "tests/proto/served.h"

namespace varlink {
namespace {

constexpr std::uint32_t seed = 20261121;
constexpr std::size_t connections = 64;
constexpr int random_frames = 10'000;
constexpr int mutated_frames = 10'000;

// A counter with a mark that no damage keeps right by chance.
struct Counter {
    std::int64_t number = 0;
    std::string mark;
    static constexpr auto fields() { return std::tuple(field("number", &Counter::number), field("mark", &Counter::mark)); }
};

std::string mark_of(std::int64_t number) { return std::to_string(static_cast<std::uint64_t>(number) * 0x9E3779B97F4A7C15U); }

class FrameSource {
public:
    explicit FrameSource(std::mt19937 &random) : random_(random) {}

    [[nodiscard]] bool is_empty() const { return random_left_ == 0 && mutated_left_ == 0; }
    std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }

    std::string good(std::int64_t number) {
        std::string frame;
        write_call(frame, below(4) == 0 ? "org.example.hostile.CountLater" : "org.example.hostile.Count", Counter{number, mark_of(number)});
        return frame;
    }

    // Random bytes, or a good call with some bytes damaged.
    std::string bad(std::int64_t number) {
        if (random_left_ > 0 && (mutated_left_ == 0 || below(2) == 0)) {
            --random_left_;
            return random_frame();
        }
        --mutated_left_;
        auto frame = good(number);
        frame.pop_back();
        for (auto changes = 1 + below(4); changes > 0; --changes) damage(frame);
        return frame + '\0';
    }

private:
    std::string random_frame() {
        constexpr std::string_view words = R"({}[]":,\ 0123456789.-+eEtruefalsnmhodp)";
        const bool is_json_like = below(2) == 0;
        std::string frame(below(below(20) == 0 ? 20'000 : 200), '\0');
        for (auto &byte : frame) byte = is_json_like ? words[below(words.size())] : static_cast<char>(below(256));
        return frame + '\0';
    }

    void damage(std::string &frame) {
        const auto at = below(frame.size() + 1);
        switch (below(6)) {
        case 0: frame.insert(at, 1, static_cast<char>(below(256))); break;
        case 1: frame.erase(at, 1 + below(8)); break;
        case 2: frame.insert(at, frame.substr(below(frame.size() + 1), below(30))); break;
        case 3: frame.insert(at, std::string(below(100), '[')); break;
        case 4: frame.insert(at, R"(,"more":true)"); break;
        default:
            if (at < frame.size()) frame[at] = static_cast<char>(below(256));
        }
    }

    std::mt19937 &random_;
    int random_left_ = random_frames;
    int mutated_left_ = mutated_frames;
};

// One client: it sends in pieces, reads what there is, and starts again when the server has closed.
class HostileClient {
public:
    HostileClient(FrameSource &source, const Address &address) : source_(source), address_(address) { connect(); }

    [[nodiscard]] bool is_done() const { return !socket_; }

    [[nodiscard]] pollfd wanted() const {
        const bool has_more = !to_send_.empty();
        return {socket_.get(), static_cast<short>(has_more ? POLLIN | POLLOUT : POLLIN), 0};
    }

    void step(short ready) {
        if ((ready & POLLOUT) != 0 && !to_send_.empty()) send();
        if (socket_ && (ready & ~POLLOUT) != 0) receive();
    }

    std::size_t answered = 0;

private:
    struct Expected {
        std::int64_t number = 0;
        bool has_to_come = false;
    };

    void connect() {
        to_send_.clear();
        received_.clear();
        expected_.clear();
        socket_.reset();
        if (source_.is_empty()) return;
        socket_ = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::connect(socket_.get(), address_.data(), address_.size()), 0) << std::generic_category().message(errno);
        bool is_bad = false;
        for (auto frames = 1 + source_.below(20); frames > 0; --frames) {
            const auto number = static_cast<std::int64_t>(++numbers_);
            if (source_.below(3) == 0 && !source_.is_empty()) {
                is_bad = true;
                // Damage that leaves the call as good as it was gets it answered; otherwise it need not come.
                expected_.push_back({number, false});
                to_send_ += source_.bad(number);
            } else {
                expected_.push_back({number, !is_bad});
                to_send_ += source_.good(number);
            }
        }
    }

    void send() {
        const auto piece = std::min(to_send_.size(), 1 + source_.below(source_.below(2) == 0 ? 10 : 3000));
        const auto sent = ::send(socket_.get(), to_send_.data(), piece, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) to_send_.erase(0, static_cast<std::size_t>(sent));
        // EPIPE: the server has closed; what it sent before is still to be read.
        if (sent < 0 && errno != EAGAIN) to_send_.clear();
        if (to_send_.empty()) ::shutdown(socket_.get(), SHUT_WR);
    }

    void receive() {
        char bytes[4096];
        const auto size = ::recv(socket_.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
        if (size < 0 && errno == EAGAIN) return;
        if (size > 0) {
            received_.append(bytes, static_cast<std::size_t>(size));
            for (auto end = received_.find('\0'); end != std::string::npos; end = received_.find('\0')) {
                take(std::string_view(received_).substr(0, end));
                received_.erase(0, end + 1);
            }
            return;
        }
        EXPECT_EQ(received_, "") << "the server closed in the middle of a reply";
        for (const auto &call : expected_) EXPECT_FALSE(call.has_to_come) << "call " << call.number << " was not answered";
        connect();
    }

    void take(std::string_view message) {
        const auto reply = parse_reply(message, document_);
        ASSERT_TRUE(reply) << message;
        if (!reply->error.empty() || !reply->parameters) return;
        const auto counter = decode<Counter>(*reply->parameters, true);
        if (!counter || counter->mark != mark_of(counter->number)) return;
        ++answered;
        while (!expected_.empty() && expected_.front().number != counter->number) {
            ASSERT_FALSE(expected_.front().has_to_come) << "call " << counter->number << " is answered before " << expected_.front().number;
            expected_.pop_front();
        }
        ASSERT_FALSE(expected_.empty()) << "call " << counter->number << " is answered out of order, or twice";
        expected_.pop_front();
    }

    FrameSource &source_;
    Address address_;
    FileDescriptor socket_;
    std::string to_send_;
    std::string received_;
    std::deque<Expected> expected_;
    std::uint64_t numbers_ = 0;
    Document document_;
};

TEST(Hostile, GoodCallsAreAnsweredInOrderAmongRandomAndDamagedOnes) {
    RecordProperty("seed", static_cast<int>(seed));
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    FrameSource source(random);

    test::Served served;
    served.on_loop([&] {
        Interface interface(
            "interface org.example.hostile\nmethod Count(number: int, mark: string) -> (number: int, mark: string)\n"
            "method CountLater(number: int, mark: string) -> (number: int, mark: string)\n");
        interface.add<Counter>("Count", Effect::reads,
                               [](const Request &, const Counter &counter, Responder responder) { responder.reply(counter); });
        interface.add<Counter>("CountLater", Effect::reads, [&served](const Request &, const Counter &counter, Responder responder) {
            auto shared = std::make_shared<Responder>(std::move(responder));
            boost::asio::post(served.loop, [shared, counter] { shared->reply(counter); });
        });
        served.example.service.add(std::move(interface));
    });
    const auto address = served.listen();

    std::vector<HostileClient> clients;
    for (std::size_t i = 0; i < connections; ++i) clients.emplace_back(source, address);
    for (;;) {
        std::vector<pollfd> entries;
        std::vector<HostileClient *> polled;
        for (auto &client : clients) {
            if (client.is_done()) continue;
            entries.push_back(client.wanted());
            polled.push_back(&client);
        }
        if (entries.empty() || HasFailure()) break;
        ASSERT_GT(::poll(entries.data(), entries.size(), test::patience_ms), 0) << "the server neither answers nor closes";
        for (std::size_t i = 0; i < entries.size(); ++i) {
            if (entries[i].revents != 0) polled[i]->step(entries[i].revents);
        }
    }
    EXPECT_TRUE(source.is_empty());
    std::size_t answered = 0;
    for (const auto &client : clients) answered += client.answered;
    EXPECT_GT(answered, 10'000U) << "too few calls got through for this to mean anything";
    // The server serves on as if nothing had been.
    auto client = served.connect();
    ASSERT_TRUE(client.send(test::count_call(1)));
    EXPECT_EQ(client.receive_one(), test::number_reply(1));
}

}  // namespace
}  // namespace varlink
