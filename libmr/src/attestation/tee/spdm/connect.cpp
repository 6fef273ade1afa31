// GET_VERSION, GET_CAPABILITIES, NEGOTIATE_ALGORITHMS.
#include <algorithm>
#include <string>

#include "libmr/src/attestation/tee/spdm/operation.h"

namespace mr::spdm {
namespace {

class Connect : public Operation {
public:
    std::expected<Bytes, SpdmError> begin(State &state) override {
        const auto &options = state.options;
        const bool has_chunks = (options.flags & spdm_cap_chunk) != 0;
        if (options.versions.empty()) return fault(SpdmFault::misuse, "SpdmOptions::versions has none");
        if (options.data_transfer_size < min_spdm_transfer_size || options.max_message_size < options.data_transfer_size ||
            (!has_chunks && options.max_message_size != options.data_transfer_size))
            return fault(SpdmFault::misuse,
                         "SpdmOptions::data_transfer_size is below 42, or max_message_size is not the same without spdm_cap_chunk");
        state.transcript.begin();
        state.connection.reset();
        state.digests.reset();
        return sent(write_get_version());
    }

    Next take(State &state, const Response &response) override {
        ByteReader from(response.bytes);
        switch (stage_) {
        case Stage::version: return take_versions(state, response, from);
        case Stage::capabilities: return take_capabilities(state, response, from);
        case Stage::algorithms: return take_selection(state, response, from);
        }
        return std::nullopt;
    }

private:
    enum class Stage : std::uint8_t { version, capabilities, algorithms };

    Bytes sent(Bytes request) {
        request_ = request;
        return request;
    }

    std::expected<void, SpdmError> keep(State &state, const Response &response, const ByteReader &from) {
        const auto exact = response.exact(from);
        if (!exact) return std::unexpected(exact.error());
        state.transcript.add_negotiation(request_, *exact);
        return {};
    }

    Next take_versions(State &state, const Response &response, ByteReader from) {
        auto offered = take_version(from);
        if (!offered) return std::unexpected(std::move(offered.error()));
        if (auto done = keep(state, response, from); !done) return std::unexpected(std::move(done.error()));
        connection_.offered = std::move(*offered);
        std::optional<SpdmVersion> best;
        for (const auto version : state.options.versions) {
            const bool is_offered = std::ranges::any_of(connection_.offered, [&](auto entry) { return entry >> 8 == byte_of(version); });
            if (is_offered && (!best || version > *best)) best = version;
        }
        if (!best) {
            std::string texts;
            for (const auto entry : connection_.offered)
                texts.append(texts.empty() ? "" : ", ")
                    .append(std::to_string(entry >> 12))
                    .append(".")
                    .append(std::to_string(entry >> 8 & 0xF));
            return fault(SpdmFault::no_common_version,
                         "the device offers SPDM " + (texts.empty() ? "in no version" : texts) + ", and none of these is to be spoken");
        }
        connection_.version = *best;
        stage_ = Stage::capabilities;
        const auto &options = state.options;
        return sent(write_get_capabilities(
            *best,
            {.flags = options.flags, .data_transfer_size = options.data_transfer_size, .max_message_size = options.max_message_size}));
    }

    Next take_capabilities(State &state, const Response &response, ByteReader from) {
        const auto capabilities = take_capabilities_response(from, connection_.version);
        if (!capabilities) return std::unexpected(capabilities.error());
        if (auto done = keep(state, response, from); !done) return std::unexpected(std::move(done.error()));
        connection_.capabilities = *capabilities;
        stage_ = Stage::algorithms;
        const auto &options = state.options;
        const auto version = connection_.version;
        offered_ = {.other_parameters = version >= SpdmVersion::v1_2 ? options.other_parameters : std::uint8_t{0},
                    .base_asym = options.base_asym,
                    .base_hash = options.base_hash,
                    .log_specification = version >= SpdmVersion::v1_3 ? options.log_specification : std::uint8_t{0},
                    .dhe = options.dhe,
                    .aead = options.aead,
                    .requester_asym = options.requester_asym,
                    .key_schedule = options.key_schedule};
        return sent(write(version, offered_));
    }

    Next take_selection(State &state, const Response &response, ByteReader from) {
        const auto selected = take_algorithms(from, connection_.version);
        if (!selected) return std::unexpected(selected.error());
        if (auto done = check_algorithms(*selected, offered_, connection_.capabilities); !done)
            return std::unexpected(std::move(done.error()));
        if (auto done = keep(state, response, from); !done) return std::unexpected(std::move(done.error()));
        connection_.algorithms = *selected;
        connection_.vca = state.transcript.vca();
        state.connection = std::move(connection_);
        return std::nullopt;
    }

    Stage stage_ = Stage::version;
    Bytes request_;
    AlgorithmsRequest offered_;
    SpdmConnection connection_;
};

}  // namespace

std::unique_ptr<Operation> connect_operation() { return std::make_unique<Connect>(); }

}  // namespace mr::spdm
