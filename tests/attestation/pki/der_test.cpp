#include "libmr/src/attestation/pki/der.h"

#include <gmock/gmock.h>

#include "libmr/src/attestation/pki/ecdsa.h"
#include "tests/attestation/pki/test_pki.h"

namespace mr::attestation {
namespace {

TEST(Der, ReadsElementsInTheirOrder) {
    const Bytes bytes = der::joined({der::integer(300), der::boolean(true), der::octets(Bytes(200, 7)), der::sequence({der::integer(1)})});
    DerReader reader(bytes);
    EXPECT_EQ(reader.small_integer(), 300U);
    EXPECT_EQ(reader.boolean(), true);
    EXPECT_EQ(reader.take(DerTag::octet_string).size(), 200U);
    auto inner = reader.inside(DerTag::sequence);
    EXPECT_EQ(inner.small_integer(), 1U);
    EXPECT_TRUE(inner.finished());
    EXPECT_TRUE(reader.finished());
    (void)reader.any();
    EXPECT_FALSE(reader.ok());
}

TEST(Der, TakesNoOtherFormOfALengthThanTheShortest) {
    for (const Bytes &bytes : {Bytes{0x04, 0x81, 0x01, 0x00}, Bytes{0x04, 0x82, 0x00, 0x01, 0x00}, Bytes{0x04, 0x80, 0x00, 0x00},
                               Bytes{0x04, 0x84, 0x00, 0x00, 0x00, 0x01, 0x00}, Bytes{0x04, 0x02, 0x00}, Bytes{0x04}, Bytes{},
                               Bytes{0x1F, 0x01, 0x00}, Bytes{0x04, 0x83, 0xFF, 0xFF, 0xFF}}) {
        DerReader reader(bytes);
        (void)reader.any();
        EXPECT_FALSE(reader.ok()) << to_hex(bytes);
    }
    Bytes leading_zero{0x04, 0x82, 0x00, 0x80};
    leading_zero.resize(4 + 0x80);
    DerReader reader(leading_zero);
    (void)reader.any();
    EXPECT_FALSE(reader.ok());
}

TEST(Der, TakesNoOtherFormOfAnIntegerThanTheShortestAndNoNegativeOne) {
    for (const Bytes &content : {Bytes{}, Bytes{0x00, 0x7F}, Bytes{0x00, 0x00}, Bytes{0x80}, Bytes{0xFF, 0x01}}) {
        const auto bytes = der::element(0x02, content);
        DerReader reader(bytes);
        (void)reader.unsigned_integer();
        EXPECT_FALSE(reader.ok()) << to_hex(content);
    }
    for (const Bytes &content : {Bytes{0x00}, Bytes{0x7F}, Bytes{0x00, 0x80}, Bytes{0x00, 0xFF, 0xFF, 0xFF, 0xFF}}) {
        const auto bytes = der::element(0x02, content);
        DerReader reader(bytes);
        EXPECT_TRUE(reader.small_integer()) << to_hex(content);
    }
    const auto large = der::element(0x02, Bytes{0x01, 0, 0, 0, 0});
    EXPECT_FALSE(DerReader(large).small_integer());
}

TEST(Der, TakesNoOtherBooleanThanZeroAndAllOnes) {
    for (const Bytes &content : {Bytes{}, Bytes{1}, Bytes{0xFE}, Bytes{0, 0}}) {
        const auto bytes = der::element(0x01, content);
        EXPECT_FALSE(DerReader(bytes).boolean()) << to_hex(content);
    }
}

TEST(Der, ReadsTheTimesOfBothForms) {
    const auto read = [](std::uint8_t tag, std::string_view text) {
        const auto bytes = der::element(tag, as_bytes(text));
        return DerReader(bytes).time();
    };
    EXPECT_EQ(read(0x17, "700101000000Z"), 0);
    EXPECT_EQ(read(0x17, "180521104510Z"), 1526899510);
    EXPECT_EQ(read(0x17, "491231235959Z"), 2524607999);
    EXPECT_EQ(read(0x17, "500101000000Z"), -631152000);
    EXPECT_EQ(read(0x18, "20491231235959Z"), 2524607999);
    EXPECT_EQ(read(0x18, "20240229120000Z"), 1709208000);
    for (const std::string_view text : {"180521104510", "1805211045Z", "180521104510+0000", "181321104510Z", "180500104510Z",
                                        "180521244510Z", "180521106010Z", "180521104560Z", "230229000000Z", "18052110451 Z", "", "Z"}) {
        EXPECT_FALSE(read(0x17, text)) << text;
        EXPECT_FALSE(read(0x18, text)) << text;
    }
    EXPECT_FALSE(read(0x18, "20180521104510.5Z"));
    EXPECT_FALSE(read(0x13, "180521104510Z"));
}

TEST(Der, TakesNoOtherFormOfAnObjectIdentifierThanTheShortest) {
    for (const Bytes &content : {Bytes{}, Bytes{0x80, 0x01}, Bytes{0x2A, 0x80, 0x01}, Bytes{0x2A, 0x86}}) {
        const auto bytes = der::element(0x06, content);
        DerReader reader(bytes);
        (void)reader.object_identifier();
        EXPECT_FALSE(reader.ok()) << to_hex(content);
    }
    const auto good = der::element(0x06, Bytes{0x2A, 0x86, 0x80, 0x01});
    EXPECT_EQ(DerReader(good).object_identifier().size(), 4U);
}

TEST(Der, NamesObjectIdentifiers) {
    const auto text = [](const std::string &dotted) {
        const auto bytes = der::object_identifier(dotted);
        return object_identifier_text(ByteView(bytes).subspan(2));
    };
    EXPECT_EQ(text("1.2.840.113741.1.13.1"), "1.2.840.113741.1.13.1");
    EXPECT_EQ(text("2.5.29.15"), "2.5.29.15");
    EXPECT_EQ(object_identifier_text(Bytes{0x88, 0x37}), "2.999");
    EXPECT_EQ(object_identifier_text(Bytes{0x2A, 0x80, 0x01}), "");
    EXPECT_EQ(object_identifier_text(Bytes{0x2A, 0x86}), "");
    EXPECT_EQ(object_identifier_text(Bytes(12, 0xFF)), "");
}

TEST(Ecdsa, HoldsForTheKeyMessageAndSignatureAndNoOther) {
    SignatureChecker checker;
    for (int i = 0; i < 40; ++i) {
        const auto curve = i % 2 == 0 ? TestCurve::p256 : TestCurve::p384;
        const TestKey key(curve);
        const Bytes message(100, static_cast<std::uint8_t>(i));
        const auto signature = key.sign(message);
        EXPECT_TRUE(checker.verify(key.public_key(), message, signature));
        EXPECT_FALSE(checker.verify(TestKey(curve).public_key(), message, signature));
        EXPECT_FALSE(checker.verify(key.public_key(), Bytes(100, 0xEE), signature));
        for (const std::size_t at : {std::size_t{0}, signature.size() / 2 - 1, signature.size() / 2, signature.size() - 1}) {
            auto other = signature;
            other[at] ^= 1;
            EXPECT_FALSE(checker.verify(key.public_key(), message, other));
        }
    }
}

// More keys than are kept: each is still told from the others, whether it was kept, dropped or never seen.
TEST(Ecdsa, AKeyThatIsUsedAgainIsStillItself) {
    SignatureChecker checker;
    const Bytes message{1, 2, 3};
    std::vector<TestKey> keys(12);
    std::vector<Bytes> signatures;
    for (const auto &key : keys) signatures.push_back(key.sign(message));
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < keys.size(); ++i) {
            EXPECT_TRUE(checker.verify(keys[i].public_key(), message, signatures[i]));
            EXPECT_TRUE(checker.verify(keys[i].public_key(), message, signatures[i]));
            EXPECT_FALSE(checker.verify(keys[i].public_key(), message, signatures[(i + 1) % keys.size()]));
        }
    }
}

TEST(Ecdsa, TellsPointsOfItsCurvesFromOtherBytes) {
    for (const auto curve : {TestCurve::p256, TestCurve::p384}) {
        auto key = TestKey(curve).public_key();
        EXPECT_TRUE(is_curve_point(key));
        key.back() ^= 1;
        EXPECT_FALSE(is_curve_point(key));
        EXPECT_FALSE(is_curve_point(Bytes(key.size(), 0)));
    }
    EXPECT_FALSE(is_curve_point(Bytes(63, 1)));
}

TEST(Ecdsa, FailsForAKeyThatIsNoPointAndForSignaturesOfZeros) {
    SignatureChecker checker;
    const TestKey key;
    const Bytes message{1, 2, 3};
    const auto signature = key.sign(message);
    EXPECT_FALSE(checker.verify(Bytes(64, 0), message, signature));
    EXPECT_FALSE(checker.verify(Bytes(64, 0xFF), message, signature));
    EXPECT_FALSE(checker.verify(Bytes(63, 1), message, signature));
    EXPECT_FALSE(checker.verify(key.public_key(), message, Bytes(64, 0)));
    EXPECT_FALSE(checker.verify(key.public_key(), message, Bytes(64, 0xFF)));
    EXPECT_FALSE(checker.verify(key.public_key(), message, Bytes()));
    // A key of the one curve is none of the other, whatever the signature's size.
    EXPECT_FALSE(checker.verify(TestKey(TestCurve::p384).public_key(), message, signature));
    EXPECT_FALSE(checker.verify(key.public_key(), message, TestKey(TestCurve::p384).sign(message)));
    EXPECT_TRUE(checker.verify(key.public_key(), message, signature));
}

}  // namespace
}  // namespace mr::attestation
