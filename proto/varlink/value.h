// A parsed JSON document, read-only. It knows JSON as Varlink uses it: integers within int64, no NUL byte in a string.
//
// This is the seam to the parser: document.cpp fills the node table and is the only place that knows which library reads the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/varlink/limits.h"

namespace varlink {

class Document;

enum class Kind : std::uint8_t { null, boolean, integer, number, string, array, object };

// One value of a document; a view, valid until the document is parsed anew or destroyed.
class Value {
public:
    [[nodiscard]] Kind kind() const;
    [[nodiscard]] std::optional<bool> as_bool() const;
    [[nodiscard]] std::optional<std::int64_t> as_int() const;
    [[nodiscard]] std::optional<double> as_number() const;  // an integer too
    [[nodiscard]] std::optional<std::string_view> as_string() const;

    // Elements or members, in the order of the text; none for other kinds.
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::optional<Value> first() const;
    [[nodiscard]] std::optional<Value> next() const;

    // Of a member of an object.
    [[nodiscard]] std::string_view key() const;

    // The first member of that name.
    [[nodiscard]] std::optional<Value> find(std::string_view key) const;

    // The value as JSON text, compact, members in their order.
    [[nodiscard]] std::string to_json() const;

private:
    friend class Document;
    Value(const Document *document, std::uint32_t node) : document_(document), node_(node) {}

    const Document *document_;
    std::uint32_t node_;
};

struct ParseLimits {
    std::size_t values = max_values;
    std::size_t unusual = UINT32_MAX;  // bytes of a text with \u escapes, fractions, or what is not ASCII
};

class Document {
public:
    // False: not one JSON value in UTF-8, or over max_depth or the limits, or a string holds a NUL byte, or the text begins with a byte-order mark
    // (RFC 8259, section 8.1: none is sent; whoever reads files that people edit takes it off before). Memory of the last parse is used again.
    [[nodiscard]] bool parse(std::string_view text, const ParseLimits &limits = {});

    // Precondition: the last parse() returned true.
    [[nodiscard]] Value root() const { return {this, 0}; }

    // Gives back what an unusually long message made it allocate.
    void trim();

private:
    friend class Value;
    friend class DocumentBuilder;

    struct Text {
        std::uint32_t offset = 0;
        std::uint32_t size = 0;
    };
    struct Node {
        Kind kind = Kind::null;
        Text key;
        Text text;                 // string
        std::int64_t integer = 0;  // integer, boolean
        double number = 0;
        std::uint32_t size = 0;  // array, object
        std::uint32_t next = 0;  // 0: none, since the root is nobody's sibling
    };
    [[nodiscard]] std::string_view view(Text text) const { return std::string_view(text_).substr(text.offset, text.size); }

    std::vector<Node> nodes_;  // in the order of the text: the first child of node n is n + 1
    std::string text_;
};

}  // namespace varlink
