#include "mrd/daemon/self_measurement.h"

#include <unistd.h>

#include <utility>

#include "mr/envelope.h"
#include "mr/self_measurement.h"
#include "mrd/journal/cursor.h"
#include "mrd/log.h"
#include "mrd/registers/error_text.h"
#include "mrd/registers/measurement.h"

namespace mrd {

namespace {

using Failure = std::unexpected<std::string>;

std::shared_ptr<const mr::EventCaller> mrd_as_caller() {
    return std::make_shared<const mr::EventCaller>(mr::EventCaller{.uid = ::geteuid(), .gid = ::getegid(), .pid = ::getpid()});
}

constexpr std::size_t records_at_once = 1024;

}  // namespace

SelfMeasurement::SelfMeasurement(Daemon &daemon, std::string into, bool is_asked_for)
    : daemon_(daemon), into_(std::move(into)), is_asked_for_(is_asked_for) {
    daemon.registers().on_divergence([this, weak = std::weak_ptr(alive_)](const Registers::Place &) {
        if (!weak.expired()) measured_into_.reset();
    });
}

std::expected<std::optional<std::string>, std::string> SelfMeasurement::last_in_log(const Registers::Place &place) const {
    const auto &journal = daemon_.journal();
    const auto file = journal.file();
    journal::Cursor cursor(*file, journal.end());
    const auto measured = place.provider->measured(place.index);
    const auto &spec = place.table().spec(place.index);
    const auto name = std::string(place.provider->name()) + "/" + spec.name;
    std::optional<std::string> last;
    mr::Event event;
    for (;;) {
        const auto step = cursor.next(event, records_at_once);
        if (!step) return Failure(step.error());
        if (*step == journal::Cursor::Step::end) return last;
        if (*step == journal::Cursor::Step::busy || event.name != name) continue;
        if (event.origin == mr::EventOrigin::resync) last.reset();
        // What came before mrd, of an earlier log, it has not said.
        if (event.origin != mr::EventOrigin::service) continue;
        if (event.type != mr::ev_event_tag || !event.data || mr::envelope_form(*event.data) != mr::EnvelopeForm::whole) continue;
        const auto envelope = mr::decode_envelope(*event.data);
        // No client's event has this type: mrd alone builds envelopes.
        if (!envelope || envelope->header.type != mr::self_envelope_type || envelope->header.register_name != measured.envelope_name ||
            !envelope->body.data)
            continue;
        last.emplace(envelope->body.data->begin(), envelope->body.data->end());
    }
}

std::expected<Registers::Place, std::string> SelfMeasurement::place() const {
    const auto found = daemon_.registers().find(into_);
    if (!found) return Failure(why_not(sentence_of(found.error())));
    if (auto allowed = found->table().may_measure(found->index); !allowed) return Failure(why_not(sentence_of(allowed.error())));
    return *found;
}

void SelfMeasurement::measure(SelfDescription description, Done done) {
    const auto fail = [this, &done](const std::string &why) { done(Failure(why_not(why))); };
    const auto place = this->place();
    if (!place) return done(Failure(place.error()));
    const auto text = description.text();
    using Last = std::expected<std::optional<std::string>, std::string>;
    const auto last = measured_into_ == *place ? Last(description_.text()) : last_in_log(*place);
    if (!last) return fail("the log cannot be read: " + last.error());
    // What is measured now comes behind the gap that the register has by now.
    const bool has_diverged = place->table().divergence(place->index).has_value();
    if (*last == text && !has_diverged) {
        has_measured(*place, std::move(description));
        return done({});
    }
    // Whatever comes of it: what fails may still turn out to have been done.
    measured_into_.reset();
    auto measured = measure_self(place->provider->measured(place->index), text, mrd_as_caller());
    if (!measured) return fail("its command line is longer than an event can hold");
    const auto digest = measured->digests.front();
    place->provider->extend(place->index, digest, std::move(measured->details),
                            [this, weak = std::weak_ptr(alive_), place = *place, description = std::move(description),
                             done = std::move(done)](const std::expected<ProviderRegisters::Extended, RegisterError> &extended) mutable {
                                if (weak.expired()) return;
                                if (!extended) return done(Failure(why_not(sentence_of(extended.error()))));
                                log::info("mrd has measured itself",
                                          {{"register", place.name()}, {"event", std::to_string(extended->sequence)}});
                                has_measured(place, std::move(description));
                                done({});
                            });
}

// A register that others extend has gaps that nobody is told of.
void SelfMeasurement::has_measured(const Registers::Place &place, SelfDescription description) {
    description_ = std::move(description);
    if (place.table().spec(place.index).owner == mr::Owner::owned) measured_into_ = place;
}

}  // namespace mrd
