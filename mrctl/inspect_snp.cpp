// mrctl inspect of a report of SEV-SNP, and of the table of certificates beside it. The key names are those that SEV tools use, and of a TCB those of
// reference values (snp.minimumTcb).
#include <array>
#include <iostream>
#include <nlohmann/json.hpp>

#include "mr/snp_report.h"
#include "mr/verify_snp.h"
#include "mrctl/inspect.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

std::string signing_key_of(const mr::SnpReport &report) {
    switch (static_cast<mr::SnpSigningKey>(report.signing_key())) {
    case mr::SnpSigningKey::vcek: return "VCEK";
    case mr::SnpSigningKey::vlek: return "VLEK";
    case mr::SnpSigningKey::none: return "none";
    }
    return "reserved";
}

// What the bytes mean the processor says; of version 2, which has none, Milan's order, which is Genoa's too.
Json json_of(const mr::SnpTcbBytes &bytes, const mr::SnpReport &report) {
    constexpr std::uint32_t has_cpuid = 3;
    const auto product = report.version < has_cpuid ? mr::SnpProduct::milan : report.product();
    Json json;
    if (product) {
        const auto tcb = mr::snp_tcb_of(bytes, *product);
        if (tcb.fmc) json["fmc"] = *tcb.fmc;
        json.update({{"bootloader", tcb.bootloader}, {"tee", tcb.tee}, {"snp", tcb.snp}, {"microcode", tcb.microcode}});
    }
    json["raw"] = mr::to_hex(bytes);
    return json;
}

Json json_of(const mr::SnpReport &report) {
    constexpr std::uint64_t abi_bits = 16;
    constexpr std::uint64_t abi_mask = (1U << abi_bits) - 1;
    Json json{{"version", report.version},
              {"guest_svn", report.guest_svn},
              {"policy", hex_number(report.policy)},
              {"policy_bits", mr::bits_text(report.policy & ~abi_mask, mr::snp_policy_bits())},
              {"policy_abi", std::to_string(report.policy >> 8U & 0xFFU) + "." + std::to_string(report.policy & 0xFFU)},
              {"family_id", mr::to_hex(report.family_id)},
              {"image_id", mr::to_hex(report.image_id)},
              {"vmpl", report.vmpl},
              {"sig_algo", report.signature_algorithm},
              {"current_tcb", json_of(report.current_tcb, report)},
              {"platform_info", hex_number(report.platform_info)},
              {"platform_bits", mr::bits_text(report.platform_info, mr::snp_platform_bits())},
              {"key_info", hex_number(report.key_info)},
              {"signing_key", signing_key_of(report)},
              {"author_key", report.has_author_key()},
              {"masked_chip_key", report.has_masked_key()},
              {"report_data", mr::to_hex(report.report_data)},
              {"measurement", mr::to_hex(report.measurement)},
              {"host_data", mr::to_hex(report.host_data)},
              {"id_key_digest", mr::to_hex(report.id_key_digest)},
              {"author_key_digest", mr::to_hex(report.author_key_digest)},
              {"report_id", mr::to_hex(report.report_id)},
              {"report_id_ma", mr::to_hex(report.report_id_ma)},
              {"reported_tcb", json_of(report.reported_tcb, report)}};
    constexpr std::uint32_t has_cpuid = 3;
    if (report.version >= has_cpuid) {
        json["cpuid"] = {{"family", hex_number(report.family)}, {"model", hex_number(report.model)}, {"stepping", report.stepping}};
        const auto product = report.product();
        json["product"] = product ? mr::to_string(*product) : "unknown";
    }
    json["chip_id"] = mr::to_hex(report.chip_id);
    json["committed_tcb"] = json_of(report.committed_tcb, report);
    json["current_version"] = mr::to_string(report.current_version);
    json["committed_version"] = mr::to_string(report.committed_version);
    json["launch_tcb"] = json_of(report.launch_tcb, report);
    constexpr std::uint32_t has_mitigations = 5;
    if (report.version >= has_mitigations) {
        json["launch_mit_vector"] = hex_number(report.launch_mitigations);
        json["current_mit_vector"] = hex_number(report.current_mitigations);
    }
    json["nonzero_reserved"] = report.nonzero_reserved;
    json["signature"] = mr::to_hex(report.signature);
    return json;
}

}  // namespace

int inspect_snp_report(bool json, const mr::SnpReport &report) {
    const auto fields = json_of(report);
    if (json) {
        print_json(fields.dump(2));
        return exit_done;
    }
    std::cout << "Report of an AMD SEV-SNP guest, version " << report.version << ", " << mr::snp_report_size << " bytes\n";
    std::vector<Row> rows;
    for (const auto &[key, value] : fields.items()) {
        if (!value.is_object()) {
            rows.push_back({key, value.is_string() ? value.get<std::string>() : value.dump()});
            continue;
        }
        for (const auto &[inner, text] : value.items())
            rows.push_back({std::string(key).append(".").append(inner), text.is_string() ? text.get<std::string>() : text.dump()});
    }
    print_table({"FIELD", "VALUE (bytes in their order)"}, rows);
    if ((report.policy >> mr::snp_policy_debug & 1U) != 0) std::cout << "WARNING: a guest that the host can debug\n";
    if (report.vmpl > mr::max_snp_vmpl) std::cout << "WARNING: made for the host, and for no guest\n";
    std::cout << "No signature and no certificate was checked: `mrctl verify` does that\n";
    return exit_done;
}

int inspect_snp_table(bool json, const std::string &file, mr::ByteView table) {
    const auto entries = mr::decode_snp_table(table);
    const auto certificates = entries ? mr::read_snp_certificates(table) : std::unexpected(entries.error());
    if (!certificates) {
        auto error = certificates.error();
        error.message.insert(0, file + ": ");
        return fail(error);
    }
    if (json) {
        Json all = Json::array();
        for (const auto &entry : *entries)
            all.push_back({{"entry", entry.name}, {"offset", entry.offset}, {"length", entry.content.size()}});
        print_json(Json{{"entries", all}}.dump(2));
        return exit_done;
    }
    std::cout << "Table of certificates beside an AMD SEV-SNP report, " << table.size() << " bytes\n";
    std::vector<Row> rows;
    for (const auto &entry : *entries) rows.push_back({entry.name, std::to_string(entry.offset), std::to_string(entry.content.size())});
    print_table({"ENTRY", "OFFSET", "LENGTH"}, rows);
    return inspect_certificates(json, certificates->certificates);
}

}  // namespace mrctl
