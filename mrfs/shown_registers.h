// Which registers there are, and what Linux would call their files.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/registers.h"
#include "mrfs/report_driver.h"

namespace mrfs {

inline constexpr std::string_view virtual_provider = "virtual";
inline constexpr std::string_view report_data_register = "reportdata";
inline constexpr std::string_view report_register = "report0";

// "tdx" and "rtmr3" of "tdx/rtmr3".
std::string_view provider_of(std::string_view name);
std::string_view local_name_of(std::string_view name);

// "rtmr3:sha384", or the name alone where it has no hash: tsm-mr's rule, which mrd's provider reads in the other direction. Nothing: Linux 6.16 has no such file.
std::optional<std::string> measurement_name(const mr::Register &reg);

// 0444, with 0200 where a bare digest, or a value, can be written.
mode_t mode_of(const mr::Register &reg);

class ShownRegisters {
public:
    ShownRegisters() = default;
    // `provider`: whose measurements are shown; empty: the first that is a TD, or else has reports, or the first. Virtual registers are left out: they are each one's own.
    ShownRegisters(std::vector<mr::Register> all, std::string_view provider);

    [[nodiscard]] const std::vector<mr::Register> &all() const { return all_; }
    [[nodiscard]] const mr::Register *find(std::string_view whole_name) const;
    [[nodiscard]] std::vector<std::string> providers() const;
    // Of the measurements. Empty: there is none.
    [[nodiscard]] const std::string &provider() const { return provider_; }
    [[nodiscard]] const mr::Register *measurement(std::string_view file_name) const;

    // The kernel's, of this provider's reports. Null: there is none for hardware of that kind.
    [[nodiscard]] const ReportDriver *report_driver() const;
    // Does nothing change any of the provider's registers, as long as the machine runs?
    [[nodiscard]] bool are_fixed() const;
    // Does nobody but mrd extend any of the provider's registers, so that mrd's log says whether one has changed?
    [[nodiscard]] bool are_mrds_alone() const;

private:
    std::vector<mr::Register> all_;
    std::string provider_;
};

}  // namespace mrfs
