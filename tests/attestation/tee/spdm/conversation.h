// What was recorded of conversations with a device in software: the messages, in their order, without what carried them, and the values expected of them.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "mr/bytes.h"
#include "tests/attestation/tee/tdx/sample_quotes.h"

namespace mr {

class Conversation {
public:
    explicit Conversation(const std::string &name)
        : messages_(nlohmann::json::parse(sample_text("spdm/" + name + "/conversation.json")).at("messages")),
          expected_(sample_expectations("spdm/" + name)) {}

    static bool have() { return exists(sample_path("spdm")); }

    [[nodiscard]] std::size_t size() const { return messages_.size(); }
    [[nodiscard]] const nlohmann::json &at(std::size_t index) const { return messages_.at(index); }
    [[nodiscard]] const nlohmann::json &expected() const { return expected_; }

    // Of a secured one what it says in the clear.
    [[nodiscard]] Bytes message(std::size_t index) const {
        const auto &recorded = messages_.at(index);
        if (recorded.contains("plain_hex")) return from_hex(recorded.at("plain_hex").get<std::string>()).value();
        const auto bytes = carried(index);
        const auto begin = bytes.begin() + recorded.at("spdm_offset").get<std::ptrdiff_t>();
        return {begin, begin + recorded.at("spdm_length").get<std::ptrdiff_t>()};
    }

    // As it went over the wire.
    [[nodiscard]] Bytes carried(std::size_t index) const { return from_hex(messages_.at(index).at("hex").get<std::string>()).value(); }

private:
    nlohmann::json messages_;
    nlohmann::json expected_;
};

}  // namespace mr
