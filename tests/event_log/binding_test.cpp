#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "mr/envelope.h"
#include "mr/event_content.h"
#include "tests/event_log/event_bytes.h"
#include "tests/event_log/walk_tcg.h"
#include "tests/places.h"

namespace mr {
namespace {

using test::bytes_of;
using test::contents_of;
using test::dstack_event;
using test::efi_variable;
using test::number;
using test::sample_logs;
using test::utf16;
using test::variable_authority;
using test::variable_boot;
using test::variable_driver_config;
using test::walk_tcg;
using test::operator+;  // NOLINT(misc-unused-using-decls): it is used, as +

// How many events of each type each rule binds: {log, type, rule} in any bank.
using Table = std::map<std::tuple<std::string, std::string, std::string>, int>;

constexpr std::uint16_t sha256_id = 0x000B;

Bytes variable(std::string_view name, const Bytes &value) { return efi_variable(Bytes(16, 0x11), name, value); }

struct Recomputed {
    std::string rule;  // empty if described
    Bytes covered;
    friend bool operator==(const Recomputed &, const Recomputed &) = default;
};
// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest's name
void PrintTo(const Recomputed &outcome, std::ostream *out) { *out << '"' << outcome.rule << "\" over " << to_hex(outcome.covered); }

// With the SHA-256 of `hashed` as the digest.
Recomputed bind(std::uint32_t type, const std::optional<Bytes> &data, const Bytes &hashed,
                std::optional<std::string_view> description = {}) {
    const Digest digest = hash(HashAlgorithm::sha256, hashed).value();
    Event event;
    event.type = type;
    event.index = 1;
    if (data) event.data = *data;
    event.description = description;
    const auto found = recompute_binding(event, {.algorithm_id = sha256_id, .value = digest.bytes()});
    EXPECT_EQ(found.binding == Binding::bound, !found.rule.empty());
    EXPECT_TRUE(found.binding == Binding::bound || found.covered.empty());
    if (!found.covered.empty()) {
        // A view into the data, not a copy.
        EXPECT_GE(found.covered.data(), data->data());
        EXPECT_LE(found.covered.data() + found.covered.size(), data->data() + data->size());
    }
    return {std::string(found.rule), Bytes(found.covered.begin(), found.covered.end())};
}
Recomputed described() { return {}; }

constexpr std::uint32_t variable_boot2 = 0x8000000C;
constexpr std::uint32_t platform_config_flags = 0xA;

TEST(Binding, TheHashOfAllDataBindsItWhateverTheType) {
    for (const std::uint32_t type :
         {0U, 4U, 5U, 6U, 8U, 0xAU, 0xDU, 0x13U, 0x77U, 0x80000001U, 0x80000002U, 0x80000003U, 0x80000006U, 0x800000E0U}) {
        EXPECT_EQ(bind(type, bytes_of("content"), bytes_of("content")), (Recomputed{"data", bytes_of("content")})) << type;
        EXPECT_EQ(bind(type, bytes_of("content"), bytes_of("contents")), described()) << type;
    }
}

TEST(Binding, ADigestOfNothingBindsNothing) {
    for (const std::uint32_t type : {4U, 6U, 0xAU, 0xDU, 0x80000002U, 0x800000E0U}) {
        EXPECT_EQ(bind(type, Bytes{}, Bytes{}), described()) << type;
        EXPECT_EQ(bind(type, std::nullopt, Bytes{}), described()) << type;
    }
    EXPECT_EQ(bind(ev_ipl, bytes_of("grub_cmd: "), Bytes{}), described());
    EXPECT_EQ(bind(ev_ipl, bytes_of(std::string("grub_cmd: \0", 11)), Bytes{}), described());
    EXPECT_EQ(bind(ev_ipl, bytes_of(std::string("grub_cmd: \0", 11)), Bytes{0}), described());
    EXPECT_EQ(bind(variable_boot, variable("Boot0000", {}), Bytes{}), described());
    EXPECT_EQ(bind(ev_event_tag, number(5, 4) + number(0, 4), Bytes{}), described());
    EXPECT_EQ(bind(platform_config_flags, Bytes(16, 'n') + number(0, 4), Bytes{}), described());
}

TEST(Binding, EvNoActionIsNeverBound) { EXPECT_EQ(bind(ev_no_action, bytes_of("content"), bytes_of("content")), described()); }

TEST(Binding, AnAlgorithmThatIsNotKnownOrADigestOfAnotherLengthBindsNothing) {
    const Bytes data = bytes_of("content");
    const Digest digest = hash(HashAlgorithm::sha256, data).value();
    Event event;
    event.type = ev_separator;
    event.data = data;
    EXPECT_EQ(recompute_binding(event, {.algorithm_id = sha256_id, .value = digest.bytes()}).binding, Binding::bound);
    EXPECT_EQ(recompute_binding(event, {.algorithm_id = 0x0027, .value = digest.bytes()}).binding, Binding::described);
    EXPECT_EQ(recompute_binding(event, {.algorithm_id = 0x000C, .value = digest.bytes()}).binding, Binding::described);
    EXPECT_EQ(recompute_binding(event, {.algorithm_id = sha256_id, .value = digest.bytes().first(31)}).binding, Binding::described);
    EXPECT_EQ(recompute_binding(event, {.algorithm_id = sha256_id, .value = {}}).binding, Binding::described);
}

TEST(Binding, TheDataOfABootVariableIsBoundWithoutItsName) {
    const Bytes value = bytes_of("value");
    EXPECT_EQ(bind(variable_boot, variable("Boot0001", value), value), (Recomputed{"variable data", value}));
    EXPECT_EQ(bind(variable_boot, variable("Boot0001", value) + Bytes{1}, value), (Recomputed{"variable data", value}));
}

// Firmware hashes these as a whole. If their data alone were enough, an event that measured one byte 0x01 could be relabelled "SecureBoot: enabled".
TEST(Binding, ADriverConfigVariableIsNotBoundByItsDataAlone) {
    const Bytes enabled = {1};
    EXPECT_EQ(bind(variable_driver_config, variable("SecureBoot", enabled), enabled), described());
    EXPECT_EQ(bind(variable_boot2, variable("Boot0001", enabled), enabled), described());
    EXPECT_EQ(bind(variable_authority, variable("MokListTrusted", enabled), enabled), described());
}

TEST(Binding, AnAuthorityOfOldShimIsBoundWithoutItsLastByteOnlyIfThatFollowsTheStructure) {
    const Bytes structure = variable("Shim", bytes_of("certificate"));
    const Bytes logged = structure + Bytes{0, 0, 7};
    EXPECT_EQ(bind(variable_authority, logged, structure + Bytes{0, 0}),
              (Recomputed{"data without its last byte", structure + Bytes{0, 0}}));
    const Bytes shorter(structure.begin(), structure.end() - 1);
    EXPECT_EQ(bind(variable_authority, structure, shorter), described());
    EXPECT_EQ(bind(variable_boot, logged, structure + Bytes{0, 0}), described());
}

TEST(Binding, GrubsTextIsBoundWithoutItsPrefix) {
    const auto text = [](std::string_view prefix, std::string_view after) {
        return bytes_of(std::string(prefix) + "set pager=1" + std::string(after));
    };
    const Bytes bare = bytes_of("set pager=1");
    const Recomputed bound{"text without its prefix and NUL", bare};
    for (const std::string_view prefix : {"grub_cmd: ", "kernel_cmdline: ", "module_cmdline: ", "grub_cmd ", "grub_kernel_cmdline "}) {
        EXPECT_EQ(bind(ev_ipl, text(prefix, ""), bare), bound) << prefix;
        EXPECT_EQ(bind(ev_ipl, text(prefix, std::string_view("\0", 1)), bare), bound) << prefix;
        EXPECT_EQ(bind(ev_ipl, text(prefix, std::string_view("\0x", 2)), bare), bound) << prefix;
        EXPECT_EQ(bind(ev_ipl, text(prefix, std::string_view("\0x", 2)), bare + Bytes{0}),
                  (Recomputed{"text without its prefix", bare + Bytes{0}}));
        // No NUL in the log: the rule that binds one must not invent it.
        EXPECT_EQ(bind(ev_ipl, text(prefix, ""), bare + Bytes{0}), described());
    }
    for (const std::string_view prefix : {"Grub_cmd: ", "grub_cmd", " grub_cmd: ", "cmdline: ", "kernel_cmdline "}) {
        EXPECT_EQ(bind(ev_ipl, text(prefix, ""), bare), described()) << prefix;
    }
    EXPECT_EQ(bind(ev_separator, text("grub_cmd: ", ""), bare), described()) << "the rule is EV_IPL's";
}

TEST(Binding, Utf16TextIsBoundWithAndWithoutItsNul) {
    const Bytes text = utf16("root=/dev/vda");
    const Bytes nul = {0, 0};
    EXPECT_EQ(bind(ev_ipl, text + nul, text + nul), (Recomputed{"data", text + nul}));
    EXPECT_EQ(bind(ev_ipl, text, text + nul), (Recomputed{"text with a NUL after it", text}));
    EXPECT_EQ(bind(ev_ipl, text + Bytes{0}, text + nul), (Recomputed{"text with a NUL after it", text}));
    EXPECT_EQ(bind(ev_ipl, text + nul, text), (Recomputed{"text without its NUL", text}));
    EXPECT_EQ(bind(ev_ipl, text + nul, utf16("root=/dev/vdb")), described());
}

TEST(Binding, ANameOfASectionIsBoundByItsAsciiFormAndOnlyThat) {
    EXPECT_EQ(bind(ev_ipl, utf16(".linux") + Bytes{0, 0}, bytes_of(std::string(".linux\0", 7))),
              (Recomputed{"text in ASCII with a NUL", utf16(".linux")}));
    EXPECT_EQ(bind(ev_ipl, utf16(".linux") + Bytes{0, 0}, bytes_of(".linux")), described());
    EXPECT_EQ(bind(ev_ipl, utf16("linux") + Bytes{0, 0}, bytes_of(std::string("linux\0", 6))), described());
    // U+012E is no '.', though its low byte is.
    EXPECT_EQ(bind(ev_ipl, utf16(".a") + Bytes{0x2E, 0x01}, bytes_of(std::string(".a.\0", 4))), described());
    EXPECT_EQ(bind(ev_ipl, utf16("." + std::string(16, 'x')), bytes_of("." + std::string(16, 'x') + '\0')), described());
}

TEST(Binding, ATaggedEventIsBoundAsAWholeOrByItsContent) {
    const Bytes content = bytes_of("content");
    const Bytes event = number(0x8F3B22ED, 4) + number(content.size(), 4) + content;
    EXPECT_EQ(bind(ev_event_tag, event, event), (Recomputed{"data", event}));
    EXPECT_EQ(bind(ev_event_tag, event, content), (Recomputed{"tagged content", content}));
    EXPECT_EQ(bind(ev_event_tag, event + Bytes{0}, content), described());
    EXPECT_EQ(bind(ev_event_tag, event + event, content), described());
    const Bytes longer = number(1, 4) + number(content.size() + 1, 4) + content;
    EXPECT_EQ(bind(ev_event_tag, longer, content), described());
}

// Otherwise any event whose digest is the hash of text could be relabelled as AAEL.
TEST(Binding, AnAttestationAgentsEventIsBoundOnlyAsAWhole) {
    const Bytes text = bytes_of("domain operation content");
    const Bytes agent = number(0x4141454C, 4) + number(text.size(), 4) + text;
    EXPECT_EQ(bind(ev_event_tag, agent, agent), (Recomputed{"data", agent}));
    EXPECT_EQ(bind(ev_event_tag, agent, text), described());
}

TEST(Binding, ATdShimConfigurationIsBoundWithoutItsHeader) {
    const Bytes content = bytes_of("root=/dev/vda1");
    const Bytes header = bytes_of("td_payload_info") + Bytes{0};
    EXPECT_EQ(bind(platform_config_flags, header + number(content.size(), 4) + content, content),
              (Recomputed{"configuration without header", content}));
    EXPECT_EQ(bind(platform_config_flags, header + number(content.size() - 1, 4) + content, content), described());
}

TEST(Binding, DstacksDigestBindsTypeNameAndPayload) {
    const auto hashed = [](const std::string &text) { return Bytes{1, 0, 0, 8} + bytes_of(text); };
    const Bytes payload = bytes_of("pay:load");
    EXPECT_EQ(bind(dstack_event, payload, hashed(":app-id:pay:load"), "app-id"), (Recomputed{"type, name and payload", payload}));
    EXPECT_EQ(bind(dstack_event, Bytes{}, hashed(":ready:"), "ready"), (Recomputed{"type, name and payload", {}}));
    EXPECT_EQ(bind(dstack_event, std::nullopt, hashed(":ready:"), "ready"), (Recomputed{"type, name and payload", {}}));
    EXPECT_EQ(bind(dstack_event, payload, hashed(":app-id:payload"), "app-id"), described());
    EXPECT_EQ(bind(dstack_event, payload, payload, "app-id"), described());
    EXPECT_EQ(bind(dstack_event, payload, hashed("::pay:load"), ""), described());
    EXPECT_EQ(bind(dstack_event, payload, hashed(":app-id:pay:load"), std::nullopt), described());
    EXPECT_EQ(bind(dstack_event + 1, payload, hashed(":app-id:pay:load"), "app-id"), described());
    // The same digest as of the name "app-id" with the payload "pay:load".
    EXPECT_EQ(bind(dstack_event, bytes_of("load"), hashed(":app-id:pay:load"), "app-id:pay"), described());
}

TEST(Binding, DstacksSecondDigestIsOfCanonicalJson) {
    const std::string rule = "canonical JSON of name, payload and type";
    const Bytes payload{0xDE, 0xAD, 0xBE, 0xEF};
    const auto hashed = [](std::string_view name, std::string_view hex) {
        return bytes_of("{\"name\":\"" + std::string(name) + "\",\"payload\":\"" + std::string(hex) + "\",\"type\":134217729}");
    };
    EXPECT_EQ(bind(dstack_event, payload, hashed("app-id", "deadbeef"), "app-id"), (Recomputed{rule, payload}));
    EXPECT_EQ(bind(dstack_event, Bytes{}, hashed("ready", ""), "ready"), (Recomputed{rule, {}}));
    EXPECT_EQ(bind(dstack_event, std::nullopt, hashed("ready", ""), "ready"), (Recomputed{rule, {}}));
    // A colon can be told from what separates: nothing separates by colons alone.
    EXPECT_EQ(bind(dstack_event, payload, hashed("app:id", "deadbeef"), "app:id"), (Recomputed{rule, payload}));
    // RFC 8785, section 3.2.2.2: the shortest escapes, and all else as it is.
    EXPECT_EQ(bind(dstack_event, payload,
                   hashed(R"(\b\f\n\r\t\u0001\u001f\"\\/)"
                          "\x7F\u6D4B",
                          "deadbeef"),
                   "\b\f\n\r\t\x01\x1F\"\\/\x7F\u6D4B"),
              (Recomputed{rule, payload}));
    EXPECT_EQ(bind(dstack_event, payload, hashed("app-id", "DEADBEEF"), "app-id"), described());
    EXPECT_EQ(bind(dstack_event, payload, hashed("app-id", "deadbeef"), "app-iD"), described());
    EXPECT_EQ(bind(dstack_event, payload, hashed("app-id", "deadbeef"), std::nullopt), described());
    EXPECT_EQ(bind(dstack_event + 1, payload, hashed("app-id", "deadbeef"), "app-id"), described());
}

TEST(Binding, EachFlippedBitOfDataOrDigestUnbindsIt) {
    const Bytes data = bytes_of("Exit Boot Services Invocation");
    const Digest digest = hash(HashAlgorithm::sha384, data).value();
    for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
        Bytes changed = data;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        Event event;
        event.type = 0x80000007;
        event.data = changed;
        EXPECT_EQ(recompute_binding(event, {.algorithm_id = 0xC, .value = digest.bytes()}).binding, Binding::described) << bit;
    }
    for (std::size_t bit = 0; bit < digest.size() * 8; ++bit) {
        Bytes changed(digest.bytes().begin(), digest.bytes().end());
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        Event event;
        event.type = 0x80000007;
        event.data = data;
        EXPECT_EQ(recompute_binding(event, {.algorithm_id = 0xC, .value = changed}).binding, Binding::described) << bit;
    }
}

TEST(Binding, ThreadsDoNotDisturbEachOther) {
    std::vector<int> bound(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < bound.size(); ++i) {
        threads.emplace_back([&bound, i] {
            const Bytes data(1000 + i, static_cast<std::uint8_t>(i));
            const Digest digest = hash(HashAlgorithm::sha384, data).value();
            Event event;
            event.type = ev_ipl;
            event.data = data;
            for (int round = 0; round < 500; ++round) {
                bound[i] += recompute_binding(event, {.algorithm_id = 0xC, .value = digest.bytes()}).binding == Binding::bound ? 1 : 0;
            }
        });
    }
    for (std::thread &thread : threads) thread.join();
    EXPECT_EQ(bound, std::vector<int>(4, 500));
}

TEST(Binding, EveryEventOfTheSampleCcelsIsBoundByItsDataExactlyWhereTheirInfoSaysSo) {
    const auto logs = sample_logs("ccel");
    if (logs.empty()) GTEST_SKIP() << places::shared_data() << " is not here";
    int checked = 0;
    for (const auto &log : logs) {
        SCOPED_TRACE(log.string());
        const Bytes file = contents_of(log);
        const auto events = walk_tcg(file);
        const auto info = nlohmann::json::parse(contents_of(log.parent_path() / "info.json"));
        const auto &expected = info.at("events");
        ASSERT_EQ(events.size(), expected.size());
        for (std::size_t i = 0; i < events.size(); ++i) {
            const auto found = recompute_binding(events[i], events[i].digests.at(0));
            EXPECT_EQ(found.rule == "data", expected[i].at("digest_is_hash_of_event").get<bool>()) << i + 1;
            EXPECT_EQ(event_type_name(events[i].type), expected[i].at("type").get<std::string>()) << i + 1;
            ++checked;
        }
    }
    EXPECT_EQ(checked, 272);
}

TEST(Binding, EveryBankOfAnEventIsBoundByTheSameRuleToTheSameBytes) {
    auto logs = sample_logs("tpm");
    if (logs.empty()) GTEST_SKIP() << places::shared_data() << " is not here";
    int banks = 0;
    for (const auto &log : logs) {
        SCOPED_TRACE(log.string());
        const Bytes file = contents_of(log);
        for (const Event &event : walk_tcg(file)) {
            const auto first = recompute_binding(event, event.digests.at(0));
            for (const EventDigest &digest : event.digests) {
                const auto found = recompute_binding(event, digest);
                EXPECT_EQ(found.rule, first.rule) << event.sequence;
                EXPECT_EQ(to_hex(found.covered), to_hex(first.covered)) << event.sequence;
                ++banks;
            }
        }
    }
    EXPECT_GT(banks, 1000);
}

// What each rule binds in all real logs together. Set MRD_PRINT_BINDINGS to see it log by log.
TEST(Binding, TheRulesBindTheseManyEventsOfTheSampleLogs) {
    Table table;
    for (const char *kind : {"ccel", "tpm", "cca"}) {
        for (const auto &log : sample_logs(kind)) {
            const Bytes file = contents_of(log);
            for (const Event &event : walk_tcg(file)) {
                const auto found = recompute_binding(event, event.digests.back());
                const auto rule = found.rule.empty() ? "described" : std::string(found.rule);
                ++table[{log.parent_path().filename().string(), event_type_name(event.type), rule}];
            }
        }
    }
    if (table.empty()) GTEST_SKIP() << places::shared_data() << " is not here";
    std::map<std::string, int> by_rule;
    for (const auto &[key, count] : table) {
        const auto &[log, type, rule] = key;
        by_rule[rule] += count;
        if (std::getenv("MRD_PRINT_BINDINGS") != nullptr)
            std::printf("%-28s %-34s %-32s %d\n", log.c_str(), type.c_str(), rule.c_str(), count);
    }
    EXPECT_EQ(by_rule, (std::map<std::string, int>{{"configuration without header", 2},
                                                   {"data", 237},
                                                   {"data without its last byte", 3},
                                                   {"described", 151},
                                                   {"text with a NUL after it", 1},
                                                   {"text without its prefix", 101},
                                                   {"text without its prefix and NUL", 237},
                                                   {"variable data", 35}}));
}

TEST(Binding, DstacksSampleLogsAreBoundByTheirOwnRule) {
    const auto folder = places::shared_data() / "jsonlog";
    if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << folder << " is not here";
    int bound = 0;
    for (const char *name : {"dstack-sdk/eventlog.json", "near-dstack/tcb_info.json"}) {
        auto log = nlohmann::json::parse(contents_of(folder / name));
        if (log.is_object()) log = log.at("event_log");
        if (log.is_string()) log = nlohmann::json::parse(log.get<std::string>());
        for (const auto &entry : log) {
            const Bytes payload = from_hex(entry.at("event_payload").get<std::string>()).value();
            const Bytes digest = from_hex(entry.at("digest").get<std::string>()).value();
            const auto description = entry.at("event").get<std::string>();
            Event event;
            event.type = entry.at("event_type").get<std::uint32_t>();
            event.data = payload;
            event.description = description;
            const auto found = recompute_binding(event, {.algorithm_id = 0xC, .value = digest});
            if (event.type != dstack_event) continue;
            EXPECT_EQ(found.rule, "type, name and payload") << description;
            EXPECT_EQ(to_hex(found.covered), to_hex(payload));
            ++bound;
        }
    }
    EXPECT_EQ(bound, 7 + 9);
}

}  // namespace
}  // namespace mr
