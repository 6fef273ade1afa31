// TDISP and IDE_KM: the recorded messages say what is expected of them, and what is a byte too long, too short or reserved is none.
#include "mr/tdisp.h"

#include <gmock/gmock.h>

#include "mr/digest.h"
#include "tests/attestation/tee/spdm/conversation.h"
#include "tests/attestation/tee/tdisp/interface_report.h"

namespace mr {
namespace {

using ::testing::HasSubstr;

Bytes hex(std::string_view text) { return from_hex(text).value(); }

// Without a segment, of the function 01:00.0.
Bytes tdisp(std::uint8_t type, std::string_view body = {}) {
    auto bytes = hex("10ff0000000100000000000000000000");
    bytes[1] = type;
    const auto rest = hex(body);
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    return bytes;
}

std::string error_of(const Bytes &message) {
    const auto read = decode_tdisp_message(message);
    return read ? "none" : read.error().message;
}

// By itself: "LOCK_INTERFACE_REQUEST", where the recording has "LOCK_INTERFACE_REQUEST (already locked)".
std::string first_word(const std::string &text) { return text.substr(0, text.find(' ')); }

class Recorded : public ::testing::TestWithParam<const char *> {
protected:
    void SetUp() override {
        if (!Conversation::have()) GTEST_SKIP() << "no recordings beside the repository";
    }
};
INSTANTIATE_TEST_SUITE_P(Tdisp, Recorded, ::testing::Values("doe-p384-12-tdisp", "doe-p384-12-tdisp-plain"));

TEST_P(Recorded, EveryTdispMessageIsWhatItWasRecordedAs) {
    const Conversation conversation(GetParam());
    int seen = 0;
    for (std::size_t i = 0; i < conversation.size(); ++i) {
        if (!conversation.at(i).contains("tdisp")) continue;
        const auto name = first_word(conversation.at(i).at("tdisp"));
        const auto bytes = conversation.message(i);
        const auto outer = decode_pci_message(bytes);
        ASSERT_TRUE(outer) << i << ": " << outer.error().message;
        EXPECT_EQ(outer->protocol, PciProtocol::tdisp);
        EXPECT_EQ(outer->is_response, conversation.at(i).at("direction") == "response");
        const auto message = decode_tdisp_message(outer->payload);
        ++seen;
        if (name == "8b") {
            ASSERT_TRUE(message);
            EXPECT_EQ(message->type, TdispType::vdm);
        } else if (conversation.at(i).at("tdisp").get<std::string>().ends_with("(wrong version)") && !outer->is_response) {
            EXPECT_EQ(message.error().code, ErrorCode::not_supported);
        } else {
            ASSERT_TRUE(message) << i << ": " << message.error().message;
            EXPECT_EQ(to_string(message->type), name);
        }
    }
    EXPECT_GT(seen, 30);
}

TEST_P(Recorded, AnswersHaveTheirExpectedValues) {
    const Conversation conversation(GetParam());
    for (const auto &expected : conversation.expected().at("tdisp")) {
        const auto bytes = hex(expected.at("hex").get<std::string>());
        const auto read = decode_tdisp_message(bytes);
        ASSERT_TRUE(read) << expected;
        EXPECT_EQ(std::string(to_string(read->type)), expected.at("response").get<std::string>());
        if (expected.contains("tdi_state")) {
            EXPECT_EQ(std::string(to_string(std::get<TdispState>(read->body))), expected.at("tdi_state").get<std::string>());
        }
        if (expected.contains("error_code")) {
            EXPECT_EQ(std::get<TdispError>(read->body).code, expected.at("error_code").get<std::uint32_t>());
            EXPECT_EQ(std::get<TdispError>(read->body).data, expected.at("error_data").get<std::uint32_t>());
        }
        if (expected.contains("lock_flags_supported")) {
            const auto &capabilities = std::get<TdispCapabilities>(read->body);
            EXPECT_EQ(capabilities.lock_flags, expected.at("lock_flags_supported").get<std::uint16_t>());
            EXPECT_EQ(capabilities.address_width, expected.at("dev_addr_width").get<std::uint8_t>());
            EXPECT_EQ(to_hex(capabilities.requests), expected.at("req_msgs_supported").get<std::string>());
            EXPECT_TRUE(capabilities.takes(TdispType::stop));
            EXPECT_FALSE(capabilities.takes(TdispType::vdm));
        }
    }
}

TEST_P(Recorded, TheNonceOfTheLockStartsTheInterface) {
    const Conversation conversation(GetParam());
    const auto nonce = conversation.expected().at("start_interface_nonce").get<std::string>();
    std::vector<std::string> locked;
    int starts = 0;
    for (std::size_t i = 0; i < conversation.size(); ++i) {
        const auto name = conversation.at(i).value("tdisp", "");
        if (name != "LOCK_INTERFACE_RESPONSE" && name != "START_INTERFACE_REQUEST") continue;
        const auto bytes = conversation.message(i);
        const auto message = decode_tdisp_message(decode_pci_message(bytes).value().payload);
        ASSERT_TRUE(message);
        const auto found = to_hex(std::get<TdispNonce>(message->body).nonce);
        if (name == "LOCK_INTERFACE_RESPONSE") {
            locked.push_back(found);
        } else {
            ASSERT_FALSE(locked.empty());
            EXPECT_EQ(found, locked.back());
            ++starts;
        }
    }
    ASSERT_GE(starts, 1);
    EXPECT_EQ(locked.front(), nonce);
}

// The first report: portions from the offset 0 on, until nothing remains.
Bytes recorded_report(const Conversation &conversation) {
    std::vector<Bytes> messages;
    std::vector<TdispReportPortion> portions;
    for (std::size_t i = 0; i < conversation.size(); ++i) {
        if (conversation.at(i).value("tdisp", "") != "DEVICE_INTERFACE_REPORT") continue;
        messages.push_back(conversation.message(i));
        const auto message = decode_tdisp_message(decode_pci_message(messages.back()).value().payload).value();
        portions.push_back(std::get<TdispReportPortion>(message.body));
        if (portions.back().remainder == 0) break;
    }
    return join_tdisp_report(portions).value();
}

TEST_P(Recorded, TheReportsPortionsMakeTheExpectedReport) {
    const Conversation conversation(GetParam());
    const auto &expected = conversation.expected().at("tdi_report");
    const auto bytes = recorded_report(conversation);
    EXPECT_EQ(to_hex(bytes), expected.at("hex").get<std::string>());
    const auto report = decode_tdisp_report(bytes);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->interface_info, expected.at("interface_info").get<std::uint16_t>());
    EXPECT_EQ(report->msix_control, expected.at("msix_message_control").get<std::uint16_t>());
    EXPECT_EQ(report->tph_control, expected.at("tph_control").get<std::uint32_t>());
    EXPECT_EQ(to_hex(report->device_information), expected.at("device_specific").get<std::string>());
    ASSERT_EQ(report->ranges.size(), expected.at("mmio_ranges").size());
    for (std::size_t i = 0; i < report->ranges.size(); ++i) {
        const auto &range = expected.at("mmio_ranges").at(i);
        EXPECT_EQ(report->ranges[i], (TdispRange{.first_page = range.at("first_page"),
                                                 .pages = range.at("pages"),
                                                 .attributes = range.at("attributes"),
                                                 .id = range.at("range_id")}));
    }
}

TEST_P(Recorded, NoMessageMayBeAByteShorterOrLonger) {
    const Conversation conversation(GetParam());
    for (std::size_t i = 0; i < conversation.size(); ++i) {
        if (!conversation.at(i).contains("tdisp") && !conversation.at(i).contains("ide_km")) continue;
        const auto bytes = conversation.message(i);
        const auto outer = decode_pci_message(bytes).value();
        auto payload = Bytes(outer.payload.begin(), outer.payload.end());
        const auto decodes = [&](const Bytes &each) {
            if (outer.protocol == PciProtocol::ide_km) return decode_ide_km_message(each).has_value();
            const auto message = decode_tdisp_message(each);
            // Of an error any bytes may follow, and of what is the vendor's own, too.
            return message && message->type != TdispType::error && message->type != TdispType::vdm;
        };
        payload.push_back(0);
        EXPECT_FALSE(decodes(payload)) << i;
        payload.resize(payload.size() - 2);
        EXPECT_FALSE(decodes(payload)) << i;
        auto longer = bytes;
        longer.push_back(0);
        EXPECT_FALSE(decode_pci_message(longer)) << i;
        longer.resize(longer.size() - 2);
        EXPECT_FALSE(decode_pci_message(longer)) << i;
    }
}

TEST(RecordedIdeKm, EveryMessageIsWhatItWasRecordedAs) {
    if (!Conversation::have()) GTEST_SKIP() << "no recordings beside the repository";
    const Conversation conversation("doe-p384-12-tdisp");
    std::vector<IdeKey> programmed;
    for (std::size_t i = 0; i < conversation.size(); ++i) {
        if (!conversation.at(i).contains("ide_km")) continue;
        const auto bytes = conversation.message(i);
        const auto outer = decode_pci_message(bytes);
        ASSERT_TRUE(outer) << outer.error().message;
        EXPECT_EQ(outer->protocol, PciProtocol::ide_km);
        const auto message = decode_ide_km_message(outer->payload);
        ASSERT_TRUE(message) << message.error().message;
        EXPECT_EQ(std::string(to_string(message->type)), conversation.at(i).at("ide_km").get<std::string>());
        if (message->type == IdeKmType::query_response) {
            const auto &response = std::get<IdeQueryResponse>(message->body);
            const auto &expected = conversation.expected().at("ide_query");
            EXPECT_EQ(response.max_port, expected.at("max_port_index").get<std::uint8_t>());
            EXPECT_EQ(response.registers.size() * 4, expected.at("ide_capability_bytes").get<std::size_t>());
        }
        if (message->type == IdeKmType::key_program) programmed.push_back(std::get<IdeKeyProgram>(message->body).which);
        if (message->type == IdeKmType::key_acknowledge) {
            EXPECT_EQ(ide_key_status_text(std::get<IdeKeyAcknowledge>(message->body).status), "done");
            EXPECT_EQ(std::get<IdeKeyAcknowledge>(message->body).which, programmed.back());
        }
    }
    // Both directions of the three sub-streams.
    ASSERT_EQ(programmed.size(), 6U);
    EXPECT_EQ(programmed[3], (IdeKey{.is_transmit = true, .sub_stream = IdeSubStream::non_posted}));
}

TEST(PciMessage, ADataObjectOfDoeIsTakenWithItsPaddingIfThatIsZero) {
    if (!Conversation::have()) GTEST_SKIP() << "no recordings beside the repository";
    const Conversation conversation("doe-p384-12-tdisp-plain");
    for (std::size_t i = 0; i < conversation.size(); ++i) {
        if (!conversation.at(i).contains("tdisp")) continue;
        auto carried = conversation.carried(i);
        ASSERT_TRUE(begins_pci_message(carried));
        ASSERT_TRUE(decode_pci_message(carried)) << i;
        if (carried.size() == conversation.message(i).size() + 8) continue;
        carried.back() = 1;
        EXPECT_FALSE(decode_pci_message(carried)) << i;
    }
}

TEST(PciMessage, AnotherProtocolVendorOrStandardIsNotSupported) {
    if (!Conversation::have()) GTEST_SKIP() << "no recordings beside the repository";
    const Conversation conversation("doe-p384-12-vendor-errors");
    std::vector<std::string> errors;
    for (std::size_t i = 0; i < conversation.size(); ++i) {
        if (conversation.at(i).at("what") != "VENDOR_DEFINED_REQUEST") continue;
        const auto bytes = conversation.message(i);
        const auto read = decode_pci_message(bytes);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().code, ErrorCode::not_supported);
        errors.push_back(read.error().message);
    }
    EXPECT_THAT(errors, ::testing::ElementsAre(HasSubstr("protocol is 85"), HasSubstr("vendor is 2"), HasSubstr("standard is 4")));
}

TEST(TdispMessage, WhatIsReservedIsZero) {
    EXPECT_EQ(error_of(tdisp(0x85)), "none");
    for (const std::size_t reserved : {2U, 3U, 7U, 8U, 15U}) {
        auto bytes = tdisp(0x85);
        bytes[reserved] = 2;
        EXPECT_THAT(error_of(bytes), HasSubstr("reserved")) << reserved;
    }
    EXPECT_EQ(error_of(tdisp(0x83, "1f0000000000000000000000000000000000000000")),
              "TDISP message: LOCK_INTERFACE_REQUEST has 1 bytes more than its fields");
    EXPECT_EQ(error_of(tdisp(0x83, "1f00000000000000000000000000000000000000")), "none");
    EXPECT_THAT(error_of(tdisp(0x83, "2000000000000000000000000000000000000000")), HasSubstr("lock flags"));
    EXPECT_THAT(error_of(tdisp(0x83, "0000000100000000000000000000000000000000")), HasSubstr("reserved byte of the lock"));
    EXPECT_THAT(error_of(tdisp(0x02, "00000000fe0000000000000000000000000000000700010000300000")), HasSubstr("of the capabilities"));
    EXPECT_EQ(error_of(tdisp(0x05, "03")), "none");
    EXPECT_THAT(error_of(tdisp(0x05, "04")), HasSubstr("the state 4 is none"));
    EXPECT_THAT(error_of(tdisp(0x0C)), HasSubstr("there is no type 12"));
}

TEST(TdispMessage, ASegmentIsOneOnlyIfItIsSaidToBe) {
    auto bytes = tdisp(0x85);
    bytes[6] = 2;
    EXPECT_THAT(error_of(bytes), HasSubstr("interface id"));
    bytes[7] = 1;
    const auto read = decode_tdisp_message(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(to_string(read->interface), "0002:01:00.0");
}

TEST(IdeKmMessage, WhatIsReservedIsZero) {
    const auto error = [](std::string_view bytes) {
        const auto message = hex(bytes);
        const auto read = decode_ide_km_message(message);
        return read ? "none" : read.error().message;
    };
    EXPECT_EQ(error("04000000002300"), "none");
    EXPECT_THAT(error("04010000002300"), HasSubstr("reserved"));
    EXPECT_THAT(error("04000000012300"), HasSubstr("IDE_KM message: K_SET_GO"));
    EXPECT_THAT(error("04000000002700"), HasSubstr("reserved bits"));
    EXPECT_THAT(error("04000000003300"), HasSubstr("no sub-stream 3"));
    EXPECT_EQ(error("03000000020000"), "none");  // a status, in the same place
    EXPECT_THAT(error("07"), HasSubstr("there is no type 7"));
    EXPECT_THAT(error("000100"), HasSubstr("reserved"));
    EXPECT_THAT(error("010000000000070000"), HasSubstr("ends before"));
}

// ---- The report

std::string report_error(const Bytes &bytes) {
    const auto read = decode_tdisp_report(bytes);
    return read ? "none" : read.error().message;
}

TEST(TdispReport, HasExactlyTheBytesItSays) {
    const auto good = interface_report({{.first_page = 1, .pages = 1}});
    EXPECT_EQ(report_error(good), "none");
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_NE(report_error(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))), "none") << size;
    auto longer = good;
    longer.push_back(0);
    EXPECT_THAT(report_error(longer), HasSubstr("1 bytes follow"));
    auto many = good;
    many[15] = 0xFF;
    EXPECT_THAT(report_error(many), HasSubstr("more than 1024 ranges"));
}

TEST(TdispReport, ReservedBitsAreZero) {
    EXPECT_THAT(report_error(interface_report({}, 0x20)), HasSubstr("interface info"));
    EXPECT_THAT(report_error(interface_report({{.first_page = 1, .pages = 1, .attributes = 0x10}})),
                HasSubstr("range 1 has reserved attributes"));
    auto bytes = interface_report({});
    bytes[2] = 1;
    EXPECT_THAT(report_error(bytes), HasSubstr("behind the interface info"));
}

TEST(TdispReport, RangesAscendAndDoNotOverlap) {
    const TdispRange first{.first_page = 0x100, .pages = 4, .attributes = 0, .id = 0};
    const TdispRange next{.first_page = 0x104, .pages = 4, .attributes = 0, .id = 0};
    const TdispRange lower_bar{.first_page = 0x10, .pages = 4, .attributes = 0, .id = 2};
    EXPECT_EQ(report_error(interface_report({first, next})), "none");
    EXPECT_THAT(report_error(interface_report({next, first})), HasSubstr("out of order"));
    EXPECT_EQ(report_error(interface_report({first, lower_bar})), "none");  // BAR by BAR
    EXPECT_EQ(report_error(interface_report({lower_bar, first})), "none");  // by address
    EXPECT_THAT(report_error(interface_report({next, lower_bar, first})), HasSubstr("out of order"));
    EXPECT_THAT(report_error(interface_report({first, {.first_page = 0x103, .pages = 4, .attributes = 0, .id = 1}})),
                HasSubstr("page 256 overlaps"));
    EXPECT_THAT(report_error(interface_report({first, {.first_page = 0x200, .pages = 0, .attributes = 0, .id = 1}})),
                HasSubstr("range 2 has no pages"));
    EXPECT_EQ(report_error(interface_report({{.first_page = (1ULL << 52U) - 1, .pages = 1}})), "none");
    EXPECT_THAT(report_error(interface_report({{.first_page = (1ULL << 52U) - 1, .pages = 2}})), HasSubstr("beyond the last address"));
    EXPECT_THAT(report_error(interface_report({{.first_page = ~0ULL, .pages = 2}})), HasSubstr("beyond the last address"));
}

TEST(TdispReport, PortionsMakeOneOnlyIfNoneIsMissing) {
    const auto bytes = interface_report({{.first_page = 1, .pages = 1}});
    const ByteView whole(bytes);
    const auto rest = static_cast<std::uint16_t>(bytes.size() - 16);
    const TdispReportPortion first{.remainder = rest, .bytes = whole.first(16)};
    const TdispReportPortion second{.remainder = 0, .bytes = whole.subspan(16)};
    EXPECT_EQ(join_tdisp_report(std::array{first, second}).value(), bytes);
    EXPECT_FALSE(join_tdisp_report({}));
    EXPECT_FALSE(join_tdisp_report(std::array{first}));
    EXPECT_FALSE(join_tdisp_report(std::array{first, first}));
    EXPECT_FALSE(join_tdisp_report(std::array{second, first}));
    EXPECT_FALSE(join_tdisp_report(std::array{first, TdispReportPortion{.remainder = rest, .bytes = {}}, second}));
    EXPECT_FALSE(join_tdisp_report(std::array{first, second, second}));
}

Verdict judged(const Bytes &bytes, const TdispPolicy &policy, std::optional<TdispState> state = TdispState::run) {
    Verdict verdict;
    judge_tdisp_report(bytes, state, policy, verdict);
    return verdict;
}

std::string failing(const Verdict &verdict) {
    std::string names;
    for (const auto &each : verdict.statements()) {
        if (each.required && each.result != Judgement::holds) names += each.name + " ";
    }
    return names;
}

TEST(TdispPolicy, EachThingThatIsNotAcceptedIsAStatementOfItsOwn) {
    const TdispPolicy strict{.from_tsm = true};
    EXPECT_EQ(failing(judged(interface_report({{.first_page = 1, .pages = 1}}), strict)), "");
    EXPECT_EQ(failing(judged(interface_report({{.first_page = 1, .pages = 1, .attributes = tdisp_range_non_tee}}), strict)),
              "interface_ranges ");
    EXPECT_EQ(failing(judged(interface_report({{.first_page = 1, .pages = 1, .attributes = tdisp_range_updatable}}), strict)),
              "interface_ranges ");
    EXPECT_EQ(failing(judged(interface_report({}, 0), strict)), "interface_update ");
    EXPECT_EQ(failing(judged(interface_report({}, tdisp_no_update_after_lock | tdisp_ats), strict)), "interface_dma ");
    EXPECT_EQ(failing(judged(interface_report({}, tdisp_no_update_after_lock | tdisp_prs), strict)), "interface_dma ");
    EXPECT_EQ(failing(judged(interface_report({}), strict, TdispState::config_locked)), "interface_state ");
    EXPECT_EQ(failing(judged(interface_report({}), strict, std::nullopt)), "interface_state ");
    EXPECT_EQ(failing(judged(interface_report({}), {})), "interface_origin ");
    EXPECT_EQ(failing(judged({}, strict)), "interface_report interface_ranges interface_update interface_dma ");
    const TdispPolicy lax{.accept_non_tee_ranges = true,
                          .accept_updatable_ranges = true,
                          .accept_update_after_lock = true,
                          .accept_ats = true,
                          .accept_prs = true,
                          .states = {TdispState::config_locked, TdispState::run},
                          .from_tsm = true};
    EXPECT_EQ(failing(judged(interface_report({{.first_page = 1, .pages = 1, .attributes = 0xC}}, tdisp_ats | tdisp_prs), lax,
                             TdispState::config_locked)),
              "");
}

TEST(TdispPolicy, IsReadFromJson) {
    const auto none = parse_tdisp_policy("{}").value();
    EXPECT_EQ(failing(judged(interface_report({}), none)), "interface_origin ");
    const auto bytes = interface_report({{.first_page = 1, .pages = 1, .attributes = 0xC}}, tdisp_ats | tdisp_prs);
    const auto digest = "sha384:" + to_hex(hash(HashAlgorithm::sha384, bytes).value().bytes());
    const auto strict = parse_tdisp_policy(R"({"digest": ")" + digest + "\"}").value();
    EXPECT_EQ(failing(judged(bytes, strict, TdispState::config_locked)),
              "interface_ranges interface_update interface_dma interface_state ");
    const auto lax = parse_tdisp_policy(
                         R"({"nonTeeRanges": "accept", "updatableRanges": "accept", "updateAfterLock": "accept", "ats": "accept",
                             "prs": "accept", "states": ["CONFIG_LOCKED", "RUN"], "digest": ")" +
                         digest + "\"}")
                         .value();
    EXPECT_EQ(failing(judged(bytes, lax, TdispState::config_locked)), "");
    EXPECT_EQ(failing(judged(bytes, lax, TdispState::error)), "interface_state ");
    // Each accepts what its name says, and no more.
    EXPECT_EQ(failing(judged(interface_report({}, tdisp_no_update_after_lock | tdisp_ats | tdisp_prs),
                             parse_tdisp_policy(R"({"ats": "accept"})").value())),
              "interface_origin interface_dma ");
}

TEST(TdispPolicy, InJsonWhatIsNotUnderstoodIsRefusedByName) {
    for (const auto &[json, reason] :
         {std::pair{R"([])", "not one JSON object"}, std::pair{R"({"atS": "accept"})", "the member atS is unknown"},
          std::pair{R"({"ats": true})", "the member ats"}, std::pair{R"({"prs": null})", "the member prs is null"},
          std::pair{R"({"states": []})", "states is empty"}, std::pair{R"({"states": ["LOCKED"]})", "LOCKED is none"},
          std::pair{R"({"digest": "sha256:00"})", "the member digest"},
          std::pair{R"({"ats": "accept", "ats": "refuse"})", "ats is given twice"}}) {
        const auto policy = parse_tdisp_policy(json);
        ASSERT_FALSE(policy) << json;
        EXPECT_THAT(policy.error().message, HasSubstr(reason));
    }
}

TEST(TdispPolicy, TheTsmsDigestIsTheReports) {
    const auto bytes = interface_report({});
    TdispPolicy policy{.digest = std::array<std::uint8_t, 48>{}};
    EXPECT_EQ(failing(judged(bytes, policy)), "interface_origin ");
    policy.from_tsm = true;  // what somebody says does not stand against what the digest says
    EXPECT_EQ(failing(judged(bytes, policy)), "interface_origin ");
    std::ranges::copy(hash(HashAlgorithm::sha384, bytes).value().bytes(), policy.digest->begin());
    EXPECT_EQ(failing(judged(bytes, policy)), "");
}

}  // namespace
}  // namespace mr
