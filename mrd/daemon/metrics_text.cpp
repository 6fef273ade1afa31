#include "mrd/daemon/metrics_text.h"

#include <array>
#include <charconv>

namespace mrd {

namespace {

std::string_view type_name(MetricsText::Type type) {
    switch (type) {
    case MetricsText::Type::counter: return "counter";
    case MetricsText::Type::gauge: return "gauge";
    case MetricsText::Type::histogram: return "histogram";
    }
    return "untyped";
}

void add_escaped(std::string &text, std::string_view value) {
    for (const char c : value) {
        switch (c) {
        case '\\': text += "\\\\"; break;
        case '"': text += "\\\""; break;
        case '\n': text += "\\n"; break;
        default: text += c;
        }
    }
}

}  // namespace

void MetricsText::begin(std::string_view name, Type type, std::string_view help) {
    name_ = name;
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
    text_.append("# TYPE ").append(name).append(" ").append(type_name(type)).append("\n");
}

void MetricsText::add(std::string_view suffix, Labels labels, double value) {
    text_.append(name_).append(suffix);
    for (const auto &[name, label] : labels) {
        text_.append(&label == &labels.begin()->second ? "{" : ",").append(name).append("=\"");
        add_escaped(text_, label);
        text_ += '"';
    }
    if (labels.size() > 0) text_ += '}';
    std::array<char, 32> number{};
    const auto end = std::to_chars(number.data(), number.data() + number.size(), value);
    text_.append(" ").append(number.data(), end.ptr).append("\n");
}

}  // namespace mrd
