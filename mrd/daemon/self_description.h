// What mrd is, as it measures itself: which program, by which configuration, under which access rules. A value, made before anybody is served.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mrd/access/rules.h"

namespace mrd {

// Each digest is SHA-384, whatever the register's hash: "sha384:HEX".
struct SelfDescription {
    std::string binary = {};                        // of the executable as it runs
    std::optional<std::string> configuration = {};  // of the file's bytes that were parsed at the start; nothing: there was no file
    std::optional<std::string> reloaded = {};       // of those that were parsed since, of which the access rules and log.audit hold
    std::string access =
        {};  // of the rules as they are judged, which the system's tables of users and groups have gone into: access_text()
    std::vector<std::string> options = {};  // of the command line, as they were given
    // Which the configuration gives, or takes away ("none"), as of the start: those that it leaves out are the program's.
    std::map<std::string, std::string> roles = {};

    // What the event holds: one JSON object with these members, without blanks.
    [[nodiscard]] std::string text() const;
};

// Bytes of the running program; a build with sanitizers has some hundred MiB.
inline constexpr std::size_t max_program_size = std::size_t{1} << 30;

// Of the executable as it runs, read through the kernel's link to it: what a path leads to may have been replaced. Before mrd is confined. Error: a sentence.
std::expected<std::string, std::string> digest_of_running_program();

std::string sha384_text(mr::ByteView bytes);

// The rules in their order, mrd's own first, with users and groups as numbers: one JSON array without blanks.
std::string access_text(const AccessRules &rules);

}  // namespace mrd
