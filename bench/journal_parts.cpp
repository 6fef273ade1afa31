// The parts of an extend that the journal adds, and of reading it at start.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "bench/parts.h"
#include "mr/digest.h"
#include "mrd/crc32c.h"
#include "mrd/journal/append_file.h"
#include "mrd/journal/format.h"
#include "mrd/journal/journal.h"
#include "mrd/journal/proof.h"
#include "mrd/journal/record_reader.h"
#include "mrd/journal/state.h"

namespace {

namespace journal = mrd::journal;
using bench::must;

const mr::Digest some_digest(std::array<std::uint8_t, 48>{1, 2, 3});
// Root: whose share of the journal is large enough for a benchmark.
const mr::EventCaller caller{.uid = 0, .gid = 0, .pid = 12345, .executable = "/usr/bin/some-client", .unit = "some-client.service"};

journal::Intent intent_of(std::uint64_t number, const mr::Digest &before, const mr::Digest &after) {
    return {.number = number,
            .type = mr::ev_ipl,
            .time = 1'700'000'000'000'000,
            .targets = {{0, before, after, some_digest}},
            .uid = caller.uid,
            .gid = caller.gid,
            .pid = caller.pid,
            .executable = *caller.executable,
            .unit = *caller.unit,
            .id = {},
            .description = {},
            .data = {}};
}
const journal::Record some_intent = intent_of(1, some_digest, some_digest);
const journal::Record some_settled = journal::Settled{.number = 1, .sequence = 1, .outcome = journal::Outcome::done};

const journal::Present present{.provider = "tdx",
                               .name = "rtmr3",
                               .initial = mr::Digest::zero(mr::HashAlgorithm::sha384),
                               .value = mr::Digest::zero(mr::HashAlgorithm::sha384)};

std::size_t size_of(const journal::Record &record) {
    mr::Bytes bytes;
    return journal::append_record(bytes, 0, record);
}

// A journal in memory, started with one register.
class Writer {
public:
    Writer() {
        if (!journal_->start({present}, {})) throw std::runtime_error("the journal does not start");
    }

    void extend() {
        const auto after = hasher_.extend(value_.bytes(), some_digest.bytes());
        const journal::Target target{0, value_, after, some_digest};
        const auto intent = journal_->begin({.targets = {&target, 1}, .type = mr::ev_ipl, .caller = &caller});
        if (!intent) throw std::runtime_error(journal::text_of(intent.error()));
        journal_->settle(*intent, journal::Outcome::done);
        value_ = after;
    }
    [[nodiscard]] const std::filesystem::path &folder() const { return folder_.path(); }

private:
    boost::asio::io_context loop_;
    bench::Folder folder_;
    std::unique_ptr<journal::Journal> journal_ =
        must(journal::Journal::open(loop_, {.folder = folder_.path(), .boot_id = "bench", .size_limit = bench::large_journal}));
    mr::Hasher hasher_ = must(mr::Hasher::open(mr::HashAlgorithm::sha384));
    mr::Digest value_ = present.value;
};

// ---- Writing

void journal_encode(benchmark::State &state, const journal::Record &record) {
    mr::Bytes bytes;
    for ([[maybe_unused]] auto _ : state) {
        bytes.clear();
        benchmark::DoNotOptimize(journal::append_record(bytes, 1 << 20, record));
    }
    state.counters["bytes"] = static_cast<double>(bytes.size());
}
BENCHMARK_CAPTURE(journal_encode, intent, some_intent);
BENCHMARK_CAPTURE(journal_encode, settled, some_settled);

// The least that encoding can be: its checksum, and a copy of its bytes.
void limit_journal_encode(benchmark::State &state, const journal::Record &record) {
    const mr::Bytes from(size_of(record));
    mr::Bytes to(from.size());
    for ([[maybe_unused]] auto _ : state) {
        std::memcpy(to.data(), from.data(), from.size());
        benchmark::DoNotOptimize(mrd::crc32c(to));
        benchmark::ClobberMemory();
    }
}
BENCHMARK_CAPTURE(limit_journal_encode, intent, some_intent);
BENCHMARK_CAPTURE(limit_journal_encode, settled, some_settled);

void journal_state(benchmark::State &state) {
    journal::State journalled;
    journalled.apply(journal::Boot{.boot_id = "bench"});
    journalled.apply(
        journal::Register{.initial = present.initial, .start = present.value, .provider = present.provider, .name = present.name});
    auto intent = intent_of(1, present.value, present.value);
    for ([[maybe_unused]] auto _ : state) {
        journalled.apply(intent);
        journalled.apply(journal::Settled{.number = intent.number, .sequence = intent.number, .outcome = journal::Outcome::done});
        ++intent.number;
    }
}
BENCHMARK(journal_state);

void journal_time(benchmark::State &state) {
    for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(std::chrono::system_clock::now());
}
BENCHMARK(journal_time);

// What the kernel takes for one record: a file in memory whose pages are not there yet, as the journal's.
void journal_write(benchmark::State &state, const journal::Record &record) {
    const bench::Folder folder;
    auto file = must(journal::open_append_file(folder.path() / "file", journal::OpenMode::new_file));
    const mr::Bytes bytes(size_of(record));
    std::uint64_t end = 0;
    std::uint64_t allocated = 0;
    for ([[maybe_unused]] auto _ : state) {
        if (end + bytes.size() > allocated) {
            if (!file->allocate(allocated, journal::allocation_step)) throw std::runtime_error("no space");
            allocated += journal::allocation_step;
        }
        if (!file->write(end, bytes)) throw std::runtime_error("no space");
        end += bytes.size();
    }
}
BENCHMARK_CAPTURE(journal_write, intent, some_intent)->Iterations(1'000'000);
BENCHMARK_CAPTURE(journal_write, settled, some_settled)->Iterations(1'000'000);

// What is left without system calls: a file in memory that is mapped, 16 MiB at a time.
void limit_journal_write_mapped(benchmark::State &state, const journal::Record &record) {
    constexpr std::size_t window = std::size_t{16} << 20U;
    const auto size = size_of(record);
    const mr::Bytes from(size);
    const auto map = [] {
        void *mapped = ::mmap(nullptr, window, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED) throw std::runtime_error("no memory");
        return static_cast<std::uint8_t *>(mapped);
    };
    auto *memory = map();
    std::size_t at = 0;
    for ([[maybe_unused]] auto _ : state) {
        if (at + size > window) {
            ::munmap(memory, window);
            memory = map();
            at = 0;
        }
        std::memcpy(memory + at, from.data(), size);
        at += size;
    }
    ::munmap(memory, window);
}
BENCHMARK_CAPTURE(limit_journal_write_mapped, intent, some_intent)->Iterations(1'000'000);
BENCHMARK_CAPTURE(limit_journal_write_mapped, settled, some_settled)->Iterations(1'000'000);

// All of it, and the SHA-384 that says what the register will hold.
void journal_begin_and_settle(benchmark::State &state) {
    Writer writer;
    for ([[maybe_unused]] auto _ : state) writer.extend();
}
BENCHMARK(journal_begin_and_settle)->Iterations(1'000'000);

// ---- Reading

// A journal of events, as it is read at start: for each event, an intent and what settles it.
class Events {
public:
    static constexpr std::uint64_t count = 100'000;

    Events() {
        for (std::uint64_t i = 0; i < count; ++i) writer_.extend();
        file_ = must(journal::open_append_file(folder() / "journal", journal::OpenMode::read_only));  // the writer holds the lock
        size_ = must(file_->size());
    }
    [[nodiscard]] const std::filesystem::path &folder() const { return writer_.folder(); }
    [[nodiscard]] journal::Proof proof() const { return {*file_, journal::State(), journal::file_header_size, size_}; }
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] journal::RecordReader reader() const { return {*file_, journal::file_header_size, size_}; }

private:
    Writer writer_;
    std::unique_ptr<journal::AppendFile> file_;
    std::uint64_t size_ = 0;
};

void per_event(benchmark::State &state) {
    state.counters["per_event"] =
        benchmark::Counter(static_cast<double>(Events::count), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void journal_read_records(benchmark::State &state) {
    const Events events;
    for ([[maybe_unused]] auto _ : state) {
        auto reader = events.reader();
        while (must(reader.next())) {
        }
    }
    per_event(state);
}
BENCHMARK(journal_read_records)->Unit(benchmark::kMillisecond);

void journal_read_and_decode(benchmark::State &state) {
    const Events events;
    for ([[maybe_unused]] auto _ : state) {
        auto reader = events.reader();
        for (;;) {
            const auto found = must(reader.next());
            if (!found) break;
            benchmark::DoNotOptimize(journal::decode_record(found->head, found->bytes));
        }
    }
    per_event(state);
}
BENCHMARK(journal_read_and_decode)->Unit(benchmark::kMillisecond);

// What the check behind a start does.
void journal_prove(benchmark::State &state) {
    const Events events;
    for ([[maybe_unused]] auto _ : state) {
        auto proof = events.proof();
        proof.prove_extends_together();
        if (proof.step(events.size()) != journal::Proof::Step::end) throw std::runtime_error("the journal is not what was written");
    }
    per_event(state);
}
BENCHMARK(journal_prove)->Unit(benchmark::kMillisecond);

}  // namespace
