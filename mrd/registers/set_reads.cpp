#include "mrd/registers/set_reads.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace mrd {

namespace {

using Place = Registers::Place;

RefreshSet set_of(const Place &place) { return place.table().spec(place.index).refresh_set; }
bool is_live(const Place &place) { return place.table().spec(place.index).flags.has(mr::Flag::live); }
bool same_set(const Place &a, const Place &b) { return a.provider == b.provider && set_of(a) == set_of(b); }

// Of a set that others extend too one of theirs is read: for an owned one the cache would serve.
std::vector<Place> one_of_each_set(std::span<const Place> places) {
    std::vector<Place> chosen;
    for (const auto &place : places) {
        if (!place.table().can_change(place.index)) continue;
        const auto same = std::ranges::find_if(chosen, [&](const Place &other) { return same_set(place, other); });
        if (same == chosen.end()) {
            chosen.push_back(place);
        } else if (place.table().always_rereads(place.index)) {
            *same = place;
        }
    }
    return chosen;
}

struct Reads {
    SetsRead result;
    std::move_only_function<void(std::expected<SetsRead, RegisterError>)> done;
    std::optional<RegisterError> error = {};
    std::size_t open = 1;

    void one_ended() {
        if (--open > 0) return;
        if (error) return done(std::unexpected(std::move(*error)));
        done(std::move(result));
    }
};

}  // namespace

bool SetsRead::was_refreshed(const Place &place) const {
    return is_live(place) && std::ranges::any_of(refreshed, [&](const Place &other) { return same_set(place, other); });
}

bool SetsRead::in_sync() const {
    return std::ranges::all_of(read, [](const Place &place) { return place.table().in_sync(set_of(place)); });
}

void read_sets(uid_t user, std::span<const Place> places, bool fresh,
               std::move_only_function<void(std::expected<SetsRead, RegisterError>)> done) {
    const auto reads =
        std::make_shared<Reads>(Reads{.result = {.read = one_of_each_set(places), .refreshed = {}}, .done = std::move(done)});
    const auto chosen = reads->result.read;
    reads->open += chosen.size();
    for (const auto &place : chosen) {
        place.provider->read(user, place.index, fresh, [reads, place](std::expected<bool, RegisterError> refreshed) {
            if (!refreshed) {
                reads->error = std::move(refreshed.error());
            } else if (*refreshed) {
                reads->result.refreshed.push_back(place);
            }
            reads->one_ended();
        });
    }
    reads->one_ended();
}

}  // namespace mrd
