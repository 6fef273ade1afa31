// Which events a rule of the reference values means. What they come to over a log: verify_test.cpp.
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmr/src/attestation/event_rules.h"
#include "libmr/src/event_log/binding_rules.h"
#include "libmr/src/event_log/dstack_event.h"
#include "libmr/src/event_log/types.h"
#include "mr/envelope.h"
#include "mr/event_content.h"
#include "mr/reference_values.h"
#include "tests/event_log/event_bytes.h"

namespace mr {
namespace {

using namespace event_log;
using test::bytes_of;
using test::efi_variable;
using test::number;
using test::utf16;
using test::operator+;
using Match = EventRule::Match;

Digest sha384(ByteView bytes) { return hash(HashAlgorithm::sha384, bytes).value(); }

// What a log says of an event. Only the digest is bound.
struct Claimed {
    Digest digest;
    std::uint32_t type = ev_ipl;
    std::optional<Bytes> data = {};
    std::optional<std::string> description = {};
    std::string name = "tdx/rtmr3";

    // Valid while this is.
    [[nodiscard]] Event event() const {
        Event shown;
        shown.index = *tcg_index(name);
        shown.name = name;
        shown.type = type;
        shown.digests = {{tcg_id(HashAlgorithm::sha384), digest.bytes()}};
        if (data) shown.data = *data;
        if (description) shown.description = *description;
        return shown;
    }
    [[nodiscard]] Match match(const EventRule &rule) const {
        const auto shown = event();
        const attestation::EventRegister extended{.kind = "tdx", .name = common_name(name)};
        return attestation::EventContent(shown, extended).match(attestation::PreparedRule(rule));
    }
};

Claimed plain(std::string_view content) {
    auto data = bytes_of(content);
    return {.digest = sha384(data), .data = std::move(data)};
}

Envelope envelope_of(EnvelopeBody body, std::string reg = "tdx/rtmr3") {
    return {.header = {.type = "measure", .register_name = std::move(reg)}, .body = std::move(body)};
}

Claimed claimed(const Envelope &envelope) {
    return {.digest = envelope_digest(envelope, HashAlgorithm::sha384).value(), .type = ev_event_tag, .data = encode_envelope(envelope)};
}

ContentDigest digest_in(HashAlgorithm algorithm, std::string_view content) {
    return {.algorithm = algorithm, .value = hash(algorithm, as_bytes(content)).value()};
}

EventRule with_event_digest(std::string_view content) {
    return {.name = "rule", .event_digest = ContentDigest{.value = sha384(as_bytes(content))}};
}
EventRule with_text(std::string_view text) { return {.name = "rule", .data = bytes_of(text)}; }
EventRule with_digest(std::string_view content) { return {.name = "rule", .digest = ContentDigest{.value = sha384(as_bytes(content))}}; }
EventRule with_description(std::string text) { return {.name = "rule", .description = std::move(text)}; }
EventRule with_data_digest(HashAlgorithm algorithm, std::string_view content) {
    return {.name = "rule", .data_digest = digest_in(algorithm, content)};
}

TEST(EventRules, ADigestMeansTheEventThatExtendedByIt) {
    EXPECT_EQ(plain("one").match(with_digest("one")), Match::yes);
    EXPECT_EQ(plain("one").match(with_digest("two")), Match::no);
}

TEST(EventRules, DataCountsOnlyWhereTheDigestBindsIt) {
    auto shown = plain("one");
    EXPECT_EQ(shown.match(with_text("one")), Match::yes);
    EXPECT_EQ(shown.match(with_text("two")), Match::no);
    // The log says "two", but "one" was extended. Leaving it out hides nothing either.
    for (const auto &lie : {std::optional(bytes_of("two")), std::optional<Bytes>()}) {
        shown.data = lie;
        EXPECT_EQ(shown.match(with_text("one")), Match::yes);
        EXPECT_EQ(shown.match(with_text("two")), Match::cannot_tell);
    }
}

TEST(EventRules, WhatIsNotMeasuredMatchesNothing) {
    auto shown = plain("one");
    shown.type = ev_no_action;
    EXPECT_EQ(shown.match(with_text("one")), Match::no);
    EXPECT_EQ(shown.match(with_digest("one")), Match::no);
}

TEST(EventRules, AnEnvelopesWordsAreBoundAndAllThatARuleSaysHasToMatch) {
    const auto shown = claimed(envelope_of({.description = "kernel", .data = bytes_of("image")}));
    EXPECT_EQ(shown.match(with_description("kernel")), Match::yes);
    EXPECT_EQ(shown.match(with_description("initrd")), Match::no);
    EXPECT_EQ(shown.match(with_text("image")), Match::yes);
    EXPECT_EQ(shown.match(with_text("other")), Match::no);
    EXPECT_EQ(shown.match(with_data_digest(HashAlgorithm::sha384, "image")), Match::yes);
    EXPECT_EQ(shown.match(with_data_digest(HashAlgorithm::sha256, "image")), Match::yes);
    EXPECT_EQ(shown.match(with_data_digest(HashAlgorithm::sha384, "other")), Match::no);
    auto both = with_text("image");
    both.description = "initrd";
    EXPECT_EQ(shown.match(both), Match::no);
}

// A rule's digest is that of what was measured, in an envelope or not.
TEST(EventRules, ADigestMeansAnEnvelopesContentToo) {
    for (const auto &body : {EnvelopeBody{.data = bytes_of("image")}, EnvelopeBody{.digest = digest_in(HashAlgorithm::sha384, "image")}}) {
        const auto shown = claimed(envelope_of(body));
        EXPECT_EQ(shown.match(with_digest("image")), Match::yes);
        EXPECT_EQ(shown.match(with_digest("other")), Match::no);
        EXPECT_EQ(shown.match(with_event_digest("image")), Match::no);
        EXPECT_EQ(shown.match(EventRule{.name = "rule", .event_digest = ContentDigest{.value = shown.digest}}), Match::yes);
        EXPECT_EQ(shown.match(EventRule{.name = "rule", .digest = ContentDigest{.value = shown.digest}}), Match::yes);
    }
    EXPECT_EQ(claimed(envelope_of({.description = "no content"})).match(with_digest("image")), Match::no);
}

// Leaving the content out of the log, and its digest in, hides nothing.
TEST(EventRules, DataIsHashedWithTheAlgorithmOfTheEnvelope) {
    for (const auto algorithm : {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}) {
        const auto shown = claimed(envelope_of({.digest = digest_in(algorithm, "image")}));
        EXPECT_EQ(shown.match(with_text("image")), Match::yes) << to_string(algorithm);
        EXPECT_EQ(shown.match(with_text("other")), Match::no) << to_string(algorithm);
    }
}

TEST(EventRules, ADigestInAnotherAlgorithmMayBeThatOfTheSameContent) {
    const auto shown = claimed(envelope_of({.digest = digest_in(HashAlgorithm::sha256, "image")}));
    EXPECT_EQ(shown.match(with_digest("image")), Match::cannot_tell);
    EXPECT_EQ(shown.match(with_digest("other")), Match::cannot_tell);
    EXPECT_EQ(shown.match(with_data_digest(HashAlgorithm::sha384, "image")), Match::cannot_tell);
    EXPECT_EQ(shown.match(with_data_digest(HashAlgorithm::sha256, "image")), Match::yes);
    EXPECT_EQ(shown.match(with_data_digest(HashAlgorithm::sha256, "other")), Match::no);
}

TEST(EventRules, NothingRestsOnSha1) {
    const auto shown = claimed(envelope_of({.digest = digest_in(HashAlgorithm::sha1, "image")}));
    EXPECT_EQ(shown.match(with_text("image")), Match::cannot_tell);
    EXPECT_EQ(shown.match(with_text("other")), Match::cannot_tell);
    EXPECT_EQ(shown.match(with_data_digest(HashAlgorithm::sha1, "image")), Match::cannot_tell);
    // Nor on what a register's bank of SHA-1 was extended with, shown or not.
    const auto digest = digest_in(HashAlgorithm::sha1, "image");
    const auto content = bytes_of("image");
    Event event;
    event.index = 7;
    event.name = "tpm/pcr7";
    event.type = ev_ipl;
    event.digests = {{tcg_id(HashAlgorithm::sha1), digest.value.bytes()}};
    const attestation::EventRegister bank{.kind = "tpm", .name = "pcr7", .algorithm = HashAlgorithm::sha1};
    for (const bool is_shown : {false, true}) {
        if (is_shown) event.data = content;
        const attestation::EventContent extended(event, bank);
        for (const auto &rule : {with_text("image"), with_text("other"), with_digest("image"), with_digest("other"),
                                 EventRule{.name = "rule", .digest = digest}, EventRule{.name = "rule", .event_digest = digest}})
            EXPECT_EQ(extended.match(attestation::PreparedRule(rule)), Match::cannot_tell);
    }
}

TEST(EventRules, AnEnvelopeThatWasNotExtendedSaysNothing) {
    auto shown = claimed(envelope_of({.description = "kernel"}));
    shown.data = encode_envelope(envelope_of({.description = "initrd"}));
    EXPECT_EQ(shown.match(with_description("initrd")), Match::cannot_tell);
    EXPECT_EQ(shown.match(with_description("kernel")), Match::cannot_tell);
}

TEST(EventRules, ARedactedEnvelopeMayHoldAnything) {
    auto shown = claimed(envelope_of({.description = "kernel", .data = bytes_of("image")}));
    shown.data = redact_envelope(*shown.data, std::vector{HashAlgorithm::sha384}).value();
    for (const auto &rule : {with_description("kernel"), with_description("other"), with_text("image"), with_text("other"),
                             with_digest("image"), with_data_digest(HashAlgorithm::sha384, "image")})
        EXPECT_EQ(shown.match(rule), Match::cannot_tell);
    EXPECT_EQ(shown.match(EventRule{.name = "rule", .event_digest = ContentDigest{.value = shown.digest}}), Match::yes);
    EXPECT_EQ(shown.match(with_event_digest("image")), Match::no);
}

TEST(EventRules, AnEnvelopeThatNamesAnotherRegisterIsNoWordOfThisOne) {
    for (const auto *other : {"tdx/rtmr2", "tpm/rtmr3", "tdx/pcr3"}) {
        const auto shown = claimed(envelope_of({.description = "kernel", .data = bytes_of("image")}, other));
        for (const auto &rule : {with_description("kernel"), with_text("image"), with_digest("image")})
            EXPECT_EQ(shown.match(rule), Match::cannot_tell) << other;
    }
}

// The header says it, whole or redacted.
TEST(EventRules, AnEnvelopesTypeIsThatOfItsHeader) {
    const EventRule capped{.name = "rule", .envelope_type = "cap"};
    auto measured = claimed(envelope_of({.description = "cap", .data = bytes_of("cap")}));
    EXPECT_EQ(measured.match(capped), Match::no);
    EXPECT_EQ(measured.match(EventRule{.name = "rule", .description = "cap", .envelope_type = "measure"}), Match::yes);
    measured.data = redact_envelope(*measured.data, std::vector{HashAlgorithm::sha384}).value();
    EXPECT_EQ(measured.match(capped), Match::no);
    EXPECT_EQ(measured.match(EventRule{.name = "rule", .envelope_type = "measure"}), Match::yes);
    EXPECT_EQ(measured.match(EventRule{.name = "rule", .description = "cap", .envelope_type = "measure"}), Match::cannot_tell);
    EXPECT_EQ(claimed({.header = {.type = "cap", .register_name = "tdx/rtmr3"}}).match(capped), Match::yes);
    for (const auto *other : {"tdx/rtmr2", "tpm/rtmr3"})
        EXPECT_EQ(claimed({.header = {.type = "cap", .register_name = other}}).match(capped), Match::cannot_tell) << other;
    // H(file) is no envelope's digest, and what is not shown may be one.
    EXPECT_EQ(plain("cap").match(capped), Match::no);
    auto hidden = plain("cap");
    hidden.data.reset();
    EXPECT_EQ(hidden.match(capped), Match::cannot_tell);
}

// H(file) is no envelope's digest, whatever the file says.
TEST(EventRules, AFileSpeaksAsNoEnvelope) {
    const auto speech = envelope_of({.description = "/etc/agent.conf", .digest = digest_in(HashAlgorithm::sha384, "good")});
    const auto whole = encode_envelope(speech);
    const auto redacted = redact_envelope(whole, std::vector{HashAlgorithm::sha384}).value();
    const auto digest = envelope_digest(speech, HashAlgorithm::sha384).value();
    const Bytes digest_bytes(digest.bytes().begin(), digest.bytes().end());
    for (const auto &file : {whole, redacted, Bytes(whole.begin() + 8, whole.end()), digest_bytes}) {
        for (const auto &data : {whole, redacted, file}) {
            const Claimed shown{.digest = sha384(file), .type = ev_event_tag, .data = data, .description = "/etc/agent.conf"};
            EXPECT_NE(shown.match(with_description("/etc/agent.conf")), Match::yes);
            EXPECT_NE(shown.match(with_text("good")), Match::yes);
            EXPECT_NE(shown.match(with_digest("good")), Match::yes);
            EXPECT_NE(shown.match(with_data_digest(HashAlgorithm::sha384, "good")), Match::yes);
        }
    }
}

TEST(EventRules, ADescriptionOutsideAnEnvelopeIsAClaim) {
    auto shown = plain("one");
    shown.description = "kernel";
    EXPECT_EQ(shown.match(with_description("kernel")), Match::no);
}

// Nobody writes the NUL that ends a text into a rule, and whether a log shows it depends on what it calls the event.
TEST(EventRules, ATextIsTheSameWithTheNulThatEndsIt) {
    const auto text = bytes_of("init=/bin/sh");
    for (const auto &hashed : {text, text + Bytes(1), text + Bytes(2)}) {
        const Claimed shown{.digest = sha384(hashed), .type = ev_action, .data = hashed};
        EXPECT_EQ(shown.match(with_text("init=/bin/sh")), Match::yes);
    }
    const auto longer = text + Bytes(3);
    EXPECT_EQ(Claimed({.digest = sha384(longer), .data = longer}).match(with_text("init=/bin/sh")), Match::no);
}

// Wherever it stands, and on either side.
TEST(EventRules, ATextIsTheSameWithTheNulThatEndsItInEnvelopesAndPayloadsToo) {
    const auto text = bytes_of("init=/bin/sh");
    for (const auto &measured : {text, text + Bytes(1), text + Bytes(2)}) {
        for (const auto &asked : {text, text + Bytes(1), text + Bytes(2)}) {
            const EventRule rule{.name = "rule", .data = asked};
            EXPECT_EQ(Claimed({.digest = sha384(measured)}).match(rule), Match::yes) << "left out of the log";
            EXPECT_EQ(claimed(envelope_of({.data = measured})).match(rule), Match::yes);
            for (const auto algorithm : {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}) {
                const ContentDigest digest{.algorithm = algorithm, .value = hash(algorithm, measured).value()};
                EXPECT_EQ(claimed(envelope_of({.digest = digest})).match(rule), Match::yes) << to_string(algorithm);
            }
            auto named = rule;
            named.description = "app";
            for (const auto &hashed : {dstack_preimage_1("app", measured), dstack_preimage_2("app", measured)}) {
                const Claimed shown{.digest = sha384(hashed), .type = ev_action, .data = hashed};
                EXPECT_EQ(shown.match(named), Match::yes);
                EXPECT_EQ(shown.match(rule), Match::cannot_tell);
            }
        }
    }
}

TEST(EventRules, APayloadOfDstacksCountsOnlyWithItsName) {
    for (const auto &hashed : {dstack_preimage_1("app-id", bytes_of("evil")), dstack_preimage_2("app-id", bytes_of("evil"))}) {
        const Claimed shown{.digest = sha384(hashed), .type = ev_dstack, .data = bytes_of("evil"), .description = "app-id"};
        auto rule = with_text("evil");
        EXPECT_EQ(shown.match(rule), Match::cannot_tell);
        rule.description = "app-id";
        EXPECT_EQ(shown.match(rule), Match::yes);
        EXPECT_EQ(shown.match(with_description("app-id")), Match::yes);
        rule.description = "app";
        EXPECT_EQ(shown.match(rule), Match::no);
        EXPECT_EQ(shown.match(with_text("good")), Match::no);
    }
}

// ---- A log calls an event what it likes

// Data, types and descriptions with which a log shows bytes, so that every rule of recompute_binding() has its chance to find them.
std::vector<std::pair<std::string, Claimed>> every_framing(const Digest &digest, const Bytes &bytes,
                                                           const std::vector<std::string> &descriptions) {
    const auto tagged = [&](std::uint32_t tag) { return number(tag, 4) + number(bytes.size(), 4) + bytes; };
    const std::vector<std::pair<std::string, Bytes>> framings{
        {"as it is", bytes},
        {"tagged 0x1234", tagged(0x1234)},
        {"tagged as an envelope", tagged(envelope_tag)},
        {"tagged as a redacted one", tagged(redacted_envelope_tag)},
        {"tagged as version 1", tagged(version_1_envelope_tag)},
        {"tagged as AAEL", tagged(0x4141454C)},
        {"variable", efi_variable(Bytes(16), "V", bytes)},
        {"variable with surplus", efi_variable(Bytes(16), "V", bytes) + Bytes(1)},
        {"td-shim", Bytes(16) + number(bytes.size(), 4) + bytes},
        {"GRUB", bytes_of("grub_cmd: ") + bytes},
        {"GRUB with NUL", bytes_of("grub_cmd: ") + bytes + Bytes(1)},
        {"with a NUL", bytes + Bytes(1)},
        {"with two", bytes + Bytes(2)},
        {"without its last byte", Bytes(bytes.begin(), bytes.end() - 1)},
        {"without its last two", Bytes(bytes.begin(), bytes.end() - 2)},
    };
    const std::vector<std::uint32_t> types{ev_ipl,
                                           ev_event_tag,
                                           ev_action,
                                           ev_efi_action,
                                           ev_efi_variable_boot,
                                           ev_efi_variable_authority,
                                           ev_dstack,
                                           ev_platform_config_flags,
                                           ev_separator,
                                           ev_post_code};
    std::vector<std::pair<std::string, Claimed>> all;
    for (const auto type : types) {
        for (const auto &description : descriptions) {
            all.emplace_back("left out", Claimed{.digest = digest, .type = type, .description = description});
            for (const auto &[name, data] : framings)
                all.emplace_back(name, Claimed{.digest = digest, .type = type, .data = data, .description = description});
        }
    }
    return all;
}

// Which of recompute_binding()'s rules bind what is shown.
using MetRules = std::set<std::string_view>;

// Tries them all; a rule that an event meets must never be ruled out.
void expect_found_or_not_judged(const std::vector<std::pair<std::string, Claimed>> &framings, const std::vector<EventRule> &rules,
                                MetRules &met) {
    for (const auto &[name, shown] : framings) {
        const auto event = shown.event();
        met.insert(recompute_binding(event, event.digests.front()).rule);
        for (std::size_t i = 0; i < rules.size(); ++i)
            EXPECT_NE(shown.match(rules[i]), Match::no) << "rule " << i << ", " << name << ", " << event_type_name(shown.type);
    }
}

void expect_of_envelopes(MetRules &met) {
    const auto envelope = envelope_of({.description = "console shell", .data = bytes_of("/bin/sh")});
    const auto digest = envelope_digest(envelope, HashAlgorithm::sha384).value();
    auto both = with_text("/bin/sh");
    both.description = "console shell";
    auto of_type = both;
    of_type.envelope_type = "measure";
    const std::vector<EventRule> rules{with_description("console shell"),
                                       with_text("/bin/sh"),
                                       both,
                                       of_type,
                                       {.name = "rule", .envelope_type = "measure"},
                                       with_digest("/bin/sh"),
                                       with_data_digest(HashAlgorithm::sha384, "/bin/sh"),
                                       with_data_digest(HashAlgorithm::sha256, "/bin/sh")};
    const auto whole = encode_envelope(envelope);
    const std::vector<Bytes> shown{whole, Bytes(whole.begin() + 8, whole.end()),
                                   redact_envelope(whole, std::vector{HashAlgorithm::sha384}).value(),
                                   encode_envelope(envelope_of({.description = "harmless"})), bytes_of("harmless")};
    for (const auto &bytes : shown) expect_found_or_not_judged(every_framing(digest, bytes, {"harmless", "console shell"}), rules, met);
    EXPECT_EQ(claimed(envelope).match(both), Match::yes);
}

void expect_of_dstacks_events(MetRules &met) {
    auto both = with_text("/bin/sh");
    both.description = "console shell";
    for (const auto &hashed :
         {dstack_preimage_1("console shell", bytes_of("/bin/sh")), dstack_preimage_2("console shell", bytes_of("/bin/sh"))}) {
        const auto digest = sha384(hashed);
        const std::vector<EventRule> rules{with_description("console shell"),
                                           both,
                                           with_text("/bin/sh"),
                                           {.name = "rule", .digest = ContentDigest{.value = digest}},
                                           {.name = "rule", .event_digest = ContentDigest{.value = digest}}};
        for (const auto &bytes : {hashed, bytes_of("/bin/sh"), bytes_of("shell:/bin/sh"), bytes_of("harmless")})
            expect_found_or_not_judged(every_framing(digest, bytes, {"harmless", "console shell", "console"}), rules, met);
        EXPECT_EQ(Claimed({.digest = digest, .type = ev_action, .data = hashed}).match(both), Match::yes);
    }
}

void expect_of_texts(MetRules &met) {
    const auto text = bytes_of("console shell");
    for (const auto &hashed : {text, text + Bytes(1), text + Bytes(2)}) {
        for (const auto &bytes : {hashed, text, bytes_of("harmless")})
            expect_found_or_not_judged(every_framing(sha384(hashed), bytes, {"harmless"}), {with_text("console shell")}, met);
    }
    const auto wide = utf16("console shell");
    const EventRule rule{.name = "rule", .data = wide};
    for (const auto &hashed : {wide, wide + Bytes(2)}) {
        for (const auto &bytes : {hashed, wide})
            expect_found_or_not_judged(every_framing(sha384(hashed), bytes, {"harmless"}), {rule}, met);
    }
    // A section's name is shown in UTF-16 and hashed in ASCII.
    const auto section = bytes_of(".linux") + Bytes(1);
    for (const auto &bytes : {section, utf16(".linux"), utf16(".linux") + Bytes(2)})
        expect_found_or_not_judged(every_framing(sha384(section), bytes, {"harmless"}), {with_text(".linux")}, met);
    // A variable as a whole, of which firmware hashes all or the data alone.
    const auto variable = efi_variable(Bytes(16), "V", bytes_of("console shell"));
    const EventRule of_variable{.name = "rule", .data = variable};
    expect_found_or_not_judged(every_framing(sha384(variable), variable, {"harmless"}), {of_variable}, met);
}

TEST(EventRules, AForbiddenEnvelopeIsFoundOrNotJudgedWhateverTheLogCallsIt) {
    MetRules met;
    expect_of_envelopes(met);
}

TEST(EventRules, AForbiddenEventOfDstacksIsFoundOrNotJudgedWhateverTheLogCallsIt) {
    MetRules met;
    expect_of_dstacks_events(met);
}

TEST(EventRules, AForbiddenTextIsFoundOrNotJudgedWhateverTheLogCallsIt) {
    MetRules met;
    expect_of_texts(met);
}

TEST(EventRules, WhatIsForbiddenWasShownByEachRuleOfBindingThatThereIs) {
    MetRules met;
    expect_of_envelopes(met);
    expect_of_dstacks_events(met);
    expect_of_texts(met);
    for (const auto rule : binding_rules) EXPECT_TRUE(met.contains(rule)) << rule << ": every_framing() has none that it binds";
}

}  // namespace
}  // namespace mr
