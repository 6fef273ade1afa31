#include "libmr/src/event_log/guid.h"

#include <algorithm>

namespace mr::event_log {
namespace {

struct NamedGuid {
    Guid bytes;
    std::string_view name;
};

constexpr NamedGuid named_guids[] = {
    // Namespaces of variables (UEFI 2.10, sections 3.3 and 32.4.1; shim; systemd's Boot Loader Interface).
    {guid_global_variable, "EFI_GLOBAL_VARIABLE"},
    {guid_image_security_database, "EFI_IMAGE_SECURITY_DATABASE"},
    {guid_shim, "SHIM_LOCK"},
    {guid("4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"), "systemd boot loader"},
    {guid("77fa9abd-0359-4d32-bd60-28f4e78f784b"), "Microsoft"},
    // Kinds of signatures (UEFI 2.10, section 32.4.1).
    {guid_cert_x509, "X.509"},
    {guid("c1c41626-504c-4092-aca9-41f936934328"), "SHA-256"},
    {guid("826ca512-cf10-4ac9-b187-be01496631bd"), "SHA-1"},
    {guid("0b6e5233-a65c-44c9-9407-d9ab83bfc8bd"), "SHA-224"},
    {guid("ff3e5307-9fd0-48c9-85f1-8ad56c701e01"), "SHA-384"},
    {guid("093e0fae-a6c4-4f50-9f1b-d41e2b89c19a"), "SHA-512"},
    {guid("3c5766e8-269c-4e34-aa14-ed776e85b3b6"), "RSA-2048"},
    {guid("3bd2a492-96c0-4079-b420-fcf98ef103ed"), "X.509 SHA-256"},
    {guid("7076876e-80c2-4ee6-aad2-28b349a6865b"), "X.509 SHA-384"},
    {guid("446dbf63-2502-4cda-bcfa-2465d2b0fe9d"), "X.509 SHA-512"},
    {guid("4aafd29d-68df-49ee-8aa9-347d375665a7"), "PKCS #7"},
    // Types of partitions (UEFI 2.10, section 5.3.3; Discoverable Partitions Specification).
    {guid("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"), "EFI system partition"},
    {guid("21686148-6449-6e6f-744e-656564454649"), "BIOS boot"},
    {guid("0fc63daf-8483-4772-8e79-3d69d8477de4"), "Linux data"},
    {guid("bc13c2ff-59e6-4262-a352-b275fd6f7172"), "Linux extended boot"},
    {guid("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"), "Linux root (x86-64)"},
    {guid("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5"), "Linux root verity (x86-64)"},
    {guid("b921b045-1df0-41c3-af44-4c6f280d3fae"), "Linux root (AArch64)"},
    {guid("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"), "Linux swap"},
    {guid("e6d6d379-f507-44c2-a23c-238f2a3df928"), "Linux LVM"},
    {guid("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"), "Microsoft basic data"},
    {guid("e3c9e316-0b5c-4db8-817d-f92df00215ae"), "Microsoft reserved"},
    {guid("fe3a2a5d-4f32-41a7-b725-accc3285a309"), "ChromeOS kernel"},
    {guid("3cb8e202-3b7e-47dd-8a3c-7ff2a13cfcec"), "ChromeOS root"},
    {guid("2e0a753d-9e48-43b0-8337-b15192cb1b5e"), "ChromeOS reserved"},
    // Configuration tables (UEFI 2.10, section 4.6; Platform Initialization).
    {guid("8868e871-e4f1-11d3-bc22-0080c73c8881"), "ACPI 2.0"},
    {guid("eb9d2d30-2d88-11d3-9a16-0090273fc14d"), "ACPI 1.0"},
    {guid("eb9d2d31-2d88-11d3-9a16-0090273fc14d"), "SMBIOS"},
    {guid("f2fd1544-9794-4a2c-992e-e5bbcf20e394"), "SMBIOS 3"},
    {guid("b1b621d5-f19c-41a5-830b-d9152c69aae0"), "device tree"},
    {guid("7739f24c-93d7-11d4-9a3a-0090273fc14d"), "HOB list"},
    {guid("93bb96af-b9f2-4eb8-9462-e0ba74564236"), "OVMF"},
    // Places that Linux and QEMU load from.
    {guid("1428f772-b64a-441e-b8c3-9ebdd7f893c7"), "QEMU kernel loader"},
    {guid("5568e427-68fc-4f3d-ac74-ca555231cc68"), "Linux initrd"},
};

}  // namespace

bool is_guid(ByteView bytes, const Guid &expected) { return std::ranges::equal(bytes, expected); }

std::string guid_text(ByteView bytes) {
    if (bytes.size() != guid_size) return to_hex(bytes);
    std::string text;
    for (const std::size_t i : guid_text_order) {
        text += to_hex(bytes.subspan(i, 1));
    }
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) {
        text.insert(dash, 1, '-');
    }
    return text;
}

std::string_view guid_name(ByteView bytes) {
    const auto *const found = std::ranges::find_if(named_guids, [&](const NamedGuid &named) { return is_guid(bytes, named.bytes); });
    return found == std::end(named_guids) ? std::string_view{} : found->name;
}

std::string guid_name_or_text(ByteView bytes) {
    const auto name = guid_name(bytes);
    return name.empty() ? guid_text(bytes) : std::string(name);
}

}  // namespace mr::event_log
