#include "libmr/src/attestation/event_text.h"

#include <algorithm>
#include <span>

#include "libmr/src/event_log/printable.h"
#include "mr/event_content.h"

namespace mr::attestation {
namespace {

std::string named(HashAlgorithm algorithm, ByteView digest) { return std::string(to_string(algorithm)) + ":" + to_hex(digest); }

// A quotation mark in it does not end it.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : printable_text(text)) {
        if (c == '"') out += '\\';
        out += c;
    }
    return out + '"';
}

// As text, where it is one that fits, else by its digest.
std::string shown(ByteView bytes, HashAlgorithm algorithm) {
    const auto text = event_log::trim_nuls(bytes);
    if (text.size() <= max_quoted_text && event_log::looks_like_utf8(text))
        return quoted({reinterpret_cast<const char *>(text.data()), text.size()});
    const auto size = std::to_string(bytes.size()) + " bytes";
    const auto digest = hash(algorithm, bytes);
    return digest ? size + " with " + named(algorithm, digest->bytes()) : size;
}

std::string shown_text(std::string_view text) {
    return text.size() <= max_quoted_text ? quoted(text) : shown(as_bytes(text), HashAlgorithm::sha384);
}

std::string told_envelope(const EventContent &content) {
    const auto &header = *content.header();
    if (!content.is_of_register())
        return "an envelope that names " + (header.id ? "a virtual register" : "the register " + shown_text(header.register_name));
    const auto *const body = content.body();
    const auto of_type = header.type == "measure" ? "" : " of the type " + shown_text(header.type);
    if (body == nullptr) return "a redacted envelope" + of_type;
    auto text = "an envelope" + of_type;
    if (body->description) text += " " + shown_text(*body->description);
    if (body->data) text += " with " + shown(*body->data, content.algorithm());
    if (body->digest) text += " with " + to_string(*body->digest);
    return text;
}

}  // namespace

std::string told(const EventContent &content) {
    if (content.header() != nullptr) return told_envelope(content);
    if (!content.hashed().empty()) return shown(content.hashed(), content.algorithm());
    return "extended by " + named(content.algorithm(), content.digest()) + ", of which the log does not have what was hashed";
}

std::string told(const EventRule &rule) {
    std::string text;
    const auto add = [&text](std::string_view member, const std::string &value) {
        text.append(text.empty() ? "" : " and ").append(member).append(" ").append(value);
    };
    if (rule.envelope_type) add("envelopeType", shown_text(*rule.envelope_type));
    if (rule.description) add("description", shown_text(*rule.description));
    if (rule.digest) add("digest", to_string(*rule.digest));
    if (rule.event_digest) add("eventDigest", to_string(*rule.event_digest));
    if (rule.data) add("data", shown(*rule.data, HashAlgorithm::sha384));
    if (rule.data_digest) add("dataDigest", to_string(*rule.data_digest));
    return text;
}

std::string event_name(const Event &event, std::string_view shown) {
    return "event " + std::to_string(event.sequence) + " of " + std::string(shown);
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
        auto shown = explanation;
        if (shown.size() > room) {
            auto end = room;
            // Not within a character.
            while (end > 0 && (static_cast<unsigned char>(shown[end]) & 0xC0U) == 0x80U) --end;
            shown.resize(end);
            if (!shown.empty()) shown += "...";
        }
        room -= std::min(room, shown.size());
        all.push_back(shown.empty() ? name : name + " (" + shown + ")");
    }
    return listed(all);
}

}  // namespace mr::attestation
