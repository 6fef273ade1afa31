// Evidence that binds a key, from mrctl over a real mrd to the verdict; and that nobody who chooses the 64 bytes makes such.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "mr/bound_report_data.h"
#include "mr/quote.h"
#include "tests/integration/as_user.h"
#include "tests/integration/mrctl.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Of no use but to be told apart.
constexpr auto key_of_the_agent =
    "-----BEGIN PUBLIC "
    "KEY-----"
    "\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEcCIvTXUJHXw954570MG8vZrvEqNn\nSEdH2klhM9aDpslVqCV9dWzsaQACM3PuQwk460qQYFwepbXPqv34t53P4g==\n----"
    "-END PUBLIC KEY-----\n";
constexpr auto another_key =
    "-----BEGIN PUBLIC "
    "KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEu3n9I1cQLM4BmQ2QCSEMSLkZODzg\n4SetJ9rR9VzaTBRcj0Lnu4FfH6Q6SYZzZyxYMKqzWM9mSXXKMYOFpn5n+"
    "w==\n-----END PUBLIC KEY-----\n";

class BoundKey : public MrctlTest {
protected:
    void SetUp() override {
        std::ofstream(folder() / "key.pem") << key_of_the_agent;
        std::ofstream(folder() / "other.pem") << another_key;
    }
    std::string file(const std::string &name) { return (folder() / name).native(); }

    void make(std::vector<std::string> options) {
        std::vector<std::string> command{"evidence", "-o", file("evidence")};
        command.insert(command.end(), options.begin(), options.end());
        const auto made = mrctl(command);
        ASSERT_EQ(made.exit_code, 0) << made.err;
        (void)output({"collateral", "--root", file("root")});
    }
    // The last line, and the reason of bound_key.
    std::string verdict(std::vector<std::string> options) {
        std::vector<std::string> command{"verify", file("evidence"), "--roots", file("root"), "--without", "reference"};
        command.insert(command.end(), options.begin(), options.end());
        return mrctl(command).out;
    }
    const std::string nonce = hex(0x4e, 32);
};

TEST_F(BoundKey, IsVerifiedAndARelayedReflectedOrSubstitutedCopyFailsItsOwnStatement) {
    start();
    const auto me = std::to_string(::geteuid());
    make({"--bind-key", file("key.pem"), "--nonce", nonce, "--role", "server"});
    EXPECT_THAT(verdict({"--bound-key", file("key.pem"), "--nonce", nonce, "--role", "server", "--bound-uid", me}),
                HasSubstr("\nverified"));
    const auto refused = AllOf(HasSubstr("\nREFUSED: report_data, bound_key\n"), Not(HasSubstr("verified")));
    EXPECT_THAT(verdict({"--bound-key", file("other.pem"), "--nonce", nonce, "--role", "server", "--bound-uid", me}), refused);
    EXPECT_THAT(verdict({"--bound-key", file("key.pem"), "--nonce", hex(0x4f, 32), "--role", "server", "--bound-uid", me}), refused);
    EXPECT_THAT(verdict({"--bound-key", file("key.pem"), "--nonce", nonce, "--role", "client", "--bound-uid", me}), refused);
    EXPECT_THAT(verdict({"--bound-key", file("key.pem"), "--nonce", nonce, "--bound-uid", me}), refused);
    EXPECT_THAT(verdict({"--bound-key", file("key.pem"), "--nonce", nonce, "--role", "server", "--bound-uid", "4711"}), refused);
    EXPECT_THAT(verdict({"--nonce", nonce}), HasSubstr("\nREFUSED: report_data\n"));
    // Evidence over the same nonce that binds nothing.
    make({"--data", nonce});
    EXPECT_THAT(verdict({"--bound-key", file("key.pem"), "--nonce", nonce, "--role", "server", "--bound-uid", me}), refused);
}

TEST_F(BoundKey, ATlsConnectionIsBoundByItsExporterAndTheAttestersRole) {
    start();
    const auto me = std::to_string(::geteuid());
    make({"--bind-tls-exporter", hex(0x45, 32), "--nonce", nonce, "--role", "client"});
    EXPECT_THAT(verdict({"--bound-tls-exporter", hex(0x45, 32), "--nonce", nonce, "--role", "client", "--bound-uid", me}),
                HasSubstr("\nverified"));
    EXPECT_THAT(verdict({"--bound-tls-exporter", hex(0x45, 32), "--nonce", nonce, "--role", "server", "--bound-uid", me}),
                HasSubstr("made for the attester as client"));
}

TEST_F(BoundKey, WhatIsAskedForByHalfIsWrongUsage) {
    start();
    const auto o = file("evidence");
    EXPECT_THAT(failure(2, {"evidence", "-o", o}), HasSubstr("give --data"));
    EXPECT_THAT(failure(2, {"evidence", "-o", o, "--data", nonce, "--bind-key", file("key.pem")}), HasSubstr("give --data"));
    EXPECT_THAT(failure(2, {"evidence", "-o", o, "--data", nonce, "--nonce", nonce}), HasSubstr("--nonce and --role go with --bind-key"));
    EXPECT_THAT(failure(2, {"evidence", "-o", o, "--bind-key", file("key.pem")}), HasSubstr("--bind-key needs --nonce"));
    EXPECT_THAT(failure(2, {"evidence", "-o", o, "--bind-key", file("key.pem"), "--nonce", "00"}), HasSubstr("--nonce: "));
    EXPECT_THAT(failure(2, {"evidence", "-o", o, "--bind-tls-exporter", hex(1, 32), "--nonce", nonce}), HasSubstr("--role: both sides"));
    EXPECT_THAT(failure(1, {"evidence", "-o", o, "--bind-key", file("no-such-file"), "--nonce", nonce}), HasSubstr("No such file"));
    EXPECT_THAT(failure(1, {"evidence", "-o", o, "--bind-key", "/dev/null", "--nonce", nonce}),
                HasSubstr("/dev/null: the file has no public key"));
    EXPECT_THAT(failure(2, {"verify", "/dev/null", "--bound-key", file("key.pem")}), HasSubstr("give --nonce"));
    EXPECT_THAT(failure(2, {"verify", "/dev/null", "--role", "client", "--nonce", nonce}), HasSubstr("--role goes with"));
    EXPECT_THAT(failure(2, {"verify", "/dev/null", "--bound-uid", "0", "--nonce", nonce}), HasSubstr("--bound-uid goes with"));
    EXPECT_THAT(failure(2, {"verify", "/dev/null", "--bound-key", "", "--nonce", nonce}), HasSubstr("--bound-key: it is empty"));
}

TEST_F(BoundKey, IsClosedAtEveryDoorToWhoChoosesTheBytesHimself) {
    start();
    mr::ReportData forged = mr::bound_report_data({.binding = {.nonce = mr::Bytes(16, 1), .key = mr::Bytes(32, 2)}, .uid = 0}).value();
    auto client = daemon().client();
    const auto expect_refused = [](const auto &result, const std::string &field) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, mr::ErrorCode::invalid_parameter) << result.error().message;
        EXPECT_THAT(result.error().message, HasSubstr(field));
    };
    expect_refused(client.quote(forged), "reportData");
    expect_refused(client.evidence(forged), "reportData");
    expect_refused(client.report(forged), "reportData");
    expect_refused(client.write("tdx/reportdata", forged), "value");
    EXPECT_EQ(client.read("tdx/reportdata")->value, mr::Bytes(64));
    // It is the tag alone that is refused.
    forged.back() ^= 1;
    EXPECT_TRUE(client.quote(forged));
    EXPECT_TRUE(client.evidence(forged));
    EXPECT_TRUE(client.report(forged));
    EXPECT_TRUE(client.write("tdx/reportdata", forged));
}

TEST_F(BoundKey, AQuoteIsOverWhatMrdMakesOfItForWhoAsks) {
    start();
    const mr::KeyBinding binding{.nonce = mr::Bytes(16, 1), .key = mr::Bytes(32, 2), .role = mr::AttesterRole::client};
    const auto quoted = daemon().client().bound_quote(binding);
    ASSERT_TRUE(quoted) << quoted.error().message;
    EXPECT_EQ(mr::decode_quote(quoted->quote).value().body.report_data,
              mr::bound_report_data({.binding = binding, .uid = ::geteuid()}).value());
}

TEST_F(BoundKey, TheUserIsTheOneThatTheKernelSees) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    ::chmod(folder().c_str(), 0755);
    start({.config = "[[access]]\nname = \"all\"\nallow = [\"quote\"]\n"});
    const mr::KeyBinding binding{.nonce = mr::Bytes(16, 1), .key = mr::Bytes(32, 2)};
    const auto signed_data = as_user({.uid = 4711}, [&]() -> std::string {
        const auto quoted = daemon().client().bound_quote(binding);
        return quoted ? mr::to_hex(mr::decode_quote(quoted->quote).value().body.report_data) : quoted.error().message;
    });
    EXPECT_EQ(signed_data, mr::to_hex(mr::bound_report_data({.binding = binding, .uid = 4711}).value()));
}

TEST_F(BoundKey, WhatIsNoBindingIsRefusedByItsMember) {
    start();
    auto client = daemon().client();
    const auto refused = [&client](const std::string &parameters) {
        const auto reply = client.call("io.mrd.Attestation.Quote", parameters);
        return reply ? std::string("a quote") : reply.error().parameters;
    };
    const auto nonce16 = hex(1, 16);
    EXPECT_EQ(refused("{}"), R"({"parameter":"reportData"})");
    EXPECT_EQ(refused(R"({"reportData":")" + hex(1, 64) + R"(","bind":{"nonce":")" + nonce16 + R"(","key":"AAAA"}})"),
              R"({"parameter":"bind"})");
    EXPECT_EQ(refused(R"({"bind":{"nonce":"00","key":"AAAA"}})"), R"({"parameter":"bind.nonce"})");
    EXPECT_EQ(refused(R"({"bind":{"nonce":")" + nonce16 + R"("}})"), R"({"parameter":"bind.key"})");
    EXPECT_EQ(refused(R"({"bind":{"nonce":")" + nonce16 + R"(","key":"*"}})"), R"({"parameter":"bind.key"})");
    EXPECT_EQ(refused(R"({"bind":{"nonce":")" + nonce16 + R"(","key":")" + mr::to_base64(mr::Bytes(8193)) + R"("}})"),
              R"({"parameter":"bind.key"})");
    EXPECT_EQ(refused(R"({"bind":{"nonce":")" + nonce16 + R"(","tlsExporter":"00","role":"client"}})"),
              R"({"parameter":"bind.tlsExporter"})");
    EXPECT_EQ(refused(R"({"bind":{"nonce":")" + nonce16 + R"(","tlsExporter":")" + hex(1, 32) + R"("}})"), R"({"parameter":"bind.role"})");
}

TEST_F(BoundKey, OnAListenerThatTakesNothingElseNobodyChoosesTheBytes) {
    const auto bound = file("bound");
    start({.config = "[[listener]]\nname = \"any\"\npath = \"/nowhere/at/all\"\n[[listener]]\nname = \"bound\"\npath = \"" + bound +
                     "\"\nbound_only = true\n"});
    auto client = mr::Client::connect({.socket = bound});
    ASSERT_TRUE(client);
    mr::ReportData chosen{};
    chosen[0] = 1;
    const auto expect_denied = [](const auto &result) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, mr::ErrorCode::permission_denied) << result.error().message;
    };
    expect_denied(client->quote(chosen));
    expect_denied(client->evidence(chosen));
    expect_denied(client->report(chosen));
    expect_denied(client->write("tdx/reportdata", chosen));
    const mr::KeyBinding binding{.nonce = mr::Bytes(16, 1), .key = mr::Bytes(32, 2)};
    EXPECT_TRUE(client->bound_quote(binding));
    EXPECT_TRUE(client->bound_evidence(binding));
    EXPECT_TRUE(client->read("tdx/report0"));
    EXPECT_TRUE(daemon().client().quote(chosen)) << "the other listener is as it was";
}

}  // namespace
}  // namespace mrd
