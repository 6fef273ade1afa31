#include "mrd/providers/qgs/address.h"

#include <linux/vm_sockets.h>
#include <sys/socket.h>

#include <charconv>
#include <optional>
#include <system_error>

#include "proto/varlink/address.h"

namespace mrd::qgs {
namespace {

constexpr std::string_view vsock_scheme = "vsock:";
constexpr std::uint32_t any_cid = VMADDR_CID_ANY;

std::optional<std::uint32_t> number_from(std::string_view text) {
    std::uint32_t number = 0;
    const auto *const end = text.data() + text.size();
    const auto [stopped, failed] = std::from_chars(text.data(), end, number);
    if (failed != std::errc{} || stopped != end) return std::nullopt;
    return number;
}

// A path, or a vsock's CID and port; without a CID that one.
std::expected<Address, std::string> read(std::string_view text, std::optional<std::uint32_t> usual_cid, std::string_view how) {
    if (text.starts_with(vsock_scheme)) {
        const auto rest = text.substr(vsock_scheme.size());
        const auto colon = rest.find(':');
        const auto cid = colon == std::string_view::npos ? usual_cid : number_from(rest.substr(0, colon));
        const auto port = number_from(colon == std::string_view::npos ? rest : rest.substr(colon + 1));
        if (cid && port) return Address{.cid = *cid, .port = *port};
    } else if (text.starts_with('/')) {
        if (auto socket = varlink::Address::parse(text); !socket) return std::unexpected(std::move(socket.error()));
        return Address{.path = std::string(text)};
    }
    return std::unexpected("\"" + std::string(text) + "\" is no address of a quoting service: give " + std::string(how) +
                           ", or the path of a Unix socket");
}

}  // namespace

std::expected<Address, std::string> Address::parse(std::string_view text) {
    return read(text, std::nullopt, "vsock:CID:PORT (vsock:2:4050 is the host's)");
}

std::expected<Address, std::string> Address::parse_listening(std::string_view text) {
    return read(text, any_cid, "vsock:PORT (Intel's is vsock:4050), vsock:CID:PORT");
}

std::string Address::text() const {
    if (!path.empty()) return path;
    return std::string(vsock_scheme) + (cid == any_cid ? "" : std::to_string(cid) + ":") + std::to_string(port);
}

mr::Bytes Address::bytes() const {
    if (path.empty()) {
        sockaddr_vm to{};
        to.svm_family = AF_VSOCK;
        to.svm_cid = cid;
        to.svm_port = port;
        const auto *const begin = reinterpret_cast<const std::uint8_t *>(&to);
        return {begin, begin + sizeof to};
    }
    const auto to = varlink::Address::parse(path);
    if (!to) return {};
    const auto *const begin = reinterpret_cast<const std::uint8_t *>(to->data());
    return {begin, begin + to->size()};
}

}  // namespace mrd::qgs
