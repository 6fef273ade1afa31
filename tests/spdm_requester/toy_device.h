// A device in memory, of P-256 and SHA-256, for tests of the requester: it answers in order, and a test changes what it is, or one of its answers.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libmr/src/attestation/tee/spdm/requests.h"
#include "libmr/src/attestation/tee/spdm/signature.h"
#include "mr/spdm_requester.h"
#include "tests/attestation/pki/test_pki.h"

namespace mr {

inline constexpr UnixTime toy_begin = 1'700'000'000;
inline constexpr UnixTime toy_end = 1'900'000'000;

class ToyDevice {
public:
    SpdmVersion version = SpdmVersion::v1_2;
    std::vector<std::uint16_t> offered = {0x1000, 0x1100, 0x1200};
    std::uint32_t flags = spdm_cap_cert | spdm_cap_chal | spdm_cap_meas_signed | spdm_cap_meas_fresh;
    std::uint8_t crypto_time_exponent = 0;
    std::uint32_t size = 4096;
    SpdmAlgorithms algorithms = {.measurement_specification = 1,
                                 .other_parameters = spdm_opaque_format_1,
                                 .measurement_hash = spdm_measurement_sha256,
                                 .base_asym = spdm_asym_p256,
                                 .base_hash = spdm_hash_sha256};
    std::vector<SpdmBlock> blocks = {{.index = 1, .type = 1, .is_raw = false, .value = Bytes(32, 0x11)},
                                     {.index = 0x10, .type = 7, .is_raw = true, .value = {7, 0, 0, 0, 0, 0, 0, 0}}};
    Bytes opaque = {};
    Bytes log = {};
    TestKey root_key;
    TestKey leaf_key;
    Bytes root =
        TestCertificate{
            .common_name = "root", .issuer = "root", .serial = 1, .not_before = toy_begin, .not_after = toy_end, .is_authority = true}
            .encode(root_key, root_key);
    Bytes leaf = leaf_certificate().encode(leaf_key, root_key);
    std::uint16_t portion = 0xFFFF;  // of a chain, that it gives at most
    // What it would say, before it says it: the request's code, the answer.
    std::function<void(std::uint8_t, Bytes &)> change = {};

    // With a critical extended key usage, as devices have.
    [[nodiscard]] static TestCertificate leaf_certificate() {
        return {.common_name = "leaf",
                .issuer = "root",
                .serial = 2,
                .not_before = toy_begin,
                .not_after = toy_end,
                .more = {der::extension("2.5.29.37", true, der::sequence({der::object_identifier("1.3.6.1.5.5.7.3.1")}))}};
    }

    [[nodiscard]] Bytes chain() const {
        const auto root_hash = digest(root);
        Bytes all;
        spdm::append_little_endian(all, static_cast<std::uint16_t>(4 + root_hash.size() + root.size() + leaf.size()));
        spdm::append_little_endian(all, std::uint16_t{0});
        spdm::append(all, root_hash);
        spdm::append(all, root);
        spdm::append(all, leaf);
        return all;
    }
    [[nodiscard]] TrustAnchors anchors() const { return {.roots = {root}}; }

    Bytes answer(const Bytes &request) {
        auto answer = well(request);
        if (change) change(request[1], answer);
        return answer;
    }

private:
    static Bytes digest(ByteView bytes) { return spdm::owned(hash(HashAlgorithm::sha256, bytes)->bytes()); }
    [[nodiscard]] Bytes begin(spdm::Code code, std::uint8_t param1 = 0, std::uint8_t param2 = 0) const {
        return spdm::write_header(spdm::byte_of(version), code, param1, param2);
    }
    static void append_nonce(Bytes &to) { to.insert(to.end(), spdm_nonce_size, 0xD0); }

    Bytes well(const Bytes &request) {
        spdm::ByteReader from(request);
        switch (static_cast<spdm::Code>(request[1])) {
        case spdm::Code::get_version: return negotiated(request, versions());
        case spdm::Code::get_capabilities: return negotiated(request, capabilities());
        case spdm::Code::negotiate_algorithms: return negotiated(request, selection());
        case spdm::Code::get_digests: {
            auto answer = begin(spdm::Code::digests, version >= SpdmVersion::v1_3 ? 1 : 0, 1);
            spdm::append(answer, digest(chain()));
            certificates_ = request;
            spdm::append(certificates_, answer);
            measured_.clear();
            return answer;
        }
        case spdm::Code::get_certificate: return certificate(request, *spdm::take_get_certificate(from, version));
        case spdm::Code::challenge: return challenge(request, *spdm::take_challenge(from, version));
        case spdm::Code::get_measurements: return measurements(request, *spdm::take_get_measurements(from, version));
        case spdm::Code::get_measurement_log: {
            const auto asked = *spdm::take_get_measurement_log(from, version);
            auto answer = begin(spdm::Code::measurement_log);
            const auto part = std::min<std::uint32_t>(asked.length, static_cast<std::uint32_t>(log.size()) - asked.offset);
            spdm::append_little_endian(answer, part);
            spdm::append_little_endian(answer, static_cast<std::uint32_t>(log.size()) - asked.offset - part);
            spdm::append(answer, ByteView(log).subspan(asked.offset, part));
            return answer;
        }
        default: return {request[0], 0x7F, 0x07, request[1]};
        }
    }

    Bytes negotiated(const Bytes &request, Bytes answer) {
        if (request[1] == spdm::byte_of(spdm::Code::get_version)) vca_.clear();
        spdm::append(vca_, request);
        spdm::append(vca_, answer);
        measured_.clear();
        return answer;
    }

    [[nodiscard]] Bytes versions() const {
        auto answer = spdm::write_header(spdm::version_1_0, spdm::Code::version);
        answer.push_back(0);
        answer.push_back(static_cast<std::uint8_t>(offered.size()));
        for (const auto entry : offered) spdm::append_little_endian(answer, entry);
        return answer;
    }

    [[nodiscard]] Bytes capabilities() const {
        auto answer = spdm::write_get_capabilities(
            version, {.crypto_time_exponent = crypto_time_exponent, .flags = flags, .data_transfer_size = size, .max_message_size = size});
        answer[1] = spdm::byte_of(spdm::Code::capabilities);
        return answer;
    }

    [[nodiscard]] Bytes selection() const {
        auto answer = begin(spdm::Code::algorithms);
        spdm::append_little_endian(answer, std::uint16_t{36});
        answer.push_back(algorithms.measurement_specification);
        answer.push_back(version >= SpdmVersion::v1_2 ? algorithms.other_parameters : 0);
        spdm::append_little_endian(answer, algorithms.measurement_hash);
        spdm::append_little_endian(answer, algorithms.base_asym);
        spdm::append_little_endian(answer, algorithms.base_hash);
        answer.resize(31);
        answer.push_back(algorithms.log_specification);
        answer.resize(36);
        return answer;
    }

    Bytes certificate(const Bytes &request, const spdm::CertificateRequest &asked) {
        const auto all = chain();
        const auto part = std::min({asked.length, portion, static_cast<std::uint16_t>(all.size() - asked.offset)});
        auto answer = begin(spdm::Code::certificate, asked.slot);
        spdm::append_little_endian(answer, part);
        spdm::append_little_endian(answer, static_cast<std::uint16_t>(all.size() - asked.offset - part));
        spdm::append(answer, ByteView(all).subspan(asked.offset, part));
        spdm::append(certificates_, request);
        spdm::append(certificates_, answer);
        measured_.clear();
        return answer;
    }

    void append_end(Bytes &answer, const SpdmContext &context) const {
        spdm::append_little_endian(answer, static_cast<std::uint16_t>(opaque.size()));
        spdm::append(answer, opaque);
        if (version >= SpdmVersion::v1_3) spdm::append(answer, context);
    }
    void append_signature(Bytes &answer, SpdmEvidenceKind kind, ByteView transcript) const {
        spdm::append(answer, leaf_key.sign(spdm::signed_message(version, kind, HashAlgorithm::sha256, transcript)));
    }

    Bytes challenge(const Bytes &request, const spdm::ChallengeRequest &asked) {
        auto answer = begin(spdm::Code::challenge_auth, asked.slot, 1);
        spdm::append(answer, digest(chain()));
        append_nonce(answer);
        if (asked.summary != 0) answer.insert(answer.end(), 32, 0x55);
        append_end(answer, asked.context);
        auto transcript = vca_;
        for (const auto *part : {&std::as_const(certificates_), &request, &std::as_const(answer)}) spdm::append(transcript, *part);
        append_signature(answer, SpdmEvidenceKind::challenge, transcript);
        certificates_.clear();
        measured_.clear();
        return answer;
    }

    Bytes measurements(const Bytes &request, const spdm::MeasurementsRequest &asked) {
        Bytes record;
        std::uint8_t count = 0;
        for (const auto &block : blocks) {
            if (asked.operation != spdm_measurement_all && asked.operation != block.index) continue;
            append_spdm_block(record, block);
            ++count;
        }
        if (asked.operation != spdm_measurement_all && asked.operation != spdm_measurement_count && count == 0) {
            measured_.clear();
            return {request[0], 0x7F, 0x01, 0};
        }
        auto answer = begin(spdm::Code::measurements, asked.operation == 0 ? static_cast<std::uint8_t>(blocks.size()) : 0, asked.slot);
        answer.push_back(count);
        spdm::append_little_endian(answer, static_cast<std::uint16_t>(record.size()));
        answer.push_back(0);
        spdm::append(answer, record);
        append_nonce(answer);
        append_end(answer, asked.context);
        spdm::append(measured_, request);
        spdm::append(measured_, answer);
        certificates_.clear();
        if (!asked.is_signed()) return answer;
        auto transcript = version >= SpdmVersion::v1_2 ? vca_ : Bytes();
        spdm::append(transcript, measured_);
        append_signature(answer, SpdmEvidenceKind::measurements, transcript);
        measured_.clear();
        return answer;
    }

    Bytes vca_;
    Bytes certificates_;
    Bytes measured_;
};

// Steps a requester, or a collection, until it is done or has failed; waits take no time. What is counted ends a machine that would never end.
template <typename Machine>
SpdmStep drive(Machine &machine, SpdmStep step, const std::function<Bytes(const Bytes &)> &answer) {
    for (int left = 20000; left > 0; --left) {
        if (step.kind == SpdmStep::Kind::wait) {
            step = machine.resume();
        } else if (step.kind == SpdmStep::Kind::send) {
            step = machine.reply(answer(spdm::owned(step.message)));
        } else {
            return step;
        }
    }
    return step;
}

// Connected, with the chain of slot 0.
inline SpdmStep prepare(SpdmRequester &requester, ToyDevice &device) {
    const auto answer = [&](const Bytes &request) { return device.answer(request); };
    auto step = drive(requester, requester.connect(), answer);
    if (step.kind == SpdmStep::Kind::done) step = drive(requester, requester.get_digests(), answer);
    if (step.kind == SpdmStep::Kind::done) step = drive(requester, requester.get_certificate(0), answer);
    return step;
}

inline std::string fault_text(const SpdmStep &step, const SpdmRequester &requester) {
    switch (step.kind) {
    case SpdmStep::Kind::done: return "done";
    case SpdmStep::Kind::failed: return std::string(to_string(requester.error().fault));
    case SpdmStep::Kind::send:
    case SpdmStep::Kind::wait: break;
    }
    return "goes on";
}

}  // namespace mr
