// What clients asked of mrd and what they were told, held against what the log says: whatever becomes of mrd, an event that was acknowledged is in the
// log once and for all, any other at most once, and the log leads to what the registers hold.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mr/client.h"
#include "mr/virtual_registers.h"
#include "proto/varlink/client.h"

namespace mrd {

class Ledger {
public:
    using Entry = std::size_t;
    static constexpr std::string_view id_prefix = "event-";  // of an id; the entry's number follows

    // Extends by its digest, or, of a virtual register, measures its id's text.
    struct Sent {
        std::string reg;  // its whole name
        std::string id;
        mr::Digest digest;  // no other entry has it

        [[nodiscard]] bool is_of_virtual() const { return reg.starts_with("virtual/"); }
    };
    struct Answer {
        std::int64_t sequence = 0;
        mr::Bytes value;  // of the register after the event
        friend bool operator==(const Answer &, const Answer &) = default;
    };

    // From any thread.
    Entry add(const std::string &reg);
    [[nodiscard]] Sent sent(Entry entry) const;
    [[nodiscard]] std::size_t size() const;
    // An answer that differs from the first one is a violation.
    void answered(Entry entry, const Answer &answer);
    [[nodiscard]] std::size_t answers() const;
    // Answered, and at most so many events came to the log after it.
    [[nodiscard]] bool is_recent(Entry entry, std::size_t later_events) const;
    void violation(const std::string &what);

    // Sends it, with its id, and takes the answer. Error: of mrd or of the connection.
    std::expected<void, mr::Error> send(Entry entry, mr::Client &client);

    // Sends several behind each other, all at once, and takes their answers in that order. told(entry, error) of each answer: the error's name on the wire, empty
    // where it was acknowledged. False: the connection has ended before all were answered.
    bool send(std::span<const Entry> entries, varlink::ClientConnection &connection,
              const std::function<void(Entry, std::string_view error)> &told);

    // Reads what came to the log since the last time, and compares. Nobody may extend meanwhile.
    void check(mr::Client &client);
    // The same from the log's beginning on.
    void check_all(mr::Client &client);
    // After each entry was sent until it was answered: each is in the log exactly once.
    void expect_all_logged();

    [[nodiscard]] std::vector<std::string> violations() const;

private:
    struct Known {
        Sent sent;
        std::optional<Answer> answer;
        std::optional<Answer> logged;
    };
    void take(const mr::LogRecord &record);
    void take_carried(const mr::LogRecord &record);
    void log(Entry entry, const mr::LogRecord &record, const mr::Bytes &value);
    void complain(const std::string &what);  // with the lock held

    mutable std::mutex mutex_;
    std::vector<Known> entries_;
    std::map<mr::Bytes, Entry> by_digest_;
    std::map<std::string, Entry> by_id_;
    std::map<std::string, mr::Bytes> values_;  // that the log leads to
    // What it says of virtual registers, by what carries them.
    std::map<std::string, mr::CarriedRegisters> carried_;
    std::int64_t created_ = 0;
    std::int64_t last_sequence_ = 0;
    std::vector<std::string> violations_;
};

}  // namespace mrd
