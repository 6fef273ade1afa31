#include <array>
#include <charconv>

#include "mr/event_content.h"
#include "mr/event_log.h"

namespace mr {
namespace {

constexpr std::array all_origins = {EventOrigin::firmware, EventOrigin::service, EventOrigin::resync};

constexpr std::string_view rtmr = "rtmr";
constexpr std::string_view pcr = "pcr";

// The number in "rtmr3" for the prefix "rtmr". One spelling for each register: no sign, no leading zero, and never the number that means none.
std::optional<std::uint32_t> number_after(std::string_view prefix, std::string_view name) {
    if (!name.starts_with(prefix)) return std::nullopt;
    const auto digits = name.substr(prefix.size());
    if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
    std::uint32_t number = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (failed != std::errc() || end != digits.data() + digits.size() || number >= no_index - 1) return std::nullopt;
    return number;
}

}  // namespace

std::string_view to_string(Binding binding) {
    switch (binding) {
    case Binding::bound: return "bound";
    case Binding::described: return "described";
    }
    return "";
}

std::optional<HashAlgorithm> hash_algorithm_from_tcg(std::uint16_t id) {
    switch (id) {
    case 0x0004: return HashAlgorithm::sha1;
    case 0x000B: return HashAlgorithm::sha256;
    case 0x000C: return HashAlgorithm::sha384;
    case 0x000D: return HashAlgorithm::sha512;
    case 0x0012: return HashAlgorithm::sm3_256;
    default: return std::nullopt;  // the registry has more than this library hashes
    }
}

std::uint16_t tcg_id(HashAlgorithm algorithm) {
    switch (algorithm) {
    case HashAlgorithm::sha1: return 0x0004;
    case HashAlgorithm::sha256: return 0x000B;
    case HashAlgorithm::sha384: return 0x000C;
    case HashAlgorithm::sha512: return 0x000D;
    case HashAlgorithm::sm3_256: return 0x0012;
    }
    return 0;
}

std::string_view to_string(EventOrigin origin) {
    switch (origin) {
    case EventOrigin::firmware: return "firmware";
    case EventOrigin::service: return "service";
    case EventOrigin::resync: return "resync";
    }
    return "unknown";
}

std::optional<EventOrigin> event_origin_from(std::string_view name) {
    for (const EventOrigin origin : all_origins) {
        if (name == to_string(origin)) return origin;
    }
    return std::nullopt;
}

std::string_view to_string(LogFormat format) {
    switch (format) {
    case LogFormat::tcg: return "tcg";
    case LogFormat::tcg_sha1: return "tcg_sha1";
    case LogFormat::cel_json: return "cel_json";
    case LogFormat::json: return "json";
    case LogFormat::dstack: return "dstack";
    case LogFormat::ima: return "ima";
    }
    return "unknown";
}

std::string_view common_name(std::string_view name) {
    auto base = name;
    if (const auto slash = base.find('/'); slash != std::string_view::npos) {
        if (slash == 0) return name;
        base.remove_prefix(slash + 1);
    }
    if (const auto colon = base.find(':'); colon != std::string_view::npos) {
        if (!hash_algorithm_from(base.substr(colon + 1))) return name;
        base = base.substr(0, colon);
    }
    return number_after(rtmr, base) || number_after(pcr, base) ? base : name;
}

std::optional<std::uint32_t> tcg_index(std::string_view name) {
    const auto base = common_name(name);
    if (const auto number = number_after(rtmr, base)) return *number + 1;
    return number_after(pcr, base);
}

}  // namespace mr
