// A whole connection in memory. The first byte says how the rest is cut into what is received at once. Whatever comes, the output is
// whole frames, each is a reply, the cuts make no difference, and neither do the fast paths, also where the peer hangs up or the service stops meanwhile.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "proto/varlink/session.h"
#include "tests/proto/example_service.h"

namespace {

using varlink::test::ExampleService;

void require(bool holds) {
    if (!holds) std::abort();
}

struct Outcome {
    std::string output;
    bool broken = false;
    std::vector<std::int64_t> marks;
    std::uint64_t calls = 0;
    int watches_closed = 0;
    std::vector<std::tuple<std::uint64_t, std::uint64_t>> counted;  // of each method: calls, failed
    bool operator==(const Outcome &) const = default;
};

struct Conversation : Outcome {
    std::vector<std::uint64_t> timed;  // calls of each method: the first of those that come together always is
    bool operator==(const Conversation &) const = default;
};

// What comes in the middle, before the calls of that piece are answered.
enum class InBetween : std::uint8_t { nothing, hang_up, stop };

// `cut`: the bytes of each piece; 0 for all at once.
Conversation converse(std::string_view input, std::size_t cut, bool fast_paths, InBetween in_between = InBetween::nothing) {
    ExampleService example;
    example.service.set_fast_paths(fast_paths);
    const varlink::Limits limits{.max_message = 2000, .max_connections = 1};
    const auto session = varlink::Session::create(example.service, varlink::Peer{}, limits, [] {});
    Conversation outcome;
    const auto half = input.size() / 2;
    do {
        const auto piece = input.substr(0, cut == 0 ? input.size() : cut);
        input.remove_prefix(piece.size());
        session->receive(piece, outcome.output);
        if (in_between != InBetween::nothing && input.size() <= half) {
            std::exchange(in_between, InBetween::nothing) == InBetween::hang_up ? session->hang_up() : session->stop();
            session->resume(outcome.output);
        }
        while (session->busy() || session->owes_answers()) {
            // Whatever is asked of the test is answered: late calls with their number, a subscription with one update and its end.
            if (!example.later.empty()) {
                example.answer_later();
            } else if (example.watch) {
                example.watch->stream(varlink::test::Number{1});
                std::exchange(example.watch, std::nullopt)->reply(varlink::test::Number{2});
            } else if (example.until_closed) {
                session->stop();
            } else {
                require(session->held_back());
            }
            session->resume(outcome.output);
        }
    } while (!input.empty() && !session->broken());
    outcome.broken = session->broken();
    outcome.marks = std::move(example.marks);
    outcome.calls = example.calls;
    outcome.watches_closed = example.watches_closed;
    example.interface->for_each_method([&outcome](std::string_view, const varlink::CallCounters &counters) {
        outcome.counted.emplace_back(counters.calls, counters.failed);
        outcome.timed.push_back(std::accumulate(counters.took.begin(), counters.took.end(), std::uint64_t{0}));
    });
    session->close();
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view input(reinterpret_cast<const char *>(data) + 1, size - 1);
    // A method that counts or fills on demand must not make one input run for minutes.
    for (std::size_t digits = 0; const char byte : input) {
        digits = byte >= '0' && byte <= '9' ? digits + 1 : 0;
        if (digits > 4) return 0;
    }
    const auto whole = converse(input, 0, true);
    varlink::Document document;
    for (auto rest = std::string_view(whole.output); !rest.empty();) {
        const auto end = rest.find('\0');
        require(end != std::string_view::npos);
        const auto reply = varlink::parse_reply(rest.substr(0, end), document);
        require(reply.has_value());
        rest.remove_prefix(end + 1);
    }
    require(converse(input, 0, false) == whole);
    for (const std::size_t cut : {std::size_t{data[0]}, std::size_t{1}}) {
        const auto fast = converse(input, cut, true);
        require(static_cast<const Outcome &>(fast) == whole);
        require(converse(input, cut, false) == fast);
    }
    for (const auto in_between : {InBetween::hang_up, InBetween::stop}) {
        for (const std::size_t cut : {std::size_t{0}, std::size_t{data[0]}})
            require(converse(input, cut, true, in_between) == converse(input, cut, false, in_between));
    }
    return 0;
}
