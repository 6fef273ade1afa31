#include "mrd/providers/spdm/identity.h"

#include <algorithm>
#include <array>

#include "libmr/src/attestation/pki/der.h"
#include "libmr/src/attestation/pki/x509.h"

namespace mrd::spdm {

namespace {

using mr::attestation::DerReader;
using mr::attestation::DerTag;

constexpr std::array<std::uint8_t, 3> alternative_names{0x55, 0x1D, 0x11};  // 2.5.29.17

std::optional<std::string> text_of(mr::ByteView bytes) {
    const std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    if (text.empty() || text.size() > max_name || !mr::is_text(text)) return std::nullopt;
    return std::string(text);
}

// GeneralNames (RFC 5280, 4.2.1.6).
Names names_of(mr::ByteView extension) {
    Names names;
    DerReader outer(extension);
    auto all = outer.inside(DerTag::sequence);
    while (all.more()) {
        if (!all.next_is(DerTag::constructed_context_0)) {
            all.any();
            continue;
        }
        auto other = all.inside(DerTag::constructed_context_0);
        const auto type = mr::attestation::object_identifier_text(other.object_identifier());
        auto value = other.inside(DerTag::constructed_context_0);
        if (type == "2.23.147" && value.next_is(DerTag::utf8_string)) names.pci = text_of(value.take(DerTag::utf8_string));
        if (type == "1.3.6.1.4.1.412.274.1" && value.next_is(DerTag::utf8_string)) names.dmtf = text_of(value.take(DerTag::utf8_string));
    }
    return names;
}

}  // namespace

Names names_in(mr::ByteView leaf) {
    const auto certificate = mr::attestation::parse_certificate(leaf);
    if (!certificate) return {};
    const auto found = std::ranges::find_if(
        certificate->other_extensions, [](const auto &extension) { return std::ranges::equal(extension.identifier, alternative_names); });
    return found == certificate->other_extensions.end() ? Names() : names_of(found->value);
}

}  // namespace mrd::spdm
