#include "proto/varlink/json_fault.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "proto/varlink/json_writer.h"
#include "proto/varlink/limits.h"
#include "proto/varlink/plain_json.h"
#include "proto/varlink/release.h"
#include "proto/varlink/value.h"

namespace varlink {

// Receives the parsers' events and fills the document. Returning false ends the parse.
class DocumentBuilder {
public:
    using number_integer_t = nlohmann::json::number_integer_t;
    using number_unsigned_t = nlohmann::json::number_unsigned_t;
    using number_float_t = nlohmann::json::number_float_t;
    using string_t = nlohmann::json::string_t;
    using binary_t = nlohmann::json::binary_t;

    DocumentBuilder(Document &document, std::size_t most_values) : document_(document), most_values_(most_values) {}

    bool null() { return add(Kind::null) != nullptr; }
    bool boolean(bool value) { return add_integer(Kind::boolean, value ? 1 : 0); }
    bool number_integer(number_integer_t value) { return add_integer(Kind::integer, value); }
    bool number_unsigned(number_unsigned_t value) {
        if (value <= static_cast<number_unsigned_t>(INT64_MAX)) return add_integer(Kind::integer, static_cast<std::int64_t>(value));
        return number_float(static_cast<double>(value), {});
    }
    bool number_float(number_float_t value, const string_t & /*text*/) {
        auto *node = add(Kind::number);
        if (node == nullptr) return false;
        node->number = value;
        return true;
    }
    bool integer(std::int64_t value) { return add_integer(Kind::integer, value); }
    bool string(string_t &value) { return value.find('\0') == std::string::npos && text(value); }
    // Precondition of text() and key(): no NUL byte.
    bool text(std::string_view value) {
        auto *node = add(Kind::string);
        if (node != nullptr) store(value, node->text);
        return node != nullptr;
    }
    bool binary(binary_t & /*value*/) { return false; }
    bool start_object(std::size_t /*elements*/) { return open(Kind::object); }
    bool start_array(std::size_t /*elements*/) { return open(Kind::array); }
    bool start_object() { return open(Kind::object); }
    bool start_array() { return open(Kind::array); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(string_t &value) { return value.find('\0') == std::string::npos && key(std::string_view(value)); }
    bool key(std::string_view value) {
        store(value, key_);
        return true;
    }
    bool parse_error(std::size_t /*position*/, const std::string & /*token*/, const nlohmann::detail::exception & /*error*/) {
        return false;
    }

private:
    struct Open {
        std::uint32_t node = 0;
        std::uint32_t last_child = 0;
    };

    Document::Node *add(Kind kind) {
        auto &nodes = document_.nodes_;
        if (nodes.size() >= most_values_) return nullptr;
        const auto index = static_cast<std::uint32_t>(nodes.size());
        if (depth_ > 0) {
            auto &parent = open_[depth_ - 1];
            if (parent.last_child != 0) nodes[parent.last_child].next = index;
            parent.last_child = index;
            ++nodes[parent.node].size;
        }
        auto &node = nodes.emplace_back();
        node.kind = kind;
        node.key = key_;
        key_ = {};
        return &node;
    }

    bool add_integer(Kind kind, std::int64_t value) {
        auto *node = add(kind);
        if (node == nullptr) return false;
        node->integer = value;
        return true;
    }

    bool open(Kind kind) {
        if (depth_ == max_depth || add(kind) == nullptr) return false;
        open_[depth_++] = {static_cast<std::uint32_t>(document_.nodes_.size() - 1), 0};
        return true;
    }

    bool close() {
        --depth_;
        return true;
    }

    void store(std::string_view value, Document::Text &text) {
        text = {static_cast<std::uint32_t>(document_.text_.size()), static_cast<std::uint32_t>(value.size())};
        document_.text_ += value;
    }

    Document &document_;
    std::size_t most_values_;
    Document::Text key_;
    std::array<Open, max_depth> open_{};
    std::size_t depth_ = 0;
};

bool Document::parse(std::string_view text, const ParseLimits &limits) {
    nodes_.clear();
    text_.clear();
    if (text.size() > UINT32_MAX) return false;
    DocumentBuilder plain(*this, limits.values);
    if (PlainJson<DocumentBuilder>::parse(text, plain)) return true;
    nodes_.clear();
    text_.clear();
    if (text.size() > limits.unusual) return false;
    // The parser takes a NUL byte for the end of the text, and passes over a byte-order mark.
    if (text.find('\0') != std::string_view::npos || text.starts_with("\xEF\xBB\xBF")) return false;
    DocumentBuilder builder(*this, limits.values);
    return nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
}

std::size_t json_fault_line(std::string_view text) {
    struct Fault : nlohmann::json_sax<nlohmann::json> {
        bool null() override { return true; }
        bool boolean(bool /*value*/) override { return true; }
        bool number_integer(number_integer_t /*value*/) override { return true; }
        bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
        bool number_float(number_float_t /*value*/, const string_t & /*text*/) override { return true; }
        bool string(string_t & /*value*/) override { return true; }
        bool binary(binary_t & /*value*/) override { return true; }
        bool start_object(std::size_t /*elements*/) override { return true; }
        bool key(string_t & /*value*/) override { return true; }
        bool end_object() override { return true; }
        bool start_array(std::size_t /*elements*/) override { return true; }
        bool end_array() override { return true; }
        bool parse_error(std::size_t position, const std::string & /*token*/, const nlohmann::detail::exception & /*error*/) override {
            at = position;
            return false;
        }
        std::size_t at = 0;
    } fault;
    if (nlohmann::json::sax_parse(text.begin(), text.end(), &fault)) return 0;
    return 1 + static_cast<std::size_t>(std::ranges::count(text.substr(0, fault.at), '\n'));
}

void Document::trim() {
    constexpr std::size_t kept = 64 * 1024;
    if (text_.capacity() > kept) release(text_);
    if (nodes_.capacity() * sizeof(Node) > kept) release(nodes_);
}

Kind Value::kind() const { return document_->nodes_[node_].kind; }

std::optional<bool> Value::as_bool() const {
    const auto &node = document_->nodes_[node_];
    return node.kind == Kind::boolean ? std::optional(node.integer != 0) : std::nullopt;
}

std::optional<std::int64_t> Value::as_int() const {
    const auto &node = document_->nodes_[node_];
    return node.kind == Kind::integer ? std::optional(node.integer) : std::nullopt;
}

std::optional<double> Value::as_number() const {
    const auto &node = document_->nodes_[node_];
    if (node.kind == Kind::integer) return static_cast<double>(node.integer);
    return node.kind == Kind::number ? std::optional(node.number) : std::nullopt;
}

std::optional<std::string_view> Value::as_string() const {
    const auto &node = document_->nodes_[node_];
    return node.kind == Kind::string ? std::optional(document_->view(node.text)) : std::nullopt;
}

std::size_t Value::size() const { return document_->nodes_[node_].size; }

std::optional<Value> Value::first() const { return size() == 0 ? std::nullopt : std::optional(Value(document_, node_ + 1)); }

std::optional<Value> Value::next() const {
    const auto next = document_->nodes_[node_].next;
    return next == 0 ? std::nullopt : std::optional(Value(document_, next));
}

std::string_view Value::key() const { return document_->view(document_->nodes_[node_].key); }

std::optional<Value> Value::find(std::string_view key) const {
    if (kind() != Kind::object) return std::nullopt;
    for (auto member = first(); member; member = member->next()) {
        if (member->key() == key) return member;
    }
    return std::nullopt;
}

std::string Value::to_json() const {
    const auto &node = document_->nodes_[node_];
    std::string text;
    switch (node.kind) {
    case Kind::null: text = "null"; break;
    case Kind::boolean: write_json(text, node.integer != 0); break;
    case Kind::integer: write_json(text, node.integer); break;
    case Kind::number: text = nlohmann::json(node.number).dump(); break;
    case Kind::string: write_json(text, document_->view(node.text)); break;
    case Kind::array:
    case Kind::object: {
        const bool is_object = node.kind == Kind::object;
        text += is_object ? '{' : '[';
        bool rest = false;
        for (auto child = first(); child; child = child->next()) {
            if (rest) text += ',';
            rest = true;
            if (is_object) {
                write_json(text, child->key());
                text += ':';
            }
            text += child->to_json();
        }
        text += is_object ? '}' : ']';
        break;
    }
    }
    return text;
}

}  // namespace varlink
