// Text as Prometheus reads it (text format 0.0.4): prometheus.io/docs/instrumenting/exposition_formats.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace mrd {

class MetricsText {
public:
    using Label = std::pair<std::string_view, std::string_view>;  // its value may be anything
    using Labels = std::initializer_list<Label>;

    enum class Type : std::uint8_t { counter, gauge, histogram };

    // What is added next is of this metric, which has one sentence of help, in ASCII and one line.
    void begin(std::string_view name, Type type, std::string_view help);
    void add(Labels labels, double value) { add("", labels, value); }
    void add(double value) { add("", {}, value); }
    // "NAME_bucket", "NAME_sum", "NAME_count" of a histogram.
    void add(std::string_view suffix, Labels labels, double value);

    [[nodiscard]] const std::string &text() const { return text_; }

private:
    std::string name_;
    std::string text_;
};

}  // namespace mrd
