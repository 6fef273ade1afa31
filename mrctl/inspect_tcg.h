// What mrctl inspect says of a TCG log as a whole: its header, where it ends, what follows, its events by register. In JSON by the names that the sample
// logs' descriptions use, so that tools for the one read the other.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mr/event_log.h"

namespace mrctl {

class TcgSummary {
public:
    // `file` outlives this. Of a log of another format it has nothing to say.
    TcgSummary(mr::ByteView file, mr::LogFormat format);

    void see(const mr::Event &event);

    // The reader is at its end. Members of a JSON object, with a comma behind; empty for other formats.
    [[nodiscard]] std::string json_members(std::size_t end, const mr::Replay &replay) const;
    // Lines.
    [[nodiscard]] std::string text(std::size_t end) const;

private:
    static constexpr std::size_t max_listed_events = 1000;  // that extend nothing: a hostile log has no end of them

    [[nodiscard]] bool is_tcg() const { return format_ == mr::LogFormat::tcg || format_ == mr::LogFormat::tcg_sha1; }
    [[nodiscard]] std::vector<std::string> banks() const;
    [[nodiscard]] const char *how_it_ends(std::size_t end) const;

    mr::ByteView file_;
    mr::LogFormat format_;
    std::optional<mr::TcgHeader> header_;  // of a crypto-agile log
    std::map<std::uint32_t, std::uint64_t> by_index_;
    std::uint64_t events_ = 0;
    std::uint64_t no_action_ = 0;
    std::vector<std::uint64_t> no_action_events_;
    bool has_pcrs_ = false;
};

}  // namespace mrctl
