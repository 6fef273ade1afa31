#include "mrd/interfaces/watch.h"

#include <utility>

#include "mrd/interfaces/register_errors.h"

namespace mrd {

Watches::Watches(Registers &registers) : registers_(registers) {
    registers.on_change([this](Registers::Place place) { mark(place); });
}

void Watches::add(std::vector<Registers::Place> places, Answer<mr::wire::Watch> answer) {
    const auto count = places.size();
    const auto watch = std::make_shared<Watch>(Watch{std::move(places), std::vector<bool>(count), std::move(answer)});
    const auto position = watches_.insert(watches_.end(), watch);
    watch->answer.on_drained([this, weak = std::weak_ptr(watch)] {
        if (const auto still = weak.lock()) send(*still);
    });
    watch->answer.on_closed([this, position] { watches_.erase(position); });
    first_values(watch, 0);
}

// Reads one register after the other: a value that has to be reread is sent when it is there.
void Watches::first_values(const std::weak_ptr<Watch> &weak, std::size_t next) {
    const auto watch = weak.lock();
    if (!watch || next == watch->places.size()) return;
    const auto place = watch->places[next];
    place.provider->read(place.index, false, [this, weak, next](std::expected<bool, RegisterError> refreshed) {
        const auto still = weak.lock();
        if (!still) return;
        if (!refreshed) {
            // An error is final: the watcher learns that it is blind, and may try again.
            still->answer.fail(on_wire(refreshed.error()));
            std::erase(watches_, still);
            return;
        }
        still->known = next + 1;
        still->to_send[next] = true;
        send(*still);
        first_values(weak, next + 1);
    });
}

void Watches::mark(Registers::Place place) {
    for (const auto &watch : watches_) {
        bool marked = false;
        for (std::size_t i = 0; i < watch->known; ++i) {
            if (watch->places[i] != place) continue;
            watch->to_send[i] = true;
            marked = true;
        }
        if (marked) send(*watch);
    }
}

void Watches::send(Watch &watch) {
    for (std::size_t i = 0; i < watch.places.size() && !watch.answer.congested(); ++i) {
        if (!watch.to_send[i]) continue;
        watch.to_send[i] = false;
        const auto &place = watch.places[i];
        const auto &table = place.table();
        watch.answer.stream({{place.name(), table.hex(place.index), table.generation(place.index), false}, registers_.sequence()});
    }
}

}  // namespace mrd
