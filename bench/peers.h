// The servers that bench/ measures, as their clients see them: the bytes of one call, and where its reply ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

// Those of redis by what a reply is: a value, which has two lines, or "+OK", which is one.
enum class Protocol : std::uint8_t { varlink, redis_value, redis_status, tpm };

struct Operation {
    Protocol protocol = Protocol::varlink;
    std::string request;
    // Where in the request a nonce stands that is to be another one each time: nonce_size hexadecimal digits.
    std::optional<std::size_t> nonce_at = {};
};
inline constexpr std::size_t nonce_size = 8;

// "read", "extend", "create" (a virtual register on tdx/rtmr3, each of a name of its own), "measure-virtual" (into the first of these), "report", "quote", "evidence", "device-evidence" (of mrd; what extends with a
// nonce, for no client measures the same thing again and again, and "quote" and "evidence", for equal requests share a quote), "get" (of redis, after "set"), "set", "set-event" (of about as many bytes as an event in mrd's journal), "pcr-read", "pcr-extend" (of swtpm: SHA-384, PCR 16).
std::optional<Operation> operation_of(std::string_view name);

// Calls that are sent together, each with a nonce that none had before where the operation has one.
class Batch {
public:
    Batch(const Operation &operation, std::size_t calls);

    // Views into this, until the next one.
    std::string_view next() { return next(calls_); }
    std::string_view next(std::size_t calls);  // at most as many as above

private:
    std::size_t calls_;
    std::size_t request_size_;
    std::optional<std::size_t> nonce_at_;
    std::uint64_t nonce_ = 0;
    std::string requests_;
};

// Finds the ends of replies in a byte stream. Of mrd every reply's beginning is looked at, of the others that of each piece received.
class ReplyCounter {
public:
    explicit ReplyCounter(Protocol protocol) : protocol_(protocol) {}

    // The number of replies that these bytes complete. Ends the program at a reply that is an error.
    std::size_t count(std::string_view bytes);

private:
    std::size_t count_varlink(std::string_view bytes);

    Protocol protocol_;
    std::string beginning_;    // varlink: of the reply that has begun, as much as tells an error
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

// So many of a hundred are at most that. Precondition: there is one; their order changes.
std::int64_t percentile(std::vector<std::int64_t> &values, std::size_t percent);

// Pins a process with all its threads; 0 is this one.
void pin(pid_t process, int cpu);

// CPU time of all threads of a process so far.
std::int64_t cpu_ns(pid_t process);

}  // namespace bench
