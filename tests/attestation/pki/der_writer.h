// Writes DER, for certificates and CRLs of the tests' own.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/certificate.h"

namespace mr::der {

inline Bytes element(std::uint8_t tag, ByteView content) {
    Bytes out{tag};
    if (content.size() < 0x80) {
        out.push_back(static_cast<std::uint8_t>(content.size()));
    } else {
        Bytes digits;
        for (std::size_t rest = content.size(); rest > 0; rest >>= 8) digits.insert(digits.begin(), static_cast<std::uint8_t>(rest));
        out.push_back(static_cast<std::uint8_t>(0x80 | digits.size()));
        out.insert(out.end(), digits.begin(), digits.end());
    }
    out.insert(out.end(), content.begin(), content.end());
    return out;
}

inline Bytes joined(const std::vector<Bytes> &parts) {
    Bytes out;
    for (const auto &part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
}

inline Bytes sequence(const std::vector<Bytes> &parts) { return element(0x30, joined(parts)); }
inline Bytes octets(ByteView bytes) { return element(0x04, bytes); }
inline Bytes boolean(bool value) { return element(0x01, std::array<std::uint8_t, 1>{static_cast<std::uint8_t>(value ? 0xFF : 0)}); }
inline Bytes text(std::string_view value) { return element(0x0C, as_bytes(value)); }
inline Bytes enumerated(std::uint8_t value) { return element(0x0A, std::array{value}); }

inline Bytes integer(ByteView number) {
    while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
    Bytes content(number.begin(), number.end());
    if (content[0] >= 0x80) content.insert(content.begin(), 0);
    return element(0x02, content);
}
inline Bytes integer(std::uint32_t number) {
    return integer(std::array{static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
                              static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)});
}

inline Bytes bits(ByteView bytes) {
    Bytes content{0};
    content.insert(content.end(), bytes.begin(), bytes.end());
    return element(0x03, content);
}

// "1.2.840.10045.4.3.2"
inline Bytes object_identifier(const std::string &dotted) {
    std::vector<std::uint64_t> numbers;
    std::istringstream text(dotted);
    for (std::string number; std::getline(text, number, '.');) numbers.push_back(std::stoull(number));
    Bytes content{static_cast<std::uint8_t>(numbers.at(0) * 40 + numbers.at(1))};
    for (std::size_t i = 2; i < numbers.size(); ++i) {
        Bytes digits;
        std::uint64_t rest = numbers[i];
        do {
            digits.insert(digits.begin(), static_cast<std::uint8_t>((rest & 0x7F) | (digits.empty() ? 0 : 0x80)));
            rest >>= 7;
        } while (rest > 0);
        content.insert(content.end(), digits.begin(), digits.end());
    }
    return element(0x06, content);
}

// "20270115080000"
inline std::string time_digits(UnixTime time) {
    const std::chrono::sys_seconds moment{std::chrono::seconds(time)};
    const auto day = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(moment - day);
    std::array<char, 32> digits{};
    (void)std::snprintf(digits.data(), digits.size(), "%04d%02u%02u%02d%02d%02d", static_cast<int>(date.year()),
                        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                        static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
    return digits.data();
}

// UTCTime until 2049, GeneralizedTime after it, as RFC 5280 wants them.
inline Bytes time(UnixTime value) {
    constexpr UnixTime year_2050 = 2'524'608'000;
    const auto digits = time_digits(value);
    return value < year_2050 ? element(0x17, as_bytes(digits.substr(2) + "Z")) : element(0x18, as_bytes(digits + "Z"));
}

inline Bytes extension(const std::string &identifier, bool critical, ByteView value) {
    if (!critical) return sequence({object_identifier(identifier), octets(value)});
    return sequence({object_identifier(identifier), boolean(true), octets(value)});
}

// The value of the extension 1.2.840.113741.1.13.1.
inline Bytes pck_extension(const PckExtension &from) {
    const std::string arc = "1.2.840.113741.1.13.1";
    const auto member = [&](const std::string &path, const Bytes &value) { return sequence({object_identifier(arc + path), value}); };
    std::vector<Bytes> tcb;
    for (std::size_t i = 0; i < from.tcb_components.size(); ++i) {
        tcb.push_back(member(".2." + std::to_string(i + 1), integer(from.tcb_components.at(i))));
    }
    tcb.push_back(member(".2.17", integer(from.pce_svn)));
    tcb.push_back(member(".2.18", octets(from.cpu_svn)));
    std::vector<Bytes> members = {member(".1", octets(from.ppid)), member(".2", sequence(tcb)), member(".3", octets(from.pce_id)),
                                  member(".4", octets(from.fmspc)), member(".5", enumerated(from.sgx_type))};
    if (from.platform_instance_id) members.push_back(member(".6", octets(*from.platform_instance_id)));
    if (from.configuration) {
        members.push_back(member(".7", sequence({member(".7.1", boolean(from.configuration->dynamic_platform)),
                                                 member(".7.2", boolean(from.configuration->cached_keys)),
                                                 member(".7.3", boolean(from.configuration->smt_enabled))})));
    }
    return sequence(members);
}

}  // namespace mr::der
