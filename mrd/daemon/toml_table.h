// Reads one table of the configuration: each known key has a reader, every other key is an error.
#pragma once

#include <toml++/toml.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace mrd {

class TomlTable {
public:
    TomlTable(std::string_view file, std::string section) : file_(file), section_(std::move(section)) {}

    // The reader returns what is wrong with the value, or nothing.
    void key(std::string name, std::function<std::string(const toml::node &)> reader) {
        readers_.emplace(std::move(name), std::move(reader));
    }

    void text(std::string name, std::string &out);
    void flag(std::string name, const std::function<void(bool)> &out);
    void count(std::string name, std::size_t &out, std::int64_t least, std::int64_t most);
    // At least one text, and each of them once. `take` returns what is wrong with one, or nothing.
    enum class Needed : bool { no, yes };
    void texts(std::string name, std::size_t most, std::function<std::string(const std::string &)> take, Needed needed = Needed::no);

    // No text has a NUL character, whatever its reader would say.
    [[nodiscard]] std::expected<void, std::string> read(const toml::table &table) const;
    [[nodiscard]] std::unexpected<std::string> fail(const toml::node &node, std::string_view name, const std::string &wrong) const;

private:
    std::string_view file_;
    std::string section_;
    std::map<std::string, std::function<std::string(const toml::node &)>> readers_;
};

inline constexpr std::size_t max_configured_name = 64;  // bytes of the name of a listener, a provider or an access rule

// A provider's name becomes a part of register names, of each record of the log and of a file's name; a listener's is passed by the service manager in one text
// with the others', with colons between them; an access rule's stands in the log.
bool is_configured_name(std::string_view name);
std::string configured_name_rule();

}  // namespace mrd
