// Which providers a call for evidence means, and what there may be of them; what comes of it: tests/integration/parts_test.cpp.
#include "mrd/interfaces/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "mr/evidence.h"
#include "mrd/interfaces/attestation.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/session_client.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Its quotes wait until they are stopped.
class QuotingProvider final : public Provider, RegisterDriver, Quoter {
public:
    QuotingProvider(std::string name, std::vector<RegisterSpec> registers) : name_(std::move(name)), registers_(std::move(registers)) {}

    [[nodiscard]] std::string_view name() const override { return name_; }
    [[nodiscard]] std::string_view kind() const override { return "fake"; }
    [[nodiscard]] bool simulated() const override { return true; }
    [[nodiscard]] bool may_wait() const override { return false; }
    RegisterDriver *registers() override { return registers_.empty() ? nullptr : this; }
    Quoter *quoter() override { return this; }

private:
    [[nodiscard]] const std::vector<RegisterSpec> &list() const override { return registers_; }
    [[nodiscard]] RegisterAbilities abilities() const override { return {.refresh = true, .extend = true}; }
    std::expected<void, ProviderError> refresh(RefreshSet, std::vector<mr::Bytes> &values) override {
        for (auto &value : values) value.assign(48, 0);
        return {};
    }
    std::expected<void, ProviderError> extend(RegisterIndex, const mr::Digest &) override { return {}; }
    std::expected<void, ProviderError> write(RegisterIndex, mr::ByteView) override { return {}; }
    [[nodiscard]] ReportDataSize report_data_size() const override { return {.least = 32, .most = 32}; }
    std::expected<Quoted, QuoteFailure> quote(mr::ByteView, const mr::ReportOptions &, const std::stop_token &stop) override {
        std::unique_lock lock(mutex_);
        stopped_.wait(lock, stop, [] { return false; });
        return std::unexpected(QuoteFailure{QuoteFailure::Cause::cancelled, {}});
    }

    std::string name_;
    std::vector<RegisterSpec> registers_;
    std::mutex mutex_;
    std::condition_variable_any stopped_;
};

class EvidenceInterfaceTest : public ::testing::Test {
protected:
    void add(const std::string &name, std::size_t registers = 0) {
        std::vector<RegisterSpec> specs;
        for (std::size_t i = 0; i < registers; ++i) specs.push_back(fake_register("r" + std::to_string(i), "XWRL"));
        ASSERT_TRUE(daemon_.add(std::make_unique<QuotingProvider>(name, specs), specs));
    }
    void add_fake(const std::string &name) {
        const std::vector<RegisterSpec> specs{fake_register("r0", "XWRL")};
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, name, specs, false), specs));
    }
    // The error; empty where it waits for quotes.
    std::string asked_for(const std::string &providers) {
        if (!service_) {
            EXPECT_TRUE(daemon_.start_journal());
            service_ = std::make_unique<varlink::Service>(varlink::ServiceInfo{});
            service_->add(attestation_interface(daemon_));
        }
        SessionClient client(*service_);
        const auto data = R"({"reportData":")" + std::string(128, '7') + "\"";
        auto error = client.call("io.mrd.Attestation.Evidence", data + (providers.empty() ? "" : R"(,"providers":)" + providers) + "}");
        client.close();
        return error;
    }

    FakeHardware hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    std::unique_ptr<varlink::Service> service_;
};

TEST_F(EvidenceInterfaceTest, WithoutAProviderThatMakesQuotesThereIsNone) {
    add_fake("fake");
    EXPECT_THAT(asked_for(""), AllOf(HasSubstr("NoSuchProvider"), HasSubstr(R"("candidates":[])")));
    EXPECT_THAT(asked_for(R"(["fake"])"), AllOf(HasSubstr("NotSupported"), HasSubstr("fake"), HasSubstr("quotes")));
}

TEST_F(EvidenceInterfaceTest, WithoutNamesItIsOfAllThatMakeQuotesIfThereAreNoMorePartsThanEvidenceMayHave) {
    add_fake("fake");
    for (std::size_t i = 0; i < mr::max_evidence_parts; ++i) add("q" + std::to_string(i));
    EXPECT_THAT(asked_for(""), IsEmpty());
}

TEST_F(EvidenceInterfaceTest, WhereThereAreMoreTheyAreToBeNamed) {
    for (std::size_t i = 0; i <= mr::max_evidence_parts; ++i) add("q" + std::to_string(i));
    EXPECT_THAT(asked_for(""), AllOf(HasSubstr("NoSuchProvider"), HasSubstr(R"("q0")"), HasSubstr(R"("q16")")));
    EXPECT_THAT(asked_for(R"(["q16","q0"])"), IsEmpty());
}

TEST_F(EvidenceInterfaceTest, ItHasNoMoreRegistersThanAReaderTakes) {
    add("large", mr::max_evidence_registers);
    add("small", 1);
    EXPECT_THAT(asked_for(R"(["large"])"), IsEmpty());
    EXPECT_THAT(asked_for(""), AllOf(HasSubstr("NotSupported"), HasSubstr("256 registers"), HasSubstr("fewer providers")));
    EXPECT_THAT(asked_for(R"(["small"])"), IsEmpty());
}

}  // namespace
}  // namespace mrd
