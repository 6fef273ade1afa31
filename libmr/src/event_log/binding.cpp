#include <algorithm>
#include <array>
#include <initializer_list>

#include "libmr/src/event_log/binding_rules.h"
#include "libmr/src/event_log/byte_reader.h"
#include "libmr/src/event_log/dstack_event.h"
#include "libmr/src/event_log/efi.h"
#include "libmr/src/event_log/loader_text.h"
#include "libmr/src/event_log/printable.h"
#include "libmr/src/event_log/tagged_event.h"
#include "libmr/src/event_log/thread_hasher.h"
#include "libmr/src/event_log/types.h"
#include "mr/envelope.h"
#include "mr/event_content.h"

namespace mr::event_log {
namespace {

// Tries one candidate after the other until one is what the digest was made of.
class Matcher {
public:
    Matcher(Hasher &hasher, ByteView digest) : hasher_(hasher), digest_(digest) {}

    // True if the search is over. The hash of nothing is the same everywhere: it binds nothing.
    bool is(BindingRule rule, ByteView covered) { return is(rule, covered, {covered}); }

    // The pieces, one after the other, are what was hashed; `covered` are those of the data.
    bool is(BindingRule rule, ByteView covered, std::initializer_list<ByteView> pieces) {
        return !covered.empty() && matches(rule, covered, pieces);
    }

    // The same where the pieces say something without the data.
    bool matches(BindingRule rule, ByteView covered, std::initializer_list<ByteView> pieces) {
        for (const ByteView piece : pieces) hasher_.update(piece);
        if (!std::ranges::equal(hasher_.finish().bytes(), digest_)) return false;
        found_ = {.binding = Binding::bound, .rule = rule.name(), .covered = covered};
        if (pieces.size() == 1 && pieces.begin()->data() == covered.data() && pieces.begin()->size() == covered.size()) return true;
        for (const ByteView piece : pieces) found_.whole.insert(found_.whole.end(), piece.begin(), piece.end());
        return true;
    }

    [[nodiscard]] const RecomputedBinding &found() const { return found_; }

private:
    Hasher &hasher_;
    ByteView digest_;
    RecomputedBinding found_;
};

void match_variable_boot(Matcher &matcher, ByteView data) {
    const auto variable = read_efi_variable(data);
    // EDK2's way first: the specification's is what physical machines' firmware does.
    if (variable && matcher.is("variable data", variable->data)) return;
    matcher.is("data", data);
}

void match_variable_authority(Matcher &matcher, ByteView data) {
    if (matcher.is("data", data)) return;
    // Old versions of shim (Debian 10 has one) logged a structure that was too long by some bytes, and hashed all but one of them.
    const auto variable = read_efi_variable(data);
    if (variable && !variable->surplus.empty()) matcher.is("data without its last byte", data.first(data.size() - 1));
}

void match_loader_utf16(Matcher &matcher, ByteView data) {
    constexpr std::array<std::uint8_t, 2> nul{};
    ByteView text = data.first(data.size() / 2 * 2);
    while (!text.empty() && text[text.size() - 2] == 0 && text.back() == 0) text = text.first(text.size() - 2);
    // Names of sections are ASCII and short: for them, and only for them, one more hash.
    constexpr std::size_t longest_section_name = 16;
    std::array<std::uint8_t, longest_section_name + 1> name{};
    const bool may_be_section = text.size() / 2 <= longest_section_name && text.size() >= 4 && text[0] == '.';
    if (matcher.is("data", data) || matcher.is("text with a NUL after it", text, {text, nul})) return;
    if (!may_be_section) {
        matcher.is("text without its NUL", text);
        return;
    }
    for (std::size_t i = 0; i < text.size(); i += 2) {
        if (text[i] >= 0x80 || text[i + 1] != 0) return;
        name.at(i / 2) = text[i];
    }
    matcher.is("text in ASCII with a NUL", text, {ByteView(name).first(text.size() / 2 + 1)});
}

void match_loader(Matcher &matcher, ByteView data) {
    if (const auto loader = read_loader_text(data)) {
        if (matcher.is("text without its prefix and NUL", loader->text)) return;
        if (loader->has_nul && !loader->text.empty() &&
            matcher.is("text without its prefix", {loader->text.data(), loader->text.size() + 1})) {
            return;
        }
    } else if (looks_like_utf16(data)) {
        match_loader_utf16(matcher, data);
        return;
    }
    matcher.is("data", data);
}

void match_tagged(Matcher &matcher, ByteView data) {
    if (matcher.is("data", data)) return;
    ByteReader reader(data);
    const auto event = read_tagged_event(reader);
    if (!event || !reader.rest().empty()) return;
    // Of these the tag is a part of what is said: who relabels other bytes with it must not find them bound.
    if (envelope_form(data) || event->tag == tag_attestation_agent) return;
    matcher.is("tagged content", event->content);
}

void match_platform_config(Matcher &matcher, ByteView data) {
    if (matcher.is("data", data)) return;
    ByteReader reader(data);
    reader.take(td_shim_name_size);
    const std::uint32_t size = reader.u32();
    if (reader.ok() && reader.rest().size() == size) matcher.is("configuration without header", reader.rest());
}

void match_dstack(Matcher &matcher, const Event &event, ByteView data) {
    constexpr std::array<std::uint8_t, 4> type = {0x01, 0x00, 0x00, 0x08};
    static_assert(ev_dstack == 0x08000001);
    if (!event.description || event.description->empty()) return;
    // Which rule a log names for an event is nothing that a register vouches for: no text is hashed by both.
    const ByteView name = as_bytes(*event.description);
    const ByteView colon = as_bytes(":");
    // With a colon in the name the same digest would stand for several names, each with a payload of its own.
    const bool is_plain = event.description->find(':') == std::string_view::npos;
    if (is_plain && matcher.matches(dstack_rule_1, data, {type, colon, name, colon, data})) return;
    matcher.matches(dstack_rule_2, data, {dstack_preimage_2(*event.description, data)});
}

// The candidates of the event's type, at most three hashes.
void match(Matcher &matcher, const Event &event) {
    // dstack logs an event without a payload as one without data; its name is bound all the same.
    const ByteView data = event.data.value_or(ByteView{});
    switch (event.type) {
    case ev_efi_variable_boot: return match_variable_boot(matcher, data);
    case ev_efi_variable_authority: return match_variable_authority(matcher, data);
    case ev_ipl: return match_loader(matcher, data);
    case ev_event_tag: return match_tagged(matcher, data);
    case ev_platform_config_flags: return match_platform_config(matcher, data);
    case ev_dstack: return match_dstack(matcher, event, data);
    default: matcher.is("data", data);
    }
}

}  // namespace
}  // namespace mr::event_log

namespace mr {

ByteView RecomputedBinding::hashed() const {
    const bool is_envelope = rule == event_log::envelope_rule || rule == event_log::redacted_envelope_rule;
    return !whole.empty() ? ByteView(whole) : is_envelope ? ByteView() : covered;
}

RecomputedBinding recompute_binding(const Event &event, const EventDigest &digest) {
    if (event.type == ev_no_action) return {};
    const auto algorithm = hash_algorithm_from_tcg(digest.algorithm_id);
    if (!algorithm || digest.value.size() != digest_size(*algorithm)) return {};
    Hasher *const hasher = event_log::thread_hasher(*algorithm);
    if (hasher == nullptr) return {};
    auto envelope = bound_envelope(event, digest);
    if (!envelope) envelope = carried_envelope(event, digest);
    if (envelope) {
        return {.binding = Binding::bound,
                .rule = envelope->body ? event_log::envelope_rule : event_log::redacted_envelope_rule,
                .covered = event.data->subspan(event_log::tagged_event_header_size)};
    }
    event_log::Matcher matcher(*hasher, digest.value);
    event_log::match(matcher, event);
    return matcher.found();
}

}  // namespace mr
