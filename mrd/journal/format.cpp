#include "mrd/journal/format.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "mrd/crc32c.h"
#include "mrd/journal/fields.h"

namespace mrd::journal {

namespace {

enum Kind : std::uint8_t {
    kind_boot = 1,
    kind_repair,
    kind_register,
    kind_firmware_log,
    kind_earlier_log,
    kind_intent,
    kind_settled,
    kind_checkpoint
};

// What a record may have or not, behind what it always has: absent and empty differ. In the order of their tags, each once.
// Whose share an event takes is said by tag_on_behalf_of too: who does not know that tag cannot go on with the journal.
enum Tag : std::uint8_t { tag_executable = 1, tag_unit, tag_id, tag_description, tag_data, tag_on_behalf_of, tag_rule = passed_over };
enum RegisterTag : std::uint8_t { tag_carrier = 1 };
constexpr std::size_t carrier_size = sizeof(RegisterNumber) + sizeof(mr::VirtualRegisterId) + sizeof(std::int64_t);
constexpr std::size_t on_behalf_of_size = 3 * sizeof(std::int64_t);
constexpr std::size_t tag_size = 1 + sizeof(std::uint32_t);

void put_field(mr::Bytes &out, Tag tag, const std::optional<std::string_view> &text) {
    if (!text) return;
    put(out, static_cast<std::uint8_t>(tag));
    put_text(out, *text);
}

Kind encode(mr::Bytes &out, const Boot &record) {
    put(out, record.time);
    put_text(out, record.boot_id);
    return kind_boot;
}
Kind encode(mr::Bytes &out, const Repair &record) {
    put(out, record.time);
    put(out, record.offset);
    put(out, record.dropped);
    put(out, record.next_intent);
    put_text(out, record.kept_as);
    put(out, static_cast<std::uint16_t>(record.caps.size()));
    for (const auto &cap : record.caps) {
        put(out, cap.reg);
        put(out, cap.event);
    }
    return kind_repair;
}
Kind encode(mr::Bytes &out, const Register &record) {
    put(out, mr::tcg_id(record.algorithm));
    put_digest(out, record.initial);
    put_digest(out, record.start);
    put_text(out, record.provider);
    put_text(out, record.name);
    if (record.carrier) {
        put(out, static_cast<std::uint8_t>(tag_carrier));
        put(out, static_cast<std::uint32_t>(carrier_size));
        put(out, *record.carrier);
        out.insert(out.end(), record.id.begin(), record.id.end());
        put(out, record.owner);
    }
    return kind_register;
}
Kind encode(mr::Bytes &out, const FirmwareLog &record) {
    put(out, static_cast<std::uint8_t>(record.format == mr::LogFormat::tcg_sha1 ? 1 : 0));
    put(out, static_cast<std::uint8_t>(record.registers == mr::LogRegisters::pcr ? 1 : 0));
    put(out, record.sequence);
    put_text(out, record.provider);
    put_bytes(out, record.bytes);
    return kind_firmware_log;
}
Kind encode(mr::Bytes &out, const EarlierLog &record) {
    put(out, record.sequence);
    put_text(out, record.provider);
    put_bytes(out, record.bytes);
    return kind_earlier_log;
}
Kind encode(mr::Bytes &out, const Intent &record) {
    put(out, record.number);
    put(out, record.time);
    put(out, record.uid);
    put(out, record.gid);
    put(out, record.pid);
    put(out, record.type);
    put(out, static_cast<std::uint8_t>(record.origin));
    put_targets(out, record.targets);
    put_field(out, tag_executable, record.executable);
    put_field(out, tag_unit, record.unit);
    put_field(out, tag_id, record.id);
    put_field(out, tag_description, record.description);
    if (record.data) {
        put(out, static_cast<std::uint8_t>(tag_data));
        put_bytes(out, *record.data);
    }
    if (const auto &other = record.on_behalf_of) {
        put(out, static_cast<std::uint8_t>(tag_on_behalf_of));
        put(out, static_cast<std::uint32_t>(on_behalf_of_size));
        put(out, other->uid);
        put(out, other->gid);
        put(out, other->pid);
    }
    put_field(out, tag_rule, record.rule);
    return kind_intent;
}
Kind encode(mr::Bytes &out, const Settled &record) {
    put(out, record.number);
    put(out, record.sequence);
    put(out, std::uint64_t{static_cast<std::uint8_t>(record.outcome)});
    return kind_settled;
}
Kind encode(mr::Bytes &out, const Checkpoint &record) {
    put(out, record.number);
    put_bytes(out, record.state);
    return kind_checkpoint;
}

// ---- Bytes in

void decode(FieldReader &in, Boot &record) {
    record.time = in.get<std::int64_t>();
    record.boot_id = in.get_text();
    in.get_unknown_fields();
}
void decode(FieldReader &in, Repair &record) {
    record.time = in.get<std::int64_t>();
    record.offset = in.get<std::uint64_t>();
    record.dropped = in.get<std::uint64_t>();
    record.next_intent = in.get<std::uint64_t>();
    record.kept_as = in.get_text();
    for (auto caps = in.get<std::uint16_t>(); caps > 0 && !in.has_failed(); --caps) {
        auto &cap = record.caps.emplace_back();
        cap.reg = in.get<RegisterNumber>();
        cap.event = in.get<std::uint64_t>();
    }
    in.get_unknown_fields();
}
void decode(FieldReader &in, Register &record) {
    if (const auto algorithm = mr::hash_algorithm_from_tcg(in.get<std::uint16_t>())) {
        record.algorithm = *algorithm;
    } else {
        in.fail();
    }
    record.initial = in.get_digest();
    record.start = in.get_digest();
    record.provider = in.get_text();
    record.name = in.get_text();
    in.get_fields([&record](std::uint8_t tag, mr::ByteView bytes) {
        if (tag != tag_carrier || bytes.size() != carrier_size) return false;
        record.carrier = FieldReader(bytes).get<RegisterNumber>();
        std::ranges::copy(bytes.subspan(sizeof(RegisterNumber), record.id.size()), record.id.begin());
        record.owner = FieldReader(bytes.last(sizeof record.owner)).get<std::int64_t>();
        return true;
    });
    const auto size = mr::digest_size(record.algorithm);
    if (record.initial.size() != size || record.start.size() != size) in.fail();
}
void decode(FieldReader &in, FirmwareLog &record) {
    record.format = in.get_bool() ? mr::LogFormat::tcg_sha1 : mr::LogFormat::tcg;
    record.registers = in.get_bool() ? mr::LogRegisters::pcr : mr::LogRegisters::rtmr;
    record.sequence = in.get<std::uint64_t>();
    record.provider = in.get_text();
    record.bytes = in.get_bytes();
    in.get_unknown_fields();
}
void decode(FieldReader &in, EarlierLog &record) {
    record.sequence = in.get<std::uint64_t>();
    record.provider = in.get_text();
    record.bytes = in.get_bytes();
    in.get_unknown_fields();
}
void decode(FieldReader &in, Intent &record) {
    record.number = in.get<std::uint64_t>();
    record.time = in.get<std::int64_t>();
    record.uid = in.get<std::int64_t>();
    record.gid = in.get<std::int64_t>();
    record.pid = in.get<std::int64_t>();
    record.type = in.get<std::uint32_t>();
    record.origin = in.get_enum<Origin>(origins);
    get_targets(in, record.targets);
    in.get_fields([&record](std::uint8_t tag, mr::ByteView bytes) {
        switch (tag) {
        case tag_executable: record.executable = text_of(bytes); return true;
        case tag_unit: record.unit = text_of(bytes); return true;
        case tag_id: record.id = text_of(bytes); return true;
        case tag_description: record.description = text_of(bytes); return true;
        case tag_data: record.data = bytes; return true;
        case tag_on_behalf_of: {
            if (bytes.size() != on_behalf_of_size) return false;
            FieldReader three(bytes);
            auto &other = record.on_behalf_of.emplace();
            for (auto *number : {&other.uid, &other.gid, &other.pid}) *number = three.get<std::int64_t>();
            return true;
        }
        case tag_rule: record.rule = text_of(bytes); return true;
        default: return false;
        }
    });
}
void decode(FieldReader &in, Settled &record) {
    record.number = in.get<std::uint64_t>();
    record.sequence = in.get<std::uint64_t>();
    const auto outcome = in.get<std::uint64_t>();
    if (outcome <= static_cast<std::uint64_t>(Outcome::indeterminate)) {
        record.outcome = static_cast<Outcome>(outcome);
    } else {
        in.fail();
    }
}
void decode(FieldReader &in, Checkpoint &record) {
    record.number = in.get<std::uint64_t>();
    record.state = in.get_bytes();
    in.get_unknown_fields();
}

// Of a record's head as it stands, without the checksum itself.
std::uint32_t head_crc(mr::ByteView head, std::uint64_t offset) {
    return crc32c(std::bit_cast<std::array<std::uint8_t, sizeof offset>>(little_endian(offset)), crc32c(head.first(12)));
}

}  // namespace

void append_file_header(mr::Bytes &out) {
    const auto begin = out.size();
    out.insert(out.end(), magic.begin(), magic.end());
    put(out, format_version);
    put(out, crc32c(mr::ByteView(out).subspan(begin, magic.size() + sizeof format_version)));
    out.resize(begin + file_header_size);
}

std::size_t size_of(const Intent &record) {
    std::size_t body = 5 * sizeof(std::uint64_t) + sizeof record.type + 2;
    for (const auto &target : record.targets)
        body += sizeof target.reg + 3 + target.before.size() + target.after.size() + target.digest.size();
    for (const auto *text : {&record.executable, &record.unit, &record.id, &record.description, &record.rule}) {
        if (*text) body += tag_size + (*text)->size();
    }
    if (record.data) body += tag_size + record.data->size();
    if (record.on_behalf_of) body += tag_size + on_behalf_of_size;
    return Head{.body_size = static_cast<std::uint32_t>(body)}.record_size();
}

namespace {

// Of a record whose body stands there already, behind room for the head.
std::size_t finish_record(mr::Bytes &out, std::size_t begin, std::uint64_t offset, std::uint8_t kind) {
    const auto body_size = out.size() - begin - record_head_size;
    const auto body_crc = crc32c(mr::ByteView(out).subspan(begin + record_head_size));
    put_at(out, begin, static_cast<std::uint32_t>(body_size));
    out[begin + 4] = kind;
    put_at(out, begin + 8, body_crc);
    put_at(out, begin + 12, head_crc(mr::ByteView(out).subspan(begin), offset));
    out.resize(begin + Head{static_cast<std::uint32_t>(body_size)}.record_size());
    return out.size() - begin;
}

}  // namespace

std::size_t append_record(mr::Bytes &out, std::uint64_t offset, const Record &record) {
    const auto begin = out.size();
    out.resize(begin + record_head_size);
    const auto kind = std::visit([&out](const auto &one) { return encode(out, one); }, record);
    return finish_record(out, begin, offset, kind);
}

std::size_t size_of(const Register &record) {
    mr::Bytes encoded;
    return append_record(encoded, 0, record);
}

std::size_t append_copy(mr::Bytes &out, std::uint64_t offset, std::uint8_t kind, mr::ByteView body) {
    const auto begin = out.size();
    out.resize(begin + record_head_size);
    out.insert(out.end(), body.begin(), body.end());
    return finish_record(out, begin, offset, kind);
}

std::expected<std::uint32_t, std::string> read_version(mr::ByteView file) {
    // What every version begins with.
    if (file.size() < first_slot) return std::unexpected("it is shorter than a journal's header");
    if (!std::ranges::equal(file.first(magic.size()), mr::as_bytes(magic))) return std::unexpected("it does not begin as a journal does");
    FieldReader in(file.subspan(magic.size(), 8));
    const auto version = in.get<std::uint32_t>();
    if (in.get<std::uint32_t>() != crc32c(file.first(magic.size() + sizeof format_version)))
        return std::unexpected("its header is damaged");
    return version;
}

void append_slot(mr::Bytes &out, const Slot &slot) {
    const auto begin = out.size();
    put(out, slot.number);
    put(out, slot.offset);
    put(out, std::uint32_t{slot.is_durable ? 1U : 0U});
    put(out, crc32c(mr::ByteView(out).subspan(begin)));
}

std::optional<Slot> read_slot(mr::ByteView header, std::size_t number) {
    const auto bytes = header.subspan(first_slot + number * slot_size, slot_size);
    FieldReader in(bytes);
    Slot slot;
    slot.number = in.get<std::uint64_t>();
    slot.offset = in.get<std::uint64_t>();
    const auto durable = in.get<std::uint32_t>();
    slot.is_durable = durable == 1;
    if (in.get<std::uint32_t>() != crc32c(bytes.first(slot_size - 4)) || slot.number == 0 || durable > 1) return std::nullopt;
    return slot;
}

bool Head::is_checkpoint() const { return kind == kind_checkpoint; }

std::optional<Head> decode_head(mr::ByteView bytes, std::uint64_t offset) {
    FieldReader in(bytes.first(record_head_size));
    Head head;
    head.body_size = in.get<std::uint32_t>();
    const auto kind = in.get<std::uint32_t>();  // of which the three high bytes are zero
    head.body_crc = in.get<std::uint32_t>();
    const auto crc = in.get<std::uint32_t>();
    if (kind > 0xFF) return std::nullopt;
    head.kind = static_cast<std::uint8_t>(kind);
    if (head.body_size == 0 || head.body_size > (head.is_checkpoint() ? max_checkpoint_body : max_body)) return std::nullopt;
    if (head_crc(bytes, offset) != crc) return std::nullopt;
    return head;
}

bool body_is_intact(const Head &head, mr::ByteView record) {
    const auto padding = record.subspan(record_head_size + head.body_size);
    return crc32c(record.subspan(record_head_size, head.body_size)) == head.body_crc &&
           std::ranges::all_of(padding, [](std::uint8_t byte) { return byte == 0; });
}

std::expected<Record, std::string> decode_record(const Head &head, mr::ByteView record) {
    FieldReader in(record.subspan(record_head_size, head.body_size));
    // The one object that is returned, on every path: copies of a record take as long as decoding it.
    std::expected<Record, std::string> decoded(std::in_place, std::in_place_type<Settled>);
    switch (head.kind) {
    case kind_boot: decode(in, decoded->emplace<Boot>()); break;
    case kind_repair: decode(in, decoded->emplace<Repair>()); break;
    case kind_register: decode(in, decoded->emplace<Register>()); break;
    case kind_firmware_log: decode(in, decoded->emplace<FirmwareLog>()); break;
    case kind_earlier_log: decode(in, decoded->emplace<EarlierLog>()); break;
    case kind_intent: decode(in, decoded->emplace<Intent>()); break;
    case kind_settled: decode(in, decoded->emplace<Settled>()); break;
    case kind_checkpoint: decode(in, decoded->emplace<Checkpoint>()); break;
    default: decoded = std::unexpected("a record of the unknown kind " + std::to_string(head.kind)); return decoded;
    }
    if (!in.read_all())
        decoded = std::unexpected("a record of kind " + std::to_string(head.kind) + " that does not hold what its kind does");
    return decoded;
}

}  // namespace mrd::journal
