// Report data that binds a key: its bytes, what cannot be bound, and what a verifier says of it.
#include "mr/bound_report_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <set>
#include <string>

#include "mr/verify.h"
#include "tests/attestation/machine.h"
#include "tests/attestation/verdict_text.h"

namespace mr {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Bytes bytes_of_text(std::string_view text) { return {text.begin(), text.end()}; }

// An implementation other than ours.
ReportData composed_by_openssl(std::string preimage) {
    ReportData data{};
    EXPECT_EQ(EVP_Digest(preimage.data(), preimage.size(), data.data(), nullptr, EVP_sha384(), nullptr), 1);
    std::ranges::copy(std::string_view("mrd composed v1."), data.begin() + 48);
    return data;
}

struct Key {
    Bytes der;
    std::string pem;
};
Key some_key() {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    Key made;
    std::uint8_t *der = nullptr;
    const int size = ::i2d_PUBKEY(key, &der);
    made.der.assign(der, der + size);
    ::OPENSSL_free(der);
    BIO *text = ::BIO_new(::BIO_s_mem());
    EXPECT_EQ(::PEM_write_bio_PUBKEY(text, key), 1);
    char *data = nullptr;
    const auto length = BIO_get_mem_data(text, &data);
    made.pem.assign(data, static_cast<std::size_t>(length));
    ::BIO_free(text);
    ::EVP_PKEY_free(key);
    return made;
}

BoundTo some_binding() {
    return {.binding = {.nonce = Bytes(16, 0x4e), .key = bytes_of_text("a key"), .role = AttesterRole::server}, .uid = 1000};
}

std::string hex_of_bound(const BoundTo &bound) {
    const auto data = bound_report_data(bound);
    EXPECT_TRUE(data) << data.error().message;
    return to_hex(data.value_or(ReportData{}));
}

TEST(BoundReportData, IsTheHashOfEachFieldBehindItsLengthAndTheTag) {
    using namespace std::string_literals;  // NOLINT(google-build-using-namespace): literals
    EXPECT_EQ(bound_report_data(some_binding()).value(),
              composed_by_openssl("mrd bound key\0\0\0\0\x10NNNNNNNNNNNNNNNN\0\0\0\x06server\0\0\0\x05"
                                  "a key\0\0\0\0\0\0\0\x04\0\0\x03\xe8"s));
    const BoundTo connection{.binding = {.nonce = Bytes(16, 0x4e), .tls_exporter = Bytes(32, 0x45), .role = AttesterRole::client}};
    EXPECT_EQ(bound_report_data(connection).value(), composed_by_openssl("mrd bound tls exporter\0\0\0\0\x10NNNNNNNNNNNNNNNN\0\0\0\x06"
                                                                         "client\0\0\0\x20"s +
                                                                         std::string(32, 'E') + "\0\0\0\0\0\0\0\x04\0\0\0\0"s));
}

TEST(BoundReportData, IsAnotherForEachThingThatIsBound) {
    std::set<std::string> all{hex_of_bound(some_binding())};
    const auto another = [&all](const std::function<void(BoundTo &)> &change) {
        auto bound = some_binding();
        change(bound);
        EXPECT_TRUE(all.insert(hex_of_bound(bound)).second);
    };
    another([](BoundTo &b) { b.binding.nonce.back() ^= 1; });
    another([](BoundTo &b) { b.binding.nonce.push_back(0); });
    another([](BoundTo &b) { b.binding.key->push_back(0); });
    another([](BoundTo &b) { b.binding.role = AttesterRole::client; });
    another([](BoundTo &b) { b.binding.role.reset(); });
    another([](BoundTo &b) { b.uid = 0; });
    // What moves from one field to the next.
    another([](BoundTo &b) { b.binding.nonce.push_back('s'), b.binding.role.reset(); });
    another([](BoundTo &b) { b.binding.key = Bytes(32, 7); });
    another([](BoundTo &b) { b.binding.tls_exporter = Bytes(32, 7), b.binding.key.reset(); });
}

TEST(BoundReportData, IsToldByItsTagWhichNoShorterNonceHas) {
    const auto data = bound_report_data(some_binding()).value();
    EXPECT_TRUE(is_bound_report_data(data));
    for (std::size_t i = 0; i < data.size(); ++i) {
        auto other = data;
        other.at(i) ^= 1;
        EXPECT_EQ(is_bound_report_data(other), i < 48) << i;
    }
    EXPECT_FALSE(is_bound_report_data(ByteView(data).last(16)));
    // A nonce of 16 to 63 bytes is followed by zeros.
    EXPECT_NE(bound_report_data_tag.back(), 0);
}

TEST(BoundReportData, WhatCannotBeBoundIsRefusedByItsName) {
    const auto member_of = [](const std::function<void(KeyBinding &)> &change) {
        auto bound = some_binding();
        change(bound.binding);
        const auto fault = fault_of(bound.binding);
        EXPECT_EQ(bound_report_data(bound).has_value(), !fault);
        return fault ? std::string(fault->member) : "";
    };
    EXPECT_EQ(member_of([](KeyBinding &) {}), "");
    EXPECT_EQ(member_of([](KeyBinding &b) { b.nonce.pop_back(); }), "nonce");
    EXPECT_EQ(member_of([](KeyBinding &b) { b.nonce.resize(65); }), "nonce");
    EXPECT_EQ(member_of([](KeyBinding &b) { b.nonce = Bytes(32); }), "nonce");
    EXPECT_EQ(member_of([](KeyBinding &b) { b.key.reset(); }), "key");
    EXPECT_EQ(member_of([](KeyBinding &b) { b.key->clear(); }), "key");
    EXPECT_EQ(member_of([](KeyBinding &b) { b.key->resize(max_bound_key); }), "");
    EXPECT_EQ(member_of([](KeyBinding &b) { b.key->resize(max_bound_key + 1); }), "key");
    EXPECT_EQ(member_of([](KeyBinding &b) { b.tls_exporter = Bytes(32); }), "key");
    EXPECT_EQ(member_of([](KeyBinding &b) { b.role.reset(); }), "");
    const auto exporter = [](std::size_t size) { return [size](KeyBinding &b) { b.key.reset(), b.tls_exporter = Bytes(size); }; };
    EXPECT_EQ(member_of(exporter(31)), "tlsExporter");
    EXPECT_EQ(member_of(exporter(32)), "");
    EXPECT_EQ(member_of(exporter(65)), "tlsExporter");
    EXPECT_EQ(member_of([&](KeyBinding &b) { exporter(32)(b), b.role.reset(); }), "role") << "both sides know the value";
}

TEST(PublicKeyFile, IsPemWithAnyTextAroundItOrDer) {
    const auto key = some_key();
    EXPECT_EQ(parse_public_key(key.der).value(), key.der);
    EXPECT_EQ(parse_public_key(as_bytes(key.pem)).value(), key.der);
    EXPECT_EQ(parse_public_key(as_bytes("the agent's key\n" + key.pem + "until March\n")).value(), key.der);
}

TEST(PublicKeyFile, ThatIsNoneOrNotOneIsRefused) {
    const auto key = some_key();
    const auto refused = [](const std::string &file) {
        const auto parsed = parse_public_key(as_bytes(file));
        return parsed ? std::string("a key") : parsed.error().message;
    };
    EXPECT_THAT(refused(""), HasSubstr("no public key"));
    EXPECT_THAT(refused("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), HasSubstr("no public key"));
    EXPECT_THAT(refused(key.pem + key.pem), HasSubstr("2 public keys"));
    EXPECT_THAT(refused("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), HasSubstr("no SubjectPublicKeyInfo"));
    EXPECT_THAT(refused("-----BEGIN PUBLIC KEY-----\nAAAA\n"), HasSubstr("has no end"));
    const std::string der(key.der.begin(), key.der.end());
    EXPECT_THAT(refused(der + '\0'), HasSubstr("no public key"));
    EXPECT_THAT(refused(der.substr(1)), HasSubstr("no public key"));
}

class BoundKeyTest : public MachineTest {
protected:
    void SetUp() override {
        MachineTest::SetUp();
        sign(bound);
        options.bound = bound;
    }
    void sign(const BoundTo &to) { platform.body.report_data = bound_report_data(to).value(); }
    // The reason, of what is refused by nothing but this.
    std::string refusal() {
        const auto verdict = verify(evidence(), options);
        EXPECT_THAT(refusing(verdict), ElementsAre("report_data", "bound_key")) << reasons(verdict);
        return reason_of(verdict, bound_key);
    }

    BoundTo bound = some_binding();
};

TEST_F(BoundKeyTest, IsVerifiedWithItsNonceRoleAndUser) {
    const auto verdict = verify(evidence(), options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    EXPECT_EQ(result_of(verdict, bound_key), Judgement::holds);
    EXPECT_EQ(result_of(verdict, report_data), Judgement::holds);
    EXPECT_THAT(reason_of(verdict, bound_key), HasSubstr("asked for by uid 1000"));
}

TEST_F(BoundKeyTest, IsNoStatementWhereNobodyAsksForIt) {
    options.bound.reset();
    EXPECT_EQ(verify(evidence(), options).find(bound_key), nullptr);
}

TEST_F(BoundKeyTest, ThatWasSubstitutedRelayedOrReflectedFailsItsOwnStatement) {
    options.bound->binding.key->back() ^= 1;
    EXPECT_THAT(refusal(), HasSubstr("another key or connection, nonce or role"));
    options.bound = bound;
    options.bound->binding.nonce.back() ^= 1;
    EXPECT_THAT(refusal(), HasSubstr("another key or connection, nonce or role"));
    options.bound = bound;
    options.bound->uid = 0;
    EXPECT_THAT(refusal(), HasSubstr("not for uid 0"));
    options.bound = bound;
    options.bound->binding.role = AttesterRole::client;
    EXPECT_THAT(refusal(), HasSubstr("made for the attester as server"));
    options.bound = bound;
    platform.body.report_data = {1, 2, 3};
    EXPECT_THAT(refusal(), HasSubstr("whoever asked for the quote chose what it is over"));
}

TEST_F(BoundKeyTest, OfAConnectionIsReflectedToNobody) {
    bound.binding.key.reset();
    bound.binding.tls_exporter = Bytes(32, 9);
    sign(bound);
    options.bound = bound;
    EXPECT_TRUE(verify(evidence(), options).verified());
    options.bound->binding.role = AttesterRole::client;
    EXPECT_THAT(refusal(), HasSubstr("made for the attester as server"));
    // The same bytes as a key.
    options.bound->binding = {.nonce = bound.binding.nonce, .key = Bytes(32, 9), .role = AttesterRole::server};
    EXPECT_THAT(refusal(), HasSubstr("another key or connection"));
}

TEST_F(BoundKeyTest, IsNoNonceAndNoNonceIsABinding) {
    options.bound.reset();
    options.report_data = bound.binding.nonce;
    const auto verdict = verify(evidence(), options);
    EXPECT_THAT(refusing(verdict), ElementsAre("report_data"));
    EXPECT_THAT(reason_of(verdict, report_data), HasSubstr("binds a key, which has to be expected by itself"));
    options.bound = bound;
    EXPECT_THAT(refusal(), HasSubstr("expect one of them"));
    options.report_data.reset();
    options.bound->binding.nonce.clear();
    EXPECT_THAT(refusal(), HasSubstr("nonce: "));
}

}  // namespace
}  // namespace mr
