#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "mr/file.h"
#include "mr/quote.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd::sim {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Quoting {
    int exit_code = -1;
    std::string errors;
};

Quoting run_quote(const std::string &arguments) {
    Quoting result;
    FILE *pipe = ::popen((std::string(MRD_SIM_QUOTE " ") + arguments + " 2>&1 >/dev/null").c_str(), "r");
    if (pipe == nullptr) return result;
    for (int next = std::fgetc(pipe); next != EOF; next = std::fgetc(pipe)) result.errors += static_cast<char>(next);
    const int status = ::pclose(pipe);
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

const std::string report_data(128, 'b');

class MrdSimQuote : public ::testing::Test {
protected:
    [[nodiscard]] std::string at(const std::string &name) const { return (folder_.path() / name).native(); }
    TemporaryFolder folder_;
};

TEST_F(MrdSimQuote, MakesAQuoteInTheFormatThatIsNamedOverTheGivenReportData) {
    constexpr std::array formats{std::pair{"tdx_v4", 4}, std::pair{"tdx_v5_td10", 5}, std::pair{"tdx_v5_td15", 5}};
    for (const auto &[format, version] : formats) {
        const auto made = run_quote(at("") + " " + format + " " + report_data);
        EXPECT_EQ(made.exit_code, 0) << made.errors;
        const auto bytes = mr::read_file(at("quote.bin"), 1U << 20U);
        ASSERT_TRUE(bytes);
        const auto quote = mr::decode_quote(*bytes);
        ASSERT_TRUE(quote) << quote.error().message;
        EXPECT_EQ(quote->header.version, version) << format;
        EXPECT_EQ(mr::to_hex(quote->body.report_data), report_data);
        for (const auto *name : {"collateral.json", "root.der", "root.pem"}) EXPECT_TRUE(fs::exists(at(name))) << name;
    }
}

TEST_F(MrdSimQuote, WrongUsageIsTwoAndSaysHowItIsUsed) {
    for (const std::string &arguments : {std::string(), at(""), at("") + " tdx_v6", at("") + " tdx_v4 " + report_data + " more"}) {
        const auto refused = run_quote(arguments);
        EXPECT_EQ(refused.exit_code, 2) << arguments;
        EXPECT_THAT(refused.errors, StartsWith("usage: mrd-sim-quote FOLDER tdx_v4|tdx_v5_td10|tdx_v5_td15"));
    }
}

TEST_F(MrdSimQuote, NamesTheFolderTheFileOrTheArgumentThatIsWrong) {
    const auto refused = [](const std::string &arguments) {
        const auto result = run_quote(arguments);
        EXPECT_EQ(result.exit_code, 1) << result.errors;
        EXPECT_THAT(result.errors, StartsWith("mrd-sim-quote: "));
        return result.errors;
    };
    EXPECT_THAT(refused(at("missing") + " tdx_v4"), HasSubstr(at("missing") + " is not a folder: make it first"));
    std::ofstream(at("file")) << "x";
    EXPECT_THAT(refused(at("file") + " tdx_v4"), HasSubstr(at("file") + " is not a folder"));
    EXPECT_THAT(refused(at("") + " tdx_v4 " + report_data.substr(2)), HasSubstr("64 bytes in hexadecimal"));
    for (const auto *name : {"quote.bin", "collateral.json", "root.der", "root.pem"}) {
        ASSERT_EQ(::mkfifo(at(name).c_str(), 0600), 0);
        EXPECT_THAT(refused(at("") + " tdx_v4"), HasSubstr(at(name) + " is there and is not a regular file"));
        fs::remove(at(name));
    }
    std::ofstream(at("registers")) << "no registers";
    EXPECT_THAT(refused(at("") + " tdx_v4"), HasSubstr(at("registers")));
}

}  // namespace
}  // namespace mrd::sim
