// The records that only a realm's log has (Arm CCA; veraison/cca-realm-measurements, docs/measurement-log.md). All integers are little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mr::event_log {

// EV_NO_ACTION: a signature, name and version; then of newer logs the log's place and size, RAM and CPUs, of older ones RAM, CPUs and flags. QEMU writes the older one as C
// lays it out, with 4 bytes of padding before the flags.
inline constexpr std::string_view vm_version_signature{"VM VERSION\0\0\0\0\0\0", 16};
inline constexpr std::size_t vm_name_size = 32;
inline constexpr std::size_t vm_version_text_size = 40;
inline constexpr std::size_t vm_version_begin_size = vm_version_signature.size() + vm_name_size + vm_version_text_size;
inline constexpr std::size_t vm_padding = 4;
inline constexpr std::size_t old_vm_version_size = vm_version_begin_size + 20;
inline constexpr std::size_t padded_vm_version_size = old_vm_version_size + vm_padding;
inline constexpr std::size_t new_vm_version_size = vm_version_begin_size + 28;
inline constexpr std::array vm_version_sizes{old_vm_version_size, padded_vm_version_size, new_vm_version_size};

// EV_EVENT_TAG: what the realm management monitor was asked for. TCG's own list has the same numbers for other things: these are the realm's only behind a VM VERSION.
inline constexpr std::uint32_t tag_realm_create = 1;
inline constexpr std::uint32_t tag_init_ripas = 2;
inline constexpr std::uint32_t tag_rec_create = 3;
inline constexpr std::size_t realm_create_size = 14;
inline constexpr std::size_t realm_create_padding = 2;  // of QEMU's, behind it: it says nothing
inline constexpr std::size_t init_ripas_size = 16;
inline constexpr std::size_t rec_create_size = 80;

}  // namespace mr::event_log
