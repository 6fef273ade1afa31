// What a program pays that uses a register as a file: it opens it, reads or writes it whole, and closes it, again and again.
//
// Usage: bench_files read|extend FILE SERVER_PID MILLISECONDS CLIENT_CPU SERVER_CPU
//
// Prints what bench_load prints: operations per second, p50 and p99 in ns of one operation, and the server's CPU ns for each. The server is what serves the file.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "bench/peers.h"

namespace {

using bench::die;

int number(std::string_view text) {
    int value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) die("not a number: " + std::string(text));
    return value;
}

class Files {
public:
    Files(std::string path, bool extends) : path_(std::move(path)), extends_(extends) {}

    // The times of operations, one after the other.
    std::vector<std::int64_t> run(std::int64_t duration_ns) {
        std::vector<std::int64_t> latencies;
        latencies.reserve(1 << 20U);
        for (const auto begun = bench::now_ns(); latencies.empty() || bench::now_ns() - begun < duration_ns;) {
            const auto at = bench::now_ns();
            once();
            latencies.push_back(bench::now_ns() - at);
        }
        return latencies;
    }

private:
    void once() {
        const int file = ::open(path_.c_str(), (extends_ ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
        if (file < 0) die("cannot open " + path_);
        std::array<char, 48> bytes{};  // of a register that SHA-384 extends
        ++count_;
        std::memcpy(bytes.data(), &count_, sizeof count_);  // no client measures the same thing again and again
        const auto done = extends_ ? ::write(file, bytes.data(), bytes.size()) : ::read(file, bytes.data(), bytes.size());
        if (done != static_cast<ssize_t>(bytes.size())) die("the file is not read or written whole: " + path_);
        ::close(file);
    }

    std::string path_;
    bool extends_;
    std::uint64_t count_ = 0;
};

}  // namespace

int main(int argc, char **argv) {
    const std::string_view operation = argc == 7 ? argv[1] : "";
    if (operation != "read" && operation != "extend")
        die("usage: bench_files read|extend FILE SERVER_PID MILLISECONDS CLIENT_CPU SERVER_CPU");
    const pid_t server = number(argv[3]);
    const auto duration = std::int64_t{number(argv[4])} * 1'000'000;
    bench::pin(0, number(argv[5]));
    bench::pin(server, number(argv[6]));
    Files files(argv[2], operation == "extend");
    (void)files.run(duration / 8);  // warms caches, and the server's memory
    const auto cpu_before = bench::cpu_ns(server);
    const auto begun = bench::now_ns();
    auto latencies = files.run(duration);
    const auto seconds = static_cast<double>(bench::now_ns() - begun) / 1e9;
    const auto cpu = static_cast<double>(bench::cpu_ns(server) - cpu_before);
    const auto operations = static_cast<double>(latencies.size());
    std::printf("%.0f %ld %ld %.0f\n", operations / seconds, static_cast<long>(bench::percentile(latencies, 50)),
                static_cast<long>(bench::percentile(latencies, 99)), cpu / operations);
}
