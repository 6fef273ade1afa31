// A machine of a kind that nobody builds, and all that a provider can do to mrd: two banks of one register that do not begin as zero, a register that software
// resets, one that comes and goes, an opening that fails at first, a failure while it runs, and quotes of its own over 32 bytes, which ToyMachineTee reads.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/tee.h"
#include "mrd/daemon/provider_list.h"
#include "tests/faults/wrapped_provider.h"
#include "tests/mrd/fake_provider.h"

namespace mrd {

class ToyMachine {
public:
    static constexpr std::string_view kind = "toymachine";
    enum : RegisterIndex { ledger_256, ledger_384, scratch, slot, image };

    static std::vector<RegisterSpec> registers() {
        std::vector<RegisterSpec> specs{fake_register("ledger", "XWRL", 32), fake_register("ledger", "XWRL"),
                                        fake_register("scratch", "XWRL"), fake_register("slot", "XWRL"), fake_register("image", "R", 32)};
        specs[ledger_256].initial = first_ledger(32);
        specs[ledger_384].initial = first_ledger(48);
        specs[ledger_384].refresh_set = 1;
        specs[scratch].resettable = true;
        specs[slot].refresh_set = 2;
        return specs;
    }
    static mr::Digest first_ledger(std::size_t size) { return mr::Digest(mr::Bytes(size, 0x11)); }
    static mr::Bytes root() { return mr::Bytes(16, 0xA5); }

    // The hardware, from the test's own thread.
    FakeHardware &hardware() { return hardware_; }
    void reset_scratch() { hardware_.set(scratch, 0); }

    // One that cannot be opened `failures` times. It outlives the provider.
    ConfiguredProvider configured(std::string name, int failures) {
        return {.name = name,
                .type = std::string(kind),
                .required = false,
                .open = [this, name, failures]() mutable -> std::expected<ReadProvider, std::string> {
                    if (failures-- > 0) return std::unexpected("the machine is not there yet");
                    const bool is_first = hardware_.registers().empty();
                    auto registers = std::make_unique<FakeProvider>(hardware_, name, ToyMachine::registers(), true);
                    if (is_first) {
                        hardware_.set(ledger_256, 0x11);
                        hardware_.set(ledger_384, 0x11);
                        hardware_.set(image, 0x1D);
                    }
                    return ReadProvider::read(std::make_unique<Quoting>(std::move(registers), hardware_), ToyMachine::registers(), 1);
                }};
    }

    // "TOYMACHINE", what it is over, the registers in their order, then SHA-256 of the root and all before.
    static constexpr std::string_view magic = "TOYMACHINE";
    static constexpr std::size_t report_data_size = 32;
    static mr::Bytes seal(mr::ByteView root, mr::ByteView body) {
        auto hasher = mr::Hasher::open(mr::HashAlgorithm::sha256).value();
        const auto digest = hasher.update(root).update(body).finish();
        return {digest.bytes().begin(), digest.bytes().end()};
    }

private:
    class Quoting final : public faults::WrappedProvider, Quoter {
    public:
        Quoting(std::unique_ptr<Provider> registers, FakeHardware &hardware) : WrappedProvider(std::move(registers)), hardware_(hardware) {}

        [[nodiscard]] std::string_view kind() const override { return ToyMachine::kind; }
        [[nodiscard]] bool simulated() const override { return false; }
        Quoter *quoter() override { return this; }

    private:
        [[nodiscard]] ReportDataSize report_data_size() const override {
            return {.least = ToyMachine::report_data_size, .most = ToyMachine::report_data_size};
        }
        std::expected<Quoted, QuoteFailure> quote(mr::ByteView report_data, const mr::ReportOptions &, const std::stop_token &) override {
            Quoted quoted{.quote = mr::Bytes(magic.begin(), magic.end()),
                          .auxiliary = {},
                          .manifest = {},
                          .format = "toymachine_v1",
                          .says = {.report_data = {report_data.begin(), report_data.end()}, .registers = {}}};
            const auto add = [&quoted](mr::ByteView bytes) { quoted.quote.insert(quoted.quote.end(), bytes.begin(), bytes.end()); };
            add(report_data);
            const auto values = hardware_.values();
            for (RegisterIndex index = 0; index < values.size(); ++index) {
                add(values[index]);
                quoted.says.registers.push_back({index, mr::Digest(values[index])});
            }
            add(seal(root(), quoted.quote));
            return quoted;
        }

        FakeHardware &hardware_;
    };

    FakeHardware hardware_;
};

class ToyMachineTee final : public mr::Tee {
public:
    [[nodiscard]] std::string_view kind() const override { return ToyMachine::kind; }
    [[nodiscard]] bool begins_quote(mr::ByteView quote) const override {
        return quote.size() >= ToyMachine::magic.size() && std::ranges::equal(quote.first(ToyMachine::magic.size()), ToyMachine::magic);
    }
    [[nodiscard]] std::expected<mr::Claims, mr::Error> read(mr::ByteView quote) const override {
        const auto specs = ToyMachine::registers();
        std::size_t at = ToyMachine::magic.size() + ToyMachine::report_data_size;
        std::size_t size = at + seal_size;
        for (const auto &spec : specs) size += spec.size;
        if (quote.size() != size || !begins_quote(quote))
            return std::unexpected(mr::Error{mr::ErrorCode::malformed, "no toy machine's quote"});
        mr::Claims claims{.kind = std::string(kind()), .quote_format = "toymachine_v1", .report_data = {}, .registers = {}};
        const auto report_data = quote.subspan(ToyMachine::magic.size(), ToyMachine::report_data_size);
        claims.report_data.assign(report_data.begin(), report_data.end());
        for (const auto &spec : specs) {
            const bool is_extended = spec.flags.has(mr::Flag::extensible);
            const auto initial = spec.initial.size() == 0 ? mr::Digest::zero(*spec.hash) : spec.initial;
            claims.registers.push_back({.name = spec.name,
                                        .algorithm = *spec.hash,
                                        .value = mr::Digest(quote.subspan(at, spec.size)),
                                        .initial = is_extended ? std::optional(initial) : std::nullopt});
            at += spec.size;
        }
        claims.debug = {.is = false, .reason = "a toy machine has none"};
        claims.leaf_key = mr::Bytes(8, 1);
        return claims;
    }
    [[nodiscard]] std::expected<void, mr::Error> check_policy(std::string_view) const override { return {}; }
    [[nodiscard]] std::vector<std::string_view> tcb_statuses() const override { return {}; }
    [[nodiscard]] std::vector<std::string_view> links() const override { return {}; }
    [[nodiscard]] std::unique_ptr<mr::TeeJudge> open_judge(const mr::TrustAnchors *anchors, const mr::PlatformPolicy &) const override {
        return std::make_unique<Judge>(*this, anchors);
    }

private:
    static constexpr std::size_t seal_size = 32;

    class Judge final : public mr::TeeJudge {
    public:
        Judge(const ToyMachineTee &tee, const mr::TrustAnchors *anchors) : tee_(tee), anchors_(anchors) {}
        std::optional<mr::Claims> judge(const mr::TeeEvidence &evidence, mr::UnixTime, mr::Verdict &verdict) override {
            auto claims = tee_.read(evidence.quote);
            const auto add = [&verdict](std::string_view name, bool good) {
                verdict.add({.name = std::string(name),
                             .result = good ? mr::Judgement::holds : mr::Judgement::fails,
                             .required = true,
                             .reason = good ? "good" : "not good"});
            };
            add(mr::statement::quote_format, claims.has_value());
            if (!claims) return std::nullopt;
            const auto body = evidence.quote.first(evidence.quote.size() - seal_size);
            add(mr::statement::quote_signature, anchors_ != nullptr && std::ranges::any_of(anchors_->roots, [&](const mr::Bytes &root) {
                                                    return std::ranges::equal(ToyMachine::seal(root, body), evidence.quote.last(seal_size));
                                                }));
            claims->hardware = {.is = false, .reason = "a toy is no hardware"};
            claims->tcb.reason = "a toy does not say";
            return std::move(*claims);
        }

    private:
        const ToyMachineTee &tee_;
        const mr::TrustAnchors *anchors_;
    };
};

}  // namespace mrd
