// A machine of the tests' own: a platform, and the events that led its TD to where it is.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mr/envelope.h"
#include "mr/event_log.h"
#include "mr/verify.h"
#include "tests/attestation/tee/tdx/test_platform.h"
#include "tests/event_log/built_log.h"

namespace mr {

using namespace statement;  // NOLINT(google-build-using-namespace): names

inline Judgement result_of(const Verdict &verdict, std::string_view name) {
    const auto *statement = verdict.find(name);
    if (statement != nullptr) return statement->result;
    ADD_FAILURE() << "no statement " << name;
    return Judgement::not_judged;
}

inline std::string reason_of(const Verdict &verdict, std::string_view name) {
    const auto *statement = verdict.find(name);
    return statement == nullptr ? "" : statement->reason;
}

// Does the log explain the quote?
inline bool matches(const Verdict &verdict) {
    return result_of(verdict, log_replay) == Judgement::holds && result_of(verdict, history_complete) == Judgement::holds &&
           result_of(verdict, registers_covered) == Judgement::holds;
}

// JSON without blanks, as evidence keeps it.
inline std::string compact(const std::string &json) { return nlohmann::ordered_json::parse(json).dump(); }

inline std::string json_log(const std::vector<OwnedEvent> &events, const std::vector<LogRegister> &registers = {}) {
    std::string log;
    append_json_header(log, registers);
    for (const auto &event : events) append_json_event(log, event.view());
    return log;
}

class MachineTest : public testing::Test {
protected:
    // Extends the TD's register as the log says.
    void add(OwnedEvent event) {
        event.sequence = events.size() + 1;
        if (event.origin == EventOrigin::firmware) event.origin = EventOrigin::service;
        auto &rtmr = platform.body.rtmr.at(*tcg_index(event.name) - 1);
        const auto value = extend(HashAlgorithm::sha384, rtmr, event.digests.front().second);
        std::ranges::copy(value->bytes(), rtmr.begin());
        events.push_back(std::move(event));
    }

    void SetUp() override {
        platform.body.rtmr = {};
        add(measured("tdx/rtmr0", "firmware"));
        add(enveloped("tdx/rtmr3", {.description = "kernel", .data = bytes_of("image")}));
        add(measured("tdx/rtmr3", "configuration"));
        options.time = test_now;
        options.anchors = platform.anchors();
        options.waived = {.nonce = true, .reference = true, .tcb = true};
    }

    Evidence evidence() {
        const auto zero = Digest::zero(HashAlgorithm::sha384);
        std::vector<LogRegister> registers;
        Evidence made{.report_data = platform.body.report_data,
                      .parts = {{.name = "tdx",
                                 .kind = "tdx",
                                 .quote = platform.quote(),
                                 .quote_format = "tdx_v4",
                                 .collateral = compact(write_collateral(platform.collateral()))}},
                      .time = test_now * 1'000'000,
                      .sequence = static_cast<std::int64_t>(events.size()),
                      .registers = {},
                      .log = {}};
        for (std::size_t i = 0; i < 4; ++i) {
            const auto name = "tdx/rtmr" + std::to_string(i);
            registers.push_back({name, HashAlgorithm::sha384, zero, start.value_or(zero)});
            made.registers.push_back(
                {name, shared.contains(name) ? Owner::shared : Owner::owned, Digest(platform.body.rtmr.at(i)), logged(registers.back())});
        }
        made.log = bytes_of(json_log(events, registers));
        return made;
    }

    // What the log leads to.
    [[nodiscard]] std::optional<Digest> logged(const LogRegister &known) const {
        Replay replay;
        replay.declare(known);
        for (const auto &event : events) (void)replay.apply(event.view());
        return replay.find(known.name)->value;
    }

    [[nodiscard]] std::string forged_collateral() {
        auto forged = platform.collateral();
        forged.tcb_info_signature[0] ^= 1;
        return compact(write_collateral(forged));
    }

    void expect_nonce() { options.report_data = Bytes(platform.body.report_data.begin(), platform.body.report_data.end()); }

    TestPlatform platform;
    std::vector<OwnedEvent> events;
    std::optional<Digest> start;  // what the log says every register held at first
    std::set<std::string> shared;
    VerifyOptions options;
};

// The required statements that do not hold.
inline std::vector<std::string> refusing(const Verdict &verdict) {
    std::vector<std::string> names;
    for (const auto &each : verdict.statements()) {
        if (each.required && each.result != Judgement::holds) names.push_back(each.name);
    }
    return names;
}

}  // namespace mr
