#include "mrd/evidence/quote_check.h"

#include <gtest/gtest.h>

namespace mrd {
namespace {

Quoted quote_that_says(mr::Bytes report_data) {
    return {.quote = {1}, .auxiliary = {}, .manifest = {}, .format = "some", .says = {std::move(report_data), {}}};
}

bool is_taken(const mr::Bytes &said, const mr::Bytes &asked) {
    const auto checked = check_quote(quote_that_says(said), asked);
    EXPECT_TRUE(checked || checked.error().cause == QuoteFailure::Cause::invalid);
    return checked.has_value();
}

TEST(QuoteCheck, AQuoteOverTheDataThatWasAskedForIsTaken) { EXPECT_TRUE(is_taken(mr::Bytes(64, 7), mr::Bytes(64, 7))); }

TEST(QuoteCheck, ShorterDataIsFollowedByZeros) {
    EXPECT_TRUE(is_taken({7, 7, 0, 0}, {7, 7}));
    EXPECT_FALSE(is_taken({7, 7, 0, 1}, {7, 7}));
}

TEST(QuoteCheck, OtherDataIsInvalid) {
    EXPECT_FALSE(is_taken({7, 8}, {7, 7}));
    EXPECT_FALSE(is_taken({7}, {7, 7}));
    EXPECT_FALSE(is_taken({}, {7}));
}

TEST(QuoteCheck, AFailureStaysWhatItIs) {
    const auto checked = check_quote(std::unexpected(QuoteFailure{QuoteFailure::Cause::failed, "80"}), {});
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().reason, "80");
}

TEST(IsSimulated, OfAQuoteWhoseRootDoesNotTellIsWhatTheProviderSays) {
    for (const bool provider_is : {false, true}) {
        EXPECT_EQ(is_simulated("tdx", mr::Bytes(64), provider_is), provider_is);
        EXPECT_EQ(is_simulated("a kind that nobody reads", mr::Bytes(64), provider_is), provider_is);
    }
}

}  // namespace
}  // namespace mrd
