#include "mrd/journal/checkpoint.h"

#include <limits>
#include <utility>

#include "mr/limits.h"
#include "mrd/journal/fields.h"

namespace mrd::journal {

namespace {

// What takes most of a state: ids of events of as many banks as there can be. Beside them registers, an open intent of each, and the usage of uids take a few MiB.
constexpr std::size_t largest_id = sizeof(std::int64_t) + 1 + max_targets * sizeof(RegisterNumber) + sizeof(std::uint32_t) +
                                   mr::max_event_id + sizeof(std::uint64_t) + 1 + mr::max_digest_size +
                                   max_targets * (sizeof(RegisterNumber) + 2 * (1 + mr::max_digest_size));
static_assert(remembered_callers * remembered_ids * largest_id <= max_checkpoint_body / 8 * 7);

// How many of something follow.
void put_count(mr::Bytes &out, std::size_t count) { put(out, static_cast<std::uint32_t>(count)); }

void put_register(mr::Bytes &out, const RegisterState &reg) {
    put(out, mr::tcg_id(reg.algorithm));
    put_text(out, reg.provider);
    put_text(out, std::string_view(reg.name).substr(reg.provider.size() + 1));
    for (const auto *value : {&reg.initial, &reg.start, &reg.explained, &reg.logged}) put_digest(out, *value);
    put(out, reg.events);
    put(out, reg.resyncs);
    put(out, reg.capped_by);
    put(out, static_cast<std::uint8_t>(reg.carrier ? 1 : 0));
    put(out, reg.carrier.value_or(0));
    if (!reg.carrier) return;
    out.insert(out.end(), reg.id.begin(), reg.id.end());
    put(out, reg.owner);
    put(out, reg.closed_by);
}

RegisterState get_register(FieldReader &in) {
    RegisterState reg;
    const auto algorithm = mr::hash_algorithm_from_tcg(in.get<std::uint16_t>());
    if (!algorithm) in.fail();
    reg.algorithm = algorithm.value_or(mr::HashAlgorithm::sha384);
    reg.provider = in.get_text();
    reg.name = reg.provider + "/" + std::string(in.get_text());
    for (auto *value : {&reg.initial, &reg.start, &reg.explained, &reg.logged}) {
        *value = in.get_digest();
        if (value->size() != mr::digest_size(reg.algorithm)) in.fail();
    }
    reg.events = in.get<std::uint64_t>();
    reg.resyncs = in.get<std::uint64_t>();
    reg.capped_by = in.get<std::uint64_t>();
    const bool is_virtual = in.get_bool();
    const auto carrier = in.get<RegisterNumber>();
    if (!is_virtual) return reg;
    reg.carrier = carrier;
    for (auto &byte : reg.id) byte = in.get<std::uint8_t>();
    reg.owner = in.get<std::int64_t>();
    reg.closed_by = in.get<std::uint64_t>();
    return reg;
}

std::optional<mr::Digest> get_asked(FieldReader &in) {
    const auto asked = in.get_digest();
    return asked.size() == 0 ? std::nullopt : std::optional(asked);
}

void put_usage(mr::Bytes &out, const Usage &usage) {
    put(out, usage.bytes);
    put(out, usage.events);
}

Usage get_usage(FieldReader &in) {
    Usage usage;
    usage.bytes = in.get<std::uint64_t>();
    usage.events = in.get<std::uint64_t>();
    return usage;
}

}  // namespace

void append_state(mr::Bytes &out, const State &state) {
    put_text(out, state.boot_id_);
    put(out, state.sequence_);
    put(out, state.next_intent_);
    put(out, state.repairs_);
    put_count(out, state.registers_.size());
    for (const auto &reg : state.registers_) put_register(out, reg);
    put_count(out, state.firmware_logs_.size());
    for (const auto &log : state.firmware_logs_) {
        put(out, static_cast<std::uint8_t>(log.format == mr::LogFormat::tcg_sha1 ? 1 : 0));
        put(out, static_cast<std::uint8_t>(log.registers == mr::LogRegisters::pcr ? 1 : 0));
        put_text(out, log.provider);
        put_bytes(out, log.header);
    }
    put_count(out, state.earlier_logs_.size());
    for (const auto &provider : state.earlier_logs_) put_text(out, provider);
    put_count(out, state.open_.size());
    for (const auto &intent : state.open_) {
        put(out, intent.number);
        put(out, static_cast<std::uint8_t>(intent.origin));
        put(out, intent.uid);
        put_targets(out, intent.targets);
        put(out, static_cast<std::uint8_t>(intent.id ? 1 : 0));
        put_text(out, intent.id.value_or(""));
        put_digest(out, intent.asked.value_or(mr::Digest()));
    }
    put_count(out, state.ids_.size());
    state.ids_.for_each([&out](std::int64_t uid, const RegisterSet &registers, const std::string &id, const EventIds::First &first) {
        put(out, uid);
        put(out, static_cast<std::uint8_t>(registers.numbers().size()));
        for (const auto reg : registers.numbers()) put(out, reg);
        put_text(out, id);
        put(out, first.sequence);
        put_digest(out, first.asked.value_or(mr::Digest()));
        for (const auto &result : first.results) {
            put(out, result.reg);
            put_digest(out, result.digest);
            put_digest(out, result.value);
        }
    });
    put_count(out, state.usage_.size());
    for (const auto &[uid, usage] : state.usage_) {
        put(out, uid);
        put_usage(out, usage);
    }
    put_usage(out, state.usage_of_others_);
}

std::expected<State, std::string> read_state(mr::ByteView bytes) {
    FieldReader in(bytes);
    State state;
    state.boot_id_ = in.get_text();
    state.sequence_ = in.get<std::uint64_t>();
    state.next_intent_ = in.get<std::uint64_t>();
    state.repairs_ = in.get<std::uint64_t>();
    // Each count is of things that take bytes: one that lies ends with them.
    const auto repeat = [&in](auto get) {
        for (auto count = in.get<std::uint32_t>(); count > 0 && !in.has_failed(); --count) get();
    };
    const auto is_known = [&state](RegisterNumber reg) { return reg < state.registers_.size(); };
    repeat([&] {
        auto reg = get_register(in);
        const auto name = reg.name.substr(reg.provider.size() + 1);
        const bool is_new = reg.carrier || !state.find(reg.provider, name, reg.algorithm);
        if (!is_new || state.registers_.size() == max_registers || (reg.carrier && !is_known(*reg.carrier))) return in.fail();
        state.add(std::move(reg), name);
    });
    repeat([&] {
        FirmwareSource log;
        log.format = in.get_bool() ? mr::LogFormat::tcg_sha1 : mr::LogFormat::tcg;
        log.registers = in.get_bool() ? mr::LogRegisters::pcr : mr::LogRegisters::rtmr;
        log.provider = in.get_text();
        const auto header = in.get_bytes();
        log.header.assign(header.begin(), header.end());
        state.firmware_logs_.push_back(std::move(log));
    });
    repeat([&] { state.earlier_logs_.emplace_back(in.get_text()); });
    repeat([&] {
        OpenIntent intent;
        intent.number = in.get<std::uint64_t>();
        intent.origin = in.get_enum<Origin>(origins);
        intent.uid = in.get<std::int64_t>();
        get_targets(in, intent.targets);
        if (!std::ranges::all_of(intent.targets, is_known, &Target::reg)) in.fail();
        const bool has_id = in.get_bool();
        const auto id = in.get_text();
        if (has_id) intent.id = id;
        intent.asked = get_asked(in);
        state.open_.push_back(std::move(intent));
    });
    repeat([&] {
        const auto uid = in.get<std::int64_t>();
        const auto size = in.get<std::uint8_t>();
        std::vector<RegisterNumber> numbers;
        if (size == 0 || size > max_targets) return in.fail();
        numbers.reserve(size);
        for (std::uint8_t i = 0; i < size; ++i) numbers.push_back(in.get<RegisterNumber>());
        const std::string id(in.get_text());
        EventIds::First first{.sequence = in.get<std::uint64_t>()};
        first.asked = get_asked(in);
        for (std::uint8_t i = 0; i < size; ++i) {
            auto &result = first.results.add();
            result.reg = in.get<RegisterNumber>();
            result.digest = in.get_digest();
            result.value = in.get_digest();
        }
        if (!in.has_failed()) state.ids_.remember(uid, RegisterSet(numbers), id, std::move(first));
    });
    repeat([&] {
        const auto uid = in.get<std::int64_t>();
        state.usage_[uid] = get_usage(in);
    });
    state.usage_of_others_ = get_usage(in);
    if (!in.read_all() || state.boot_id_.empty()) return std::unexpected("its checkpoint does not hold what one does");
    return state;
}

}  // namespace mrd::journal
