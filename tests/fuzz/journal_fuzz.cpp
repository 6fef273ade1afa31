// Any bytes as a journal, with the checksums they have or, where the first byte is odd, with right ones, so that more than the checksums is tried: it is opened, goes on or is damaged, takes an extend and is read to its end. What it says is never contradicted by its own
// records, and what it wrote it reads again.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mr/envelope.h"
#include "mrd/crc32c.h"
#include "mrd/journal/cursor.h"
#include "mrd/journal/journal.h"
#include "mrd/log.h"
#include "proto/varlink/file_descriptor.h"

namespace {

using namespace mrd::journal;

void require(bool holds) {
    if (!holds) std::abort();
}

class MemoryFile final : public AppendFile {
public:
    explicit MemoryFile(std::shared_ptr<mr::Bytes> bytes) : bytes_(std::move(bytes)) {}
    Result<std::size_t> write(std::uint64_t offset, mr::ByteView bytes) override {
        if (bytes_->size() < offset + bytes.size()) bytes_->resize(offset + bytes.size());
        std::ranges::copy(bytes, bytes_->begin() + static_cast<std::ptrdiff_t>(offset));
        return bytes.size();
    }
    Result<void> allocate(std::uint64_t offset, std::uint64_t size) override {
        bytes_->resize(std::max<std::size_t>(bytes_->size(), offset + size));
        return {};
    }
    Result<void> sync() override { return {}; }
    Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> into) override {
        const auto rest = mr::ByteView(*bytes_).subspan(std::min<std::size_t>(offset, bytes_->size()));
        const auto found = rest.first(std::min(rest.size(), into.size()));
        std::ranges::copy(found, into.begin());
        return found.size();
    }
    Result<std::uint64_t> size() override { return bytes_->size(); }
    Result<bool> holds(const Mark &mark) override {
        std::array<std::uint8_t, Mark::size> found{};
        return read(mark.offset, found) == found.size() && found == mark.bytes;
    }

private:
    std::shared_ptr<mr::Bytes> bytes_;
};

// Makes the checksums of everything right that has the shape of a record.
void cap(mr::Bytes &file) {
    const auto put = [&file](std::size_t at, std::uint32_t value) {
        for (std::size_t i = 0; i < 4; ++i) file[at + i] = static_cast<std::uint8_t>(value >> 8 * i);
    };
    if (file.size() < file_header_size) return;
    put(12, mrd::crc32c(mr::ByteView(file).first(12)));
    for (std::size_t at = first_slot; at < file_header_size; at += slot_size)
        put(at + slot_size - 4, mrd::crc32c(mr::ByteView(file).subspan(at, slot_size - 4)));
    for (std::size_t at = file_header_size; file.size() - at >= record_head_size;) {
        Head head;
        for (std::size_t i = 0; i < 4; ++i) head.body_size |= std::uint32_t{file[at + i]} << 8 * i;
        if (head.body_size == 0 || head.record_size() > file.size() - at) return;
        put(at + 8, mrd::crc32c(mr::ByteView(file).subspan(at + record_head_size, head.body_size)));
        mr::Bytes position(8);
        for (std::size_t i = 0; i < 8; ++i) position[i] = static_cast<std::uint8_t>(std::uint64_t{at} >> 8 * i);
        put(at + 12, mrd::crc32c(position, mrd::crc32c(mr::ByteView(file).subspan(at, 12))));
        at += head.record_size();
    }
}

// What the events of the log make of each register's initial value: by name and bank.
using Values = std::map<std::pair<std::string, mr::HashAlgorithm>, mr::Digest>;
Values replay(const Journal &journal) {
    Values values;
    for (const auto &reg : journal.state().registers()) values.emplace(std::pair(reg.name, reg.algorithm), reg.initial);
    Cursor cursor(*journal.file(), journal.end());
    mr::Event event;
    std::uint64_t sequence = 0;
    for (;;) {
        const auto step = cursor.next(event, 5);
        require(step.has_value());
        if (*step == Cursor::Step::end) break;
        if (*step == Cursor::Step::busy) continue;
        require(event.sequence == ++sequence);
        if (!mr::is_measured(event)) continue;
        for (const auto &digest : event.digests) {
            const auto algorithm = mr::hash_algorithm_from_tcg(digest.algorithm_id);
            if (!algorithm) continue;
            const auto found = values.find(std::pair(std::string(event.name), *algorithm));
            if (found == values.end()) continue;
            if (event.origin == mr::EventOrigin::resync) found->second = mr::Digest(*mr::decode_envelope(*event.data)->body.found);
            const auto extended = mr::extend(*algorithm, found->second.bytes(), digest.value);
            require(extended.has_value());
            found->second = *extended;
        }
    }
    require(sequence == journal.state().sequence());
    return values;
}

void require_consistent(const Journal &journal) {
    const auto values = replay(journal);
    for (const auto &reg : journal.state().registers()) {
        // What hardware of this name begins with is known, and not what a record says.
        const bool is_replayed = journal.state().has_firmware_log(reg.provider);
        const bool is_dynamic = mr::common_name(reg.name).starts_with("pcr1") || mr::common_name(reg.name).starts_with("pcr2");
        if (is_replayed && (is_dynamic || reg.initial != mr::Digest::zero(reg.algorithm))) continue;
        require(values.at({reg.name, reg.algorithm}) == reg.logged);
    }
}

// One folder for all inputs: the names of its files are real, the bytes are not.
const std::filesystem::path &folder() {
    static const std::filesystem::path path = [] {
        auto name = (std::filesystem::temp_directory_path() / "mrd-journal-fuzz-XXXXXX").string();
        require(::mkdtemp(name.data()) != nullptr);
        std::atexit([] { std::filesystem::remove_all(folder()); });
        return std::filesystem::path(name);
    }();
    return path;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    [[maybe_unused]] static const bool quiet = mrd::log::set_level("error");
    if (size == 0) return 0;
    const auto file = std::make_shared<mr::Bytes>(data + 1, data + size);
    if (data[0] % 2 == 1) cap(*file);
    const auto place = folder() / "journal";
    const varlink::FileDescriptor name(::open(place.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    auto current = file;
    std::shared_ptr<mr::Bytes> new_journal;
    Options options;
    options.folder = folder();
    options.boot_id = "boot 1";
    options.size_limit = std::uint64_t{16} << 10U;  // small, for each byte of the file is looked at
    options.checkpoint_interval = 512;
    options.open_file = [&](const std::filesystem::path &path,
                            OpenMode mode) -> std::expected<std::unique_ptr<AppendFile>, std::error_code> {
        if (mode == OpenMode::existing) return std::make_unique<MemoryFile>(current);
        const varlink::FileDescriptor created(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
        require(static_cast<bool>(created));
        const auto bytes = std::make_shared<mr::Bytes>();
        if (path.filename() == "journal.new") new_journal = bytes;
        return std::make_unique<MemoryFile>(bytes);
    };

    boost::asio::io_context loop;
    auto journal = Journal::open(loop, options);
    require(journal.has_value());
    // The hardware has what the log says, so that it goes on; the corpus's journals are of "sim/r0".
    constexpr auto algorithm = mr::HashAlgorithm::sha384;
    const auto zero = mr::Digest::zero(algorithm);
    std::vector<Present> registers{{"sim", "r0", algorithm, zero, zero}};
    if (const auto number = (*journal)->state().find("sim", "r0", algorithm))
        registers[0].value = (*journal)->state().registers()[*number].logged;
    bool was_damaged = (*journal)->condition() == Journal::Condition::damaged;
    const bool started = (*journal)->start(registers, {}).has_value();
    if (started && !was_damaged) {
        // A checkpoint was believed until what stands before it is read.
        loop.run();
        require((*journal)->is_checked());
        if ((*journal)->condition() == Journal::Condition::damaged) {
            (void)(*journal)->repair(registers);
            was_damaged = false;
        }
    }
    if (started && was_damaged && (*journal)->condition() == Journal::Condition::damaged) {
        if ((*journal)->state().checkpoints() == 0) require_consistent(**journal);  // else it was believed, and the rest is not read yet
        const Target none;
        require(!(*journal)->begin({.targets = std::span<const Target>(&none, 1)}));
        (void)(*journal)->repair(registers);
    }
    if (started && (*journal)->condition() == Journal::Condition::good) {
        require_consistent(**journal);
        const auto number = (*journal)->state().find("sim", "r0", algorithm);
        require(number.has_value());
        // start() has settled what was open.
        const auto &open = (*journal)->state().open();
        require(std::ranges::none_of(open, [&](const OpenIntent &intent) { return intent.target(*number) != nullptr; }));
        const mr::EventCaller caller;
        const auto before = (*journal)->state().registers()[*number].logged;
        const Target target{*number, before, *mr::extend(algorithm, before.bytes(), zero.bytes()), zero};
        const NewEvent event{.targets = {&target, 1}, .caller = &caller};
        const auto sequence = (*journal)->state().sequence();
        if (const auto intent = (*journal)->begin(event)) {
            require((*journal)->settle(*intent, Outcome::done) == sequence + 1);
            require((*journal)->state().registers()[*number].logged == target.after);
            require_consistent(**journal);
            // A mrd that starts now finds the same.
            // (An old one without an event is not kept when a new one begins.)
            if (new_journal) current = new_journal;
            auto again = Journal::open(loop, options);
            require(again && (*again)->condition() == Journal::Condition::good);
            require((*again)->state().sequence() == sequence + 1);
            require((*again)->state().find("sim", "r0", algorithm) == number);
        }
    }
    for (const auto &entry : std::filesystem::directory_iterator(folder())) std::filesystem::remove(entry.path());
    return 0;
}
