#include "mr/wrapped_evidence.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "libmr/src/base64url.h"
#include "mr/snp_report.h"
#include "mr/verify_snp.h"
#include "tests/attestation/machine.h"
#include "tests/attestation/tee/tdx/sample_quotes.h"
#include "tests/attestation/verdict_text.h"

namespace mr {
namespace {

using nlohmann::ordered_json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string text_of(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

std::string unwrapping_error(ByteView file) {
    const auto read = unwrap_evidence(file);
    return read ? "" : read.error().message;
}
std::string unwrapping_error(const ordered_json &json) { return unwrapping_error(as_bytes(json.dump())); }

// Of a collection, in their order.
std::vector<std::string> labels_of(const Cmw &message) {
    std::vector<std::string> labels;
    for (const auto &member : std::get<CmwCollection>(message.form).members) labels.push_back(std::get<std::string>(member.label));
    std::ranges::sort(labels, std::greater());
    return labels;
}

Verdict judged(const WrappedEvidence &wrapped, VerifyOptions options) {
    TeeEvidence quote{.quote = wrapped.quote};
    if (wrapped.auxiliary) quote.auxiliary = *wrapped.auxiliary;
    const std::vector<ByteView> logs(wrapped.logs.begin(), wrapped.logs.end());
    return verify(quote, logs, options);
}

// ---- Of a TD

class WrappedTd : public MachineTest {};

TEST_F(WrappedTd, ComesBackWholeFromBothFormsOfACmw) {
    const auto made = evidence();
    for (const auto encoding : {WrapEncoding::json, WrapEncoding::cbor}) {
        const auto file = write_evidence_cmw(made, encoding);
        ASSERT_TRUE(file) << file.error().message;
        EXPECT_EQ(wrapped_form(*file), WrappedForm::cmw);
        const auto read = unwrap_evidence(*file);
        ASSERT_TRUE(read) << read.error().message;
        ASSERT_TRUE(read->evidence);
        EXPECT_EQ(*read->evidence, made);
    }
}

TEST_F(WrappedTd, HasItsQuoteInACmwForReadersThatKnowNothingOfMrd) {
    const auto made = evidence();
    auto json = ordered_json::parse(text_of(*write_evidence_cmw(made, WrapEncoding::json)));
    EXPECT_EQ(json["__cmwc_t"], std::string(evidence_cmw_type));
    EXPECT_EQ(json["tdx"][0], std::string(media_type::tsm_report_json));
    EXPECT_EQ(json["tdx"][2], 4);
    const auto report = parse_tsm_report(*from_base64url(json["tdx"][1].get<std::string>()));
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->outblob, made.parts.front().quote);
    EXPECT_EQ(report->provider, "tdx_guest");
    // Without what mrd says there is the quote alone.
    json.erase("mrd");
    const auto read = unwrap_evidence(as_bytes(json.dump()));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_FALSE(read->evidence);
    EXPECT_EQ(read->quote, made.parts.front().quote);
}

TEST_F(WrappedTd, IsFoundByItsMediaTypeInAnyCaseAndWithParameters) {
    const auto made = evidence();
    auto json = ordered_json::parse(text_of(*write_evidence_cmw(made, WrapEncoding::json)));
    json.erase("mrd");
    for (const std::string type : {"Application/VND.veraison.TSM-Report+JSON", "application/vnd.veraison.tsm-report+json; v=1",
                                   "application/vnd.veraison.tsm-report+json ;v=1"}) {
        json["tdx"][0] = type;
        const auto read = unwrap_evidence(as_bytes(json.dump()));
        ASSERT_TRUE(read) << type << ": " << read.error().message;
        EXPECT_EQ(read->quote, made.parts.front().quote);
    }
    json["tdx"][0] = "application/vnd.veraison.tsm-report+jso";
    EXPECT_FALSE(unwrap_evidence(as_bytes(json.dump())));
}

TEST_F(WrappedTd, MayNotBeTwoThingsInOneCmw) {
    auto json = ordered_json::parse(text_of(*write_evidence_cmw(evidence(), WrapEncoding::json)));
    platform.body.report_data.fill(0x77);
    const auto other = ordered_json::parse(text_of(*write_evidence_cmw(evidence(), WrapEncoding::json)));
    auto mixed = json;
    mixed["tdx"] = other["tdx"];
    EXPECT_THAT(unwrapping_error(mixed), HasSubstr("the TSM report or token tdx is not that part"));
    auto renamed = json;
    renamed["tdx2"] = json["tdx"];
    EXPECT_THAT(unwrapping_error(renamed), HasSubstr("the TSM report or token tdx2 is not that part"));
    auto twice = json;
    twice["mrd2"] = other["mrd"];
    EXPECT_THAT(unwrapping_error(twice), HasSubstr("evidence of mrd twice"));
    json.erase("mrd");
    json["tdx2"] = other["tdx"];
    EXPECT_THAT(unwrapping_error(json), HasSubstr("2 TSM reports"));
}

TEST_F(WrappedTd, IsNoEvidenceWhereTheIndicatorSaysSo) {
    auto json = ordered_json::parse(text_of(*write_evidence_cmw(evidence(), WrapEncoding::json)));
    json["mrd"][2] = cmw_endorsements;
    json["tdx"][2] = cmw_endorsements;
    EXPECT_THAT(unwrapping_error(json), HasSubstr("none of its 2 records is evidence that is read here"));
}

TEST_F(WrappedTd, AsCoCosHasQuoteAndLog) {
    const auto made = evidence();
    const auto file = write_evidence_coco(made);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(wrapped_form(as_bytes(*file)), WrappedForm::coco);
    const auto read = unwrap_evidence(as_bytes(*file));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->quote, made.parts.front().quote);
    ASSERT_EQ(read->logs.size(), 1U);
    options.collateral.emplace("tdx", *made.parts.front().collateral);
    const auto verdict = judged(*read, options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    EXPECT_EQ(result_of(verdict, log_replay), Judgement::holds) << reasons(verdict);

    auto json = ordered_json::parse(*file);
    json["cc_eventlog"] = nullptr;
    EXPECT_EQ(unwrap_evidence(as_bytes(json.dump()))->logs.size(), 0U);
    json["surprise"] = 1;
    EXPECT_THAT(unwrapping_error(json), HasSubstr("the member surprise is unknown"));
    EXPECT_THAT(unwrapping_error(ordered_json{{"quote", "!"}}), HasSubstr("the member quote is not base64"));
    EXPECT_THAT(unwrapping_error(ordered_json{{"quote", ""}}), HasSubstr("the member quote is empty"));
    EXPECT_THAT(unwrapping_error(ordered_json{{"tpm_quote", {}}, {"hcl_report", "AA"}}), HasSubstr("evidence of a vTPM or a GPU"));
}

TEST_F(WrappedTd, AsAzuresServiceAnswersHasTheQuoteInBase64url) {
    const auto quote = evidence().parts.front().quote;
    std::string text;
    append_base64url(text, quote);
    // It is no base64.
    ASSERT_NE(text.find_first_of("-_"), std::string::npos);
    const auto read = unwrap_evidence(as_bytes(ordered_json{{"quote", text}}.dump()));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->quote, quote);
}

// As dstack's guest agent answers: the events of RTMRs, without their data.
std::string dstack_log_of(ByteView log) {
    auto events = ordered_json::array();
    auto reader = EventLogReader::open(log);
    Event event;
    while (reader && reader->next(event).value_or(false)) {
        if (common_name(event.name).starts_with("rtmr"))
            events.push_back({{"imr", event.index - 1},
                              {"event_type", event.type},
                              {"digest", to_hex(event.digests.front().value)},
                              {"event", ""},
                              {"event_payload", ""}});
    }
    return events.dump();
}

TEST_F(WrappedTd, AsDstacksReplyHasQuoteAndLog) {
    const auto made = evidence();
    const auto log = dstack_log_of(made.log);
    ordered_json json{{"quote", to_hex(made.parts.front().quote)}, {"event_log", log}, {"report_data", "00"}, {"vm_config", "{}"}};
    options.collateral.emplace("tdx", *made.parts.front().collateral);
    for (const auto &form : {ordered_json(log), ordered_json::parse(log)}) {
        json["event_log"] = form;
        const auto file = json.dump();
        EXPECT_EQ(wrapped_form(as_bytes(file)), WrappedForm::dstack);
        const auto read = unwrap_evidence(as_bytes(file));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->quote, made.parts.front().quote);
        const auto verdict = judged(*read, options);
        EXPECT_TRUE(verdict.verified()) << reasons(verdict);
        EXPECT_EQ(result_of(verdict, log_replay), Judgement::holds) << reasons(verdict);
    }
    json["event_log"].back()["digest"] = std::string(96, '1');
    EXPECT_EQ(result_of(judged(*unwrap_evidence(as_bytes(json.dump())), options), log_replay), Judgement::fails);
    // Who keeps the log elsewhere has a reply without it.
    auto bare = json;
    auto null = json;
    auto empty = json;
    bare.erase("event_log");
    null["event_log"] = nullptr;
    empty["event_log"] = "";
    for (const auto &form : {bare, null, empty}) {
        EXPECT_EQ(wrapped_form(as_bytes(form.dump())), WrappedForm::dstack);
        const auto without_log = unwrap_evidence(as_bytes(form.dump()));
        ASSERT_TRUE(without_log) << without_log.error().message;
        EXPECT_EQ(without_log->quote, made.parts.front().quote);
        EXPECT_EQ(without_log->logs.size(), 0U);
    }
    // As its reply to Info has it.
    bare["tcb_info"] = ordered_json{{"event_log", ordered_json::parse(log)}}.dump();
    EXPECT_EQ(unwrap_evidence(as_bytes(bare.dump()))->logs.size(), 1U);
    json["quote"] = "0x" + to_hex(made.parts.front().quote);
    EXPECT_EQ(unwrap_evidence(as_bytes(json.dump())).value_or(WrappedEvidence()).quote, made.parts.front().quote);
    // Without all else it has the form of CoCo's.
    const auto hint = HasSubstr("in hexadecimal, not in base64: of dstack's reply the member event_log is missing");
    EXPECT_THAT(unwrapping_error(ordered_json{{"quote", json["quote"]}}), hint);
    EXPECT_THAT(unwrapping_error(ordered_json{{"quote", to_hex(made.parts.front().quote)}}), hint);
    json["quote"] = to_base64(made.parts.front().quote);
    EXPECT_THAT(unwrapping_error(json), HasSubstr("dstack's reply: the member quote is not bytes in hexadecimal"));
    EXPECT_THAT(unwrapping_error(as_bytes(R"({"quote":"00","quote":"01","event_log":[]})")), HasSubstr("quote is there twice"));
    EXPECT_FALSE(wrapped_form(as_bytes(R"({"tcb_info":{"quote":"00","event_log":[]}})")));
}

TEST_F(WrappedTd, WithSeveralPartsHasNoFormOfCoCos) {
    auto made = evidence();
    made.parts.push_back(made.parts.front());
    made.parts.back().name = "other";
    const auto file = write_evidence_coco(made);
    ASSERT_FALSE(file);
    EXPECT_THAT(file.error().message, HasSubstr("has 2 parts"));
    made.parts.back().name = "mrd";
    EXPECT_THAT(write_evidence_cmw(made, WrapEncoding::json).error().message, HasSubstr("a part called mrd"));
}

// The kernel has no report of it, and no other reader a name for it.
TEST_F(WrappedTd, HasThePartOfADeviceInMrdsEvidenceAlone) {
    auto made = evidence();
    made.parts.push_back({.name = "gpu0", .kind = "spdm", .quote = Bytes{1, 2, 3}, .quote_format = "spdm"});
    for (const auto encoding : {WrapEncoding::json, WrapEncoding::cbor}) {
        const auto file = write_evidence_cmw(made, encoding);
        ASSERT_TRUE(file) << file.error().message;
        const auto message = parse_cmw(*file).value();
        EXPECT_THAT(labels_of(message), ::testing::ElementsAre("tdx", "mrd"));
        const auto read = unwrap_evidence(*file);
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->evidence, made);
    }
    made.parts.erase(made.parts.begin());
    const auto file = write_evidence_cmw(made, WrapEncoding::cbor);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_THAT(labels_of(parse_cmw(*file).value()), ::testing::ElementsAre("mrd"));
    EXPECT_EQ(unwrap_evidence(*file)->evidence, made);
}

TEST(WrappedEvidenceFile, ThatIsNoneIsRefused) {
    EXPECT_THAT(unwrapping_error(as_bytes("{}")), HasSubstr("neither a CMW nor a TSM report"));
    EXPECT_FALSE(wrapped_form(as_bytes(R"({"format":"mrd-evidence","version":2})")));
    EXPECT_FALSE(wrapped_form(as_bytes(R"({"format":"mrd-reference-values","quote":"a"})")));
    EXPECT_THAT(unwrapping_error(ordered_json{{"eat_profile", "tag:other"}, {"cmw", "e30"}}), HasSubstr("eat_profile"));
    EXPECT_THAT(unwrapping_error(ordered_json{{"outblob", "AA"}, {"provider", "nobody"}}), HasSubstr("is none that is known here"));
    EXPECT_THAT(unwrapping_error(ordered_json{{"outblob", "AA"}, {"provider", "tdx_guest"}}),
                HasSubstr("outblob is not what the provider"));
    EXPECT_THAT(unwrapping_error(ordered_json{{"outblob", ""}, {"provider", "tdx_guest"}}), HasSubstr("outblob is missing or empty"));
    EXPECT_THAT(unwrapping_error(ordered_json{{"outblob", 7}, {"provider", "tdx_guest"}}), HasSubstr("outblob is no text"));
    EXPECT_THAT(unwrapping_error(as_bytes(R"({"outblob":"AA","outblob":"AB","provider":"x"})")), HasSubstr("outblob is there twice"));
}

// ---- Real ones

class WrappedSamples : public ::testing::Test {
protected:
    void SetUp() override {
        if (!exists(sample_path("snp"))) GTEST_SKIP() << "there are no samples on this machine";
    }
    static Bytes tsm(const std::string &name) { return sample_bytes("snp/genoa-v3-tsm-report/" + name); }
    static Evidence evidence_of(ByteView quote, std::optional<Bytes> auxiliary) {
        return {.parts = {{.name = "snp",
                           .kind = "snp",
                           .quote = Bytes(quote.begin(), quote.end()),
                           .quote_format = "snp_v3",
                           .auxiliary = std::move(auxiliary)}},
                .registers = {},
                .log = {}};
    }
    static VerifyOptions options() {
        VerifyOptions options{};
        options.waived = {.nonce = true, .reference = true, .tcb = true};
        options.time = 1'800'000'000;
        return options;
    }
};

TEST_F(WrappedSamples, OfOneReportInThreeWrappingsAreTheSame) {
    for (const auto &[name, form] :
         {std::pair{"tsm-report.json", WrappedForm::tsm_report}, std::pair{"tsm-report.cbor", WrappedForm::tsm_report},
          std::pair{"ratsd-token.json", WrappedForm::ratsd}}) {
        SCOPED_TRACE(name);
        EXPECT_EQ(wrapped_form(tsm(name)), form);
        const auto read = unwrap_evidence(tsm(name));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->form, form);
        EXPECT_EQ(read->quote, tsm("report.bin"));
        EXPECT_EQ(read->auxiliary, tsm("auxblob.bin"));
        const auto verdict = judged(*read, options());
        EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    }
    EXPECT_EQ(parse_tsm_report(tsm("tsm-report.json"))->provider, "sev_guest\n");
}

// go-sev-guest's.
TEST_F(WrappedSamples, OfAReportWithItsTableBehindItAreBoth) {
    auto file = tsm("report.bin");
    const auto table = tsm("auxblob.bin");
    file.insert(file.end(), table.begin(), table.end());
    EXPECT_EQ(wrapped_form(file), WrappedForm::extended_report);
    const auto read = unwrap_evidence(file);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->form, WrappedForm::extended_report);
    EXPECT_EQ(read->quote, tsm("report.bin"));
    EXPECT_EQ(read->auxiliary, table);
    const auto verdict = judged(*read, options());
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    // Something else than a table is behind it, or something else than a report before it.
    auto padded = tsm("report.bin");
    padded.resize(4096);
    EXPECT_FALSE(wrapped_form(padded));
    EXPECT_FALSE(wrapped_form(ByteView(file).first(snp_report_size)));
    file[0] = 0x55;
    EXPECT_FALSE(wrapped_form(file));
}

TEST_F(WrappedSamples, OfEveryReportComeBackFromCoCosFormAndVerify) {
    for (const std::string set : {"coco-milan-v2", "genoa-v3-tsm-report", "genoa-v5", "turin-v5"}) {
        SCOPED_TRACE(set);
        const auto report = sample_bytes("snp/" + set + "/report.bin");
        const auto key = set == "genoa-v3-tsm-report" ? tsm("auxblob.bin") : sample_bytes("snp/" + set + "/vcek.der");
        const auto file = write_evidence_coco(evidence_of(report, key));
        ASSERT_TRUE(file) << file.error().message;
        const auto read = unwrap_evidence(as_bytes(*file));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->quote, report);
        const auto verdict = judged(*read, options());
        EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    }
}

TEST_F(WrappedSamples, InCoCosFormThatAreChangedFailTheSignature) {
    const auto file = *write_evidence_coco(evidence_of(tsm("report.bin"), tsm("auxblob.bin")));
    for (const std::string field : {"guest_svn", "policy", "vmpl", "plat_info", "cpuid_step"}) {
        SCOPED_TRACE(field);
        auto json = ordered_json::parse(file);
        auto &value = json["attestation_report"][field];
        value = value.get<int>() ^ 2;
        const auto read = unwrap_evidence(as_bytes(json.dump()));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_THAT(false_ones(judged(*read, options())), ::testing::Contains("quote_signature"));
    }
}

TEST_F(WrappedSamples, InTheFormOfEarlierVersionsOfCoCoAreTheSameReport) {
    const auto report = sample_bytes("snp/coco-milan-v2/report.bin");
    auto json = ordered_json::parse(*write_evidence_coco(evidence_of(report, sample_bytes("snp/coco-milan-v2/vcek.der"))));
    auto &fields = json["attestation_report"];
    for (const auto *const tcb : {"current_tcb", "reported_tcb", "committed_tcb", "launch_tcb"}) {
        fields[tcb].erase("fmc");
        fields[tcb]["_reserved"] = {0, 0, 0, 0};
    }
    for (const std::string version : {"current", "committed"}) {
        for (const std::string part : {"build", "minor", "major"}) fields[version + "_" + part] = fields[version][part];
        fields.erase(version);
    }
    fields["_author_key_en"] = fields["key_info"];
    for (const auto *const field : {"key_info", "cpuid_fam_id", "cpuid_mod_id", "cpuid_step", "launch_mit_vector", "current_mit_vector"})
        fields.erase(field);
    fields["_reserved_0"] = 0;
    fields["_reserved_1"] = std::vector<int>(24);
    fields["_reserved_4"] = std::vector<int>(168);
    fields["signature"]["_reserved"] = std::vector<int>(368);
    json["cert_chain"][0]["cert_type"] = "VCEK";
    const auto read = unwrap_evidence(as_bytes(json.dump()));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->quote, report);
    // What is reserved goes to its place: there it is signed, or must be zero.
    fields["_reserved_4"][167] = 1;
    EXPECT_EQ(unwrap_evidence(as_bytes(json.dump()))->quote.at(snp_signed_size - 1), 1);
}

TEST_F(WrappedSamples, InCoCosFormThatAreMalformedAreRefusedByTheField) {
    const auto file = ordered_json::parse(*write_evidence_coco(evidence_of(tsm("report.bin"), tsm("auxblob.bin"))));
    const auto with = [&](const std::string &field, const ordered_json &value) {
        auto json = file;
        json["attestation_report"][field] = value;
        return unwrapping_error(json);
    };
    EXPECT_THAT(with("vmpl", -1), HasSubstr("attestation_report: vmpl is no number of 4 bytes"));
    EXPECT_THAT(with("vmpl", 1LL << 32), HasSubstr("vmpl is no number of 4 bytes"));
    EXPECT_THAT(with("measurement", {1, 2}), HasSubstr("measurement is no array of 48 bytes"));
    EXPECT_THAT(with("host_data", std::vector<int>(32, 256)), HasSubstr("host_data is no array of 32 bytes"));
    EXPECT_THAT(with("launch_tcb", {{"bootloader", 1}}), HasSubstr("launch_tcb has no tee"));
    EXPECT_THAT(with("surprise", 1), HasSubstr("surprise is no field of a report"));
    EXPECT_THAT(with("signature", {{"r", 1}}), HasSubstr("signature has no r or no s"));
    auto missing = file;
    missing["attestation_report"].erase("chip_id");
    EXPECT_THAT(unwrapping_error(missing), HasSubstr("chip_id is missing"));
    auto chain = file;
    chain["cert_chain"] = std::vector<ordered_json>(max_snp_certificates + 1, {{"data", {1}}});
    EXPECT_THAT(unwrapping_error(chain), HasSubstr("up to 16 certificates"));
    chain["cert_chain"] = {{{"data", "AA"}}};
    EXPECT_THAT(unwrapping_error(chain), HasSubstr("has no data, an array of bytes"));
}

TEST_F(WrappedSamples, InCoCosFormMayHaveRowsOfTheGuestsTableThatAreNoCertificates) {
    auto json = ordered_json::parse(*write_evidence_coco(evidence_of(tsm("report.bin"), tsm("auxblob.bin"))));
    const auto chain = json["cert_chain"];
    const auto without = unwrap_evidence(as_bytes(json.dump()));
    ASSERT_TRUE(without) << without.error().message;
    const auto other = ordered_json::object({{"OTHER", "00112233-4455-6677-8899-aabbccddeeff"}});
    json["cert_chain"].push_back(ordered_json{{"cert_type", other}, {"data", {1, 2, 3}}});
    json["cert_chain"].push_back({{"cert_type", "Empty"}, {"data", ordered_json::array()}});
    const auto read = unwrap_evidence(as_bytes(json.dump()));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->auxiliary, without->auxiliary);
    EXPECT_TRUE(judged(*read, options()).verified());
    // A certificate that is said to be none is none.
    json["cert_chain"] = chain;
    for (auto &entry : json["cert_chain"]) entry["cert_type"] = other;
    EXPECT_FALSE(unwrap_evidence(as_bytes(json.dump()))->auxiliary);
    for (const auto &type : {ordered_json("VCEK"), ordered_json("nonsense"), ordered_json(nullptr)}) {
        json["cert_chain"] = {{{"cert_type", type}, {"data", {1, 2, 3}}}};
        EXPECT_THAT(unwrapping_error(json), HasSubstr("an entry of cert_chain: ")) << type;
    }
}

TEST_F(WrappedSamples, OfReportsWithReservedBytesHaveNoFormOfCoCos) {
    auto report = tsm("report.bin");
    report.at(0x04C) = 1;
    const auto file = write_evidence_coco(evidence_of(report, std::nullopt));
    ASSERT_FALSE(file);
    EXPECT_THAT(file.error().message, HasSubstr("reserved bytes"));
}

TEST_F(WrappedSamples, OfACcaTokenComeBackFromBothForms) {
    const auto token = sample_bytes("cca/draft-ffm-00/token.cbor");
    const Evidence made{.parts = {{.name = "cca", .kind = "cca", .quote = token, .quote_format = "cca"}}, .registers = {}, .log = {}};
    const auto coco = write_evidence_coco(made);
    ASSERT_TRUE(coco) << coco.error().message;
    EXPECT_EQ(unwrap_evidence(as_bytes(*coco))->quote, token);
    const auto cmw = write_evidence_cmw(made, WrapEncoding::cbor);
    ASSERT_TRUE(cmw) << cmw.error().message;
    EXPECT_EQ(unwrap_evidence(*cmw)->evidence->parts.front().quote, token);
}

Cmw cmw_of(std::variant<std::string, std::uint16_t> type, ByteView value, bool is_tag = false) {
    return {CmwRecord{.type = std::move(type), .value = Bytes(value.begin(), value.end()), .is_tag = is_tag}};
}

// As Veraison has it, and as RMMs name the parts of it.
TEST_F(WrappedSamples, OfACcaTokenNeedNoTsmReport) {
    const std::vector<std::variant<std::string, std::uint16_t>> types{
        R"(application/eat-collection; profile="http://arm.com/CCA-SSD/1.0.0")",
        R"(Application/EAT-Collection;profile="tag:arm.com,2023:cca_platform#1.0.0")", "application/eat+cwt", std::uint16_t{263}};
    for (const std::string name : {"draft-ffm-00/token.cbor", "cmw-907/token.cbor", "tf-rmm/cca_token.cbor"}) {
        const auto token = sample_bytes("cca/" + name);
        for (const auto &type : types) {
            SCOPED_TRACE(name + " " + std::to_string(type.index()));
            const auto message = cmw_of(type, token);
            const auto json = write_cmw_json(message).value();
            Cmw collection{CmwCollection{.type = "tag:other", .members = {{"realm", message}}}};
            for (const auto &file : {Bytes(json.begin(), json.end()), write_cmw_cbor(message), write_cmw_cbor(collection)}) {
                EXPECT_EQ(wrapped_form(file), WrappedForm::cmw);
                const auto read = unwrap_evidence(file);
                ASSERT_TRUE(read) << read.error().message;
                EXPECT_EQ(read->quote, token);
                EXPECT_FALSE(read->auxiliary || read->evidence);
            }
        }
        EXPECT_EQ(unwrap_evidence(write_cmw_cbor(cmw_of(std::uint16_t{263}, token, true)))->quote, token);
    }
}

TEST_F(WrappedSamples, ThatAreNoTokenOfCcaAreNoneUnderItsName) {
    const auto token = sample_bytes("cca/draft-ffm-00/token.cbor");
    const auto none = HasSubstr("none of its 1 records is evidence that is read here");
    for (const auto &message : {cmw_of("application/eat-collection", ByteView(token).subspan(1)), cmw_of(std::uint16_t{263}, Bytes{0xA0}),
                                cmw_of(std::uint16_t{264}, token), cmw_of("application/eat-collections", token)})
        EXPECT_THAT(unwrapping_error(ByteView(write_cmw_cbor(message))), none);
    // Of two nothing says that they are of one realm; beside mrd's evidence it must be a part of that.
    Cmw two{CmwCollection{.members = {{"a", cmw_of(std::uint16_t{263}, token)}, {"b", cmw_of("application/eat+cwt", token)}}}};
    EXPECT_THAT(unwrapping_error(ByteView(write_cmw_cbor(two))), HasSubstr("it has 2 TSM reports or tokens"));
    Evidence made{.parts = {{.name = "cca", .kind = "cca", .quote = token, .quote_format = "cca"}}, .registers = {}, .log = {}};
    auto beside = parse_cmw(*write_evidence_cmw(made, WrapEncoding::cbor)).value();
    auto &members = std::get<CmwCollection>(beside.form).members;
    std::ranges::find(members, decltype(CmwMember::label)("cca"), &CmwMember::label)->message = cmw_of(std::uint16_t{263}, token);
    EXPECT_TRUE(unwrap_evidence(write_cmw_cbor(beside)));
    members.push_back({"other", cmw_of(std::uint16_t{263}, sample_bytes("cca/tf-rmm/cca_token.cbor"))});
    EXPECT_THAT(unwrapping_error(ByteView(write_cmw_cbor(beside))), HasSubstr("the TSM report or token other is not that part"));
}

TEST_F(WrappedSamples, OfAzuresGuestsAreKnownByNameAlone) {
    EXPECT_THAT(unwrapping_error(ByteView(sample_bytes("azure/snp-milan-v2-evidence/evidence.json"))),
                HasSubstr("evidence of a vTPM or a GPU"));
}

}  // namespace
}  // namespace mr
