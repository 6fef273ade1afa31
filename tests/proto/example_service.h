// A service for the tests of proto/varlink: one interface whose methods do, each, one thing that a connection must cope with.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "proto/varlink/service.h"

namespace varlink::test {

inline constexpr std::string_view example_description = R"(# Made for tests; this comment is part of the description: "quoted", \ and é.
interface org.example.test

# Answers at once with the same number.
method Count(number: int) -> (number: int)

# Answers with the same when the test says so.
method Later(number: int) -> (number: int)

# Answers at once with the same text.
method Echo(text: string, note: ?string) -> (text: string, note: ?string)

# Answers with that many bytes.
method Blob(size: int) -> (text: string)

# Remembers the number.
method Mark(number: int) -> ()

# Changes something, and answers when the test says so.
method ChangeLater(number: int) -> (number: int)

# Changes something, lets the next call begin, and answers when the test says so.
method ChangeSoon(number: int) -> (number: int)

# Counts up to the number; has to be called with "more".
method Stream(number: int) -> (number: int)

# Ends when the test or the client says so; has to be called with "more".
method Watch() -> (number: int)
method UntilClosed(number: int) -> (number: int)

# Answers with Sorry.
method Fail(reason: string) -> ()

# Never answers.
method Forget() -> ()

# Described, and that is all.
method Undone() -> ()

error Sorry (reason: string)
)";

struct Number {
    std::int64_t number;
    static constexpr auto fields() { return std::tuple(field("number", &Number::number)); }
};

struct Size {
    std::int64_t size;
    static constexpr auto fields() { return std::tuple(field("size", &Size::size)); }
};

struct Text {
    std::string text;
    std::optional<std::string> note = {};
    static constexpr auto fields() { return std::tuple(field("text", &Text::text), field("note", &Text::note)); }
};

struct Reason {
    std::string reason;
    static constexpr auto fields() { return std::tuple(field("reason", &Reason::reason)); }
};

struct Sorry {
    static constexpr std::string_view error_name = "org.example.test.Sorry";
    std::string reason;
    static constexpr auto fields() { return std::tuple(field("reason", &Sorry::reason)); }
};

// Something that has happened some number of times; any thread may say so and any may wait for it.
class Event {
public:
    void happen() {
        const std::lock_guard lock(mutex_);
        ++times_;
        changed_.notify_all();
    }

    // False: it has not happened so often, and the test has failed; the wait is as long as the slowest machine needs.
    [[nodiscard]] bool wait(std::uint64_t times = 1) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return times_ >= times; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t times_ = 0;
};

// All members but the events belong to the thread that runs the service.
class ExampleService {
public:
    struct Waiting {
        std::int64_t number;
        Responder responder;
    };

    ExampleService() : service(ServiceInfo{"Example", "Tests", "7", "https://example.org"}) {
        Interface example(example_description);
        example
            .add<Number>("Count", Effect::reads,
                         [this](const Request &request, const Number &parameters, Responder responder) {
                             ++calls;
                             last_peer = request.peer;
                             responder.reply(parameters);
                         })
            .add<Number>("Later", Effect::reads,
                         [this](const Request &, const Number &parameters, Responder responder) {
                             later.push_back({parameters.number, std::move(responder)});
                             later_called.happen();
                         })
            .add<Number>("ChangeLater", Effect::changes,
                         [this](const Request &, const Number &parameters, Responder responder) {
                             later.push_back({parameters.number, std::move(responder)});
                             later_called.happen();
                         })
            .add<Number>("ChangeSoon", Effect::changes,
                         [this](const Request &, const Number &parameters, Responder responder) {
                             responder.let_next_begin();
                             later.push_back({parameters.number, std::move(responder)});
                             later_called.happen();
                         })
            .add<Text>("Echo", Effect::reads,
                       [](const Request &, const Text &parameters, Responder responder) { responder.reply(parameters); })
            .add<Size>("Blob", Effect::reads,
                       [this](const Request &, const Size &parameters, Responder responder) {
                           if (parameters.size < 0) return responder.fail(InvalidParameter{"size"});
                           ++calls;
                           responder.reply(Text{std::string(static_cast<std::size_t>(parameters.size), 'x')});
                       })
            .add<Number>("Mark", Effect::changes,
                         [this](const Request &, const Number &parameters, Responder responder) {
                             marks.push_back(parameters.number);
                             responder.reply(NoParameters{});
                             marked.happen();
                         })
            .add<Number>("Stream", Effect::reads,
                         [](const Request &request, const Number &parameters, Responder responder) {
                             if (!request.more) return responder.fail(ExpectedMore{});
                             for (std::int64_t i = 1; i < parameters.number; ++i) responder.stream(Number{i});
                             responder.reply(parameters);
                         })
            .add<NoParameters>("Watch", Effect::reads,
                               [this](const Request &request, const NoParameters &, Responder responder) {
                                   if (!request.more) return responder.fail(ExpectedMore{});
                                   watch.emplace(std::move(responder));
                                   watch->on_closed([this] {
                                       ++watches_closed;
                                       watch.reset();
                                       watch_ended.happen();
                                   });
                                   watch_called.happen();
                               })
            // Answered when the connection ends, or is to end.
            .add<Number>("UntilClosed", Effect::reads,
                         [this](const Request &, const Number &parameters, Responder responder) {
                             until_closed.emplace(std::move(responder));
                             until_closed->on_closed([this, number = parameters.number] {
                                 auto answered = std::move(*until_closed);
                                 until_closed.reset();
                                 answered.reply(Number{number});
                             });
                             until_closed_called.happen();
                         })
            .add<Reason>("Fail", Effect::reads,
                         [](const Request &, const Reason &parameters, Responder responder) { responder.fail(Sorry{parameters.reason}); })
            .add<NoParameters>("Forget", Effect::reads, [](const Request &, const NoParameters &, const Responder &) {});
        example.keep<Number>("Count", [this](const Number &parameters) -> std::unique_ptr<KeptCall> {
            if (parameters.number < 0) return nullptr;
            return std::make_unique<KeptCount>(*this, parameters);
        });
        interface = std::make_shared<const Interface>(std::move(example));
        service.add(interface);
    }

    // Answers the oldest of these calls.
    void answer_later() {
        auto waiting = std::move(later.front());
        later.pop_front();
        waiting.responder.reply(Number{waiting.number});
    }

    // Counts as the method does. Numbers below zero are not kept, and while `has_changed` nothing that is kept answers.
    class KeptCount final : public KeptCall {
    public:
        KeptCount(ExampleService &example, const Number &parameters) : example_(example) { write_reply(reply_, parameters); }
        const std::string *answer(const Peer &peer) override {
            if (example_.has_changed) return nullptr;
            ++example_.calls;
            ++example_.kept_answers;
            example_.last_peer = peer;
            return &reply_;
        }

    private:
        ExampleService &example_;
        std::string reply_;
    };

    std::shared_ptr<const Interface> interface;
    Service service;
    std::deque<Waiting> later;  // calls of Later, ChangeLater and ChangeSoon that have no answer yet
    std::optional<Responder> watch;
    std::optional<Responder> until_closed;
    std::vector<std::int64_t> marks;
    Peer last_peer;
    std::uint64_t calls = 0;
    std::uint64_t kept_answers = 0;  // of these
    bool has_changed = false;
    int watches_closed = 0;

    Event later_called;
    Event watch_called;
    Event until_closed_called;
    Event watch_ended;
    Event marked;
};

// A message and its NUL byte.
inline std::string frame(std::string_view message) { return std::string(message) + '\0'; }

inline std::string count_call(std::int64_t number) {
    return frame(R"({"method":"org.example.test.Count","parameters":{"number":)" + std::to_string(number) + "}}");
}

// Of a method that takes a number; `rest` goes after its parameters.
inline std::string call(std::string_view method, std::int64_t number, std::string_view rest = "") {
    return frame(R"({"method":"org.example.test.)" + std::string(method) + R"(","parameters":{"number":)" + std::to_string(number) + "}" +
                 std::string(rest) + "}");
}

inline const auto watch_call = frame(R"({"method":"org.example.test.Watch","more":true})");

inline std::string number_reply(std::int64_t number) { return R"({"parameters":{"number":)" + std::to_string(number) + "}}"; }

// The messages of a stream; a rest without a NUL byte becomes "unfinished: ..." so that no comparison overlooks it.
inline std::vector<std::string> messages(std::string_view stream) {
    std::vector<std::string> found;
    while (!stream.empty()) {
        const auto end = stream.find('\0');
        if (end == std::string_view::npos) {
            found.push_back("unfinished: " + std::string(stream));
            break;
        }
        found.emplace_back(stream.substr(0, end));
        stream.remove_prefix(end + 1);
    }
    return found;
}

}  // namespace varlink::test
