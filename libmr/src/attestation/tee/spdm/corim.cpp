#include "mr/corim.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "libmr/src/attestation/pki/ecdsa.h"
#include "libmr/src/cbor_claims.h"
#include "mr/cca_token.h"
#include "mr/event_content.h"

namespace mr {
namespace {

using cbor::Claim;
using cbor::Major;
using cbor::Reader;
using cbor::Wrong;
using cbor::wrong;

// Tags (IANA, and draft-ietf-rats-corim).
constexpr std::uint64_t tag_time = 1;
constexpr std::uint64_t tag_sign1 = 18;
constexpr std::uint64_t tag_uuid = 37;
constexpr std::uint64_t tag_corim = 500;
constexpr std::uint64_t tag_unsigned_corim = 501;
constexpr std::uint64_t tag_signed_corim = 502;
constexpr std::uint64_t tag_comid = 506;
constexpr std::uint64_t tag_svn = 552;
constexpr std::uint64_t tag_minimum_svn = 553;
constexpr std::uint64_t tag_bytes = 560;
constexpr std::uint64_t tag_masked = 563;

Wrong in_place(const Reader &reader, std::string_view what) {
    return wrong("byte " + std::to_string(reader.offset()) + ": " + std::string(what));
}

template <typename Read>
Wrong read_claims(Reader &reader, Read &&read) {
    return cbor::read_claims(reader, max_corim_claims, std::forward<Read>(read));
}
// A map within a claim.
template <typename Read>
Claim claims(Reader &reader, Read &&read) {
    if (auto done = read_claims(reader, std::forward<Read>(read)); !done) return wrong(std::move(done.error()));
    return true;
}
// Each item of an array within a claim.
template <typename Read>
Claim items(Reader &reader, Read &&read) {
    const auto size = reader.read_array();
    if (!size) return wrong(std::string(size.error()));
    for (std::size_t i = 0; i < *size; ++i) {
        if (auto done = read(); !done) return wrong(std::move(done.error()));
    }
    return true;
}

// The tag before the next item, if there is one.
std::optional<std::uint64_t> take_tag(Reader &reader) {
    if (reader.next() != Major::tag) return std::nullopt;
    const auto tag = reader.read_tag();
    return tag ? std::optional(*tag) : std::nullopt;
}

// A text, a UUID, or bytes that are one: what manifests are called by.
Claim take_name(Reader &reader, std::string &to) {
    const auto tag = take_tag(reader);
    if (tag && *tag != tag_uuid) return wrong("a text or a UUID is wanted here");
    if (reader.next() == Major::bytes) {
        const auto bytes = reader.read_bytes();
        if (!bytes) return wrong(std::string(bytes.error()));
        to = to_hex(*bytes);
        return true;
    }
    std::string_view text;
    auto taken = cbor::take_text(reader, text);
    to = text;
    return taken;
}

// A CWT's NumericDate: without the tag.
Claim take_numeric_date(Reader &reader, std::optional<UnixTime> &to, bool latest) {
    const auto seconds = reader.read_integer();
    if (!seconds) return wrong(std::string(seconds.error()));
    // What says it twice, of itself and of its signature, holds while both do.
    to = !to ? *seconds : latest ? std::max(*to, *seconds) : std::min(*to, *seconds);
    return true;
}
Claim take_time(Reader &reader, std::optional<UnixTime> &to, bool latest) {
    if (take_tag(reader) != tag_time) return wrong("a time is wanted here, seconds with the tag 1");
    return take_numeric_date(reader, to, latest);
}
Claim take_validity(Reader &reader, Corim &to) {
    return claims(reader, [&](std::int64_t key) -> Claim {
        switch (key) {
        case 0: return take_time(reader, to.not_before, true);
        case 1: return take_time(reader, to.not_after, false);
        default: return false;
        }
    });
}

// Of one CoMID.
class ManifestReader {
public:
    ManifestReader(ByteView manifest, Corim &to, std::size_t &measurements) : reader_(manifest), to_(to), measurements_(measurements) {}

    Wrong read() {
        auto done = read_claims(reader_, [this](std::int64_t key) -> Claim {
            switch (key) {
            case 1:
                return claims(reader_,
                              [this](std::int64_t member) -> Claim { return member == 0 ? take_name(reader_, id_) : Claim(false); });
            case 4:
                return claims(reader_, [this](std::int64_t triples) -> Claim {
                    return triples == 0 ? items(reader_, [this] { return take_triple(); }) : Claim(false);
                });
            default: return false;
            }
        });
        if (!done) return done;
        if (!reader_.at_end()) return in_place(reader_, "something follows the CoMID");
        for (auto &[environment, set] : sets_) {
            // The name is for people, who wrote it.
            set.name += set.name.empty() ? id_ : " (" + id_ + ")";
            if (to_.sets.size() == max_corim_sets)
                return wrong("there are reference values of more than " + std::to_string(max_corim_sets) + " devices");
            to_.sets.push_back(std::move(set));
        }
        return {};
    }

private:
    // An environment, and what is measured there.
    Claim take_triple() {
        if (reader_.read_array() != std::size_t{2}) return wrong("an array of environment and measurements is wanted here");
        auto ahead = reader_;
        const auto environment = ahead.read_item();
        if (!environment) return wrong(std::string(environment.error()));
        auto &set = sets_[Bytes(environment->begin(), environment->end())];
        if (set.name.empty()) {
            if (auto taken = take_environment(set.name); !taken) return taken;
        } else {
            reader_ = ahead;
        }
        if (reader_.next() == Major::map) return take_measurement(set);
        const auto before = set.blocks.size();
        auto taken = items(reader_, [&] { return take_measurement(set); });
        // A set without any fits every device.
        if (taken && set.blocks.size() == before) return wrong("an environment has no measurements: they would be those of every device");
        return taken;
    }

    Claim take_environment(std::string &name) {
        return claims(reader_, [&](std::int64_t key) -> Claim {
            if (key != 0) return false;
            return claims(reader_, [&](std::int64_t member) -> Claim {
                constexpr std::int64_t vendor = 1;
                constexpr std::int64_t model = 2;
                if (member != vendor && member != model) return false;
                std::string_view text;
                auto taken = cbor::take_text(reader_, text);
                name.append(name.empty() ? "" : " ").append(text);
                return taken;
            });
        });
    }

    Claim take_measurement(DeviceReferenceSet &set) {
        if (++measurements_ > max_corim_measurements)
            return wrong("there are more than " + std::to_string(max_corim_measurements) + " measurements");
        BlockReference reference;
        auto taken = claims(reader_, [&](std::int64_t key) -> Claim {
            switch (key) {
            case 0: return take_index(reference.index);
            case 1: return claims(reader_, [&](std::int64_t member) { return take_value(member, reference); });
            default: return false;
            }
        });
        if (!taken) return taken;
        if (reference.index == 0) return wrong("a measurement has no key: of a device it is the block's number, 1 to 254");
        if (reference.digests.empty() && reference.raw.empty() && reference.versions.empty() && !reference.svn && !reference.minimum_svn)
            return wrong("the measurement " + std::to_string(reference.index) + " has no digest, value, version or security version");
        for (auto &raw : reference.raw) {
            if (!raw.mask.empty() && raw.mask.size() != raw.value.size())
                return wrong("the measurement " + std::to_string(reference.index) + " has a mask of another size than its value");
            if (raw.value.empty() || (!raw.mask.empty() && std::ranges::all_of(raw.mask, [](auto byte) { return byte == 0; })))
                return wrong("the measurement " + std::to_string(reference.index) + " has a value or a mask without any bit that counts");
        }
        set.blocks.push_back(std::move(reference));
        return true;
    }

    Claim take_index(std::uint8_t &index) {
        constexpr std::uint64_t last = 0xFE;
        const auto number = reader_.next() == Major::unsigned_integer ? reader_.read_unsigned() : std::unexpected(std::string_view());
        if (!number || *number == 0 || *number > last) return wrong("a measurement's key is no number of a block, 1 to 254");
        index = static_cast<std::uint8_t>(*number);
        return true;
    }

    Claim take_value(std::int64_t member, BlockReference &to) {
        switch (member) {
        case 0:
            return claims(reader_, [&](std::int64_t key) -> Claim {
                if (key != 0) return false;
                std::string_view version;
                auto taken = cbor::take_text(reader_, version);
                to.versions.emplace_back(version);
                return taken;
            });
        case 1: return take_svn(to);
        case 2: return items(reader_, [&] { return take_digest(to); });
        case 4: return take_raw(to);
        case 5: {
            ByteView mask;
            auto taken = cbor::take_bytes(reader_, mask);
            mask_of(to).mask.assign(mask.begin(), mask.end());
            return taken;
        }
        case 11: return false;  // a name
        default: return wrong("the measured value " + std::to_string(member) + " is not known here, and nobody would look at it");
        }
    }

    // An older form has the mask beside the value, in any order.
    static MaskedValue &mask_of(BlockReference &to) { return to.raw.empty() ? to.raw.emplace_back() : to.raw.front(); }

    Claim take_svn(BlockReference &to) {
        const auto tag = take_tag(reader_);
        if (tag && *tag != tag_svn && *tag != tag_minimum_svn) return wrong("a security version is wanted here");
        // Without a tag it is that version, as with the first.
        return cbor::take_number(reader_, tag == tag_minimum_svn ? to.minimum_svn.emplace() : to.svn.emplace());
    }

    Claim take_digest(BlockReference &to) {
        if (reader_.read_array() != std::size_t{2}) return wrong("an array of algorithm and digest is wanted here");
        std::optional<HashAlgorithm> algorithm;
        if (reader_.next() == Major::text) {
            std::string_view name;
            if (auto taken = cbor::take_text(reader_, name); !taken) return taken;
            algorithm = cca_hash_algorithm(name);
        } else {
            // IANA, Named Information Hash Algorithm Registry.
            static constexpr std::array known = {std::pair{std::int64_t{1}, HashAlgorithm::sha256},
                                                 std::pair{std::int64_t{7}, HashAlgorithm::sha384},
                                                 std::pair{std::int64_t{8}, HashAlgorithm::sha512}};
            const auto number = reader_.read_integer();
            if (!number) return wrong(std::string(number.error()));
            const auto *const found = std::ranges::find(known, *number, &std::pair<std::int64_t, HashAlgorithm>::first);
            if (found != known.end()) algorithm = found->second;
        }
        if (!algorithm) return wrong("the digest's algorithm is not known: there are sha-256 (1), sha-384 (7) and sha-512 (8)");
        ByteView digest;
        if (auto taken = cbor::take_bytes(reader_, digest, {digest_size(*algorithm)}); !taken) return taken;
        to.digests.push_back({.algorithm = *algorithm, .value = Digest(digest)});
        return true;
    }

    Claim take_raw(BlockReference &to) {
        const auto tag = take_tag(reader_);
        const bool is_masked = tag == tag_masked;
        if (tag && *tag != tag_bytes && !is_masked) return wrong("a raw value is wanted here");
        if (is_masked && reader_.read_array() != std::size_t{2}) return wrong("an array of value and mask is wanted here");
        ByteView value;
        if (auto taken = cbor::take_bytes(reader_, value); !taken) return taken;
        auto &raw = mask_of(to);
        raw.value.assign(value.begin(), value.end());
        if (!is_masked) return true;
        ByteView mask;
        auto taken = cbor::take_bytes(reader_, mask);
        raw.mask.assign(mask.begin(), mask.end());
        return taken;
    }

    Reader reader_;
    Corim &to_;
    std::size_t &measurements_;
    std::string id_;
    std::map<Bytes, DeviceReferenceSet> sets_;  // by environment
};

Wrong read_map(Reader &reader, Corim &to) {
    std::size_t measurements = 0;
    auto done = read_claims(reader, [&](std::int64_t key) -> Claim {
        switch (key) {
        case 0: return take_name(reader, to.id);
        case 1:
            return items(reader, [&]() -> Claim {
                // Of other tags than CoMIDs there is nothing for devices.
                const auto tag = take_tag(reader);
                if (tag != tag_comid) {
                    const auto passed = reader.read_item();
                    return passed ? Claim(true) : wrong(std::string(passed.error()));
                }
                ByteView manifest;
                if (auto taken = cbor::take_bytes(reader, manifest); !taken) return taken;
                if (auto read = ManifestReader(manifest, to, measurements).read(); !read) return wrong("CoMID: " + read.error());
                return true;
            });
        case 4: return take_validity(reader, to);
        // A profile (3) may add values: those that are not known here are refused where they stand.
        default: return false;
        }
    });
    if (!done) return done;
    if (!reader.at_end()) return in_place(reader, "something follows the manifest");
    if (to.sets.empty()) return wrong("it has no reference values of a device");
    return {};
}

Wrong read_protected(ByteView header, Corim &to) {
    Reader reader(header);
    cbor::Required required{1};
    auto done = read_claims(reader, [&](std::int64_t key) -> Claim {
        required.see(key);
        switch (key) {
        case 1: {
            const auto algorithm = reader.read_integer();
            if (!algorithm) return wrong(std::string(algorithm.error()));
            to.algorithm = *algorithm;
            return true;
        }
        case 2: return wrong("the header has parts that are critical, and none is known here");
        case 8: {
            ByteView meta;
            if (auto taken = cbor::take_bytes(reader, meta); !taken) return taken;
            Reader inner(meta);
            return claims(inner, [&](std::int64_t member) -> Claim {
                if (member == 1) return take_validity(inner, to);
                if (member != 0) return false;
                return claims(inner,
                              [&](std::int64_t of_signer) -> Claim { return of_signer == 0 ? take_name(inner, to.signer) : Claim(false); });
            });
        }
        // CWT claims (RFC 9597), the newer form of the same.
        case 15:
            return claims(reader, [&](std::int64_t claim) -> Claim {
                switch (claim) {
                case 1: return take_name(reader, to.signer);
                case 4: return take_numeric_date(reader, to.not_after, false);
                case 5: return take_numeric_date(reader, to.not_before, true);
                default: return false;
                }
            });
        default: return false;
        }
    });
    if (done) done = required.check("the protected header");
    return done;
}

Wrong read_signed(Reader &reader, Corim &to) {
    if (reader.read_array() != std::size_t{4}) return in_place(reader, "the array of four of a COSE_Sign1 is wanted here");
    const auto header = reader.read_bytes();
    if (!header) return in_place(reader, header.error());
    if (reader.next() != Major::map) return in_place(reader, "a map is wanted here");
    if (const auto unprotected = reader.read_item(); !unprotected) return in_place(reader, unprotected.error());
    CoseSign1 token{.algorithm = 0, .protected_header = *header, .payload = {}, .signature = {}};
    for (auto *part : {&token.payload, &token.signature}) {
        const auto bytes = reader.read_bytes();
        if (!bytes) return in_place(reader, bytes.error());
        *part = *bytes;
    }
    if (!reader.at_end()) return in_place(reader, "something follows the signature");
    to.is_signed = true;
    to.signed_bytes = signed_bytes(token);
    to.signature.assign(token.signature.begin(), token.signature.end());
    if (auto done = read_protected(*header, to); !done) return wrong("protected header: " + done.error());
    Reader payload(token.payload);
    const auto tag = take_tag(payload);
    if (tag && *tag != tag_unsigned_corim) return wrong("the payload is no CoRIM: its tag is " + std::to_string(*tag));
    auto done = read_map(payload, to);
    return done ? done : wrong("payload: " + done.error());
}

Wrong read_file(ByteView file, Corim &to) {
    Reader reader(file);
    auto tag = take_tag(reader);
    if (tag == tag_corim) tag = take_tag(reader);
    if (tag == tag_unsigned_corim) return read_map(reader, to);
    if (tag == tag_signed_corim && reader.next() == Major::tag) tag = take_tag(reader);
    if (tag != tag_signed_corim && tag != tag_sign1) return wrong("it has none of the tags 501, 502 and 18");
    return read_signed(reader, to);
}

std::unexpected<Error> malformed_corim(const std::string &what) {
    // What a maker writes stands in some of these texts.
    return std::unexpected(Error{ErrorCode::malformed, "CoRIM: " + printable_text(what)});
}

}  // namespace

bool begins_corim(ByteView file) {
    const auto tag = Reader(file.first(std::min<std::size_t>(file.size(), 3))).read_tag();
    return tag && (*tag == tag_corim || *tag == tag_unsigned_corim || *tag == tag_signed_corim || *tag == tag_sign1);
}

std::expected<Corim, Error> decode_corim(ByteView file) {
    if (file.size() > max_corim_size) return malformed_corim("more than " + std::to_string(max_corim_size) + " bytes");
    Corim read;
    if (auto done = read_file(file, read); !done) return malformed_corim(done.error());
    return read;
}

std::expected<void, Error> check_corim_signature(const Corim &corim, ByteView key) {
    if (!corim.is_signed) return malformed_corim("nothing signs it");
    const std::size_t size = corim.algorithm == cose_es256   ? attestation::p256_key_size
                             : corim.algorithm == cose_es384 ? attestation::p384_key_size
                                                             : 0;
    if (size == 0)
        return std::unexpected(Error{ErrorCode::not_supported, "CoRIM: its signature's algorithm is " + std::to_string(corim.algorithm) +
                                                                   ": this library knows ES256 (-7) and ES384 (-35)"});
    attestation::SignatureChecker signatures;
    if (key.size() != size || !signatures.verify(key, corim.signed_bytes, corim.signature))
        return malformed_corim("the key did not sign it");
    return {};
}

}  // namespace mr
