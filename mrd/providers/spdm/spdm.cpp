#include "mrd/providers/spdm/spdm.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "mr/certificate.h"
#include "mr/spdm.h"
#include "mr/spdm_evidence.h"
#include "mr/spdm_requester.h"
#include "mr/tdisp.h"
#include "mr/verdict.h"
#include "mr/verify_spdm.h"
#include "mrd/clock.h"
#include "mrd/log.h"
#include "mrd/opener/opener.h"
#include "mrd/providers/device.h"
#include "mrd/providers/spdm/link.h"
#include "mrd/providers/spdm/pauses.h"

namespace mrd::spdm {

namespace {

using std::chrono::steady_clock;
using Cause = DeviceFailure::Cause;

// To connect, and to be asked for everything: who waits for a fresh value waits no longer. A device that asks for more time than this is not there.
constexpr auto connect_time = std::chrono::seconds(2);
constexpr auto ask_time = std::chrono::seconds(20);

constexpr std::string_view not_known = "not known: no secured session, the TSM owns it";

std::unexpected<DeviceFailure> fail(Cause cause, std::string reason) { return std::unexpected(DeviceFailure{cause, std::move(reason)}); }

std::string digest_text(const mr::Digest &digest, mr::HashAlgorithm hash) {
    return std::string(mr::to_string(hash)) + ":" + mr::to_hex(digest.bytes());
}

// The block itself, and nothing of where mrd shows it.
bool is_same_block(const DeviceBlock &one, const DeviceBlock &other) {
    return one.index == other.index && one.type == other.type && one.is_raw == other.is_raw && one.value == other.value;
}

// What the device's own reply is, on a connection that goes on.
bool is_refusal(mr::SpdmFault fault) {
    using mr::SpdmFault;
    switch (fault) {
    case SpdmFault::busy:
    case SpdmFault::response_not_ready:
    case SpdmFault::invalid_request:
    case SpdmFault::unsupported_request:
    case SpdmFault::unspecified:
    case SpdmFault::session_required: return true;
    default: return false;
    }
}

// What a report says of itself. Where it is from, and in which state the interface is, only the TSM knows.
bool rests_on_report(std::string_view name) {
    using namespace mr::statement;  // NOLINT(google-build-using-namespace): names
    return name == interface_ranges || name == interface_update || name == interface_dma;
}

std::optional<DeviceInterface> interface_in(const std::filesystem::path &file) {
    if (file.empty()) return std::nullopt;
    const auto bytes = opener::read_file(file, mr::max_tdisp_report_size);
    if (!bytes) return DeviceInterface{.defect = bytes.error()};
    DeviceInterface told;
    if (const auto digest = mr::hash(mr::HashAlgorithm::sha384, *bytes)) told.digest = digest_text(*digest, mr::HashAlgorithm::sha384);
    const auto report = mr::decode_tdisp_report(*bytes);
    if (!report) {
        told.defect = report.error().message;
        return told;
    }
    told.ranges = report->ranges.size();
    mr::Verdict verdict;
    mr::judge_tdisp_report(*bytes, std::nullopt, {}, verdict);
    for (const auto &each : verdict.statements()) {
        if (rests_on_report(each.name) && each.result != mr::Judgement::holds) told.refused.push_back(each.name);
    }
    return told;
}

class Spdm final : public Provider, public RegisterDriver, public Device {
public:
    Spdm(Options options, mr::TrustAnchors anchors)
        : options_(std::move(options)),
          anchors_(std::move(anchors)),
          link_(options_.address, options_.transport),
          generation_(now_in_microseconds()),
          absence_("it has not answered yet") {
        watcher_ = std::thread([this] { watch(); });
    }
    Spdm(const Spdm &) = delete;
    Spdm &operator=(const Spdm &) = delete;
    ~Spdm() override {
        interrupt();
        watcher_.join();
    }

    [[nodiscard]] std::string_view name() const override { return options_.name; }
    [[nodiscard]] std::string_view kind() const override { return "spdm"; }
    [[nodiscard]] bool simulated() const override { return false; }
    // Who answers at the address is not bound to this machine by anything that mrd sees.
    [[nodiscard]] bool unbound() const override { return true; }
    [[nodiscard]] bool may_wait() const override { return true; }
    void interrupt() override { link_.interrupt(); }
    RegisterDriver *registers() override { return this; }
    Device *device() override { return this; }

    void tell(ProviderNews news) override {
        const std::lock_guard lock(mutex_);
        news_ = std::move(news);
        if (facts_) news_->registers({list_, there_});
    }

    // ---- Registers. Called from the queue.

    [[nodiscard]] const std::vector<RegisterSpec> &list() const override { return at_first_; }
    [[nodiscard]] RegisterAbilities abilities() const override {
        return {.refresh = true, .extend = false, .write = false, .come_and_go = true};
    }

    std::expected<void, ProviderError> refresh(RefreshSet, std::vector<mr::Bytes> &values) override {
        if (give_unread(values)) return {};
        const auto asked = ask({}, Changes::may_be_read);
        if (!asked) return std::unexpected(ProviderError{asked.error().reason, Applied::no});
        const std::lock_guard lock(mutex_);
        give(values);
        return {};
    }
    std::expected<void, ProviderError> extend(RegisterIndex, const mr::Digest &) override { return refuse(); }
    std::expected<void, ProviderError> write(RegisterIndex, mr::ByteView) override { return refuse(); }

    // ---- The device

    [[nodiscard]] DeviceState state() const override {
        const std::lock_guard lock(mutex_);
        return {.address = options_.address.text,
                .transport = options_.transport == mr::SpdmTransport::doe ? "doe" : "mctp",
                .pci_function = options_.pci_function ? options_.pci_function->text : std::string(),
                .slot = options_.slot,
                .facts = facts_,
                .absence = facts_ ? std::string() : absence_,
                .link = not_known,
                .tdi = not_known};
    }

    std::expected<DeviceEvidence, DeviceFailure> evidence(const DeviceNonce &nonce) override {
        auto asked = ask(nonce, Changes::end_registers);
        if (!asked) return std::unexpected(std::move(asked.error()));
        return DeviceEvidence{std::move(asked->facts),
                              std::move(asked->evidence.transcript),
                              std::move(asked->evidence.signature),
                              std::move(asked->evidence.chain),
                              asked->evidence.slot,
                              std::move(asked->log)};
    }

private:
    // What a value that is another one does to the registers: mrd is about to read them, or they end and come again.
    enum class Changes : std::uint8_t { may_be_read, end_registers };
    struct Asked {
        DeviceFacts facts;
        mr::SpdmEvidence evidence;
        std::optional<mr::Bytes> log;
    };

    static std::unexpected<ProviderError> refuse() {
        return std::unexpected(ProviderError{"a device's blocks are only read", Applied::no});
    }

    // ---- The connection. Whoever asks the device has io_; the watcher alone closes.

    void watch() {
        Pauses pauses;
        std::string told;
        while (!link_.is_interrupted()) {
            if (auto met = meet(); !met) {
                if (met.error().reason != std::exchange(told, met.error().reason) && !link_.is_interrupted())
                    log::warning("a device is not there", {{"device", options_.name}, {"reason", told}});
                link_.sleep_until(steady_clock::now() + pauses.after_absence());
                continue;
            }
            told.clear();
            const auto came = steady_clock::now();
            log::info("a device has come", {{"device", options_.name}});
            link_.wait_for_end();
            leave();
            link_.sleep_until(steady_clock::now() + pauses.after_stay(steady_clock::now() - came));
        }
    }

    void leave() {
        const std::lock_guard io(io_);
        if (!link_.is_interrupted()) {
            if (!is_over_) end("it has ended the connection");
            log::warning("a device has gone", {{"device", options_.name}, {"reason", state().absence}});
        }
        is_over_ = true;
        link_.close();
    }

    std::expected<void, DeviceFailure> meet() {
        const std::lock_guard io(io_);
        link_.close();
        requester_.emplace(requester_options());
        is_over_ = false;
        if (auto connected = link_.connect(steady_clock::now() + connect_time); !connected) return absent(connected.error().reason);
        auto asked = ask_locked({}, steady_clock::now() + ask_time, Changes::end_registers);
        if (!asked) return absent(asked.error().reason);
        return {};
    }

    std::unexpected<DeviceFailure> absent(const std::string &reason) {
        link_.close();
        end(reason);
        return fail(Cause::absent, reason);
    }

    [[nodiscard]] mr::SpdmOptions requester_options() const {
        mr::SpdmOptions options;
        options.flags |= mr::spdm_cap_chunk;
        options.max_message_size = mr::max_spdm_message;
        options.log_specification = 1;
        options.is_padded = options_.transport == mr::SpdmTransport::doe;
        return options;
    }

    // ---- Asking

    std::expected<Asked, DeviceFailure> ask(std::optional<DeviceNonce> nonce, Changes changes) {
        // One that is being met is not there yet: nobody waits for that.
        if (auto now = state(); !now.facts) return fail(Cause::absent, std::move(now.absence));
        const std::unique_lock io(io_, steady_clock::now() + ask_time);
        if (!io) return fail(Cause::timed_out, "it is asked by somebody else");
        if (is_over_) return fail(Cause::absent, state().absence);
        // It has all its time, however long others had it before.
        auto asked = ask_locked(nonce, steady_clock::now() + ask_time, changes);
        // Something else than an answer: whoever it is, it is met again.
        if (is_over_) link_.wake();
        return asked;
    }

    std::expected<Asked, DeviceFailure> ask_locked(std::optional<DeviceNonce> nonce, TimePoint deadline, Changes changes) {
        bool is_forgotten = requester_->connection() == nullptr;  // the device begins anew
        if (auto collected = collect(nonce, deadline, is_forgotten); !collected) return std::unexpected(std::move(collected.error()));
        // Behind the measurements the device may have extended a block, which they do not show: asked once more they do.
        if (!log_defect().empty()) {
            if (auto collected = collect(nonce, deadline, is_forgotten); !collected) return std::unexpected(std::move(collected.error()));
        }
        return take(*requester_->evidence(), *requester_->measurements(), is_forgotten, changes);
    }

    // Why the log that was read does not lead to the blocks that were; empty: it does, or there is none.
    [[nodiscard]] std::string log_defect() const {
        const auto *log = requester_->measurement_log();
        if (log == nullptr) return {};
        const auto hash = mr::spdm_measurement_hash(requester_->evidence()->algorithms.measurement_hash);
        if (!hash) return "no measurement hash was agreed on that it would be replayed with";
        const auto leads = mr::check_spdm_measurement_log(*log, requester_->measurements()->blocks, *hash);
        return leads ? std::string() : leads.error().message;
    }

    // Signed measurements, and the log where there is one.
    std::expected<void, DeviceFailure> collect(std::optional<DeviceNonce> nonce, TimePoint deadline, bool &is_forgotten) {
        const bool was_met = requester_->connection() != nullptr;
        mr::SpdmCollectOptions wanted{.slot = options_.slot, .nonce = nonce};
        wanted.is_anew = was_met && requester_->connection()->version >= mr::SpdmVersion::v1_3;
        mr::SpdmCollection collection(*requester_, wanted);
        auto step = collection.begin();
        std::optional<LinkFailure> lost;
        while (step.kind != mr::SpdmStep::Kind::done && step.kind != mr::SpdmStep::Kind::failed) {
            const auto until = std::min(deadline, steady_clock::now() + std::chrono::ceil<steady_clock::duration>(step.time));
            if (step.kind == mr::SpdmStep::Kind::wait) {
                link_.sleep_until(until);
                if (link_.is_interrupted() || steady_clock::now() >= deadline) {
                    lost = LinkFailure{LinkFailure::Cause::timed_out, "it asks for more time than there is"};
                    break;
                }
                step = collection.resume();
                continue;
            }
            constexpr std::uint8_t get_version = 0x84;
            is_forgotten = is_forgotten || step.message[1] == get_version;
            auto answer = link_.exchange(step.message, until);
            if (answer) {
                step = collection.reply(*answer);
                continue;
            }
            lost = std::move(answer.error());
            break;
        }
        if (lost) return over(lost->cause == LinkFailure::Cause::timed_out ? Cause::timed_out : Cause::absent, lost->reason);
        if (step.kind == mr::SpdmStep::Kind::failed) {
            const auto &error = requester_->error();
            const auto reason = std::string(mr::to_string(error.fault)) + ": " + error.message;
            if (was_met && !is_forgotten && is_refusal(error.fault)) return fail(Cause::failed, reason);
            return over(Cause::failed, reason);
        }
        const auto *evidence = requester_->evidence();
        const auto *measurements = requester_->measurements();
        if (evidence == nullptr || measurements == nullptr || !measurements->is_signed)
            return over(Cause::failed, "its measurements are not signed");
        return {};
    }

    std::unexpected<DeviceFailure> over(Cause cause, const std::string &reason) {
        is_over_ = true;
        end(reason);
        return fail(cause, reason);
    }

    // ---- What it said

    std::expected<Asked, DeviceFailure> take(const mr::SpdmEvidence &evidence, const mr::SpdmMeasurements &measurements, bool is_forgotten,
                                             Changes changes) {
        const auto hash = mr::spdm_base_hash(evidence.algorithms.base_hash);
        if (!hash) return over(Cause::failed, "its hash is not known");
        const auto identity = mr::check_spdm_chain(evidence.chain, *hash, anchors_, static_cast<mr::UnixTime>(std::time(nullptr)));
        if (!identity) return over(Cause::failed, std::string(mr::to_string(identity.error().fault)) + ": " + identity.error().message);
        DeviceFacts facts{.identity = identity->certificates.empty() ? std::string() : identity->certificates.back().subject,
                          .leaf = digest_text(identity->leaf_digest, *hash),
                          .certificates = identity->certificates.size(),
                          .version = std::string(mr::to_string(evidence.version)),
                          .signature_algorithm = std::string(mr::spdm_asym_name(evidence.algorithms.base_asym)),
                          .hash = *hash,
                          .measurement_hash = mr::spdm_measurement_hash(evidence.algorithms.measurement_hash),
                          .nonce = evidence.nonce,
                          .signed_at = now_in_microseconds(),
                          // Over 1.1 nothing signs its capabilities.
                          .measures_anew = evidence.version != mr::SpdmVersion::v1_1 && evidence.capabilities.has(mr::spdm_cap_meas_fresh)};
        // Whose names cannot be read says none.
        if (auto names = mr::device_names_of_chain(evidence.chain, *hash, evidence.capabilities.has(mr::spdm_cap_alias_cert))) {
            facts.pci = std::move(names->pci);
            facts.dmtf = std::move(names->dmtf);
        }
        if (const auto root = mr::hash(*hash, identity->root)) facts.root = digest_text(*root, *hash);
        if (const auto *digests = requester_->digests()) {
            for (const auto &slot : digests->slots) facts.slots.push_back(slot.number);
        }
        for (const auto &block : measurements.blocks)
            facts.blocks.push_back(
                {.index = block.index, .type = mr::spdm_block_type_name(block.type), .is_raw = block.is_raw, .value = block.value});
        std::ranges::sort(facts.blocks, {}, &DeviceBlock::index);
        std::optional<mr::Bytes> log;
        if (const auto *read = requester_->measurement_log()) {
            log = *read;
            const auto entries = mr::parse_spdm_measurement_log(*log);
            facts.log = DeviceLog{entries ? entries->size() : 0, log_defect()};
        }
        facts.interface = interface_in(options_.interface_report);

        const std::lock_guard lock(mutex_);
        const bool is_same_device = facts_ && !is_forgotten && facts_->leaf == facts.leaf;
        // What the device says of it, "no change", is not asked: it has been wrong.
        const bool is_same =
            is_same_device && facts_->interface == facts.interface && std::ranges::equal(facts_->blocks, facts.blocks, is_same_block);
        const bool has_same_layout =
            is_same_device && std::ranges::equal(facts_->blocks, facts.blocks, [](const auto &one, const auto &other) {
                return one.index == other.index && one.type == other.type && one.is_raw == other.is_raw &&
                       one.value.size() == other.value.size();
            });
        facts.generation = is_same ? facts_->generation : ++generation_;
        facts.since = is_same ? facts_->since : facts.signed_at;
        const bool ends_registers = !is_same && (changes == Changes::end_registers || !has_same_layout);
        if (ends_registers && facts_) tell_none();
        list_blocks(facts);
        facts_ = std::move(facts);
        if (ends_registers) {
            is_unread_ = true;
            if (news_) news_->registers({list_, there_});
        }
        return Asked{*facts_, evidence, std::move(log)};
    }

    // ---- Registers. All with mutex_.

    // A place is of one name and one hash, whatever the size, and whoever's the block is.
    void list_blocks(DeviceFacts &facts) {
        there_.assign(there_.size(), false);
        place_of_.clear();
        for (std::size_t i = 0; i < facts.blocks.size(); ++i) {
            auto &block = facts.blocks[i];
            if (block.value.empty() || block.value.size() > max_register_size) continue;
            RegisterSpec spec{.name = mr::spdm_register_name(block.type, block.index),
                              .hash = block.is_raw ? std::nullopt : facts.measurement_hash,
                              .size = block.value.size(),
                              .flags = mr::Flag::readable | mr::Flag::live};
            if (spec.hash && mr::digest_size(*spec.hash) != spec.size) spec.hash.reset();
            auto place =
                std::ranges::find_if(list_, [&](const RegisterSpec &known) { return known.name == spec.name && known.hash == spec.hash; });
            if (place == list_.end()) {
                if (list_.size() == max_registers) continue;
                place = list_.insert(list_.end(), std::move(spec));
                there_.push_back(false);
            } else {
                place->size = spec.size;
            }
            const auto index = static_cast<RegisterIndex>(place - list_.begin());
            there_[index] = true;
            place_of_[index] = i;
            block.reg = place->name;
        }
    }

    void tell_none() {
        there_.assign(there_.size(), false);
        if (news_) news_->registers({list_, there_});
    }

    void end(const std::string &reason) {
        const std::lock_guard lock(mutex_);
        absence_ = reason;
        if (!facts_) return;
        facts_.reset();
        is_unread_ = false;
        tell_none();
    }

    // What has just come was asked for already.
    bool give_unread(std::vector<mr::Bytes> &values) {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(is_unread_, false) || !facts_) return false;
        give(values);
        return true;
    }

    void give(std::vector<mr::Bytes> &values) const {
        if (!facts_) return;
        for (const auto &[place, block] : place_of_) {
            if (place < values.size()) values[place] = facts_->blocks[block].value;
        }
    }

    Options options_;
    mr::TrustAnchors anchors_;

    std::timed_mutex io_;  // before mutex_
    Link link_;
    std::optional<mr::SpdmRequester> requester_;
    bool is_over_ = true;  // the watcher is to meet it again

    mutable std::mutex mutex_;
    std::optional<ProviderNews> news_;
    DeviceGeneration generation_;
    std::optional<DeviceFacts> facts_;
    std::string absence_;
    const std::vector<RegisterSpec> at_first_;  // none: a device is met later
    std::vector<RegisterSpec> list_;
    std::vector<bool> there_;
    std::map<RegisterIndex, std::size_t> place_of_;  // to the block in facts_
    bool is_unread_ = false;                         // the registers have come, and nobody has read them yet

    std::thread watcher_;  // last: it uses all of this
};

}  // namespace

opener::Places places_of(const Options &options) {
    opener::Places places{opener::place_of_file(options.roots)};
    if (!options.interface_report.empty()) places.push_back(opener::place_of_file(options.interface_report));
    places.push_back({.kind = opener::Place::Kind::socket, .path = options.address.text, .address = options.address.bytes});
    return places;
}

std::expected<std::unique_ptr<Provider>, std::string> open(const Options &options) {
    const auto refuse = [&options](const std::string &why) {
        return std::unexpected("the device " + options.name + ": its roots, " + options.roots.string() + ": " + why);
    };
    const auto file = opener::read_file(options.roots, max_roots_size);
    if (!file) return refuse(file.error());
    auto anchors = mr::parse_trust_anchors(*file);
    if (!anchors) return refuse(anchors.error().message);
    if (anchors->roots.empty()) return refuse("there is no certificate in it: give the roots of the device's maker, PEM or DER");
    return std::make_unique<Spdm>(options, std::move(*anchors));
}

}  // namespace mrd::spdm
