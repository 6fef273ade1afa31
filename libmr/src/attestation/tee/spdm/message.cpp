#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmr/src/attestation/tee/spdm/requests.h"
#include "libmr/src/attestation/tee/spdm/responses.h"
#include "libmr/src/attestation/tee/spdm/wire.h"
#include "mr/named_bits.h"
#include "mr/spdm_message.h"
#include "mr/spdm_transport.h"

namespace mr {
namespace spdm {
namespace {

using NumberName = std::pair<std::uint8_t, std::string_view>;

// Whose content is not read.
constexpr std::array other_messages = {
    NumberName{0x05, "CHUNK_SEND_ACK"},
    NumberName{0x07, "ENDPOINT_INFO"},
    NumberName{0x62, "SUPPORTED_EVENT_TYPES"},
    NumberName{0x64, "KEY_EXCHANGE_RSP"},
    NumberName{0x65, "FINISH_RSP"},
    NumberName{0x66, "PSK_EXCHANGE_RSP"},
    NumberName{0x67, "PSK_FINISH_RSP"},
    NumberName{0x68, "HEARTBEAT_ACK"},
    NumberName{0x69, "KEY_UPDATE_ACK"},
    NumberName{0x6A, "ENCAPSULATED_REQUEST"},
    NumberName{0x6B, "ENCAPSULATED_RESPONSE_ACK"},
    NumberName{0x6C, "END_SESSION_ACK"},
    NumberName{0x6D, "CSR"},
    NumberName{0x6E, "SET_CERTIFICATE_RSP"},
    NumberName{0x70, "SUBSCRIBE_EVENT_TYPES_ACK"},
    NumberName{0x71, "EVENT_ACK"},
    NumberName{0x7C, "KEY_PAIR_INFO"},
    NumberName{0x7D, "SET_KEY_PAIR_INFO_ACK"},
    NumberName{0x85, "CHUNK_SEND"},
    NumberName{0x87, "GET_ENDPOINT_INFO"},
    NumberName{0xE2, "GET_SUPPORTED_EVENT_TYPES"},
    NumberName{0xE4, "KEY_EXCHANGE"},
    NumberName{0xE5, "FINISH"},
    NumberName{0xE6, "PSK_EXCHANGE"},
    NumberName{0xE7, "PSK_FINISH"},
    NumberName{0xE8, "HEARTBEAT"},
    NumberName{0xE9, "KEY_UPDATE"},
    NumberName{0xEA, "GET_ENCAPSULATED_REQUEST"},
    NumberName{0xEB, "DELIVER_ENCAPSULATED_RESPONSE"},
    NumberName{0xEC, "END_SESSION"},
    NumberName{0xED, "GET_CSR"},
    NumberName{0xEE, "SET_CERTIFICATE"},
    NumberName{0xF0, "SUBSCRIBE_EVENT_TYPES"},
    NumberName{0xF1, "SEND_EVENT"},
    NumberName{0xFC, "GET_KEY_PAIR_INFO"},
    NumberName{0xFD, "SET_KEY_PAIR_INFO"},
};
constexpr std::uint8_t error_unsupported_request = 0x07;
constexpr std::uint8_t error_large_response = 0x0F;
constexpr std::uint8_t error_not_ready = 0x42;
constexpr std::array spdm_error_names = {
    NumberName{0x01, "InvalidRequest"},       NumberName{0x03, "Busy"},
    NumberName{0x04, "UnexpectedRequest"},    NumberName{0x05, "Unspecified"},
    NumberName{0x06, "DecryptError"},         NumberName{error_unsupported_request, "UnsupportedRequest"},
    NumberName{0x08, "RequestInFlight"},      NumberName{0x09, "InvalidResponseCode"},
    NumberName{0x0A, "SessionLimitExceeded"}, NumberName{0x0B, "SessionRequired"},
    NumberName{0x0C, "ResetRequired"},        NumberName{0x0D, "ResponseTooLarge"},
    NumberName{0x0E, "RequestTooLarge"},      NumberName{error_large_response, "LargeResponse"},
    NumberName{0x10, "MessageLost"},          NumberName{0x11, "InvalidPolicy"},
    NumberName{0x41, "VersionMismatch"},      NumberName{error_not_ready, "ResponseNotReady"},
    NumberName{0x43, "RequestResynch"},       NumberName{0x44, "OperationFailed"},
    NumberName{0x45, "NoPendingRequests"},    NumberName{0xFF, "VendorDefinedError"},
};
constexpr std::array standards_bodies = {
    NumberName{0x00, "DMTF"},  NumberName{0x01, "TCG"},     NumberName{0x02, "USB"},       NumberName{0x03, "PCI-SIG"},
    NumberName{0x04, "IANA"},  NumberName{0x05, "HDBaseT"}, NumberName{0x06, "MIPI"},      NumberName{0x07, "CXL"},
    NumberName{0x08, "JEDEC"}, NumberName{0x09, "VESA"},    NumberName{0x0A, "IANA CBOR"}, NumberName{0x0B, "DMTF DSP"},
};

constexpr std::array asymmetric_bits = {NamedBit{0, "rsassa-2048"}, NamedBit{1, "rsapss-2048"}, NamedBit{2, "rsassa-3072"},
                                        NamedBit{3, "rsapss-3072"}, NamedBit{4, "ecdsa-p256"},  NamedBit{5, "rsassa-4096"},
                                        NamedBit{6, "rsapss-4096"}, NamedBit{7, "ecdsa-p384"},  NamedBit{8, "ecdsa-p521"},
                                        NamedBit{9, "sm2-p256"},    NamedBit{10, "ed25519"},    NamedBit{11, "ed448"}};
constexpr std::array hash_bits = {NamedBit{0, "sha256"},   NamedBit{1, "sha384"},   NamedBit{2, "sha512"}, NamedBit{3, "sha3-256"},
                                  NamedBit{4, "sha3-384"}, NamedBit{5, "sha3-512"}, NamedBit{6, "sm3"}};
constexpr std::array measurement_hash_bits = {NamedBit{0, "raw"},      NamedBit{1, "sha256"},   NamedBit{2, "sha384"},
                                              NamedBit{3, "sha512"},   NamedBit{4, "sha3-256"}, NamedBit{5, "sha3-384"},
                                              NamedBit{6, "sha3-512"}, NamedBit{7, "sm3"}};
constexpr std::array attribute_bits = {NamedBit{0, "signed"}, NamedBit{1, "raw"}, NamedBit{2, "measured_anew"}};

constexpr std::array explained_hash_sizes = {std::size_t{32}, std::size_t{48}, std::size_t{64}};
// Of the algorithms above.
constexpr std::array explained_signature_sizes = {std::size_t{64},  std::size_t{96},  std::size_t{114}, std::size_t{132},
                                                  std::size_t{256}, std::size_t{384}, std::size_t{512}};
constexpr std::size_t max_zeros_behind = 3;
constexpr std::uint8_t request_bit = 0x80;

template <std::size_t Size>
std::string_view name_in(const std::array<NumberName, Size> &all, std::uint8_t number) {
    const auto found = std::ranges::find(all, number, &NumberName::first);
    return found == all.end() ? std::string_view() : found->second;
}

// What stands beside a slot's number is not told.
std::uint64_t slot_in(std::uint8_t byte) { return byte & 0x0FU; }

std::string hex_byte(std::uint8_t byte) { return "0x" + to_hex(std::array{byte}); }

// Empty: there is none.
std::string explained_name(std::uint8_t code) {
    if (const auto other = name_in(other_messages, code); !other.empty()) return std::string(other);
    auto known = code_text(code);
    return known.starts_with("message ") ? std::string() : known;
}
std::string code_or_number(std::uint8_t code) {
    auto name = explained_name(code);
    return name.empty() ? hex_byte(code) : name;
}

// Without what carries it.
struct Unwrapped {
    ByteView message;
    bool is_padded = false;
};
Unwrapped unwrapped(ByteView bytes) {
    constexpr std::array<std::uint8_t, 4> doe_of_spdm = {doe_vendor_pci_sig, 0, doe_spdm, 0};
    constexpr std::size_t object_header_size = 8;
    constexpr std::uint8_t mctp_type = 0x05;
    if (bytes.size() >= object_header_size && std::ranges::equal(bytes.first(doe_of_spdm.size()), doe_of_spdm))
        return {bytes.subspan(object_header_size), true};
    if (!bytes.empty() && bytes.front() == mctp_type) return {bytes.subspan(1), false};
    return {bytes, false};
}

bool are_zeros(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

class MessageExplainer {
public:
    explicit MessageExplainer(const Unwrapped &from) : from_(from.message), is_padded_(from.is_padded) {}

    std::expected<SpdmMessage, SpdmError> explain() {
        ByteReader ahead = from_;
        header_ = read_header(ahead);
        read_.version = header_.version;
        read_.name = code_or_number(header_.code);
        read_.is_request = (header_.code & request_bit) != 0;
        version_ = spdm_version_of(header_.version).value_or(SpdmVersion::v1_1);
        if (auto done = take_content(); !done) return std::unexpected(std::move(done.error()));
        const auto rest = from_.rest();
        if (rest.size() > (is_padded_ ? max_zeros_behind : 0) || !are_zeros(rest))
            return wrong(std::to_string(rest.size()) + " bytes follow its last field");
        return std::move(read_);
    }

private:
    using Done = std::expected<void, SpdmError>;

    [[nodiscard]] std::unexpected<SpdmError> wrong(const std::string &what) const {
        return fault(SpdmFault::malformed, read_.name + ": " + what);
    }
    void say(std::string name, std::string value) { read_.fields.push_back({std::move(name), std::move(value)}); }
    void say(std::string name, std::uint64_t number) { say(std::move(name), std::to_string(number)); }
    void say(std::string name, ByteView bytes) { say(std::move(name), to_hex(bytes)); }
    [[nodiscard]] bool has_context() const { return version_ >= SpdmVersion::v1_3; }
    [[nodiscard]] Done whole() const {
        if (from_.ok()) return {};
        return wrong("it ends before its last field");
    }
    void skip_header() { (void)read_header(from_); }

    Done take_content() {
        switch (static_cast<Code>(header_.code)) {
        case Code::get_version:
        case Code::get_digests: skip_header(); return {};
        case Code::version: return take_versions();
        case Code::get_capabilities:
        case Code::capabilities: return take_flags();
        case Code::negotiate_algorithms: return take_offer();
        case Code::algorithms: return take_selection();
        case Code::digests: return take_slots();
        case Code::get_certificate: return take_certificate_request();
        case Code::certificate: return take_portion();
        case Code::challenge: return take_challenge_request();
        case Code::challenge_auth: return take_challenge_answer();
        case Code::get_measurements: return take_measurement_request();
        case Code::measurements: return take_blocks();
        case Code::get_measurement_log: return take_log_request();
        case Code::measurement_log: return take_log();
        case Code::chunk_get: return take_chunk_request();
        case Code::chunk_response: return take_one_chunk();
        case Code::respond_if_ready:
            skip_header();
            say("request", code_or_number(header_.param1));
            say("token", header_.param2);
            return {};
        case Code::error: return take_error();
        case Code::vendor_defined_request:
        case Code::vendor_defined_response: return take_vendor_defined();
        }
        // Of no session that is here.
        skip_header();
        say("param1", hex_byte(header_.param1));
        say("param2", hex_byte(header_.param2));
        const auto content = from_.take(from_.rest().size());
        if (!content.empty()) say("content", content);
        return {};
    }

    Done take_versions() {
        const auto entries = take_version(from_);
        if (!entries) return std::unexpected(entries.error());
        std::string all;
        for (const auto entry : *entries)
            all += (all.empty() ? "" : ", ") + std::to_string(entry >> 12U) + "." + std::to_string(entry >> 8U & 0xFU);
        say("versions", all);
        return {};
    }

    Done take_flags() {
        auto capabilities = take_capabilities(from_, version_, static_cast<Code>(header_.code));
        if (!capabilities) return std::unexpected(std::move(capabilities.error()));
        read_.capabilities = *capabilities;
        // From 1.3 on a device may add which algorithms it has.
        if (read_.is_request || !has_context() || (header_.param1 & 1U) == 0) return {};
        say("supported_algorithms", from_.take(from_.rest().size()));
        return {};
    }

    void say_algorithms(std::uint32_t base_asym, std::uint32_t base_hash, std::uint8_t other, std::uint8_t log) {
        say("base_asym", bits_text(base_asym, asymmetric_bits));
        say("base_hash", bits_text(base_hash, hash_bits));
        say("other_parameters", hex_byte(other));
        say("log_specification", hex_byte(log));
    }
    void say_of_sessions(std::uint16_t dhe, std::uint16_t aead, std::uint16_t requester_asym, std::uint16_t key_schedule) {
        for (const auto &[name, bits] : {std::pair{"dhe", dhe}, std::pair{"aead", aead}, std::pair{"requester_asym", requester_asym},
                                         std::pair{"key_schedule", key_schedule}}) {
            if (bits != 0) say(name, "0x" + to_hex(std::array{static_cast<std::uint8_t>(bits >> 8U), static_cast<std::uint8_t>(bits)}));
        }
    }

    Done take_offer() {
        const auto offer = take_negotiate_algorithms(from_, version_);
        if (!offer) return std::unexpected(offer.error());
        say("measurement_specification", hex_byte(offer->measurement_specification));
        say_algorithms(offer->base_asym, offer->base_hash, offer->other_parameters, offer->log_specification);
        say_of_sessions(offer->dhe, offer->aead, offer->requester_asym, offer->key_schedule);
        return {};
    }

    Done take_selection() {
        const auto selected = take_algorithms(from_, version_);
        if (!selected) return std::unexpected(selected.error());
        say("measurement_specification", hex_byte(selected->measurement_specification));
        say("measurement_hash", bits_text(selected->measurement_hash, measurement_hash_bits));
        say_algorithms(selected->base_asym, selected->base_hash, selected->other_parameters, selected->log_specification);
        say_of_sessions(selected->dhe, selected->aead, selected->requester_asym, selected->key_schedule);
        return {};
    }

    // All the device's digests have one size, and in a multi-key connection 4 bytes more of each slot follow.
    Done take_slots() {
        constexpr std::size_t key_size = 4;
        skip_header();
        const auto count = static_cast<std::size_t>(std::popcount(header_.param2));
        if (has_context()) say("supported_slots", slots_text(header_.param1));
        say("slots", slots_text(header_.param2));
        if (count == 0) return {};
        const auto each = from_.rest().size() / count;
        const auto has_size = [each, count, rest = from_.rest().size()](std::size_t wanted) {
            return each == wanted && each * count == rest;
        };
        Agreed agreed{.version = version_};
        for (const auto size : explained_hash_sizes) {
            if (!has_size(size) && !(has_context() && has_size(size + key_size))) continue;
            agreed.hash_size = size;
            agreed.is_multi_key = has_size(size + key_size);
        }
        if (agreed.hash_size == 0) return wrong("what follows its header are no digests of " + std::to_string(count) + " slots");
        std::vector<std::pair<unsigned, ByteView>> digests;
        for (unsigned slot = 0; slot < spdm_slots; ++slot) {
            if ((header_.param2 >> slot & 1U) != 0) digests.emplace_back(slot, from_.take(agreed.hash_size));
        }
        for (const auto &[slot, digest] : digests) say("slot" + std::to_string(slot), digest);
        if (!agreed.is_multi_key) return {};
        for (const auto &[slot, digest] : digests) say("key_pair" + std::to_string(slot), from_.u8());
        for (const auto &[slot, digest] : digests) say("certificate_info" + std::to_string(slot), hex_byte(from_.u8()));
        for (const auto &[slot, digest] : digests) {
            const auto usage = from_.u16();
            say("key_usage" + std::to_string(slot),
                "0x" + to_hex(std::array{static_cast<std::uint8_t>(usage >> 8U), static_cast<std::uint8_t>(usage)}));
        }
        return whole();
    }
    static std::string slots_text(std::uint8_t mask) {
        std::string text;
        for (unsigned slot = 0; slot < spdm_slots; ++slot) {
            if ((mask >> slot & 1U) != 0) text += (text.empty() ? "" : ", ") + std::to_string(slot);
        }
        return text.empty() ? "none" : text;
    }

    Done take_certificate_request() {
        const auto request = take_get_certificate(from_, version_);
        if (!request) return std::unexpected(request.error());
        say("slot", request->slot);
        say("offset", request->offset);
        say("length", request->length);
        return {};
    }

    Done take_portion() {
        const auto read = take_certificate(from_, Agreed{.version = version_});
        if (!read) return std::unexpected(read.error());
        say("slot", read->slot);
        say("portion", read->portion.size());
        say("remainder", read->remainder);
        say("bytes", read->portion);
        return {};
    }

    Done take_challenge_request() {
        const auto request = take_challenge(from_, version_);
        if (!request) return std::unexpected(request.error());
        say("slot", request->slot);
        switch (request->summary) {
        case static_cast<std::uint8_t>(SpdmSummary::none): say("summary", std::string("none")); break;
        case static_cast<std::uint8_t>(SpdmSummary::tcb): say("summary", std::string("trusted_computing_base")); break;
        case static_cast<std::uint8_t>(SpdmSummary::all): say("summary", std::string("all")); break;
        default: say("summary", hex_byte(request->summary));
        }
        say("nonce", ByteView(request->nonce));
        if (has_context()) say("context", ByteView(request->context));
        return {};
    }

    // Where it ends says which sizes it has; a message that fits two of them is left unread behind its header.
    Done take_challenge_answer() {
        skip_header();
        say("slot", slot_in(header_.param1));
        say("slots", slots_text(header_.param2));
        struct Parts {
            std::size_t hash = 0;
            bool has_summary = false;
            std::size_t opaque = 0;
        };
        std::vector<Parts> fitting;
        for (const auto hash : explained_hash_sizes) {
            for (const bool has_summary : {false, true}) {
                ByteReader ahead = from_;
                (void)ahead.take(hash + spdm_nonce_size + (has_summary ? hash : 0));
                const auto opaque = ahead.u16();
                (void)ahead.take(opaque + (has_context() ? spdm_context_size : 0));
                if (ahead.ok() && opaque <= max_spdm_opaque && signature_in(ahead.rest())) fitting.push_back({hash, has_summary, opaque});
            }
        }
        if (fitting.empty()) return wrong("it ends where no hash and no signature would");
        if (fitting.size() > 1) {
            say("content", from_.take(from_.rest().size()));
            return {};
        }
        const auto &parts = fitting.front();
        say("chain_digest", from_.take(parts.hash));
        say("responder_nonce", from_.take(spdm_nonce_size));
        if (parts.has_summary) say("measurement_summary", from_.take(parts.hash));
        take_end();
        return whole();
    }

    // The size of the signature that is all of it, but for padding; nothing: no signature has such a size.
    [[nodiscard]] std::optional<std::size_t> signature_in(ByteView rest) const {
        for (const auto size : explained_signature_sizes) {
            if (rest.size() >= size && rest.size() - size <= (is_padded_ ? max_zeros_behind : 0) && are_zeros(rest.subspan(size)))
                return size;
        }
        return std::nullopt;
    }

    // Opaque data, the context, and a signature if there is one.
    void take_end() {
        const auto opaque = from_.take(from_.u16());
        if (!opaque.empty()) say("opaque", opaque);
        if (has_context()) say("context", from_.take(spdm_context_size));
        if (const auto size = signature_in(from_.rest())) say("signature", from_.take(*size));
    }

    Done take_measurement_request() {
        const auto request = take_get_measurements(from_, version_);
        if (!request) return std::unexpected(request.error());
        say("attributes", bits_text(request->attributes, attribute_bits));
        say("asked_blocks", request->operation == spdm_measurement_count ? "their number"
                            : request->operation == spdm_measurement_all ? "all"
                                                                         : "the one of index " + std::to_string(request->operation));
        if (request->is_signed()) {
            say("nonce", ByteView(request->nonce));
            say("slot", request->slot);
        }
        if (has_context()) say("context", ByteView(request->context));
        return {};
    }

    Done take_blocks() {
        skip_header();
        const auto number = from_.u8();
        const std::uint32_t low = from_.u16();
        const auto record = from_.take(low | std::uint32_t{from_.u8()} << 16U);
        const auto nonce = from_.take(spdm_nonce_size);
        if (!from_.ok()) return wrong("it ends before its opaque data");
        auto blocks = parse_spdm_blocks(record);
        if (!blocks) return std::unexpected(std::move(blocks.error()));
        if (blocks->size() != number)
            return wrong("its record has " + std::to_string(blocks->size()) + " blocks where " + std::to_string(number) + " are said");
        if (blocks->empty()) say("number_of_blocks", header_.param1);
        say("slot", slot_in(header_.param2));
        if (version_ >= SpdmVersion::v1_2) {
            constexpr std::array said = {"not said", "changed", "no change", "reserved"};
            say("content_changed", std::string(said.at(header_.param2 >> 4U & 3U)));
        }
        say("responder_nonce", nonce);
        read_.blocks = std::move(*blocks);
        take_end();
        return whole();
    }

    Done take_log_request() {
        const auto request = take_get_measurement_log(from_, version_);
        if (!request) return std::unexpected(request.error());
        say("offset", request->offset);
        say("length", request->length);
        return {};
    }

    Done take_log() {
        const auto read = take_measurement_log(from_, Agreed{.version = version_});
        if (!read) return std::unexpected(read.error());
        say("portion", read->portion.size());
        say("remainder", read->remainder);
        // Whole only if it is all of it: where it begins the request says.
        if (read->remainder == 0 && parse_spdm_measurement_log(read->portion)) {
            read_.log = owned(read->portion);
        } else {
            say("bytes", read->portion);
        }
        return {};
    }

    Done take_chunk_request() {
        skip_header();
        say("handle", header_.param2);
        say("number", version_ >= SpdmVersion::v1_4 ? from_.u32() : from_.u16());
        return whole();
    }

    Done take_one_chunk() {
        const auto chunk = take_chunk(from_, version_);
        if (!chunk) return std::unexpected(chunk.error());
        say("handle", chunk->handle);
        say("number", chunk->number);
        say("last", std::string(chunk->is_last ? "yes" : "no"));
        if (chunk->number == 0) say("whole_message", chunk->total);
        say("bytes", chunk->bytes);
        return {};
    }

    Done take_error() {
        skip_header();
        const auto name = name_in(spdm_error_names, header_.param1);
        say("error", name.empty() ? hex_byte(header_.param1) : std::string(name));
        if (header_.param1 == error_unsupported_request) {
            say("request", code_or_number(header_.param2));
        } else if (header_.param2 != 0) {
            say("data", hex_byte(header_.param2));
        }
        if (header_.param1 == error_not_ready) {
            say("ready_time_exponent", from_.u8());
            say("request", code_or_number(from_.u8()));
            say("token", from_.u8());
            say("given_up_after_times", from_.u8());
            return whole();
        }
        if (header_.param1 == error_large_response) {
            say("handle", from_.u8());
            return whole();
        }
        const auto more = from_.take(from_.rest().size());
        if (!are_zeros(more)) say("extended_data", more);
        return {};
    }

    Done take_vendor_defined() {
        skip_header();
        say("standard", spdm_standards_body_text(from_.u16()));
        say("vendor", from_.take(from_.u8()));
        say("payload", from_.take(from_.u16()));
        return whole();
    }

    ByteReader from_;
    bool is_padded_;
    Header header_;
    SpdmVersion version_ = SpdmVersion::v1_1;
    SpdmMessage read_;
};

}  // namespace
}  // namespace spdm

bool begins_spdm_message(ByteView bytes) {
    const auto message = spdm::unwrapped(bytes).message;
    if (message.size() < spdm::header_size) return false;
    const auto code = message[1];
    // Whoever has not agreed on a version yet says 1.0.
    if (message[0] == spdm::version_1_0)
        return code == spdm::byte_of(spdm::Code::get_version) || code == spdm::byte_of(spdm::Code::version) ||
               code == spdm::byte_of(spdm::Code::error);
    return spdm_version_of(message[0]) && !spdm::explained_name(code).empty();
}

std::expected<SpdmMessage, SpdmError> explain_spdm_message(ByteView bytes) {
    if (!begins_spdm_message(bytes)) return spdm::fault(SpdmFault::malformed, "it begins as no message of SPDM");
    const auto from = spdm::unwrapped(bytes);
    if (from.message.size() > max_spdm_message + spdm::max_zeros_behind)
        return spdm::fault(SpdmFault::too_large, "the message has more than " + std::to_string(max_spdm_message) + " bytes");
    if (from.is_padded) {
        if (const auto object = parse_doe_object(bytes); !object) return std::unexpected(object.error());
    }
    return spdm::MessageExplainer(from).explain();
}

std::string spdm_standards_body_text(std::uint16_t id) {
    const auto name = id <= 0xFF ? spdm::name_in(spdm::standards_bodies, static_cast<std::uint8_t>(id)) : std::string_view();
    if (!name.empty()) return std::string(name);
    return "0x" + to_hex(std::array{static_cast<std::uint8_t>(id >> 8U), static_cast<std::uint8_t>(id)});
}

std::optional<SpdmStructuredManifest> spdm_structured_manifest(ByteView value) {
    spdm::ByteReader from(value);
    SpdmStructuredManifest read;
    read.standards_body = from.u8();
    read.vendor = from.take(from.u8());
    if (!from.ok()) return std::nullopt;
    read.body = from.rest();
    return read;
}

}  // namespace mr
