// The realm's initial measurement: the values that independent tools have, and what changes it.
#include "mr/realm_measurement.h"

#include <gmock/gmock.h>

#include "mr/event_log.h"
#include "tests/attestation/tee/cca/cca_samples.h"

namespace mr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::string padded(const Digest &rim) { return to_hex(rim.bytes()) + std::string(128 - 2 * rim.size(), '0'); }

TEST(RealmMeasurementTest, OfParametersIsThatOfIndependentTools) {
    const auto created = [](std::uint8_t hash_algorithm, std::uint8_t bps, std::uint8_t wps) {
        return padded(RealmMeasurement::open({.s2sz = 48, .num_bps = bps, .num_wps = wps, .hash_algorithm = hash_algorithm})->value());
    };
    EXPECT_EQ(created(0, 5, 3), "8960d56826370aaa6fc9b3a041d4240689582ba41e2ad8bb8f9adf6d2a0cd5e7" + std::string(64, '0'));
    EXPECT_EQ(created(0, 1, 1), "6739dfb22b75ee1268d08dfa8369f501bc0b066243553f069f560d1fa1172973" + std::string(64, '0'));
    EXPECT_EQ(
        created(1, 1, 1),
        "799e434048fb57eb9d4f0e2a2b98158720377252deab2bdfcd69b5a8f82237f434bd6bb1c75bf160a2d49382f733b3439a3ff769e4ea5dd9a6f72239d44bbbab");
    EXPECT_EQ(RealmMeasurement::open({.s2sz = 48, .hash_algorithm = 2})->value().size(), 48U);
}

TEST(RealmMeasurementTest, HasARecordForEachEntryOfTheTableTheLargestFirst) {
    // One call over all of it is the same as one over each block, in their order, and the blocks are as large as the levels allow.
    const auto of = [](std::uint8_t s2sz, const std::vector<std::pair<std::uint64_t, std::uint64_t>> &ranges) {
        auto measurement = RealmMeasurement::open({.s2sz = s2sz}).value();
        for (const auto &[base, size] : ranges) EXPECT_TRUE(measurement.init_ripas(base, size));
        return measurement.value();
    };
    constexpr std::uint64_t kib4 = 4096;
    constexpr std::uint64_t mib2 = std::uint64_t{2} << 20;
    constexpr std::uint64_t gib = std::uint64_t{1} << 30;
    EXPECT_EQ(of(33, {{mib2 - kib4, 2 * mib2 + 2 * kib4}}),
              of(33, {{mib2 - kib4, kib4}, {mib2, mib2}, {2 * mib2, mib2}, {3 * mib2, kib4}}));
    // With 33 and 34 bits the topmost level is one of 2 MiB, and only from 35 on one of 1 GiB; from 44 on of 512 GiB.
    for (const auto s2sz : {std::uint8_t{33}, std::uint8_t{34}})
        EXPECT_EQ(of(s2sz, {{gib, gib}}), of(s2sz, {{gib, gib / 2}, {gib + gib / 2, gib / 2}})) << int{s2sz};
    for (const auto s2sz : {std::uint8_t{35}, std::uint8_t{39}, std::uint8_t{43}, std::uint8_t{44}, std::uint8_t{48}})
        EXPECT_NE(of(s2sz, {{gib, gib}}), of(s2sz, {{gib, gib / 2}, {gib + gib / 2, gib / 2}})) << int{s2sz};
    EXPECT_EQ(of(43, {{512 * gib, 512 * gib}}), of(43, {{512 * gib, 256 * gib}, {768 * gib, 256 * gib}}));
    EXPECT_NE(of(44, {{512 * gib, 512 * gib}}), of(44, {{512 * gib, 256 * gib}, {768 * gib, 256 * gib}}));
}

TEST(RealmMeasurementTest, OfAnImageHasZerosBeforeAndBehindIt) {
    const auto of = [](std::uint64_t address, const Bytes &content, std::uint64_t size) {
        auto measurement = RealmMeasurement::open({.s2sz = 33}).value();
        EXPECT_TRUE(measurement.add_data(address, content, size));
        return measurement.value();
    };
    Bytes content(5000, 0x5A);
    Bytes whole(8192);
    std::ranges::copy(content, whole.begin() + 16);
    EXPECT_EQ(of(0x80000010, content, content.size()), of(0x80000000, whole, whole.size()));
    EXPECT_EQ(of(0x80000010, content, content.size()), of(0x80000000, Bytes(whole.begin(), whole.begin() + 5016), 8192));
    EXPECT_NE(of(0x80000010, content, content.size()), of(0x80000020, content, content.size()));
}

TEST(RealmMeasurementTest, IsBoundedBeforeAnythingIsDone) {
    EXPECT_THAT(RealmMeasurement::open({.s2sz = 24}).error().message, HasSubstr("25 to 52 bits"));
    EXPECT_THAT(RealmMeasurement::open({.s2sz = 53}).error().message, HasSubstr("25 to 52 bits"));
    EXPECT_THAT(RealmMeasurement::open({.s2sz = 48, .hash_algorithm = 3}).error().message, HasSubstr("hash algorithm 3"));
    auto measurement = RealmMeasurement::open({.s2sz = 33}).value();
    EXPECT_THAT(measurement.init_ripas(1, 4096).error().message, HasSubstr("not whole granules"));
    EXPECT_THAT(measurement.init_ripas(0, 0).error().message, HasSubstr("not whole granules"));
    EXPECT_THAT(measurement.init_ripas(0, std::uint64_t{1} << 34).error().message, HasSubstr("beyond the realm's address space"));
    EXPECT_THAT(measurement.init_ripas(~std::uint64_t{0xFFF}, 8192).error().message, HasSubstr("beyond the realm's address space"));
    EXPECT_THAT(measurement.add_data(0, Bytes(10), 9).error().message, HasSubstr("which is more"));
    EXPECT_THAT(measurement.add_data(0, Bytes(10), 11).error().message, HasSubstr("neither the image's size"));
    EXPECT_THAT(measurement.add_data(0, Bytes(10), std::uint64_t{1} << 32).error().message, HasSubstr("are not the image's"));
    EXPECT_THAT(measurement.add_data(0, {}, std::uint64_t{1} << 32, false).error().message, HasSubstr("are not the image's"));
    EXPECT_THAT(measurement.add_data(0, {}, 0, false).error().message, HasSubstr("it is empty"));
    // Of a range that a log repeats, there is an end too.
    auto again = RealmMeasurement::open({.s2sz = 34}).value();
    std::string refused;
    for (int i = 0; i < 100 && refused.empty(); ++i) {
        if (const auto done = again.init_ripas(0, std::uint64_t{1} << 34); !done) refused = done.error().message;
    }
    EXPECT_THAT(refused, HasSubstr("records of RIPAS"));
}

// ---- With the samples

class RealmSample : public ::testing::Test {
protected:
    static constexpr auto folder = "cca/rim-kvmtool-firmware";

    void SetUp() override {
        if (!exists(sample_path(folder))) GTEST_SKIP() << "there are no samples on this machine";
        log_ = sample_bytes(std::string(folder) + "/realm-log.bin");
        firmware_ = sample_bytes(std::string(folder) + "/firmware.bin");
        dtb_ = sample_bytes(std::string(folder) + "/dtb.bin");
        expected_ = sample_expectations(folder);
    }

    // Empty: refused.
    [[nodiscard]] std::string rim_of(const RealmDescription &realm) const {
        const auto steps = measure_realm(realm, std::vector<RealmImage>{{"FIRMWARE", firmware_}, {"DTB", dtb_}});
        return steps ? padded(steps->back().rim) : "";
    }
    [[nodiscard]] std::string rim_of_log(ByteView log) const {
        const auto realm = parse_realm_log(log);
        return realm ? rim_of(*realm) : "";
    }

    Bytes log_;
    Bytes firmware_;
    Bytes dtb_;
    nlohmann::json expected_;
};

TEST_F(RealmSample, IsRebuiltStepByStepFromItsLog) {
    const auto realm = parse_realm_log(log_);
    ASSERT_TRUE(realm) << realm.error().message;
    const auto steps = measure_realm(*realm, std::vector<RealmImage>{{"FIRMWARE", firmware_}, {"DTB", dtb_}});
    ASSERT_TRUE(steps) << steps.error().message;
    ASSERT_EQ(steps->size(), expected_.at("steps").size());
    for (std::size_t i = 0; i < steps->size(); ++i)
        EXPECT_EQ(padded((*steps)[i].rim), expected_.at("steps").at(i).at(1).get<std::string>()) << (*steps)[i].step;
    EXPECT_EQ(padded(steps->back().rim), expected_.at("rim").get<std::string>());
    EXPECT_EQ((*steps)[2].digest_matches, true);
    EXPECT_EQ((*steps)[3].digest_matches, true);
    EXPECT_EQ((*steps)[4].digest_matches, std::nullopt);
}

TEST_F(RealmSample, IsRebuiltFromItsParameters) {
    const auto realm = parse_realm_parameters(R"({"hashAlgorithm":"sha-256","s2sz":33,"numBps":5,"numWps":5,"steps":[
        {"ripas":{"base":"0x80000000","size":536870912}},
        {"data":{"image":"FIRMWARE","base":"0x80000000"}},
        {"data":{"image":"DTB","base":"0x8fe00000","size":65536}},
        {"rec":{"pc":"0x80000000","gprs":["0x8fe00000"]}}]})");
    ASSERT_TRUE(realm) << realm.error().message;
    EXPECT_EQ(rim_of(*realm), expected_.at("rim").get<std::string>());
}

TEST_F(RealmSample, OfAnImageInWhichOneBitIsChangedIsAnother) {
    const auto expected = expected_.at("rim").get<std::string>();
    for (auto *const image : {&firmware_, &dtb_}) {
        for (std::size_t bit = 0; bit < image->size() * 8; bit += image == &dtb_ ? 97 : 1) {
            (*image)[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
            const auto rim = rim_of_log(log_);
            EXPECT_TRUE(!rim.empty() && rim != expected) << "bit " << bit;
            (*image)[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        }
    }
    EXPECT_EQ(rim_of_log(log_), expected);
}

// What is not measured may say anything, and changes nothing: names, versions, digests, the number of CPUs. All else is another value, or no realm's log.
TEST_F(RealmSample, OfALogInWhichOneBitIsChangedIsAnotherWhereTheBitIsMeasured) {
    const auto expected = expected_.at("rim").get<std::string>();
    const auto without_digests = [](RealmDescription realm) {
        for (auto &step : realm.steps) {
            if (auto *const data = std::get_if<RealmData>(&step)) data->digest.reset();
        }
        return realm;
    };
    const auto realm = without_digests(parse_realm_log(log_).value());
    std::size_t changed_bits = 0;
    for (std::size_t bit = 0; bit < log_.size() * 8; ++bit) {
        auto changed = log_;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        const auto other = parse_realm_log(changed);
        if (!other || without_digests(*other) == realm) continue;
        ++changed_bits;
        EXPECT_NE(rim_of(*other), expected) << "bit " << bit;
    }
    // Of parameters, addresses, sizes, and vCPU: 14, 16, 16, 16 and 80 bytes, and some of the names.
    EXPECT_GE(changed_bits, 8U * (14 + 16 + 16 + 16 + 80));
}

TEST_F(RealmSample, OfAParameterInWhichOneBitIsChangedIsAnother) {
    const auto expected = expected_.at("rim").get<std::string>();
    const auto realm = parse_realm_log(log_).value();
    std::vector<RealmDescription> others;
    for (unsigned bit = 0; bit < 64; ++bit) {
        others.push_back(realm);
        others.back().parameters.flags ^= std::uint64_t{1} << bit;
        for (std::size_t i = 0; i < realm.steps.size(); ++i) {
            auto other = realm;
            auto &step = other.steps[i];
            if (auto *const ripas = std::get_if<RealmRipas>(&step)) ripas->base ^= std::uint64_t{1} << bit;
            if (auto *const data = std::get_if<RealmData>(&step)) data->base ^= std::uint64_t{1} << bit;
            if (auto *const rec = std::get_if<RealmRec>(&step)) rec->pc ^= std::uint64_t{1} << bit;
            others.push_back(std::move(other));
            if (!std::holds_alternative<RealmRec>(realm.steps[i])) continue;
            others.push_back(realm);
            std::get<RealmRec>(others.back().steps[i]).flags ^= std::uint64_t{1} << bit;
            others.push_back(realm);
            std::get<RealmRec>(others.back().steps[i]).gprs.at(bit % 8) ^= std::uint64_t{1} << bit;
        }
    }
    for (unsigned bit = 0; bit < 8; ++bit) {
        for (auto field : {&RealmParameters::s2sz, &RealmParameters::sve_vl, &RealmParameters::num_bps, &RealmParameters::num_wps,
                           &RealmParameters::pmu_num_ctrs, &RealmParameters::hash_algorithm}) {
            others.push_back(realm);
            others.back().parameters.*field ^= static_cast<std::uint8_t>(1U << bit);
        }
    }
    for (const auto &other : others) EXPECT_NE(rim_of(other), expected);
    // Another order, and a step more or less.
    auto other = realm;
    std::swap(other.steps[1], other.steps[2]);
    EXPECT_NE(rim_of(other), expected);
    other = realm;
    other.steps.push_back(RealmData{.image = "LOG", .base = 0x90000000, .size = 65536, .measured = false});
    EXPECT_NE(rim_of(other), expected);
    EXPECT_NE(rim_of(other), "");
}

TEST_F(RealmSample, IsRefusedWithoutAnImageThatIsMeasured) {
    const auto realm = parse_realm_log(log_).value();
    EXPECT_THAT(measure_realm(realm, std::vector<RealmImage>{{"FIRMWARE", firmware_}}).error().message,
                HasSubstr("the image DTB is not given"));
    EXPECT_THAT(measure_realm(realm, std::vector<RealmImage>{{"DTB", dtb_}, {"DTB", dtb_}}).error().message,
                HasSubstr("DTB is given twice"));
}

// ---- Images that are not given by their names

TEST_F(RealmSample, FindsItsImagesByTheDigestsInItsLog) {
    const auto realm = parse_realm_log(log_).value();
    auto other = dtb_;
    other.back() ^= 1;
    const std::vector<RealmImage> files{{"other", other}, {"a", dtb_}, {"b", firmware_}};
    const auto rebuilt = rebuild_realm(realm, {.candidates = files}, {});
    ASSERT_TRUE(rebuilt) << rebuilt.error().message;
    EXPECT_EQ(padded(rebuilt->steps.back().rim), expected_.at("rim").get<std::string>());
    EXPECT_THAT(rebuilt->found, ElementsAre(Pair("FIRMWARE", "b"), Pair("DTB", "a")));
    // Nobody said what it has to be.
    EXPECT_FALSE(rebuilt->is_expected);
    EXPECT_THAT(rebuild_realm(realm, {.candidates = std::span(files).first(1)}, {}).error().message,
                HasSubstr("none of the 1 files without a name has the digest that the log has of the image FIRMWARE"));
    EXPECT_THAT(rebuild_realm(realm, {}, {}).error().message, HasSubstr("the image FIRMWARE is not given"));
}

TEST_F(RealmSample, FindsItsImagesByItsValueWhateverDigestsItsLogHas) {
    const std::vector<Bytes> expected{Bytes(32, 1), from_hex(expected_.at("rim").get<std::string>()).value()};
    auto other = dtb_;
    other.back() ^= 1;
    const std::vector<RealmImage> files{{"other", other}, {"a", dtb_}, {"b", firmware_}};
    auto realm = parse_realm_log(log_).value();
    // A digest of another image that is given, one of none, and none.
    for (const auto &digest :
         {std::optional(hash(HashAlgorithm::sha256, other).value()), std::optional(Digest(Bytes(32, 7))), std::optional<Digest>()}) {
        std::get<RealmData>(realm.steps.at(2)).digest = digest;
        const auto rebuilt = rebuild_realm(realm, {.candidates = files}, expected);
        ASSERT_TRUE(rebuilt) << rebuilt.error().message;
        EXPECT_TRUE(rebuilt->is_expected);
        EXPECT_THAT(rebuilt->found, ElementsAre(Pair("FIRMWARE", "b"), Pair("DTB", "a")));
    }
    const std::vector<RealmImage> named{{"DTB", other}};
    const auto with_named = rebuild_realm(realm, {.named = named, .candidates = files}, expected);
    ASSERT_TRUE(with_named) << with_named.error().message;
    EXPECT_FALSE(with_named->is_expected);
    EXPECT_THAT(with_named->found, ElementsAre(Pair("FIRMWARE", "b")));
}

TEST_F(RealmSample, IsNoneOfTheExpectedOnesByAnyOtherLogImageOrPadding) {
    const auto rim = from_hex(expected_.at("rim").get<std::string>()).value();
    const std::vector<RealmImage> files{{"a", dtb_}, {"b", firmware_}};
    const auto is_expected = [&](const RealmDescription &realm, const Bytes &value) {
        const std::vector<Bytes> expected{value};
        const auto rebuilt = rebuild_realm(realm, {.candidates = files}, expected);
        return rebuilt && rebuilt->is_expected;
    };
    const auto realm = parse_realm_log(log_).value();
    EXPECT_TRUE(is_expected(realm, rim));
    EXPECT_TRUE(is_expected(realm, Bytes(rim.begin(), rim.begin() + 32)));
    EXPECT_FALSE(is_expected(realm, Bytes(rim.begin(), rim.begin() + 48)));
    auto other = rim;
    other.back() = 1;
    EXPECT_FALSE(is_expected(realm, other));
    auto moved = realm;
    std::get<RealmData>(moved.steps.at(2)).base += realm_granule;
    EXPECT_FALSE(is_expected(moved, rim));
    auto more = realm;
    more.parameters.num_bps ^= 1;
    EXPECT_FALSE(is_expected(more, rim));
}

TEST(RealmSearch, TriesSoManyWaysAndNoMore) {
    // Four images of one size, and eight files that each of them may be: 4096 ways.
    std::vector<Bytes> contents;
    std::vector<RealmImage> files;
    for (std::uint8_t i = 0; i < 8; ++i) contents.emplace_back(16, i);
    for (const auto &content : contents) files.push_back({"file", content});
    RealmDescription realm{.parameters = {.s2sz = 33, .num_bps = 1, .num_wps = 1}, .steps = {}};
    for (const char *name : {"A", "B", "C", "D"}) realm.steps.emplace_back(RealmData{.image = name, .base = 0x80000000, .size = 16});
    const std::vector<Bytes> expected{Bytes(32)};
    const auto too_many = rebuild_realm(realm, {.candidates = files}, expected);
    ASSERT_FALSE(too_many);
    EXPECT_EQ(too_many.error().code, ErrorCode::not_supported);
    EXPECT_THAT(too_many.error().message, HasSubstr("256 were tried"));
    // As many as are tried, of which none is it, are no error.
    const auto all = rebuild_realm(realm, {.candidates = std::span(files).first(4)}, expected);
    ASSERT_TRUE(all) << all.error().message;
    EXPECT_FALSE(all->is_expected);
    realm.steps.resize(1);
    const std::vector<RealmImage> many(max_realm_candidates + 1, files.front());
    EXPECT_THAT(rebuild_realm(realm, {.candidates = many}, expected).error().message, HasSubstr("more than 64 images"));
    std::get<RealmData>(realm.steps.front()).size = 15;
    EXPECT_THAT(rebuild_realm(realm, {.candidates = files}, expected).error().message, HasSubstr("can be the image A, by their sizes"));
    std::get<RealmData>(realm.steps.front()).size = 16;
    EXPECT_THAT(rebuild_realm(realm, {.candidates = files}, {}).error().message, HasSubstr("of which there is no digest"));
}

TEST(RealmLog, OfOlderTextsAndOfOneRecordIsRead) {
    if (!exists(sample_path("cca/rim-small"))) GTEST_SKIP() << "there are no samples on this machine";
    const auto log = sample_bytes("cca/rim-small/realm-log.bin");
    const auto realm = parse_realm_log(log);
    ASSERT_TRUE(realm) << realm.error().message;
    EXPECT_EQ(realm->parameters, (RealmParameters{.s2sz = 48, .num_bps = 5, .num_wps = 3}));
    const auto steps = measure_realm(*realm, {});
    ASSERT_TRUE(steps);
    EXPECT_EQ(padded(steps->back().rim), sample_expectations("cca/rim-small").at("log_rim").get<std::string>());
}

// A log of the small realm's parameters, with so many bytes in what begins it and what creates the realm.
Bytes realm_log(std::size_t vm_version_size, std::size_t create_size, std::string_view signature = "VM VERSION") {
    Bytes log;
    append_tcg_header(log, {.algorithms = {{tcg_id(HashAlgorithm::sha256), 32}}, .vendor_info = {}});
    const Bytes none(32);
    Event event;
    event.type = ev_no_action;
    event.digests = {{tcg_id(HashAlgorithm::sha256), none}};
    Bytes version(vm_version_size);
    std::ranges::copy(signature, version.begin());
    event.data = version;
    append_tcg_event(log, event);
    Bytes create{1, 0, 0, 0, static_cast<std::uint8_t>(create_size), 0, 0, 0};
    create.insert(create.end(), {0, 0, 0, 0, 0, 0, 0, 0, 48, 0, 5, 3, 0, 0});
    create.resize(8 + create_size, 0xEE);
    event.type = ev_event_tag;
    event.data = create;
    append_tcg_event(log, event);
    return log;
}

TEST(RealmLog, WithPaddingAsCLaysItOutIsTheSameRealm) {
    for (const std::size_t version : {108U, 112U, 116U}) {
        for (const std::size_t create : {14U, 16U}) {
            const auto realm = parse_realm_log(realm_log(version, create));
            ASSERT_TRUE(realm) << realm.error().message;
            EXPECT_EQ(realm->parameters, (RealmParameters{.s2sz = 48, .num_bps = 5, .num_wps = 3}));
        }
    }
    EXPECT_THAT(parse_realm_log(realm_log(110, 14)).error().message, HasSubstr("record 1 of the realm's log: its data have 110 bytes"));
    EXPECT_THAT(parse_realm_log(realm_log(108, 15)).error().message, HasSubstr("record 2 of the realm's log: its data have 15 bytes"));
}

// TCG's own tags are other things: without the record that makes it a realm's, a log has no realm.
TEST(RealmLog, IsOneOnlyWithItsRecord) {
    EXPECT_TRUE(parse_realm_log(realm_log(108, 14)));
    for (const std::string_view other : {"VM VERSIOM", "", "StartupLocality"})
        EXPECT_THAT(parse_realm_log(realm_log(108, 14, other)).error().message, HasSubstr("no record VM VERSION")) << other;
    // What stands before the record is not the realm's either, however it looks.
    const auto whole = realm_log(108, 14);
    Bytes twice = whole;
    const auto header_size = [] {
        Bytes header;
        append_tcg_header(header, {.algorithms = {{tcg_id(HashAlgorithm::sha256), 32}}, .vendor_info = {}});
        return static_cast<std::ptrdiff_t>(header.size());
    }();
    const auto unmarked = realm_log(108, 14, "another");
    twice.insert(twice.begin() + header_size, unmarked.begin() + header_size, unmarked.end());
    EXPECT_TRUE(parse_realm_log(twice));
    Bytes created_twice = whole;
    created_twice.insert(created_twice.end(), whole.begin() + header_size, whole.end());
    EXPECT_THAT(parse_realm_log(created_twice).error().message, HasSubstr("a second time"));
    if (!exists(sample_path("cca/qemu-realm-bootlog"))) GTEST_SKIP() << "there are no samples on this machine";
    EXPECT_THAT(parse_realm_log(sample_bytes("cca/qemu-realm-bootlog/realm-bootlog.bin")).error().message,
                HasSubstr("no record VM VERSION"));
}

TEST(RealmParametersFile, IsRefusedWithTheMemberThatIsWrong) {
    const auto error = [](const std::string &more, const std::string &steps = "[]") {
        const auto realm =
            parse_realm_parameters(R"({"hashAlgorithm":"sha-256","s2sz":33,"numBps":1,"numWps":1,"steps":)" + steps + more + "}");
        return realm ? "" : realm.error().message;
    };
    EXPECT_EQ(error(""), "");
    EXPECT_EQ(error(R"(,"flags":"0xffffffffffffffff")"), "");
    EXPECT_THAT(error(R"(,"flag":1)"), HasSubstr("flag is unknown"));
    EXPECT_THAT(error(R"(,"s2sz":34)"), HasSubstr("s2sz is given twice"));
    EXPECT_THAT(error(R"(,"pmuNumCtrs":256)"), HasSubstr("pmuNumCtrs is no number of 8 bits"));
    EXPECT_THAT(error(R"(,"pmuNumCtrs":-1)"), HasSubstr("pmuNumCtrs is no number"));
    EXPECT_THAT(error("", R"([{"ripas":{"base":0}}])"), HasSubstr("step 1: ripas: size is missing"));
    EXPECT_THAT(error("", R"([{"ripas":{"base":0,"size":1},"rec":{}}])"), HasSubstr("step 1: one object"));
    EXPECT_THAT(error("", R"([{"recs":{}}])"), HasSubstr("recs is unknown"));
    EXPECT_THAT(error("", R"([{"rec":{"pc":0,"gprs":[0,0,0,0,0,0,0,0,0]}}])"), HasSubstr("at most 8"));
    EXPECT_THAT(error("", R"([{"data":{"image":"A","base":"80"}}])"), HasSubstr("base is no number of 64 bits"));
    EXPECT_THAT(error("", R"([{"data":{"image":"A","base":0,"measured":1}}])"), HasSubstr("measured is neither"));
    EXPECT_THAT(parse_realm_parameters("[]").error().message, HasSubstr("not one JSON object"));
    EXPECT_THAT(parse_realm_parameters("{}").error().message, HasSubstr("s2sz is missing"));
    // There is no processor that has as many as 0 says: one.
    EXPECT_THAT(parse_realm_parameters(R"({"hashAlgorithm":"sha-256","s2sz":33,"numWps":1,"steps":[]})").error().message,
                HasSubstr("numBps is missing"));
    EXPECT_THAT(parse_realm_parameters(R"({"hashAlgorithm":"sha-256","s2sz":33,"numBps":1,"steps":[]})").error().message,
                HasSubstr("numWps is missing"));
}

}  // namespace
}  // namespace mr
