// A machine of two kinds: a TD, and a toy beside it.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/attestation/machine.h"
#include "tests/attestation/toy_tee.h"

namespace mr {

class ToyTest : public MachineTest {
protected:
    void SetUp() override {
        MachineTest::SetUp();
        options.anchors->roots.push_back(toy.root);
        options.tees = tees_;
        extend_boot(measured("toy0/boot", "loader", {HashAlgorithm::sha256}));
        extend_ledger(enveloped("toy0/ledger",
                                Envelope{.header = {.type = "measure", .register_name = "toy/ledger"},
                                         .body = {.description = "settings", .data = bytes_of("strict")}},
                                {HashAlgorithm::sha512}));
        extend_ledger(measured("toy0/ledger", "plugin", {HashAlgorithm::sha512}));
        options.report_data = Bytes(20, 7);
        report_data = *report_data_from(*options.report_data);
    }

    void extend_boot(OwnedEvent event) { extend_toy(toy.boot, HashAlgorithm::sha256, std::move(event)); }
    void extend_ledger(OwnedEvent event) { extend_toy(toy.ledger, HashAlgorithm::sha512, std::move(event)); }
    void extend_toy(Digest &value, HashAlgorithm algorithm, OwnedEvent event) {
        value = extend(algorithm, value.bytes(), event.digests.front().second).value();
        event.origin = EventOrigin::service;
        event.sequence = toy_events.size() + 1;
        toy_events.push_back(std::move(event));
    }

    EvidencePart part(const std::string &name = "toy0") {
        toy.report_data = part_report_data(toy_kind, name, report_data, 32).value();
        return {.name = name, .kind = std::string(toy_kind), .quote = toy.encode(), .quote_format = "toy_v1"};
    }

    [[nodiscard]] std::vector<LogRegister> declared() const {
        return {{"toy0/boot", HashAlgorithm::sha256, ToyQuote::first_boot(), ToyQuote::first_boot()},
                {"toy0/ledger", HashAlgorithm::sha512, ToyQuote::first_ledger(), ToyQuote::first_ledger()}};
    }

    // Of the toy alone.
    Evidence toy_evidence() {
        return {.report_data = report_data,
                .parts = {part()},
                .time = test_now * 1'000'000,
                .sequence = static_cast<std::int64_t>(toy_events.size()),
                .registers = {{"toy0/boot", Owner::owned, toy.boot, toy.boot}, {"toy0/ledger", Owner::owned, toy.ledger, toy.ledger}},
                .log = bytes_of(json_log(toy_events, declared()))};
    }

    // Of a TD, and of the toy beside it.
    Evidence both() {
        std::ranges::copy(report_data, platform.body.report_data.begin());
        auto made = evidence();
        const auto of_toy = toy_evidence();
        made.parts.push_back(of_toy.parts.front());
        made.registers.insert(made.registers.end(), of_toy.registers.begin(), of_toy.registers.end());
        auto all = events;
        for (auto event : toy_events) {
            event.sequence = all.size() + 1;
            all.push_back(std::move(event));
        }
        made.sequence = static_cast<std::int64_t>(all.size());
        auto registers = declared();
        const auto zero = Digest::zero(HashAlgorithm::sha384);
        for (std::size_t i = 0; i < 4; ++i) registers.push_back({"tdx/rtmr" + std::to_string(i), HashAlgorithm::sha384, zero, zero});
        made.log = bytes_of(json_log(all, registers));
        return made;
    }

    std::vector<std::string> refused_by(const Evidence &made) { return refusing(verify(made, options)); }

    ToyTee tee_;
    std::vector<const Tee *> tees_{known_tees().front(), &tee_};
    ToyQuote toy;
    ReportData report_data{};
    std::vector<OwnedEvent> toy_events;
};

}  // namespace mr
