#include "mrd/evidence/log_cut.h"

#include <algorithm>
#include <map>
#include <utility>

#include "mr/envelope.h"

namespace mrd {

void LogCut::add(std::optional<std::int64_t> uid, const Size &size) {
    whole_ += size.whole;
    least_ += size.least;
    if (size.whole > size.least) contents_.push_back({events_, size.whole - size.least, uid});
    ++events_;
}

std::vector<bool> LogCut::decide() const {
    using Contents = std::vector<Content>;
    std::vector<bool> cut(events_, false);
    for (const auto &each : contents_) cut[each.event] = true;
    std::size_t left = limit_ - least_;
    // Keeps as many as fit into `share`, the small and the early ones first.
    const auto keep = [&](Contents &contents, std::size_t share) {
        std::ranges::sort(contents, {}, [](const Content &each) { return std::pair(each.size, each.event); });
        for (const auto &each : contents) {
            if (each.size > share) return;
            share -= each.size;
            left -= each.size;
            cut[each.event] = false;
        }
    };

    Contents own;
    std::map<std::int64_t, Contents> by_uid;
    for (const auto &each : contents_) (each.uid ? by_uid[*each.uid] : own).push_back(each);
    keep(own, left);
    if (auto root = by_uid.extract(0)) keep(root.mapped(), left);

    // Whoever needs least comes first, and leaves what he does not need to the others.
    std::vector<std::pair<std::size_t, Contents *>> others;
    for (auto &[uid, contents] : by_uid) {
        std::size_t needed = 0;
        for (const auto &each : contents) needed += each.size;
        others.emplace_back(needed, &contents);
    }
    std::ranges::sort(others, {}, &std::pair<std::size_t, Contents *>::first);
    for (std::size_t i = 0; i < others.size(); ++i) keep(*others[i].second, left / (others.size() - i));
    return cut;
}

namespace {

bool is_resync_or_cap(const mr::Event &event) {
    if (!event.data) return false;
    const auto envelope = mr::decode_envelope(*event.data);
    return envelope && (envelope->header.type == "resync" || envelope->header.type == "cap");
}

}  // namespace

// Nobody else's data says one of these: mrd alone builds envelopes, and what one of before mrd says is of another mrd.
bool replay_needs_data(const mr::Event &event) {
    return !mr::is_measured(event) || event.origin == mr::EventOrigin::resync || is_resync_or_cap(event);
}

const mr::Event &EventCutter::cut(const mr::Event &event) {
    if (replay_needs_data(event)) return event;
    cut_.sequence = event.sequence;
    cut_.index = event.index;
    cut_.name = event.name;
    cut_.type = event.type;
    cut_.digests = event.digests;
    cut_.data.reset();
    cut_.origin = event.origin;
    if (event.origin == mr::EventOrigin::service && event.data && mr::envelope_form(*event.data) == mr::EnvelopeForm::redacted) {
        cut_.data = event.data;
        return cut_;
    }
    // mrd alone makes envelopes: in a firmware's event such data is like any other.
    const bool is_envelope =
        event.origin == mr::EventOrigin::service && event.data && mr::envelope_form(*event.data) == mr::EnvelopeForm::whole;
    if (!is_envelope) return cut_;
    std::vector<mr::HashAlgorithm> banks;
    for (const auto &digest : event.digests) {
        if (const auto algorithm = mr::hash_algorithm_from_tcg(digest.algorithm_id)) banks.push_back(*algorithm);
    }
    auto made = mr::redact_envelope(*event.data, banks);
    if (!made) return made.error().code == mr::ErrorCode::invalid_argument ? event : cut_;  // a cap stays as it is
    redacted_ = std::move(*made);
    cut_.data = redacted_;
    return cut_;
}

}  // namespace mrd
