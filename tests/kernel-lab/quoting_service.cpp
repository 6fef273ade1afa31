// kernel-lab-quoting FOLDER: the host's end of the module's quotes in the kernel lab: the simulator's quoting service, for the TDREPORTs that the module hands out; where it
// plays sev_guest or arm_cca_guest, who signs their reports (guest_reports.h).
//
// For a TD: writes root.pem and collateral.json to FOLDER and keeps its keys there, as an mrd with the simulator does that has it as its state directory, and mrd-quoting-service; then it
// goes to the background, and answers requests until the module goes. It never uses configfs, whose lock is held by who waits for the quote. Exit: 0 it runs, 1 it does not, 2 wrong
// usage.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "mr/bytes.h"
#include "mr/collateral.h"
#include "mr/tdreport.h"
#include "mrd/providers/sim/quote_buffer.h"
#include "mrd/providers/sim/quoter.h"
#include "mrd/providers/sim/quoting_service.h"
#include "tests/kernel-lab/guest_reports.h"

namespace {

constexpr const char *device_path = "/dev/mrd_lab_quoting";
constexpr const char *key_path = "/sys/module/mrd_lab/parameters/report_key";
constexpr const char *provider_path = "/sys/module/mrd_lab/parameters/provider";

int fail(const std::string &reason) {
    std::fprintf(stderr, "kernel-lab-quoting: %s\n", reason.c_str());
    return 1;
}

bool write_file(const std::filesystem::path &path, std::string_view text) {
    std::ofstream out(path, std::ios::binary);
    out << text;
    out.close();
    return out.good();
}

using Quote = std::function<std::expected<mr::Bytes, std::string>(mr::ByteView request)>;

// The status of GetQuote, and the quote behind it.
mr::Bytes answer_to(const Quote &make, mr::ByteView report) {
    const auto quote = make(report);
    if (!quote) std::fprintf(stderr, "kernel-lab-quoting: %s\n", quote.error().c_str());
    const auto status = quote ? mrd::sim::quote_success : mrd::sim::quote_error;
    mr::Bytes answer(sizeof(status));
    std::memcpy(answer.data(), &status, sizeof(status));
    if (quote) answer.insert(answer.end(), quote->begin(), quote->end());
    return answer;
}

// For the module.
int serve_device(const Quote &quote) {
    const int device = ::open(device_path, O_RDWR | O_CLOEXEC);
    if (device < 0) return fail(device_path + std::string(": ") + std::strerror(errno));
    if (::daemon(1, 1) != 0) return fail("cannot go to the background");
    std::array<std::uint8_t, mr::tdreport_size> report{};
    for (;;) {
        if (::read(device, report.data(), report.size()) != static_cast<ssize_t>(report.size())) return fail("no request can be read");
        const auto answer = answer_to(quote, report);
        if (::write(device, answer.data(), answer.size()) < 0) return fail("no request can be answered");
    }
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: kernel-lab-quoting FOLDER\n");
        return 2;
    }
    const std::filesystem::path folder = argv[1];
    std::string provider;
    std::ifstream(provider_path) >> provider;
    if (provider == "sev_guest") return serve_device(mrd::lab::snp_reports(folder));
    if (provider == "arm_cca_guest") return serve_device(mrd::lab::cca_tokens(folder));
    std::ifstream key_file(key_path);
    const std::string text(std::istreambuf_iterator<char>(key_file), {});
    mrd::sim::ReportKey key{};
    if (text.size() < key.size()) return fail(std::string(key_path) + " has no key: is the module loaded?");
    std::copy_n(text.begin(), key.size(), key.begin());

    auto service = mrd::sim::QuotingService::open(mrd::sim::quoting_file(folder, "tdx"), key, mrd::sim::QuoteFormat::v4);
    if (!service) return fail(service.error());
    const auto collateral = service->collateral();
    if (!collateral) return fail(collateral.error());
    if (!write_file(folder / "root.pem", service->root_pem()) ||
        !write_file(folder / "collateral.json", mr::write_collateral(*collateral))) {
        return fail("cannot write to " + folder.native());
    }
    return serve_device([&service](mr::ByteView report) { return service->quote(report); });
}
