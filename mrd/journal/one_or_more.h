// A list of values of which there is nearly always one: that one needs no memory of its own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

namespace mrd::journal {

template <class Value>
class OneOrMore {
public:
    OneOrMore() = default;
    OneOrMore(std::initializer_list<Value> values) : OneOrMore(std::span<const Value>(values)) {}
    explicit OneOrMore(std::span<const Value> values) {
        for (const auto &value : values) add() = value;
    }

    // Another one at the end. Valid until the next.
    Value &add() {
        if (++size_ == 1) return one_;
        if (size_ == 2) more_.assign(1, one_);
        return more_.emplace_back();
    }

    void push_back(const Value &value) { add() = value; }

    [[nodiscard]] std::span<Value> all() { return size_ > 1 ? std::span<Value>(more_) : std::span(&one_, size_); }
    [[nodiscard]] std::span<const Value> all() const { return size_ > 1 ? std::span<const Value>(more_) : std::span(&one_, size_); }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] auto begin() { return all().begin(); }
    [[nodiscard]] auto end() { return all().end(); }
    [[nodiscard]] auto begin() const { return all().begin(); }
    [[nodiscard]] auto end() const { return all().end(); }
    // Precondition: there is one.
    [[nodiscard]] const Value &front() const { return all().front(); }

    [[nodiscard]] const Value &operator[](std::size_t index) const { return all()[index]; }

    friend bool operator==(const OneOrMore &one, const OneOrMore &other) { return std::ranges::equal(one.all(), other.all()); }

private:
    std::size_t size_ = 0;
    Value one_ = {};
    std::vector<Value> more_;  // all of them, where there are several
};

}  // namespace mrd::journal
