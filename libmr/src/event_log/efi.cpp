#include "libmr/src/event_log/efi.h"

#include "libmr/src/event_log/byte_reader.h"

namespace mr::event_log {

std::optional<EfiVariable> read_efi_variable(ByteView bytes) {
    ByteReader reader(bytes);
    EfiVariable variable;
    variable.vendor = reader.take(guid_size);
    const std::uint64_t name_characters = reader.u64();
    const std::uint64_t data_size = reader.u64();
    // Twice the number must not overflow.
    if (name_characters > bytes.size()) return std::nullopt;
    variable.name = reader.take(2 * name_characters);
    variable.data = reader.take(data_size);
    if (!reader.ok()) return std::nullopt;
    variable.surplus = reader.rest();
    return variable;
}

std::optional<SignatureList> take_signature_list(ByteView &bytes) {
    ByteReader reader(bytes);
    SignatureList list;
    list.type = reader.take(guid_size);
    const std::uint32_t list_size = reader.u32();
    const std::uint32_t header_size = reader.u32();
    list.signature_size = reader.u32();
    const std::uint64_t head = guid_size + 3 * sizeof(std::uint32_t) + std::uint64_t{header_size};
    if (list_size < head || list.signature_size < guid_size) return std::nullopt;
    reader.take(header_size);
    list.signatures = reader.take(list_size - head);
    if (!reader.ok()) return std::nullopt;
    bytes = reader.rest();
    return list;
}

}  // namespace mr::event_log
