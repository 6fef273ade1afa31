// A policy that reference values can state, with logs that satisfy it and logs that nearly do.
#pragma once

#include <gmock/gmock.h>

#include <array>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "mr/event_content.h"
#include "mr/reference_values.h"
#include "mr/self_measurement.h"
#include "mr/verify.h"
#include "tests/attestation/machine.h"
#include "tests/attestation/verdict_text.h"

namespace mr {

inline std::string digest_of(std::string_view text) { return to_hex(hash(HashAlgorithm::sha384, as_bytes(text))->bytes()); }

// Of a virtual register, whose id begins with that byte.
inline Envelope creating(std::uint8_t id, const std::string &name, std::uint64_t owner = 1000, const std::string &reg = "rtmr3") {
    return {.header = {.type = "create", .id = VirtualRegisterId{id}},
            .body = {.created = CreatedRegister{.name = name, .hash = HashAlgorithm::sha256, .owner = owner, .carrier = "tdx/" + reg}}};
}
inline Envelope extending(std::uint8_t id, const std::string &description, std::string_view content) {
    return {.header = {.type = "measure", .id = VirtualRegisterId{id}}, .body = {.description = description, .data = bytes_of(content)}};
}

class PolicyTest;

struct Log {
    std::string what;
    std::function<void(PolicyTest &)> make;
    std::string reason = {};             // of the statement, a part of it
    std::vector<std::string> also = {};  // what else refuses it
    Judgement result = Judgement::fails;
};

struct Policy {
    std::string name;
    nlohmann::json members;
    std::string statement;
    std::vector<Log> good;
    std::vector<Log> nearly;
};

class PolicyTest : public MachineTest {
public:
    using MachineTest::platform;

    PolicyTest &text(const std::string &reg, std::string_view content) { return put(measured("tdx/" + reg, content)); }
    // Its content is not in the log.
    PolicyTest &hidden(const std::string &reg, std::string_view content) {
        auto event = measured("tdx/" + reg, content);
        event.data.reset();
        return put(std::move(event));
    }
    PolicyTest &envelope(const std::string &reg, const std::string &description, std::string_view content) {
        return put(enveloped("tdx/" + reg, {.description = description, .data = bytes_of(content)}));
    }
    PolicyTest &redacted(const std::string &reg, const std::string &description, std::string_view content) {
        auto event = enveloped("tdx/" + reg, {.description = description, .data = bytes_of(content)});
        event.data = redact_envelope(*event.data, std::array{HashAlgorithm::sha384}).value();
        return put(std::move(event));
    }
    // mrd's own word of itself.
    PolicyTest &self(const std::string &reg, std::string_view content) {
        return put(enveloped("tdx/" + reg, Envelope{.header = {.type = std::string(self_envelope_type), .register_name = "tdx/" + reg},
                                                    .body = {.description = "mrd", .data = bytes_of(content)}}));
    }
    PolicyTest &create(std::uint8_t id, const std::string &name, std::uint64_t owner = 1000, const std::string &reg = "rtmr3") {
        return put(enveloped("tdx/" + reg, creating(id, name, owner, reg)));
    }
    PolicyTest &carried(std::uint8_t id, const std::string &description, std::string_view content) {
        return put(enveloped("tdx/rtmr3", extending(id, description, content)));
    }
    PolicyTest &close(std::uint8_t id) {
        return put(enveloped("tdx/rtmr3", Envelope{.header = {.type = "close", .id = VirtualRegisterId{id}}}));
    }
    // The last event is shown redacted.
    PolicyTest &hide() {
        events.back().data = redact_envelope(*events.back().data, std::array{HashAlgorithm::sha384}).value();
        return *this;
    }
    PolicyTest &cap(const std::string &reg) {
        return put(enveloped("tdx/" + reg, Envelope{.header = {.type = "cap", .register_name = "tdx/" + reg}}));
    }
    PolicyTest &separator(const std::string &reg) { return put(measured("tdx/" + reg, Bytes(4), {HashAlgorithm::sha384}, ev_separator)); }
    // Somebody has made it hold that; mrd's next extend says so first.
    PolicyTest &gap(const std::string &reg, const Digest &found) {
        auto &rtmr = platform.body.rtmr.at(*tcg_index(reg) - 1);
        const Digest before{ByteView(rtmr)};
        std::ranges::copy(found.bytes(), rtmr.begin());
        return put(resync("tdx/" + reg, before.bytes(), found.bytes()));
    }
    PolicyTest &ppid(std::uint8_t byte, std::uint8_t last) {
        platform.pck.pck->ppid.fill(byte);
        platform.pck.pck->ppid.back() = last;
        return *this;
    }

    using MachineTest::events;

protected:
    // What the log comes to by the policy.
    Verdict judge(const nlohmann::json &members, const std::function<void(PolicyTest &)> &log) {
        nlohmann::json file{{"format", "mrd-reference-values"}, {"version", 1}};
        file.update(members);
        auto values = parse_reference_values(file.dump());
        if (!values) {
            ADD_FAILURE() << values.error().message;
            return {};
        }
        options.reference = std::move(*values);
        platform.qe_report_data.reset();
        platform.body.rtmr = {};
        events.clear();
        ppid(0x11, 0x11);
        log(*this);
        return verify(evidence(), options);
    }

    // The same log by itself, which numbers its events as it likes.
    Verdict judge_unnumbered() {
        std::string file;
        for (auto event : events) {
            event.sequence = 0;
            append_cel_json(file, event.view());
        }
        const auto bytes = bytes_of(file);
        const std::array<ByteView, 1> logs{bytes};
        return verify(platform.quote(), logs, options);
    }

    void expect_to_part(const std::vector<Policy> &policies);

private:
    PolicyTest &put(OwnedEvent event) {
        add(std::move(event));
        return *this;
    }
};

// Each holds of the logs that satisfy it, and of none that nearly does, whoever numbers their events.
inline void PolicyTest::expect_to_part(const std::vector<Policy> &policies) {
    for (const auto &policy : policies) {
        EXPECT_GE(policy.nearly.size(), 3U) << policy.name;
        EXPECT_FALSE(policy.good.empty()) << policy.name;
        for (const auto &log : policy.good) {
            const auto verdict = judge(policy.members, log.make);
            EXPECT_TRUE(verdict.verified()) << policy.name << ", " << log.what << '\n' << reasons(verdict);
            EXPECT_EQ(result_of(verdict, policy.statement), Judgement::holds) << policy.name << ", " << log.what;
        }

        for (const auto &log : policy.nearly) {
            const auto verdict = judge(policy.members, log.make);
            auto refused = log.also;
            refused.push_back(policy.statement);
            EXPECT_THAT(refusing(verdict), testing::UnorderedElementsAreArray(refused)) << policy.name << ", " << log.what << '\n'
                                                                                        << reasons(verdict);
            EXPECT_EQ(result_of(verdict, policy.statement), log.result) << policy.name << ", " << log.what;
            EXPECT_THAT(reason_of(verdict, policy.statement), testing::HasSubstr(log.reason)) << policy.name << ", " << log.what;
        }
    }
}

}  // namespace mr
