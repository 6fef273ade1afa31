#include "mr/event_content.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mr/envelope.h"
#include "tests/event_log/event_bytes.h"
#include "tests/event_log/shown_content.h"
#include "tests/event_log/walk_tcg.h"
#include "tests/places.h"

namespace mr {
namespace {

using test::bytes_of;
using test::checked;
using test::contents_of;
using test::decode;
using test::decode_of_realm;
using test::dstack_event;
using test::efi_variable;
using test::event_of;
using test::Fields;
using test::number;
using test::sample_logs;
using test::unhex;
using test::utf16;
using test::value_of;
using test::variable_driver_config;
using test::walk_tcg;
using test::operator+;  // NOLINT(misc-unused-using-decls): it is used, as +

TEST(EventContent, ASeparatorIsNormalAnErrorOrUnknown) {
    EXPECT_EQ(decode(ev_separator, number(0, 4)), (Fields{{"separator", "normal"}, {"value", "00000000"}}));
    EXPECT_EQ(decode(ev_separator, number(0xFFFFFFFF, 4)), (Fields{{"separator", "normal"}, {"value", "ffffffff"}}));
    EXPECT_EQ(decode(ev_separator, number(1, 4)), (Fields{{"separator", "error"}, {"value", "01000000"}}));
    EXPECT_EQ(decode(ev_separator, number(2, 4)), (Fields{{"separator", "unknown"}, {"value", "02000000"}}));
    EXPECT_EQ(decode(ev_separator, bytes_of("WBCL?")), (Fields{{"malformed", "a separator of another length than 4"}, {"data", "WBCL?"}}));
}

TEST(EventContent, DataThatIsAbsentOrEmptyIsSaidToBe) {
    const Bytes nothing;
    Event event = event_of(ev_ipl, nothing);
    EXPECT_EQ(checked(event), (Fields{{"data", "(empty)"}}));
    event.data.reset();
    EXPECT_EQ(checked(event), (Fields{{"data", "(not in the log)"}}));
}

TEST(EventContent, ActionsAreTheirText) {
    EXPECT_EQ(decode(5, bytes_of("Calling INT 19h")), (Fields{{"action", "Calling INT 19h"}}));
    EXPECT_EQ(decode(0x80000007, bytes_of("Exit Boot Services Invocation")), (Fields{{"action", "Exit Boot Services Invocation"}}));
}

TEST(EventContent, ControlCharactersAndInvalidUtf8AreShownNotSent) {
    EXPECT_EQ(decode(5, bytes_of("a\nb\tc\rd")), (Fields{{"action", "a\\nb\\tc\\rd"}}));
    // Bytes no person types make it hexadecimal.
    EXPECT_EQ(decode(5, bytes_of("a\x1b[31m")), (Fields{{"action", "611b5b33316d"}}));
    EXPECT_EQ(decode(5, bytes_of("a\xff")), (Fields{{"action", "61ff"}}));
    EXPECT_EQ(decode(5, bytes_of("a\xc2\x9b")), (Fields{{"action", "61c29b"}}));
    // Where the structure says that it is text, it stays text.
    const auto name_of = [](const Bytes &name) {
        return value_of(decode(variable_driver_config, Bytes(16, 1) + number(name.size() / 2, 8) + number(1, 8) + name + Bytes{7}),
                        "variable");
    };
    EXPECT_EQ(name_of(utf16("a\x1b\x7f\nb")), "a\\x1b\\x7f\\nb");
    EXPECT_EQ(name_of(number(0x202E, 2) + utf16("b")), "\\u{202e}b");
    EXPECT_EQ(name_of(number(0x9B, 2)), "\\u{9b}");
    EXPECT_EQ(name_of(number(0xD800, 2) + utf16("b")), "\\x00\\xd8b");
    EXPECT_EQ(name_of(number(0xDC00, 2)), "\\x00\\xdc");
    EXPECT_EQ(name_of(number(0xD83D, 2) + number(0xDE00, 2)), "\xF0\x9F\x98\x80");
    EXPECT_EQ(name_of(number(0xE9, 2) + number(0x20AC, 2)), "é€");
}

TEST(EventContent, AnUnknownTypeIsTextIfItIsTextElseHexadecimal) {
    EXPECT_EQ(decode(0x77, bytes_of("text é") + Bytes{0}), (Fields{{"data", "text é"}}));
    EXPECT_EQ(decode(0x77, utf16("wide") + Bytes{0, 0}), (Fields{{"data", "wide"}}));
    EXPECT_EQ(decode(0x77, Bytes{1, 2, 0xAB}), (Fields{{"data", "0102ab"}}));
    EXPECT_EQ(decode(0x77, Bytes{0, 0}), (Fields{{"data", "0000"}}));
    EXPECT_EQ(decode(0x800000E1, bytes_of("SPDM")), (Fields{{"data", "SPDM"}}));
}

TEST(EventContent, LongContentIsCutWithinTheLimitAndSaysSo) {
    for (const std::size_t size : {max_content_text, 100 * max_content_text}) {
        for (const Bytes &data : {Bytes(size, 'x'), Bytes(size, 1), utf16(std::string(size, 'x')), Bytes{'x'} + Bytes(size, 0xC3)}) {
            const auto fields = decode(0x77, data);
            ASSERT_EQ(fields.size(), 1U);
            EXPECT_TRUE(fields[0].second.ends_with("... (cut)"));
            EXPECT_GT(fields[0].second.size(), max_content_text - 40);
        }
    }
    // Characters of two bytes, at both parities: none is broken.
    for (const char *start : {"", "x"}) {
        std::string text = start;
        for (std::size_t i = 0; i < max_content_text; ++i) text += "é";
        const auto fields = decode(0x77, bytes_of(text));
        EXPECT_THAT(fields[0].second, testing::StartsWith(start + std::string("é")));
        EXPECT_TRUE(fields[0].second.ends_with("é... (cut)"));
    }
    const auto short_enough = decode(0x77, Bytes(max_content_text - 100, 'x'));
    EXPECT_EQ(short_enough, (Fields{{"data", std::string(max_content_text - 100, 'x')}}));
}

TEST(EventContent, GrubsEventsAreCommandsCommandLinesAndFiles) {
    EXPECT_EQ(decode(ev_ipl, bytes_of(std::string("grub_cmd: set a=1\0", 18))), (Fields{{"GRUB command", "set a=1"}}));
    EXPECT_EQ(decode(ev_ipl, bytes_of(std::string("grub_cmd set a=1\0`", 18))), (Fields{{"GRUB command", "set a=1"}}));
    EXPECT_EQ(decode(ev_ipl, bytes_of("kernel_cmdline: /vmlinuz ro")), (Fields{{"kernel command line", "/vmlinuz ro"}}));
    EXPECT_EQ(decode(ev_ipl, bytes_of(std::string("(hd0,gpt1)/grub.cfg\0", 20))), (Fields{{"text", "(hd0,gpt1)/grub.cfg"}}));
    EXPECT_EQ(decode(ev_ipl, utf16("root=/dev/vda ro") + Bytes{0}), (Fields{{"text", "root=/dev/vda ro"}}));
    EXPECT_EQ(decode(ev_ipl, bytes_of(std::string("grub_cmd: a\0bc", 14))),
              (Fields{{"GRUB command", "a"}, {"bytes after the text", "6263"}}));
}

TEST(EventContent, TaggedEventsNameTheirTags) {
    const auto tagged = [](std::uint32_t tag, const Bytes &content) { return number(tag, 4) + number(content.size(), 4) + content; };
    EXPECT_EQ(decode(ev_event_tag, tagged(0x8F3B22EC, bytes_of("Linux initrd"))),
              (Fields{{"tag", "Linux initrd"}, {"content", "Linux initrd"}}));
    EXPECT_EQ(decode(ev_event_tag, tagged(0xF5BC582A, utf16("loader.conf"))),
              (Fields{{"tag", "systemd loader.conf"}, {"content", "loader.conf"}}));
    EXPECT_EQ(decode(ev_event_tag, tagged(0x4141454C, bytes_of("coco.com pull image {\"a\": 1}"))),
              (Fields{{"tag", "AAEL"}, {"domain", "coco.com"}, {"operation", "pull"}, {"content", "image {\"a\": 1}"}}));
    EXPECT_EQ(decode(ev_event_tag, tagged(0x4141454C, bytes_of("INIT/sha384"))), (Fields{{"tag", "AAEL"}, {"content", "INIT/sha384"}}));
    EXPECT_EQ(decode(ev_event_tag, tagged(0x30001, Bytes{1, 2}) + tagged(0x30002, {})),
              (Fields{{"tag", "0x30001"}, {"content", "0102"}, {"tag", "0x30002"}}));
    EXPECT_EQ(decode(ev_event_tag, bytes_of("LOADED_IMAGE::LoadOptions") + Bytes{0}), (Fields{{"untagged", "LOADED_IMAGE::LoadOptions"}}));
    EXPECT_EQ(decode(ev_event_tag, tagged(7, {}) + Bytes{1, 2, 3}),
              (Fields{{"tag", "0x7"}, {"malformed", "a tagged event that ends early"}, {"data", "010203"}}));
    EXPECT_EQ(decode(ev_event_tag, number(7, 4) + number(0xFFFFFFFF, 4) + Bytes{9}),
              (Fields{{"malformed", "a tagged event that ends early"}, {"data", "07000000ffffffff09"}}));
}

TEST(EventContent, ARealmsTaggedEventsAreTakenApart) {
    const Fields created{{"realm event", "REALM_CREATE"},
                         {"flags", "0x15"},
                         {"flag bits", "lpa2, pmu, bit 4"},
                         {"s2sz", "48"},
                         {"sve vector length", "256 bits"},
                         {"breakpoints", "3"},
                         {"watchpoints", "4"},
                         {"PMU counters", "4"},
                         {"hash", "sha512"}};
    const Bytes create = number(0x15, 8) + Bytes{48, 1, 2, 3, 4, 1};
    EXPECT_EQ(decode_of_realm(number(1, 4) + number(14, 4) + create), created);
    // QEMU's, as C lays it out.
    EXPECT_EQ(decode_of_realm(number(1, 4) + number(16, 4) + create + Bytes{0xEE, 0xEE}), created);
    EXPECT_EQ(decode_of_realm(number(1, 4) + number(15, 4) + create + Bytes{0}),
              (Fields{{"tag", "0x1"}, {"content", "150000000000000030010203040100"}}));
    EXPECT_EQ(decode_of_realm(number(2, 4) + number(16, 4) + number(0x40000000, 8) + number(4096, 8)),
              (Fields{{"realm event", "INIT_RIPAS"}, {"base", "0x40000000"}, {"size", "4096"}}));
    EXPECT_EQ(decode_of_realm(number(3, 4) + number(80, 4) + number(1, 8) + number(0x8000, 8) + Bytes(64, 0)),
              (Fields{{"realm event", "REC_CREATE"},
                      {"flags", "0x1"},
                      {"flag bits", "runnable"},
                      {"pc", "0x8000"},
                      {"gprs", std::string(128, '0')}}));
    EXPECT_EQ(decode_of_realm(number(3, 4) + number(1, 4) + Bytes{9}), (Fields{{"tag", "0x3"}, {"content", "09"}}));
}

TEST(EventContent, ARealmsHashAndMemoryEncryptionHaveTheirNames) {
    const auto created = [](std::uint64_t flags, std::uint8_t hash) {
        return decode_of_realm(number(1, 4) + number(14, 4) + number(flags, 8) + Bytes{48, 0, 5, 5, 0, hash});
    };
    for (const auto &[id, name] : {std::pair(0, "sha256"), std::pair(1, "sha512"), std::pair(2, "sha384"), std::pair(3, "unknown: 3"),
                                   std::pair(255, "unknown: 255")})
        EXPECT_EQ(value_of(created(0, static_cast<std::uint8_t>(id)), "hash"), name);
    EXPECT_EQ(value_of(created(0, 0), "flag bits"), "none");
    EXPECT_EQ(value_of(created(0x8A, 0), "flag bits"), "sve, da");
    EXPECT_EQ(value_of(created(0x8A, 0), "MEC policy"), "1");
}

// TCG's own list has the same numbers for other things.
TEST(EventContent, TheTagsOfARealmAreNoneInAnotherLog) {
    const Bytes create = number(1, 4) + number(14, 4) + number(5, 8) + Bytes{48, 1, 2, 3, 4, 1};
    EXPECT_EQ(decode(ev_event_tag, create), (Fields{{"tag", "0x1"}, {"content", "0500000000000000300102030401"}}));
    EXPECT_EQ(decode(ev_event_tag, number(2, 4) + number(16, 4) + Bytes(16, 7)),
              (Fields{{"tag", "0x2"}, {"content", "07070707070707070707070707070707"}}));
    EXPECT_EQ(value_of(decode(ev_event_tag, number(3, 4) + number(80, 4) + Bytes(80, 7)), "tag"), "0x3");
}

TEST(EventContent, ALogIsARealmsFromItsRecordOn) {
    const Bytes signature = bytes_of("VM VERSION") + Bytes(6, 0);
    const Bytes longer = signature + Bytes(100, 0);
    EXPECT_TRUE(begins_realms_log(event_of(ev_no_action, longer)));
    EXPECT_TRUE(begins_realms_log(event_of(ev_no_action, signature)));
    EXPECT_FALSE(begins_realms_log(event_of(ev_event_tag, longer)));
    const Bytes shorter = bytes_of("VM VERSION");
    EXPECT_FALSE(begins_realms_log(event_of(ev_no_action, shorter)));
    const Bytes other = bytes_of("VM VERSION2") + Bytes(5, 0);
    EXPECT_FALSE(begins_realms_log(event_of(ev_no_action, other)));
    EXPECT_FALSE(begins_realms_log(Event()));
}

TEST(EventContent, AnEnvelopeShowsItsFields) {
    const auto shown = [](const std::string &type, const EnvelopeBody &body) {
        const Envelope envelope{.header = {.type = type, .register_name = "tdx/rtmr3"}, .body = body};
        const auto data = encode_envelope(envelope);
        const auto digest = envelope_digest(envelope, HashAlgorithm::sha384).value();
        auto event = event_of(ev_event_tag, data);
        event.name = "vm/rtmr3";
        event.digests = {{.algorithm_id = 0x000C, .value = digest.bytes()}};
        return checked(event);
    };
    EXPECT_EQ(shown("con\nfig", {.description = "a\nb", .data = bytes_of("text")}),
              (Fields{{"type", "con\\nfig"}, {"register", "tdx/rtmr3"}, {"description", "a\\nb"}, {"data", "text"}}));
    EXPECT_EQ(shown("resync", {.expected = Bytes{1}, .found = Bytes{2}}),
              (Fields{{"type", "resync"}, {"register", "tdx/rtmr3"}, {"expected", "01"}, {"found", "02"}}));
    const ContentDigest digest{.algorithm = HashAlgorithm::sha1, .value = Digest(Bytes(20, 0xAA))};
    std::string value;
    for (int i = 0; i < 20; ++i) value += "aa";
    EXPECT_EQ(
        shown("t", {.digest = digest, .salt = EnvelopeSalt{1}}),
        (Fields{{"type", "t"}, {"register", "tdx/rtmr3"}, {"digest of the data", "sha1 " + value}, {"salt", "01" + std::string(30, '0')}}));
}

TEST(EventContent, AnEnvelopeThatIsNotBoundShowsNothingOfWhatItSays) {
    const auto data = encode_envelope({.header = {.type = "cap", .register_name = "tdx/rtmr3"}});
    const std::string text(data.begin() + 8, data.end());
    EXPECT_EQ(decode(ev_event_tag, data),
              (Fields{{"unbound", "without a digest nothing binds an envelope"}, {"tag", "mrd envelope"}, {"content", text}}));
    auto event = event_of(ev_event_tag, data);
    event.name = "vm/rtmr3";
    const auto plain = hash(HashAlgorithm::sha384, data).value();
    event.digests = {{.algorithm_id = 0x000C, .value = plain.bytes()}};
    EXPECT_EQ(checked(event)[0], (std::pair<std::string, std::string>("unbound", "the digest is not this envelope's")));
    const auto digest = envelope_digest(data, HashAlgorithm::sha384).value();
    event.digests = {{.algorithm_id = 0x000C, .value = digest.bytes()}};
    event.name = "vm/rtmr2";
    EXPECT_EQ(checked(event)[0], (std::pair<std::string, std::string>("unbound", "the envelope names another register")));
    Bytes version_1 = data;
    version_1[0] = 1;
    EXPECT_EQ(decode(ev_event_tag, version_1)[1], (std::pair<std::string, std::string>("tag", "mrd envelope, version 1")));
}

TEST(EventContent, VersionsAndConfigurationsAreTextOrGuid) {
    EXPECT_EQ(decode(8, utf16("Firmware v2") + Bytes{0, 0}), (Fields{{"version", "Firmware v2"}}));
    EXPECT_EQ(decode(8, unhex("1efb6b540c1d5540a4ad4ef4bf17b83a")), (Fields{{"version", "546bfb1e-1d0c-4055-a4ad-4ef4bf17b83a"}}));
    EXPECT_EQ(decode(8, utf16("1.2.3 V8")), (Fields{{"version", "1.2.3 V8"}})) << "16 bytes of text are no GUID";
    EXPECT_EQ(decode(0xA, bytes_of("etc/acpi/rsdp") + Bytes(43, 0)), (Fields{{"configuration", "etc/acpi/rsdp"}}));
    EXPECT_EQ(decode(0xA, bytes_of("td_payload_info") + Bytes{0} + number(4, 4) + bytes_of("ro") + Bytes{0, 0}),
              (Fields{{"configuration", "td_payload_info"}, {"bytes", "4"}, {"content", "ro"}}));
    EXPECT_EQ(decode(0x11, bytes_of("GCE NonHostInfo") + Bytes{0, 3} + Bytes(15, 0)),
              (Fields{{"information", "GCE NonHostInfo"}, {"memory encryption", "TDX"}}));
}

TEST(EventContent, NoActionEventsSayWhatTheLogIs) {
    EXPECT_EQ(decode(ev_no_action, bytes_of("StartupLocality") + Bytes{0, 3}),
              (Fields{{"signature", "StartupLocality"}, {"locality", "3"}}));
    EXPECT_EQ(value_of(decode(ev_no_action, bytes_of("StartupLocality") + Bytes{0}), "malformed"), "a StartupLocality of another length");
    EXPECT_EQ(decode(ev_no_action, bytes_of("SP800-155 Event") + Bytes{0} + number(11129, 4) + Bytes(16, 0x11)),
              (Fields{{"signature", "SP800-155 Event"},
                      {"platform manufacturer id", "11129"},
                      {"reference manifest", "11111111-1111-1111-1111-111111111111"}}));
    const auto text = [](std::string_view value) { return Bytes{static_cast<std::uint8_t>(value.size())} + bytes_of(value); };
    const Bytes platform =
        number(1, 4) + Bytes(16, 0x11) + text("maker") + text("model") + text("") + text("firm") + number(2, 4) + text("v3");
    EXPECT_EQ(decode(ev_no_action, bytes_of("SP800-155 Event3") + platform + number(1, 4) + number(9, 4) + bytes_of("https://x")),
              (Fields{{"signature", "SP800-155 Event3"},
                      {"platform manufacturer id", "1"},
                      {"reference manifest", "11111111-1111-1111-1111-111111111111"},
                      {"platform manufacturer", "maker"},
                      {"platform model", "model"},
                      {"firmware manufacturer", "firm"},
                      {"firmware manufacturer id", "2"},
                      {"firmware version", "v3"},
                      {"reference values at", "https://x"}}));
    EXPECT_EQ(value_of(decode(ev_no_action, bytes_of("SP800-155 Event3") + platform + number(1, 4) + number(10, 4) + bytes_of("https://x")),
                       "malformed"),
              "a locator of reference values that ends early");
    EXPECT_EQ(value_of(decode(ev_no_action, bytes_of("SP800-155 Event2") + Bytes(platform.begin(), platform.end() - 1)), "malformed"),
              "the event ends early");
    const auto padded = [](std::string_view value, std::size_t size) { return bytes_of(value) + Bytes(size - value.size(), 0); };
    EXPECT_EQ(decode(ev_no_action,
                     padded("VM VERSION", 16) + padded("QEMU", 32) + padded("9.1", 40) + number(1 << 30, 8) + number(2, 4) + number(1, 8)),
              (Fields{{"signature", "VM VERSION"},
                      {"name", "QEMU"},
                      {"version", "9.1"},
                      {"memory bytes", "1073741824"},
                      {"processors", "2"},
                      {"flags", "0x1"}}));
    // As C lays it out.
    const auto laid_out = decode(ev_no_action, padded("VM VERSION", 16) + padded("QEMU", 32) + padded("9.1", 40) + number(1 << 30, 8) +
                                                   number(2, 4) + number(0xEEEEEEEE, 4) + number(1, 8));
    EXPECT_EQ(laid_out, (Fields{{"signature", "VM VERSION"},
                                {"name", "QEMU"},
                                {"version", "9.1"},
                                {"memory bytes", "1073741824"},
                                {"processors", "2"},
                                {"flags", "0x1"}}));
    EXPECT_EQ(decode(ev_no_action, padded("VM VERSION", 16) + padded("kvmtool", 32) + padded("3", 40) + number(0x80000000, 8) +
                                       number(512, 8) + number(1 << 30, 8) + number(2, 4)),
              (Fields{{"signature", "VM VERSION"},
                      {"name", "kvmtool"},
                      {"version", "3"},
                      {"log", "0x80000000"},
                      {"log bytes", "512"},
                      {"memory bytes", "1073741824"},
                      {"processors", "2"}}));
    EXPECT_EQ(value_of(decode(ev_no_action,
                              padded("VM VERSION", 16) + padded("QEMU", 32) + Bytes(40) + number(1 << 30, 8) + number(2, 4) + number(1, 8)),
                       "version"),
              "");
    EXPECT_EQ(value_of(decode(ev_no_action, padded("VM VERSION", 16) + padded("QEMU", 32) + padded("9.1", 40) + bytes_of("more")), "data"),
              "more");
    EXPECT_EQ(decode(ev_no_action, bytes_of("short")), (Fields{{"data", "short"}}));
}

TEST(EventContent, ADstackEventHasNameAndPayload) {
    const Bytes payload = bytes_of("payload");
    Event event = event_of(dstack_event, payload);
    event.description = "app-\x1b";
    EXPECT_EQ(checked(event), (Fields{{"event", "app-\\x1b"}, {"payload", "payload"}}));
}

TEST(EventContent, ASummaryIsOneLineOfTheGivenWidth) {
    const Bytes data = efi_variable(unhex("61dfe48bca93d211aa0d00e098032b8c"), "SecureBoot", Bytes{1});
    const Event event = event_of(variable_driver_config, data);
    const std::string whole = "variable: SecureBoot; value: enabled; vendor: EFI_GLOBAL_VARIABLE; bytes: 1";
    EXPECT_EQ(summarize_content(event, 1000), whole);
    EXPECT_EQ(summarize_content(event, whole.size()), whole);
    EXPECT_EQ(summarize_content(event, whole.size() - 1), whole.substr(0, whole.size() - 2) + "…");
    EXPECT_EQ(summarize_content(event, 10), "variable:…");
    EXPECT_EQ(summarize_content(event, 1), "…");
    EXPECT_EQ(summarize_content(event, 0), "");
    // Width is in characters, not in bytes.
    const Bytes accents = bytes_of("ééééé");
    EXPECT_EQ(summarize_content(event_of(5, accents), 13), "action: ééééé");
    EXPECT_EQ(summarize_content(event_of(5, accents), 12), "action: ééé…");
}

TEST(EventContent, NoEventOfTheSampleLogsIsMalformed) {
    int events = 0;
    for (const char *kind : {"ccel", "tpm", "cca"}) {
        for (const auto &log : sample_logs(kind)) {
            SCOPED_TRACE(log.string());
            const Bytes file = contents_of(log);
            for (const Event &event : walk_tcg(file)) {
                EXPECT_EQ(value_of(checked(event), "malformed"), "(no such field)") << event.sequence;
                ++events;
            }
        }
    }
    if (events == 0) GTEST_SKIP() << places::shared_data() << " is not here";
    EXPECT_EQ(events, 767);
}

TEST(EventContent, SampleEventsReadAsPeopleKnowThem) {
    const std::map<std::pair<std::string, std::uint64_t>, std::string> lines = {
        {{"ccel/gcp-cos113/ccel.bin", 3}, "variable: SecureBoot; value: disabled; vendor: EFI_GLOBAL_VARIABLE; bytes: 1"},
        {{"ccel/gcp-cos113/ccel.bin", 12}, "variable: BootOrder; order: 0001 0000; vendor: EFI_GLOBAL_VARIABLE; bytes: 4"},
        {{"ccel/trustee-ovmf-direct/ccel.bin", 2},
         "description: Fv(XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX); base: 0xffc00000; length: 540672"},
        {{"tpm/glinux-alex/eventlog.bin", 1}, "signature: StartupLocality; locality: 3"},
        {{"tpm/debian-10/eventlog.bin", 7},
         "variable: dbx; signature lists: 4; signatures: 1 X.509 of 1060 bytes, 1 X.509 of 1164 bytes, 1 X.509 of 768 bytes, 183 SHA-256; "
         "vendor: "
         "EFI_IMAGE_SECURITY_DATABASE; bytes: 11936"},
        {{"cca/qemu-realm-bootlog/realm-bootlog.bin", 1}, "description: KERNEL; base: 0x80000000; length: 45783552"},
    };
    for (const auto &[place, line] : lines) {
        const auto path = places::shared_data() / place.first;
        if (!exists(path)) GTEST_SKIP() << path << " is not here";
        const Bytes file = contents_of(path);
        EXPECT_EQ(summarize_content(walk_tcg(file).at(place.second - 1), 1000), line) << place.first << " " << place.second;
    }
}

TEST(EventContent, AnEventThatEndsAnywhereOrClaimsAnotherTypeIsStillShownCleanly) {
    std::map<std::uint32_t, Bytes> examples;
    for (const char *kind : {"ccel", "tpm", "cca"}) {
        for (const auto &log : sample_logs(kind)) {
            const Bytes file = contents_of(log);
            for (const Event &event : walk_tcg(file)) {
                if (event.data->size() < 500) examples.try_emplace(event.type, event.data->begin(), event.data->end());
            }
        }
    }
    if (examples.empty()) GTEST_SKIP() << places::shared_data() << " is not here";
    for (const auto &[type, data] : examples) {
        for (std::size_t size = 0; size <= data.size(); ++size) {
            checked(event_of(type, Bytes(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size))));
        }
        for (const auto &[other_type, other] : examples) checked(event_of(other_type, data));
    }
}

}  // namespace
}  // namespace mr
