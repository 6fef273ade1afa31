// A kind of trusted execution environment that nobody builds: a quote of its own, report data of 32 bytes, two registers of two algorithms that do not
// begin as zero. What the rules of a verdict make of it, they make of any kind.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "mr/digest.h"
#include "mr/tee.h"
#include "tests/event_log/event_bytes.h"

namespace mr {

inline constexpr std::string_view toy_kind = "toy";

// "TOY", debug u8, key 8, report data 32, boot 32 (SHA-256), ledger 64 (SHA-512), image 32 (SHA-256), then the seal: SHA-256 of the root and all before it.
struct ToyQuote {
    Bytes root = Bytes(16, 0xA5);
    std::uint8_t debug = 0;
    Bytes key = Bytes(8, 1);
    Bytes report_data = Bytes(32);
    Digest boot = first_boot();
    Digest ledger = first_ledger();
    Digest image = Digest(Bytes(32, 0x1D));

    static Digest first_boot() { return Digest(Bytes(32, 0x11)); }
    static Digest first_ledger() { return Digest(Bytes(64, 0xFF)); }

    [[nodiscard]] Bytes encode() const {
        using test::operator+;
        const auto bytes = [](const Digest &digest) { return Bytes(digest.bytes().begin(), digest.bytes().end()); };
        const auto body = Bytes{'T', 'O', 'Y', debug} + key + report_data + bytes(boot) + bytes(ledger) + bytes(image);
        return body + seal(root, body);
    }
    static Bytes seal(ByteView root, ByteView body) {
        auto hasher = Hasher::open(HashAlgorithm::sha256).value();
        const auto digest = hasher.update(root).update(body).finish();
        return {digest.bytes().begin(), digest.bytes().end()};
    }
};

class ToyTee final : public Tee {
public:
    static constexpr std::size_t body_size = 4 + 8 + 32 + 32 + 64 + 32;

    bool is_hardware = false;  // of all judges: whatever root a toy has is that of who makes them
    // Whether toys have a key of their own between root and seal, and whether it is theirs.
    static constexpr std::string_view toy_key = "toy_key";
    std::optional<bool> has_good_key = {};

    [[nodiscard]] std::string_view kind() const override { return toy_kind; }
    [[nodiscard]] bool begins_quote(ByteView quote) const override { return quote.size() >= 3 && quote[0] == 'T' && quote[1] == 'O'; }
    [[nodiscard]] std::expected<Claims, Error> read(ByteView quote) const override {
        if (quote.size() != body_size + 32 || !begins_quote(quote)) return std::unexpected(Error{ErrorCode::malformed, "no toy's quote"});
        const auto at = [&](std::size_t offset, std::size_t size) { return quote.subspan(offset, size); };
        Claims claims{.kind = std::string(toy_kind), .quote_format = "toy_v1", .report_data = {}, .registers = {}};
        claims.report_data.assign(at(12, 32).begin(), at(12, 32).end());
        claims.registers = {
            {.name = "boot", .algorithm = HashAlgorithm::sha256, .value = Digest(at(44, 32)), .initial = ToyQuote::first_boot()},
            {.name = "ledger", .algorithm = HashAlgorithm::sha512, .value = Digest(at(76, 64)), .initial = ToyQuote::first_ledger()},
            {.name = "image", .algorithm = HashAlgorithm::sha256, .value = Digest(at(140, 32))}};
        claims.debug = {.is = quote[3] != 0, .reason = "the toy says so"};
        claims.leaf_key.assign(at(4, 8).begin(), at(4, 8).end());
        return claims;
    }
    [[nodiscard]] std::expected<void, Error> check_policy(std::string_view) const override { return {}; }
    [[nodiscard]] std::vector<std::string_view> tcb_statuses() const override { return {"Shiny", "Rusty"}; }
    [[nodiscard]] std::vector<std::string_view> links() const override { return {toy_key}; }
    [[nodiscard]] std::unique_ptr<TeeJudge> open_judge(const TrustAnchors *anchors, const PlatformPolicy &) const override {
        return std::make_unique<Judge>(*this, anchors);
    }

private:
    class Judge final : public TeeJudge {
    public:
        Judge(const ToyTee &tee, const TrustAnchors *anchors) : tee_(tee), anchors_(anchors) {}
        std::optional<Claims> judge(const TeeEvidence &evidence, UnixTime, Verdict &verdict) override {
            auto claims = tee_.read(evidence.quote);
            const auto add = [&](std::string_view name, bool good) {
                verdict.add({.name = std::string(name),
                             .result = good ? Judgement::holds : Judgement::fails,
                             .required = true,
                             .reason = good ? "good" : "not good"});
            };
            add(statement::quote_format, claims.has_value());
            if (!claims) return std::nullopt;
            const auto body = evidence.quote.first(body_size);
            const bool is_sealed = anchors_ != nullptr && std::ranges::any_of(anchors_->roots, [&](const Bytes &root) {
                                       return std::ranges::equal(ToyQuote::seal(root, body), evidence.quote.subspan(body_size));
                                   });
            add(statement::quote_signature, is_sealed);
            if (tee_.has_good_key) add(toy_key, *tee_.has_good_key);
            claims->hardware = {.is = tee_.is_hardware, .reason = tee_.is_hardware ? "this toy is hardware" : "a toy is no hardware"};
            claims->tcb.reason = "the toy does not say";
            if (evidence.collateral) {
                claims->tcb.status = *evidence.collateral == R"({"state":"Shiny"})" ? "Shiny" : "Rusty";
                claims->tcb.reported = claims->tcb.status;
                claims->tcb.is_up_to_date = claims->tcb.status == "Shiny";
            }
            return std::move(*claims);
        }

    private:
        const ToyTee &tee_;
        const TrustAnchors *anchors_;
    };
};

}  // namespace mr
