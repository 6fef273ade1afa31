// How a provider fares, as Providers and Status tell it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mrd {

struct ProviderState {
    enum class Phase : std::uint8_t { starting, running, failed };

    std::string name;  // "tdx"
    std::string type;  // which kind of hardware it is
    Phase phase = Phase::starting;
    std::optional<std::string> reason = {};  // of failed
    bool simulated = false;
    bool unbound = false;  // nothing binds it to this machine's hardware
};

}  // namespace mrd
