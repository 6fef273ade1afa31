#include "mr/spdm_transport.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace mr {
namespace {

const Bytes message = {0x10, 0x84, 0, 0};

Bytes owned(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

TEST(SpdmTransport, AMessageIsWrappedAsEachCarriesIt) {
    EXPECT_EQ(wrap_spdm(SpdmTransport::none, message), message);
    EXPECT_EQ(wrap_spdm(SpdmTransport::mctp, message), (Bytes{0x05, 0x10, 0x84, 0, 0}));
    EXPECT_EQ(wrap_spdm(SpdmTransport::doe, message), (Bytes{1, 0, 1, 0, 3, 0, 0, 0, 0x10, 0x84, 0, 0}));
    EXPECT_EQ(wrap_spdm(SpdmTransport::doe, Bytes{1, 2, 3, 4, 5}), (Bytes{1, 0, 1, 0, 4, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0}));
    for (const auto transport : {SpdmTransport::none, SpdmTransport::mctp, SpdmTransport::doe})
        EXPECT_EQ(owned(*unwrap_spdm(transport, wrap_spdm(transport, message))), message);
}

TEST(SpdmTransport, WhatIsNotInItsFormIsRefused) {
    const auto is_refused = [](SpdmTransport transport, const Bytes &payload) {
        const auto unwrapped = unwrap_spdm(transport, payload);
        return !unwrapped && unwrapped.error().fault == SpdmFault::transport;
    };
    EXPECT_TRUE(is_refused(SpdmTransport::mctp, {}));
    EXPECT_TRUE(is_refused(SpdmTransport::mctp, {0x06, 0x10})) << "secured";
    const auto good = wrap_spdm(SpdmTransport::doe, message);
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_TRUE(is_refused(SpdmTransport::doe, Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
    for (const std::size_t at : {0U, 1U, 2U, 4U, 7U}) {
        auto bad = good;
        bad[at] ^= 2;
        EXPECT_TRUE(is_refused(SpdmTransport::doe, bad)) << at;
    }
}

TEST(SpdmTransport, DiscoveryNamesAnObjectAndTheNext) {
    EXPECT_EQ(doe_discovery_request(2), (Bytes{1, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0}));
    const auto protocol = parse_doe_discovery_response(Bytes{1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 2, 0});
    ASSERT_TRUE(protocol);
    EXPECT_EQ(protocol->vendor, doe_vendor_pci_sig);
    EXPECT_EQ(protocol->type, doe_secured_spdm);
    EXPECT_EQ(protocol->next_index, 0);
    EXPECT_FALSE(parse_doe_discovery_response(wrap_spdm(SpdmTransport::doe, message)));
    EXPECT_FALSE(parse_doe_discovery_response(Bytes{1, 0, 0, 0, 2, 0, 0, 0}));
}

TEST(SpdmFrames, ComeInWhateverPieces) {
    const auto first = write_spdm_frame(SpdmCommand::normal, SpdmTransport::mctp, message);
    EXPECT_EQ(first, (Bytes{0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0x10, 0x84, 0, 0}));
    auto stream = first;
    const auto second = write_spdm_frame(SpdmCommand::shutdown, SpdmTransport::doe, {});
    stream.insert(stream.end(), second.begin(), second.end());
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        SpdmFrameReader reader;
        std::vector<SpdmFrame> frames;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            reader.add(ByteView(stream).subspan(at, std::min(piece, stream.size() - at)));
            for (;;) {
                auto frame = reader.next();
                ASSERT_TRUE(frame);
                if (!*frame) break;
                frames.push_back(std::move(**frame));
            }
        }
        ASSERT_EQ(frames.size(), 2U);
        EXPECT_EQ(frames[0].command, 1U);
        EXPECT_EQ(frames[0].payload, message);
        EXPECT_EQ(frames[1].command, 0xFFFEU);
        EXPECT_EQ(frames[1].transport, SpdmTransport::doe);
        EXPECT_TRUE(reader.is_empty());
    }
}

TEST(SpdmFrames, OfAnotherTransportOrTooLongAreRefused) {
    SpdmFrameReader reader;
    reader.add(Bytes{0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0});
    EXPECT_EQ(reader.next().error().fault, SpdmFault::transport);
    SpdmFrameReader other;
    other.add(Bytes{0, 0, 0, 1, 0, 0, 0, 1, 0xFF, 0, 0, 0});
    EXPECT_EQ(other.next().error().fault, SpdmFault::transport);
    EXPECT_FALSE(other.is_empty());
}

}  // namespace
}  // namespace mr
