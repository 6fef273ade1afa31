#include "mrd/registers/registers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "mrd/daemon/daemon.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RegisterSpec bank(std::string name, mr::HashAlgorithm hash) {
    auto spec = fake_register(std::move(name), "XWRL");
    spec.hash = hash;
    spec.size = mr::digest_size(hash);
    return spec;
}

class RegistersTest : public ::testing::Test {
protected:
    std::expected<void, std::string> add(const std::string &provider, const std::vector<RegisterSpec> &specs) {
        hardware_.push_back(std::make_unique<FakeHardware>());
        return daemon_.add(std::make_unique<FakeProvider>(*hardware_.back(), provider, specs, false), specs);
    }

    std::string found(std::string_view name) {
        const auto place = registers_.find(name);
        return place ? place->name() : "";
    }
    std::vector<std::string> candidates(std::string_view name) {
        const auto place = registers_.find(name);
        EXPECT_FALSE(place);
        const auto &error = std::get<NoSuchRegister>(place.error());
        EXPECT_EQ(error.name, name);
        return error.candidates;
    }

    std::vector<std::unique_ptr<FakeHardware>> hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    Registers &registers_ = daemon_.registers();
};

TEST_F(RegistersTest, OfALongNameThatNoRegisterHasTheErrorTakesNoMoreThanTheBeginning) {
    const auto place = registers_.find(std::string(1'000'000, 'x'));
    ASSERT_FALSE(place);
    EXPECT_EQ(std::get<NoSuchRegister>(place.error()).name, std::string(varlink::max_echoed, 'x') + "...");
}

TEST_F(RegistersTest, ARegisterIsFoundByItsWholeNameAndByItsShortOneWhereOnlyOneProviderHasIt) {
    ASSERT_TRUE(add("tdx", {fake_register("rtmr2", "XWRL"), fake_register("rtmr3", "XWRL")}));
    ASSERT_TRUE(add("virtual", {fake_register("tenant", "XRL")}));
    EXPECT_EQ(found("tdx/rtmr3"), "tdx/rtmr3");
    EXPECT_EQ(found("rtmr3"), "tdx/rtmr3");
    EXPECT_EQ(found("tdx/rtmr3:sha384"), "tdx/rtmr3");
    EXPECT_EQ(found("rtmr3:sha384"), "tdx/rtmr3");
    EXPECT_EQ(found("tenant"), "virtual/tenant");
}

TEST_F(RegistersTest, AnAmbiguousShortNameIsAnErrorThatListsTheCandidates) {
    ASSERT_TRUE(add("spdm0", {fake_register("block1", "R")}));
    ASSERT_TRUE(add("spdm1", {fake_register("block1", "R")}));
    EXPECT_THAT(candidates("block1"), ElementsAre("spdm0/block1", "spdm1/block1"));
    EXPECT_EQ(found("spdm1/block1"), "spdm1/block1");
}

TEST_F(RegistersTest, ARoleIsOneMoreNameOfTheRegisterThatHasIt) {
    auto boot = fake_register("rtmr2", "XWRL");
    auto app = fake_register("rtmr3", "XWRL");
    boot.roles = {"boot"};
    app.roles = {"app", "tenants"};
    ASSERT_TRUE(add("tdx", {boot, app}));
    EXPECT_EQ(found("boot"), "tdx/rtmr2");
    EXPECT_EQ(found("app"), "tdx/rtmr3");
    EXPECT_EQ(found("tenants"), "tdx/rtmr3");
    for (const auto *name : {"tdx/app", "app:sha384", "App"}) EXPECT_THAT(candidates(name), IsEmpty()) << name;
}

TEST_F(RegistersTest, ARoleThatNoRegisterHasIsAnErrorOfItsOwn) {
    ASSERT_TRUE(add("tdx", {fake_register("mrtd", "R")}));
    const auto role_without = [&](std::string_view name) {
        const auto place = registers_.find(name);
        EXPECT_FALSE(place);
        const auto *error = std::get_if<NoRegisterForRole>(&place.error());
        return error == nullptr ? "" : error->role;
    };
    EXPECT_EQ(role_without("app"), "app");
    EXPECT_THAT(candidates("tenants"), IsEmpty()) << "that is no role here";
    registers_.set_roles({{"tenants", "tpm/pcr14"}});
    EXPECT_EQ(role_without("tenants"), "tenants");
    auto later = fake_register("pcr14", "XWRL");
    later.roles = {"tenants"};
    ASSERT_TRUE(add("tpm", {later}));
    EXPECT_EQ(found("tenants"), "tpm/pcr14");
}

TEST_F(RegistersTest, ARoleThatSeveralRegistersHaveIsNeverGuessed) {
    auto spec = fake_register("rtmr3", "XWRL");
    spec.roles = {"app"};
    ASSERT_TRUE(add("tdx", {spec}));
    spec.name = "pcr14";
    ASSERT_TRUE(add("tpm", {spec}));
    ASSERT_TRUE(add("odd", {fake_register("boot", "R")}));
    EXPECT_THAT(candidates("app"), ElementsAre("tdx/rtmr3", "tpm/pcr14"));
    EXPECT_EQ(found("boot"), "odd/boot") << "a register's own name, as long as no other has that role";
}

TEST_F(RegistersTest, ARegisterWithSeveralBanksNeedsItsHash) {
    ASSERT_TRUE(add("tpm", {bank("pcr10", mr::HashAlgorithm::sha256), bank("pcr10", mr::HashAlgorithm::sha384)}));
    EXPECT_EQ(found("tpm/pcr10:sha256"), "tpm/pcr10:sha256");
    EXPECT_EQ(found("pcr10:sha384"), "tpm/pcr10:sha384");
    EXPECT_THAT(candidates("tpm/pcr10"), ElementsAre("tpm/pcr10:sha256", "tpm/pcr10:sha384"));
    EXPECT_THAT(candidates("pcr10"), ElementsAre("tpm/pcr10:sha256", "tpm/pcr10:sha384"));
    EXPECT_THAT(candidates("pcr10:sha512"), IsEmpty());
}

TEST_F(RegistersTest, AnUnknownNameAndABareIntegerAreNoRegister) {
    ASSERT_TRUE(add("tdx", {fake_register("rtmr3", "XWRL")}));
    for (const auto *name : {"", "3", "tdx/3", "tdx/", "/rtmr3", "tdx", "TDX/rtmr3", "tdx/rtmr3 ", "tdx//rtmr3", "tdx/rtmr3:"}) {
        EXPECT_THAT(candidates(name), IsEmpty()) << name;
    }
}

TEST_F(RegistersTest, TwoProvidersOfOneNameAreRefused) {
    ASSERT_TRUE(add("tdx", {fake_register("rtmr3", "XWRL")}));
    const auto again = add("tdx", {fake_register("rtmr2", "XWRL")});
    ASSERT_FALSE(again);
    EXPECT_THAT(again.error(), HasSubstr("\"tdx\""));
    EXPECT_THAT(registers_.provider_names(), ElementsAre("tdx"));
}

TEST_F(RegistersTest, ATableThatIsRefusedAddsNoProviderAndNoName) {
    ASSERT_FALSE(add("tdx", {fake_register("a", "R"), fake_register("a", "R")}));
    EXPECT_THAT(registers_.provider_names(), IsEmpty());
    EXPECT_THAT(candidates("a"), IsEmpty());
    EXPECT_FALSE(daemon_.simulated());
}

TEST_F(RegistersTest, GenerationsStartFromAValueOfTheirOwnBelowTwoToThe53) {
    const std::vector<RegisterSpec> specs{fake_register("reportdata", "WRF", 64)};
    ASSERT_TRUE(add("a", specs));
    ASSERT_TRUE(add("b", specs));
    const auto first = *registers_.find("a/reportdata")->table().generation(0);
    const auto second = *registers_.find("b/reportdata")->table().generation(0);
    EXPECT_NE(first, second);
    for (const auto generation : {first, second}) {
        EXPECT_GE(generation, 0);
        EXPECT_LT(generation, std::int64_t{1} << 52) << "so that 2^53 is out of reach";
    }
}

TEST_F(RegistersTest, OneSimulatedProviderMakesAllSimulated) {
    EXPECT_FALSE(daemon_.simulated());
    ASSERT_TRUE(add("tdx", {fake_register("rtmr3", "XWRL")}));
    EXPECT_TRUE(daemon_.simulated());
}

}  // namespace
}  // namespace mrd
