#include "mrctl/demands.h"

#include <algorithm>
#include <sstream>

#include "mr/event_content.h"

namespace mrctl {

namespace {

// "a, b and c".
std::string words_of(std::span<const Demand> demands) {
    std::string words;
    for (std::size_t i = 0; i < demands.size(); ++i) {
        if (i > 0) words += i + 1 < demands.size() ? ", " : " and ";
        words += demands[i].word;
    }
    return words;
}

}  // namespace

bool is_waived(const WaivedDemands &waived, std::string_view statement) { return std::ranges::find(waived, statement) != waived.end(); }

std::expected<WaivedDemands, std::string> waived_demands(const std::optional<std::string> &without, std::span<const Demand> demands) {
    WaivedDemands waived;
    if (!without) return waived;
    std::istringstream words(*without + ',');
    for (std::string word; std::getline(words, word, ',');) {
        const auto demand = std::ranges::find(demands, word, &Demand::word);
        if (demand == demands.end())
            return std::unexpected("--without takes " + words_of(demands) + ", with commas between; \"" + mr::printable_text(word) +
                                   "\" is none of them");
        if (demand->is_given)
            return std::unexpected("--without " + word + " and " + std::string(demand->option) + " contradict each other: leave one out");
        waived.push_back(demand->statement);
    }
    return waived;
}

std::string left_out_of(const Demand &demand, std::string_view more) {
    return std::string(demand.subject).append(more).append(" (--without ").append(demand.word).append(")");
}

}  // namespace mrctl
