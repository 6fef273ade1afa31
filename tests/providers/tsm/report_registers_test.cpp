#include "mrd/providers/tsm/report_registers.h"

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>

#include "tests/providers/tsm/reports.h"

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

std::unique_ptr<ReportRegisters> registers_of(std::string_view kind, std::function<Made(mr::ByteView)> make) {
    return ReportRegisters::of(kind, std::make_unique<FakeQuoter>(std::move(make)));
}

std::vector<std::string> described(const ReportRegisters &registers) {
    std::vector<std::string> texts;
    for (const auto &spec : registers.list()) {
        texts.push_back(spec.name + " " + spec.flags.to_string() + " " + std::to_string(spec.size) + " " +
                        std::string(spec.hash            ? mr::to_string(*spec.hash)
                                    : spec.hash_by_value ? "?"
                                                         : "-") +
                        " " + std::string(mr::to_string(spec.owner)));
    }
    return texts;
}

TEST(ReportRegisters, OfSnpAreReadAndNeverChange) {
    auto registers = registers_of("snp", [](mr::ByteView data) -> Made { return snp_report(data); });
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
    auto registers = registers_of("cca", [&](mr::ByteView data) -> Made { return cca_token(platform, data, rem0); });
    EXPECT_THAT(described(*registers),
                ElementsAre("rim R 64 ? owned", "rem0 RL 64 ? observed", "rem1 RL 64 ? observed", "rem2 RL 64 ? observed",
                            "rem3 RL 64 ? observed", "rpv R 64 - owned", "implementation_id R 32 - owned", "instance_id R 33 - owned"));
    std::vector<mr::Bytes> values(registers->list().size());
    rem0 = 9;
    ASSERT_TRUE(registers->refresh(0, values));
    EXPECT_EQ(values[1], mr::Bytes(32, 9));
    EXPECT_EQ(values[2], mr::Bytes(32));
}

// What a report says of them, in its order.
std::vector<std::string> said_by(std::string_view kind, const mr::Bytes &report) {
    std::vector<std::string> names;
    const auto claims = mr::find_tee(kind)->read(report).value();
    for (const auto &claimed : claims.registers) names.push_back(claimed.name);
    return names;
}
std::vector<std::string> names_of(const ReportRegisters &registers) {
    std::vector<std::string> names;
    for (const auto &spec : registers.list()) names.push_back(spec.name);
    return names;
}

TEST(ReportRegisters, AreThoseThatAVerdictKnows) {
    const auto none = [](mr::ByteView) -> Made { return mr::Bytes(); };
    EXPECT_EQ(names_of(*registers_of("snp", none)), said_by("snp", snp_report(mr::Bytes(64))));
    mr::TestCcaToken platform;
    EXPECT_EQ(names_of(*registers_of("cca", none)), said_by("cca", cca_token(platform, mr::Bytes(64), 0)));
    EXPECT_EQ(registers_of("sgx", none), nullptr);
}

TEST(ReportRegisters, NoReportIsAskedForBeforeTheFirstRefresh) {
    int asked = 0;
    auto registers = registers_of("snp", [&](mr::ByteView data) -> Made {
        ++asked;
        return snp_report(data);
    });
    registers->tell({});
    EXPECT_EQ(registers->list().size(), 7U);
    EXPECT_EQ(asked, 0);
    std::vector<mr::Bytes> values(registers->list().size());
    ASSERT_TRUE(registers->refresh(0, values));
    EXPECT_EQ(asked, 1);
}

TEST(ReportRegisters, AReportThatWasMadeBeforeIsNotTheOneThatWasAskedFor) {
    std::optional<mr::Bytes> first;
    auto registers = registers_of("snp", [&](mr::ByteView data) -> Made {
        if (!first) first = snp_report(data);
        return *first;
    });
    std::vector<mr::Bytes> values(registers->list().size());
    ASSERT_TRUE(registers->refresh(0, values));
    EXPECT_THAT(registers->refresh(0, values).error().reason, HasSubstr("not over the data"));
}

TEST(ReportRegisters, AReportThatFailsIsTheErrorOfTheRefreshAndTheyStay) {
    std::optional<QuoteFailure> failure = QuoteFailure{QuoteFailure::Cause::unavailable, "the host does not answer"};
    auto registers = registers_of("snp", [&](mr::ByteView data) -> Made {
        if (failure) return std::unexpected(*failure);
        return snp_report(data);
    });
    int told = 0;
    registers->tell({.registers = [&](const RegistersNow &) { ++told; }});
    std::vector<mr::Bytes> values(registers->list().size());
    EXPECT_EQ(registers->refresh(0, values).error().reason, "the host does not answer");
    failure.reset();
    EXPECT_TRUE(registers->refresh(0, values));
    EXPECT_EQ(told, 0);
}

TEST(ReportRegisters, ThereAreNoneWhereTheFirstReportCannotBeRead) {
    // Of a version that is not known yet.
    const auto unreadable = [](mr::ByteView) -> Made { return mr::Bytes(1184); };
    std::vector<std::vector<bool>> told;
    const ProviderNews news{.registers = [&](const RegistersNow &now) { told.push_back(now.there); }};
    const std::vector<std::vector<bool>> none_once{std::vector<bool>(7, false)};
    auto registers = registers_of("snp", unreadable);
    registers->tell(news);
    std::vector<mr::Bytes> values(7);
    EXPECT_THAT(registers->refresh(0, values).error().reason, HasSubstr("version is 0"));
    EXPECT_FALSE(registers->refresh(0, values));
    EXPECT_EQ(told, none_once);
    // It may be known before anybody is there to be told.
    told.clear();
    registers = registers_of("snp", unreadable);
    EXPECT_FALSE(registers->refresh(0, values));
    registers->tell(news);
    EXPECT_EQ(told, none_once);
}

TEST(ReportRegisters, OneThatWasReadStaysWhateverALaterReportIs) {
    bool is_readable = true;
    auto registers = registers_of("snp", [&](mr::ByteView data) -> Made { return is_readable ? snp_report(data) : mr::Bytes(1184); });
    int told = 0;
    registers->tell({.registers = [&](const RegistersNow &) { ++told; }});
    std::vector<mr::Bytes> values(registers->list().size());
    ASSERT_TRUE(registers->refresh(0, values));
    is_readable = false;
    EXPECT_FALSE(registers->refresh(0, values));
    EXPECT_EQ(told, 0);
}

TEST(ReportRegisters, NothingExtendsOrWritesThem) {
    auto registers = registers_of("snp", [](mr::ByteView data) -> Made { return snp_report(data); });
    EXPECT_EQ(registers->extend(0, mr::Digest(mr::Bytes(48))).error().applied, Applied::no);
    EXPECT_EQ(registers->write(1, mr::Bytes(32)).error().applied, Applied::no);
    EXPECT_FALSE(registers->abilities().extend);
}

TEST(ReportRegisters, AQuoteSaysThoseAloneThatAreExtended) {
    mr::TestCcaToken platform;
    const auto token = cca_token(platform, mr::Bytes(64, 1), 9);
    auto registers = registers_of("cca", [&](mr::ByteView data) -> Made { return cca_token(platform, data, 0); });
    const auto said = registers_said("cca", token, registers->list());
    ASSERT_EQ(said.size(), 4U);
    EXPECT_EQ(said[0].index, 1U);
    EXPECT_EQ(said[0].value, mr::Digest(mr::Bytes(32, 9)));
    EXPECT_THAT(registers_said("snp", snp_report(mr::Bytes(64)), registers->list()), IsEmpty());
    EXPECT_THAT(registers_said("cca", mr::Bytes(10), registers->list()), IsEmpty());
}

}  // namespace
}  // namespace mrd::tsm
