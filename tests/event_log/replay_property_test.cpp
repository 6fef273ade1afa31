// A log that is not the one the register was extended by never replays as if it were: whatever is left out, added, exchanged or changed in what
// the register binds.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <string>

#include "mr/event_log.h"
#include "tests/event_log/built_log.h"
#include "tests/event_log/sample_data.h"

namespace mr {
namespace {

struct Log {
    std::string name;
    std::vector<LogRegister> registers;
    std::vector<OwnedEvent> events;
};

// What a replay says, as far as a verifier compares it.
struct Outcome {
    std::map<std::string, std::string> values;
    std::size_t gaps = 0;
    bool consistent = true;
    bool operator==(const Outcome &) const = default;
};

// By pointers, so that a changed log costs no copy of its events.
using Order = std::vector<const OwnedEvent *>;

Outcome outcome_of(const Log &log, const Order &events) {
    Replay replay;
    for (const auto &known : log.registers) {
        replay.declare(known);
    }
    for (const auto *event : events) {
        if (const auto done = replay.apply(event->view()); !done) ADD_FAILURE() << done.error().message;
    }
    Outcome outcome;
    for (const auto &each : replay.registers()) {
        outcome.values.emplace(each.name, to_hex(each.value.bytes()));
        outcome.gaps += each.gaps.size();
        outcome.consistent = outcome.consistent && each.consistent();
    }
    return outcome;
}

Order order_of(const Log &log) {
    Order order;
    for (const auto &event : log.events) {
        order.push_back(&event);
    }
    return order;
}

// How a changed log may be taken for the right one.
using Passes = std::function<bool(const Outcome &changed, const Outcome &right)>;

bool is_equal(const Outcome &changed, const Outcome &right) { return changed == right; }
// For a verifier that accepts gaps, as long as they join.
bool is_equal_over_its_gaps(const Outcome &changed, const Outcome &right) { return changed.consistent && changed.values == right.values; }

bool measures(const OwnedEvent &event) { return is_measured(event.view()) && !event.digests.empty(); }

std::size_t expect_no_change_passes(const Log &log, const Passes &passes) {
    const auto right = outcome_of(log, order_of(log));
    EXPECT_TRUE(right.consistent) << log.name;
    std::size_t changes = 0;
    const auto expect_not = [&](const Order &changed, const char *what, std::size_t at) {
        ++changes;
        EXPECT_FALSE(passes(outcome_of(log, changed), right)) << log.name << ": " << what << " " << at;
    };

    for (std::size_t i = 0; i < log.events.size(); ++i) {
        const auto &event = log.events[i];
        if (!measures(event)) continue;

        auto removed = order_of(log);
        removed.erase(removed.begin() + static_cast<std::ptrdiff_t>(i));
        expect_not(removed, "removed", i);

        auto repeated = order_of(log);
        repeated.insert(repeated.begin() + static_cast<std::ptrdiff_t>(i), &event);
        expect_not(repeated, "repeated", i);

        auto foreign = event;
        for (auto &[id, digest] : foreign.digests) {
            digest.assign(digest.size(), 0);
        }
        auto added = order_of(log);
        added.insert(added.begin() + static_cast<std::ptrdiff_t>(i), &foreign);
        expect_not(added, "added", i);

        auto next = i + 1;
        while (next < log.events.size() && (!measures(log.events[next]) || log.events[next].name != event.name)) {
            ++next;
        }
        if (next < log.events.size() && log.events[next].digests != event.digests) {
            auto swapped = order_of(log);
            std::swap(swapped[i], swapped[next]);
            expect_not(swapped, "swapped", i);
        }

        for (std::size_t bank = 0; bank < event.digests.size(); ++bank) {
            auto flipped = event;
            auto &digest = flipped.digests[bank].second;
            const auto bit = (37 * i + 11 * bank) % (8 * digest.size());  // another one each time
            digest[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
            auto changed = order_of(log);
            changed[i] = &flipped;
            expect_not(changed, "one bit of", i);
        }
    }
    return changes;
}

TEST(ReplayProperty, NoChangeOfASampleLogReplaysAsEqual) {
    auto samples = sample_logs();
    if (samples.empty()) GTEST_SKIP() << "no sample logs at " << shared_data();
    std::ranges::move(sample_text_logs(), std::back_inserter(samples));
    for (const auto &sample : samples) {
        auto reader = EventLogReader::open(sample.log);
        ASSERT_TRUE(reader) << sample.name;
        const Log log{.name = sample.name, .registers = {}, .events = read_all(*reader)};
        EXPECT_EQ(outcome_of(log, order_of(log)).gaps, 0);
        EXPECT_GT(expect_no_change_passes(log, is_equal), 3 * log.events.size()) << sample.name;
    }
}

// Three registers of two kinds, by turns; each is found changed by somebody else now and then, mrd's own extends lie between.
Log log_with_gaps() {
    Log log{.name = "with gaps", .registers = {}, .events = {}};
    Replay so_far;
    const auto append = [&](OwnedEvent event) {
        event.sequence = log.events.size() + 1;
        apply_all(so_far, {event});
        log.events.push_back(std::move(event));
    };
    const auto append_resync = [&](const std::string &name, const std::string &replayed_name, HashAlgorithm bank, std::uint8_t found) {
        const auto expected = so_far.find(replayed_name)->value;
        append(resync(name, expected.bytes(), Bytes(digest_size(bank), found), bank));
    };
    for (std::uint8_t round = 0; round < 6; ++round) {
        for (const std::string name : {"tdx/rtmr2", "tdx/rtmr3"}) {
            append(measured(name, "first " + std::to_string(round)));
            append(measured(name, "second " + std::to_string(round)));
            if (round % 2 == 1) append_resync(name, name, HashAlgorithm::sha384, static_cast<std::uint8_t>(0x70 + round));
            append(measured(name, "third " + std::to_string(round)));
        }
        append(measured("pcr7", "pcr " + std::to_string(round), {HashAlgorithm::sha256}));
        if (round == 3) append_resync("pcr7", "pcr7:sha256", HashAlgorithm::sha256, 0x33);
        append(measured("pcr7", "pcr again", {HashAlgorithm::sha256}));
    }
    // The last event may be a resync too.
    append_resync("tdx/rtmr3", "rtmr3", HashAlgorithm::sha384, 0x7F);
    return log;
}

TEST(ReplayProperty, NoChangeOfALogWithGapsJoinsAndLeadsToTheSameValues) {
    const auto log = log_with_gaps();
    const auto right = outcome_of(log, order_of(log));
    EXPECT_EQ(right.gaps, 8);
    EXPECT_GT(expect_no_change_passes(log, is_equal_over_its_gaps), 4 * log.events.size());
}

// A resync's values are bound by its digest: whoever changes them has no resync.
TEST(ReplayProperty, NoChangedBitOfAResyncsDataPasses) {
    const auto log = log_with_gaps();
    const auto right = outcome_of(log, order_of(log));
    for (std::size_t i = 0; i < log.events.size(); ++i) {
        if (log.events[i].type != ev_event_tag) continue;
        for (std::size_t bit = 0; bit < 8 * log.events[i].data->size(); bit += 5) {
            auto flipped = log.events[i];
            (*flipped.data)[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
            auto changed = order_of(log);
            changed[i] = &flipped;
            EXPECT_FALSE(is_equal_over_its_gaps(outcome_of(log, changed), right)) << i << " " << bit;
        }
    }
}

// The journal begins after the firmware's events, and finds both registers as those lead to; or one of them not.
TEST(ReplayProperty, NoChangeOfALogWithADeclaredStartReplaysAsEqual) {
    for (const bool with_gap : {false, true}) {
        Log log{.name = with_gap ? "declared, with a gap" : "declared", .registers = {}, .events = {}};
        Replay firmware;
        for (const std::string name : {"rtmr1", "rtmr2"}) {
            for (const std::string text : {"a", "b", "c"}) {
                log.events.push_back(measured(name, text));
                apply_all(firmware, {log.events.back()});
            }
        }
        for (const std::string name : {"rtmr1", "rtmr2"}) {
            const auto expected = firmware.find(name)->value;
            const bool changed = with_gap && name == "rtmr2";
            const Digest start = changed ? Digest(Bytes(48, 0x77)) : expected;
            log.registers.push_back({.name = "tdx/" + name, .initial = Digest::zero(HashAlgorithm::sha384), .start = start});
            if (changed) log.events.push_back(resync("tdx/" + name, expected.bytes(), start.bytes()));
            for (const std::string text : {"x", "y"}) {
                auto event = measured("tdx/" + name, text);
                event.origin = EventOrigin::service;
                log.events.push_back(std::move(event));
            }
        }
        const auto right = outcome_of(log, order_of(log));
        EXPECT_EQ(right.gaps, with_gap ? 2 : 0);
        EXPECT_GT(expect_no_change_passes(log, is_equal), 4 * log.events.size());
    }
}

}  // namespace
}  // namespace mr
