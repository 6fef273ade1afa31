// A public key out of a file that a person or a program keeps.
#include "libmr/src/attestation/malformed.h"
#include "libmr/src/attestation/pki/der.h"
#include "libmr/src/attestation/pki/pem.h"
#include "libmr/src/event_log/json_common.h"
#include "mr/bound_report_data.h"

namespace mr {

namespace {

using attestation::malformed;

// SubjectPublicKeyInfo (RFC 5280): a sequence of an algorithm and a bit string.
bool is_public_key(ByteView der) {
    using attestation::DerTag;
    attestation::DerReader file(der);
    auto info = file.inside(DerTag::sequence);
    auto algorithm = info.inside(DerTag::sequence);
    algorithm.take(DerTag::object_identifier);
    info.take(DerTag::bit_string);
    return file.finished() && info.finished() && algorithm.ok();
}

}  // namespace

std::expected<Bytes, Error> parse_public_key(ByteView file) {
    if (is_public_key(file)) return Bytes(file.begin(), file.end());
    const auto text = event_log::without_byte_order_mark(event_log::as_text(file));
    auto keys = attestation::public_keys_in_text(text);
    if (!keys) return std::unexpected(std::move(keys.error()));
    if (keys->empty())
        return malformed("the file has no public key: neither DER (SubjectPublicKeyInfo), nor a line -----BEGIN PUBLIC KEY-----");
    if (keys->size() > 1) return malformed("the file has " + std::to_string(keys->size()) + " public keys: give one");
    if (!is_public_key(keys->front())) return malformed("what the file has as a public key is no SubjectPublicKeyInfo in DER");
    return std::move(keys->front());
}

}  // namespace mr
