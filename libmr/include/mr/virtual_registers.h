// In mr::verify. What a register's log says of the virtual registers that it carries (mr/envelope.h). A virtual register is in no hardware: its events are events of its carrier,
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

// Where an event stands. What comes after what only `count` tells: a number is the log's to say, which need not have any.
struct CarriedEvent {
    std::uint64_t count = 0;     // the how many'th of the carrier's events it is, from 1; 0: there is none
    std::uint64_t sequence = 0;  // its number
};

struct CarriedRegister {
    VirtualRegisterId id{};
    std::optional<CreatedRegister> created;  // what its create says; nothing: that is redacted
    CarriedEvent created_by = {};
    CarriedEvent closed_by = {};  // none: it is not closed
    std::uint64_t events = 0;     // with these two
    std::uint64_t hidden = 0;     // of them are redacted
    std::optional<Digest> value;  // what it holds; nothing: something of it is hidden
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

    // ---- What else the carrier took

    [[nodiscard]] CarriedEvent last_unread() const { return last_unread_; }  // the last one that is no bound envelope
    [[nodiscard]] CarriedEvent last_gap() const { return last_gap_; }        // the last resync
    // Redacted ones.
    [[nodiscard]] std::uint64_t hidden_after(CarriedEvent event) const;

private:
    std::expected<void, Error> create(const Event &event, const EnvelopeHeader &header, const std::optional<EnvelopeBody> &body);
    void extend(CarriedRegister &reg, const Event &event, bool is_hidden);

    std::string carrier_;
    HashAlgorithm bank_;
    std::vector<CarriedRegister> all_;
    std::map<VirtualRegisterId, std::size_t> numbers_;
    std::uint64_t events_ = 0;  // so far
    CarriedEvent last_unread_;
    CarriedEvent last_gap_;
    bool is_capped_ = false;
    std::vector<std::uint64_t> hidden_;  // their counts
};

}  // namespace mr
