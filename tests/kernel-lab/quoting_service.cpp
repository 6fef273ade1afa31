// kernel-lab-quoting FOLDER [PORT]: the host's quoting service in the kernel lab: the simulator's, for the TDREPORTs that the module hands out.
//
// Writes root.pem and collateral.json to FOLDER and keeps its keys there; then it goes to the background, and answers requests until the module goes; with a PORT it answers those
// that come there by vsock instead, as Intel's quote generation service does. It never uses configfs, whose lock is held by who waits for the quote. Exit: 0 it runs, 1 it does
// not, 2 wrong usage.
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "mr/bytes.h"
#include "mr/collateral.h"
#include "mr/tdreport.h"
#include "mrd/providers/sim/quote_buffer.h"
#include "mrd/providers/sim/quoting_service.h"
#include "mrd/providers/qgs/message.h"
#include "tests/providers/qgs/frames.h"

namespace {

constexpr const char *device_path = "/dev/mrd_lab_quoting";
constexpr const char *key_path = "/sys/module/mrd_lab/parameters/report_key";

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

std::expected<mr::Bytes, std::string> quote_of(mrd::sim::QuotingService &service, mr::ByteView report) {
    auto quote = service.quote(report);
    if (!quote) std::fprintf(stderr, "kernel-lab-quoting: %s\n", quote.error().c_str());
    return quote;
}

// The status of GetQuote, and the quote behind it.
mr::Bytes answer_to(mrd::sim::QuotingService &service, mr::ByteView report) {
    const auto quote = quote_of(service, report);
    const auto status = quote ? mrd::sim::quote_success : mrd::sim::quote_error;
    mr::Bytes answer(sizeof(status));
    std::memcpy(answer.data(), &status, sizeof(status));
    if (quote) answer.insert(answer.end(), quote->begin(), quote->end());
    return answer;
}

// For the module.
int serve_device(mrd::sim::QuotingService &service, int device) {
    std::array<std::uint8_t, mr::tdreport_size> report{};
    for (;;) {
        if (::read(device, report.data(), report.size()) != static_cast<ssize_t>(report.size())) return fail("no request can be read");
        const auto answer = answer_to(service, report);
        if (::write(device, answer.data(), answer.size()) < 0) return fail("no request can be answered");
    }
}

int listen_on(std::uint32_t port) {
    const int listener = ::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_vm address{};
    address.svm_family = AF_VSOCK;
    address.svm_cid = VMADDR_CID_ANY;
    address.svm_port = port;
    if (::bind(listener, reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0 || ::listen(listener, 64) != 0) return -1;
    return listener;
}

// For whoever connects: one request of a connection.
int serve_connections(mrd::sim::QuotingService &service, int listener) {
    for (;;) {
        const int connection = ::accept(listener, nullptr, nullptr);
        if (connection < 0) return fail("no connection can be accepted");
        auto request = mrd::qgs::quote_request(mr::Bytes(mr::tdreport_size));
        const auto head = request.size() - mr::tdreport_size;
        if (::recv(connection, request.data(), request.size(), MSG_WAITALL) == static_cast<ssize_t>(request.size())) {
            const auto quote = quote_of(service, mr::ByteView(request).subspan(head));
            const auto answer = (quote ? mrd::qgs::QuoteAnswer{.quote = *quote} : mrd::qgs::QuoteAnswer{.error = 0x12001}).framed();
            if (::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) fail("a client is gone");
        }
        ::close(connection);
    }
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 2 && argc != 3) {
        std::fprintf(stderr, "usage: kernel-lab-quoting FOLDER [PORT]\n");
        return 2;
    }
    const std::filesystem::path folder = argv[1];
    std::ifstream key_file(key_path);
    const std::string text(std::istreambuf_iterator<char>(key_file), {});
    mrd::sim::ReportKey key{};
    if (text.size() < key.size()) return fail(std::string(key_path) + " has no key: is the module loaded?");
    std::copy_n(text.begin(), key.size(), key.begin());

    auto service = mrd::sim::QuotingService::open(folder / "keys", key, mrd::sim::QuoteFormat::v4);
    if (!service) return fail(service.error());
    const auto collateral = service->collateral();
    if (!collateral) return fail(collateral.error());
    if (!write_file(folder / "root.pem", service->root_pem()) ||
        !write_file(folder / "collateral.json", mr::write_collateral(*collateral))) {
        return fail("cannot write to " + folder.native());
    }
    const bool by_vsock = argc == 3;
    const int requests = by_vsock ? listen_on(static_cast<std::uint32_t>(std::atoi(argv[2]))) : ::open(device_path, O_RDWR | O_CLOEXEC);
    if (requests < 0) return fail((by_vsock ? "vsock" : device_path) + std::string(": ") + std::strerror(errno));
    if (::daemon(1, 1) != 0) return fail("cannot go to the background");
    return by_vsock ? serve_connections(*service, requests) : serve_device(*service, requests);
}
