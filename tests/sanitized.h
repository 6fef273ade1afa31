// Is this a build with a sanitizer? Its memory is the sanitizer's for the most part, so that bounds on it say nothing.
#pragma once

namespace mrd {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif
#else
inline constexpr bool is_sanitized = false;
#endif

// Its run time keeps count of the signals that are being handled, and takes one that a jump has left for one that goes on.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool loses_jumps_out_of_handlers = true;
#else
inline constexpr bool loses_jumps_out_of_handlers = false;
#endif
#else
inline constexpr bool loses_jumps_out_of_handlers = false;
#endif

}  // namespace mrd
