#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>

#include "mr/envelope.h"
#include "mr/event_content.h"
#include "mr/event_log.h"

namespace mr {
namespace {

constexpr std::size_t algorithm_count = static_cast<std::size_t>(HashAlgorithm::sm3_256) + 1;

constexpr std::uint32_t first_dynamic_pcr = 17;  // those that a dynamic launch sets to zero: all ones until then
constexpr std::uint32_t last_dynamic_pcr = 22;

// The data of the EV_NO_ACTION event: this, then the locality as one byte.
constexpr std::string_view startup_locality_signature{"StartupLocality\0", 16};

// By any form of its name.
bool is_pcr(std::string_view name) { return common_name(name).starts_with("pcr") && tcg_index(name).has_value(); }

bool is_rtmr(std::string_view name) { return common_name(name).starts_with("rtmr") && tcg_index(name).has_value(); }

// What tells one register from another: its name without the bank, and as a common name without the provider.
std::string_view key_of(std::string_view name, ReplayNames names) {
    if (const auto colon = name.rfind(':'); colon != std::string_view::npos && hash_algorithm_from(name.substr(colon + 1)))
        name = name.substr(0, colon);
    return names == ReplayNames::common ? common_name(name) : name;
}

// What follows the register in "tpm/pcr7:sha256": "sha256". Precondition: `key` is key_of(name).
std::string_view bank_of(std::string_view name, std::string_view key) {
    const auto end = static_cast<std::size_t>(key.data() + key.size() - name.data());
    return end < name.size() ? name.substr(end + 1) : std::string_view();
}

// Only a dynamic launch, and what it started, can extend them: nobody else has their localities (TCG PC Client Platform TPM Profile, PCR attributes).
bool is_dynamic_pcr(std::string_view name) {
    if (!is_pcr(name)) return false;
    const auto index = *tcg_index(name);
    return index >= first_dynamic_pcr && index <= last_dynamic_pcr;
}

Digest initial_value(std::string_view common, HashAlgorithm algorithm, std::uint8_t startup_locality, bool launched) {
    std::array<std::uint8_t, max_digest_size> bytes{};
    const auto value = std::span(bytes).first(digest_size(algorithm));
    if (is_dynamic_pcr(common) && !launched) std::ranges::fill(value, 0xFF);
    if (is_pcr(common) && tcg_index(common) == 0U) value.back() = startup_locality;
    return Digest(value);
}

std::unexpected<Error> refuse_event(ErrorCode code, const Event &event, const std::string &what) {
    std::string message = "event ";
    message.append(std::to_string(event.sequence)).append(" of \"").append(printable_text(event.name)).append("\": ").append(what);
    return std::unexpected(Error{code, std::move(message)});
}

// What a resync says. Error: one that is redacted, and a redacted cap: what it says would have to be known.
std::expected<std::optional<BoundEnvelope>, Error> resync_of(const Event &event, ByteView digest, HashAlgorithm algorithm) {
    if (!event.data || !envelope_form(*event.data)) return std::nullopt;
    auto envelope = bound_envelope(event, {.algorithm_id = tcg_id(algorithm), .value = digest});
    if (!envelope || (envelope->header.type != "resync" && envelope->header.type != "cap")) return std::nullopt;
    if (!envelope->body) return refuse_event(ErrorCode::malformed, event, "a " + envelope->header.type + " is never redacted");
    // A log that tells whose events are whose has the last word; mrd lets no client write a resync.
    if (event.origin == EventOrigin::service) return std::nullopt;
    return std::move(*envelope);
}

// ExtendRule::padded_digest: followed by zeros.
std::array<std::uint8_t, max_digest_size> padded(ByteView value) {
    std::array<std::uint8_t, max_digest_size> bytes{};
    std::ranges::copy(value.first(std::min(value.size(), bytes.size())), bytes.begin());
    return bytes;
}

struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
};

}  // namespace

std::optional<std::uint8_t> pcr0_startup_locality(const Event &event) {
    constexpr std::uint8_t hcrtm_locality = 4;
    if (event.type != ev_no_action && event.type != ev_efi_hcrtm_event) return std::nullopt;
    // Who may measure can give an event any type.
    if (event.origin != EventOrigin::firmware || common_name(event.name) != "pcr0") return std::nullopt;
    if (event.type == ev_efi_hcrtm_event) return hcrtm_locality;
    if (!event.data || event.data->size() != startup_locality_signature.size() + 1) return std::nullopt;
    if (!std::ranges::equal(event.data->first(startup_locality_signature.size()), as_bytes(startup_locality_signature)))
        return std::nullopt;
    const std::uint8_t locality = event.data->back();
    // Others have no start of their own.
    return locality == 0 || locality == 3 || locality == 4 ? std::optional(locality) : std::nullopt;
}

bool ReplayedRegister::consistent() const { return std::ranges::all_of(gaps, &LogGap::joins); }

struct Replay::State {
    static constexpr std::uint64_t no_event = std::numeric_limits<std::uint64_t>::max();

    struct Entry {
        ReplayedRegister replayed;
        std::uint64_t first_event = no_event;  // how many were applied before it
        bool declared = false;
        bool begin_is_known = false;  // by begin_at()
        ExtendRule rule = ExtendRule::digest;
        std::optional<Digest> start;  // as declared, while it is not known which events it follows

        // Goes on from the declared start. `expected` is that of the resync which comes next, if one does: it then makes this step.
        void settle(const Digest *expected) {
            const auto from = std::exchange(start, std::nullopt);
            if (!from || *from == replayed.value) return;
            const bool resynced = expected != nullptr && *expected == replayed.value;
            replayed.gaps.push_back({.sequence = 0, .expected = replayed.value, .found = *from, .joins = true, .events = replayed.events});
            if (!resynced) replayed.value = *from;
        }
    };
    // Where a register's banks are in `entries`, by algorithm.
    using Banks = std::array<std::optional<std::uint32_t>, algorithm_count>;

    explicit State(ReplayNames names_) : names(names_) {
        for (std::size_t i = 0; i < algorithm_count; ++i) {
            if (auto hasher = Hasher::open(static_cast<HashAlgorithm>(i))) hashers[i] = std::move(*hasher);
        }
    }

    // By any form of the name. Null: one more would be too many.
    Banks *banks_of(std::string_view name, std::uint32_t index) {
        auto &slot = recent[index % recent.size()];
        if (slot.banks != nullptr && slot.name == name) return slot.banks;
        const auto key = key_of(name, names);
        auto found = banks.find(key);
        if (found == banks.end()) {
            if (entries.size() == max_replayed_registers) return nullptr;
            found = banks.emplace(key, Banks()).first;
        }
        if (name.size() <= max_recent_name) {
            slot.name = name;
            slot.banks = &found->second;
        }
        return &found->second;
    }

    // The number of the register in `entries`. Nothing: it would be one too many.
    std::optional<std::uint32_t> entry_of(std::string_view name, std::uint32_t index, HashAlgorithm algorithm) {
        auto *known = banks_of(name, index);
        if (known == nullptr) return std::nullopt;
        auto &place = (*known)[static_cast<std::size_t>(algorithm)];
        if (!place && entries.size() < max_replayed_registers) {
            place = static_cast<std::uint32_t>(entries.size());
            const auto key = key_of(name, names);
            auto &made = entries.emplace_back();
            made.replayed.name = key;
            if (is_pcr(key)) made.replayed.name.append(":").append(to_string(algorithm));
            made.replayed.algorithm = algorithm;
            made.replayed.value = initial_value(key, algorithm, startup_locality, launched);
            stale = true;
        }
        return place;
    }

    // The firmware says it before or with its first extend of PCR 0; what comes later says nothing of how PCR 0 began.
    void start_at(std::uint8_t locality) {
        startup_locality = locality;
        for (auto &entry : entries) {
            if (entry.first_event != no_event || common_name(entry.replayed.name) != "pcr0") continue;
            entry.replayed.value = initial_value("pcr0", entry.replayed.algorithm, locality, launched);
        }
    }

    // An event of one of these PCRs says that there was a dynamic launch, which sets all of them to zero.
    void launch() {
        launched = true;
        for (auto &entry : entries) {
            if (entry.first_event == no_event && is_dynamic_pcr(entry.replayed.name))
                entry.replayed.value = Digest::zero(entry.replayed.algorithm);
        }
    }

    std::expected<void, Error> extend(const Event &event) {
        if (event.name.empty()) return refuse_event(ErrorCode::malformed, event, "it is measured, but names no register");
        // All of them are checked before the first register is extended: an event is applied whole or not at all.
        struct Step {
            std::uint32_t entry;
            ByteView digest;
        };
        std::array<Step, algorithm_count> steps;
        std::size_t count = 0;
        unsigned seen = 0;
        for (const EventDigest &digest : event.digests) {
            const auto algorithm = hash_algorithm_from_tcg(digest.algorithm_id);
            if (!algorithm) continue;
            if (digest.value.size() != digest_size(*algorithm)) {
                return refuse_event(
                    ErrorCode::malformed, event,
                    "a digest of " + std::string(to_string(*algorithm)) + " has " + std::to_string(digest.value.size()) + " bytes");
            }
            const unsigned bit = 1U << static_cast<unsigned>(*algorithm);
            if ((seen & bit) != 0)
                return refuse_event(ErrorCode::malformed, event, "it has two digests of " + std::string(to_string(*algorithm)));
            seen |= bit;
            if (!hashers[static_cast<std::size_t>(*algorithm)]) continue;
            const auto entry = entry_of(event.name, event.index, *algorithm);
            if (!entry) {
                return refuse_event(ErrorCode::not_supported, event,
                                    "more than " + std::to_string(max_replayed_registers) + " registers are not replayed");
            }
            steps[count++] = {.entry = *entry, .digest = digest.value};
        }
        // All of an event's digests have to agree on its envelope, so the first will do.
        const auto envelope = count == 0 ? std::expected<std::optional<BoundEnvelope>, Error>()
                                         : resync_of(event, steps.front().digest, entries[steps.front().entry].replayed.algorithm);
        if (!envelope) return std::unexpected(envelope.error());
        const auto &resync = *envelope;
        if (resync && gap_count + count > max_replayed_gaps) {
            return refuse_event(ErrorCode::not_supported, event,
                                "more than " + std::to_string(max_replayed_gaps) + " gaps are not replayed");
        }
        if (const auto locality = pcr0_startup_locality(event)) start_at(*locality);
        if (count > 0 && entries[steps.front().entry].first_event == no_event && is_dynamic_pcr(event.name)) launch();
        for (const Step &step : std::span(steps).first(count)) {
            extend(entries[step.entry], event, step.digest, resync);
        }
        return {};
    }

    void extend(Entry &entry, const Event &event, ByteView digest, const std::optional<BoundEnvelope> &resync) {
        auto &replayed = entry.replayed;
        auto &hasher = *hashers[static_cast<std::size_t>(replayed.algorithm)];
        if (const auto values = resync ? resync_values(*resync, digest.size()) : std::nullopt) {
            if (event.origin != EventOrigin::firmware) entry.settle(&values->expected);
            replayed.gaps.push_back({.sequence = event.sequence,
                                     .expected = values->expected,
                                     .found = values->found,
                                     .joins = replayed.value == values->expected,
                                     .events = replayed.events});
            ++gap_count;
            replayed.value = replayed.gaps.back().found;
        } else if (event.origin != EventOrigin::firmware) {
            entry.settle(nullptr);
        }
        replayed.value = entry.rule == ExtendRule::digest ? hasher.extend(replayed.value.bytes(), digest)
                                                          : hasher.extend(padded(replayed.value.bytes()), padded(digest));
        ++replayed.events;
        if (entry.first_event == no_event) entry.first_event = events;
    }

    // Makes `shown` of `entries`: registers() may be asked while the log goes on, and what it shows of a declared start is not yet so.
    void show() {
        if (!stale) return;
        std::vector<const Entry *> order;
        for (const Entry &entry : entries) {
            if (entry.declared || entry.first_event != no_event) order.push_back(&entry);
        }
        // Banks of one event, and registers without one, in the order in which they came.
        std::ranges::sort(order, {}, [](const Entry *each) { return std::pair(each->first_event, each); });
        shown.clear();
        places.assign(entries.size(), std::nullopt);
        for (const Entry *each : order) {
            places[static_cast<std::size_t>(each - entries.data())] = shown.size();
            Entry copy = *each;
            copy.settle(nullptr);
            shown.push_back(std::move(copy.replayed));
        }
        stale = false;
    }

    // By its key, never by a name that is made for people: a log can call another register so. Of several banks, unless one is meant, the one that comes first.
    const ReplayedRegister *find(std::string_view key, std::optional<HashAlgorithm> algorithm) {
        show();
        const auto known = banks.find(key);
        if (known == banks.end()) return nullptr;
        std::optional<std::size_t> first;
        for (std::size_t i = 0; i < algorithm_count; ++i) {
            const auto number = known->second.at(i);
            if (!number || (algorithm && *algorithm != static_cast<HashAlgorithm>(i))) continue;
            if (const auto place = places[*number]) first = std::min(*place, first.value_or(*place));
        }
        return first ? &shown[*first] : nullptr;
    }

    ReplayNames names;
    std::size_t gap_count = 0;
    std::array<std::optional<Hasher>, algorithm_count> hashers;  // none where this OpenSSL does not have the algorithm
    std::vector<Entry> entries;
    std::unordered_map<std::string, Banks, NameHash, std::equal_to<>> banks;  // by key_of()
    // The name last used with an index (modulo its size), so that most events need neither common_name() nor `banks`. An index decides nothing.
    struct Recent {
        std::string name;
        Banks *banks = nullptr;
    };
    static constexpr std::size_t max_recent_name = 64;
    std::array<Recent, 32> recent;
    std::uint8_t startup_locality = 0;
    bool launched = false;  // dynamically
    std::uint64_t events = 0;
    bool too_many_declared = false;

    std::vector<ReplayedRegister> shown;
    std::vector<std::optional<std::size_t>> places;  // in `shown`, of each of `entries`
    bool stale = false;
};

Replay::Replay(ReplayNames names) : state_(std::make_unique<State>(names)) {}
Replay::Replay(Replay &&) noexcept = default;
Replay &Replay::operator=(Replay &&) noexcept = default;
Replay::~Replay() = default;

void Replay::begin_at(std::string_view name, HashAlgorithm algorithm, const Digest &initial, ExtendRule rule) {
    if (!state_->hashers[static_cast<std::size_t>(algorithm)] || initial.size() != digest_size(algorithm)) return;
    const auto number = state_->entry_of(name, tcg_index(name).value_or(no_index), algorithm);
    if (!number) {
        state_->too_many_declared = true;
        return;
    }
    auto &entry = state_->entries[*number];
    if (entry.first_event != State::no_event) return;
    entry.replayed.value = initial;
    entry.begin_is_known = true;
    entry.rule = rule;
}

void Replay::declare(const LogRegister &known) {
    // What cannot be hashed is not replayed, so nothing can be said of its value.
    if (!state_->hashers[static_cast<std::size_t>(known.algorithm)]) return;
    const auto number = state_->entry_of(known.name, tcg_index(known.name).value_or(no_index), known.algorithm);
    if (!number) {
        state_->too_many_declared = true;
        return;
    }
    auto &entry = state_->entries[*number];
    const auto says = [&](const Digest &digest) { return digest.size() == digest_size(known.algorithm); };
    // What the hardware of RTMRs and PCRs begins with is not a log's to say.
    const bool is_known = is_pcr(known.name) || is_rtmr(known.name);
    if (entry.first_event == State::no_event && says(known.initial) && !is_known && !entry.begin_is_known)
        entry.replayed.value = known.initial;
    if (says(known.start)) entry.start = known.start;
    entry.declared = true;
    state_->stale = true;
}

std::expected<void, Error> Replay::apply(const Event &event) {
    if (state_->too_many_declared) {
        return refuse_event(ErrorCode::not_supported, event,
                            "the log declares more than " + std::to_string(max_replayed_registers) + " registers");
    }
    if (is_measured(event)) {
        if (auto done = state_->extend(event); !done) return done;
    } else if (const auto locality = pcr0_startup_locality(event)) {
        state_->start_at(*locality);
    }
    ++state_->events;
    state_->stale = true;
    return {};
}

const std::vector<ReplayedRegister> &Replay::registers() const {
    state_->show();
    return state_->shown;
}

const ReplayedRegister *Replay::find(std::string_view name) const {
    const auto key = key_of(name, state_->names);
    const auto bank = hash_algorithm_from(bank_of(name, key));
    return bank || !is_pcr(key) ? state_->find(key, bank) : nullptr;
}

const ReplayedRegister *Replay::find(std::string_view name, HashAlgorithm algorithm) const {
    return state_->find(key_of(name, state_->names), algorithm);
}

std::uint64_t Replay::events() const { return state_->events; }

}  // namespace mr
