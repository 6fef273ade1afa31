#include "tests/spdm_replay/recording.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/places.h"

namespace spdm_replay {
namespace {

using nlohmann::json;

std::optional<std::string> text_of(const std::filesystem::path &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

json read_json(const std::filesystem::path &path) {
    const auto text = text_of(path);
    return text ? json::parse(*text, nullptr, false) : json();
}

mr::Bytes hex(const json &object, const char *member) { return mr::from_hex(object.value(member, "")).value_or(mr::Bytes()); }

Message read_message(const json &recorded) {
    Message message;
    message.is_request = recorded.value("direction", "") == "request";
    message.what = recorded.value("what", "");
    message.payload = hex(recorded, "hex");
    message.is_secured = recorded.value("secured", false);
    if (message.is_secured) {
        message.message = hex(recorded, "plain_hex");
        return message;
    }
    const auto offset = std::min<std::size_t>(recorded.value("spdm_offset", 0U), message.payload.size());
    const auto length = std::min<std::size_t>(recorded.value("spdm_length", 0U), message.payload.size() - offset);
    const auto begin = message.payload.begin() + static_cast<std::ptrdiff_t>(offset);
    message.message.assign(begin, begin + static_cast<std::ptrdiff_t>(length));
    return message;
}

}  // namespace

std::expected<Recording, std::string> read_recording(const std::filesystem::path &folder) {
    const auto conversation = read_json(folder / "conversation.json");
    const auto info = read_json(folder / "info.json");
    if (!conversation.is_object() || !info.is_object())
        return std::unexpected("is no recording: conversation.json and info.json are not there, or no JSON objects");
    Recording recording;
    recording.name = conversation.value("name", folder.filename().string());
    const auto transport = conversation.value("transport", "");
    recording.transport = transport == "PCI_DOE" ? mr::SpdmTransport::doe
                          : transport == "MCTP"  ? mr::SpdmTransport::mctp
                                                 : mr::SpdmTransport::none;
    for (const auto &message : conversation.value("messages", json::array())) recording.messages.push_back(read_message(message));
    for (const auto &draw : info.value("requester_random", json::object()).value("drawn", json::array()))
        recording.draws.push_back({draw.value("use", ""), hex(draw, "hex")});
    recording.expected = info.value("expected", json::object());
    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".der") continue;
        if (const auto der = text_of(entry.path())) recording.roots.roots.emplace_back(der->begin(), der->end());
    }
    return recording;
}

std::vector<std::filesystem::path> sample_recordings() {
    std::vector<std::filesystem::path> folders;
    const auto samples = places::shared_data() / "spdm";
    if (!std::filesystem::exists(samples)) return folders;
    for (const auto &entry : std::filesystem::directory_iterator(samples)) {
        if (std::filesystem::exists(entry.path() / "conversation.json")) folders.push_back(entry.path());
    }
    std::ranges::sort(folders);
    return folders;
}

}  // namespace spdm_replay
