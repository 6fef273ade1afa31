#include "libmr/src/attestation/event_text.h"

#include <algorithm>
#include <span>

#include "libmr/src/event_log/printable.h"
#include "mr/event_content.h"

namespace mr::attestation {
namespace {

std::string named(HashAlgorithm algorithm, ByteView digest) { return std::string(to_string(algorithm)) + ":" + to_hex(digest); }

// At most so many bytes of it, and no part of a character.
std::string_view first_part(std::string_view text, std::size_t room) {
    if (text.size() <= room) return text;
    while (room > 0 && (static_cast<unsigned char>(text[room]) & 0xC0U) == 0x80U) --room;
    return text.substr(0, room);
}

// A quotation mark in it does not end it, and a backslash in it hides none.
std::string quoted(std::string_view text) {
    const auto begin = first_part(text, max_quoted_text);
    std::string escaped;
    for (const char c : begin) {
        if (c == '"' || c == '\\') escaped += '\\';
        escaped += c;
    }
    return "\"" + printable_text(escaped) + (begin.size() < text.size() ? "\"..." : "\"");
}

// As text, where it is one that fits, else by its digest.
template <class DigestText>
std::string shown(ByteView bytes, DigestText digest) {
    const auto text = event_log::trim_nuls(bytes);
    if (text.size() <= max_quoted_text && event_log::looks_like_utf8(text))
        return quoted({reinterpret_cast<const char *>(text.data()), text.size()});
    return std::to_string(bytes.size()) + " bytes with " + digest();
}

std::string told_envelope(const EventContent &content) {
    const auto &header = *content.header();
    if (!content.is_of_register())
        return "an envelope that names " + (header.id ? "a virtual register" : "the register " + quoted(header.register_name));
    const auto *const body = content.body();
    const auto of_type = header.type == "measure" ? "" : " of the type " + quoted(header.type);
    if (body == nullptr) return "a redacted envelope" + of_type;
    auto text = "an envelope" + of_type;
    if (body->description) text += " " + quoted(*body->description);
    if (body->data) text += " with " + shown(*body->data, [&] { return named(content.algorithm(), content.data_digest()); });
    if (body->digest) text += " with " + to_string(*body->digest);
    return text;
}

}  // namespace

std::string told(const EventContent &content) {
    if (content.header() != nullptr) return told_envelope(content);
    const auto digest = [&] { return named(content.algorithm(), content.digest()); };
    if (!content.hashed().empty()) return shown(content.hashed(), digest);
    return "extended by " + digest() + ", of which the log does not have what was hashed";
}

std::string told(const EventRule &rule) {
    std::string text;
    const auto add = [&text](std::string_view member, const std::string &value) {
        text.append(text.empty() ? "" : " and ").append(member).append(" ").append(value);
    };
    if (rule.envelope_type) add("envelopeType", quoted(*rule.envelope_type));
    if (rule.description) add("description", quoted(*rule.description));
    if (rule.digest) add("digest", to_string(*rule.digest));
    if (rule.event_digest) add("eventDigest", to_string(*rule.event_digest));
    if (rule.data)
        add("data", shown(*rule.data, [&] {
                const auto digest = hash(HashAlgorithm::sha384, *rule.data);
                return digest ? named(HashAlgorithm::sha384, digest->bytes()) : "an unknown digest";
            }));
    if (rule.data_digest) add("dataDigest", to_string(*rule.data_digest));
    return text;
}

std::string event_name(const Event &event, std::string_view shown) {
    return "event " + std::to_string(event.sequence) + " of " + std::string(shown);
}

std::string logged_name(std::string_view name) {
    const auto begin = first_part(name, max_logged_name);
    return std::string(begin) + (begin.size() < name.size() ? "..." : "");
}

std::string listed(const std::vector<std::string> &texts) {
    std::string all;
    for (const auto &text : std::span(texts).first(std::min(texts.size(), max_listed))) {
        if (!all.empty()) all += ", ";
        all += text;
    }
    if (texts.size() > max_listed) all += " and " + std::to_string(texts.size() - max_listed) + " more";
    return all;
}

std::string listed(const std::vector<Explained> &texts, std::size_t room) {
    std::vector<std::string> all;
    for (const auto &[name, explanation] : texts) {
        std::string shown(first_part(explanation, room));
        if (!shown.empty() && shown.size() < explanation.size()) shown += "...";
        room -= std::min(room, shown.size());
        all.push_back(shown.empty() ? name : name + " (" + shown + ")");
    }
    return listed(all);
}

}  // namespace mr::attestation
