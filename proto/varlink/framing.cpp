#include "proto/varlink/framing.h"

#include "proto/varlink/release.h"

namespace varlink {

std::optional<std::string_view> MessageSplitter::next() {
    if (overflowed_) return std::nullopt;
    if (kept_used_ < kept_.size()) {
        auto end = kept_.find('\0', kept_used_ + searched_);
        if (end == std::string::npos) {
            searched_ = kept_.size() - kept_used_;
            const auto in_fed = fed_.find('\0');
            const auto part = in_fed == std::string_view::npos ? fed_.size() : in_fed + 1;
            if (searched_ + (in_fed == std::string_view::npos ? part : in_fed) > max_message_) {
                overflowed_ = true;
                return std::nullopt;
            }
            if (in_fed == std::string_view::npos) return std::nullopt;
            if (kept_used_ > 0) {
                kept_.erase(0, kept_used_);
                kept_used_ = 0;
            }
            kept_.append(fed_.substr(0, part));
            fed_.remove_prefix(part);
            end = kept_.size() - 1;
        }
        const std::string_view message(kept_.data() + kept_used_, end - kept_used_);
        kept_used_ = end + 1;
        searched_ = 0;
        if (message.size() > max_message_) {
            overflowed_ = true;
            return std::nullopt;
        }
        return message;
    }
    const auto end = fed_.find('\0');
    if ((end == std::string_view::npos ? fed_.size() : end) > max_message_) {
        overflowed_ = true;
        return std::nullopt;
    }
    if (end == std::string_view::npos) return std::nullopt;
    const auto message = fed_.substr(0, end);
    fed_.remove_prefix(end + 1);
    return message;
}

void MessageSplitter::keep_rest() {
    if (overflowed_) {
        release(kept_);
        kept_used_ = 0;
    } else {
        // Not each time: thousands of short messages can wait here and be taken one by one.
        if (kept_used_ >= kept_.size() / 2) {
            kept_.erase(0, kept_used_);
            kept_used_ = 0;
        }
        kept_.append(fed_);
        // A long message leaves no memory behind.
        if (kept_.empty()) release(kept_);
    }
    fed_ = {};
}

}  // namespace varlink
