// What a guest other than a TD gets for a report, signed by keys of the lab's own: a SEV-SNP report with the certificates beside it, an Arm CCA token.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>

#include "mr/bytes.h"
#include "tests/attestation/tee/cca/test_token.h"
#include "tests/attestation/tee/snp/test_snp.h"

namespace mrd::lab {

// Of what the module asks with: where in its 1024 bytes the privilege level and the report data are.
inline constexpr std::size_t asked_level = 0;
inline constexpr std::size_t asked_data = 64;

inline std::string pem(const std::string &label, mr::ByteView der) {
    std::string text(4 * ((der.size() + 2) / 3) + 1, '\0');
    text.resize(static_cast<std::size_t>(
        EVP_EncodeBlock(reinterpret_cast<unsigned char *>(text.data()), der.data(), static_cast<int>(der.size()))));
    return "-----BEGIN " + label + "-----\n" + text + "\n-----END " + label + "-----\n";
}

// The certificates as the kernel gives them: entries of GUID, offset and length, a zero entry, the contents.
inline mr::Bytes certificate_table(mr::TestSnp &platform) {
    const std::pair<std::string_view, mr::Bytes> contents[] = {{"63da758de6644564adc5f4b93be8accd", platform.key_der()},
                                                               {"4ab7b379bbac4fe4a02f05aef327c782", platform.ask_der()},
                                                               {"c0b406a4a80349529743"
                                                                "3fb6014cd0ae",
                                                                platform.ark_der()}};
    constexpr std::size_t entry = 24;
    mr::Bytes table;
    mr::Bytes behind;
    const auto number = [&table](std::size_t value) {
        for (int shift = 0; shift < 32; shift += 8) table.push_back(static_cast<std::uint8_t>(value >> shift));
    };
    for (const auto &[guid, content] : contents) {
        const auto bytes = mr::from_hex(guid).value();
        table.insert(table.end(), bytes.begin(), bytes.end());
        number(entry * (std::size(contents) + 1) + behind.size());
        number(content.size());
        behind.insert(behind.end(), content.begin(), content.end());
    }
    table.resize(table.size() + entry);
    table.insert(table.end(), behind.begin(), behind.end());
    return table;
}

// Writes what a verifier trusts to roots.pem in the folder. What is given for a request of the module: the report, 1184 bytes, and the table.
inline std::function<mr::Bytes(mr::ByteView)> snp_reports(const std::filesystem::path &folder) {
    auto platform = std::make_shared<mr::TestSnp>();
    std::ofstream(folder / "roots.pem") << pem("CERTIFICATE", platform->ark_der());
    return [platform, table = certificate_table(*platform)](mr::ByteView request) {
        platform->report.vmpl = request[asked_level];
        std::ranges::copy(request.subspan(asked_data, platform->report.report_data.size()), platform->report.report_data.begin());
        platform->report.host_data.fill(0x44);
        auto given = platform->signed_report();
        given.insert(given.end(), table.begin(), table.end());
        return given;
    };
}

// Likewise. REM0 is what the folder's file rem0 has, in hex, as if the realm had extended it.
inline std::function<mr::Bytes(mr::ByteView)> cca_tokens(const std::filesystem::path &folder) {
    auto platform = std::make_shared<mr::TestCcaToken>();
    mr::Bytes point{4};
    point.insert(point.end(), platform->platform_key.public_key().begin(), platform->platform_key.public_key().end());
    std::ofstream(folder / "roots.pem") << pem(
        "PUBLIC KEY",
        mr::der::sequence({mr::der::sequence({mr::der::object_identifier("1.2.840.10045.2.1"), mr::der::object_identifier("1.3.132.0.34")}),
                           mr::der::bits(point)}));
    return [platform, folder](mr::ByteView request) {
        using namespace mr::cca_test;  // NOLINT(google-build-using-namespace)
        set(platform->realm, 10, bytes(request.subspan(asked_data, 64)));
        std::vector<mr::Bytes> rem(4, bytes(mr::Bytes(32)));
        std::ifstream file(folder / "rem0");
        std::string hex;
        if (file >> hex) rem[0] = bytes(mr::from_hex(hex).value());
        set(platform->realm, 44239, array(rem));
        return platform->encode();
    };
}

}  // namespace mrd::lab
