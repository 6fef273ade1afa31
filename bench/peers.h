// The servers that bench/ measures, as their clients see them: the bytes of one call, and where its reply ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

// Those of redis by what a reply is: a value, which has two lines, or "+OK", which is one.
enum class Protocol : std::uint8_t { varlink, redis_value, redis_status, tpm };

struct Operation {
    Protocol protocol = Protocol::varlink;
    std::string request;
};

// "read", "extend", "report" (of mrd), "get" (of redis, after "set"), "set", "set-event" (of about as many bytes as an event in mrd's journal),
// "pcr-read", "pcr-extend" (of swtpm: SHA-384, PCR 16).
std::optional<Operation> operation_of(std::string_view name);

// Finds the ends of replies in a byte stream. What a bad reply begins with is looked at in the first reply of each piece received.
class ReplyCounter {
public:
    explicit ReplyCounter(Protocol protocol) : protocol_(protocol) {}

    // The number of replies that these bytes complete. Ends the program at a reply that is an error.
    std::size_t count(std::string_view bytes);

private:
    Protocol protocol_;
    std::size_t lines_ = 0;    // redis_value: of the reply that has begun
    std::size_t missing_ = 0;  // tpm: bytes
};

// All of these end the program with a message where they fail: a measurement that cannot be made is no measurement.
[[noreturn]] void die(std::string_view what);
int connect_to(const std::string &path);
bool try_connect(const std::string &path, int &fd);
void send_all(int fd, std::string_view bytes);
// One call and its reply; returns the reply.
std::string call(int fd, const Operation &operation);

std::int64_t now_ns();

// Pins a process with all its threads; 0 is this one.
void pin(pid_t process, int cpu);

// CPU time of all threads of a process so far.
std::int64_t cpu_ns(pid_t process);

}  // namespace bench
