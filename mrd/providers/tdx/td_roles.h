// Which registers of a TD have which roles where the configuration says nothing: RTMR3 is the workload's, RTMR2 what boots it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mrd {

inline std::vector<std::string> td_roles(std::string_view register_name) {
    if (register_name == "rtmr3") return {"app", "config"};
    if (register_name == "rtmr2") return {"boot"};
    return {};
}

}  // namespace mrd
