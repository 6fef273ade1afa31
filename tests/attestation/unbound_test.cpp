// Which registers a verdict says are unbound: all to which no signature under the root of the hardware's maker leads, whatever evidence says of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/attestation/policy_test.h"
#include "tests/attestation/tee/tdx/sample_quotes.h"
#include "tests/attestation/toy_machine.h"

namespace mr {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

// "PART/NAME", of those that are unbound, or of the others.
std::vector<std::string> registers_of(const Verdict &verdict, bool unbound) {
    std::vector<std::string> names;
    for (const auto &each : verdict.registers()) {
        if (each.unbound == unbound) names.push_back(each.part + "/" + each.name);
    }
    return names;
}
std::vector<std::string> unbound_of(const Verdict &verdict) { return registers_of(verdict, true); }
std::vector<std::string> bound_of(const Verdict &verdict) { return registers_of(verdict, false); }

class UnboundTest : public ToyTest {
protected:
    // Of the toy, with a log that has so many events more, in turn of so many registers that no quote has. `first`: behind the name of the first of these.
    Evidence with_others(std::size_t events, std::size_t others, const std::string &first = {}) {
        std::vector<OwnedEvent> all = toy_events;
        auto registers = declared();
        const auto zero = Digest::zero(HashAlgorithm::sha256);
        for (std::size_t i = 0; i < events; ++i) {
            const auto number = i % others;
            const auto name = "other/r" + std::to_string(number) + (number == 0 ? first : std::string());
            if (i < others) registers.push_back({name, HashAlgorithm::sha256, zero, zero});
            all.push_back(measured(name, "x", {HashAlgorithm::sha256}));
            all.back().sequence = all.size();
            all.back().origin = EventOrigin::service;
        }
        auto made = toy_evidence();
        made.log = bytes_of(json_log(all, registers));
        made.sequence = static_cast<std::int64_t>(all.size());
        return made;
    }
};

TEST_F(UnboundTest, IsEveryRegisterUnderARootThatIsNoHardwaresWhateverTheEvidenceSays) {
    auto made = both();
    for (const bool label : {true, false}) {
        for (auto &part : made.parts) part.simulated = label;
        const auto verdict = verify(made, options);
        EXPECT_THAT(unbound_of(verdict), IsSupersetOf({"tdx/mrtd", "tdx/rtmr0", "tdx/rtmr3", "toy0/boot", "toy0/ledger", "toy0/image"}));
        EXPECT_THAT(bound_of(verdict), IsEmpty());
    }
}

TEST_F(UnboundTest, IsNoRegisterThatTheMakersRootVouchesForAndAgainEachOfASignatureThatDoesNotHold) {
    tee_.is_hardware = true;
    const auto verdict = verify(both(), options);
    EXPECT_THAT(bound_of(verdict), ElementsAre("toy0/boot", "toy0/ledger", "toy0/image"));
    EXPECT_THAT(unbound_of(verdict), AllOf(Contains("tdx/rtmr3"), Each(StartsWith("tdx/"))));
    auto forged = both();
    forged.parts[1].quote.back() ^= 1;
    EXPECT_THAT(bound_of(verify(forged, options)), IsEmpty());
    // What else is wrong with it changes no signature.
    toy.debug = 1;
    EXPECT_THAT(bound_of(verify(both(), options)), ElementsAre("toy0/boot", "toy0/ledger", "toy0/image"));
}

TEST_F(UnboundTest, IsEachRegisterWhereALinkOfItsOwnKindFails) {
    tee_.is_hardware = true;
    tee_.has_good_key = true;
    EXPECT_THAT(bound_of(verify(toy_evidence(), options)), ElementsAre("toy0/boot", "toy0/ledger", "toy0/image"));
    tee_.has_good_key = false;
    EXPECT_THAT(bound_of(verify(toy_evidence(), options)), IsEmpty());
}

// Each kind has its own: of one that left one out, registers would be bound that anybody can have made.
TEST_F(UnboundTest, RestsOnTheLinksThatEachKnownKindNames) {
    std::map<std::string_view, std::vector<std::string_view>> links;
    for (const auto *tee : known_tees()) links[tee->kind()] = tee->links();
    EXPECT_THAT(links, UnorderedElementsAre(
                           testing::Pair("tdx", UnorderedElementsAre("qe_report_signature", "qe_identity", "tdx_module")),
                           testing::Pair("snp", UnorderedElementsAre("signing_key", "hardware_id")),
                           testing::Pair("cca", UnorderedElementsAre("token_profiles", "realm_key", "platform_signature", "realm_binding")),
                           // No root of all devices is known: they are unbound whatever they sign.
                           testing::Pair("spdm", IsEmpty())));
}

// Evidence of one provider has the log of all.
TEST_F(UnboundTest, IsWhatOnlyTheLogTellsOf) {
    tee_.is_hardware = true;
    auto made = both();
    made.parts.erase(made.parts.begin());
    made.registers.erase(made.registers.begin(), made.registers.begin() + 4);
    auto verdict = verify(made, options);
    EXPECT_TRUE(verdict.verified());
    EXPECT_THAT(unbound_of(verdict), ElementsAre("/tdx/rtmr0", "/tdx/rtmr3"));
    EXPECT_THAT(bound_of(verdict), ElementsAre("toy0/boot", "toy0/ledger", "toy0/image"));
    // A quote and a log by themselves.
    options.report_data.reset();
    const std::vector<ByteView> logs{made.log};
    verdict = verify(made.parts[0].quote, logs, options);
    EXPECT_THAT(unbound_of(verdict), ElementsAre("/tdx/rtmr0", "/tdx/rtmr3"));
    EXPECT_THAT(bound_of(verdict), ElementsAre("/boot", "/ledger", "/image"));
}

TEST_F(UnboundTest, AreNoMoreOfALogThanAreNamed) {
    constexpr std::size_t others = max_logged_registers + 10;
    const auto verdict = verify(with_others(others, others, std::string(10'000, 'x')), options);
    EXPECT_TRUE(verdict.verified());
    EXPECT_EQ(verdict.registers().size(), 3 + max_logged_registers);
    constexpr std::size_t most = 128 + 3;  // with its "..."
    for (const auto &each : verdict.registers()) EXPECT_LE(each.name.size(), most);
    EXPECT_TRUE(verdict.leaves_registers_out());
    EXPECT_THAT(write_verdict(verdict, 0), HasSubstr(R"("registersLeftOut":true)"));
}

TEST_F(UnboundTest, WhereEachIsNamedNoneIsLeftOut) {
    const auto verdict = verify(with_others(2 * max_logged_registers, max_logged_registers), options);
    EXPECT_EQ(verdict.registers().size(), 3 + max_logged_registers);
    EXPECT_FALSE(verdict.leaves_registers_out());
    EXPECT_THAT(write_verdict(verdict, 0), Not(HasSubstr("registersLeftOut")));
}

TEST_F(UnboundTest, IsNoRegisterThatIsSignedInAnotherBank) {
    tee_.is_hardware = true;
    auto made = toy_evidence();
    auto all = toy_events;
    all.push_back(measured("toy0/ledger", "in a bank that no quote has", {HashAlgorithm::sha256}));
    all.back().sequence = all.size();
    const auto log = bytes_of(json_log(all, declared()));
    options.report_data.reset();
    const std::vector<ByteView> logs{log};
    const auto verdict = verify(made.parts[0].quote, logs, options);
    EXPECT_THAT(unbound_of(verdict), IsEmpty());
    EXPECT_THAT(bound_of(verdict), Contains("/ledger"));
}

// On the toy's ledger: there an event is bound by its hash.
class VirtualUnboundTest : public ToyTest {
protected:
    void SetUp() override {
        ToyTest::SetUp();
        toy.ledger = ToyQuote::first_ledger();
        toy_events.resize(1);
        auto create = creating(1, "virtual/build");
        create.body.created->carrier = "toy0/ledger";
        extend_ledger(enveloped("toy0/ledger", create, {HashAlgorithm::sha512}));
        extend_ledger(enveloped("toy0/ledger", extending(1, "image", "image 7"), {HashAlgorithm::sha512}));
        options.reference.log_only_registers = {"ledger"};
        options.reference.virtual_registers = {{.name = "virtual/build"}};
    }
};

TEST_F(VirtualUnboundTest, IsWhatIsCarriedByARegisterThatIs) {
    EXPECT_THAT(refused_by(toy_evidence()), IsEmpty()) << reason_of(verify(toy_evidence(), options), virtual_registers);
    EXPECT_THAT(unbound_of(verify(toy_evidence(), options)), Contains("toy0/virtual/build"));
    tee_.is_hardware = true;
    EXPECT_THAT(bound_of(verify(toy_evidence(), options)), Contains("toy0/virtual/build"));
    // The same of one that only a rule names.
    options.reference.virtual_registers.clear();
    options.reference.required_events = {{.name = "image", .register_name = "virtual/build", .data = bytes_of("image 7")}};
    EXPECT_THAT(bound_of(verify(toy_evidence(), options)), Contains("toy0/virtual/build"));
}

TEST_F(VirtualUnboundTest, IsOneThatNothingProves) {
    tee_.is_hardware = true;
    // Anybody can extend a register that takes bare digests by such an event.
    options.reference.log_only_registers.clear();
    EXPECT_THAT(unbound_of(verify(toy_evidence(), options)), ElementsAre("/virtual/build"));
    options.reference.log_only_registers = {"ledger"};
    options.reference.virtual_registers = {{.name = "virtual/other"}};
    EXPECT_THAT(unbound_of(verify(toy_evidence(), options)), ElementsAre("toy0/virtual/other"));
    // Nor does a quote without its log.
    options.report_data.reset();
    EXPECT_THAT(unbound_of(verify(toy_evidence().parts[0].quote, {}, options)), ElementsAre("/virtual/other"));
}

class UnboundSampleTest : public MachineTest {};

TEST_F(UnboundSampleTest, IsNothingThatIntelsRootVouchesFor) {
    if (!have_samples()) GTEST_SKIP() << "skipped: no sample data beside the repository";
    auto quote = sample_bytes("quote/gcp-cos113/quote.bin");
    options.anchors.reset();
    EXPECT_THAT(unbound_of(verify(quote, {}, options)), IsEmpty());
    EXPECT_THAT(bound_of(verify(quote, {}, options)), Contains("/rtmr3"));
    // A byte of the body: the attestation key did not sign it. Of the enclave's report: the platform did not.
    for (const std::size_t at : {std::size_t{600}, std::size_t{48 + 584 + 4 + 128 + 6 + 10}}) {
        auto forged = quote;
        forged[at] ^= 1;
        EXPECT_THAT(bound_of(verify(forged, {}, options)), IsEmpty()) << at;
    }
}

}  // namespace
}  // namespace mr
