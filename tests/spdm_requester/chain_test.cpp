// Chains of certificates: what is taken apart, and which lead to a given root.
#include <gmock/gmock.h>

#include "libmr/src/attestation/tee/spdm/device_ids.h"
#include "mr/verify_spdm.h"
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

// A chain without its root: the leaf alone.
Bytes leaf_alone(const ToyDevice &device) {
    Bytes chain;
    spdm::append_little_endian(chain, static_cast<std::uint16_t>(36 + device.leaf.size()));
    chain.resize(4);
    spdm::append(chain, hash(HashAlgorithm::sha256, device.root)->bytes());
    spdm::append(chain, device.leaf);
    return chain;
}

TEST(SpdmChain, MayLeaveOutTheRootItself) {
    const ToyDevice device;
    auto chain = leaf_alone(device);
    const auto identity = check_spdm_chain(chain, HashAlgorithm::sha256, device.anchors(), toy_begin);
    ASSERT_TRUE(identity) << identity.error().message;
    EXPECT_EQ(identity->root, device.root);
    EXPECT_EQ(identity->certificates.size(), 1U);
    chain[5] ^= 1;
    EXPECT_EQ(check_spdm_chain(chain, HashAlgorithm::sha256, device.anchors(), toy_begin).error().fault, SpdmFault::untrusted_root);
}

TEST(SpdmChain, ARootThatIsLeftOutHasToBeValidToo) {
    ToyDevice device;
    auto leaf = ToyDevice::leaf_certificate();
    leaf.not_after = toy_end + 1000;
    device.leaf = leaf.encode(device.leaf_key, device.root_key);
    EXPECT_EQ(fault_of(device, device.anchors(), toy_end + 1), "not_in_validity");
    const auto chain = leaf_alone(device);
    EXPECT_TRUE(check_spdm_chain(chain, HashAlgorithm::sha256, device.anchors(), toy_end));
    const auto late = check_spdm_chain(chain, HashAlgorithm::sha256, device.anchors(), toy_end + 1);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().fault, SpdmFault::not_in_validity);
}

TestCertificate authority(const std::string &name, const std::string &issuer) {
    return {.common_name = name, .issuer = issuer, .serial = 3, .not_before = toy_begin, .not_after = toy_end, .is_authority = true};
}
Bytes purposes(const std::vector<std::string> &all) {
    std::vector<Bytes> identifiers;
    for (const auto &each : all) identifiers.push_back(der::object_identifier(each));
    return der::extension("2.5.29.37", true, der::sequence(identifiers));
}

// Each authority here allows one more behind it.
TEST(SpdmChain, HasNoMoreAuthoritiesThanEachOfThemAllows) {
    ToyDevice device;
    const TestKey first_key;
    const TestKey second_key;
    const auto first = authority("first", "root").encode(first_key, device.root_key);
    auto leaf = ToyDevice::leaf_certificate();
    leaf.issuer = "first";
    device.leaf = first;
    spdm::append(device.leaf, leaf.encode(device.leaf_key, first_key));
    EXPECT_EQ(fault_of(device, device.anchors()), "");
    const auto second = authority("second", "first").encode(second_key, first_key);
    leaf.issuer = "second";
    device.leaf = first;
    spdm::append(device.leaf, second);
    spdm::append(device.leaf, leaf.encode(device.leaf_key, second_key));
    EXPECT_EQ(fault_of(device, device.anchors()), "broken_chain");
    // Nor if the root is left out.
    auto chain = leaf_alone(device);
    const auto without_root = check_spdm_chain(chain, HashAlgorithm::sha256, device.anchors(), toy_begin);
    ASSERT_FALSE(without_root);
    EXPECT_EQ(without_root.error().fault, SpdmFault::untrusted_root);
}

TEST(SpdmChain, IsForDevices) {
    ToyDevice device;
    const auto of_leaf = [&](const std::vector<std::string> &all) {
        auto leaf = ToyDevice::leaf_certificate();
        leaf.more = {purposes(all)};
        device.leaf = leaf.encode(device.leaf_key, device.root_key);
        return fault_of(device, device.anchors());
    };
    const std::string mail = "1.3.6.1.5.5.7.3.4";
    const std::string requester = "1.3.6.1.4.1.412.274.4";
    const std::string responder = "1.3.6.1.4.1.412.274.3";
    EXPECT_EQ(of_leaf({responder}), "");
    EXPECT_EQ(of_leaf({mail, responder}), "");
    EXPECT_EQ(of_leaf({mail}), "broken_chain");
    EXPECT_EQ(of_leaf({requester}), "broken_chain");
    EXPECT_EQ(of_leaf({}), "malformed_chain");
    const auto of_authority = [&](const std::string &purpose) {
        const TestKey key;
        auto between = authority("between", "root");
        between.more = {purposes({purpose})};
        auto leaf = ToyDevice::leaf_certificate();
        leaf.issuer = "between";
        device.leaf = between.encode(key, device.root_key);
        spdm::append(device.leaf, leaf.encode(device.leaf_key, key));
        return fault_of(device, device.anchors());
    };
    EXPECT_EQ(of_authority(responder), "");
    EXPECT_EQ(of_authority(mail), "broken_chain");
}

Bytes device_name(const std::string &kind, const std::string &name) {
    const auto other = der::element(0xA0, [&] {
        auto inner = der::object_identifier(kind);
        spdm::append(inner, der::element(0xA0, der::element(0x0C, as_bytes(name))));
        return inner;
    }());
    return der::extension("2.5.29.17", false, der::sequence({other}));
}

Bytes dmtf_name(const std::string &name) { return device_name("1.3.6.1.4.1.412.274.1", name); }
Bytes pci_name(const std::string &name) { return device_name("2.23.147", name); }
Bytes hardware_identity() {
    return der::extension("1.3.6.1.4.1.412.274.6", false,
                          der::sequence({der::sequence({der::object_identifier("1.3.6.1.4.1.412.274.2")})}));
}

// An alias leaf is issued by the device, which may call itself what it likes.
TEST(SpdmChain, NamesOneDevice) {
    ToyDevice device;
    const TestKey key;
    const auto names = [&](const std::string &of_device, const std::string &of_leaf) {
        auto certified = authority("device", "root");
        certified.more = {dmtf_name(of_device)};
        auto leaf = ToyDevice::leaf_certificate();
        leaf.issuer = "device";
        if (!of_leaf.empty()) leaf.more.push_back(dmtf_name(of_leaf));
        device.leaf = certified.encode(key, device.root_key);
        spdm::append(device.leaf, leaf.encode(device.leaf_key, key));
        EXPECT_EQ(fault_of(device, device.anchors()), "");
        const auto read = device_names_of_chain(device.chain(), HashAlgorithm::sha256, false);
        return read ? read->dmtf.value_or("none") : read.error().message;
    };
    EXPECT_EQ(names("ACME:A:1", ""), "ACME:A:1");
    EXPECT_EQ(names("ACME:A:1", "ACME:A:1"), "ACME:A:1");
    EXPECT_THAT(names("ACME:A:1", "ACME:B:9"), testing::HasSubstr("two devices, ACME:A:1 and ACME:B:9"));
}

// Certificates behind each other from the device's own on, of each the extensions; all of them but the last are authorities.
class DeviceChain {
public:
    explicit DeviceChain(const std::vector<std::vector<Bytes>> &extensions) {
        device_.leaf.clear();
        std::string issuer = "root";
        const TestKey *issued_by = &device_.root_key;
        for (std::size_t i = 0; i < extensions.size(); ++i) {
            const bool is_leaf = i + 1 == extensions.size();
            auto certificate = is_leaf ? ToyDevice::leaf_certificate() : authority("device" + std::to_string(i), issuer);
            certificate.issuer = issuer;
            certificate.more.insert(certificate.more.end(), extensions[i].begin(), extensions[i].end());
            const auto &own = is_leaf ? device_.leaf_key : key(i);
            spdm::append(device_.leaf, certificate.encode(own, *issued_by));
            issuer = "device" + std::to_string(i);
            issued_by = &own;
        }
        // The toy's root allows one authority behind it.
        if (extensions.size() <= 2) {
            EXPECT_EQ(fault_of(device_, device_.anchors()), "");
        }
    }
    [[nodiscard]] std::string names(bool has_alias) {
        const auto read = device_names_of_chain(device_.chain(), HashAlgorithm::sha256, has_alias);
        return read ? read->pci.value_or("none") + " " + read->dmtf.value_or("none") : read.error().message;
    }
    [[nodiscard]] std::vector<Bytes> ids(bool has_alias) {
        return attestation::device_ids_of_chain(device_.chain(), HashAlgorithm::sha256, has_alias);
    }

private:
    ToyDevice device_;
    static const TestKey &key(std::size_t index) {
        static const TestKey keys[2];
        return keys[index];
    }
};

TEST(SpdmChain, WhatADeviceIssuedAddsNoNameToIt) {
    const auto dmtf = dmtf_name("ACME:A:1");
    const auto pci = pci_name("Vendor=10de");
    EXPECT_EQ(DeviceChain({{dmtf}}).names(false), "none ACME:A:1");
    EXPECT_EQ(DeviceChain({{}, {dmtf}}).names(false), "none ACME:A:1") << "of a maker's authority, as far as anybody can see";
    EXPECT_EQ(DeviceChain({{dmtf}, {pci}}).names(false), "none ACME:A:1");
    EXPECT_EQ(DeviceChain({{pci}, {dmtf}}).names(true), "Vendor=10de none");
    EXPECT_EQ(DeviceChain({{dmtf}, {pci}, {dmtf}}).names(true), "none ACME:A:1");
    EXPECT_EQ(DeviceChain({{}, {dmtf}}).names(true), "none none") << "by its own word the device issued it";
    EXPECT_EQ(DeviceChain({{hardware_identity()}, {dmtf}, {pci}}).names(false), "none none");
    EXPECT_EQ(DeviceChain({{hardware_identity(), dmtf}, {}, {pci}}).names(false), "none ACME:A:1");
    EXPECT_EQ(DeviceChain({{}, {hardware_identity(), dmtf}}).names(false), "none ACME:A:1");
    EXPECT_THAT(DeviceChain({{hardware_identity(), dmtf}, {dmtf_name("ACME:B:9")}}).names(false), testing::HasSubstr("two devices"));
}

TEST(SpdmChain, ADeviceIsTheSameByItsSerialNumberAndByItsOwnKey) {
    EXPECT_EQ(DeviceChain({{dmtf_name("ACME:A:1")}}).ids(false).size(), 1U);
    EXPECT_EQ(DeviceChain({{dmtf_name("ACME:A:1")}}).ids(false), DeviceChain({{}, {dmtf_name("ACME:A:1")}}).ids(false));
    for (const auto *product : {"ACME:A", "ACME:A:"}) EXPECT_TRUE(DeviceChain({{dmtf_name(product)}}).ids(false).empty()) << product;
    EXPECT_TRUE(DeviceChain({{}, {}}).ids(false).empty()) << "a maker's authority has many devices";
    const auto aliases = DeviceChain({{}, {}}).ids(true);
    ASSERT_EQ(aliases.size(), 1U);
    EXPECT_EQ(DeviceChain({{hardware_identity()}, {}}).ids(false), aliases);
    EXPECT_EQ(DeviceChain({{hardware_identity()}, {}, {}}).ids(true), aliases);
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
