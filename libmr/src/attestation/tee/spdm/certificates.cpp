// GET_DIGESTS, GET_CERTIFICATE, and GET_MEASUREMENT_EXTENSION_LOG, which comes in portions as a chain does.
#include <algorithm>
#include <string>

#include "libmr/src/attestation/tee/spdm/operation.h"

namespace mr::spdm {
namespace {

bool has_digest(const Bytes &chain, const Digest &digest, std::uint32_t base_hash) {
    const auto algorithm = spdm_base_hash(base_hash);
    const auto computed = algorithm ? hash(*algorithm, chain) : std::unexpected(Error{ErrorCode::not_supported, ""});
    return computed && *computed == digest;
}

// Bytes that come in portions: where the next one begins.
class Portions {
public:
    explicit Portions(std::size_t limit) : limit_(limit) {}

    // False: more are needed. Error: no_progress, too_large.
    std::expected<bool, SpdmError> add(ByteView portion, std::size_t asked, std::size_t remainder, Code code) {
        const auto name = code_text(byte_of(code));
        if (portion.size() > asked) return malformed(code, "its portion is longer than was asked for");
        if (bytes_.size() + portion.size() + remainder > limit_)
            return fault(SpdmFault::too_large, name + ": more than " + std::to_string(limit_) + " bytes in all");
        if ((portion.empty() && remainder != 0) || ++count_ > max_spdm_portions)
            return fault(SpdmFault::no_progress,
                         name + ": a portion is empty, or there are more than " + std::to_string(max_spdm_portions));
        append(bytes_, portion);
        return remainder == 0;
    }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    Bytes &bytes() { return bytes_; }

private:
    std::size_t limit_;
    std::size_t count_ = 0;
    Bytes bytes_;
};

class Digests : public Operation {
public:
    std::expected<Bytes, SpdmError> begin(State &state) override {
        const auto agreed = state.agreed_with(spdm_cap_cert, "CERT, and with it certificates");
        if (!agreed) return std::unexpected(agreed.error());
        state.transcript.end_certificates();
        request_ = write_get_digests(agreed->version);
        return request_;
    }

    Next take(State &state, const Response &response) override {
        const auto agreed = state.agreed();
        if (!agreed) return std::unexpected(agreed.error());
        ByteReader from(response.bytes);
        auto digests = take_digests(from, *agreed);
        if (!digests) return std::unexpected(std::move(digests.error()));
        const auto exact = response.exact(from);
        if (!exact) return std::unexpected(exact.error());
        state.transcript.add_certificates(request_, *exact);
        // Chains that the slots had before.
        for (std::uint8_t number = 0; number < spdm_slots; ++number) {
            auto &chain = state.chains.at(number);
            const auto slot = std::ranges::find(digests->slots, number, &SpdmSlot::number);
            if (chain && (slot == digests->slots.end() || !has_digest(*chain, slot->digest, state.connection->algorithms.base_hash)))
                chain.reset();
        }
        state.digests = std::move(*digests);
        return std::nullopt;
    }

private:
    Bytes request_;
};

class ReadCertificate : public Operation {
public:
    ReadCertificate(std::uint8_t slot, std::uint16_t portion) : asked_{.slot = slot, .offset = 0, .length = portion}, portion_(portion) {}

    std::expected<Bytes, SpdmError> begin(State &state) override {
        const auto agreed = state.agreed_with(spdm_cap_cert, "CERT, and with it certificates");
        if (!agreed) return std::unexpected(agreed.error());
        if (auto done = state.check_slot(asked_.slot); !done) return std::unexpected(std::move(done.error()));
        if (portion_ == 0) return fault(SpdmFault::misuse, "a certificate portion of 0 bytes never ends");
        agreed_ = *agreed;
        request_ = write(agreed_.version, asked_);
        return request_;
    }

    Next take(State &state, const Response &response) override {
        ByteReader from(response.bytes);
        const auto read = take_certificate(from, agreed_);
        if (!read) return std::unexpected(read.error());
        const auto exact = response.exact(from);
        if (!exact) return std::unexpected(exact.error());
        if (read->slot != asked_.slot)
            return fault(SpdmFault::unexpected_response, "CERTIFICATE is of slot " + std::to_string(read->slot) + " where slot " +
                                                             std::to_string(asked_.slot) + " was asked");
        const auto is_whole = portions_.add(read->portion, asked_.length, read->remainder, Code::certificate);
        if (!is_whole) return std::unexpected(is_whole.error());
        state.transcript.add_certificates(request_, *exact);
        if (*is_whole) return finish(state);
        asked_.offset = static_cast<std::uint16_t>(portions_.size());
        asked_.length = std::min(portion_, read->remainder);
        request_ = write(agreed_.version, asked_);
        return request_;
    }

private:
    Next finish(State &state) {
        const auto &algorithms = state.connection->algorithms;
        const auto &chain = portions_.bytes();
        if (state.digests) {
            const auto slot = std::ranges::find(state.digests->slots, asked_.slot, &SpdmSlot::number);
            if (slot != state.digests->slots.end() && !has_digest(chain, slot->digest, algorithms.base_hash))
                return fault(SpdmFault::wrong_chain_digest,
                             "DIGESTS has another digest of slot " + std::to_string(asked_.slot) + " than its chain");
        }
        if (const auto parsed = parse_spdm_chain(chain, spdm_base_hash(algorithms.base_hash).value_or(HashAlgorithm::sha256)); !parsed)
            return std::unexpected(parsed.error());
        state.chains.at(asked_.slot) = std::move(portions_.bytes());
        return std::nullopt;
    }

    CertificateRequest asked_;
    std::uint16_t portion_;
    Agreed agreed_;
    Bytes request_;
    Portions portions_{0xFFFF};  // the chain's own length is a u16
};

class ReadLog : public Operation {
public:
    explicit ReadLog(std::uint32_t portion) : asked_{.offset = 0, .length = portion} {}

    std::expected<Bytes, SpdmError> begin(State &state) override {
        const auto agreed = state.agreed_with(spdm_cap_measurement_log, "MEL, and with it a measurement extension log");
        if (!agreed) return std::unexpected(agreed.error());
        if (state.connection->algorithms.log_specification == 0)
            return fault(SpdmFault::not_capable, "the log's form was not agreed on: SpdmOptions::log_specification asks for it");
        if (asked_.length == 0) return fault(SpdmFault::misuse, "a log portion of 0 bytes never ends");
        agreed_ = *agreed;
        return write(agreed_.version, asked_);
    }

    Next take(State &state, const Response &response) override {
        ByteReader from(response.bytes);
        const auto read = take_measurement_log(from, agreed_);
        if (!read) return std::unexpected(read.error());
        if (auto exact = response.exact(from); !exact) return std::unexpected(std::move(exact.error()));
        const auto is_whole = portions_.add(read->portion, asked_.length, read->remainder, Code::measurement_log);
        if (!is_whole) return std::unexpected(is_whole.error());
        if (!*is_whole) {
            asked_.offset = static_cast<std::uint32_t>(portions_.size());
            return write(agreed_.version, asked_);
        }
        if (const auto entries = parse_spdm_measurement_log(portions_.bytes()); !entries) return std::unexpected(entries.error());
        state.log = std::move(portions_.bytes());
        return std::nullopt;
    }

private:
    LogRequest asked_;
    Agreed agreed_;
    Portions portions_{max_spdm_measurement_log};
};

}  // namespace

std::unique_ptr<Operation> digests_operation() { return std::make_unique<Digests>(); }
std::unique_ptr<Operation> certificate_operation(std::uint8_t slot, std::uint16_t portion) {
    return std::make_unique<ReadCertificate>(slot, portion);
}
std::unique_ptr<Operation> log_operation(std::uint32_t portion) { return std::make_unique<ReadLog>(portion); }

}  // namespace mr::spdm
