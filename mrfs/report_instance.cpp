#include "mrfs/report_instance.h"

#include <algorithm>
#include <cerrno>
#include <utility>

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

std::uint64_t ReportInstance::commit(mr::ByteView inblob, std::uint64_t from) {
    inblob_.emplace(inblob.begin(), inblob.end());
    kept_.reset();
    if (from == 0 || from != generation_ || is_seen_) ++generation_;
    is_seen_ = false;
    return generation_;
}

std::expected<ReportInstance::Wanted, int> ReportInstance::wanted() {
    is_seen_ = true;
    Wanted wanted{.report_data = {}, .generation = generation_};
    if (!inblob_ || inblob_->size() != wanted.report_data.size()) return std::unexpected(EINVAL);
    std::ranges::copy(*inblob_, wanted.report_data.begin());
    return wanted;
}

std::optional<mr::Bytes> ReportInstance::kept(std::uint64_t generation, const Moment &now) const {
    if (!kept_ || generation != generation_ || kept_->moment != now) return std::nullopt;
    return kept_->quote;
}

void ReportInstance::made(std::uint64_t generation, const std::optional<Moment> &before, mr::Bytes quote) {
    if (generation != generation_) return;
    kept_.reset();
    if (before) kept_.emplace(Kept{.moment = *before, .quote = std::move(quote)});
}

}  // namespace mrfs
