// What an event's data says, for people, and whether its digest binds it. Contents are claims unless recompute_binding says otherwise. What reads them is in mr::verify.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/digest.h"
#include "mr/envelope.h"
#include "mr/error.h"
#include "mr/event_log.h"

namespace mr {

// "EV_EFI_VARIABLE_BOOT"; "0x80000099" for one without a name (TCG PC Client Platform Firmware Profile 1.06, table 27; dstack's 0x08000001).
std::string event_type_name(std::uint32_t type);
// The other way round, also from decimal and 0x numbers.
std::optional<std::uint32_t> event_type_from(std::string_view name);

enum class Binding : std::uint8_t {
    bound,      // the digest is the hash of the data, by the rule for the event's type: the register vouches for the content
    described,  // it is the hash of something else (a firmware blob, an image), or there is no data: the content is a claim
};
std::string_view to_string(Binding binding);

// Recomputed with the event's digest of a known algorithm; `rule` is what was hashed. Rules are tried by the event's type only, and "bound" says
// nothing of bytes that are not covered: a digest of a variable's data does not bind the variable's name, that of a command line not the prefix which
// says whose command line it is. Whoever decides by content must read it out of `covered`.
//
//     rule                              types                      what was hashed
//     "envelope"                        all                        header and body, as mr/envelope.h says: bound_envelope() gives them, or carried_envelope()
//     "redacted envelope"               all                        header and the body's digest: the same
//     "data"                            all but dstack's           all of the data
//     "variable data"                   EV_EFI_VARIABLE_BOOT       UEFI_VARIABLE_DATA without GUID, lengths and name
//     "data without its last byte"      EV_EFI_VARIABLE_AUTHORITY  old versions of shim, where the bytes left out follow the structure
//     "text without its prefix and NUL" EV_IPL                     GRUB's text up to its NUL, without "grub_cmd: " and the like
//     "text without its prefix"         EV_IPL                     the same with its NUL
//     "text with a NUL after it"        EV_IPL                     UTF-16 of which the log keeps no NUL, or half of one
//     "text without its NUL"            EV_IPL                     UTF-16 without the NUL that the log keeps
//     "text in ASCII with a NUL"        EV_IPL                     systemd-stub's names of sections, which the log keeps in UTF-16
//     "tagged content"                  EV_EVENT_TAG               the data without tag and size; never of an AAEL event, or of what begins with an
//                                                                  envelope's tag
//     "configuration without header"    EV_PLATFORM_CONFIG_FLAGS   td-shim's: without name and length
//     "type, name and payload"          dstack's 0x08000001        type u32 little-endian, ':', description, ':', data; a name has no ':'
//     "canonical JSON of name, payload and type"  the same, version 2  {"name":description,"payload":data in hex,"type":134217729} by RFC 8785
//
// An envelope's tag before data whose digest is the plain hash makes no envelope of it: such data is bound as "data" and says nothing but its bytes.
//
// A digest of nothing binds nothing: where the covered bytes are empty, the event is described. (dstack's rules cover a name beside the data.)
struct RecomputedBinding {
    Binding binding = Binding::described;
    std::string_view rule;  // as above; empty if described
    ByteView covered;       // the bytes of the data that the digest binds; empty if described
    Bytes whole = {};       // all that was hashed, where that is more than these bytes; else empty

    // What was hashed. Of an envelope, of which bound_envelope() tells, and of what is described: nothing.
    [[nodiscard]] ByteView hashed() const;
};
// Cheap: at most three hashes of the data, with hashers that each thread keeps.
RecomputedBinding recompute_binding(const Event &event, const EventDigest &digest);

// What an envelope says, bound by the digest. body: absent where it is redacted.
struct BoundEnvelope {
    EnvelopeHeader header;
    std::optional<EnvelopeBody> body;
};
// The envelope that this event is, whatever type the log claims for it: the only way to one, for replay, rules, journal and people alike. Error:
// malformed, with what is wrong: the data is no envelope (cheap: four bytes are looked at); it does not decode; a digest, this one or another of the
// event's, is not the envelope's; it names another register (names_register) or a virtual one; not_supported: the digest's algorithm is none that can
// be computed. Whatever the error, the data then says no more than any other bytes.
std::expected<BoundEnvelope, Error> bound_envelope(const Event &event, const EventDigest &digest);

// The same of an event of a virtual register, which extends the register that carries it: the envelope names an id (header.id is there). Error: as above; it names a
// register. Whether there is such a register, and what came of it, is for who follows all of the carrier's events to say (mr/virtual_registers.h): this alone proves
// nothing about it.
std::expected<BoundEnvelope, Error> carried_envelope(const Event &event, const EventDigest &digest);

// Does the header name the register that an event of this name extends? A log has "vm/rtmr3", where "vm" is what the configuration calls the
// provider, "rtmr3" in TCG formats, "tpm/pcr7:sha256" with the bank; the header has "tdx/rtmr3", where "tdx" is the provider's kind. So what stands
// before the slash and the bank are left out on both sides, and the rest must be equal. No log says of which kind a provider is, and the kind is compared
// with nothing: a verifier that knows it compares it. Never true of a virtual register's id.
bool names_register(const EnvelopeHeader &header, std::string_view name);

// What a bound resync says, if both values have this size (that of the bank); nothing for any other envelope.
struct ResyncValues {
    Digest expected;
    Digest found;
};
std::optional<ResyncValues> resync_values(const BoundEnvelope &envelope, std::size_t size);

struct ContentField {
    std::string name;
    std::string value;
};
// Is this the record VM VERSION? From it on the log is a realm's (Arm CCA), and says with EV_EVENT_TAG 1 to 3 how the realm was created. In any other log these numbers are
// TCG's own.
bool begins_realms_log(const Event &event);

// The data taken apart, by the event's type, and by whether the log is a realm's, which an event does not say: never fails, never longer than max_content_text in all; what
// cannot be read is said so (a field "malformed") and given as text if it is text, else as hexadecimal. Names may repeat. Values are UTF-8 without control characters: those are shown as
// \n, \x1b or \u{202e}. Of an envelope header and body are shown only where it is bound (bound_envelope() with the event's digests); else a field "unbound"
// says why not, and the data is shown like any other's. Sources: PC Client Platform Firmware Profile 1.06, section 10; UEFI 2.10.
std::vector<ContentField> decode_content(const Event &event, bool in_realms_log = false);
inline constexpr std::size_t max_content_text = 4096;  // bytes

// One line of it for a table, without control characters: "name: value; name: value", at most `width` characters (code points), the last of them an
// ellipsis if something was cut.
std::string summarize_content(const Event &event, std::size_t width);

// Text that nobody vouches for, as people may see it: valid UTF-8 without characters that are invisible or change how others are shown. Those (control
// characters, marks of direction, line separators, what has no width or is drawn as a blank, noncharacters; Unicode 14) are shown as \n, \x1b or
// \u{202e}, bytes that are not UTF-8 as \xff. At most max_content_text bytes of it.
std::string printable_text(std::string_view text);
// The same of several lines: line feeds stay. max_content_text is that of each.
std::string printable_lines(std::string_view text);
// JSON that nobody vouches for: the same value, with those characters as \u escapes. Whole, however long. Precondition: it is JSON.
std::string printable_json(std::string_view json);

}  // namespace mr
