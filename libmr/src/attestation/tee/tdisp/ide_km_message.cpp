#include <array>
#include <string>
#include <utility>

#include "libmr/src/event_log/byte_reader.h"
#include "mr/tdisp.h"

namespace mr {
namespace {

using event_log::ByteReader;

constexpr std::array<std::string_view, 7> ide_km_type_names = {"QUERY",    "QUERY_RESP", "KEY_PROG",    "KP_ACK",
                                                               "K_SET_GO", "K_SET_STOP", "K_GOSTOP_ACK"};
constexpr std::array<std::string_view, 3> sub_stream_names = {"PR", "NPR", "CPL"};
constexpr std::array<std::string_view, 5> status_names = {"done", "length", "port", "value", "other"};

// What is wrong with the fields that were read; empty: nothing.
using Wrong = std::string;

constexpr auto reserved_is_set = "a reserved byte is not zero";

// Which key a message is about, with a byte between that is reserved in all of them but KP_ACK.
struct Head {
    IdeKey which;
    std::uint8_t between = 0;
};

Wrong read_head(ByteReader &reader, Head &to) {
    const auto reserved = reader.u16();
    to.which.stream = reader.u8();
    to.between = reader.u8();
    const auto sub = reader.u8();
    to.which.port = reader.u8();
    if (reserved != 0) return reserved_is_set;
    constexpr std::uint8_t transmit = 0x02;
    constexpr std::uint8_t reserved_bits = 0x0C;
    if ((sub & reserved_bits) != 0) return "reserved bits of the sub-stream are not zero";
    if (sub >> 4U >= sub_stream_names.size()) return "there is no sub-stream " + std::to_string(sub >> 4U);
    to.which.key_set = sub & 1U;
    to.which.is_transmit = (sub & transmit) != 0;
    to.which.sub_stream = static_cast<IdeSubStream>(sub >> 4U);
    return {};
}

Wrong read_query(ByteReader &reader, IdeKmMessage &to) {
    const auto reserved = reader.u8();
    to.body = IdeQuery{reader.u8()};
    return reserved == 0 ? Wrong() : reserved_is_set;
}

Wrong read_query_response(ByteReader &reader, IdeKmMessage &to) {
    const auto reserved = reader.u8();
    IdeQueryResponse read{.port = reader.u8(),
                          .device_function = reader.u8(),
                          .bus = reader.u8(),
                          .segment = reader.u8(),
                          .max_port = reader.u8(),
                          .registers = {}};
    if (reserved != 0) return reserved_is_set;
    if (reader.rest().size() > max_ide_registers * sizeof(std::uint32_t))
        return "there are more than " + std::to_string(max_ide_registers) + " registers";
    while (reader.ok() && !reader.rest().empty()) read.registers.push_back(reader.u32());
    to.body = std::move(read);
    return {};
}

Wrong read_about_key(ByteReader &reader, IdeKmMessage &to) {
    Head head;
    if (auto wrong = read_head(reader, head); !wrong.empty()) return wrong;
    if (to.type == IdeKmType::key_acknowledge) {
        to.body = IdeKeyAcknowledge{.which = head.which, .status = head.between};
        return {};
    }
    if (head.between != 0) return reserved_is_set;
    if (to.type == IdeKmType::key_program) {
        const auto key = reader.take(ide_key_size);
        to.body = IdeKeyProgram{.which = head.which, .key = key, .iv = reader.take(ide_iv_size)};
    } else {
        to.body = IdeGoStop{head.which};
    }
    return {};
}

Wrong read_ide_km_body(ByteReader &reader, IdeKmMessage &to) {
    switch (to.type) {
    case IdeKmType::query: return read_query(reader, to);
    case IdeKmType::query_response: return read_query_response(reader, to);
    case IdeKmType::key_program:
    case IdeKmType::key_acknowledge:
    case IdeKmType::set_go:
    case IdeKmType::set_stop:
    case IdeKmType::go_stop_acknowledge: return read_about_key(reader, to);
    }
    return {};
}

}  // namespace

std::string_view to_string(IdeKmType type) { return ide_km_type_names.at(std::to_underlying(type)); }
std::string_view to_string(IdeSubStream sub_stream) { return sub_stream_names.at(std::to_underlying(sub_stream)); }

std::string ide_key_status_text(std::uint8_t status) {
    return status < status_names.size() ? std::string(status_names.at(status)) : "status " + std::to_string(status);
}

std::expected<IdeKmMessage, Error> decode_ide_km_message(ByteView message) {
    const auto malformed = [](const std::string &what) { return std::unexpected(Error{ErrorCode::malformed, "IDE_KM message: " + what}); };
    ByteReader reader(message);
    const auto type = reader.u8();
    if (!reader.ok()) return malformed("it is empty");
    if (type >= ide_km_type_names.size()) return malformed("there is no type " + std::to_string(type));
    IdeKmMessage read{.type = static_cast<IdeKmType>(type), .body = {}};
    const std::string name(to_string(read.type));
    const auto wrong = read_ide_km_body(reader, read);
    if (!reader.ok()) return malformed(name + " ends before its fields do");
    if (!wrong.empty()) return malformed(name + ": " + wrong);
    if (!reader.rest().empty()) return malformed(name + " has " + std::to_string(reader.rest().size()) + " bytes more than its fields");
    return read;
}

}  // namespace mr
