#include "proto/varlink/owed_answers.h"

#include <utility>

#include "proto/varlink/limits.h"

namespace varlink {

std::uint64_t OwedAnswers::add(const Call &call) {
    // Instead of growing for ever: those that have gone stand at the front.
    if (first_ > 0 && entries_.size() == entries_.capacity()) {
        entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
    }
    entries_.push_back({.call = call});
    return ++last_;
}

OwedAnswers::Call *OwedAnswers::find(std::uint64_t number) {
    if (number > last_ || last_ - number >= size()) return nullptr;
    auto &entry = entries_[index_of(number)];
    return entry.is_answered ? nullptr : &entry.call;
}

void OwedAnswers::give_in_order(std::string &out) {
    for (; first_ < entries_.size() && entries_[first_].is_answered; ++first_) {
        const auto text = std::move(entries_[first_].text);
        kept_ -= text.size();
        out += text;
    }
    if (first_ < entries_.size()) return;
    entries_ = {};
    first_ = 0;
}

void OwedAnswers::give_up_from(std::uint64_t number) {
    const auto index = index_of(number);
    for (auto i = index; i < entries_.size(); ++i) kept_ -= entries_[i].text.size();
    last_ = number - 1;
    entries_.resize(index);
    if (first_ < entries_.size()) return;
    entries_ = {};
    first_ = 0;
}

void OwedAnswers::drop_texts() {
    for (auto &entry : entries_) entry.text = {};
    kept_ = 0;
}

std::size_t OwedAnswers::memory() const { return kept_ + size() * owed_answer_size; }

}  // namespace varlink
