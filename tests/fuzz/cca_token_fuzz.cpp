// Any bytes as a CCA token: what decodes lies in the bytes, and without a key that vouches for it none is accepted. And as what a host says that it did with a realm.
#include "mr/cca_token.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mr/realm_measurement.h"
#include "mr/verify.h"
#include "mr/verify_cca.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check_token(mr::ByteView bytes) {
    const auto token = mr::decode_cca_token(bytes);
    if (!token) {
        require(token.error().code == mr::ErrorCode::malformed && !token.error().message.empty());
    } else {
        const auto inside = [&](mr::ByteView view) {
            return view.empty() || (view.data() >= bytes.data() && view.data() + view.size() <= bytes.data() + bytes.size());
        };
        require(mr::begins_cca_token(bytes) && bytes.size() <= mr::max_cca_token_size);
        require(inside(token->realm_token.payload) && inside(token->platform_token.signature) && inside(token->realm.key) &&
                inside(token->platform.config));
        require(std::ranges::all_of(token->realm.rem, inside) && token->realm.challenge.size() == mr::cca_challenge_size);
        require(token->platform.components.size() <= mr::max_cca_components);
        const auto key = mr::cca_realm_key(token->realm);
        require(!key || key->size() == 96);
        require(mr::signed_bytes(token->realm_token).size() > token->realm_token.payload.size());
    }
    mr::VerifyOptions options;
    options.waived = {.nonce = true, .reference = true, .tcb = true};
    const auto verdict = mr::verify(bytes, {}, options);
    require(!verdict.verified());
    for (const auto &statement : verdict.statements()) require(!statement.reason.empty());
}

void check_realm(mr::ByteView bytes) {
    const auto log = mr::parse_realm_log(bytes);
    const auto parameters = mr::parse_realm_parameters({reinterpret_cast<const char *>(bytes.data()), bytes.size()});
    for (const auto *const realm : {&log, &parameters}) {
        if (!*realm) {
            require(!realm->error().message.empty());
            continue;
        }
        // A few steps: of many the bound alone takes longer than a fuzzer has.
        auto some = **realm;
        some.steps.resize(std::min<std::size_t>(some.steps.size(), 3));
        const auto steps = mr::measure_realm(some, {});
        require(!steps || steps->size() == some.steps.size() + 1);
    }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView bytes(data, size);
    check_token(bytes);
    check_realm(bytes);
    return 0;
}
