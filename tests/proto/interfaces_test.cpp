// The interface files themselves, as rules that all four IDL parsers in use demand.
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <string_view>

#include "proto/interfaces.h"
#include "proto/varlink/interfaces.h"

namespace {

constexpr std::string_view all[] = {varlink::interfaces::org_varlink_service, mrd::interfaces::io_mrd_Registers,
                                    mrd::interfaces::io_mrd_EventLog,         mrd::interfaces::io_mrd_Attestation,
                                    mrd::interfaces::io_mrd_Devices,          mrd::interfaces::io_mrd_Service};

std::string without_comments(std::string_view text) { return std::regex_replace(std::string(text), std::regex("#[^\n]*"), ""); }

// The first place where the pattern stands in an interface, or nothing.
std::string found(const std::string &pattern) {
    for (const auto text : all) {
        const auto code = without_comments(text);
        std::smatch match;
        if (std::regex_search(code, match, std::regex(pattern))) return match.str();
    }
    return "";
}

TEST(InterfaceFiles, HaveNoContainerDirectlyInsideAContainer) { EXPECT_EQ(found(R"(\[(string)?\]\??\[)"), ""); }

TEST(InterfaceFiles, HaveNoEnumOfOneValue) { EXPECT_EQ(found(R"((type\s+\w+|:\s*)\s*\(\s*\w+\s*\))"), ""); }

TEST(InterfaceFiles, HaveEnumValuesInLowerCaseWithUnderscores) {
    // Values stand without a type: between a parenthesis or comma and the next one.
    EXPECT_EQ(found(R"([(,]\s*[\w]*[A-Z-][\w-]*\s*[,)])"), "");
}

TEST(InterfaceFiles, HaveNoTrailingComma) { EXPECT_EQ(found(R"(,\s*\))"), ""); }

TEST(InterfaceFiles, HaveParenthesesAfterEachError) {
    for (const auto text : all) {
        const auto code = without_comments(text);
        const std::regex error(R"((^|\n)error\s+\w+\s*(.))");
        for (std::sregex_iterator at(code.begin(), code.end(), error), end; at != end; ++at) EXPECT_EQ(at->str(2), "(") << at->str();
    }
}

TEST(InterfaceFiles, HaveNoAnyType) { EXPECT_EQ(found(R"(:\s*\??(\[(string)?\])?\??any\b)"), ""); }

}  // namespace
