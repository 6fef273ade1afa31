#include "mrd/providers/tsm/qgs_message.h"

#include <array>
#include <utility>

namespace mrd::tsm {
namespace {

constexpr std::uint16_t version_major = 1;
constexpr std::uint16_t version_minor = 1;  // which QEMU sends, too: a minor 0 client gets other answers to other requests
constexpr std::uint32_t get_quote_request = 0;
constexpr std::uint32_t get_quote_answer = 1;
constexpr std::size_t header_size = 16;

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

std::unexpected<QgsError> no_answer(const std::string &why) {
    return std::unexpected(QgsError{.refused = false, .reason = "what the quoting service sent is not its answer: " + why});
}

// The codes of qgs_msg_error_t.
std::string text_of_code(std::uint32_t code) {
    constexpr std::array<std::pair<std::uint32_t, const char *>, 7> codes = {
        {{0x12001, "unexpected error: the service's own log says more"},
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

mr::Bytes qgs_quote_request(mr::ByteView report) {
    const auto size = static_cast<std::uint32_t>(header_size + 2 * sizeof(std::uint32_t) + report.size());
    mr::Bytes out;
    for (std::size_t i = qgs_frame_size; i-- > 0;) out.push_back(static_cast<std::uint8_t>(size >> 8 * i));
    put(out, version_major);
    put(out, version_minor);
    put(out, get_quote_request);
    put(out, size);
    put(out, std::uint32_t{0});
    put(out, static_cast<std::uint32_t>(report.size()));
    put(out, std::uint32_t{0});
    out.insert(out.end(), report.begin(), report.end());
    return out;
}

std::expected<std::size_t, std::string> qgs_answer_size(mr::ByteView frame) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < qgs_frame_size; ++i) size = size << 8U | frame[i];
    if (size >= qgs_answer_head && size <= max_qgs_answer) return size;
    return std::unexpected("the quoting service announces an answer of " + std::to_string(size) + " bytes, which is none: " +
                           std::to_string(qgs_answer_head) + " to " + std::to_string(max_qgs_answer) + " are read");
}

std::expected<mr::Bytes, QgsError> read_qgs_answer(mr::ByteView message) {
    if (message.size() < qgs_answer_head) return no_answer("it has " + std::to_string(message.size()) + " bytes");
    if (const auto major = get<std::uint16_t>(message, 0); major != version_major)
        return no_answer("it has version " + std::to_string(major));
    if (const auto type = get<std::uint32_t>(message, 4); type != get_quote_answer) return no_answer("it has type " + std::to_string(type));
    if (const auto size = get<std::uint32_t>(message, 8); size != message.size())
        return no_answer("it says that it has " + std::to_string(size) + " bytes, and has " + std::to_string(message.size()));
    if (const auto code = get<std::uint32_t>(message, 12); code != 0)
        return std::unexpected(QgsError{.refused = true, .reason = "the quoting service refused the report with " + text_of_code(code)});
    const std::uint64_t id_size = get<std::uint32_t>(message, 16);
    const std::uint64_t quote_size = get<std::uint32_t>(message, 20);
    if (id_size > max_qgs_id_size || qgs_answer_head + id_size + quote_size != message.size())
        return no_answer("its parts of " + std::to_string(id_size) + " and " + std::to_string(quote_size) + " bytes do not fill its " +
                         std::to_string(message.size()));
    if (quote_size == 0) return no_answer("its quote is empty");
    const auto quote = message.subspan(static_cast<std::size_t>(qgs_answer_head + id_size));
    return mr::Bytes(quote.begin(), quote.end());
}

}  // namespace mrd::tsm
