// What tests ask of mrd's event log, and of its status.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "mr/client.h"

namespace mrd {

inline std::vector<mr::LogRecord> records_of(mr::Client &client, std::int64_t from = 1) {
    std::vector<mr::LogRecord> records;
    const auto done = client.records(from, false, [&](const mr::LogRecord &record) {
        records.push_back(record);
        return true;
    });
    if (!done) throw std::runtime_error("records: " + done.error().message);
    return records;
}

inline std::vector<mr::ReplayResult> replay_of(mr::Client &client) {
    auto results = client.replay();
    if (!results) throw std::runtime_error("replay: " + results.error().message);
    return std::move(*results);
}

// Of one register, by its whole name.
inline mr::ReplayResult replay_of(mr::Client &client, std::string_view name) {
    for (auto &result : replay_of(client)) {
        if (result.name == name) return result;
    }
    throw std::runtime_error("replay: nothing of " + std::string(name));
}

inline mr::Bytes export_of(mr::Client &client, std::string_view format) {
    mr::Bytes file;
    const auto done = client.export_log(format, [&](mr::ByteView chunk) {
        file.insert(file.end(), chunk.begin(), chunk.end());
        return true;
    });
    if (!done) throw std::runtime_error("export: " + done.error().message);
    return file;
}

inline nlohmann::json status_of(mr::Client &client) { return nlohmann::json::parse(client.status().value().json); }

// Of one register of the first provider, by its whole name.
inline nlohmann::json register_status(mr::Client &client, const std::string &name) {
    const auto status = status_of(client);
    for (const auto &entry : status["providers"][0]["registers"]) {
        if (entry["name"] == name) return entry;
    }
    return {};
}

// Why that register's last extend failed; empty if it went through.
inline std::string last_failure(mr::Client &client, const std::string &name) {
    return register_status(client, name).value("lastFailure", "");
}

}  // namespace mrd
