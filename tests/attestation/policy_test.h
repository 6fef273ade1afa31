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
#include "tests/attestation/policy_table.h"
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

using Log = CaseOf<PolicyTest>;
using Policy = PolicyOf<PolicyTest>;

class PolicyTest : public MachineTest {
public:
    using MachineTest::options;
    using MachineTest::platform;
    using MachineTest::shared;

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

    // Of the evidence that is made of it.
    PolicyTest &change(std::function<void(Evidence &)> made) {
        change_ = std::move(made);
        return *this;
    }

    using MachineTest::events;

protected:
    void SetUp() override {
        MachineTest::SetUp();
        ppid(0x11, 0x11);
        platform.body.rtmr = {};
        fresh_platform_ = platform;
        fresh_options_ = options;
    }

    // What the log comes to by the policy.
    Verdict judge(const nlohmann::json &members, const std::function<void(PolicyTest &)> &log) {
        nlohmann::json file{{"format", "mrd-reference-values"}, {"version", 1}};
        file.update(members);
        auto values = parse_reference_values(file.dump());
        if (!values) {
            ADD_FAILURE() << values.error().message;
            return {};
        }
        platform = fresh_platform_;
        const auto waived = options.waived;
        options = fresh_options_;
        options.waived = waived;
        options.reference = std::move(*values);
        events.clear();
        shared.clear();
        change_ = {};
        log(*this);
        auto made = evidence();
        if (change_) change_(made);
        return verify(made, options);
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

    void expect_to_part(const std::vector<Policy> &policies) {
        mr::expect_to_part(policies, [this](const auto &members, const auto &make) { return judge(members, make); });
    }

private:
    PolicyTest &put(OwnedEvent event) {
        add(std::move(event));
        return *this;
    }

    TestPlatform fresh_platform_;
    VerifyOptions fresh_options_;
    std::function<void(Evidence &)> change_;
};

}  // namespace mr
