// In mr::verify. The realm's initial measurement (RIM) of Arm CCA, rebuilt: from what the host says that it did before the realm ran, and from the images themselves. What the host
// says proves nothing, and need not: any other parameter, order, address or image leads to another RIM than the one that is signed.
//
// Sources: Realm Management Monitor (RMM) specification, section A7.1 (RIM, REM), RmiRealmParams, RmiRecParams, RmmMeasurementDescriptorData/Rec/Ripas; the
// order, and the realm's log: veraison/cca-realm-measurements, docs/measurement-log.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/error.h"

namespace mr {

inline constexpr std::uint64_t realm_granule = 4096;                              // bytes
inline constexpr std::size_t max_realm_description = std::size_t{1} << 20;        // bytes of a realm's log, or of its parameters
inline constexpr std::size_t max_realm_steps = 1024;                              // of one realm
inline constexpr std::uint64_t max_realm_ripas_records = std::uint64_t{1} << 17;  // of one realm; RAM of 512 GiB has 512
inline constexpr std::uint64_t max_realm_granules = std::uint64_t{1} << 20;       // of images, of one realm: 4 GiB
inline constexpr std::uint64_t max_realm_padding = std::uint64_t{64} << 20;       // zero bytes behind one image

// What is measured of REALM_CREATE.
struct RealmParameters {
    std::uint64_t flags = 0;          // 1 LPA2, 2 SVE, 4 PMU; of RMM 2 also 8 DA, bits 7 and 8 MEC policy
    std::uint8_t s2sz = 0;            // bits of the realm's address space, 25 to 52
    std::uint8_t sve_vl = 0;          // vector length / 128 - 1
    std::uint8_t num_bps = 0;         // breakpoints - 1
    std::uint8_t num_wps = 0;         // watchpoints - 1
    std::uint8_t pmu_num_ctrs = 0;    // of the performance monitor
    std::uint8_t hash_algorithm = 0;  // 0 SHA-256, 1 SHA-512, 2 SHA-384
    friend bool operator==(const RealmParameters &, const RealmParameters &) = default;
};

// One vCPU, of those that can run at the start.
struct RealmRec {
    std::uint64_t flags = 0;  // 1: runnable
    std::uint64_t pc = 0;
    std::array<std::uint64_t, 8> gprs{};
    friend bool operator==(const RealmRec &, const RealmRec &) = default;
};

// Step by step.
class RealmMeasurement {
public:
    // REALM_CREATE. Error: malformed: an address space or hash that there is not; not_supported: this OpenSSL does not offer the hash.
    static std::expected<RealmMeasurement, Error> open(const RealmParameters &parameters);

    // INIT_RIPAS of a range: a record for each entry of the translation table, the largest aligned block first. Error: malformed: not whole granules, or beyond the
    // address space; not_supported: more records than max_realm_ripas_records.
    std::expected<void, Error> init_ripas(std::uint64_t base, std::uint64_t size);

    // DATA_CREATE of each granule from the one that `address` is in to the last one of `size` bytes: `content`, with zeros before and behind it. Not measured: only
    // that there is something. Error: malformed: `size` is less than the content's, or beyond it neither whole granules nor the content's own; the range is beyond
    // the address space; not_supported: more than max_realm_granules or max_realm_padding.
    std::expected<void, Error> add_data(std::uint64_t address, ByteView content, std::uint64_t size, bool measured = true);

    // REC_CREATE.
    void create_rec(const RealmRec &rec);

    // Of the hash's length.
    [[nodiscard]] Digest value() const { return Digest(ByteView(rim_).first(digest_size(hasher_.algorithm()))); }

private:
    using Padded = std::array<std::uint8_t, 64>;

    RealmMeasurement(Hasher hasher, std::uint8_t s2sz);
    Padded hash(ByteView bytes);
    void extend(std::span<std::uint8_t> descriptor);
    [[nodiscard]] bool is_in_space(std::uint64_t base, std::uint64_t size) const;

    Hasher hasher_;
    std::uint64_t space_;          // bytes
    std::uint64_t largest_block_;  // bytes of the translation table's topmost entries
    Padded rim_{};
    std::uint64_t ripas_records_ = 0;
    std::uint64_t granules_ = 0;
};

// ---- What the host did

struct RealmRipas {
    std::uint64_t base = 0;
    std::uint64_t size = 0;
    friend bool operator==(const RealmRipas &, const RealmRipas &) = default;
};
struct RealmData {
    std::string image;  // "FIRMWARE", "KERNEL", "INITRD", "DTB", "LOG"; of parameters any name
    std::uint64_t base = 0;
    std::optional<std::uint64_t> size = {};  // bytes; nothing: the image's
    bool measured = true;                    // an image that is not need not be there
    std::optional<Digest> digest = {};       // of the image, as the log says
    friend bool operator==(const RealmData &, const RealmData &) = default;
};
using RealmStep = std::variant<RealmRipas, RealmData, RealmRec>;

struct RealmDescription {
    RealmParameters parameters;
    std::vector<RealmStep> steps;  // in their order
    friend bool operator==(const RealmDescription &, const RealmDescription &) = default;
};

// A realm's log: TCG crypto-agile, with a record "VM VERSION" (EV_NO_ACTION), which makes it one: only in such a log are EV_EVENT_TAG 1 to 3 the realm's creation, RIPAS
// and vCPU. Images are EV_EFI_PLATFORM_FIRMWARE_BLOB2 and EV_POST_CODE2; "LOG" is not measured. Error: malformed, naming the record.
std::expected<RealmDescription, Error> parse_realm_log(ByteView log);

// One JSON object:
//
//   hashAlgorithm                                                "sha-256", "sha-384" or "sha-512"
//   s2sz, numBps, numWps; flags, sveVl, pmuNumCtrs [0]           as RealmParameters has them
//   steps        array of objects, in their order, of one member each:
//     ripas      { base, size }
//     data       { image, base, size [the image's], measured [true] }
//     rec        { flags [1], pc, gprs [zeros], at most 8 }
//
// Numbers are JSON's, or text as "0x80000000". Error: malformed, naming the member. Unknown members are refused.
std::expected<RealmDescription, Error> parse_realm_parameters(std::string_view json);

struct RealmImage {
    std::string name;
    ByteView content;
};

struct RealmMeasuredStep {
    std::string step;  // "REALM_CREATE", "INIT_RIPAS", "DATA FIRMWARE", "REC"
    Digest rim;        // after it
    // Of an image whose digest the log has, by itself or with the zeros behind it: whether it is that.
    std::optional<bool> digest_matches = {};
};

// Of each step, the first one of which is REALM_CREATE. Error: as RealmMeasurement has them, and malformed where an image that is measured is not there, or given twice.
std::expected<std::vector<RealmMeasuredStep>, Error> measure_realm(const RealmDescription &realm, std::span<const RealmImage> images);

// ---- Which image it was

inline constexpr std::size_t max_realm_candidates = 64;  // of one realm
inline constexpr std::size_t max_realm_ways = 256;       // to choose among them that are tried

struct RealmImages {
    std::span<const RealmImage> named = {};       // by the realm's names
    std::span<const RealmImage> candidates = {};  // each may be any image that is not among `named`; its own name is for the caller
};

struct RebuiltRealm {
    std::vector<RealmMeasuredStep> steps;
    std::vector<std::pair<std::string, std::string>> found =
        {};                    // image of the realm, name of the candidate that it is; in the order of the steps
    bool is_expected = false;  // the last RIM is among the expected ones
};

// Without `expected` an image is the candidate that has the digest in the log. With it the log's digest says only what is tried first: what counts is that the RIM
// is one of these, each by itself or followed by zeros up to 64 bytes, and what the log says of digests may be wrong. Where no way leads to one of them: the
// steps of the first way. Error: as measure_realm() has them; malformed where no candidate can be an image; not_supported: too many candidates, or max_realm_ways
// were tried and there are more.
std::expected<RebuiltRealm, Error> rebuild_realm(const RealmDescription &realm, const RealmImages &images, std::span<const Bytes> expected);

}  // namespace mr
