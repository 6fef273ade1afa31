#include "libmr/src/attestation/pki/amd_extensions.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <optional>

#include "libmr/src/attestation/pki/der.h"

namespace mr::attestation {
namespace {

// 1.3.6.1.4.1.3704.1, below which the extensions are numbered.
constexpr std::array<std::uint8_t, 8> amd_arc = {0x2B, 0x06, 0x01, 0x04, 0x01, 0x9C, 0x78, 0x01};

constexpr std::uint8_t struct_version = 1;
constexpr std::uint8_t product_name = 2;
constexpr std::uint8_t security_versions = 3;
constexpr std::uint8_t hardware_id = 4;
constexpr std::uint8_t csp_id = 5;
// Below security_versions; 4 to 7 are spare.
constexpr std::uint8_t bootloader = 1;
constexpr std::uint8_t tee = 2;
constexpr std::uint8_t snp = 3;
constexpr std::uint8_t microcode = 8;
constexpr std::uint8_t fmc = 9;

std::optional<std::uint32_t> number_in(ByteView value) {
    DerReader reader(value);
    const auto number = reader.small_integer();
    return reader.finished() && number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
}

std::optional<std::string> text_in(ByteView value) {
    DerReader reader(value);
    const auto content = reader.take(DerTag::ia5_string);
    std::string text(content.begin(), content.end());
    const bool is_ascii = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
    return reader.finished() && !text.empty() && is_ascii ? std::optional(std::move(text)) : std::nullopt;
}

// Raw bytes, or an OCTET STRING of them: told apart by the size, for raw ones may begin as DER does.
std::optional<Bytes> hardware_id_in(ByteView value) {
    for (const std::size_t size : {64U, 8U}) {
        if (value.size() == size) return Bytes(value.begin(), value.end());
        DerReader reader(value);
        const auto content = reader.take(DerTag::octet_string);
        if (reader.finished() && content.size() == size) return Bytes(content.begin(), content.end());
    }
    return std::nullopt;
}

class ExtensionReader {
public:
    std::expected<SnpKeyExtensions, std::string> read(const Certificate &certificate) {
        for (const auto &[identifier, value] : certificate.other_extensions) {
            if (identifier.size() <= amd_arc.size() || !std::ranges::equal(identifier.first(amd_arc.size()), amd_arc)) continue;
            const auto path = identifier.subspan(amd_arc.size());
            if (!take(path, value))
                return std::unexpected("has the extension " + object_identifier_text(identifier) + " twice, or not in its form");
        }
        for (const auto number : {struct_version, product_name}) {
            if (!seen_[number]) return lacks(number);
        }
        for (const auto number : {bootloader, tee, snp, microcode}) {
            if (!seen_[sub + number])
                return std::unexpected("lacks the extension of a component of the TCB, 1.3.6.1.4.1.3704.1.3." + std::to_string(number));
        }
        const bool is_vcek = certificate.common_name == vcek_name;
        if (!seen_[is_vcek ? hardware_id : csp_id]) return lacks(is_vcek ? hardware_id : csp_id);
        if (seen_[is_vcek ? csp_id : hardware_id])
            return std::unexpected("names a chip and a cloud provider, or the one that its kind does not");
        return std::move(read_);
    }

private:
    static constexpr std::size_t sub = 16;

    static std::unexpected<std::string> lacks(std::uint8_t number) {
        return std::unexpected("lacks the extension 1.3.6.1.4.1.3704.1." + std::to_string(number));
    }

    bool take(ByteView path, ByteView value) {
        const bool is_version = path.size() == 2 && path[0] == security_versions;
        if ((path.size() != 1 && !is_version) || path.back() >= sub) return true;  // not known
        const auto number = path.back();
        const auto place = is_version ? sub + number : number;
        if (seen_[place]) return false;
        seen_.set(place);
        if (is_version) return take_version(number, value);
        const auto keep = [](auto &field, auto found) {
            if (found) field = std::move(*found);
            return found.has_value();
        };
        switch (number) {
        case struct_version: return keep(read_.struct_version, number_in(value));
        case product_name: return keep(read_.product_name, text_in(value));
        case hardware_id: return keep(read_.hardware_id, hardware_id_in(value));
        case csp_id: return keep(read_.csp_id, text_in(value));
        default: return true;
        }
    }

    bool take_version(std::uint8_t number, ByteView value) {
        const auto version = number_in(value);
        if (!version || *version > 0xFF) return false;
        const auto byte = static_cast<std::uint8_t>(*version);
        switch (number) {
        case bootloader: read_.bootloader = byte; break;
        case tee: read_.tee = byte; break;
        case snp: read_.snp = byte; break;
        case microcode: read_.microcode = byte; break;
        case fmc: read_.fmc = byte; break;
        default: break;
        }
        return true;
    }

    SnpKeyExtensions read_;
    std::bitset<2 * sub> seen_;
};

}  // namespace

std::expected<SnpKeyExtensions, std::string> read_snp_key_extensions(const Certificate &certificate) {
    return ExtensionReader().read(certificate);
}

}  // namespace mr::attestation
