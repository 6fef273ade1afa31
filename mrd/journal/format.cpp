#include "mrd/journal/format.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "mrd/crc32c.h"

namespace mrd::journal {

namespace {

enum Kind : std::uint8_t { kind_boot = 1, kind_repair, kind_register, kind_firmware_log, kind_firmware_event, kind_intent, kind_settled };

// Between the processor's order and the file's, either way.
template <class Integer>
Integer little_endian(Integer value) {
    return std::endian::native == std::endian::little ? value : std::byteswap(value);
}

// ---- Bytes out

template <class Integer>
void put(mr::Bytes &out, Integer value) {
    const auto bytes = std::bit_cast<std::array<std::uint8_t, sizeof(Integer)>>(little_endian(value));
    out.insert(out.end(), bytes.begin(), bytes.end());
}

template <class Integer>
void put_at(mr::Bytes &out, std::size_t at, Integer value) {
    value = little_endian(value);
    std::memcpy(&out[at], &value, sizeof value);
}

void put_bytes(mr::Bytes &out, mr::ByteView bytes) {
    put(out, static_cast<std::uint32_t>(bytes.size()));
    out.insert(out.end(), bytes.begin(), bytes.end());
}
void put_text(mr::Bytes &out, std::string_view text) { put_bytes(out, mr::as_bytes(text)); }
void put_digest(mr::Bytes &out, const mr::Digest &digest) {
    put(out, static_cast<std::uint8_t>(digest.size()));
    out.insert(out.end(), digest.bytes().begin(), digest.bytes().end());
}

// What a record may have or not, behind what it always has: absent and empty differ. In the order of their tags, each once. An unknown one from
// `passed_over` on is passed over: it changes nothing of what the rest says.
enum Tag : std::uint8_t { tag_executable = 1, tag_unit, tag_id, tag_description, tag_data, passed_over = 0x80 };
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
    put_text(out, record.kept_as);
    return kind_repair;
}
Kind encode(mr::Bytes &out, const Register &record) {
    put(out, mr::tcg_id(record.algorithm));
    put_digest(out, record.initial);
    put_digest(out, record.start);
    put_text(out, record.provider);
    put_text(out, record.name);
    return kind_register;
}
Kind encode(mr::Bytes &out, const FirmwareLog &record) {
    put(out, static_cast<std::uint8_t>(record.format == mr::LogFormat::tcg_sha1 ? 1 : 0));
    put(out, static_cast<std::uint8_t>(record.registers == mr::LogRegisters::pcr ? 1 : 0));
    put_text(out, record.provider);
    put_bytes(out, record.header);
    return kind_firmware_log;
}
Kind encode(mr::Bytes &out, const FirmwareEvent &record) {
    put(out, record.sequence);
    put_bytes(out, record.bytes);
    return kind_firmware_event;
}
Kind encode(mr::Bytes &out, const Intent &record) {
    put(out, record.number);
    put(out, record.time);
    put(out, record.uid);
    put(out, record.gid);
    put(out, record.pid);
    put(out, record.type);
    put(out, static_cast<std::uint8_t>(record.origin));
    put(out, static_cast<std::uint8_t>(record.targets.size()));
    for (const auto &target : record.targets) {
        put(out, target.reg);
        put_digest(out, target.before);
        put_digest(out, target.after);
        put_digest(out, target.digest);
    }
    put_field(out, tag_executable, record.executable);
    put_field(out, tag_unit, record.unit);
    put_field(out, tag_id, record.id);
    put_field(out, tag_description, record.description);
    if (record.data) {
        put(out, static_cast<std::uint8_t>(tag_data));
        put_bytes(out, *record.data);
    }
    return kind_intent;
}
Kind encode(mr::Bytes &out, const Settled &record) {
    put(out, record.number);
    put(out, record.sequence);
    put(out, std::uint64_t{static_cast<std::uint8_t>(record.outcome)});
    return kind_settled;
}

// ---- Bytes in

std::string_view text_of(mr::ByteView bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }

// Reads one body; what does not fit makes it fail, and stay so.
class Reader {
public:
    explicit Reader(mr::ByteView bytes) : rest_(bytes) {}

    template <class Integer>
    Integer get() {
        Integer value = 0;
        const auto bytes = take(sizeof value);
        if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
        return little_endian(value);
    }
    mr::ByteView get_bytes() { return take(get<std::uint32_t>()); }
    std::string_view get_text() { return text_of(get_bytes()); }
    mr::Digest get_digest() {
        const auto size = get<std::uint8_t>();
        if (size > mr::max_digest_size) failed_ = true;
        return failed_ ? mr::Digest() : mr::Digest(take(size));
    }
    bool get_bool() {
        const auto value = get<std::uint8_t>();
        if (value > 1) failed_ = true;
        return value == 1;
    }
    // A value of an enum that has so many.
    template <class Enum>
    Enum get_enum(std::uint8_t count) {
        const auto value = get<std::uint8_t>();
        if (value >= count) failed_ = true;
        return failed_ ? Enum() : static_cast<Enum>(value);
    }
    // The optional fields, to the end. take(tag, bytes) is false where it does not know the tag.
    template <class Take>
    void get_fields(const Take &take) {
        std::uint8_t last = 0;
        while (!failed_ && !rest_.empty()) {
            const auto tag = get<std::uint8_t>();
            const auto bytes = get_bytes();
            if (tag <= last) failed_ = true;
            if (!failed_ && !take(tag, bytes) && tag < passed_over) failed_ = true;
            last = tag;
        }
    }
    void get_unknown_fields() {
        get_fields([](std::uint8_t, mr::ByteView) { return false; });
    }
    void fail() { failed_ = true; }
    [[nodiscard]] bool read_all() const { return !failed_ && rest_.empty(); }

private:
    mr::ByteView take(std::size_t size) {
        if (failed_ || size > rest_.size()) {
            failed_ = true;
            return {};
        }
        const auto taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return taken;
    }

    mr::ByteView rest_;
    bool failed_ = false;
};

void decode(Reader &in, Boot &record) {
    record.time = in.get<std::int64_t>();
    record.boot_id = in.get_text();
    in.get_unknown_fields();
}
void decode(Reader &in, Repair &record) {
    record.time = in.get<std::int64_t>();
    record.offset = in.get<std::uint64_t>();
    record.dropped = in.get<std::uint64_t>();
    record.kept_as = in.get_text();
    in.get_unknown_fields();
}
void decode(Reader &in, Register &record) {
    if (const auto algorithm = mr::hash_algorithm_from_tcg(in.get<std::uint16_t>())) {
        record.algorithm = *algorithm;
    } else {
        in.fail();
    }
    record.initial = in.get_digest();
    record.start = in.get_digest();
    record.provider = in.get_text();
    record.name = in.get_text();
    in.get_unknown_fields();
    const auto size = mr::digest_size(record.algorithm);
    if (record.initial.size() != size || record.start.size() != size) in.fail();
}
void decode(Reader &in, FirmwareLog &record) {
    record.format = in.get_bool() ? mr::LogFormat::tcg_sha1 : mr::LogFormat::tcg;
    record.registers = in.get_bool() ? mr::LogRegisters::pcr : mr::LogRegisters::rtmr;
    record.provider = in.get_text();
    record.header = in.get_bytes();
    in.get_unknown_fields();
}
void decode(Reader &in, FirmwareEvent &record) {
    record.sequence = in.get<std::uint64_t>();
    record.bytes = in.get_bytes();
    in.get_unknown_fields();
}
void decode(Reader &in, Intent &record) {
    record.number = in.get<std::uint64_t>();
    record.time = in.get<std::int64_t>();
    record.uid = in.get<std::int64_t>();
    record.gid = in.get<std::int64_t>();
    record.pid = in.get<std::int64_t>();
    record.type = in.get<std::uint32_t>();
    record.origin = in.get_enum<Origin>(3);
    const auto targets = in.get<std::uint8_t>();
    if (targets == 0 || targets > max_targets) return in.fail();
    for (std::uint8_t i = 0; i < targets; ++i) {
        auto &target = record.targets.add();
        target.reg = in.get<RegisterNumber>();
        target.before = in.get_digest();
        target.after = in.get_digest();
        target.digest = in.get_digest();
    }
    in.get_fields([&record](std::uint8_t tag, mr::ByteView bytes) {
        switch (tag) {
        case tag_executable: record.executable = text_of(bytes); return true;
        case tag_unit: record.unit = text_of(bytes); return true;
        case tag_id: record.id = text_of(bytes); return true;
        case tag_description: record.description = text_of(bytes); return true;
        case tag_data: record.data = bytes; return true;
        default: return false;
        }
    });
}
void decode(Reader &in, Settled &record) {
    record.number = in.get<std::uint64_t>();
    record.sequence = in.get<std::uint64_t>();
    const auto outcome = in.get<std::uint64_t>();
    if (outcome <= static_cast<std::uint64_t>(Outcome::indeterminate)) {
        record.outcome = static_cast<Outcome>(outcome);
    } else {
        in.fail();
    }
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
    for (const auto *text : {&record.executable, &record.unit, &record.id, &record.description}) {
        if (*text) body += tag_size + (*text)->size();
    }
    if (record.data) body += tag_size + record.data->size();
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
    Reader in(file.subspan(magic.size(), 8));
    const auto version = in.get<std::uint32_t>();
    if (in.get<std::uint32_t>() != crc32c(file.first(magic.size() + sizeof format_version)))
        return std::unexpected("its header is damaged");
    return version;
}

std::optional<Head> decode_head(mr::ByteView bytes, std::uint64_t offset) {
    Reader in(bytes.first(record_head_size));
    Head head;
    head.body_size = in.get<std::uint32_t>();
    const auto kind = in.get<std::uint32_t>();  // of which the three high bytes are zero
    head.body_crc = in.get<std::uint32_t>();
    const auto crc = in.get<std::uint32_t>();
    if (head.body_size == 0 || head.body_size > max_body || kind > 0xFF) return std::nullopt;
    head.kind = static_cast<std::uint8_t>(kind);
    if (head_crc(bytes, offset) != crc) return std::nullopt;
    return head;
}

bool body_is_intact(const Head &head, mr::ByteView record) {
    const auto padding = record.subspan(record_head_size + head.body_size);
    return crc32c(record.subspan(record_head_size, head.body_size)) == head.body_crc &&
           std::ranges::all_of(padding, [](std::uint8_t byte) { return byte == 0; });
}

std::expected<Record, std::string> decode_record(const Head &head, mr::ByteView record) {
    Reader in(record.subspan(record_head_size, head.body_size));
    // The one object that is returned, on every path: copies of a record take as long as decoding it.
    std::expected<Record, std::string> decoded(std::in_place, std::in_place_type<Settled>);
    switch (head.kind) {
    case kind_boot: decode(in, decoded->emplace<Boot>()); break;
    case kind_repair: decode(in, decoded->emplace<Repair>()); break;
    case kind_register: decode(in, decoded->emplace<Register>()); break;
    case kind_firmware_log: decode(in, decoded->emplace<FirmwareLog>()); break;
    case kind_firmware_event: decode(in, decoded->emplace<FirmwareEvent>()); break;
    case kind_intent: decode(in, decoded->emplace<Intent>()); break;
    case kind_settled: decode(in, decoded->emplace<Settled>()); break;
    default: decoded = std::unexpected("a record of the unknown kind " + std::to_string(head.kind)); return decoded;
    }
    if (!in.read_all())
        decoded = std::unexpected("a record of kind " + std::to_string(head.kind) + " that does not hold what its kind does");
    return decoded;
}

}  // namespace mrd::journal
