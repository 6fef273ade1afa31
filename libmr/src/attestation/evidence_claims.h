// What evidence and its log say beside what is signed. Nothing vouches for it, and people see it first: where the quotes, the replay or the log itself
// show that it cannot be so, it is a contradiction, whoever made it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/src/attestation/signed_register.h"
#include "mr/claims.h"
#include "mr/digest.h"
#include "mr/event_log.h"
#include "mr/evidence.h"

namespace mr::attestation {

// Of a log in mrd's JSON: its events are numbered 1, 2, ... without holes, the firmware's first; `origin` is "resync" for resyncs, and for nothing else;
// a register began as its hardware does, and is one that the first line has, with its banks.
class LogClaims {
public:
    // `evidence`: null for a log that comes by itself, which need not name a provider. `registers`: those that are signed and extended. Both must outlive it.
    LogClaims(const Evidence *evidence, std::span<const SignedRegister> registers) : evidence_(evidence), registers_(registers) {}

    void declare(const LogRegister &known);
    void see(const Event &event);

    [[nodiscard]] std::uint64_t last() const { return last_; }  // event
    // The first one, a sentence; empty: none.
    [[nodiscard]] const std::string &contradiction() const { return contradiction_; }

private:
    void contradict(std::string what) {
        if (contradiction_.empty()) contradiction_ = std::move(what);
    }
    // A register that is signed has this name, with whatever provider before it.
    [[nodiscard]] bool is_like_one(std::string_view name) const;
    // The number of its bank, or of its first; by the provider's name too, where there is evidence.
    [[nodiscard]] std::optional<std::size_t> number_of(std::string_view name, std::optional<HashAlgorithm> bank = {}) const;
    // The log's first line has the register, with the digest's bank.
    [[nodiscard]] bool has_bank(std::string_view name, const EventDigest &digest) const;
    void see_register(const Event &event, const std::string &name);
    // "other/rtmr3": of another provider of the same machine, whose registers no quote signs.
    [[nodiscard]] bool is_of_another(std::string_view name) const;

    const Evidence *evidence_;
    std::span<const SignedRegister> registers_;
    std::uint64_t last_ = 0;
    std::set<std::string, std::less<>> extended_;                        // the registers that mrd's events have extended so far
    std::map<std::string, std::set<HashAlgorithm>, std::less<>> banks_;  // of each register that the first line has
    std::string contradiction_;
};

// What the replay of evidence's log shows.
struct ReplayedLog {
    std::uint64_t last_event = 0;
    // What the log leads to, of a register's number. Nothing: the log does not know it.
    std::function<std::optional<Digest>(std::size_t)> value;
};

// One sentence each. `claims`: of each part; nothing where its quote cannot be read. `log`: null where the log cannot be read.
std::vector<std::string> contradictions(const Evidence &evidence, std::span<const std::optional<Claims>> claims,
                                        std::span<const SignedRegister> registers, const ReplayedLog *log);

}  // namespace mr::attestation
