#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <utility>

#include "libmr/src/event_log/byte_reader.h"
#include "mr/tdisp.h"

namespace mr {
namespace {

using event_log::ByteReader;

struct TypeName {
    TdispType type;
    std::string_view name;
};
constexpr std::array tdisp_type_names = {
    TypeName{TdispType::version, "TDISP_VERSION"},
    TypeName{TdispType::capabilities, "TDISP_CAPABILITIES"},
    TypeName{TdispType::lock_response, "LOCK_INTERFACE_RESPONSE"},
    TypeName{TdispType::report, "DEVICE_INTERFACE_REPORT"},
    TypeName{TdispType::state, "DEVICE_INTERFACE_STATE"},
    TypeName{TdispType::start_response, "START_INTERFACE_RESPONSE"},
    TypeName{TdispType::stop_response, "STOP_INTERFACE_RESPONSE"},
    TypeName{TdispType::bind_p2p_response, "BIND_P2P_STREAM_RESPONSE"},
    TypeName{TdispType::unbind_p2p_response, "UNBIND_P2P_STREAM_RESPONSE"},
    TypeName{TdispType::set_mmio_attribute_response, "SET_MMIO_ATTRIBUTE_RESPONSE"},
    TypeName{TdispType::vdm_response, "VDM_RESPONSE"},
    TypeName{TdispType::error, "TDISP_ERROR"},
    TypeName{TdispType::get_version, "GET_TDISP_VERSION"},
    TypeName{TdispType::get_capabilities, "GET_TDISP_CAPABILITIES"},
    TypeName{TdispType::lock, "LOCK_INTERFACE_REQUEST"},
    TypeName{TdispType::get_report, "GET_DEVICE_INTERFACE_REPORT"},
    TypeName{TdispType::get_state, "GET_DEVICE_INTERFACE_STATE"},
    TypeName{TdispType::start, "START_INTERFACE_REQUEST"},
    TypeName{TdispType::stop, "STOP_INTERFACE_REQUEST"},
    TypeName{TdispType::bind_p2p, "BIND_P2P_STREAM_REQUEST"},
    TypeName{TdispType::unbind_p2p, "UNBIND_P2P_STREAM_REQUEST"},
    TypeName{TdispType::set_mmio_attribute, "SET_MMIO_ATTRIBUTE_REQUEST"},
    TypeName{TdispType::vdm, "VDM_REQUEST"},
};

struct StateName {
    TdispState state;
    std::string_view name;
};
constexpr std::array state_names = {StateName{TdispState::config_unlocked, "CONFIG_UNLOCKED"},
                                    StateName{TdispState::config_locked, "CONFIG_LOCKED"}, StateName{TdispState::run, "RUN"},
                                    StateName{TdispState::error, "ERROR"}};

struct ErrorName {
    std::uint32_t code;
    std::string_view name;
};
constexpr std::array error_names = {ErrorName{0x1, "INVALID_REQUEST"},         ErrorName{0x3, "BUSY"},
                                    ErrorName{0x4, "INVALID_INTERFACE_STATE"}, ErrorName{0x5, "UNSPECIFIED"},
                                    ErrorName{0x7, "UNSUPPORTED_REQUEST"},     ErrorName{0x41, "VERSION_MISMATCH"},
                                    ErrorName{0x101, "INVALID_INTERFACE"},     ErrorName{0x102, "INVALID_NONCE"},
                                    ErrorName{0x103, "INSUFFICIENT_ENTROPY"},  ErrorName{0x104, "INVALID_DEVICE_CONFIGURATION"}};

constexpr std::array lock_flag_bits = {NamedBit{0, "no_firmware_update"}, NamedBit{1, "cache_line_size"}, NamedBit{2, "lock_msix"},
                                       NamedBit{3, "bind_p2p"}, NamedBit{4, "all_request_redirect"}};

std::unexpected<Error> malformed_tdisp_message(std::string what) {
    return std::unexpected(Error{ErrorCode::malformed, "TDISP message: " + std::move(what)});
}

// What is wrong with the fields that were read; empty: nothing.
using Wrong = std::string;

// Lower 24 bits the function, bit 24 whether it has a segment; the rest, and 8 more bytes, are reserved.
Wrong read_interface(ByteReader &reader, TdispInterface &to) {
    constexpr unsigned segment_shift = 16;
    constexpr unsigned segment_valid = 24;
    const auto function = reader.u32();
    const bool has_segment = (function >> segment_valid & 1U) != 0;
    const auto segment = static_cast<std::uint8_t>(function >> segment_shift);
    to.requester_id = static_cast<std::uint16_t>(function);
    if (has_segment) to.segment = segment;
    if (function >> (segment_valid + 1) != 0 || (!has_segment && segment != 0) || reader.u64() != 0)
        return "the interface id has reserved bits that are not zero";
    return {};
}

Wrong check_lock_flags(std::uint16_t flags) {
    return (flags & ~known_bits(lock_flag_bits)) == 0 ? Wrong() : "the lock flags have reserved bits that are not zero";
}

// Each reads what its type adds to the head; that nothing follows is asked after it.
Wrong read_versions(ByteReader &reader, TdispBody &to) {
    const auto count = reader.u8();
    if (count == 0) return "there is no version";
    to = TdispVersions{reader.take(count)};
    return {};
}

Wrong read_capabilities(ByteReader &reader, TdispBody &to) {
    TdispCapabilities read{.dsm_capabilities = reader.u32()};
    std::ranges::copy(reader.take(read.requests.size()), read.requests.begin());
    read.lock_flags = reader.u16();
    const auto reserved = reader.take(3);
    read.address_width = reader.u8();
    read.requests_this = reader.u8();
    read.requests_all = reader.u8();
    to = read;
    if (std::ranges::any_of(reserved, [](std::uint8_t byte) { return byte != 0; }))
        return "reserved bytes of the capabilities are not zero";
    return check_lock_flags(read.lock_flags);
}

Wrong read_lock(ByteReader &reader, TdispBody &to) {
    TdispLock read{.flags = reader.u16(), .stream = reader.u8()};
    const auto reserved = reader.u8();
    read.report_offset = reader.u64();
    read.p2p_mask = reader.u64();
    to = read;
    return reserved != 0 ? "a reserved byte of the lock is not zero" : check_lock_flags(read.flags);
}

Wrong read_nonce(ByteReader &reader, TdispBody &to) {
    TdispNonce read;
    std::ranges::copy(reader.take(read.nonce.size()), read.nonce.begin());
    to = read;
    return {};
}

Wrong read_portion(ByteReader &reader, TdispBody &to) {
    const auto size = reader.u16();
    const auto remainder = reader.u16();
    to = TdispReportPortion{.remainder = remainder, .bytes = reader.take(size)};
    return {};
}

Wrong read_state(ByteReader &reader, TdispBody &to) {
    const auto state = reader.u8();
    to = static_cast<TdispState>(state);
    return state <= std::to_underlying(TdispState::error) ? Wrong() : "the state " + std::to_string(state) + " is none";
}

Wrong read_error(ByteReader &reader, TdispBody &to) {
    TdispError read{.code = reader.u32(), .data = reader.u32(), .more = {}};
    read.more = reader.take(reader.rest().size());
    to = read;
    return {};
}

Wrong read_tdisp_body(ByteReader &reader, TdispType type, TdispBody &to) {
    switch (type) {
    case TdispType::get_version:
    case TdispType::get_state:
    case TdispType::stop:
    case TdispType::start_response:
    case TdispType::stop_response: to = TdispNothing{}; return {};
    case TdispType::version: return read_versions(reader, to);
    case TdispType::get_capabilities: to = TdispGetCapabilities{reader.u32()}; return {};
    case TdispType::capabilities: return read_capabilities(reader, to);
    case TdispType::lock: return read_lock(reader, to);
    case TdispType::lock_response:
    case TdispType::start: return read_nonce(reader, to);
    case TdispType::get_report: {
        const auto offset = reader.u16();
        to = TdispGetReport{.offset = offset, .length = reader.u16()};
        return {};
    }
    case TdispType::report: return read_portion(reader, to);
    case TdispType::state: return read_state(reader, to);
    case TdispType::error: return read_error(reader, to);
    case TdispType::bind_p2p:
    case TdispType::unbind_p2p:
    case TdispType::set_mmio_attribute:
    case TdispType::vdm:
    case TdispType::bind_p2p_response:
    case TdispType::unbind_p2p_response:
    case TdispType::set_mmio_attribute_response:
    case TdispType::vdm_response: to = TdispOther{reader.take(reader.rest().size())}; return {};
    }
    return "there is no such type";
}

}  // namespace

std::string_view to_string(TdispType type) {
    const auto *const known = std::ranges::find(tdisp_type_names, type, &TypeName::type);
    return known == tdisp_type_names.end() ? "unknown" : known->name;
}

std::string_view to_string(TdispState state) {
    const auto *const known = std::ranges::find(state_names, state, &StateName::state);
    return known == state_names.end() ? "unknown" : known->name;
}

std::optional<TdispState> tdisp_state_from(std::string_view name) {
    const auto *const known = std::ranges::find(state_names, name, &StateName::name);
    return known == state_names.end() ? std::nullopt : std::optional(known->state);
}

std::string to_string(const TdispInterface &interface) {
    std::array<char, 32> text{};
    constexpr unsigned device_shift = 3;
    const unsigned id = interface.requester_id;
    (void)std::snprintf(text.data(), text.size(), "%02x:%02x.%x", id >> 8U, id >> device_shift & 0x1FU, id & 7U);
    std::string function(text.data());
    if (!interface.segment) return function;
    (void)std::snprintf(text.data(), text.size(), "%04x:", unsigned{*interface.segment});
    return text.data() + function;
}

std::string tdisp_error_text(std::uint32_t code) {
    const auto *const known = std::ranges::find(error_names, code, &ErrorName::code);
    if (known != error_names.end()) return std::string(known->name);
    std::array<char, 16> text{};
    (void)std::snprintf(text.data(), text.size(), "0x%x", code);
    return text.data();
}

std::span<const NamedBit> tdisp_lock_flags() { return lock_flag_bits; }

bool TdispCapabilities::takes(TdispType request) const {
    constexpr unsigned first_request = 0x80;
    const unsigned code = std::to_underlying(request);
    if (code < first_request) return false;
    return (requests.at((code - first_request) / 8) >> (code - first_request) % 8 & 1U) != 0;
}

std::expected<TdispMessage, Error> decode_tdisp_message(ByteView message) {
    ByteReader reader(message);
    TdispMessage read{.version = reader.u8(), .type = static_cast<TdispType>(reader.u8())};
    const auto reserved = reader.u16();
    auto wrong = read_interface(reader, read.interface);
    if (!reader.ok()) return malformed_tdisp_message("it ends within its head");
    if (std::ranges::find(tdisp_type_names, read.type, &TypeName::type) == tdisp_type_names.end())
        return malformed_tdisp_message("there is no type " + std::to_string(message[1]));
    // What a device answers to a version that it does not know says just that.
    if (read.version != tdisp_version && read.type != TdispType::error)
        return std::unexpected(Error{ErrorCode::not_supported, "TDISP message: the version is " + std::to_string(read.version >> 4U) + "." +
                                                                   std::to_string(read.version & 0xFU) + ": this library knows 1.0"});
    if (reserved != 0) wrong = "reserved bytes of the head are not zero";
    const std::string name(to_string(read.type));
    if (wrong.empty()) wrong = read_tdisp_body(reader, read.type, read.body);
    if (!wrong.empty()) return malformed_tdisp_message(name + ": " + wrong);
    if (!reader.ok()) return malformed_tdisp_message(name + " ends before its fields do");
    if (!reader.rest().empty())
        return malformed_tdisp_message(name + " has " + std::to_string(reader.rest().size()) + " bytes more than its fields");
    return read;
}

}  // namespace mr
