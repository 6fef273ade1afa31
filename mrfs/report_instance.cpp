#include "mrfs/report_instance.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "mrfs/option_text.h"

namespace mrfs {

std::expected<std::size_t, int> InblobBuffer::write(std::uint64_t offset, mr::ByteView bytes) {
    is_written_ = true;
    if (offset > max_inblob || bytes.size() > max_inblob - offset) return std::unexpected(EFBIG);
    const auto at = static_cast<std::size_t>(offset);
    if (bytes_.size() < at + bytes.size()) bytes_.resize(at + bytes.size());
    std::ranges::copy(bytes, bytes_.begin() + static_cast<std::ptrdiff_t>(at));
    return bytes.size();
}

void InblobBuffer::commit_to(ReportInstance &report) {
    if (std::exchange(is_written_, false)) committed_ = report.commit(bytes_, committed_);
}

void ReportInstance::count() {
    ++generation_;
    kept_.reset();
    is_seen_ = false;
}

std::uint64_t ReportInstance::commit(mr::ByteView inblob, std::uint64_t from) {
    inblob_.emplace(inblob.begin(), inblob.end());
    if (from != 0 && from == generation_ && !is_seen_) --generation_;
    count();
    return generation_;
}

std::expected<void, int> ReportInstance::set(ReportOption option, std::string_view text) {
    switch (option) {
    case ReportOption::privlevel: {
        const auto level = number_of_option(text);
        if (!level) return std::unexpected(level.error());
        if (*level < maker_.privlevel_floor || *level > max_privlevel) return std::unexpected(EINVAL);
        options_.privilege_level = *level;
        break;
    }
    case ReportOption::service_provider: options_.service_provider = name_of_option(text); break;
    case ReportOption::service_guid:
        options_.service_guid = guid_of_option(text);
        if (!options_.service_guid) {
            count();
            return std::unexpected(EINVAL);
        }
        break;
    case ReportOption::service_manifest_version: {
        const auto version = number_of_option(text);
        if (!version) return std::unexpected(version.error());
        options_.service_manifest_version = *version;
        break;
    }
    }
    count();
    return {};
}

// sev-guest asks for services where it has a provider of them, for one where it has a GUID, and for a level otherwise.
std::expected<mr::ReportOptions, int> ReportInstance::heeded_options() const {
    constexpr std::string_view service_module = "svsm";
    constexpr std::string_view no_guid = "00000000-0000-0000-0000-000000000000";
    mr::ReportOptions heeded;
    if (!maker_.driver->heeds_options) return heeded;
    if (!options_.service_provider) {
        heeded.privilege_level = options_.privilege_level;
        return heeded;
    }
    if (*options_.service_provider != service_module) return std::unexpected(EINVAL);
    heeded.service_provider = options_.service_provider;
    if (!options_.service_guid || *options_.service_guid == no_guid) return heeded;
    heeded.service_guid = options_.service_guid;
    heeded.service_manifest_version = options_.service_manifest_version;
    return heeded;
}

std::expected<ReportInstance::Wanted, int> ReportInstance::wanted() {
    is_seen_ = true;
    Wanted wanted{.report_data = {}, .options = {}, .generation = generation_};
    if (!inblob_ || inblob_->size() < maker_.driver->least_inblob) return std::unexpected(EINVAL);
    std::ranges::copy(*inblob_, wanted.report_data.begin());
    auto options = heeded_options();
    if (!options) return std::unexpected(options.error());
    wanted.options = std::move(*options);
    return wanted;
}

std::optional<ReportBlobs> ReportInstance::kept(std::uint64_t generation, const Moment &now) const {
    if (!kept_ || generation != generation_ || kept_->moment != now) return std::nullopt;
    return kept_->blobs;
}

ReportBlobs ReportInstance::made(std::uint64_t generation, const std::optional<Moment> &before, ReportBlobs blobs) {
    if (generation != generation_) return blobs;
    if (before && kept_ && kept_->moment == *before) return kept_->blobs;
    kept_.reset();
    if (before) kept_.emplace(Kept{.moment = *before, .blobs = blobs});
    return blobs;
}

}  // namespace mrfs
