#include "tests/faults/kill_points.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

#include "mrd/journal/format.h"
#include "tests/faults/wrapped_provider.h"

namespace mrd::faults {

Killer::Killer(std::string_view plan) : name_(plan.substr(0, plan.find('@'))) {
    if (const auto at = plan.find('@'); at != std::string_view::npos)
        std::from_chars(plan.data() + at + 1, plan.data() + plan.size(), passes_);
}

void Killer::reached(std::string_view point) {
    if (point == name_ && ++passed_ == passes_) (void)std::raise(SIGKILL);
}

bool Killer::dies_next_at(std::string_view point) const { return point == name_ && passed_ + 1 == passes_; }

namespace {

class KilledProvider final : public WrappedProvider {
public:
    KilledProvider(std::unique_ptr<Provider> provider, Killer &killer) : WrappedProvider(std::move(provider)), killer_(killer) {}

private:
    std::expected<void, ProviderError> extend(RegisterIndex index, const mr::Digest &digest) override {
        killer_.reached("provider-begins");
        auto extended = WrappedProvider::extend(index, digest);
        killer_.reached("provider-ended");
        return extended;
    }

    Killer &killer_;
};

// Knows what is written by the record's head.
class KilledFile final : public journal::AppendFile {
public:
    KilledFile(std::unique_ptr<AppendFile> inner, Killer &killer, std::chrono::milliseconds read_takes)
        : inner_(std::move(inner)), killer_(killer), read_takes_(read_takes) {}

    Result<std::size_t> write(std::uint64_t offset, mr::ByteView bytes) override {
        const auto record = is_there(offset, bytes) ? std::nullopt : record_in(offset, bytes);
        if (record && std::holds_alternative<journal::Intent>(*record)) return write(offset, bytes, "intent");
        if (record && std::holds_alternative<journal::Settled>(*record)) {
            settled_ = true;
            return write(offset, bytes, "settled");
        }
        return inner_->write(offset, bytes);
    }
    Result<void> sync() override {
        const bool settled = settled_.exchange(false);
        if (settled) killer_.reached("sync-begins");
        auto synced = inner_->sync();
        if (settled) killer_.reached("sync-ended");
        return synced;
    }

    Result<void> allocate(std::uint64_t offset, std::uint64_t size) override { return inner_->allocate(offset, size); }
    Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> into) override {
        if (read_takes_.count() > 0) std::this_thread::sleep_for(read_takes_);
        return inner_->read(offset, into);
    }
    Result<std::uint64_t> size() override { return inner_->size(); }
    Result<bool> holds(const journal::Mark &mark) override { return inner_->holds(mark); }
    Result<std::uint64_t> size_at(const std::filesystem::path &path) override { return inner_->size_at(path); }

private:
    Result<std::size_t> write(std::uint64_t offset, mr::ByteView bytes, const std::string &what) {
        killer_.reached(what + "-begins");
        if (killer_.dies_next_at(what + "-torn")) (void)inner_->write(offset, bytes.first(bytes.size() / 2));
        killer_.reached(what + "-torn");
        auto written = inner_->write(offset, bytes);
        killer_.reached(what + "-written");
        return written;
    }

    // A start may write again what was not synced.
    bool is_there(std::uint64_t offset, mr::ByteView bytes) {
        mr::Bytes there(bytes.size());
        const auto count = inner_->read(offset, there);
        return count && *count == bytes.size() && std::ranges::equal(there, bytes);
    }
    static std::optional<journal::Record> record_in(std::uint64_t offset, mr::ByteView bytes) {
        if (bytes.size() < journal::record_head_size) return std::nullopt;
        const auto head = journal::decode_head(bytes, offset);
        if (!head || bytes.size() < head->record_size()) return std::nullopt;
        auto record = journal::decode_record(*head, bytes.first(head->record_size()));
        return record ? std::optional(std::move(*record)) : std::nullopt;
    }

    std::unique_ptr<AppendFile> inner_;
    Killer &killer_;
    std::chrono::milliseconds read_takes_;
    std::atomic<bool> settled_ = false;  // something, since the last sync
};

}  // namespace

OpenProvider with_kill_points(OpenProvider open, Killer &killer) {
    return [open = std::move(open), &killer](
               const ProviderConfig &provider,
               const ProviderSurroundings &surroundings) -> std::expected<std::unique_ptr<Provider>, std::string> {
        auto opened = open(provider, surroundings);
        if (!opened) return opened;
        return std::make_unique<KilledProvider>(std::move(*opened), killer);
    };
}

// Only around the journal itself: what is cut off its end is written elsewhere as it was.
journal::OpenFile with_kill_points(journal::OpenFile open, Killer &killer, std::chrono::milliseconds read_takes) {
    return [open = std::move(open), &killer, read_takes](
               const std::filesystem::path &path,
               journal::OpenMode mode) -> std::expected<std::unique_ptr<journal::AppendFile>, std::error_code> {
        auto opened = open(path, mode);
        const auto name = path.filename();
        if (!opened || (name != "journal" && name != "journal.new")) return opened;
        return std::make_unique<KilledFile>(std::move(*opened), killer, read_takes);
    };
}

}  // namespace mrd::faults
