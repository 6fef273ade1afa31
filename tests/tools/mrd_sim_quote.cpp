// Makes quotes and collateral as the simulator does, for verifiers of other hands.
// Usage: mrd-sim-quote FOLDER tdx_v4|tdx_v5_td10|tdx_v5_td15 [REPORT_DATA_HEX]
//
// Keys and registers are kept in FOLDER; written there are quote.bin, collateral.json, root.der and root.pem.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "mr/bytes.h"
#include "mr/collateral.h"
#include "mrd/providers/sim/quoting_service.h"
#include "mrd/providers/sim/report.h"
#include "mrd/providers/sim/state.h"

namespace {

using mrd::sim::QuoteFormat;

std::optional<QuoteFormat> format_from(std::string_view name) {
    for (const QuoteFormat format : {QuoteFormat::v4, QuoteFormat::v5_td10, QuoteFormat::v5_td15}) {
        if (to_string(format) == name) {
            return format;
        }
    }
    return std::nullopt;
}

int fail(const std::string &reason) {
    std::cerr << "mrd-sim-quote: " << reason << "\n";
    return 1;
}

// Why it cannot be written.
std::optional<std::string> write_file(const std::filesystem::path &path, mr::ByteView bytes) {
    std::error_code unknown;
    const auto status = std::filesystem::status(path, unknown);
    // What is there may be a pipe that nobody reads.
    if (exists(status) && !is_regular_file(status)) return path.native() + " is there and is not a regular file";
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (out.good()) return std::nullopt;
    return "cannot write " + path.native() + ": " + std::generic_category().message(errno);
}

// A PEM text's one block without its lines.
std::expected<mr::Bytes, mr::Error> der_of(std::string_view pem) {
    const std::size_t begin = pem.find('\n') + 1;
    std::string text(pem.substr(begin, pem.rfind("-----END") - begin));
    std::erase(text, '\n');
    return mr::from_base64(text);
}

}  // namespace

int main(int argc, char **argv) {
    const std::optional<QuoteFormat> format = argc >= 3 ? format_from(argv[2]) : std::nullopt;
    if (!format || argc > 4) {
        std::cerr << "usage: mrd-sim-quote FOLDER tdx_v4|tdx_v5_td10|tdx_v5_td15 [REPORT_DATA_HEX]\n";
        return 2;
    }
    const std::filesystem::path folder = argv[1];
    std::error_code unknown;
    if (!is_directory(folder, unknown)) return fail(folder.native() + " is not a folder: make it first");
    mr::ReportData report_data{};
    if (argc == 4) {
        const auto bytes = mr::from_hex(argv[3]);
        if (!bytes || bytes->size() != report_data.size()) {
            return fail("report data are 64 bytes in hexadecimal");
        }
        std::ranges::copy(*bytes, report_data.begin());
    }

    const auto state = mrd::sim::State::open({.file = folder / "registers", .boot_id = "mrd-sim-quote"});
    if (!state) {
        return fail(state.error());
    }
    const auto registers = state->read();
    if (!registers) {
        return fail(registers.error());
    }
    auto reports = mrd::sim::ReportMaker::open(state->report_key());
    if (!reports) {
        return fail(reports.error());
    }
    auto service = mrd::sim::QuotingService::open(folder / "quoting.keys", state->report_key(), *format);
    if (!service) {
        return fail(service.error());
    }
    const auto quote = service->quote(reports->make(td_info_of(state->statics(), *registers), report_data));
    const auto collateral = service->collateral();
    if (!quote || !collateral) {
        return fail(quote ? collateral.error() : quote.error());
    }
    const auto root_der = der_of(service->root_pem());
    if (!root_der) return fail(root_der.error().message);
    const auto collateral_json = mr::write_collateral(*collateral);
    for (const auto &[name, bytes] :
         {std::pair("quote.bin", mr::ByteView(*quote)), std::pair("collateral.json", mr::as_bytes(collateral_json)),
          std::pair("root.der", mr::ByteView(*root_der)), std::pair("root.pem", mr::as_bytes(service->root_pem()))}) {
        if (const auto reason = write_file(folder / name, bytes)) return fail(*reason);
    }
    return 0;
}
