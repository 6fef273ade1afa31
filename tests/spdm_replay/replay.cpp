#include "tests/spdm_replay/replay.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "libmr/src/attestation/tee/spdm/requests.h"
#include "libmr/src/attestation/tee/spdm/responses.h"
#include "libmr/src/attestation/tee/spdm/signature.h"
#include "mr/spdm_requester.h"
#include "tests/spdm_replay/expectation.h"

namespace spdm_replay {
namespace {

using mr::spdm::ByteReader;
using mr::spdm::Code;
using nlohmann::json;
using Kind = mr::SpdmStep::Kind;

bool is(const mr::Bytes &message, Code code) { return message.size() > 1 && message[1] == mr::spdm::byte_of(code); }
bool is_error(const mr::Bytes &message) { return is(message, Code::error); }

// The error reply that a fault was. `replied`: what came, which a code without a fault of its own leaves as it is.
std::optional<int> code_of(mr::SpdmFault fault, std::uint8_t replied) {
    constexpr auto with_own_fault =
        std::to_array<std::uint8_t>({0x01, 0x03, 0x04, 0x05, 0x07, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x41, 0x42, 0x43, 0x44, 0xFF});
    switch (fault) {
    case mr::SpdmFault::other_error:
        return std::ranges::find(with_own_fault, replied) == with_own_fault.end() ? std::optional<int>(replied) : std::nullopt;
    // More often, or for longer, than it is waited for.
    case mr::SpdmFault::busy: return 0x03;
    case mr::SpdmFault::response_not_ready: return 0x42;
    case mr::SpdmFault::invalid_request: return 0x01;
    case mr::SpdmFault::unexpected_request: return 0x04;
    case mr::SpdmFault::unspecified: return 0x05;
    case mr::SpdmFault::unsupported_request: return 0x07;
    case mr::SpdmFault::session_required: return 0x0B;
    case mr::SpdmFault::reset_required: return 0x0C;
    case mr::SpdmFault::response_too_large: return 0x0D;
    case mr::SpdmFault::request_too_large: return 0x0E;
    case mr::SpdmFault::message_lost: return 0x10;
    case mr::SpdmFault::version_mismatch: return 0x41;
    case mr::SpdmFault::request_resynch: return 0x43;
    case mr::SpdmFault::operation_failed: return 0x44;
    case mr::SpdmFault::vendor_error: return 0xFF;
    default: return std::nullopt;
    }
}

// What was drawn, given again in the same order.
class Draws {
public:
    explicit Draws(const std::vector<Draw> &draws) : draws_(draws) {}

    bool fill(std::span<std::uint8_t> bytes) {
        if (next_ == draws_.size() || draws_[next_].bytes.size() != bytes.size()) return false;
        std::ranges::copy(draws_[next_++].bytes, bytes.begin());
        return true;
    }
    // A request that was not made here has what was drawn for it.
    void skip(const mr::Bytes &request) {
        while (next_ < draws_.size() && !std::ranges::search(request, draws_[next_].bytes).empty()) ++next_;
    }
    [[nodiscard]] std::size_t position() const { return next_; }
    void go_back(std::size_t position) { next_ = position; }
    [[nodiscard]] bool is_at_end() const { return next_ == draws_.size(); }

private:
    const std::vector<Draw> &draws_;
    std::size_t next_ = 0;
};

// The device takes one of these requests. Where it takes none, what was wrong with them is what the recording is of.
bool is_taken(const std::vector<Message> &messages, Code request) {
    for (std::size_t i = 0; i + 1 < messages.size(); ++i) {
        if (is(messages[i].message, request) && !messages[i + 1].is_request && !is_error(messages[i + 1].message)) return true;
    }
    return false;
}

// As the recorder was set: what it offered is in its first requests that the device did not refuse.
mr::SpdmOptions options_of(const Recording &recording) {
    mr::SpdmOptions options;
    options.is_padded = recording.transport == mr::SpdmTransport::doe;
    bool has_version = false;
    const auto &messages = recording.messages;
    const std::array taken = {std::pair{Code::get_capabilities, is_taken(messages, Code::get_capabilities)},
                              std::pair{Code::negotiate_algorithms, is_taken(messages, Code::negotiate_algorithms)}};
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const auto &message = messages[i].message;
        if (!messages[i].is_request || message.size() < mr::spdm::header_size) continue;
        const bool is_refused = i + 1 < messages.size() && is_error(messages[i + 1].message);
        if (is_refused && std::ranges::any_of(taken, [&](const auto &each) { return each.second && is(message, each.first); })) continue;
        const auto version = mr::spdm_version_of(message.front());
        ByteReader from(message);
        if (is(message, Code::get_capabilities) && version && !has_version) {
            const auto own = mr::spdm::take_get_capabilities(from, *version);
            if (!own) continue;
            has_version = true;
            options.versions = {*version};
            options.flags = own->flags;
            if (*version == mr::SpdmVersion::v1_1) continue;
            options.data_transfer_size = own->data_transfer_size;
            options.max_message_size = own->max_message_size;
        } else if (is(message, Code::negotiate_algorithms) && version) {
            const auto offered = mr::spdm::take_negotiate_algorithms(from, *version);
            if (!offered) continue;
            options.base_asym = offered->base_asym;
            options.base_hash = offered->base_hash;
            options.other_parameters = offered->other_parameters;
            options.log_specification = offered->log_specification;
            options.dhe = offered->dhe;
            options.aead = offered->aead;
            options.requester_asym = offered->requester_asym;
            options.key_schedule = offered->key_schedule;
            break;
        }
    }
    return options;
}

class Player {
public:
    explicit Player(const Recording &recording)
        : recording_(recording),
          draws_(recording.draws),
          requester_(options_of(recording), [this](std::span<std::uint8_t> bytes) { return draws_.fill(bytes); }) {
        for (const auto *const list : {"errors", "transcripts", "measurements"}) replayed_.found[list] = json::array();
    }

    Replayed play() {
        const auto size = recording_.messages.size();
        for (at_ = 0; at_ < size;) {
            if (!request().is_request) {
                differ("a response that nobody asked for");
                break;
            }
            const bool is_answered = at_ + 1 < size && !response().is_request;
            if (is_answered) {
                play_pair();
            } else {
                play_silence();
            }
            at_ += is_answered ? 2 : 1;
        }
        // Where a connection is only begun, what is missing is among what is expected.
        const bool goes_on = step_.kind == Kind::send || step_.kind == Kind::wait;
        if (goes_on && operation_ != Code::get_version) differ("the requester goes on where the recording ends");
        if (!draws_.is_at_end()) differ("less was drawn at random than in the recording");
        finish();
        return std::move(replayed_);
    }

private:
    [[nodiscard]] const Message &request() const { return recording_.messages[at_]; }
    [[nodiscard]] const Message &response() const { return recording_.messages[at_ + 1]; }

    void differ(const std::string &what) { replayed_.differences.push_back("message " + std::to_string(at_) + ": " + what); }

    void play_pair() {
        if (request().is_secured) return play_secured();
        if (recording_.transport == mr::SpdmTransport::doe && request().payload.size() > 2 && request().payload[2] == mr::doe_discovery)
            return play_discovery();
        if (is(response().message, Code::version)) note_versions();
        const bool is_after_busy = step_.kind == Kind::wait;
        if (step_.kind == Kind::wait) step_ = requester_.resume();
        if (step_.kind == Kind::send && sends_recorded()) return answer();
        const bool is_given_up = step_.kind == Kind::send && !is_after_busy && !is_error(response().message);
        if (is_given_up)
            differ("the requester goes on with " + mr::to_hex(step_.message) + ", recorded is " + mr::to_hex(request().message));
        begin();
    }

    // A request that was never answered.
    void play_silence() {
        if (step_.kind == Kind::wait) step_ = requester_.resume();
        if (step_.kind != Kind::send) {
            began_at_ = at_;
            step_ = start_operation();
        }
        if (step_.kind != Kind::send || !sends_recorded()) return differ("the requester does not send " + mr::to_hex(request().message));
        ++replayed_.own;
        step_ = requester_.timed_out();
    }

    [[nodiscard]] bool sends_recorded() const {
        return std::ranges::equal(mr::wrap_spdm(recording_.transport, step_.message), request().payload);
    }

    // An operation that begins with the recorded request; or else that request as it is, where the requester makes none such, or one that is wrong.
    void begin() {
        const auto position = draws_.position();
        began_at_ = at_;
        portions_ = 0;
        step_ = start_operation();
        if (step_.kind == Kind::send && sends_recorded()) return answer();
        const auto ours = step_.kind == Kind::send ? mr::to_hex(step_.message) : requester_.error().message;
        const bool may_be_raw = is_error(response().message) || !begins_operation(request().message);
        if (!may_be_raw) differ("the requester says \"" + ours + "\", recorded is " + mr::to_hex(request().message));
        draws_.go_back(position);
        draws_.skip(request().message);
        operation_ = Code::error;
        step_ = requester_.exchange(request().message);
        if (step_.kind != Kind::send) return differ("it cannot be sent: " + requester_.error().message);
        ++replayed_.raw;
        --replayed_.own;
        answer();
    }

    static bool begins_operation(const mr::Bytes &message) {
        constexpr std::array known = {Code::get_version, Code::get_digests, Code::challenge, Code::get_measurements};
        constexpr std::array in_portions = {Code::get_certificate, Code::get_measurement_log};
        const auto is_one = [&](Code each) { return is(message, each); };
        const bool is_at_begin = message.size() > 5 && message[4] == 0 && message[5] == 0;
        return std::ranges::any_of(known, is_one) || (is_at_begin && std::ranges::any_of(in_portions, is_one));
    }

    mr::SpdmStep start_operation() {
        const auto &message = request().message;
        const auto version = message.empty() ? std::nullopt : mr::spdm_version_of(message.front());
        ByteReader from(message);
        operation_ = message.size() > 1 ? static_cast<Code>(message[1]) : Code::error;
        if (is(message, Code::get_version)) return requester_.connect();
        if (version && is(message, Code::get_digests)) return requester_.get_digests();
        if (version && is(message, Code::get_certificate)) {
            if (const auto asked = mr::spdm::take_get_certificate(from, *version))
                return requester_.get_certificate(asked->slot, asked->length);
        } else if (version && is(message, Code::challenge)) {
            if (const auto asked = mr::spdm::take_challenge(from, *version))
                return requester_.challenge(asked->slot, static_cast<mr::SpdmSummary>(asked->summary));
        } else if (version && is(message, Code::get_measurements)) {
            if (const auto asked = mr::spdm::take_get_measurements(from, *version)) {
                asked_ = *asked;
                return requester_.get_measurements({.operation = asked->operation,
                                                    .is_signed = asked->is_signed(),
                                                    .is_raw = (asked->attributes & mr::spdm::attribute_raw) != 0,
                                                    .is_anew = (asked->attributes & mr::spdm::attribute_anew) != 0,
                                                    .slot = asked->slot});
            }
        } else if (version && is(message, Code::get_measurement_log)) {
            if (const auto asked = mr::spdm::take_get_measurement_log(from, *version)) return requester_.get_measurement_log(asked->length);
        }
        return {.kind = Kind::done};
    }

    // The step's request went out: the recorded answer comes.
    void answer() {
        ++replayed_.own;
        if (is(request().message, Code::get_certificate) || is(request().message, Code::get_measurement_log)) ++portions_;
        note_chunk();
        const auto message = mr::unwrap_spdm(recording_.transport, response().payload);
        if (!message) return differ(message.error().message);
        step_ = requester_.reply(*message);
        if (is_error(response().message)) note_error();
        if (step_.kind == Kind::failed && !is_error(response().message) && !is_expected_failure()) differ(requester_.error().message);
        if (step_.kind == Kind::done) note_result();
    }

    // No common version is what a recording without one shows.
    [[nodiscard]] bool is_expected_failure() const { return requester_.error().fault == mr::SpdmFault::no_common_version; }

    void note_error() {
        if (response().message.size() < mr::spdm::header_size) return differ("ERROR is shorter than its header");
        const auto code = response().message[2];
        constexpr std::uint8_t large_response = 0x0F;
        constexpr std::uint8_t not_ready = 0x42;
        constexpr std::size_t not_ready_size = 4;  // of what is behind the header
        if (code == large_response && step_.kind == Kind::send) return;
        // BUSY and RESPONSE_NOT_READY are waited for.
        const auto found = step_.kind == Kind::wait     ? std::optional<int>(code)
                           : step_.kind == Kind::failed ? code_of(requester_.error().fault, code)
                                                        : std::nullopt;
        if (!found) return differ("ERROR did not end in an error of its own");
        const auto extended = mr::ByteView(response().message).subspan(mr::spdm::header_size);
        json error = {
            {"response_index", at_ + 1}, {"error_code", *found}, {"error_data", response().message[3]}, {"extended", mr::to_hex(extended)}};
        // How long the requester waits, and what for.
        if (code == not_ready && extended.size() == not_ready_size) {
            const auto waited = static_cast<std::uint64_t>(step_.time.count());
            error["rdt_exponent"] =
                step_.kind == Kind::wait ? static_cast<std::uint64_t>(std::bit_width(waited)) - 1 : std::uint64_t{extended[0]};
            error["request_code"] = extended[1];
            error["token"] = extended[2];
            error["rdtm"] = extended[3];
        }
        replayed_.found["errors"].push_back(std::move(error));
    }

    void note_versions() {
        ByteReader from(response().message);
        const auto versions = mr::spdm::take_version(from);
        auto &found = replayed_.found["versions_offered"] = json::array();
        for (const auto entry : versions.value_or(std::vector<std::uint16_t>()))
            found.push_back(std::to_string(entry >> 12) + "." + std::to_string(entry >> 8 & 0xF));
    }

    void note_chunk() {
        const auto version = mr::spdm_version_of(response().message.front());
        if (!is(response().message, Code::chunk_response) || !version) return;
        ByteReader from(response().message);
        const auto chunk = mr::spdm::take_chunk(from, *version);
        if (!chunk) return;
        if (chunk->number == 0) {
            large_.clear();
            replayed_.found["chunked"].push_back(
                {{"request_index", began_at_}, {"handle", chunk->handle}, {"chunk_response_indexes", json::array()}});
        }
        auto &found = replayed_.found["chunked"].back();
        found["chunk_response_indexes"].push_back(at_ + 1);
        mr::spdm::append(large_, chunk->bytes);
        found["large_message_length"] = large_.size();
        found["large_message_sha256"] = mr::to_hex(mr::hash(mr::HashAlgorithm::sha256, large_).value_or(mr::Digest()).bytes());
    }

    void note_result() {
        if (requester_.connection() != nullptr) connection_ = *requester_.connection();
        if (requester_.digests() != nullptr) digests_ = *requester_.digests();
        switch (operation_) {
        case Code::get_certificate: return void(portions_of_[request().message[2]] = portions_);
        case Code::get_measurement_log: return void(log_portions_ = portions_);
        case Code::challenge: return note_evidence();
        case Code::get_measurements: {
            const auto &read = *requester_.measurements();
            note_measurements(asked_, began_at_, read, false);
            if (read.is_signed) note_evidence();
            return;
        }
        default: return;
        }
    }

    void note_evidence() {
        replayed_.evidence.push_back(*requester_.evidence());
        replayed_.found["transcripts"].push_back(evidence_json(*requester_.evidence(), recording_.roots));
    }

    void note_measurements(const mr::spdm::MeasurementsRequest &asked, std::size_t index, const mr::SpdmMeasurements &read,
                           bool is_in_session) {
        constexpr unsigned content_changed_bit = 4;
        const unsigned changed = read.content_changed.value_or(0);
        json blocks = json::array();
        for (const auto &block : read.blocks) blocks.push_back(block_json(block));
        replayed_.found["measurements"].push_back({{"request_index", index},
                                                   {"operation", asked.operation},
                                                   {"attributes", asked.attributes},
                                                   {"slot", asked.slot},
                                                   {"param1", asked.operation == 0 ? read.count : 0},
                                                   {"param2", changed << content_changed_bit | (asked.is_signed() ? asked.slot : 0U)},
                                                   {"in_session", is_in_session},
                                                   {"content_changed", read.content_changed.value_or(0)},
                                                   {"blocks", blocks},
                                                   {"nonce", read.nonce ? mr::to_hex(*read.nonce) : ""},
                                                   {"responder_nonce", mr::to_hex(read.responder_nonce)},
                                                   {"opaque", mr::to_hex(read.opaque)},
                                                   {"signed", read.is_signed},
                                                   {"total", read.count}});
    }

    void play_discovery() {
        const auto index = request().payload.size() > 8 ? request().payload[8] : std::uint8_t{0};
        if (mr::doe_discovery_request(index) != request().payload) return differ("the discovery is another");
        const auto protocol = mr::parse_doe_discovery_response(response().payload);
        if (!protocol) return differ(protocol.error().message);
        replayed_.found["doe_discovery"].push_back(
            {{"index", index}, {"vendor", protocol->vendor}, {"type", protocol->type}, {"next", protocol->next_index}});
    }

    // Sessions are not the requester's: what was said in one is read, and its signatures are checked over what L1/L2 is there.
    void play_secured() {
        draws_.skip(request().message);
        const auto &asked = request().message;
        const auto &answered = response().message;
        if (asked.size() < mr::spdm::header_size || answered.size() < mr::spdm::header_size || asked[0] != answered[0] ||
            (answered[1] != (asked[1] & 0x7F) && !is_error(answered)))
            return differ("what is inside is no request and its response");
        if (!is(asked, Code::get_measurements)) return void(in_session_.clear());
        const auto agreed = connection_ ? mr::spdm::agreed_of(connection_->version, connection_->algorithms) : std::nullopt;
        if (!agreed) return differ("there is a session and no connection");
        ByteReader request_reader(asked);
        const auto read_request = mr::spdm::take_get_measurements(request_reader, agreed->version);
        if (!read_request) return differ(read_request.error().message);
        ByteReader reader(answered);
        auto read = mr::spdm::take_measurements(reader, *agreed, *read_request, mr::spdm::Signature::present);
        if (!read) return differ(read.error().message);
        if (!reader.rest().empty() || !request_reader.rest().empty()) differ("there are bytes behind what is inside");
        mr::spdm::append(in_session_, asked);
        mr::spdm::append(in_session_, mr::ByteView(answered).first(answered.size() - read->signature.size()));
        note_measurements(*read_request, at_,
                          {.count = read->count,
                           .blocks = read->blocks,
                           .content_changed = read->content_changed,
                           .nonce = read_request->is_signed() ? std::optional(read_request->nonce) : std::nullopt,
                           .responder_nonce = read->nonce,
                           .opaque = mr::spdm::owned(read->opaque),
                           .is_signed = read_request->is_signed()},
                          true);
        if (!read_request->is_signed()) return;
        mr::SpdmEvidence evidence{.transcript = connection_->vca,
                                  .signature = mr::spdm::owned(read->signature),
                                  .slot = read_request->slot,
                                  .nonce = read_request->nonce,
                                  .version = connection_->version,
                                  .capabilities = connection_->capabilities,
                                  .algorithms = connection_->algorithms};
        if (const auto *const chain = requester_.chain(evidence.slot)) evidence.chain = *chain;
        mr::spdm::append(evidence.transcript, in_session_);
        in_session_.clear();
        auto found = evidence_json(evidence, recording_.roots);
        found["in_session"] = true;
        replayed_.found["transcripts"].push_back(std::move(found));
    }

    void finish() {
        auto &found = replayed_.found;
        if (connection_) {
            found["capabilities"] = capabilities_json(connection_->capabilities, connection_->version);
            found["negotiated"] = negotiated_json(*connection_);
            const auto base_hash = mr::spdm_base_hash(connection_->algorithms.base_hash).value_or(mr::HashAlgorithm::sha256);
            found["chains"] = json::object();
            for (std::uint8_t slot = 0; slot < mr::spdm_slots; ++slot) {
                const auto *const chain = requester_.chain(slot);
                if (chain == nullptr) continue;
                auto &of_slot = found["chains"][std::to_string(slot)] = chain_json(*chain, base_hash, recording_.roots);
                of_slot["portions"] = portions_of_.at(slot);
            }
            if (digests_) found["digests"] = digests_json(*digests_, connection_->version);
            const auto measurement_hash = mr::spdm_measurement_hash(connection_->algorithms.measurement_hash);
            if (requester_.measurement_log() != nullptr && measurement_hash) {
                found["mel"] = log_json(*requester_.measurement_log(), requester_.measurements()->blocks, *measurement_hash);
                found["mel"]["portions"] = log_portions_;
            }
        } else {
            found["chains"] = json::object();
        }
        for (auto &each : differences(recording_.expected, found)) replayed_.differences.push_back(std::move(each));
    }

    const Recording &recording_;
    Draws draws_;
    mr::SpdmRequester requester_;
    Replayed replayed_;
    std::size_t at_ = 0;        // the request's index
    std::size_t began_at_ = 0;  // of the operation's first request
    mr::SpdmStep step_{.kind = Kind::done};
    Code operation_ = Code::error;
    mr::spdm::MeasurementsRequest asked_;
    std::size_t portions_ = 0;
    std::size_t log_portions_ = 0;
    std::array<std::size_t, mr::spdm_slots> portions_of_{};
    mr::Bytes large_;
    mr::Bytes in_session_;
    std::optional<mr::SpdmConnection> connection_;
    std::optional<mr::SpdmDigests> digests_;
};

}  // namespace

Replayed replay(const Recording &recording) { return Player(recording).play(); }

}  // namespace spdm_replay
