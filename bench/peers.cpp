#include "bench/peers.h"

#include <dirent.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>

namespace bench {

namespace {

using std::string_literals::operator""s;

// A SET of these takes 287 bytes of redis' file, about what an event of "extend" takes of mrd's journal (bench/run prints it).
constexpr int event_size = 256;

// What a Batch writes first, its nonce being 1: the name of the first virtual register that "create" makes.
const std::string first_nonce = "10000000";

constexpr std::size_t tpm_header_size = 10;  // tag u16, size u32, response code u32; big-endian

std::string repeated(std::string_view text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
}

// What begins with the nonce is the call's last parameter: so many bytes in hexadecimal.
Operation with_nonce(const std::string &before, int bytes) {
    return {Protocol::varlink, before + repeated("5a", bytes) + "\"}}" + '\0', before.size()};
}

const std::map<std::string, Operation, std::less<>> &operations() {
    static const std::map<std::string, Operation, std::less<>> all{
        {"read", {Protocol::varlink, R"({"method":"io.mrd.Registers.Read","parameters":{"name":"tdx/rtmr3"}})"s + '\0'}},
        {"extend", with_nonce(R"({"method":"io.mrd.Registers.Extend","parameters":{"name":"tdx/rtmr2","digest":")", 48)},
        {"create", with_nonce(R"({"method":"io.mrd.Registers.Create","parameters":{"on":"tdx/rtmr3","hash":"sha384","name":"virtual/)", 4)},
        {"measure-virtual",
         with_nonce(R"({"method":"io.mrd.Registers.Measure","parameters":{"name":"virtual/)" + first_nonce + R"(","data":")", 6)},
        {"report",
         {Protocol::varlink, R"({"method":"io.mrd.Attestation.Report","parameters":{"reportData":")" + repeated("5a", 64) + "\"}}" + '\0'}},
        {"quote", with_nonce(R"({"method":"io.mrd.Attestation.Quote","parameters":{"reportData":")", 64)},
        {"evidence", with_nonce(R"({"method":"io.mrd.Attestation.Evidence","parameters":{"reportData":")", 64)},
        {"device-evidence", with_nonce(R"({"method":"io.mrd.Devices.Evidence","parameters":{"device":"spdm0","nonce":")", 32)},
        {"set", {Protocol::redis_status, "*3\r\n$3\r\nSET\r\n$4\r\nrtmr\r\n$96\r\n" + repeated("5a", 48) + "\r\n"}},
        {"set-event",
         {Protocol::redis_status,
          "*3\r\n$3\r\nSET\r\n$4\r\nrtmr\r\n$" + std::to_string(event_size) + "\r\n" + repeated("5a", event_size / 2) + "\r\n"}},
        {"get", {Protocol::redis_value, "*2\r\n$3\r\nGET\r\n$4\r\nrtmr\r\n"}},
        // TPM2_PCR_Read of one bank (SHA-384), PCR 16.
        {"pcr-read", {Protocol::tpm, "\x80\x01\0\0\0\x14\0\0\x01\x7e\0\0\0\x01\0\x0c\x03\0\0\x01"s}},
        // TPM2_PCR_Extend of PCR 16 with an empty password and one SHA-384 digest.
        {"pcr-extend",
         {Protocol::tpm,
          "\x80\x02\0\0\0\x51\0\0\x01\x82\0\0\0\x10\0\0\0\x09\x40\0\0\x09\0\0\0\0\0\0\0\0\x01\0\x0c"s + repeated("\x5a", 48)}},
    };
    return all;
}

std::size_t tpm_size(std::string_view header) {
    std::size_t size = 0;
    for (const char c : header.substr(2, 4)) size = size << 8U | static_cast<unsigned char>(c);
    return size;
}

// Calls found(path of the thread's folder, its id) for each thread.
template <class Found>
void for_each_thread(pid_t process, const Found &found) {
    const auto folder = "/proc/" + (process == 0 ? "self" : std::to_string(process)) + "/task";
    DIR *threads = ::opendir(folder.c_str());
    if (threads == nullptr) die("cannot list the threads of the server");
    while (const dirent *entry = ::readdir(threads)) {  // NOLINT(concurrency-mt-unsafe): one thread
        if (entry->d_name[0] != '.') found(folder + "/" + entry->d_name, std::atoi(entry->d_name));  // NOLINT(cert-err34-c): digits
    }
    ::closedir(threads);
}

}  // namespace

std::optional<Operation> operation_of(std::string_view name) {
    const auto found = operations().find(name);
    return found == operations().end() ? std::nullopt : std::optional(found->second);
}

Batch::Batch(const Operation &operation, std::size_t calls)
    : calls_(calls), request_size_(operation.request.size()), nonce_at_(operation.nonce_at) {
    for (std::size_t i = 0; i < calls; ++i) requests_ += operation.request;
}

std::string_view Batch::next(std::size_t calls) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t i = 0; nonce_at_ && i < calls; ++i) {
        auto rest = ++nonce_;
        for (std::size_t digit = 0; digit < nonce_size; ++digit, rest >>= 4U)
            requests_[i * request_size_ + *nonce_at_ + digit] = digits[rest & 0xFU];
    }
    return std::string_view(requests_).substr(0, calls * request_size_);
}

std::size_t ReplyCounter::count_varlink(std::string_view bytes) {
    constexpr std::string_view error = R"({"error")";
    std::size_t replies = 0;
    for (;;) {
        const auto end = bytes.find('\0');
        if (beginning_.size() < error.size()) beginning_ += bytes.substr(0, std::min(end, error.size() - beginning_.size()));
        if (beginning_ == error) die("the server answers: " + std::string(bytes));
        if (end == std::string_view::npos) return replies;
        ++replies;
        beginning_.clear();
        bytes.remove_prefix(end + 1);
    }
}

std::size_t ReplyCounter::count(std::string_view bytes) {
    switch (protocol_) {
    case Protocol::varlink: return count_varlink(bytes);
    case Protocol::redis_status:
    case Protocol::redis_value: {
        if (bytes.starts_with('-')) die("the server answers: " + std::string(bytes));
        lines_ += static_cast<std::size_t>(std::ranges::count(bytes, '\n'));
        const std::size_t lines_of_reply = protocol_ == Protocol::redis_value ? 2 : 1;  // "$96\r\n...\r\n"
        const auto replies = lines_ / lines_of_reply;
        lines_ %= lines_of_reply;
        return replies;
    }
    case Protocol::tpm:
        if (missing_ == 0) {
            if (bytes.size() < tpm_header_size || bytes.substr(6, 4) != std::string_view("\0\0\0\0", 4))
                die("the TPM answers with an error");
            missing_ = tpm_size(bytes);
        }
        missing_ -= std::min(missing_, bytes.size());
        return missing_ == 0 ? 1 : 0;
    }
    return 0;
}

void die(std::string_view what) {
    std::fprintf(stderr, "bench: %.*s\n", static_cast<int>(what.size()), what.data());
    std::exit(1);  // NOLINT(concurrency-mt-unsafe): one thread
}

bool try_connect(const std::string &path, int &fd) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) die("the socket's path is too long");
    path.copy(address.sun_path, path.size());
    fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("no socket");
    if (::connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0) return true;
    ::close(fd);
    return false;
}

int connect_to(const std::string &path) {
    int fd = -1;
    if (!try_connect(path, fd)) die("cannot connect to " + path);
    return fd;
}

void send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) die("the server closed the connection");
        if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::string call(int fd, const Operation &operation) {
    ReplyCounter counter(operation.protocol);
    std::string reply;
    std::array<char, 4096> buffer;
    send_all(fd, operation.request);
    for (;;) {
        const auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (size <= 0) die("the server closed the connection");
        const std::string_view piece(buffer.data(), static_cast<std::size_t>(size));
        reply += piece;
        if (counter.count(piece) > 0) return reply;
    }
}

std::int64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::int64_t percentile(std::vector<std::int64_t> &values, std::size_t percent) {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(values.size() * percent / 100);
    std::ranges::nth_element(values, at);
    return *at;
}

void pin(pid_t process, int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    for_each_thread(process, [&](const std::string &, int id) {
        if (::sched_setaffinity(id, sizeof set, &set) != 0) die("cannot pin the server to a CPU");
    });
}

std::int64_t cpu_ns(pid_t process) {
    std::int64_t sum = 0;
    for_each_thread(process, [&](const std::string &folder, int) {
        std::int64_t one = 0;
        std::ifstream(folder + "/schedstat") >> one;
        sum += one;
    });
    return sum;
}

}  // namespace bench
