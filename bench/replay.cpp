// Replay of a long event log, each part beside the least that it can cost: one hash for each event.
//
// Usage: bench_replay make LOG EVENTS      writes a TCG log for tpm2_eventlog and for the following
//        bench_replay measure LOG FOLDER   CPU ns for each event, a line for each part; FOLDER is an mrd's state directory with its journal
//
//     limit           one Hasher::extend for each event of LOG
//     limit-bindings  the same, and the hash of as many bytes as an event of LOG has data
//     replay          EventLogReader and Replay
//     bindings        the same, and the data's digest recomputed for each event
//     journal         Journal::open: reads the file, checks each record's checksum and each extend, and knows the state at its end
//
// LOG is in memory and its pages are there before the clock starts; the journal's bytes are read from its file.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "bench/peers.h"
#include "mr/digest.h"
#include "mr/event_content.h"
#include "mr/event_log.h"
#include "mrd/journal/append_file.h"
#include "mrd/journal/proof.h"

namespace {

using bench::die;

constexpr int measuring_cpu = 1;
constexpr std::uint32_t registers = 4;
constexpr std::uint32_t ev_compact_hash = 0xC;  // of any data, for every reader: the digest is its hash
// The most that one block of SHA-384 takes: hashing the data then costs what an extend does, which is what the target for data's digests is of.
constexpr std::size_t data_size = 128 - 1 - 16;

template <class T, class Error>
T must(std::expected<T, Error> result) {
    if (!result) die("a part of the benchmark cannot be opened");
    return std::move(*result);
}

// Of this process: another one's work is none of ours.
std::int64_t cpu_now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

mr::Hasher sha384() { return must(mr::Hasher::open(mr::HashAlgorithm::sha384)); }

int make(const char *path, std::uint64_t events) {
    std::ofstream file(path, std::ios::binary);
    mr::Bytes bytes;
    const auto write = [&] {
        file.write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        bytes.clear();
    };
    const auto algorithm = mr::tcg_id(mr::HashAlgorithm::sha384);
    mr::append_tcg_header(
        bytes, {.algorithms = {{algorithm, static_cast<std::uint16_t>(mr::digest_size(mr::HashAlgorithm::sha384))}}, .vendor_info = {}});
    auto hasher = sha384();
    for (std::uint64_t i = 0; i < events; ++i) {
        auto text = "event " + std::to_string(i) + " ";
        text.resize(data_size, '.');
        const auto digest = hasher.hash(mr::as_bytes(text));
        mr::Event event;
        event.index = static_cast<std::uint32_t>(i % registers) + 1;
        event.type = ev_compact_hash;
        event.digests = {{algorithm, digest.bytes()}};
        event.data = mr::as_bytes(text);
        mr::append_tcg_event(bytes, event);
        write();
    }
    if (!file.flush()) die("cannot write the log");
    return 0;
}

// A file in memory, all of it.
mr::ByteView map(const char *path) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    struct stat status{};
    if (fd < 0 || ::fstat(fd, &status) != 0) die("cannot open the log");
    const auto size = static_cast<std::size_t>(status.st_size);
    void *address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (address == MAP_FAILED) die("cannot map the log");
    ::close(fd);
    const mr::ByteView bytes(static_cast<const std::uint8_t *>(address), size);
    // MAP_POPULATE is a wish: what is timed is to find each page there.
    constexpr std::size_t page = 4096;
    volatile std::uint8_t seen = 0;
    for (std::size_t at = 0; at < size; at += page) seen = bytes[at];
    (void)seen;
    return bytes;
}

void print(const char *part, std::int64_t ns, std::uint64_t events) {
    std::printf("%s %.1f\n", part, static_cast<double>(ns) / static_cast<double>(events));
}

void measure_limit(std::uint64_t events, bool with_bindings) {
    auto hasher = sha384();
    auto value = mr::Digest::zero(mr::HashAlgorithm::sha384);
    mr::Bytes data(data_size);
    const auto begun = cpu_now_ns();
    for (std::uint64_t i = 0; i < events; ++i) {
        auto digest = mr::ByteView(data).first(value.size());
        mr::Digest of_data;
        if (with_bindings) digest = (of_data = hasher.hash(data)).bytes();
        value = hasher.extend(value.bytes(), digest);
        data.front() = value.bytes().front();
    }
    const auto taken = cpu_now_ns() - begun;
    if (value == mr::Digest::zero(mr::HashAlgorithm::sha384)) die("nothing was hashed");
    print(with_bindings ? "limit-bindings" : "limit", taken, events);
}

std::uint64_t measure_replay(mr::ByteView log, bool with_bindings) {
    const auto begun = cpu_now_ns();
    // Whose registers they are is said: else the reader looks for itself, in a pass of its own.
    auto reader = must(mr::EventLogReader::open(log, {.registers = mr::LogRegisters::rtmr, .format = {}}));
    mr::Replay replay;
    mr::Event event;
    std::uint64_t bound = 0;
    for (;;) {
        const auto more = reader.next(event);
        if (!more) die(more.error().message);
        if (!*more) break;
        if (auto done = replay.apply(event); !done) die(done.error().message);
        if (with_bindings && mr::recompute_binding(event, event.digests.front()).binding == mr::Binding::bound) ++bound;
    }
    const auto taken = cpu_now_ns() - begun;
    const auto events = replay.events();
    if (replay.registers().size() != registers || (with_bindings && bound != events)) die("the log is not what was written");
    print(with_bindings ? "bindings" : "replay", taken, events);
    return events;
}

int measure(const char *log_path, const char *folder) {
    bench::pin(0, measuring_cpu);
    const auto log = map(log_path);
    (void)sha384();  // OpenSSL's own start is no event's cost
    const auto events = measure_replay(log, false);
    measure_limit(events, false);
    (void)measure_replay(log, true);
    measure_limit(events, true);

    // All of it, as the check behind a start reads it.
    namespace journal = mrd::journal;
    const auto begun = cpu_now_ns();
    const auto file = must(journal::open_append_file(std::filesystem::path(folder) / "journal", journal::OpenMode::existing));
    const auto size = must(file->size());
    journal::Proof proof(*file, journal::State(), journal::file_header_size, size);
    proof.prove_extends_together();
    if (proof.step(size) != journal::Proof::Step::end) die("the journal is not what was written: " + proof.what());
    const auto taken = cpu_now_ns() - begun;
    const auto journalled = proof.state().sequence();
    if (journalled == 0) die("the journal has no events");
    print("journal", taken, journalled);
    return 0;
}

}  // namespace

int main(int argc, char **argv) {
    const std::string_view what = argc == 4 ? argv[1] : "";
    if (what == "make") {
        const std::string_view text = argv[3];
        std::uint64_t events = 0;
        if (std::from_chars(text.data(), text.data() + text.size(), events).ec != std::errc()) die("not a number");
        return make(argv[2], events);
    }
    if (what == "measure") return measure(argv[2], argv[3]);
    die("usage: bench_replay make|measure ...");
}
