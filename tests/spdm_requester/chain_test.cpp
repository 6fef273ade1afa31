// Chains of certificates: what is taken apart, and which lead to a given root.
#include <gmock/gmock.h>

#include "tests/spdm_requester/toy_device.h"

namespace mr {
namespace {

std::string fault_of(const ToyDevice &device, const TrustAnchors &anchors, std::optional<UnixTime> time = toy_begin) {
    const auto identity = check_spdm_chain(device.chain(), HashAlgorithm::sha256, anchors, time);
    return identity ? "" : std::string(to_string(identity.error().fault));
}

TEST(SpdmChain, LeadsToAGivenRootInItsTime) {
    const ToyDevice device;
    EXPECT_EQ(fault_of(device, device.anchors()), "");
    EXPECT_EQ(fault_of(device, device.anchors(), std::nullopt), "");
    EXPECT_EQ(fault_of(device, device.anchors(), toy_begin - 1), "not_in_validity");
    EXPECT_EQ(fault_of(device, device.anchors(), toy_end + 1), "not_in_validity");
    EXPECT_EQ(fault_of(device, {}), "untrusted_root");
    const ToyDevice other;
    EXPECT_EQ(fault_of(device, other.anchors()), "untrusted_root") << "of the same name";
    EXPECT_EQ(fault_of(device, {.roots = {other.root, device.root}}), "");
}

TEST(SpdmChain, MayLeaveOutTheRootItself) {
    const ToyDevice device;
    const auto root_hash = *hash(HashAlgorithm::sha256, device.root);
    Bytes chain;
    spdm::append_little_endian(chain, static_cast<std::uint16_t>(36 + device.leaf.size()));
    chain.resize(4);
    spdm::append(chain, root_hash.bytes());
    spdm::append(chain, device.leaf);
    const auto identity = check_spdm_chain(chain, HashAlgorithm::sha256, device.anchors(), toy_begin);
    ASSERT_TRUE(identity) << identity.error().message;
    EXPECT_EQ(identity->root, device.root);
    EXPECT_EQ(identity->certificates.size(), 1U);
    chain[5] ^= 1;
    EXPECT_EQ(check_spdm_chain(chain, HashAlgorithm::sha256, device.anchors(), toy_begin).error().fault, SpdmFault::untrusted_root);
}

TEST(SpdmChain, EachCertificateWasIssuedByTheOneBeforeIt) {
    ToyDevice device;
    const ToyDevice other;
    device.leaf = ToyDevice::leaf_certificate().encode(device.leaf_key, other.root_key);
    EXPECT_EQ(fault_of(device, device.anchors()), "broken_chain") << "another key of that name";
    auto leaf = ToyDevice::leaf_certificate();
    leaf.flip_signature = true;
    device.leaf = leaf.encode(device.leaf_key, device.root_key);
    EXPECT_EQ(fault_of(device, device.anchors()), "broken_chain");
    leaf = ToyDevice::leaf_certificate();
    leaf.issuer = "somebody else";
    device.leaf = leaf.encode(device.leaf_key, device.root_key);
    EXPECT_EQ(fault_of(device, device.anchors()), "broken_chain");
    leaf = ToyDevice::leaf_certificate();
    leaf.is_authority = true;
    device.leaf = leaf.encode(device.leaf_key, device.root_key);
    EXPECT_EQ(fault_of(device, device.anchors()), "broken_chain") << "its key usage does not allow to sign data";
    leaf = ToyDevice::leaf_certificate();
    leaf.more = {der::extension("1.2.3.4", true, der::octets(Bytes{1}))};
    device.leaf = leaf.encode(device.leaf_key, device.root_key);
    EXPECT_EQ(fault_of(device, device.anchors()), "malformed_chain") << "critical, and not known";
}

TEST(SpdmChain, ALeafThatIssuesAnotherOneMayNot) {
    ToyDevice device;
    const TestKey next;
    auto certificate = ToyDevice::leaf_certificate();
    certificate.common_name = "next";
    certificate.issuer = "leaf";
    spdm::append(device.leaf, certificate.encode(next, device.leaf_key));
    EXPECT_EQ(fault_of(device, device.anchors()), "broken_chain");
}

TEST(SpdmChain, TheRootHashIsItsRoots) {
    const ToyDevice device;
    auto chain = device.chain();
    chain[4] ^= 1;
    EXPECT_EQ(check_spdm_chain(chain, HashAlgorithm::sha256, device.anchors(), toy_begin).error().fault, SpdmFault::wrong_root_hash);
}

TEST(SpdmChain, IsOfItsOwnLengthAndHasAFewCertificates) {
    ToyDevice device;
    const auto good = device.chain();
    for (std::size_t size = 0; size < good.size(); ++size) {
        const auto cut = parse_spdm_chain(ByteView(good).first(size), HashAlgorithm::sha256);
        ASSERT_FALSE(cut);
        EXPECT_EQ(cut.error().fault, SpdmFault::malformed_chain) << size;
    }
    auto longer = good;
    longer.push_back(0);
    EXPECT_FALSE(parse_spdm_chain(longer, HashAlgorithm::sha256));
    const auto one = device.leaf;
    for (std::size_t i = 2; i < max_spdm_certificates; ++i) spdm::append(device.leaf, one);
    EXPECT_TRUE(parse_spdm_chain(device.chain(), HashAlgorithm::sha256));
    spdm::append(device.leaf, one);
    EXPECT_EQ(parse_spdm_chain(device.chain(), HashAlgorithm::sha256).error().fault, SpdmFault::too_large);
}

TEST(SpdmChain, EveryChangedBitIsFound) {
    const ToyDevice device;
    const auto good = device.chain();
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        auto chain = good;
        chain[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        // Bytes 2 and 3 are reserved: DIGESTS is over them, too, and no certificate.
        const bool is_reserved = bit / 8 == 2 || bit / 8 == 3;
        EXPECT_EQ(check_spdm_chain(chain, HashAlgorithm::sha256, device.anchors(), toy_begin).has_value(), is_reserved) << "bit " << bit;
    }
}

}  // namespace
}  // namespace mr
