// Logs of what was extended before mrd came, an initrd's for one: what of them is the next part of mrd's log, behind the firmware's. Nothing proves such a log but
// the register: what does not lead to what that held is left out, and the gap at 0 says why.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/event_log.h"
#include "mrd/journal/state.h"

namespace mrd::journal {

inline constexpr std::size_t max_earlier_log = std::size_t{3} << 20;    // bytes of a file, and of what is kept of all of one provider's
inline constexpr std::size_t max_earlier_event = std::size_t{1} << 20;  // bytes of one event of what is kept
inline constexpr std::size_t max_earlier_logs = 16;                     // files of one provider

// The files that are named for a provider, in their order. One may have events of other registers, and repeat what the log has already: neither is taken. What
// it says that a register began with counts for nothing.
class EarlierLogs {
public:
    // `state` has the provider's registers, and its firmware's log if there is one. It must outlive this, and not change.
    EarlierLogs(const State &state, std::string_view provider);

    // Error: what is wrong with the file, of which nothing is taken then.
    std::expected<void, std::string> add(const std::string &name, mr::Bytes file);

    // Those events that lead to what their registers held when mrd came, as an EarlierLog's bytes. Empty: there are none. Error: they are more than are kept.
    [[nodiscard]] std::expected<mr::Bytes, std::string> chosen() const;

    // Why they do not explain the register; empty: they do, or nothing need be explained.
    [[nodiscard]] std::string why_not(RegisterNumber reg) const;

private:
    // Along a register's events, from a value that it is known to have held.
    struct Walk {
        mr::Digest value;
        bool has_begun = true;     // else it waits until it comes to what the log so far leads to
        std::uint64_t passed = 0;  // events before that, which the log so far has
        std::uint64_t leads = 0;   // so many events lead to what it held when mrd came; 0: none do
        bool is_capped = false;
        std::string broken = {};  // why nothing counts any more
    };
    struct Candidate {
        std::vector<Walk> walks;
        std::uint64_t events = 0;

        [[nodiscard]] const Walk *found() const;  // null: none leads
    };
    using Candidates = std::map<RegisterNumber, Candidate>;
    struct File {
        std::string name;
        mr::Bytes bytes;
    };

    // The register that the event extends by this digest, if it is one to be explained.
    [[nodiscard]] Candidates::const_iterator find(const mr::Event &event, const mr::EventDigest &digest) const;
    void walk(RegisterNumber reg, Candidate &candidate, const mr::Event &event, const mr::EventDigest &digest) const;
    [[nodiscard]] std::string file_names() const;

    const State &state_;
    std::string provider_;
    Candidates candidates_;  // whose start is unexplained
    std::deque<File> files_;
};

}  // namespace mrd::journal
