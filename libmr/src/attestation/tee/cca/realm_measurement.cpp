#include "mr/realm_measurement.h"

#include <algorithm>
#include <utility>

#include "libmr/src/attestation/malformed.h"
#include "libmr/src/event_log/printable.h"
#include "mr/event_content.h"

namespace mr {
namespace {

using attestation::malformed;

constexpr std::uint8_t min_s2sz = 25;
constexpr std::uint8_t max_s2sz = 52;
constexpr unsigned granule_bits = 12;
constexpr unsigned level_bits = 9;         // of an address, that one level of the translation table decides
constexpr unsigned concatenated_bits = 4;  // that the topmost level has beyond its own, in up to 16 tables side by side

constexpr std::array hash_algorithms = {HashAlgorithm::sha256, HashAlgorithm::sha512, HashAlgorithm::sha384};

enum class DescriptorType : std::uint8_t { data = 0, rec = 1, ripas = 2 };
constexpr std::size_t descriptor_size = 256;
using Descriptor = std::array<std::uint8_t, descriptor_size>;
constexpr std::size_t descriptor_rim = 0x10;
constexpr std::size_t descriptor_fields = 0x50;
using ParametersPage = std::array<std::uint8_t, realm_granule>;

constexpr std::uint64_t data_flag_measure = 1;

Error too_much(std::string message) { return {ErrorCode::not_supported, std::move(message)}; }

void put(std::span<std::uint8_t> to, std::size_t offset, std::uint64_t value) {
    for (std::size_t i = 0; i < sizeof(value); ++i) to[offset + i] = static_cast<std::uint8_t>(value >> 8 * i);
}

Descriptor descriptor_of(DescriptorType type) {
    Descriptor descriptor{};
    descriptor[0] = static_cast<std::uint8_t>(type);
    put(descriptor, 0x8, descriptor_size);
    return descriptor;
}

// Of the topmost level's entries. Levels whose only work would be to choose among up to 16 tables are not there.
std::uint64_t largest_block_of(std::uint8_t s2sz) {
    unsigned levels = (s2sz - granule_bits + level_bits - 1U) / level_bits;
    if (s2sz - granule_bits - (levels - 1U) * level_bits <= concatenated_bits) --levels;
    return std::uint64_t{1} << (granule_bits + (levels - 1U) * level_bits);
}

}  // namespace

RealmMeasurement::RealmMeasurement(Hasher hasher, std::uint8_t s2sz)
    : hasher_(std::move(hasher)), space_(std::uint64_t{1} << s2sz), largest_block_(largest_block_of(s2sz)) {}

RealmMeasurement::Padded RealmMeasurement::hash(ByteView bytes) {
    Padded padded{};
    std::ranges::copy(hasher_.hash(bytes).bytes(), padded.begin());
    return padded;
}

void RealmMeasurement::extend(std::span<std::uint8_t> descriptor) {
    std::ranges::copy(rim_, descriptor.subspan(descriptor_rim).begin());
    rim_ = hash(descriptor);
}

bool RealmMeasurement::is_in_space(std::uint64_t base, std::uint64_t size) const { return base <= space_ && size <= space_ - base; }

std::expected<RealmMeasurement, Error> RealmMeasurement::open(const RealmParameters &parameters) {
    if (parameters.s2sz < min_s2sz || parameters.s2sz > max_s2sz)
        return malformed("s2sz is " + std::to_string(parameters.s2sz) + ": a realm's addresses have 25 to 52 bits");
    if (parameters.hash_algorithm >= hash_algorithms.size())
        return malformed("the hash algorithm " + std::to_string(parameters.hash_algorithm) + " is none of a realm's: 0, 1, 2");
    auto hasher = Hasher::open(hash_algorithms.at(parameters.hash_algorithm));
    if (!hasher) return std::unexpected(std::move(hasher.error()));
    RealmMeasurement made(std::move(*hasher), parameters.s2sz);
    ParametersPage page{};
    put(page, 0x0, parameters.flags);
    page[0x8] = parameters.s2sz;
    page[0x10] = parameters.sve_vl;
    page[0x18] = parameters.num_bps;
    page[0x20] = parameters.num_wps;
    page[0x28] = parameters.pmu_num_ctrs;
    page[0x30] = parameters.hash_algorithm;
    made.rim_ = made.hash(page);
    return made;
}

std::expected<void, Error> RealmMeasurement::init_ripas(std::uint64_t base, std::uint64_t size) {
    const auto range = "RIPAS of " + event_log::hexadecimal(size) + " bytes at " + event_log::hexadecimal(base);
    if (base % realm_granule != 0 || size % realm_granule != 0 || size == 0)
        return malformed(range + ": it is not whole granules of 4 KiB");
    if (!is_in_space(base, size)) return malformed(range + ": it is beyond the realm's address space");
    for (const auto top = base + size; base < top;) {
        if (++ripas_records_ > max_realm_ripas_records)
            return std::unexpected(
                too_much(range + ": the realm would have more than " + std::to_string(max_realm_ripas_records) + " records of RIPAS"));
        auto block = largest_block_;
        while (base % block != 0 || block > top - base) block >>= level_bits;
        auto descriptor = descriptor_of(DescriptorType::ripas);
        put(descriptor, descriptor_fields, base);
        put(descriptor, descriptor_fields + 8, base + block);
        extend(descriptor);
        base += block;
    }
    return {};
}

std::expected<void, Error> RealmMeasurement::add_data(std::uint64_t address, ByteView content, std::uint64_t size, bool measured) {
    const auto range = "data of " + event_log::hexadecimal(size) + " bytes at " + event_log::hexadecimal(address);
    if (size < content.size() && measured)
        return malformed(range + ": the image has " + std::to_string(content.size()) + " bytes, which is more");
    if (measured && size != content.size() && size % realm_granule != 0)
        return malformed(range + ": that is neither the image's size, " + std::to_string(content.size()) + " bytes, nor whole granules");
    if (size == 0 || !is_in_space(address, size)) return malformed(range + ": it is empty, or beyond the realm's address space");
    if (size - std::min<std::uint64_t>(content.size(), size) > max_realm_padding)
        return std::unexpected(too_much(range + ": more than " + std::to_string(max_realm_padding) + " bytes of it are not the image's"));
    const auto end = address + size;
    for (auto granule = address - address % realm_granule; granule < end; granule += realm_granule) {
        if (++granules_ > max_realm_granules)
            return std::unexpected(
                too_much(range + ": the realm would have more than " + std::to_string(max_realm_granules) + " granules of data"));
        auto descriptor = descriptor_of(DescriptorType::data);
        put(descriptor, descriptor_fields, granule);
        if (measured) {
            ParametersPage page{};
            const auto from = granule < address ? 0 : granule - address;
            const auto skipped = granule < address ? address - granule : 0;
            if (from < content.size()) {
                const auto piece = content.subspan(from, std::min<std::size_t>(content.size() - from, realm_granule - skipped));
                std::ranges::copy(piece, page.begin() + static_cast<std::ptrdiff_t>(skipped));
            }
            put(descriptor, descriptor_fields + 8, data_flag_measure);
            std::ranges::copy(hash(page), descriptor.begin() + descriptor_fields + 16);
        }
        extend(descriptor);
    }
    return {};
}

void RealmMeasurement::create_rec(const RealmRec &rec) {
    ParametersPage page{};
    put(page, 0x0, rec.flags);
    put(page, 0x200, rec.pc);
    for (std::size_t i = 0; i < rec.gprs.size(); ++i) put(page, 0x300 + 8 * i, rec.gprs.at(i));
    auto descriptor = descriptor_of(DescriptorType::rec);
    std::ranges::copy(hash(page), descriptor.begin() + descriptor_fields);
    extend(descriptor);
}

namespace {

// The log's digest is that of the image, or of what is loaded: with the zeros behind it.
bool is_digest_of(const Digest &digest, ByteView content, std::uint64_t size) {
    for (const auto algorithm : hash_algorithms) {
        if (digest_size(algorithm) != digest.size()) continue;
        const auto bare = hash(algorithm, content);
        if (bare && *bare == digest) return true;
        if (size <= content.size()) return false;
        Bytes padded(content.begin(), content.end());
        padded.resize(static_cast<std::size_t>(size));
        const auto whole = hash(algorithm, padded);
        return whole && *whole == digest;
    }
    return false;
}

// Of a step's error: which image.
Error in_image(const std::string &name, Error error) {
    error.message.insert(0, printable_text(name) + ": ");
    return error;
}

}  // namespace

std::expected<std::vector<RealmMeasuredStep>, Error> measure_realm(const RealmDescription &realm, std::span<const RealmImage> images) {
    if (realm.steps.size() > max_realm_steps) return std::unexpected(too_much("more than " + std::to_string(max_realm_steps) + " steps"));
    for (std::size_t i = 0; i < images.size(); ++i) {
        if (std::ranges::count(images, images[i].name, &RealmImage::name) > 1)
            return malformed("the image " + printable_text(images[i].name) + " is given twice");
    }
    auto measurement = RealmMeasurement::open(realm.parameters);
    if (!measurement) return std::unexpected(std::move(measurement.error()));
    std::vector<RealmMeasuredStep> measured{{.step = "REALM_CREATE", .rim = measurement->value()}};
    for (const auto &step : realm.steps) {
        if (const auto *const ripas = std::get_if<RealmRipas>(&step)) {
            if (auto done = measurement->init_ripas(ripas->base, ripas->size); !done) return std::unexpected(std::move(done.error()));
            measured.push_back({.step = "INIT_RIPAS", .rim = measurement->value()});
        } else if (const auto *const rec = std::get_if<RealmRec>(&step)) {
            measurement->create_rec(*rec);
            measured.push_back({.step = "REC", .rim = measurement->value()});
        } else {
            const auto &data = std::get<RealmData>(step);
            const auto image = std::ranges::find(images, data.image, &RealmImage::name);
            const bool is_there = image != images.end();
            if (!is_there && (data.measured || !data.size)) return malformed("the image " + printable_text(data.image) + " is not given");
            const auto content = is_there ? image->content : ByteView();
            const auto size = data.size.value_or(content.size());
            if (auto done = measurement->add_data(data.base, content, size, data.measured); !done)
                return std::unexpected(in_image(data.image, std::move(done.error())));
            measured.push_back({.step = "DATA " + data.image, .rim = measurement->value()});
            if (data.digest && is_there) measured.back().digest_matches = is_digest_of(*data.digest, content, size);
        }
    }
    return measured;
}

namespace {

// An image of the realm that is not given by its name, and the candidates that it may be.
struct WantedImage {
    std::string name;
    bool has_digest = false;                // in the log
    std::size_t hinted = 0;                 // have it
    std::vector<std::size_t> choices = {};  // these first
};

bool can_be(const RealmData &data, ByteView content) {
    if (content.empty()) return false;
    const auto size = data.size.value_or(content.size());
    return size == content.size() || (size > content.size() && size % realm_granule == 0 && size - content.size() <= max_realm_padding);
}

std::vector<WantedImage> wanted_images(const RealmDescription &realm, const RealmImages &images) {
    std::vector<WantedImage> wanted;
    for (const auto &step : realm.steps) {
        const auto *const data = std::get_if<RealmData>(&step);
        if (data == nullptr || (!data->measured && data->size)) continue;
        if (std::ranges::find(images.named, data->image, &RealmImage::name) != images.named.end()) continue;
        if (std::ranges::find(wanted, data->image, &WantedImage::name) != wanted.end()) continue;
        auto &image = wanted.emplace_back(WantedImage{.name = data->image, .has_digest = data->digest.has_value()});
        std::vector<std::size_t> others;
        for (std::size_t i = 0; i < images.candidates.size(); ++i) {
            const auto content = images.candidates[i].content;
            if (!can_be(*data, content)) continue;
            const bool is_hinted = data->digest && is_digest_of(*data->digest, content, data->size.value_or(content.size()));
            (is_hinted ? image.choices : others).push_back(i);
        }
        image.hinted = image.choices.size();
        image.choices.insert(image.choices.end(), others.begin(), others.end());
    }
    return wanted;
}

bool is_rim_of(ByteView expected, ByteView rim) {
    if (expected.size() != rim.size() && expected.size() != max_digest_size) return false;
    const auto padding = expected.subspan(rim.size());
    return std::ranges::equal(expected.first(rim.size()), rim) && std::ranges::all_of(padding, [](std::uint8_t byte) { return byte == 0; });
}

// The next way, as a number counts up; false: that was the last one.
bool take_next_way(std::vector<std::size_t> &way, const std::vector<WantedImage> &wanted) {
    for (std::size_t i = 0; i < way.size(); ++i) {
        if (++way[i] < wanted[i].choices.size()) return true;
        way[i] = 0;
    }
    return false;
}

}  // namespace

std::expected<RebuiltRealm, Error> rebuild_realm(const RealmDescription &realm, const RealmImages &images,
                                                 std::span<const Bytes> expected) {
    if (realm.steps.size() > max_realm_steps) return std::unexpected(too_much("more than " + std::to_string(max_realm_steps) + " steps"));
    if (images.candidates.size() > max_realm_candidates)
        return std::unexpected(too_much("more than " + std::to_string(max_realm_candidates) + " images without a name"));
    auto wanted = wanted_images(realm, images);
    for (auto &image : wanted) {
        if (images.candidates.empty()) return malformed("the image " + printable_text(image.name) + " is not given");
        if (expected.empty()) image.choices.resize(image.hinted);
        if (!image.choices.empty()) continue;
        const auto why = !expected.empty()  ? "can be the image " + printable_text(image.name) + ", by their sizes"
                         : image.has_digest ? "has the digest that the log has of the image " + printable_text(image.name)
                                            : "is known to be the image " + printable_text(image.name) + ", of which there is no digest";
        return malformed("none of the " + std::to_string(images.candidates.size()) + " files without a name " + why);
    }
    std::vector<std::size_t> way(wanted.size(), 0);
    std::optional<std::expected<RebuiltRealm, Error>> first;
    for (std::size_t tried = 0;;) {
        std::vector<RealmImage> chosen(images.named.begin(), images.named.end());
        RebuiltRealm rebuilt;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            const auto &candidate = images.candidates[wanted[i].choices[way[i]]];
            chosen.push_back({wanted[i].name, candidate.content});
            rebuilt.found.emplace_back(wanted[i].name, candidate.name);
        }
        auto steps = measure_realm(realm, chosen);
        if (steps) {
            rebuilt.steps = std::move(*steps);
            const auto rim = rebuilt.steps.back().rim;
            rebuilt.is_expected = std::ranges::any_of(expected, [&](const Bytes &each) { return is_rim_of(each, rim.bytes()); });
            if (rebuilt.is_expected || expected.empty()) return rebuilt;
        }
        if (steps && (!first || !*first)) {
            first = std::move(rebuilt);
        } else if (!first) {
            first = std::unexpected(std::move(steps.error()));
        }
        if (!take_next_way(way, wanted)) return std::move(*first);
        if (++tried == max_realm_ways)
            return std::unexpected(too_much("of the ways to choose among the files without a name " + std::to_string(max_realm_ways) +
                                            " were tried, and there are more: give images by their names"));
    }
}

}  // namespace mr
