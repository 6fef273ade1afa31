#include "mrd/providers/tsm/report_registers.h"

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>

#include "mr/snp_report.h"
#include "tests/attestation/tee/cca/test_token.h"

namespace mrd::tsm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Made = std::expected<mr::Bytes, QuoteFailure>;

// Gives what the test says.
class FakeQuoter final : public Quoter {
public:
    explicit FakeQuoter(std::function<Made(mr::ByteView)> make) : make_(std::move(make)) {}
    std::expected<Quoted, QuoteFailure> quote(mr::ByteView report_data, const mr::ReportOptions & /*options*/,
                                              const std::stop_token & /*stop*/) override {
        auto made = make_(report_data);
        if (!made) return std::unexpected(made.error());
        return Quoted{.quote = std::move(*made), .auxiliary = {}, .manifest = {}, .format = {}, .says = {}};
    }

private:
    std::function<Made(mr::ByteView)> make_;
};

std::expected<std::unique_ptr<ReportRegisters>, std::string> opened(std::string_view kind, std::function<Made(mr::ByteView)> make) {
    return ReportRegisters::open(kind, std::make_unique<FakeQuoter>(std::move(make)));
}

mr::Bytes snp_report(mr::ByteView report_data, std::uint8_t measured = 1) {
    mr::SnpReport report;
    report.version = 3;
    report.signature_algorithm = mr::snp_ecdsa_p384_sha384;
    report.measurement.fill(measured);
    report.host_data.fill(2);
    std::ranges::copy(report_data, report.report_data.begin());
    return mr::encode_snp_report(report);
}

// With this in REM0.
mr::Bytes cca_token(mr::TestCcaToken &platform, mr::ByteView challenge, std::uint8_t rem0) {
    using namespace mr::cca_test;  // NOLINT(google-build-using-namespace)
    set(platform.realm, 10, bytes(challenge));
    set(platform.realm, 44239, array({bytes(mr::Bytes(32, rem0)), bytes(mr::Bytes(32)), bytes(mr::Bytes(32)), bytes(mr::Bytes(32))}));
    return platform.encode();
}

std::vector<std::string> described(const ReportRegisters &registers) {
    std::vector<std::string> texts;
    for (const auto &spec : registers.list()) {
        texts.push_back(spec.name + " " + spec.flags.to_string() + " " + std::to_string(spec.size) + " " +
                        std::string(spec.hash ? mr::to_string(*spec.hash) : "-") + " " + std::string(mr::to_string(spec.owner)));
    }
    return texts;
}

TEST(ReportRegisters, OfSnpAreReadAndNeverChange) {
    auto registers = opened("snp", [](mr::ByteView data) -> Made { return snp_report(data); }).value();
    EXPECT_THAT(described(*registers),
                ElementsAre("measurement R 48 sha384 owned", "host_data R 32 - owned", "id_key_digest R 48 - owned",
                            "author_key_digest R 48 - owned", "family_id R 16 - owned", "image_id R 16 - owned", "report_id R 32 - owned"));
    std::vector<mr::Bytes> values(registers->list().size());
    ASSERT_TRUE(registers->refresh(0, values));
    EXPECT_EQ(values[0], mr::Bytes(48, 1));
    EXPECT_EQ(values[1], mr::Bytes(32, 2));
    EXPECT_EQ(values[6], mr::Bytes(32));
}

TEST(ReportRegisters, OfCcaAreLiveWhereTheRealmExtendsThem) {
    mr::TestCcaToken platform;
    std::uint8_t rem0 = 0;
    auto registers = opened("cca", [&](mr::ByteView data) -> Made { return cca_token(platform, data, rem0); }).value();
    EXPECT_THAT(described(*registers), ElementsAre("rim R 32 sha256 owned", "rem0 RL 32 sha256 observed", "rem1 RL 32 sha256 observed",
                                                   "rem2 RL 32 sha256 observed", "rem3 RL 32 sha256 observed", "rpv R 64 - owned",
                                                   "implementation_id R 32 - owned", "instance_id R 33 - owned"));
    std::vector<mr::Bytes> values(registers->list().size());
    rem0 = 9;
    ASSERT_TRUE(registers->refresh(0, values));
    EXPECT_EQ(values[1], mr::Bytes(32, 9));
    EXPECT_EQ(values[2], mr::Bytes(32));
}

TEST(ReportRegisters, AReportThatWasMadeBeforeIsNotTheOneThatWasAskedFor) {
    std::optional<mr::Bytes> first;
    auto registers = opened("snp", [&](mr::ByteView data) -> Made {
                         if (!first) first = snp_report(data);
                         return *first;
                     }).value();
    std::vector<mr::Bytes> values(registers->list().size());
    EXPECT_THAT(registers->refresh(0, values).error().reason, HasSubstr("not over the data"));
}

TEST(ReportRegisters, ThatCannotBeReadAreAnErrorOfTheRefresh) {
    std::optional<QuoteFailure> failure;
    auto registers = opened("snp", [&](mr::ByteView data) -> Made {
                         if (failure) return std::unexpected(*failure);
                         return snp_report(data);
                     }).value();
    failure = QuoteFailure{QuoteFailure::Cause::unavailable, "the host does not answer"};
    std::vector<mr::Bytes> values(registers->list().size());
    EXPECT_EQ(registers->refresh(0, values).error().reason, "the host does not answer");
}

TEST(ReportRegisters, ThereAreNoneWithoutAReportThatCanBeRead) {
    EXPECT_THAT(opened("snp", [](mr::ByteView) -> Made { return mr::Bytes(1184); }).error(), HasSubstr("version is 0"));
    EXPECT_EQ(
        opened("snp", [](mr::ByteView) -> Made { return std::unexpected(QuoteFailure{QuoteFailure::Cause::failed, "refused"}); }).error(),
        "refused");
    EXPECT_THAT(opened("sgx", [](mr::ByteView) -> Made { return mr::Bytes(); }).error(), HasSubstr("sgx"));
}

TEST(ReportRegisters, NothingExtendsOrWritesThem) {
    auto registers = opened("snp", [](mr::ByteView data) -> Made { return snp_report(data); }).value();
    EXPECT_EQ(registers->extend(0, mr::Digest(mr::Bytes(48))).error().applied, Applied::no);
    EXPECT_EQ(registers->write(1, mr::Bytes(32)).error().applied, Applied::no);
    EXPECT_FALSE(registers->abilities().extend);
}

TEST(ReportRegisters, AQuoteSaysThoseAloneThatAreExtended) {
    mr::TestCcaToken platform;
    const auto token = cca_token(platform, mr::Bytes(64, 1), 9);
    auto registers = opened("cca", [&](mr::ByteView data) -> Made { return cca_token(platform, data, 0); }).value();
    const auto said = registers_said("cca", token, registers->list());
    ASSERT_EQ(said.size(), 4U);
    EXPECT_EQ(said[0].index, 1U);
    EXPECT_EQ(said[0].value, mr::Digest(mr::Bytes(32, 9)));
    EXPECT_THAT(registers_said("snp", snp_report(mr::Bytes(64)), registers->list()), IsEmpty());
    EXPECT_THAT(registers_said("cca", mr::Bytes(10), registers->list()), IsEmpty());
}

}  // namespace
}  // namespace mrd::tsm
