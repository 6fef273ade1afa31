#include "mrd/daemon/toml_table.h"

#include <algorithm>
#include <sstream>
#include <utility>
#include <vector>

namespace mrd {

namespace {

// A text, or one of a list's.
bool has_nul(const toml::node &node) {
    if (const auto *list = node.as_array()) return std::ranges::any_of(*list, [](const toml::node &element) { return has_nul(element); });
    return node.value_exact<std::string>().value_or("").contains('\0');
}

}  // namespace

bool is_configured_name(std::string_view name) {
    return !name.empty() && name.size() <= max_configured_name &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

std::string configured_name_rule() {
    return "must be 1 to " + std::to_string(max_configured_name) + " of the characters a to z, 0 to 9, _ and -";
}

void TomlTable::text(std::string name, std::string &out) {
    key(std::move(name), [&out](const toml::node &node) -> std::string {
        const auto value = node.value_exact<std::string>();
        if (!value) return "must be a text";
        if (value->empty()) return "must not be empty";
        out = *value;
        return {};
    });
}

void TomlTable::flag(std::string name, const std::function<void(bool)> &out) {
    key(std::move(name), [out](const toml::node &node) -> std::string {
        const auto value = node.value_exact<bool>();
        if (!value) return "must be true or false";
        out(*value);
        return {};
    });
}

void TomlTable::count(std::string name, std::size_t &out, std::int64_t least, std::int64_t most) {
    key(std::move(name), [&out, least, most](const toml::node &node) -> std::string {
        const auto value = node.value_exact<std::int64_t>();
        if (!value || *value < least || *value > most)
            return "must be a number from " + std::to_string(least) + " to " + std::to_string(most);
        out = static_cast<std::size_t>(*value);
        return {};
    });
}

void TomlTable::texts(std::string name, std::size_t most, std::function<std::string(const std::string &)> take, Needed needed) {
    key(std::move(name), [most, needed, take = std::move(take)](const toml::node &node) -> std::string {
        const auto *list = node.as_array();
        if (list == nullptr || list->empty() || list->size() > most)
            return "must be a list of 1 to " + std::to_string(most) + " texts" + (needed == Needed::no ? ", or left out" : "");
        std::vector<std::string> taken;
        for (const auto &element : *list) {
            auto value = element.value_exact<std::string>();
            if (!value) return "must be a list of texts";
            if (value->empty()) return "has an empty text";
            if (std::ranges::find(taken, *value) != taken.end()) return "has one twice: " + *value;
            if (auto wrong = take(*value); !wrong.empty()) return wrong;
            taken.push_back(std::move(*value));
        }
        return {};
    });
}

std::expected<void, std::string> TomlTable::read(const toml::table &table) const {
    for (const auto &[name, node] : table) {
        const auto reader = readers_.find(std::string(name.str()));
        if (reader == readers_.end()) {
            std::string known;
            for (const auto &[other, unused] : readers_) known += (known.empty() ? "" : ", ") + other;
            return fail(node, name.str(), "is not known here; known are: " + known);
        }
        if (has_nul(node)) return fail(node, name.str(), "has a NUL character: the system would take what is before it");
        if (const auto wrong = reader->second(node); !wrong.empty()) return fail(node, name.str(), wrong);
    }
    return {};
}

std::unexpected<std::string> TomlTable::fail(const toml::node &node, std::string_view name, const std::string &wrong) const {
    std::ostringstream out;
    out << file_ << ":" << node.source().begin.line << ": " << section_ << (section_.empty() ? "" : ".") << name << " " << wrong;
    return std::unexpected(out.str());
}

}  // namespace mrd
