// What a register's log says of the virtual registers that it carries (mr/envelope.h). A virtual register is in no hardware: its events are events of its carrier,
// which name its id. So whoever replays the carrier to a value that is signed has proved all of them, those of others too, which the log may hold redacted.
//
//     mr::CarriedRegisters carried("tdx/rtmr3", mr::HashAlgorithm::sha384);
//     ... of each event of that register, in the log's order:
//     if (auto done = carried.apply(event); !done) return complain(done.error());
//     const auto *build = carried.find("virtual/build");
//
// Who may extend the carrier by a digest of his own can state any of this: it means something only of a register that takes no bare digest, which nothing in a log
// says.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/digest.h"
#include "mr/envelope.h"
#include "mr/error.h"
#include "mr/event_log.h"

namespace mr {

inline constexpr std::size_t max_carried_registers = 65'536;  // that are followed in one log

struct CarriedRegister {
    VirtualRegisterId id{};
    std::optional<CreatedRegister> created;  // what its create says; nothing: that is redacted
    std::uint64_t created_by = 0;            // sequence of its create
    std::uint64_t closed_by = 0;             // of its close; 0: it has none
    std::uint64_t events = 0;                // with these two
    std::uint64_t hidden = 0;                // of them are redacted
    std::optional<Digest> value;             // what it holds; nothing: something of it is hidden
};

class CarriedRegisters {
public:
    // `carrier`: as the events call it. By this bank's digests.
    CarriedRegisters(std::string carrier, HashAlgorithm bank) : carrier_(std::move(carrier)), bank_(bank) {}

    // The next event of the carrier. What is no bound envelope is noted, and says nothing. Error: malformed, naming the event: it is of an id that was not created
    // before, creates one twice, follows its close or its carrier's cap, or creates it on another register; not_supported: too many registers.
    std::expected<void, Error> apply(const Event &event);

    // In the order in which they were made.
    [[nodiscard]] const std::vector<CarriedRegister> &all() const { return all_; }
    // By the name that its create gives it, the last one: a name may be used again. Null: none, or its create is hidden.
    [[nodiscard]] const CarriedRegister *find(std::string_view name) const;

    // ---- What else stands behind the event of this number

    [[nodiscard]] std::uint64_t last_unread() const { return last_unread_; }  // the last one that is no bound envelope; 0: none is
    [[nodiscard]] std::uint64_t last_gap() const { return last_gap_; }        // the last resync
    // Redacted ones.
    [[nodiscard]] std::uint64_t hidden_after(std::uint64_t sequence) const;

private:
    std::expected<void, Error> create(const Event &event, const EnvelopeHeader &header, const std::optional<EnvelopeBody> &body);
    void extend(CarriedRegister &reg, const Event &event, bool is_hidden);

    std::string carrier_;
    HashAlgorithm bank_;
    std::vector<CarriedRegister> all_;
    std::map<VirtualRegisterId, std::size_t> numbers_;
    std::uint64_t last_unread_ = 0;
    std::uint64_t last_gap_ = 0;
    std::uint64_t capped_by_ = 0;
    std::vector<std::uint64_t> hidden_;  // their numbers
};

}  // namespace mr
