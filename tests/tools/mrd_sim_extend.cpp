// mrd-sim-extend STATE REGISTER HEX: extends a register of the simulated TD behind mrd's back, as another program in a real TD
// could, and prints its new value. STATE is mrd's state directory, REGISTER is rtmr0..rtmr3 or tdx/rtmr0..tdx/rtmr3.
// Exit: 0 done, 1 failed, 2 wrong usage.
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "mr/bytes.h"
#include "mrd/providers/sim/state.h"

namespace {

constexpr int done = 0;
constexpr int failed = 1;
constexpr int wrong_usage = 2;

int fail(int code, const std::string &message) {
    std::fprintf(stderr, "mrd-sim-extend: %s\n", message.c_str());
    return code;
}

std::optional<std::size_t> rtmr_from(std::string_view name) {
    constexpr std::string_view prefix = "rtmr";
    if (name.size() != prefix.size() + 1 || !name.starts_with(prefix)) {
        return std::nullopt;
    }
    const auto index = static_cast<std::size_t>(name.back() - '0');
    return name.back() >= '0' && index < mrd::sim::rtmr_count ? std::optional(index) : std::nullopt;
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 4) {
        return fail(wrong_usage, "usage: mrd-sim-extend STATE REGISTER HEX");
    }
    std::string_view name = argv[2];
    std::string_view provider = "tdx";
    if (const auto slash = name.find('/'); slash != std::string_view::npos) {
        provider = name.substr(0, slash);
        name = name.substr(slash + 1);
    }
    const auto rtmr = rtmr_from(name);
    if (!rtmr || provider.empty()) {
        return fail(wrong_usage, std::string(argv[2]) + " is not a register that can be extended: use rtmr0 to rtmr3");
    }
    const auto digest = mr::from_hex(argv[3]);
    if (!digest) {
        return fail(wrong_usage, digest.error().message);
    }
    if (digest->size() != std::tuple_size_v<mrd::sim::Value>) {
        return fail(wrong_usage, "the digest has " + std::to_string(digest->size()) + " bytes: give 48 bytes, 96 hex digits");
    }

    auto state = mrd::sim::State::attach(mrd::sim::state_file(argv[1], provider));
    if (!state) {
        return fail(failed, state.error());
    }
    const auto value = state->extend(*rtmr, *digest);
    if (!value) {
        return fail(failed, value.error());
    }
    std::printf("%s\n", mr::to_hex(*value).c_str());
    return done;
}
