// What a quote can be asked for beside its data, of hardware that knows such a thing: all of it in one request, since who sets one after the other can be raced.
//
// Source: Linux, Documentation/ABI/testing/configfs-tsm-report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mr {

struct ReportOptions {
    // For whom the report is, of SEV-SNP: its VMPL, from the machine's own (the kernel's privlevel_floor) to 3. Not given: the machine's own.
    std::optional<std::int64_t> privilege_level = {};

    // A report of services that run beside the guest, and who keeps them: "svsm", a secure VM service module of SEV-SNP. Their manifest comes with it. The report
    // is then not over the data but over SHA-512(data || manifest), and has no privilege level to ask for. Source: AMD 58019, "Attestation Protocol".
    std::optional<std::string> service_provider = {};
    // One of those services alone, by its GUID: "c476f1eb-0123-45a5-9641-b4e7dde5bfe3". Not given: all of them.
    std::optional<std::string> service_guid = {};
    // Of that one's manifest, 0 to 4294967295. Not given: 0.
    std::optional<std::int64_t> service_manifest_version = {};

    // There must be certificates beside the quote: without them it is an error.
    bool certificates = false;

    friend bool operator==(const ReportOptions &, const ReportOptions &) = default;
};

}  // namespace mr
