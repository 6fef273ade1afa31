#include "mr/spdm_transport.h"

#include <algorithm>
#include <array>
#include <string>

#include "libmr/src/attestation/tee/spdm/wire.h"

namespace mr {
namespace {

using spdm::append_little_endian;

constexpr std::uint8_t mctp_spdm = 0x05;
constexpr std::size_t doe_header_size = 8;
constexpr std::size_t doe_unit = 4;  // bytes

std::unexpected<SpdmError> refuse(std::string message) { return spdm::fault(SpdmFault::transport, std::move(message)); }

void append_big_endian(Bytes &out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}
std::uint32_t big_endian(ByteView bytes) {
    std::uint32_t value = 0;
    for (const auto byte : bytes.first(4)) value = value << 8 | byte;
    return value;
}

}  // namespace

Bytes write_doe_object(const DoeObject &object) {
    const auto units = (doe_header_size + object.content.size() + doe_unit - 1) / doe_unit;
    Bytes bytes;
    append_little_endian(bytes, object.vendor);
    bytes.push_back(object.type);
    bytes.push_back(0);
    append_little_endian(bytes, static_cast<std::uint32_t>(units));
    spdm::append(bytes, object.content);
    bytes.resize(units * doe_unit);
    return bytes;
}

std::expected<DoeObject, SpdmError> parse_doe_object(ByteView bytes) {
    spdm::ByteReader from(bytes);
    DoeObject object;
    object.vendor = from.u16();
    object.type = from.u8();
    (void)from.u8();  // reserved
    const auto units = from.u32();
    if (!from.ok()) return refuse("a data object ends inside its header");
    if (std::uint64_t{units} * doe_unit != bytes.size())
        return refuse("a data object says " + std::to_string(units) + " units of 4 bytes, and has " + std::to_string(bytes.size()) +
                      " bytes");
    object.content = from.rest();
    return object;
}

Bytes doe_discovery_request(std::uint8_t index) {
    const std::array<std::uint8_t, doe_unit> content = {index, 0, 0, 0};
    return write_doe_object({.type = doe_discovery, .content = content});
}

std::expected<DoeProtocol, SpdmError> parse_doe_discovery_response(ByteView object) {
    const auto read = parse_doe_object(object);
    if (!read) return std::unexpected(read.error());
    if (read->vendor != doe_vendor_pci_sig || read->type != doe_discovery || read->content.size() != doe_unit)
        return refuse("a data object is not the answer to a discovery");
    spdm::ByteReader from(read->content);
    DoeProtocol protocol;
    protocol.vendor = from.u16();
    protocol.type = from.u8();
    protocol.next_index = from.u8();
    return protocol;
}

Bytes wrap_spdm(SpdmTransport transport, ByteView message) {
    switch (transport) {
    case SpdmTransport::none: return spdm::owned(message);
    case SpdmTransport::mctp: {
        Bytes payload = {mctp_spdm};
        spdm::append(payload, message);
        return payload;
    }
    case SpdmTransport::doe: return write_doe_object({.content = message});
    }
    return {};
}

std::expected<ByteView, SpdmError> unwrap_spdm(SpdmTransport transport, ByteView payload) {
    switch (transport) {
    case SpdmTransport::none: return payload;
    case SpdmTransport::mctp:
        if (payload.empty() || payload.front() != mctp_spdm) return refuse("a payload over MCTP is not of the message type SPDM");
        return payload.subspan(1);
    case SpdmTransport::doe: {
        const auto object = parse_doe_object(payload);
        if (!object) return std::unexpected(object.error());
        if (object->vendor != doe_vendor_pci_sig || object->type != doe_spdm) return refuse("a data object is not of the type SPDM");
        return object->content;
    }
    }
    return refuse("a transport that is not known");
}

Bytes write_spdm_frame(SpdmCommand command, SpdmTransport transport, ByteView payload) {
    Bytes frame;
    append_big_endian(frame, static_cast<std::uint32_t>(command));
    append_big_endian(frame, static_cast<std::uint32_t>(transport));
    append_big_endian(frame, static_cast<std::uint32_t>(payload.size()));
    spdm::append(frame, payload);
    return frame;
}

void SpdmFrameReader::add(ByteView bytes) { spdm::append(buffer_, bytes); }

std::expected<std::optional<SpdmFrame>, SpdmError> SpdmFrameReader::next() {
    if (buffer_.size() < spdm_frame_header_size) return std::nullopt;
    const ByteView header = buffer_;
    const auto transport = big_endian(header.subspan(4));
    const auto size = big_endian(header.subspan(8));
    if (transport > static_cast<std::uint32_t>(SpdmTransport::doe))
        return refuse("a frame is of transport " + std::to_string(transport) + ", which is not known");
    if (size > max_spdm_frame_payload)
        return refuse("a frame has " + std::to_string(size) + " bytes, above " + std::to_string(max_spdm_frame_payload));
    if (buffer_.size() < spdm_frame_header_size + size) return std::nullopt;
    const auto begin = buffer_.begin() + static_cast<std::ptrdiff_t>(spdm_frame_header_size);
    const auto end = begin + static_cast<std::ptrdiff_t>(size);
    SpdmFrame frame{.command = big_endian(header), .transport = static_cast<SpdmTransport>(transport), .payload = Bytes(begin, end)};
    buffer_.erase(buffer_.begin(), end);
    return frame;
}

}  // namespace mr
