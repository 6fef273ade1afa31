// Contents of UEFI's events: variables, images, device paths, partition tables, firmware.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "mr/event_content.h"
#include "tests/event_log/event_bytes.h"
#include "tests/event_log/shown_content.h"

namespace mr {
namespace {

using test::bytes_of;
using test::decode;
using test::efi_variable;
using test::Fields;
using test::number;
using test::unhex;
using test::utf16;
using test::value_of;
using test::variable_authority;
using test::variable_boot;
using test::variable_driver_config;
using test::operator+;  // NOLINT(misc-unused-using-decls): it is used, as +

constexpr std::uint32_t application = 0x80000003;
constexpr std::uint32_t partition_table = 0x80000006;

const Bytes global_vendor = unhex("61dfe48bca93d211aa0d00e098032b8c");
const Bytes security_vendor = unhex("cbb219d73a3d9645a3bcdad00e67656f");
const Bytes x509 = unhex("a159c0a5e494a74a87b5ab155c2bf072");
const Bytes sha256_signatures = unhex("2616c4c14c509240aca941f936934328");

TEST(EfiContent, AVariableHasItsNameValueAndVendor) {
    EXPECT_EQ(decode(variable_driver_config, efi_variable(global_vendor, "SecureBoot", Bytes{1})),
              (Fields{{"variable", "SecureBoot"}, {"value", "enabled"}, {"vendor", "EFI_GLOBAL_VARIABLE"}, {"bytes", "1"}}));
    EXPECT_EQ(value_of(decode(variable_driver_config, efi_variable(global_vendor, "SecureBoot", Bytes{0})), "value"), "disabled");
    EXPECT_EQ(value_of(decode(variable_driver_config, efi_variable(global_vendor, "SecureBoot", Bytes{2})), "value"), "02");
    EXPECT_EQ(value_of(decode(variable_driver_config, efi_variable(global_vendor, "SecureBoot", {})), "value"), "(empty)");
    EXPECT_EQ(value_of(decode(variable_boot, efi_variable(global_vendor, "BootOrder", Bytes{1, 0, 0x0B, 0x10})), "order"), "0001 100b");
    // Of another vendor the same name says nothing.
    const auto other = decode(variable_driver_config, efi_variable(unhex("00112233445566778899aabbccddeeff"), "SecureBoot", Bytes{1}));
    EXPECT_EQ(value_of(other, "value"), "01");
    EXPECT_EQ(value_of(other, "vendor"), "33221100-5544-7766-8899-aabbccddeeff");
    EXPECT_EQ(
        value_of(decode(variable_authority, efi_variable(global_vendor, "x", Bytes{1}) + Bytes{0, 0xAF}), "bytes after the structure"),
        "00af");
}

TEST(EfiContent, ABootOptionHasADescriptionAndADevicePath) {
    const Bytes paths =
        unhex("02010c00d041030a01000000") + unhex("01010600021f") + unhex("04041200") + utf16("\\a.efi") + number(0, 2) + unhex("7fff0400");
    const Bytes option = number(1, 4) + number(paths.size(), 2) + utf16("Linux") + number(0, 2) + paths + bytes_of("options");
    const auto fields = decode(variable_boot, efi_variable(global_vendor, "Boot0001", option));
    EXPECT_EQ(fields, (Fields{{"variable", "Boot0001"},
                              {"description", "Linux"},
                              {"device path", "PciRoot(0x1)/Pci(0x1f,0x2)/\\a.efi"},
                              {"active", "yes"},
                              {"optional data", "options"},
                              {"vendor", "EFI_GLOBAL_VARIABLE"},
                              {"bytes", std::to_string(option.size())}}));
    const Bytes inactive = number(0, 4) + number(0, 2) + utf16("Linux") + number(0, 2);
    EXPECT_EQ(value_of(decode(variable_boot, efi_variable(global_vendor, "Boot0001", inactive)), "active"), "no");
    const Bytes too_long = number(1, 4) + number(9, 2) + utf16("Linux") + number(0, 2);
    EXPECT_EQ(value_of(decode(variable_boot, efi_variable(global_vendor, "Boot0001", too_long)), "malformed"),
              "an EFI_LOAD_OPTION that ends early");
    EXPECT_EQ(value_of(decode(variable_boot, efi_variable(global_vendor, "BootXYZW", too_long)), "malformed"), "(no such field)");
}

TEST(EfiContent, SignatureListsAreCountedWithTheirKinds) {
    const auto list = [](const Bytes &type, std::size_t size, std::size_t count) {
        return type + number(28 + size * count, 4) + number(0, 4) + number(size, 4) + Bytes(size * count, 0x5A);
    };
    EXPECT_EQ(decode(variable_driver_config, efi_variable(security_vendor, "db", list(x509, 1016, 1) + list(sha256_signatures, 48, 77))),
              (Fields{{"variable", "db"},
                      {"signature lists", "2"},
                      {"signatures", "1 X.509 of 1000 bytes, 77 SHA-256"},
                      {"vendor", "EFI_IMAGE_SECURITY_DATABASE"},
                      {"bytes", std::to_string(28 + 1016 + 28 + 77 * 48)}}));
    EXPECT_EQ(value_of(decode(variable_driver_config, efi_variable(global_vendor, "PK", list(x509, 20, 1))), "signatures"),
              "1 X.509 of 4 bytes");
    EXPECT_EQ(value_of(decode(variable_driver_config, efi_variable(security_vendor, "dbx", list(sha256_signatures, 48, 1) + Bytes{1})),
                       "malformed"),
              "bytes that are no signature list");
    // As EV_EFI_VARIABLE_AUTHORITY has it: one signature, no list.
    const auto authority =
        decode(variable_authority, efi_variable(security_vendor, "db", unhex("bd9afa775903324dbd6028f4e78f784b") + Bytes(1000, 0x30)));
    EXPECT_EQ(value_of(authority, "owner"), "Microsoft");
    EXPECT_EQ(value_of(authority, "signature bytes"), "1000");
    // Sizes that would divide by zero or wrap around.
    for (const std::uint32_t size : {0U, 15U, 0xFFFFFFFFU}) {
        decode(variable_driver_config,
               efi_variable(security_vendor, "db", sha256_signatures + number(28, 4) + number(0, 4) + number(size, 4)));
        decode(variable_driver_config,
               efi_variable(security_vendor, "db", sha256_signatures + number(size, 4) + number(size, 4) + number(48, 4)));
    }
}

TEST(EfiContent, AVariableWhoseLengthsLieIsMalformed) {
    for (const std::uint64_t length : {2ULL, 0x8000000000000000ULL, 0xFFFFFFFFFFFFFFFFULL, 0x7FFFFFFFFFFFFFFFULL}) {
        for (const Bytes &lengths : {number(length, 8) + number(0, 8), number(0, 8) + number(length, 8)}) {
            const auto fields = decode(variable_driver_config, global_vendor + lengths + Bytes{0xFF});
            EXPECT_EQ(value_of(fields, "malformed"), "a UEFI_VARIABLE_DATA that ends early");
        }
    }
}

std::string path_of(std::string_view nodes) {
    const Bytes path = unhex(nodes) + unhex("7fff0400");
    return value_of(decode(application, number(0, 8) + number(0, 8) + number(0, 8) + number(path.size(), 8) + path), "device path");
}

TEST(EfiContent, DevicePathsAreWrittenAsUefiWritesThem) {
    EXPECT_EQ(path_of("02010c00d041030a00000000"
                      "010106000201"),
              "PciRoot(0x0)/Pci(0x1,0x2)");
    EXPECT_EQ(path_of("02010c00d041080a02000000"), "PcieRoot(0x2)");
    EXPECT_EQ(path_of("02010c00d041050103000000"), "Acpi(PNP0105,0x3)");
    EXPECT_EQ(path_of("02010c001234567803000000"), "Acpi(0x78563412,0x3)");
    EXPECT_EQ(path_of("04012a000c000000"
                      "00d0030000000000"
                      "0000010000000000"
                      "8f8bec585b8e42ed83a40691abb8f3c7"
                      "0202"),
              "HD(12,GPT,58ec8b8f-8e5b-ed42-83a4-0691abb8f3c7,0x3d000,0x10000)");
    EXPECT_EQ(path_of("04012a0001000000"
                      "0008000000000000"
                      "0000010000000000"
                      "78563412000000000000000000000000"
                      "0101"),
              "HD(1,MBR,0x12345678,0x800,0x10000)");
    EXPECT_EQ(path_of("03171000010000000102030405060708"), "NVMe(0x1,08-07-06-05-04-03-02-01)");
    EXPECT_EQ(path_of("0302080001000200"), "Scsi(0x1,0x2)");
    EXPECT_EQ(path_of("03120a000100ffff0000"), "Sata(0x1,0xffff,0x0)");
    EXPECT_EQ(path_of("030506000102"), "USB(0x1,0x2)");
    EXPECT_EQ(path_of("030b2500"
                      "0cc47aff601c" +
                      std::string(52, '0') + "01"),
              "MAC(0cc47aff601c,0x1)");
    EXPECT_EQ(path_of("030c1b00"
                      "00000000"
                      "c0a8008d" +
                      std::string(30, '0')),
              "IPv4(192.168.0.141,0.0.0.0)");
    EXPECT_EQ(path_of("03180c0068747470733a2f2f"), "Uri(https://)");
    EXPECT_EQ(path_of("04071400c9bdb87cebf8344faaea3ee4af6516a1"
                      "0406140021aa2c4614760345836e8ab6f4662331"),
              "Fv(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/FvFile(462caa21-7614-4503-836e-8ab6f4662331)");
    EXPECT_EQ(path_of("040314002"
                      "7e46855fc683d4fac74ca555231cc68"),
              "VenMedia(5568e427-68fc-4f3d-ac74-ca555231cc68)");
    EXPECT_EQ(path_of("04081800000000000010000000000000ff1f000000000000"), "Offset(0x1000,0x1fff)");
    EXPECT_EQ(path_of("0b0c0600abcd"), "Path(11,12,abcd)");
}

TEST(EfiContent, ADevicePathThatIsBrokenSaysSoAndKeepsWhatCameBefore) {
    EXPECT_EQ(path_of("0302080001000200"
                      "0302030000"),
              "Scsi(0x1,0x2)/(malformed)");
    EXPECT_EQ(path_of("03020000"), "(malformed)");
    EXPECT_EQ(path_of("0302ffff"), "(malformed)");
    // A node that is shorter than its kind needs.
    EXPECT_EQ(path_of("030206000100"), "Path(3,2,0100)");
    // Two paths, one after the other.
    EXPECT_EQ(path_of("0302080001000200"
                      "7f010400"
                      "0302080001000300"),
              "Scsi(0x1,0x2),Scsi(0x1,0x3)");
    std::string long_path;
    for (int i = 0; i < 5000; ++i) long_path += "0302080001000200";
    EXPECT_TRUE(path_of(long_path).ends_with("... (cut)"));
}

TEST(EfiContent, AnImageHasItsPathAndItsPlace) {
    const Bytes path = unhex("04040a00") + utf16("\\a") + number(0, 2) + unhex("7fff0400");
    EXPECT_EQ(decode(application, number(0xB9B16018, 8) + number(955632, 8) + number(0x10, 8) + number(path.size(), 8) + path),
              (Fields{{"device path", "\\a"}, {"length", "955632"}, {"location", "0xb9b16018"}, {"link address", "0x10"}}));
    EXPECT_EQ(value_of(decode(application, Bytes(32, 0)), "device path"), "(none)");
    EXPECT_EQ(value_of(decode(application, Bytes(24, 0) + number(0xFFFFFFFFFFFFFFFF, 8)), "malformed"),
              "a UEFI_IMAGE_LOAD_EVENT that ends early");
    EXPECT_EQ(value_of(decode(application, Bytes(31, 0)), "malformed"), "a UEFI_IMAGE_LOAD_EVENT that ends early");
}

Bytes partition(std::string_view name) {
    return unhex("28732ac11ff8d211ba4b00a0c93ec93b") + Bytes(16, 0x22) + number(2048, 8) + number(4095, 8) + number(0, 8) + utf16(name) +
           Bytes(72 - 2 * name.size(), 0);
}

Bytes disk(std::uint32_t entry_size, std::uint64_t count) {
    return bytes_of("EFI PART") + Bytes(48, 0) + Bytes(16, 0x11) + Bytes(12, 0) + number(entry_size, 4) + Bytes(4, 0) + number(count, 8);
}

TEST(EfiContent, APartitionTableHasItsPartitions) {
    EXPECT_EQ(decode(partition_table, disk(128, 2) + partition("boot") + partition("")),
              (Fields{{"disk", "11111111-1111-1111-1111-111111111111"},
                      {"partitions", "2"},
                      {"partition", "boot, EFI system partition, 22222222-2222-2222-2222-222222222222, blocks 2048 to 4095"},
                      {"partition", "EFI system partition, 22222222-2222-2222-2222-222222222222, blocks 2048 to 4095"}}));
    EXPECT_EQ(value_of(decode(partition_table, disk(128, 0xFFFFFFFFFFFFFFFF) + partition("boot")), "malformed"),
              "fewer partitions than their number says");
    for (const std::uint32_t size : {0U, 127U}) {
        EXPECT_EQ(value_of(decode(partition_table, disk(size, 1) + partition("boot")), "malformed"), "no UEFI_GPT_DATA");
    }
    EXPECT_EQ(value_of(decode(partition_table, Bytes(99, 0)), "malformed"), "no UEFI_GPT_DATA");
}

TEST(EfiContent, FirmwareBlobsAndTablesHaveBaseAndLength) {
    const Bytes blob = number(0xFFC00000, 8) + number(262144, 8);
    EXPECT_EQ(decode(0x80000008, blob), (Fields{{"base", "0xffc00000"}, {"length", "262144"}}));
    EXPECT_EQ(decode(0x8000000A, Bytes{2} + bytes_of("Fv") + blob),
              (Fields{{"description", "Fv"}, {"base", "0xffc00000"}, {"length", "262144"}}));
    EXPECT_EQ(decode(0x13, Bytes{7} + bytes_of("KERNEL") + Bytes{0} + blob),
              (Fields{{"description", "KERNEL"}, {"base", "0xffc00000"}, {"length", "262144"}}));
    EXPECT_EQ(decode(1, blob), (Fields{{"base", "0xffc00000"}, {"length", "262144"}}));
    EXPECT_EQ(decode(1, bytes_of("ACPI DATA")), (Fields{{"code", "ACPI DATA"}}));
    EXPECT_EQ(value_of(decode(0x8000000A, Bytes{3} + bytes_of("Fv") + blob), "malformed"), "not a description, base and length");
    const Bytes table = unhex("71e86888f1e4d311bc220080c73c8881") + number(0x1000, 8);
    EXPECT_EQ(decode(0x80000009, number(1, 8) + table), (Fields{{"tables", "1"}, {"ACPI 2.0", "0x1000"}}));
    EXPECT_EQ(decode(0x8000000B, Bytes{1} + bytes_of("T") + number(1, 8) + table),
              (Fields{{"description", "T"}, {"tables", "1"}, {"ACPI 2.0", "0x1000"}}));
    EXPECT_EQ(decode(0x80000009, number(0xFFFFFFFFFFFFFFFF, 8) + Bytes{1}), (Fields{{"tables", "18446744073709551615"}, {"rest", "01"}}));
}

}  // namespace
}  // namespace mr
