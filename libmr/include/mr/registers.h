// Registers as mrd's clients see them. Source of the flags: Linux, include/linux/tsm-mr.h, as docs/registers.md refines it.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"

namespace mr {

// What may be done with a register. The bits are independent; the letters are how they are written: "XWRL".
enum class Flag : std::uint8_t {
    extensible = 1,  // X: new = H(old || digest)
    writable = 2,    // W: with X a bare digest may be extended; without X a plain store
    readable = 4,    // R
    live = 8,        // L: the value may differ from the last write, so a read may have to refresh
    file = 16,       // F: presentation only: shown as a file, not as a directory
};

class Flags {
public:
    constexpr Flags() = default;
    constexpr Flags(Flag flag) : bits_(static_cast<std::uint8_t>(flag)) {}

    [[nodiscard]] constexpr bool has(Flag flag) const { return (bits_ & static_cast<std::uint8_t>(flag)) != 0; }
    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
    [[nodiscard]] constexpr std::uint8_t bits() const { return bits_; }

    [[nodiscard]] constexpr Flags without(Flag flag) const {
        return Flags(static_cast<std::uint8_t>(bits_ & ~static_cast<std::uint8_t>(flag)));
    }

    friend constexpr Flags operator|(Flags a, Flags b) { return Flags(static_cast<std::uint8_t>(a.bits_ | b.bits_)); }
    friend constexpr bool operator==(Flags, Flags) = default;

    // The letters in the order X W R L F.
    [[nodiscard]] std::string to_string() const;
    static std::optional<Flags> from_string(std::string_view letters);

private:
    constexpr explicit Flags(std::uint8_t bits) : bits_(bits) {}
    std::uint8_t bits_ = 0;
};
constexpr Flags operator|(Flag a, Flag b) { return Flags(a) | Flags(b); }

inline constexpr Flags flags_live = Flag::live | Flag::readable;    // LIVE
inline constexpr Flags flags_rtmr = flags_live | Flag::extensible;  // RTMR

// Who else extends the register.
enum class Owner : std::uint8_t {
    owned,     // only mrd
    shared,    // others too: reading it always rereads the hardware
    observed,  // mrd never extends it
};
std::string_view to_string(Owner owner);
std::optional<Owner> owner_from(std::string_view name);

struct Register {
    std::string name;                   // "tdx/rtmr3"; with several banks "tpm/pcr10:sha256"
    std::optional<HashAlgorithm> hash;  // none for pseudo-registers
    std::size_t size = 0;               // of the value, in bytes
    Flags flags;
    Owner owner = Owner::owned;
    bool capped = false;
    bool simulated = false;               // not hardware: a value of it proves nothing
    bool unbound = false;                 // nothing binds it to this machine's hardware; what is simulated is unbound
    std::vector<std::string> roles = {};  // other names of it, by which it is called on any machine: "app"
};

struct Reading {
    std::string name;
    Bytes value;
    // Counts the writes of reportdata; only readings of reportdata and report0 carry it.
    std::optional<std::int64_t> generation = {};
    bool refreshed = false;  // the hardware was reread for this answer
    bool unbound = false;    // nothing binds the value to this machine's hardware
};

}  // namespace mr
