#include <array>

#include "libmr/src/event_log/byte_reader.h"
#include "libmr/src/event_log/content_decoders.h"
#include "libmr/src/event_log/realm_records.h"
#include "libmr/src/event_log/tagged_event.h"
#include "mr/envelope.h"
#include "mr/named_bits.h"

namespace mr::event_log {
namespace {

// RmiRealmFlags; of RMM 2 two bits more are one number.
constexpr std::array realm_flags = {NamedBit{0, "lpa2"}, NamedBit{1, "sve"}, NamedBit{2, "pmu"}, NamedBit{3, "da"}};
constexpr unsigned mec_policy_at = 7;
constexpr std::uint64_t mec_policy_mask = 3;
// RmiRecCreateFlags
constexpr std::array rec_flags = {NamedBit{0, "runnable"}};

std::string_view tag_name(std::uint32_t tag) {
    switch (tag) {
    case tag_linux_initrd: return "Linux initrd";
    case tag_linux_load_options: return "Linux LoadOptions";
    case tag_attestation_agent: return "AAEL";
    case envelope_tag: return "mrd envelope";
    case redacted_envelope_tag: return "mrd envelope, redacted";
    case version_1_envelope_tag: return "mrd envelope, version 1";
    // systemd-boot and systemd-stub
    case 0xF5BC582A: return "systemd loader.conf";
    case 0x6C46F751: return "systemd device tree addon";
    case 0x49DFFE0F: return "systemd initrd addon";
    case 0xDAC08E1A: return "systemd microcode addon";
    case 0x13AED6DB: return "systemd UKI profile";
    default: return "";
    }
}

std::string realm_hash_name(std::uint8_t algorithm) {
    constexpr std::array names{HashAlgorithm::sha256, HashAlgorithm::sha512, HashAlgorithm::sha384};
    return algorithm < names.size() ? std::string(to_string(names.at(algorithm))) : "unknown: " + std::to_string(algorithm);
}

void write_realm_create(ContentWriter &out, ByteReader &reader) {
    const std::uint64_t flags = reader.u64();
    out.add_hexadecimal("flags", flags);
    out.add("flag bits", bits_text(flags & ~(mec_policy_mask << mec_policy_at), realm_flags));
    if (const auto policy = flags >> mec_policy_at & mec_policy_mask; policy != 0) out.add_number("MEC policy", policy);
    out.add_number("s2sz", reader.u8());
    // The monitor counts these from one.
    constexpr unsigned vector_unit = 128;
    out.add("sve vector length", std::to_string((reader.u8() + 1U) * vector_unit) + " bits");
    out.add_number("breakpoints", reader.u8() + 1U);
    out.add_number("watchpoints", reader.u8() + 1U);
    out.add_number("PMU counters", reader.u8());
    out.add("hash", realm_hash_name(reader.u8()));
}

// False if it is none.
bool write_realm_event(ContentWriter &out, const TaggedEvent &event) {
    const auto size = event.content.size();
    ByteReader reader(event.content);
    if (event.tag == tag_realm_create && (size == realm_create_size || size == realm_create_size + realm_create_padding)) {
        out.add("realm event", "REALM_CREATE");
        write_realm_create(out, reader);
        return true;
    }
    if (event.tag == tag_init_ripas && size == init_ripas_size) {
        out.add("realm event", "INIT_RIPAS");
        out.add_hexadecimal("base", reader.u64());
        out.add_number("size", reader.u64());
        return true;
    }
    if (event.tag == tag_rec_create && size == rec_create_size) {
        out.add("realm event", "REC_CREATE");
        const std::uint64_t flags = reader.u64();
        out.add_hexadecimal("flags", flags);
        out.add("flag bits", bits_text(flags, rec_flags));
        out.add_hexadecimal("pc", reader.u64());
        out.add_hex("gprs", reader.rest());
        return true;
    }
    return false;
}

// AAEL: domain, operation and content, with a space between them; only the content may have spaces.
void write_attestation_agent(ContentWriter &out, ByteView content) {
    const std::string_view text(reinterpret_cast<const char *>(content.data()), content.size());
    const std::size_t domain = text.find(' ');
    const std::size_t operation = domain == std::string_view::npos ? domain : text.find(' ', domain + 1);
    if (operation == std::string_view::npos) return out.add_bytes("content", content);
    out.add("domain", printable(text.substr(0, domain)));
    out.add("operation", printable(text.substr(domain + 1, operation - domain - 1)));
    out.add_bytes("content", content.subspan(operation + 1));
}

}  // namespace

void write_bound_envelope(ContentWriter &out, const BoundEnvelope &envelope) {
    const auto &[header, body] = envelope;
    out.add("type", printable(header.type));
    if (header.id) {
        out.add_hex("virtual register", *header.id);
    } else {
        out.add("register", printable(header.register_name));
    }
    if (!body) return out.add("body", "(redacted)");
    if (body->description) out.add("description", printable(*body->description));
    if (body->created) {
        out.add("name", printable(body->created->name));
        out.add("hash", to_string(body->created->hash));
        out.add("owner", std::to_string(body->created->owner));
        out.add("carrier", printable(body->created->carrier));
    }
    if (body->expected) out.add_hex("expected", *body->expected);
    if (body->found) out.add_hex("found", *body->found);
    if (body->digest) {
        out.add("digest of the data", std::string(to_string(body->digest->algorithm)) + " " + to_hex(body->digest->value.bytes()));
    }
    if (body->data) out.add_bytes("data", *body->data);
    if (body->salt) out.add_hex("salt", *body->salt);
}

void write_tagged_events(ContentWriter &out, ByteView data, bool in_realms_log) {
    ByteReader reader(data);
    while (!reader.rest().empty() && !out.full()) {
        const ByteView begin = reader.rest();
        const auto event = read_tagged_event(reader);
        if (!event) {
            // Some versions of the Linux EFI stub leave tag and size out.
            return begin.size() == data.size() && looks_like_utf8(data) ? out.add_bytes("untagged", data)
                                                                        : write_malformed(out, "a tagged event that ends early", begin);
        }
        if (in_realms_log && write_realm_event(out, *event)) continue;
        const std::string_view name = tag_name(event->tag);
        out.add("tag", name.empty() ? hexadecimal(event->tag) : name);
        if (event->tag == tag_attestation_agent) {
            write_attestation_agent(out, event->content);
        } else if (!event->content.empty()) {
            out.add_bytes("content", event->content);
        }
    }
}

}  // namespace mr::event_log
