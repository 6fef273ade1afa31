// What joins the journal: registers, and the logs of what was extended before mrd came. Each log is one record, so that it is there whole or not at all.
#include <algorithm>

#include "mrd/journal/earlier_log.h"
#include "mrd/journal/journal.h"
#include "mrd/log.h"
#include "proto/varlink/release.h"

namespace mrd::journal {

namespace {

using Failure = std::unexpected<std::string>;

std::expected<mr::Bytes, std::string> read_whole(const OpenFile &open_file, const std::filesystem::path &path, std::size_t limit) {
    auto file = open_file(path, OpenMode::read_only);
    if (!file) return Failure(cannot("open", path, file.error()));
    mr::Bytes bytes;
    mr::Bytes piece(std::size_t{1} << 16U);
    for (;;) {
        const auto count = (*file)->read(bytes.size(), piece);
        if (!count) return Failure(cannot("read", path, count.error()));
        if (*count == 0) return bytes;
        bytes.insert(bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
        if (bytes.size() > limit) return Failure(path.string() + " has more than " + std::to_string(limit) + " bytes");
    }
}

void append_reason(std::string &reasons, const std::string &reason) {
    if (!reason.empty()) reasons.append(reasons.empty() ? "" : "; ").append(reason);
}

}  // namespace

std::expected<void, std::string> Journal::join(const std::vector<Present> &registers, const std::vector<LogFiles> &log_files) {
    if (condition_ == Condition::damaged) {
        log::error(reason_);
        return {};
    }
    settle_open(registers);  // first, while the room that is reserved for it is there
    auto added = add_registers(registers);
    for (const auto &files : log_files) {
        // One that comes later would find its part of the logs gone by.
        const auto is_missing = [&](const Present &present) {
            return present.provider == files.provider && !state_.find(present.provider, present.name, present.algorithm);
        };
        if (std::ranges::none_of(registers, is_missing)) explain(files);
    }
    return added;
}

// Without its logs the registers' start is unexplained, which is shown: nothing is hidden by going on.
void Journal::explain(const LogFiles &files) {
    std::string reasons = files.why_no_firmware;
    if (files.firmware && !state_.has_firmware_log(files.provider)) {
        if (auto taken = take_firmware_log(files.provider, *files.firmware); !taken)
            append_reason(reasons, "the firmware's log is not taken in: " + taken.error());
    }
    std::optional<EarlierLogs> earlier;
    if (!files.earlier.empty() && !state_.has_earlier_log(files.provider)) {
        const auto state = state_;  // as it is before
        earlier.emplace(state, files.provider);
        for (const auto &path : files.earlier) {
            auto bytes = read_whole(options_.open_file, path, max_earlier_log);
            const auto added = bytes ? earlier->add(path.string(), std::move(*bytes)) : std::unexpected(bytes.error());
            if (!added) append_reason(reasons, bytes ? path.string() + ": " + added.error() : added.error());
        }
        if (auto taken = take_earlier_log(files.provider, *earlier); !taken)
            append_reason(reasons, "the earlier logs are not taken in: " + taken.error());
        remember_unexplained(files.provider, reasons, &*earlier);
    } else {
        remember_unexplained(files.provider, reasons, nullptr);
    }
}

void Journal::remember_unexplained(std::string_view provider, const std::string &reasons, const EarlierLogs *earlier) {
    for (std::size_t number = 0; number < state_.registers().size(); ++number) {
        const auto &reg = state_.registers()[number];
        if (reg.provider != provider || reg.carrier) continue;
        const auto key = static_cast<RegisterNumber>(number);
        unexplained_.erase(key);
        if (!reg.start_is_unexplained()) continue;
        auto reason = reasons;
        if (earlier != nullptr) append_reason(reason, earlier->why_not(key));
        if (!reason.empty())
            log::warning("what a register held when mrd came is not explained", {{"register", reg.name}, {"reason", reason}});
        unexplained_.emplace(key, reason.empty() ? "no log that was taken in leads to what it held when mrd came" : std::move(reason));
    }
}

std::string_view Journal::why_unexplained(RegisterNumber reg) const {
    const auto found = unexplained_.find(reg);
    return found == unexplained_.end() ? std::string_view() : std::string_view(found->second);
}

std::expected<void, std::string> Journal::take_in(const Record &record) {
    auto appended = append(record);
    varlink::release(scratch_);  // the largest records that there are
    if (!appended) return Failure(text_of(appended.error()));
    return {};
}

std::expected<void, std::string> Journal::take_firmware_log(std::string_view provider, const std::filesystem::path &path) {
    if (!state_.takes_firmware_log(provider)) return Failure("the provider's registers have events already");
    const auto bytes = read_whole(options_.open_file, path, max_firmware_log);
    if (!bytes) return Failure(bytes.error());
    auto log = firmware_log_from(*bytes, provider);
    if (!log) return Failure(path.string() + ": " + log.error());
    log->sequence = state_.sequence() + 1;
    if (!names_registers(*log)) return Failure(path.string() + ": none of its events is of a register of " + std::string(provider));
    return take_in(*log);
}

std::expected<void, std::string> Journal::take_earlier_log(std::string_view provider, const EarlierLogs &logs) {
    const auto bytes = logs.chosen();
    if (!bytes) return Failure(bytes.error());
    if (bytes->empty()) return {};
    if (!state_.takes_earlier_log(provider)) return Failure("mrd had extended the provider's registers before they came");
    return take_in(EarlierLog{state_.sequence() + 1, provider, *bytes});
}

// Is any event of a register that the provider has? A TPM's log says nothing of RTMRs.
bool Journal::names_registers(const FirmwareLog &log) const {
    auto events = ImportedEvents::open(log);
    if (!events) return false;
    mr::Event event;
    bool is_empty = true;
    for (; events->next(event).value_or(false); is_empty = false) {
        if (!mr::is_measured(event)) continue;
        const auto name = event.name.substr(log.provider.size() + 1);
        for (const auto &digest : event.digests) {
            const auto algorithm = mr::hash_algorithm_from_tcg(digest.algorithm_id);
            if (algorithm && state_.find(log.provider, name, *algorithm)) return true;
        }
    }
    return is_empty;
}

}  // namespace mrd::journal
