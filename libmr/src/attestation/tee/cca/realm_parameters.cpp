// A realm's parameters as a person writes them.
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "libmr/src/attestation/malformed.h"
#include "libmr/src/event_log/json_common.h"
#include "mr/realm_measurement.h"
#include "proto/varlink/value.h"

namespace mr {
namespace {

using attestation::malformed;

// JSON's number, or text as "0x80000000".
std::optional<std::uint64_t> number_from(varlink::Value value) {
    if (const auto integer = value.as_int()) return *integer < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(*integer));
    auto text = value.as_string().value_or(std::string_view());
    if (!text.starts_with("0x")) return std::nullopt;
    text.remove_prefix(2);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// The members of one object, each known and taken once.
class Members {
public:
    Members(varlink::Value object, std::string where) : object_(object), where_(std::move(where)) {}

    template <std::unsigned_integral Integer>
    void number(std::string_view name, Integer &to, bool required = false) {
        const auto value = take(name, required);
        if (!value) return;
        const auto number = number_from(*value);
        if (!number || *number > std::numeric_limits<Integer>::max())
            return fail(std::string(name) + " is no number of " + std::to_string(8 * sizeof(Integer)) + " bits, as 33 or \"0x80000000\"");
        to = static_cast<Integer>(*number);
    }

    std::optional<varlink::Value> take(std::string_view name, bool required = false) {
        known_.push_back(name);
        const auto value = object_.find(name);
        if (!value && required) fail(std::string(name) + " is missing");
        return value;
    }

    void fail(const std::string &what) {
        if (wrong_.empty()) wrong_ = where_ + what;
    }

    // After all were taken.
    std::expected<void, Error> finish() {
        std::vector<std::string_view> seen;
        for (auto member = object_.first(); member; member = member->next()) {
            const auto key = member->key();
            if (std::ranges::find(known_, key) == known_.end()) fail("the member " + std::string(key) + " is unknown");
            if (std::ranges::find(seen, key) != seen.end()) fail("the member " + std::string(key) + " is given twice");
            seen.push_back(key);
            if (seen.size() > known_.size()) break;
        }
        if (!wrong_.empty()) return malformed(wrong_);
        return {};
    }

private:
    varlink::Value object_;
    std::string where_;
    std::vector<std::string_view> known_;
    std::string wrong_;
};

std::expected<RealmStep, Error> step_from(varlink::Value step, const std::string &where) {
    const auto inside = step.kind() == varlink::Kind::object && step.size() == 1 ? step.first() : std::nullopt;
    if (!inside || inside->kind() != varlink::Kind::object) return malformed(where + "one object is wanted, of ripas, data or rec");
    Members members(*inside, where + std::string(inside->key()) + ": ");
    RealmStep made;
    if (inside->key() == "ripas") {
        auto &ripas = made.emplace<RealmRipas>();
        members.number("base", ripas.base, true);
        members.number("size", ripas.size, true);
    } else if (inside->key() == "data") {
        auto &data = made.emplace<RealmData>();
        const auto image = members.take("image", true);
        if (image && image->as_string()) data.image = *image->as_string();
        if (data.image.empty()) members.fail("image is no name");
        members.number("base", data.base, true);
        if (std::uint64_t size = 0; inside->find("size")) {
            members.number("size", size);
            data.size = size;
        } else {
            members.take("size");
        }
        if (const auto measured = members.take("measured")) {
            if (!measured->as_bool()) members.fail("measured is neither true nor false");
            data.measured = measured->as_bool().value_or(true);
        }
    } else if (inside->key() == "rec") {
        auto &rec = made.emplace<RealmRec>();
        rec.flags = 1;
        members.number("flags", rec.flags);
        members.number("pc", rec.pc, true);
        if (const auto gprs = members.take("gprs")) {
            if (gprs->kind() != varlink::Kind::array || gprs->size() > rec.gprs.size())
                members.fail("gprs is no array of at most 8 numbers");
            std::size_t i = 0;
            for (auto gpr = gprs->first(); gpr && i < rec.gprs.size(); gpr = gpr->next(), ++i) {
                const auto number = number_from(*gpr);
                if (!number) members.fail("gprs has an element that is no number");
                rec.gprs.at(i) = number.value_or(0);
            }
        }
    } else {
        return malformed(where + "the member " + std::string(inside->key()) + " is unknown");
    }
    if (auto done = members.finish(); !done) return std::unexpected(std::move(done.error()));
    return made;
}

}  // namespace

std::expected<RealmDescription, Error> parse_realm_parameters(std::string_view json) {
    if (json.size() > max_realm_description)
        return malformed("the realm's parameters have more than " + std::to_string(max_realm_description) + " bytes");
    varlink::Document document;
    if (!document.parse(event_log::without_byte_order_mark(json)) || document.root().kind() != varlink::Kind::object)
        return malformed("the realm's parameters are not one JSON object in UTF-8");
    RealmDescription realm;
    auto &parameters = realm.parameters;
    Members members(document.root(), "the realm's parameters: ");
    members.number("flags", parameters.flags);
    members.number("s2sz", parameters.s2sz, true);
    members.number("sveVl", parameters.sve_vl);
    // 0 would be one of each, which no processor has.
    members.number("numBps", parameters.num_bps, true);
    members.number("numWps", parameters.num_wps, true);
    members.number("pmuNumCtrs", parameters.pmu_num_ctrs);
    if (const auto hash = members.take("hashAlgorithm", true)) {
        constexpr std::array names = {"sha-256", "sha-512", "sha-384"};  // in the order of their numbers
        const auto *const found = std::ranges::find(names, hash->as_string().value_or(std::string_view()));
        if (found == names.end()) members.fail("hashAlgorithm is none of sha-256, sha-384 and sha-512");
        parameters.hash_algorithm = static_cast<std::uint8_t>(found - names.begin());
    }
    if (const auto steps = members.take("steps", true)) {
        if (steps->kind() != varlink::Kind::array || steps->size() > max_realm_steps)
            return malformed("the realm's parameters: steps is no array of at most " + std::to_string(max_realm_steps));
        for (auto step = steps->first(); step; step = step->next()) {
            auto made = step_from(*step, "step " + std::to_string(realm.steps.size() + 1) + ": ");
            if (!made) return std::unexpected(std::move(made.error()));
            realm.steps.push_back(std::move(*made));
        }
    }
    if (auto done = members.finish(); !done) return std::unexpected(std::move(done.error()));
    return realm;
}

}  // namespace mr
