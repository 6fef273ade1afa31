#include <array>
#include <optional>
#include <string>
#include <utility>

#include "libmr/src/event_log/source.h"
#include "libmr/src/event_log/tcg.h"

namespace mr {
namespace {

using event_log::little_endian;
using event_log::malformed;

std::string hexadecimal(std::uint16_t value) {
    return "0x" + to_hex(Bytes{static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)});
}

// Takes one record's fields, up to the first that the file does not hold whole.
class TcgFields {
public:
    TcgFields(ByteView file, std::size_t begin, std::string_view what = "the file") : file_(file), begin_(begin), at_(begin), what_(what) {}

    bool take(std::size_t size, ByteView &field) {
        if (size > file_.size() - at_) {
            missing_ = size - (file_.size() - at_);
            return false;
        }
        field = file_.subspan(at_, size);
        at_ += size;
        return true;
    }

    template <typename Integer>
    bool take(Integer &field) {
        ByteView bytes;
        if (!take(sizeof(Integer), bytes)) return false;
        field = little_endian<Integer>(bytes);
        return true;
    }

    // Where the next field begins.
    [[nodiscard]] std::size_t at() const { return at_; }
    [[nodiscard]] std::size_t size() const { return at_ - begin_; }

    // After a take() that returned false.
    [[nodiscard]] std::unexpected<Error> ends_inside() const {
        return malformed(
            begin_, std::string(what_) + " ends inside this record: at least " + std::to_string(missing_) + " more bytes belong to it");
    }

private:
    ByteView file_;
    std::size_t begin_;
    std::size_t at_;
    std::string_view what_;
    std::size_t missing_ = 0;
};

// The last two fields of every record.
std::expected<ByteView, Error> take_data(TcgFields &fields) {
    std::uint32_t size = 0;
    ByteView data;
    if (!fields.take(size) || !fields.take(size, data)) return fields.ends_inside();
    return data;
}

// The number of bytes the record takes. `event` is left without a name and a sequence number.
std::expected<std::size_t, Error> read_sha1_record(ByteView file, std::size_t begin, Event &event) {
    TcgFields fields(file, begin);
    event.digests.resize(1);
    event.digests.front().algorithm_id = tcg_id(HashAlgorithm::sha1);
    if (!fields.take(event.index) || !fields.take(event.type) || !fields.take(event_log::sha1_digest_size, event.digests.front().value)) {
        return fields.ends_inside();
    }
    const auto data = take_data(fields);
    if (!data) return std::unexpected(data.error());
    event.data = *data;
    // An event could be written so, but who ends a log before its area's end writes it: nobody measures nothing under a reserved type.
    if (fields.size() == event_log::sha1_record_size &&
        std::ranges::all_of(file.subspan(begin, fields.size()), [](auto byte) { return byte == 0; })) {
        return malformed(begin, "zeros stand here as if the log had ended, but something else follows them");
    }
    return fields.size();
}

std::expected<std::size_t, Error> read_crypto_agile_record(ByteView file, std::size_t begin,
                                                           const std::vector<TcgHeader::Algorithm> &algorithms, Event &event) {
    TcgFields fields(file, begin);
    event.digests.clear();
    std::uint32_t count = 0;
    if (!fields.take(event.index) || !fields.take(event.type)) return fields.ends_inside();
    const std::size_t count_at = fields.at();
    if (!fields.take(count)) return fields.ends_inside();
    if (count > algorithms.size()) {
        return malformed(count_at, "the event has " + std::to_string(count) + " digests, but the log's header has " +
                                       std::to_string(algorithms.size()) + " algorithms");
    }
    // Nothing could be replayed of such an event; and zeros that do not last to the file's end would be read as one.
    if (count == 0 && event.type != ev_no_action) return malformed(count_at, "the event has no digest");
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::size_t id_at = fields.at();
        EventDigest digest;
        if (!fields.take(digest.algorithm_id)) return fields.ends_inside();
        const auto known = std::ranges::find(algorithms, digest.algorithm_id, &TcgHeader::Algorithm::id);
        if (known == algorithms.end()) {
            return malformed(id_at, "the event has a digest of the algorithm " + hexadecimal(digest.algorithm_id) +
                                        ", which the log's header does not have");
        }
        if (std::ranges::find(event.digests, digest.algorithm_id, &EventDigest::algorithm_id) != event.digests.end()) {
            return malformed(id_at, "the event has two digests of the algorithm " + hexadecimal(digest.algorithm_id));
        }
        if (!fields.take(known->size, digest.value)) return fields.ends_inside();
        event.digests.push_back(digest);
    }
    const auto data = take_data(fields);
    if (!data) return std::unexpected(data.error());
    event.data = *data;
    return fields.size();
}

// One filler up to the file's end: what is left of the area that the firmware set aside.
bool is_padding(ByteView rest) {
    const std::uint8_t filler = rest.front();
    return (filler == 0x00 || filler == 0xFF) && std::ranges::all_of(rest, [filler](auto byte) { return byte == filler; });
}

class TcgSource final : public EventLogReader::Source {
public:
    TcgSource(ByteView file, TcgHeaderRead header, LogFormat format)
        : file_(file), algorithms_(std::move(header.header.algorithms)), format_(format), begin_(header.size), next_(header.size) {}

    [[nodiscard]] LogFormat format() const override { return format_; }
    [[nodiscard]] std::size_t offset() const override { return begin_; }

    std::expected<bool, Error> next(Event &event) override {
        begin_ = next_;
        if (next_ == file_.size() || is_padding(file_.subspan(next_))) return false;
        const auto size = read_record(next_, event);
        if (!size) return std::unexpected(size.error());
        next_ += *size;
        event.sequence = ++sequence_;
        event.name = name_of(event.index);
        event.description.reset();
        event.time.reset();
        event.caller.reset();
        event.id.reset();
        event.origin = EventOrigin::firmware;
        return true;
    }

    void set_registers(LogRegisters registers) { whose_ = registers; }

    // The rule where the caller did not say (mr/event_log.h). Reads the log once where its header does not decide it; stops at the first index that does.
    [[nodiscard]] LogRegisters guess_registers(std::uint32_t header_index) const {
        if (format_ == LogFormat::tcg_sha1) return LogRegisters::pcr;
        if (header_index == 1) return LogRegisters::rtmr;
        if (algorithms_.size() != 1 || algorithms_.front().id != tcg_id(HashAlgorithm::sha384)) return LogRegisters::pcr;
        Event event;
        for (std::size_t at = next_; at != file_.size() && !is_padding(file_.subspan(at));) {
            const auto size = read_record(at, event);
            if (!size) break;  // next() tells it
            if (event.index > highest_rtmr_index && is_measured(event)) return LogRegisters::pcr;
            at += *size;
        }
        return LogRegisters::rtmr;
    }

private:
    static constexpr std::uint32_t highest_rtmr_index = 4;

    std::expected<std::size_t, Error> read_record(std::size_t at, Event &event) const {
        auto size =
            format_ == LogFormat::tcg_sha1 ? read_sha1_record(file_, at, event) : read_crypto_agile_record(file_, at, algorithms_, event);
        if (size && *size > max_log_record) {
            return malformed(
                at, "the event takes " + std::to_string(*size) + " bytes: at most " + std::to_string(max_log_record) + " are read");
        }
        return size;
    }

    // Valid until the next call.
    std::string_view name_of(std::uint32_t index) {
        if (index == no_index) return {};
        auto &known = names_[index % names_.size()];
        if (known.name.empty() || index != known.index) {
            known.index = index;
            if (whose_ == LogRegisters::pcr) {
                known.name = "pcr" + std::to_string(index);
            } else if (index == 0) {
                known.name = "mrtd";
            } else {
                known.name = "rtmr" + std::to_string(index - 1);
            }
        }
        return known.name;
    }

    ByteView file_;
    std::vector<TcgHeader::Algorithm> algorithms_;  // empty for a TCG 1.2 log
    LogFormat format_;
    LogRegisters whose_ = LogRegisters::pcr;
    std::size_t begin_;  // of the last record, or where the log ended
    std::size_t next_;
    std::uint64_t sequence_ = 0;
    // The names that were last made, by index modulo their number: more than a TPM has PCRs.
    struct Name {
        std::uint32_t index = no_index;
        std::string name;
    };
    std::array<Name, 32> names_;
};

std::expected<std::vector<TcgHeader::Algorithm>, Error> read_algorithms(TcgFields &fields) {
    const std::size_t count_at = fields.at();
    std::uint32_t count = 0;
    if (!fields.take(count)) return fields.ends_inside();
    if (count == 0 || count > max_log_banks) {
        return malformed(count_at,
                         "the header has " + std::to_string(count) + " algorithms: 1 to " + std::to_string(max_log_banks) + " are read");
    }
    std::vector<TcgHeader::Algorithm> algorithms;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::size_t id_at = fields.at();
        TcgHeader::Algorithm algorithm;
        if (!fields.take(algorithm.id) || !fields.take(algorithm.size)) return fields.ends_inside();
        const auto known = hash_algorithm_from_tcg(algorithm.id);
        if (algorithm.size == 0 || (known && algorithm.size != digest_size(*known))) {
            return malformed(id_at + sizeof(algorithm.id), "the header gives digests of the algorithm " + hexadecimal(algorithm.id) +
                                                               " a size of " + std::to_string(algorithm.size));
        }
        if (std::ranges::find(algorithms, algorithm.id, &TcgHeader::Algorithm::id) != algorithms.end()) {
            return malformed(id_at, "the header has the algorithm " + hexadecimal(algorithm.id) + " twice");
        }
        algorithms.push_back(algorithm);
    }
    return algorithms;
}

}  // namespace

std::expected<TcgHeaderRead, Error> read_tcg_header(ByteView file) {
    Event record;
    const auto size = read_sha1_record(file, 0, record);
    if (!size) return std::unexpected(size.error());
    // The header is this record alone: what lies behind it is no part of it.
    const ByteView bytes = file.first(*size);
    if (!event_log::has_spec_id(bytes)) return malformed(0, "the log does not begin with an EV_NO_ACTION record \"Spec ID Event03\"");
    if (record.index > 1) return malformed(0, "the header has the index " + std::to_string(record.index) + ": 0 or 1 is right");
    // Nobody extends it, so it binds nothing; a log that is read and written again is the same only so.
    if (std::ranges::any_of(record.digests.front().value, [](auto byte) { return byte != 0; })) {
        return malformed(sizeof(record.index) + sizeof(record.type), "the header's digest is not all zeros");
    }

    TcgFields fields(bytes, event_log::sha1_record_size + event_log::spec_id_signature.size(), "the header");
    TcgHeaderRead read;
    read.size = *size;
    auto &header = read.header;
    header.index = record.index;
    if (!fields.take(header.platform_class) || !fields.take(header.minor) || !fields.take(header.major) || !fields.take(header.errata) ||
        !fields.take(header.uintn_size)) {
        return fields.ends_inside();
    }
    auto algorithms = read_algorithms(fields);
    if (!algorithms) return std::unexpected(std::move(algorithms.error()));
    header.algorithms = std::move(*algorithms);
    std::uint8_t vendor_info_size = 0;
    ByteView vendor_info;
    if (!fields.take(vendor_info_size) || !fields.take(vendor_info_size, vendor_info)) return fields.ends_inside();
    header.vendor_info.assign(vendor_info.begin(), vendor_info.end());
    if (fields.at() != *size) return malformed(fields.at(), "bytes follow the header's vendor information");
    return read;
}

namespace event_log {

SourceResult open_tcg(ByteView file, const ReaderOptions &options) {
    const auto format = options.format.value_or(has_spec_id(file) ? LogFormat::tcg : LogFormat::tcg_sha1);
    TcgHeaderRead header;
    if (format == LogFormat::tcg) {
        auto read = read_tcg_header(file);
        if (!read) return std::unexpected(std::move(read.error()));
        header = std::move(*read);
    }
    const auto header_index = header.header.index;
    auto source = std::make_unique<TcgSource>(file, std::move(header), format);
    source->set_registers(options.registers ? *options.registers : source->guess_registers(header_index));
    return source;
}

}  // namespace event_log
}  // namespace mr
