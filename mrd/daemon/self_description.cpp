#include "mrd/daemon/self_description.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <tuple>

#include "mr/envelope.h"
#include "proto/varlink/fields.h"
#include "proto/varlink/file_descriptor.h"
#include "proto/varlink/message.h"

namespace mrd {

namespace {

using varlink::field;

struct DescriptionFields {
    std::string_view binary;
    std::optional<std::string_view> configuration;
    std::optional<std::string_view> reloaded;
    std::string_view access;
    std::vector<std::string> options;
    std::optional<std::map<std::string, std::string>> roles;
    static constexpr auto fields() {
        return std::tuple(field("binary", &DescriptionFields::binary), field("configuration", &DescriptionFields::configuration),
                          field("reloaded", &DescriptionFields::reloaded), field("access", &DescriptionFields::access),
                          field("options", &DescriptionFields::options), field("roles", &DescriptionFields::roles));
    }
};

struct RuleFields {
    std::string_view name;
    std::vector<std::int64_t> users;
    std::vector<std::int64_t> groups;
    std::vector<std::string> units;
    std::vector<std::string> listeners;
    std::vector<std::string> allow;
    std::vector<std::string> registers;
    std::vector<std::string> create_on;
    std::int64_t create_at_most = 0;
    std::vector<std::string> on_behalf_of;
    static constexpr auto fields() {
        return std::tuple(field("name", &RuleFields::name), field("users", &RuleFields::users), field("groups", &RuleFields::groups),
                          field("units", &RuleFields::units), field("listeners", &RuleFields::listeners),
                          field("allow", &RuleFields::allow), field("registers", &RuleFields::registers),
                          field("createOn", &RuleFields::create_on), field("createAtMost", &RuleFields::create_at_most),
                          field("onBehalfOf", &RuleFields::on_behalf_of));
    }
};

std::string digest_text(const mr::Digest &digest) {
    return mr::to_string(mr::ContentDigest{.algorithm = mr::HashAlgorithm::sha384, .value = digest});
}

}  // namespace

std::string SelfDescription::text() const {
    std::string text;
    varlink::write_json(
        text, DescriptionFields{binary, configuration, reloaded, access, options, roles.empty() ? std::nullopt : std::optional(roles)});
    return text;
}

std::expected<std::string, std::string> digest_of_running_program() {
    const auto fail = [](const std::string &why) { return std::unexpected("mrd's own program cannot be read: " + why); };
    const varlink::FileDescriptor program(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    if (program.get() < 0) return fail("/proc/self/exe: " + std::generic_category().message(errno));
    auto hasher = mr::Hasher::open(mr::HashAlgorithm::sha384);
    if (!hasher) return fail(hasher.error().message);
    std::array<std::uint8_t, 65536> buffer{};
    for (std::size_t size = 0;;) {
        const auto got = ::read(program.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail("/proc/self/exe: " + std::generic_category().message(errno));
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
        if (size > max_program_size) return fail("it has more than " + std::to_string(max_program_size) + " bytes");
        hasher->update(mr::ByteView(buffer.data(), static_cast<std::size_t>(got)));
    }
    return digest_text(hasher->finish());
}

std::string sha384_text(mr::ByteView bytes) { return digest_text(*mr::hash(mr::HashAlgorithm::sha384, bytes)); }

std::string access_text(const AccessRules &rules) {
    std::string text = "[";
    // Every member by name: one more does not build until it is measured.
    for (const auto &[name, users, groups, units, listeners, allow, registers, create_on, create_at_most, on_behalf_of] : rules.all()) {
        RuleFields fields{.name = name,
                          .users = {users.begin(), users.end()},
                          .groups = {groups.begin(), groups.end()},
                          .units = units,
                          .listeners = listeners,
                          .allow = {},
                          .registers = registers,
                          .create_on = create_on,
                          .create_at_most = static_cast<std::int64_t>(create_at_most),
                          .on_behalf_of = {}};
        for (const auto &range : on_behalf_of)
            fields.on_behalf_of.push_back(std::to_string(range.first) + (range.is_one() ? "" : "-" + std::to_string(range.last)));
        for (std::size_t i = 0; i < rights; ++i) {
            if (allow.has(static_cast<Right>(i))) fields.allow.emplace_back(right_names[i]);
        }
        if (text.size() > 1) text += ',';
        varlink::write_json(text, fields);
    }
    return text + "]";
}

}  // namespace mrd
