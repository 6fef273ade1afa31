// Everything that evidence needs, in one go; and the measurement extension log.
#include <gmock/gmock.h>

#include "tests/spdm_requester/toy_device.h"

namespace mr {
namespace {

using ::testing::ElementsAre;

class Collection : public ::testing::Test {
protected:
    std::string collect(const SpdmCollectOptions &options = {}) {
        codes_.clear();
        SpdmCollection collection(requester_, options);
        return fault_text(drive(collection, collection.begin(),
                                [&](const Bytes &request) {
                                    codes_.push_back(request[1]);
                                    return device_.answer(request);
                                }),
                          requester_);
    }
    void give_log() {
        device_.version = SpdmVersion::v1_3;
        device_.offered = {0x1300};
        device_.flags |= spdm_cap_measurement_log;
        device_.algorithms.log_specification = 1;
        options_.log_specification = 1;
        requester_ = SpdmRequester(options_);
        Bytes entries;
        for (std::uint32_t number = 1; number <= 2; ++number) {
            spdm::append_little_endian(entries, number);
            spdm::append(entries, Bytes{0x11, 0, 0, 0, 0x89, 3, 0, 'R', 'O', 'M'});
        }
        spdm::append_little_endian(device_.log, std::uint32_t{2});
        spdm::append_little_endian(device_.log, static_cast<std::uint32_t>(entries.size()));
        device_.log.resize(16);
        spdm::append(device_.log, entries);
        const auto value = replay_spdm_measurement_log(*parse_spdm_measurement_log(device_.log), 0x11, HashAlgorithm::sha256);
        device_.blocks.push_back({.index = 0x11, .type = 8, .is_raw = false, .value = spdm::owned(value.bytes())});
    }

    ToyDevice device_;
    SpdmOptions options_;
    SpdmRequester requester_{options_};
    std::vector<int> codes_;
};

TEST_F(Collection, AsksAgainOnlyForWhatIsNew) {
    ASSERT_EQ(collect(), "done");
    EXPECT_THAT(codes_, ElementsAre(0x84, 0xE1, 0xE3, 0x81, 0x82, 0xE0));
    ASSERT_EQ(collect({.with_challenge = true, .nonce = SpdmNonce{9}}), "done");
    EXPECT_THAT(codes_, ElementsAre(0x81, 0x83, 0xE0));
    EXPECT_TRUE(verify_spdm(*requester_.evidence(), SpdmNonce{9}, device_.anchors()));
    EXPECT_EQ(requester_.challenge_result()->nonce, SpdmNonce{9});
}

TEST_F(Collection, ConnectsOnceMoreWhereTheDeviceHasForgotten) {
    ASSERT_EQ(collect(), "done");
    bool has_forgotten = false;
    device_.change = [&](std::uint8_t code, Bytes &answer) {
        if (code == 0xE0 && !std::exchange(has_forgotten, true)) answer = {0x12, 0x7F, 0x43, 0};
    };
    ASSERT_EQ(collect(), "done") << requester_.error().message;
    EXPECT_THAT(codes_, ElementsAre(0x81, 0xE0, 0x84, 0xE1, 0xE3, 0x81, 0xE0)) << "the chain is the same";
    device_.change = [](std::uint8_t code, Bytes &answer) {
        if (code == 0xE0) answer = {0x12, 0x7F, 0x43, 0};
    };
    EXPECT_EQ(collect(), "request_resynch") << "again and again";
    EXPECT_EQ(requester_.connection(), nullptr);
}

TEST_F(Collection, ReadsTheLogThatLeadsToItsBlock) {
    give_log();
    ASSERT_EQ(collect(), "done") << requester_.error().message;
    EXPECT_EQ(*requester_.measurement_log(), device_.log);
    EXPECT_TRUE(check_spdm_measurement_log(device_.log, requester_.measurements()->blocks, HashAlgorithm::sha256));
    for (std::size_t portion = 1; portion < 60; portion += 7) {
        ASSERT_EQ(fault_text(drive(requester_, requester_.get_measurement_log(static_cast<std::uint32_t>(portion)),
                                   [&](const Bytes &request) { return device_.answer(request); }),
                             requester_),
                  "done");
        EXPECT_EQ(*requester_.measurement_log(), device_.log);
    }
    ASSERT_EQ(collect({.with_log = false}), "done");
    EXPECT_THAT(codes_, ElementsAre(0x81, 0xE0));
}

TEST_F(Collection, EveryChangedBitOfALogIsFound) {
    give_log();
    const auto blocks = device_.blocks;
    for (std::size_t bit = 0; bit < device_.log.size() * 8; ++bit) {
        auto log = device_.log;
        log[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        // Reserved bytes of the header are hashed by nobody.
        const bool is_reserved = bit / 8 >= 8 && bit / 8 < 16;
        EXPECT_EQ(check_spdm_measurement_log(log, blocks, HashAlgorithm::sha256).has_value(), is_reserved) << "bit " << bit;
    }
}

TEST_F(Collection, ALogThatIsNotWellFormedIsRefused) {
    give_log();
    const auto fault_of = [](const Bytes &log) {
        const auto read = parse_spdm_measurement_log(log);
        return read ? "" : std::string(to_string(read.error().fault));
    };
    EXPECT_EQ(fault_of(device_.log), "");
    for (std::size_t size = 0; size < device_.log.size(); ++size)
        EXPECT_EQ(fault_of(Bytes(device_.log.begin(), device_.log.begin() + static_cast<std::ptrdiff_t>(size))), "malformed");
    auto log = device_.log;
    log[1] = 5;
    EXPECT_EQ(fault_of(log), "too_large") << "entries";
    log = device_.log;
    log[0] = 1;
    EXPECT_EQ(fault_of(log), "malformed") << "bytes behind the last one";
    EXPECT_EQ(fault_of(Bytes(max_spdm_measurement_log + 1)), "too_large");
    device_.log.assign(16, 0);
    device_.log.resize(max_spdm_measurement_log + 1);
    EXPECT_EQ(collect(), "too_large");
    // Blocks that no log leads to.
    const auto blocks = device_.blocks;
    const auto empty = check_spdm_measurement_log(Bytes(16), blocks, HashAlgorithm::sha256);
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().fault, SpdmFault::log_mismatch);
}

}  // namespace
}  // namespace mr
