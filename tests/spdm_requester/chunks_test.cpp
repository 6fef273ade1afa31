// Answers that come in chunks, and what may be wrong with them.
#include <gmock/gmock.h>

#include "tests/spdm_requester/toy_device.h"

namespace mr {
namespace {

constexpr std::uint8_t chunk_get = 0x86;
constexpr std::uint32_t transfer_size = 128;

// Whatever is longer than the transfer size comes in chunks; each may be changed before it goes.
class ChunkingDevice {
public:
    std::function<void(Bytes &)> change = {};
    std::uint32_t bytes_at_once = 100;

    explicit ChunkingDevice(ToyDevice &device) : device_(device) {}

    Bytes answer(const Bytes &request) {
        if (request[1] != chunk_get) {
            large_ = device_.answer(request);
            if (large_.size() <= transfer_size) return large_;
            begin_ = 0;
            ++handle_;
            return {request[0], 0x7F, 0x0F, 0, handle_};
        }
        const auto part = std::min<std::size_t>(bytes_at_once, large_.size() - begin_);
        const bool is_last = begin_ + part == large_.size();
        Bytes answer = {request[0], 0x06, static_cast<std::uint8_t>(is_last ? 1 : 0), handle_};
        answer.insert(answer.end(), request.begin() + 4, request.end());
        if (request.size() == 6) answer.resize(8);
        spdm::append_little_endian(answer, static_cast<std::uint32_t>(part));
        if (begin_ == 0) spdm::append_little_endian(answer, static_cast<std::uint32_t>(large_.size()));
        spdm::append(answer, ByteView(large_).subspan(begin_, part));
        begin_ += part;
        if (change) change(answer);
        return answer;
    }

private:
    ToyDevice &device_;
    Bytes large_;
    std::size_t begin_ = 0;
    std::uint8_t handle_ = 0;
};

class Chunks : public ::testing::Test {
protected:
    void SetUp() override {
        device_.flags |= spdm_cap_chunk;
        options_.flags |= spdm_cap_chunk;
        options_.data_transfer_size = transfer_size;
        options_.max_message_size = 8192;
        requester_ = SpdmRequester(options_);
    }
    std::string collected() {
        requester_.forget();
        SpdmCollection collection(requester_, {});
        return fault_text(drive(collection, collection.begin(), [&](const Bytes &request) { return chunking_.answer(request); }),
                          requester_);
    }
    std::string with(std::function<void(Bytes &)> change) {
        chunking_.change = std::move(change);
        return collected();
    }

    ToyDevice device_;
    ChunkingDevice chunking_{device_};
    SpdmOptions options_;
    SpdmRequester requester_;
};

TEST_F(Chunks, TranscriptsHaveTheWholeMessage) {
    for (const auto version : {SpdmVersion::v1_2, SpdmVersion::v1_3, SpdmVersion::v1_4}) {
        device_.version = version;
        device_.offered = {static_cast<std::uint16_t>(static_cast<unsigned>(version) << 8)};
        ASSERT_EQ(collected(), "done") << to_string(version) << requester_.error().message;
        EXPECT_EQ(*requester_.chain(0), device_.chain());
        EXPECT_TRUE(verify_spdm(*requester_.evidence(), requester_.evidence()->nonce, device_.anchors()));
    }
}

TEST_F(Chunks, AChunkThatDoesNotFitIsRefused) {
    EXPECT_EQ(with([](Bytes &chunk) { chunk[3] ^= 1; }), "wrong_chunk") << "another handle";
    EXPECT_EQ(with([](Bytes &chunk) { chunk[4] += 1; }), "malformed") << "another number, and then no size";
    EXPECT_EQ(with([](Bytes &chunk) { chunk[2] ^= 1; }), "wrong_chunk") << "the last one, too soon";
    EXPECT_EQ(with([](Bytes &chunk) { chunk.push_back(0); }), "malformed");
    EXPECT_EQ(with([](Bytes &chunk) { chunk.pop_back(); }), "malformed");
    EXPECT_EQ(with([](Bytes &chunk) { chunk = {0x12, 0x7F, 0x10, 0}; }), "message_lost");
    EXPECT_EQ(with([](Bytes &chunk) { chunk = {0x12, 0x7F, 0x0F, 0, 9}; }), "wrong_chunk") << "a long answer inside a long answer";
    EXPECT_EQ(with([](Bytes &chunk) { chunk.resize(transfer_size + 1); }), "too_large");
    EXPECT_EQ(with([](Bytes &chunk) { chunk[1] = 0x02; }), "unexpected_response");
    // The first one says how long all of it is.
    const auto set_total = [](Bytes &chunk, std::uint32_t total) {
        if (chunk[4] != 0) return;
        for (std::size_t i = 0; i < 4; ++i) chunk[12 + i] = static_cast<std::uint8_t>(total >> 8 * i);
    };
    EXPECT_EQ(with([&](Bytes &chunk) { set_total(chunk, 8193); }), "too_large");
    EXPECT_EQ(with([&](Bytes &chunk) { set_total(chunk, 50); }), "wrong_chunk");
    EXPECT_EQ(with([&](Bytes &chunk) { set_total(chunk, 8000); }), "wrong_chunk") << "the last one ends before all of it is there";
}

TEST_F(Chunks, AnEndlessAnswerEnds) {
    EXPECT_EQ(with([](Bytes &chunk) {
                  chunk.resize(chunk[4] == 0 && chunk[5] == 0 ? 16 : 12);
                  for (std::size_t i = 8; i < 12; ++i) chunk[i] = 0;
                  chunk[2] = 0;
              }),
              "no_progress");
    options_.max_message_size = max_spdm_message;
    requester_ = SpdmRequester(options_);
    chunking_.bytes_at_once = 1;
    // One byte in each: more chunks than are taken.
    const auto endless = [](Bytes &chunk) {
        chunk[2] = 0;
        if (chunk[4] == 0 && chunk[5] == 0) {
            chunk[12] = 0;
            chunk[13] = 0;
            chunk[14] = 1;
        }
    };
    EXPECT_EQ(with(endless), "no_progress");
}

TEST_F(Chunks, WhoSaidThatHeTakesNoneGetsNone) {
    options_.flags &= ~spdm_cap_chunk;
    options_.max_message_size = options_.data_transfer_size;
    requester_ = SpdmRequester(options_);
    EXPECT_EQ(collected(), "other_error");
}

TEST_F(Chunks, WhatIsPutTogetherIsAnAnswer) {
    device_.change = [](std::uint8_t code, Bytes &answer) {
        if (code == 0x82) answer[1] = 0x7F;
    };
    EXPECT_EQ(collected(), "wrong_chunk");
}

}  // namespace
}  // namespace mr
