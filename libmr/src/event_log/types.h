// Numbers of event types (TCG PC Client Platform Firmware Profile 1.06, table 27) that this room's code distinguishes, beside those of
// mr/event_log.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mr::event_log {

inline constexpr std::uint32_t ev_post_code = 1;
inline constexpr std::uint32_t ev_action = 5;
inline constexpr std::uint32_t ev_s_crtm_version = 8;
inline constexpr std::uint32_t ev_platform_config_flags = 0xA;
inline constexpr std::uint32_t ev_nonhost_info = 0x11;
inline constexpr std::uint32_t ev_post_code2 = 0x13;
inline constexpr std::uint32_t ev_dstack = 0x08000001;
inline constexpr std::uint32_t ev_efi_variable_driver_config = 0x80000001;
inline constexpr std::uint32_t ev_efi_variable_boot = 0x80000002;
inline constexpr std::uint32_t ev_efi_boot_services_application = 0x80000003;
inline constexpr std::uint32_t ev_efi_boot_services_driver = 0x80000004;
inline constexpr std::uint32_t ev_efi_runtime_services_driver = 0x80000005;
inline constexpr std::uint32_t ev_efi_gpt_event = 0x80000006;
inline constexpr std::uint32_t ev_efi_action = 0x80000007;
inline constexpr std::uint32_t ev_efi_platform_firmware_blob = 0x80000008;
inline constexpr std::uint32_t ev_efi_handoff_tables = 0x80000009;
inline constexpr std::uint32_t ev_efi_platform_firmware_blob2 = 0x8000000A;
inline constexpr std::uint32_t ev_efi_handoff_tables2 = 0x8000000B;
inline constexpr std::uint32_t ev_efi_variable_boot2 = 0x8000000C;
inline constexpr std::uint32_t ev_efi_gpt_event2 = 0x8000000D;
inline constexpr std::uint32_t ev_efi_variable_authority = 0x800000E0;

// Of td-shim's EV_PLATFORM_CONFIG_FLAGS: a name, the length of the rest u32, the rest.
inline constexpr std::size_t td_shim_name_size = 16;

}  // namespace mr::event_log
