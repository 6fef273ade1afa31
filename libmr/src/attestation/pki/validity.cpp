#include "libmr/src/attestation/pki/validity.h"

#include <algorithm>
#include <chrono>

namespace mr::attestation {

Finding check_validity(std::span<const Certificate *const> certificates, UnixTime time) {
    UnixTime begin = certificates.front()->not_before;
    UnixTime end = certificates.front()->not_after;
    for (const auto *certificate : certificates) {
        if (time < certificate->not_before) {
            return fails("the certificate " + name_text(certificate->subject) + " is valid only from " +
                         date_text(certificate->not_before));
        }
        if (time > certificate->not_after) {
            return fails("the certificate " + name_text(certificate->subject) + " was valid until " + date_text(certificate->not_after));
        }
        begin = std::max(begin, certificate->not_before);
        end = std::min(end, certificate->not_after);
    }
    return holds("all " + std::to_string(certificates.size()) + " certificates are valid from " + date_text(begin) + " to " +
                 date_text(end));
}

Finding check_current(const std::string &what, UnixTime begin, UnixTime end, UnixTime time) {
    if (time < begin) return fails(what + " was issued on " + date_text(begin) + ", after the time of verification, " + date_text(time));
    if (time > end)
        return fails(what + " was to be replaced by " + date_text(end) + ", before the time of verification, " + date_text(time));
    return holds(what + " is of " + date_text(begin) + ", the next one due by " + date_text(end));
}

std::string date_text(std::int64_t time) {
    constexpr std::int64_t year_10000 = 253'402'300'800;
    if (time < 0 || time >= year_10000) return std::to_string(time) + " seconds after 1970";
    const std::chrono::sys_seconds moment{std::chrono::seconds(time)};
    const auto day = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(moment - day);
    const auto digits = [](std::int64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); };
    return std::to_string(static_cast<int>(date.year())) + "-" + digits(static_cast<unsigned>(date.month())) + "-" +
           digits(static_cast<unsigned>(date.day())) + "T" + digits(clock.hours().count()) + ":" + digits(clock.minutes().count()) + ":" +
           digits(clock.seconds().count()) + "Z";
}

}  // namespace mr::attestation
