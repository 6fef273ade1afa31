// What is paid once: starting a server, running a command, holding connections.
//
// Usage: bench_costs start OPERATION SOCKET COMMAND...   us from fork to the first reply of the server that COMMAND starts; then SIGTERM
//        bench_costs process COMMAND...                  us from fork to the command's end; its output is dropped
//                                                        both add the CPU us that it took until its end
//        bench_costs connections OPERATION SOCKET PID N  bytes of resident memory (RSS, then PSS) for each of N idle connections, each of
//                                                        which has made one call
//        bench_costs memory PID                          RSS and PSS of a process, in bytes
//
// Each prints one line. The commands run on CPU 1 and this program waits on CPU 0, so that neither disturbs the other.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "bench/peers.h"

namespace {

using bench::die;

constexpr int waiting_cpu = 0;
constexpr int command_cpu = 1;
constexpr std::int64_t patience_ns = 10'000'000'000;

pid_t start(char **command) {
    const auto child = ::fork();
    if (child < 0) die("cannot fork");
    if (child > 0) return child;
    bench::pin(0, command_cpu);
    const auto null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || ::dup2(null, STDIN_FILENO) < 0 || ::dup2(null, STDOUT_FILENO) < 0) std::_Exit(127);
    ::execvp(command[0], command);
    std::_Exit(127);
}

// Waits for its end. False: it failed.
bool wait_for(pid_t child, double &cpu_us) {
    int status = 0;
    rusage usage{};
    ::wait4(child, &status, 0, &usage);
    const auto us = [](const timeval &time) { return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec); };
    cpu_us = us(usage.ru_utime) + us(usage.ru_stime);
    return status == 0;
}

int measure_start(const char *operation_name, const std::string &socket, char **command) {
    const auto operation = bench::operation_of(operation_name);
    if (!operation) die("no such operation");
    ::unlink(socket.c_str());
    bench::pin(0, waiting_cpu);
    const auto begun = bench::now_ns();
    const auto child = start(command);
    int fd = -1;
    while (!bench::try_connect(socket, fd)) {
        if (::waitpid(child, nullptr, WNOHANG) != 0) die(std::string(command[0]) + " has ended");
        if (bench::now_ns() - begun > patience_ns) {
            ::kill(child, SIGKILL);
            die(std::string(command[0]) + " does not listen");
        }
        const timespec pause{0, 20'000};
        ::nanosleep(&pause, nullptr);
    }
    (void)bench::call(fd, *operation);
    const auto taken = bench::now_ns() - begun;
    ::close(fd);
    ::kill(child, SIGTERM);
    double cpu_us = 0;
    (void)wait_for(child, cpu_us);
    std::printf("%.1f %.1f\n", static_cast<double>(taken) / 1e3, cpu_us);
    return 0;
}

int measure_process(char **command) {
    bench::pin(0, waiting_cpu);
    const auto begun = bench::now_ns();
    const auto child = start(command);
    double cpu_us = 0;
    const bool good = wait_for(child, cpu_us);
    const auto taken = bench::now_ns() - begun;
    if (!good) die(std::string(command[0]) + " failed");
    std::printf("%.1f %.1f\n", static_cast<double>(taken) / 1e3, cpu_us);
    return 0;
}

struct Memory {
    long rss = 0;
    long pss = 0;
};

Memory memory_of(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/smaps_rollup");
    Memory memory;
    long kilobytes = 0;
    for (std::string word; file >> word;) {
        if (word == "Rss:" && file >> kilobytes) memory.rss = kilobytes * 1024;
        if (word == "Pss:" && file >> kilobytes) memory.pss = kilobytes * 1024;
    }
    if (memory.rss == 0) die("cannot read the memory of the server");
    return memory;
}

int measure_connections(const char *operation_name, const std::string &socket, pid_t server, long count) {
    const auto operation = bench::operation_of(operation_name);
    if (!operation) die("no such operation");
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    std::vector<int> connections{bench::connect_to(socket)};
    (void)bench::call(connections.front(), *operation);
    const auto before = memory_of(server);
    for (long i = 0; i < count; ++i) {
        connections.push_back(bench::connect_to(socket));
        (void)bench::call(connections.back(), *operation);
    }
    const auto after = memory_of(server);
    std::printf("%ld %ld\n", (after.rss - before.rss) / count, (after.pss - before.pss) / count);
    return 0;
}

}  // namespace

int main(int argc, char **argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "start" && argc >= 5) return measure_start(argv[2], argv[3], argv + 4);
    if (what == "process" && argc >= 3) return measure_process(argv + 2);
    if (what == "connections" && argc == 6)
        return measure_connections(argv[2], argv[3], static_cast<pid_t>(std::stol(argv[4])), std::stol(argv[5]));
    if (what == "memory" && argc == 3) {
        const auto memory = memory_of(static_cast<pid_t>(std::stol(argv[2])));
        std::printf("%ld %ld\n", memory.rss, memory.pss);
        return 0;
    }
    die("usage: bench_costs start|process|connections|memory ...");
}
