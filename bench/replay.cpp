// Replay of a long event log, each part beside the least that it can cost: one hash for each event.
//
// Usage: bench_replay make LOG EVENTS      writes a TCG log for tpm2_eventlog and for the following
//        bench_replay measure LOG FOLDER   a line for each part: CPU ns for each event, and p50 and p99 in ns of the time of one, over events_at_once each; FOLDER is
//                                          an mrd's state directory with its journal
//
//     limit           one Hasher::extend for each event of LOG
//     limit-bindings  the same, and the hash of as many bytes as an event of LOG has data
//     replay          EventLogReader and Replay
//     bindings        the same, and the data's digest recomputed for each event
//     journal         what Journal::open does, and the check behind a start: reads the file, checks each record's checksum and each extend, and knows the state at
//                     its end. CPU ns of all in one; p50 and p99 of the steps that the check takes, over the events of each
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
#include <utility>
#include <vector>

#include "bench/peers.h"
#include "mr/digest.h"
#include "mr/event_content.h"
#include "mr/event_log.h"
#include "mrd/journal/append_file.h"
#include "mrd/journal/journal.h"
#include "mrd/journal/proof.h"

namespace {

using bench::die;

constexpr int measuring_cpu = 1;
constexpr std::uint32_t registers = 4;
constexpr std::uint32_t ev_compact_hash = 0xC;  // of any data, for every reader: the digest is its hash
// The most that one block of SHA-384 takes: hashing the data then costs what an extend does, which is what the target for data's digests is of.
constexpr std::size_t data_size = 128 - 1 - 16;

// So many that looking at the clock costs nothing.
constexpr std::uint64_t events_at_once = 1000;

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

// What an event takes, of those that passed between two looks at the clock.
class EventTimes {
public:
    void one_passed() {
        if (++passed_ == events_at_once) passed(std::exchange(passed_, 0));
    }
    void passed(std::uint64_t events) {
        const auto now = bench::now_ns();
        if (events > 0) picoseconds_.push_back((now - looked_) * 1000 / static_cast<std::int64_t>(events));
        looked_ = now;
    }
    double percentile(std::size_t percent) {
        if (picoseconds_.empty()) die("too few events");
        return static_cast<double>(bench::percentile(picoseconds_, percent)) / 1000;
    }

private:
    std::uint64_t passed_ = 0;
    std::int64_t looked_ = bench::now_ns();
    std::vector<std::int64_t> picoseconds_;
};

void print(const char *part, std::int64_t cpu_ns, std::uint64_t events, EventTimes &times) {
    std::printf("%s %.1f %.1f %.1f\n", part, static_cast<double>(cpu_ns) / static_cast<double>(events), times.percentile(50),
                times.percentile(99));
}

void measure_limit(std::uint64_t events, bool with_bindings) {
    auto hasher = sha384();
    auto value = mr::Digest::zero(mr::HashAlgorithm::sha384);
    mr::Bytes data(data_size);
    const auto begun = cpu_now_ns();
    EventTimes times;
    for (std::uint64_t i = 0; i < events; ++i) {
        auto digest = mr::ByteView(data).first(value.size());
        mr::Digest of_data;
        if (with_bindings) digest = (of_data = hasher.hash(data)).bytes();
        value = hasher.extend(value.bytes(), digest);
        data.front() = value.bytes().front();
        times.one_passed();
    }
    const auto taken = cpu_now_ns() - begun;
    if (value == mr::Digest::zero(mr::HashAlgorithm::sha384)) die("nothing was hashed");
    print(with_bindings ? "limit-bindings" : "limit", taken, events, times);
}

std::uint64_t measure_replay(mr::ByteView log, bool with_bindings) {
    const auto begun = cpu_now_ns();
    // Whose registers they are is said: else the reader looks for itself, in a pass of its own.
    auto reader = must(mr::EventLogReader::open(log, {.registers = mr::LogRegisters::rtmr, .format = {}}));
    mr::Replay replay;
    mr::Event event;
    std::uint64_t bound = 0;
    EventTimes times;
    for (;;) {
        const auto more = reader.next(event);
        if (!more) die(more.error().message);
        if (!*more) break;
        if (auto done = replay.apply(event); !done) die(done.error().message);
        if (with_bindings && mr::recompute_binding(event, event.digests.front()).binding == mr::Binding::bound) ++bound;
        times.one_passed();
    }
    const auto taken = cpu_now_ns() - begun;
    const auto events = replay.events();
    if (replay.registers().size() != registers || (with_bindings && bound != events)) die("the log is not what was written");
    print(with_bindings ? "bindings" : "replay", taken, events, times);
    return events;
}

void measure_journal(const std::filesystem::path &folder) {
    namespace journal = mrd::journal;
    const auto prove = [](journal::Proof &proof, std::uint64_t bytes) {
        const auto step = proof.step(bytes);
        if (step != journal::Proof::Step::end && step != journal::Proof::Step::more)
            die("the journal is not what was written: " + proof.what());
        return step == journal::Proof::Step::more;
    };
    const auto begun = cpu_now_ns();
    const auto file = must(journal::open_append_file(folder / "journal", journal::OpenMode::existing));
    const auto size = must(file->size());
    journal::Proof whole(*file, journal::State(), journal::file_header_size, size);
    whole.prove_extends_together();
    if (prove(whole, size)) die("the journal does not end");
    const auto taken = cpu_now_ns() - begun;
    const auto events = whole.state().sequence();
    if (events == 0) die("the journal has no events");

    journal::Proof in_steps(*file, journal::State(), journal::file_header_size, size);
    in_steps.prove_extends_together();
    EventTimes times;
    for (bool goes_on = true; goes_on;) {
        const auto before = in_steps.state().sequence();
        goes_on = prove(in_steps, journal::check_step);
        times.passed(in_steps.state().sequence() - before);
    }
    print("journal", taken, events, times);
}

int measure(const char *log_path, const char *folder) {
    bench::pin(0, measuring_cpu);
    const auto log = map(log_path);
    (void)sha384();  // OpenSSL's own start is no event's cost
    const auto events = measure_replay(log, false);
    measure_limit(events, false);
    (void)measure_replay(log, true);
    measure_limit(events, true);
    measure_journal(folder);
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
