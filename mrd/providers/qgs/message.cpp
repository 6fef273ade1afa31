#include "mrd/providers/qgs/message.h"

#include <utility>

#include "mr/tdreport.h"

namespace mrd::qgs {
namespace {

constexpr std::uint16_t version_major = 1;
constexpr std::uint16_t version_minor = 1;  // which QEMU sends, too: a minor 0 client gets other answers to other requests
constexpr std::size_t header_size = 16;
constexpr std::uint32_t types = 6;
constexpr std::uint32_t unexpected_error = 0x12001;

constexpr std::uint32_t number_of(RequestType type) { return static_cast<std::uint32_t>(type); }
constexpr std::uint32_t answer_to(RequestType type) { return number_of(type) + 1; }

template <class Integer>
void put(mr::Bytes &out, Integer value) {
    for (std::size_t i = 0; i < sizeof(Integer); ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

// Precondition: the message has it.
template <class Integer>
Integer get(mr::ByteView message, std::size_t offset) {
    Integer value = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i)
        value = static_cast<Integer>(value | static_cast<Integer>(message[offset + i]) << 8 * i);
    return value;
}

std::size_t frame_of(mr::ByteView received) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < frame_size; ++i) size = size << 8U | received[i];
    return size;
}

mr::Bytes framed(std::uint32_t type, std::uint32_t error, mr::ByteView body) {
    const auto size = static_cast<std::uint32_t>(header_size + body.size());
    mr::Bytes out;
    out.reserve(frame_size + size);
    for (std::size_t i = frame_size; i-- > 0;) out.push_back(static_cast<std::uint8_t>(size >> 8 * i));
    put(out, version_major);
    put(out, version_minor);
    put(out, type);
    put(out, size);
    put(out, error);
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

std::unexpected<Refusal> no_answer(const std::string &why) {
    return std::unexpected(Refusal{.refused = false, .reason = "what the quoting service sent is not its answer: " + why});
}

// The codes of qgs_msg_error_t.
std::string text_of_code(std::uint32_t code) {
    constexpr std::array<std::pair<std::uint32_t, const char *>, 7> codes = {
        {{unexpected_error, "unexpected error: the service's own log says more"},
         {0x12002, "out of memory"},
         {0x12003, "invalid parameter"},
         {0x12004, "invalid version"},
         {0x12005, "invalid type"},
         {0x12006, "invalid size"},
         {0x12007, "invalid code"}}};
    const mr::Bytes bytes{static_cast<std::uint8_t>(code >> 24), static_cast<std::uint8_t>(code >> 16),
                          static_cast<std::uint8_t>(code >> 8), static_cast<std::uint8_t>(code)};
    std::string text = "0x" + mr::to_hex(bytes);
    for (const auto &[known, meaning] : codes) {
        if (known == code) text.append(" (").append(meaning).append(")");
    }
    return text;
}

}  // namespace

mr::Bytes quote_request(mr::ByteView report) {
    mr::Bytes body;
    put(body, static_cast<std::uint32_t>(report.size()));
    put(body, std::uint32_t{0});
    body.insert(body.end(), report.begin(), report.end());
    return framed(number_of(RequestType::quote), 0, body);
}

std::expected<std::size_t, std::string> answer_size(mr::ByteView frame) {
    const auto size = frame_of(frame);
    if (size >= answer_head && size <= max_answer) return size;
    return std::unexpected("the quoting service announces an answer of " + std::to_string(size) +
                           " bytes, which is none: " + std::to_string(answer_head) + " to " + std::to_string(max_answer) + " are read");
}

std::expected<mr::Bytes, Refusal> read_quote_answer(mr::ByteView message) {
    if (message.size() < answer_head) return no_answer("it has " + std::to_string(message.size()) + " bytes");
    if (const auto major = get<std::uint16_t>(message, 0); major != version_major)
        return no_answer("it has version " + std::to_string(major));
    if (const auto type = get<std::uint32_t>(message, 4); type != answer_to(RequestType::quote))
        return no_answer("it has type " + std::to_string(type));
    if (const auto size = get<std::uint32_t>(message, 8); size != message.size())
        return no_answer("it says that it has " + std::to_string(size) + " bytes, and has " + std::to_string(message.size()));
    if (const auto code = get<std::uint32_t>(message, 12); code != 0)
        return std::unexpected(Refusal{.refused = true, .reason = "the quoting service refused the report with " + text_of_code(code)});
    const std::uint64_t id_size = get<std::uint32_t>(message, 16);
    const std::uint64_t quote_size = get<std::uint32_t>(message, 20);
    if (id_size > max_id_size || answer_head + id_size + quote_size != message.size())
        return no_answer("its parts of " + std::to_string(id_size) + " and " + std::to_string(quote_size) + " bytes do not fill its " +
                         std::to_string(message.size()));
    if (quote_size == 0) return no_answer("its quote is empty");
    const auto quote = message.subspan(static_cast<std::size_t>(answer_head + id_size));
    return mr::Bytes(quote.begin(), quote.end());
}

// ---- Who answers

namespace {

constexpr std::size_t size_field = sizeof(std::uint32_t);
constexpr std::size_t zeros_behind = 4;

// Two sizes, and two parts that fill the rest.
struct TwoParts {
    mr::ByteView first;
    mr::ByteView second;
};
std::expected<TwoParts, std::string> read_two_parts(mr::ByteView message) {
    const auto parts = message.subspan(header_size);
    if (parts.size() < 2 * size_field) return std::unexpected("it has " + std::to_string(message.size()) + " bytes and no sizes");
    const std::uint64_t first = get<std::uint32_t>(parts, 0);
    const std::uint64_t second = get<std::uint32_t>(parts, size_field);
    const auto rest = parts.subspan(2 * size_field);
    if (first + second != rest.size())
        return std::unexpected("its parts of " + std::to_string(first) + " and " + std::to_string(second) + " bytes do not fill its " +
                               std::to_string(message.size()));
    return TwoParts{rest.first(static_cast<std::size_t>(first)), rest.subspan(static_cast<std::size_t>(first))};
}

// Of a whole message of a request's type, whose header is of this version and has its size.
Request read_message(RequestType type, mr::ByteView message) {
    const auto wrong = [type](std::string reason) { return WrongRequest{type, std::move(reason)}; };
    if (const auto code = get<std::uint32_t>(message, 12); code != 0) return wrong("it has the error code " + text_of_code(code));
    if (type == RequestType::platform) {
        if (message.size() == header_size) return PlatformRequest{};
        return wrong("it has " + std::to_string(message.size()) + " bytes, and its header " + std::to_string(header_size));
    }
    const auto parts = read_two_parts(message);
    if (!parts) return wrong(parts.error());
    if (type == RequestType::quote) {
        if (parts->first.empty()) return wrong("its report is empty");
        return QuoteRequest{parts->first};
    }
    if (parts->first.empty() || parts->second.empty()) return wrong("its FMSPC or the name of its CA is empty");
    return CollateralRequest{parts->first, parts->second, get<std::uint16_t>(message, 2)};
}

}  // namespace

std::expected<std::optional<Request>, std::string> read_request(mr::ByteView received) {
    // A frame of that size would be larger than any request.
    if (!received.empty() && received[0] == mr::tdreport_type_tdx) {
        if (received.size() < mr::tdreport_size) return std::nullopt;
        return BareRequest{received.first(mr::tdreport_size)};
    }
    if (received.size() < frame_size) return std::nullopt;
    const auto size = frame_of(received);
    if (size < header_size || size > max_request - frame_size)
        return std::unexpected("it is neither a TDREPORT nor a frame: a request has " + std::to_string(header_size) + " to " +
                               std::to_string(max_request - frame_size) + " bytes behind the size, which is " + std::to_string(size));
    if (received.size() < frame_size + header_size) return std::nullopt;
    auto message = received.subspan(frame_size);
    if (const auto major = get<std::uint16_t>(message, 0); major != version_major)
        return std::unexpected("it has version " + std::to_string(major) + ", and this is version " + std::to_string(version_major));
    if (const auto said = get<std::uint32_t>(message, 8); said != size)
        return std::unexpected("its header says " + std::to_string(said) + " bytes, and its frame " + std::to_string(size));
    const auto type = get<std::uint32_t>(message, 4);
    if (type >= types || type % 2 != 0) return std::unexpected("it has type " + std::to_string(type) + ", which is no request's");
    if (message.size() < size) return std::nullopt;
    return read_message(static_cast<RequestType>(type), message.first(size));
}

mr::Bytes quote_answer(mr::ByteView quote) {
    mr::Bytes body;
    put(body, std::uint32_t{0});  // QEMU takes no other
    put(body, static_cast<std::uint32_t>(quote.size()));
    body.insert(body.end(), quote.begin(), quote.end());
    return framed(answer_to(RequestType::quote), 0, body);
}

mr::Bytes collateral_answer(const CollateralParts &collateral, std::uint16_t minor) {
    mr::Bytes body;
    put(body, collateral.major);
    put(body, collateral.minor);
    for (const auto &part : collateral.parts) put(body, static_cast<std::uint32_t>(part.size()));
    for (const auto &part : collateral.parts) body.insert(body.end(), part.begin(), part.end());
    if (minor == 0) body.insert(body.end(), zeros_behind, 0);
    return framed(answer_to(RequestType::collateral), 0, body);
}

mr::Bytes platform_answer(const Platform &platform) {
    mr::Bytes body;
    put(body, platform.tdqe_isv_svn);
    put(body, platform.pce_isv_svn);
    put(body, static_cast<std::uint32_t>(platform.id.size()));
    put(body, static_cast<std::uint32_t>(platform.cpu_svn.size()));
    body.insert(body.end(), platform.id.begin(), platform.id.end());
    body.insert(body.end(), platform.cpu_svn.begin(), platform.cpu_svn.end());
    body.insert(body.end(), zeros_behind, 0);
    return framed(answer_to(RequestType::platform), 0, body);
}

mr::Bytes error_answer(RequestType type) {
    const auto size_of_fields = [type]() -> std::size_t {
        switch (type) {
        case RequestType::quote: return 2 * size_field;
        case RequestType::collateral: return 8 * size_field;  // the version is as large as a size
        case RequestType::platform: return 3 * size_field;    // likewise
        }
        return 0;
    };
    return framed(answer_to(type), unexpected_error, mr::Bytes(size_of_fields()));
}

}  // namespace mrd::qgs
