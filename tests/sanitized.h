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

}  // namespace mrd
