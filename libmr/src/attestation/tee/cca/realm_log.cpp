// What a realm's log says that the host did.
#include <algorithm>
#include <utility>

#include "libmr/src/event_log/byte_reader.h"
#include "libmr/src/event_log/realm_records.h"
#include "libmr/src/event_log/tagged_event.h"
#include "mr/event_content.h"
#include "mr/event_log.h"
#include "mr/realm_measurement.h"

namespace mr {
namespace {

using event_log::ByteReader;
using event_log::realm_create_padding;
using event_log::realm_create_size;
using event_log::tag_init_ripas;
using event_log::tag_realm_create;
using event_log::tag_rec_create;
using event_log::vm_version_sizes;

constexpr std::uint32_t ev_post_code2 = 0x13;
constexpr std::uint32_t ev_efi_platform_firmware_blob2 = 0x8000000A;

std::unexpected<Error> malformed_record(const Event &event, const std::string &what) {
    return std::unexpected(Error{ErrorCode::malformed, "record " + std::to_string(event.sequence) + " of the realm's log: " + what});
}

RealmParameters parameters_from(ByteReader &reader) {
    RealmParameters parameters{.flags = reader.u64()};
    for (auto *const field : {&parameters.s2sz, &parameters.sve_vl, &parameters.num_bps, &parameters.num_wps, &parameters.pmu_num_ctrs,
                              &parameters.hash_algorithm})
        *field = reader.u8();
    return parameters;
}

RealmRec rec_from(ByteReader &reader) {
    RealmRec rec{.flags = reader.u64(), .pc = reader.u64()};
    for (auto &gpr : rec.gprs) gpr = reader.u64();
    return rec;
}

// UEFI_PLATFORM_FIRMWARE_BLOB2: a text with its length, address, size.
std::expected<RealmData, Error> data_from(const Event &event) {
    ByteReader reader(event.data.value_or(ByteView()));
    const auto text = reader.take(reader.u8());
    RealmData data{.image = std::string(text.begin(), std::ranges::find(text, 0)), .base = reader.u64(), .size = reader.u64()};
    if (!reader.ok() || !reader.rest().empty()) return malformed_record(event, "its data are no description, address and size");
    data.measured = data.image != "LOG";
    if (event.digests.size() == 1) data.digest = Digest(event.digests.front().value);
    return data;
}

struct RealmLogReading {
    std::optional<RealmParameters> parameters;
    std::vector<RealmStep> steps;

    std::expected<void, Error> take(const Event &event) {
        if (event.type == ev_event_tag) return take_tagged(event);
        if (event.type != ev_post_code2 && event.type != ev_efi_platform_firmware_blob2) return {};
        auto data = data_from(event);
        if (!data) return std::unexpected(std::move(data.error()));
        return add(event, std::move(*data));
    }

    std::expected<void, Error> take_tagged(const Event &event) {
        ByteReader reader(event.data.value_or(ByteView()));
        const auto tagged = event_log::read_tagged_event(reader);
        if (!tagged || !reader.rest().empty()) return malformed_record(event, "its data are no tagged event");
        const auto tag = tagged->tag;
        ByteReader body(tagged->content);
        const auto whole = [&]() -> std::expected<void, Error> {
            if (!body.ok() || !body.rest().empty())
                return malformed_record(event, "its data have " + std::to_string(tagged->content.size()) +
                                                   " bytes, another size than those of the tag " + std::to_string(tag));
            return {};
        };
        if (tag == tag_realm_create) {
            if (parameters) return malformed_record(event, "it creates the realm a second time");
            parameters = parameters_from(body);
            if (tagged->content.size() == realm_create_size + realm_create_padding) body.take(realm_create_padding);
            return whole();
        }
        if (tag == tag_init_ripas) {
            const RealmRipas ripas{.base = body.u64(), .size = body.u64()};
            if (auto done = whole(); !done) return done;
            return add(event, ripas);
        }
        if (tag == tag_rec_create) {
            const auto rec = rec_from(body);
            if (auto done = whole(); !done) return done;
            return add(event, rec);
        }
        return {};
    }

    std::expected<void, Error> add(const Event &event, RealmStep step) {
        if (!parameters) return malformed_record(event, "it comes before the realm is created");
        if (steps.size() == max_realm_steps) return malformed_record(event, "more than " + std::to_string(max_realm_steps) + " steps");
        steps.push_back(std::move(step));
        return {};
    }
};

}  // namespace

std::expected<RealmDescription, Error> parse_realm_log(ByteView log) {
    if (log.size() > max_realm_description)
        return std::unexpected(
            Error{ErrorCode::malformed, "the realm's log has more than " + std::to_string(max_realm_description) + " bytes"});
    auto reader = EventLogReader::open(log, {.registers = LogRegisters::pcr, .format = LogFormat::tcg});
    if (!reader) return std::unexpected(std::move(reader.error()));
    RealmLogReading reading;
    bool is_realms = false;
    Event event;
    for (;;) {
        const auto more = reader->next(event);
        if (!more) return std::unexpected(more.error());
        if (!*more) break;
        if (begins_realms_log(event)) {
            if (std::ranges::find(vm_version_sizes, event.data->size()) == vm_version_sizes.end())
                return malformed_record(event, "its data have " + std::to_string(event.data->size()) +
                                                   " bytes, another size than a VM VERSION: those known have 108, 112 or 116");
            is_realms = true;
        }
        // Before it nothing says what a tag means.
        if (!is_realms) continue;
        if (auto done = reading.take(event); !done) return std::unexpected(std::move(done.error()));
    }
    if (!is_realms) return std::unexpected(Error{ErrorCode::malformed, "this is no realm's log: it has no record VM VERSION"});
    if (!reading.parameters) return std::unexpected(Error{ErrorCode::malformed, "the realm's log does not say how the realm was created"});
    return RealmDescription{*reading.parameters, std::move(reading.steps)};
}

}  // namespace mr
