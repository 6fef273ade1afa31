// The kinds of files that mrctl inspect knows, one function each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mr/collateral.h"
#include "mr/event_log.h"
#include "mr/evidence.h"
#include "mr/quote.h"

namespace mrctl {

// By which names a log's registers are told apart.
mr::ReplayNames names_for(const std::vector<mr::LogRegister> &registers);  // replay.cpp

// The numbers that are missing between a log's events. Only mrd's own JSON has numbers; of other formats none are missing.
class MissingEvents {
public:
    explicit MissingEvents(mr::LogFormat format) : is_numbered_(format == mr::LogFormat::json) {}

    void see(const mr::Event &event) {
        if (!is_numbered_) return;
        if (event.sequence > last_ + 1 && holes_.size() < max_holes) holes_.push_back({last_ + 1, event.sequence - 1});
        last_ = event.sequence;
    }

    struct Hole {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
    };
    [[nodiscard]] const std::vector<Hole> &holes() const { return holes_; }

private:
    static constexpr std::size_t max_holes = 1000;  // that are told: a hostile log has no end of them

    bool is_numbered_;
    std::uint64_t last_ = 0;
    std::vector<Hole> holes_;
};

// What a log leads to, gaps and missing events included, as lines or one JSON object. False: the log contradicts itself.
bool print_replay(bool json, mr::Replay &replay, const std::vector<MissingEvents::Hole> &missing);  // replay.cpp

// "2026-11-25T02:54:08Z"
std::string utc_text(std::int64_t seconds);  // inspect.cpp

// Of a TCG number: "sha384", or the number.
std::string algorithm_name(std::uint16_t id);  // inspect_log.cpp

int inspect_log(bool json, const std::string &file, mr::ByteView bytes, mr::EventLogReader &reader);  // inspect_log.cpp
int inspect_quote(bool json, const mr::Quote &quote, std::size_t total);                              // inspect_quote.cpp
int inspect_certificates(bool json, const std::vector<mr::Bytes> &certificates);                      // inspect_quote.cpp
int inspect_collateral(bool json, const mr::Collateral &collateral);                                  // inspect_evidence.cpp
int inspect_evidence(bool json, const std::string &file, const mr::Evidence &evidence);               // inspect_evidence.cpp

}  // namespace mrctl
