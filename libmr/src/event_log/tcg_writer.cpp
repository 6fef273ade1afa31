#include "libmr/src/event_log/tcg.h"

namespace mr {
namespace {

using event_log::append_little_endian;

void append(Bytes &out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

// An event without data and one with empty data are the same here.
void append_data(Bytes &out, const Event &event) {
    const ByteView data = event.data.value_or(ByteView());
    append_little_endian(out, static_cast<std::uint32_t>(data.size()));
    append(out, data);
}

}  // namespace

void append_tcg_header(Bytes &out, const TcgHeader &header) {
    Bytes spec_id;
    append(spec_id, event_log::spec_id_signature);
    append_little_endian(spec_id, header.platform_class);
    append(spec_id, Bytes{header.minor, header.major, header.errata, header.uintn_size});
    append_little_endian(spec_id, static_cast<std::uint32_t>(header.algorithms.size()));
    for (const auto &algorithm : header.algorithms) {
        append_little_endian(spec_id, algorithm.id);
        append_little_endian(spec_id, algorithm.size);
    }
    append_little_endian(spec_id, static_cast<std::uint8_t>(header.vendor_info.size()));
    append(spec_id, header.vendor_info);

    static constexpr std::array<std::uint8_t, event_log::sha1_digest_size> never_extended{};
    Event record;
    record.index = header.index;
    record.type = ev_no_action;
    record.digests = {{tcg_id(HashAlgorithm::sha1), never_extended}};
    record.data = spec_id;
    append_tcg_sha1_event(out, record);
}

void append_tcg_event(Bytes &out, const Event &event) {
    append_little_endian(out, event.index);
    append_little_endian(out, event.type);
    append_little_endian(out, static_cast<std::uint32_t>(event.digests.size()));
    for (const auto &digest : event.digests) {
        append_little_endian(out, digest.algorithm_id);
        append(out, digest.value);
    }
    append_data(out, event);
}

void append_tcg_sha1_event(Bytes &out, const Event &event) {
    append_little_endian(out, event.index);
    append_little_endian(out, event.type);
    append(out, event.digests.front().value);
    append_data(out, event);
}

}  // namespace mr
