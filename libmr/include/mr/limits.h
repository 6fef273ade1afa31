// What one call to mrd may hold. A call that holds more is refused with invalid_parameter, which names the field.
#pragma once

#include <chrono>
#include <cstddef>

namespace mr {

inline constexpr std::size_t max_asked_groups = 1024;  // of a user, of whom is asked what he may do

inline constexpr std::size_t max_event_data = std::size_t{64} * 1024;  // bytes of one event's data, with its envelope
inline constexpr std::size_t max_event_id = 128;                       // bytes
inline constexpr std::size_t max_names = 1024;                         // registers named in one call
inline constexpr std::size_t max_virtual_register_name = 64;           // bytes behind "virtual/"

inline constexpr std::chrono::milliseconds max_quote_deadline = std::chrono::minutes(10);  // of a quote, and of evidence

}  // namespace mr
