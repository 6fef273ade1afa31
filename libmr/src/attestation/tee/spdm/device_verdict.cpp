// What the evidence of a device comes to: one statement for each way in which it may be another's, an old one, or of another device than is expected.
#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/pki/x509.h"
#include "libmr/src/attestation/tee/spdm/device_ids.h"
#include "libmr/src/attestation/tee/spdm/spdm.h"
#include "mr/corim.h"
#include "mr/tdreport.h"
#include "mr/verify_spdm.h"

namespace mr {
namespace attestation {
namespace {

constexpr std::string_view quote_format_name = "spdm";

std::string index_text(std::uint8_t index) { return std::to_string(index); }

// "Vendor=10de:Device=2331:CC=030200": what a field says, by its name.
std::map<std::string_view, std::string_view> fields_of(std::string_view name) {
    std::map<std::string_view, std::string_view> fields;
    while (!name.empty()) {
        const auto field = name.substr(0, name.find(':'));
        name.remove_prefix(std::min(name.size(), field.size() + 1));
        const auto end = field.find_first_of("= ");
        fields.emplace(field.substr(0, end), end == std::string_view::npos ? std::string_view() : field.substr(end + 1));
    }
    return fields;
}

// The kernel writes hexadecimal digits small, certificates have both.
bool is_same_hexadecimal(std::string_view one, std::string_view other) {
    const auto small = [](char letter) { return letter >= 'A' && letter <= 'F' ? static_cast<char>(letter - 'A' + 'a') : letter; };
    return std::ranges::equal(one, other, {}, small, small);
}

// The certificate may say more than is expected, and nothing else, and no field twice.
bool is_function(std::string_view certified, std::string_view expected) {
    const auto has = fields_of(certified);
    return has.size() == static_cast<std::size_t>(std::ranges::count(certified, ':')) + 1 &&
           std::ranges::all_of(fields_of(expected), [&](const auto &field) {
               const auto found = has.find(field.first);
               return found != has.end() && is_same_hexadecimal(found->second, field.second);
           });
}
// "maker:product:serial", of which the serial number need not be expected.
bool is_product(std::string_view certified, std::string_view expected) {
    return certified == expected || (std::ranges::count(expected, ':') == 1 && certified.starts_with(std::string(expected) + ":"));
}

std::string listed(const std::vector<std::string> &texts, std::string_view between = ", ") {
    std::string all;
    for (const auto &text : texts) all.append(all.empty() ? "" : between).append(text);
    return all;
}

// Of one piece of evidence.
class DeviceVerification {
public:
    DeviceVerification(const TeeEvidence &evidence, const TrustAnchors *anchors, UnixTime time, const PlatformPolicy &platform,
                       const SpdmPolicy &policy, bool has_policy, Verdict &verdict)
        : evidence_(evidence),
          anchors_(anchors != nullptr ? *anchors : nobody_),
          time_(time),
          platform_(platform),
          policy_(policy),
          has_policy_(has_policy),
          verdict_(verdict),
          file_(parse_device_evidence(evidence.quote)) {}

    std::optional<Claims> run() {
        add(statement::quote_format, check_format());
        check_signatures();
        add(statement::device_claims, if_read([&] { return check_claims(); }));
        add(statement::signed_algorithms, if_signed([&] { return check_algorithms(); }));
        add(statement::device_identity, if_signed([&] { return check_identity(); }), has_policy_);
        add(statement::device_mode, if_signed([&] { return check_mode(); }));
        if (file_ && file_->measurement_log) add(statement::measurement_log, if_signed([&] { return check_log(); }));
        add(statement::value_freshness, if_signed([&] { return check_freshness(); }));
        take_manifests();
        check_blocks();
        if (!read_) return std::nullopt;
        return claims();
    }

private:
    static constexpr auto unread = "what the device signed cannot be read";
    static constexpr auto unsigned_reason = "nothing vouches for what the device says";

    void add(std::string_view name, Finding found, bool required = true) {
        // Texts of certificates and manifests stand in some reasons; write_verdict() and who prints them escape what could trick a terminal.
        verdict_.add({.name = std::string(name), .result = found.result, .required = required, .reason = std::move(found.reason)});
    }
    template <typename Check>
    Finding if_read(Check check) const {
        return read_ ? check() : not_judged(unread);
    }
    template <typename Check>
    Finding if_signed(Check check) const {
        return is_signed_ ? check() : not_judged(unsigned_reason);
    }

    Finding check_format() {
        if (!file_) return fails(file_.error().message);
        auto read = read_spdm_transcript(file_->spdm);
        if (!read) return fails("the transcript: " + read.error().message);
        read_ = std::move(*read);
        return holds("measurements over SPDM " + std::string(to_string(read_->version)) + ", " + std::to_string(read_->blocks.size()) +
                     " blocks, of slot " + std::to_string(read_->slot));
    }

    // From quote_signature to certificates_valid.
    void check_signatures() {
        if (!read_) {
            for (const auto name : {statement::quote_signature, statement::certificate_chain, statement::certificates_valid})
                add(name, not_judged(unread));
            return;
        }
        const auto &evidence = file_->spdm;
        const auto signature = check_spdm_signature(evidence, *read_);
        add(statement::quote_signature,
            signature ? holds("the leaf certificate's key signed the transcript") : fails(signature.error().message));
        const auto hash = spdm_base_hash(read_->algorithms.base_hash);
        base_hash_ = hash.value_or(base_hash_);
        auto chain = hash ? check_spdm_chain(evidence.chain, *hash, anchors_)
                          : std::unexpected(SpdmError{SpdmFault::no_common_algorithm, "the base hash is not known"});
        is_signed_ = signature && chain;
        if (!chain) {
            const auto *const none = anchors_.roots.empty() ? "; no roots were given, and there are none that all devices have" : "";
            add(statement::certificate_chain, fails(chain.error().message + none));
            return add(statement::certificates_valid, not_judged("the certificate chain does not hold"));
        }
        add(statement::certificate_chain,
            holds("the chain of " + std::to_string(chain->certificates.size()) + " certificates leads to a given root"));
        const auto valid = check_spdm_chain(evidence.chain, *hash, anchors_, time_);
        add(statement::certificates_valid,
            valid ? holds("every certificate is valid at the time of verification") : fails(valid.error().message));
        identity_ = std::move(*chain);
    }

    // What the file says for people is what a reader sees first.
    [[nodiscard]] Finding check_claims() const {
        const auto &said = file_->spdm;
        const auto base_hash = spdm_base_hash(read_->algorithms.base_hash);
        const auto base_hash_name = base_hash ? to_string(*base_hash) : std::string_view();
        if (file_->said.nonce && said.nonce != read_->nonce)
            return fails("the file says the nonce " + to_hex(said.nonce) + ", signed is " + to_hex(read_->nonce));
        if (said.slot != read_->slot)
            return fails("the file says slot " + std::to_string(said.slot) + ", signed is slot " + std::to_string(read_->slot));
        if (file_->said.version && said.version != read_->version)
            return fails("the file says SPDM " + std::string(to_string(said.version)) + ", the transcript is in " +
                         std::string(to_string(read_->version)));
        if (said.algorithms.measurement_hash != 0 && said.algorithms.measurement_hash != read_->algorithms.measurement_hash)
            return fails("the file says another measurementHash than was agreed on");
        if (file_->said.signature_algorithm && file_->said.signature_algorithm != spdm_asym_name(read_->algorithms.base_asym))
            return fails("the file says another signatureAlgorithm than signed it");
        if (file_->said.hash && (base_hash_name.empty() || file_->said.hash != base_hash_name))
            return fails("the file says another hash than was agreed on");
        // Over 1.1 nothing signs its capabilities.
        const bool measures_anew = read_->algorithms_are_signed && read_->capabilities.has(spdm_cap_meas_fresh);
        if (file_->said.value_fresh && file_->said.value_fresh != measures_anew)
            return fails(std::string("the file says valueFresh ") + (measures_anew ? "false" : "true") +
                         ", the device has signed no such thing");
        if (file_->blocks && *file_->blocks != read_->blocks) return fails("the file's blocks are not those of the transcript");
        return holds("the transcript shows nothing else");
    }

    [[nodiscard]] Finding check_algorithms() const {
        if (read_->algorithms_are_signed) return holds("the transcript has what was negotiated");
        return judge(policy_.accept_unsigned_algorithms, "SPDM 1.1 does not sign what was negotiated, which is accepted",
                     "SPDM 1.1 does not sign what was negotiated: which hash the digests are of is somebody's word");
    }

    // The device issued the leaf, by its own signed word.
    [[nodiscard]] bool has_alias() const { return read_->capabilities.has(spdm_cap_alias_cert); }

    [[nodiscard]] Finding check_identity() const {
        const auto names = device_names_of_chain(file_->spdm.chain, base_hash_, has_alias());
        if (!names) return fails(names.error().message);
        std::vector<std::string> found;
        if (names->pci) found.push_back("PCI " + *names->pci);
        if (names->dmtf) found.push_back(*names->dmtf);
        const auto who = found.empty() ? std::string("the certificate names no device") : "the certificate is of " + listed(found);
        if (policy_.pci.empty() && policy_.dmtf.empty())
            return policy_.accept_any_device ? holds(who + "; any device is accepted")
                                             : not_judged(who + "; which is expected, nothing says");
        const auto is_one_of = [](const std::optional<std::string> &name, const std::vector<std::string> &expected, auto is) {
            return expected.empty() || (name && std::ranges::any_of(expected, [&](const std::string &each) { return is(*name, each); }));
        };
        if (!is_one_of(names->pci, policy_.pci, is_function))
            return fails(who + ", expected was the function " + listed(policy_.pci, " or "));
        if (!is_one_of(names->dmtf, policy_.dmtf, is_product)) return fails(who + ", expected was " + listed(policy_.dmtf, " or "));
        return holds(who);
    }

    // What all blocks of it say together. Nothing: there is none, or one of another size or form, which says nothing.
    [[nodiscard]] std::optional<SpdmDeviceMode> mode() const {
        std::optional<SpdmDeviceMode> found;
        for (const auto &block : read_->blocks) {
            if (block.type != std::to_underlying(SpdmBlockType::device_mode)) continue;
            const auto said = spdm_device_mode(block);
            if (!said) return std::nullopt;
            if (!found) found.emplace();
            found->mode |= said->mode;
            found->debug |= said->debug;
        }
        return found;
    }

    [[nodiscard]] Finding check_mode() const {
        const auto found = mode();
        if (!found)
            return judge(policy_.accept_no_mode, "the device says no mode, which is accepted", "the device says no mode: it may be any");
        const auto text = "the device's mode is " + bits_text(found->mode, spdm_mode_bits());
        return judge(found->mode != 0 && (found->mode & ~policy_.modes) == 0, text,
                     text + ", accepted is " + bits_text(policy_.modes, spdm_mode_bits()));
    }

    // Nothing signs the log: the blocks that it leads to are.
    [[nodiscard]] Finding check_log() const {
        const auto hash = spdm_measurement_hash(read_->algorithms.measurement_hash);
        if (!hash) return fails("there is a log, and no measurement hash was agreed on that it would be replayed with");
        if (const auto leads = check_spdm_measurement_log(*file_->measurement_log, read_->blocks, *hash); !leads)
            return fails(leads.error().message);
        const auto entries = parse_spdm_measurement_log(*file_->measurement_log);
        return holds("the log of " + std::to_string(entries ? entries->size() : 0) + " entries leads to the hash-extend blocks");
    }

    [[nodiscard]] Finding check_freshness() const {
        if (read_->has_changed())
            return fails("blocks have changed while the device was asked: what it had shown before is no longer so; ask it again");
        if (read_->values_are_fresh()) return holds("the device measured when it was asked with this nonce");
        if (!read_->blocks_are_of_nonce)
            return judge(policy_.accept_values_since_reset, "values may be of before the nonce, or of the last reset, which is accepted",
                         "blocks stand before the request with the nonce: they may be older than it, however fresh the signature is");
        return judge(policy_.accept_values_since_reset, "values may be of the device's last reset, which is accepted",
                     "the device does not measure when it is asked: values may be of its last reset, however fresh the signature is");
    }

    void take_manifests() {
        if (!evidence_.collateral) return;
        std::vector<DeviceReferenceSet> added;
        auto found = check_manifests(added);
        if (found.good()) manifest_sets_ = std::move(added);
        add(statement::reference_manifest, std::move(found));
    }

    Finding check_manifests(std::vector<DeviceReferenceSet> &to) const {
        const auto manifests = parse_spdm_collateral(*evidence_.collateral);
        if (!manifests) return fails(manifests.error().message);
        std::vector<std::string> names;
        for (const auto &manifest : *manifests) {
            auto corim = decode_corim(manifest);
            if (!corim) return fails(corim.error().message);
            const auto name = "the manifest " + corim->id;
            const auto signed_by = [&](const Bytes &key) { return check_corim_signature(*corim, key).has_value(); };
            const bool is_signed = std::ranges::any_of(policy_.manifest_keys, signed_by);
            if (!is_signed && !policy_.manifest_keys.empty() && corim->is_signed)
                return fails(name + " is signed by none of the keys that the reference values name");
            if (!is_signed && !policy_.accept_unsigned_manifests)
                return fails(
                    name + (corim->is_signed ? " is signed, and the reference values name no key (manifestKeys)" : " is signed by nobody"));
            // What came with the evidence is of whoever carried it.
            if (!is_signed && !evidence_.is_own_collateral)
                return fails(name +
                             " came with the evidence, and no key that the reference values name signs it: give it beside the evidence");
            if (corim->not_before && time_ < *corim->not_before)
                return fails(name + " holds from " + date_text(*corim->not_before) + " on");
            if (corim->not_after && time_ > *corim->not_after) return fails(name + " held until " + date_text(*corim->not_after));
            names.push_back(corim->id + (is_signed ? "" : " (whoever made it)"));
            std::ranges::move(corim->sets, std::back_inserter(to));
        }
        return holds("manifests that are taken: " + listed(names));
    }

    // How a set fits the device.
    struct Fit {
        const DeviceReferenceSet *set = nullptr;
        std::vector<std::string> wrong;     // of blocks that are named
        std::vector<std::string> outdated;  // of security versions
    };

    [[nodiscard]] Fit fit_of(const DeviceReferenceSet &set) const {
        Fit fit{.set = &set, .wrong = {}, .outdated = {}};
        const auto hash = spdm_measurement_hash(read_->algorithms.measurement_hash);
        std::map<std::uint8_t, std::vector<const BlockReference *>> by_index;
        for (const auto &each : set.blocks) by_index[each.index].push_back(&each);
        for (const auto &[index, references] : by_index) {
            const auto block = std::ranges::find(read_->blocks, index, &SpdmBlock::index);
            if (block == read_->blocks.end()) {
                fit.wrong.push_back("block " + index_text(index) + " is not there");
                continue;
            }
            const auto defect = [&](bool with_svn) {
                std::string first;
                // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): the analyzer loses the map's vector
                for (const auto *reference : references) {
                    const auto each = block_defect(*block, *reference, hash, with_svn);
                    if (each.empty()) return each;
                    if (first.empty()) first = each;
                }
                return first;
            };
            if (auto wrong = defect(false); !wrong.empty()) {
                fit.wrong.push_back(std::move(wrong));
            } else if (auto outdated = defect(true); !outdated.empty()) {
                fit.outdated.push_back(std::move(outdated));
            }
        }
        return fit;
    }

    // The set that fits best.
    [[nodiscard]] Fit best_of(const std::vector<DeviceReferenceSet> &sets) const {
        Fit best;
        for (const auto &set : sets) {
            auto fit = fit_of(set);
            const auto rank = [](const Fit &each) { return std::pair(each.wrong.size(), each.outdated.size()); };
            if (best.set == nullptr || rank(fit) < rank(best)) best = std::move(fit);
        }
        return best;
    }

    // What whoever verifies has pinned holds beside whatever a manifest says: an older one, genuine as it is, would undo it.
    void check_blocks() {
        const bool required = has_policy_ || evidence_.collateral.has_value();
        if (!is_signed_ || (policy_.sets.empty() && manifest_sets_.empty())) {
            const auto *const reason = is_signed_ ? "no reference values name the blocks of the device" : unsigned_reason;
            add(statement::measurement_blocks, not_judged(reason), required);
            return add(statement::unlisted_blocks, not_judged(reason), required);
        }
        std::string wrong;
        for (const auto *sets : std::array<const std::vector<DeviceReferenceSet> *, 2>{&policy_.sets, &manifest_sets_}) {
            if (sets->empty()) continue;
            auto fit = best_of(*sets);
            if (!fit.wrong.empty()) {
                const auto of_more = sets->size() == 1 ? std::string() : ", the nearest of " + std::to_string(sets->size());
                wrong.append(wrong.empty() ? "" : "; ")
                    .append("not as named by " + fit.set->name + of_more + ": " + listed(fit.wrong, "; "));
            }
            fits_.push_back(std::move(fit));
        }
        add(statement::measurement_blocks,
            judge(wrong.empty(), "every block that is named by " + fitting() + " is there, and as it says", wrong), required);
        add_unlisted(required);
    }

    // The names of the sets that were compared.
    [[nodiscard]] std::string fitting() const {
        std::vector<std::string> names;
        names.reserve(fits_.size());
        for (const auto &fit : fits_) names.push_back(fit.set->name);
        return listed(names, " and ");
    }

    // What is accepted is not approved: it is said, and not required.
    void add_unlisted(bool required) {
        auto found = check_unlisted([](std::uint8_t) { return false; });
        const auto is_named = [this](std::uint8_t index) {
            return std::ranges::find(policy_.accepted_blocks, index) != policy_.accepted_blocks.end();
        };
        const bool is_accepted = !found.good() && (policy_.accept_unlisted || check_unlisted(is_named).good());
        if (is_accepted) found.reason += ", which is accepted";
        add(statement::unlisted_blocks, std::move(found), required && !is_accepted);
    }

    template <class IsAccepted>
    [[nodiscard]] Finding check_unlisted(const IsAccepted &is_accepted) const {
        std::vector<std::string> unlisted;
        for (const auto &block : read_->blocks) {
            const auto is_named_by = [&](const Fit &fit) {
                return std::ranges::find(fit.set->blocks, block.index, &BlockReference::index) != fit.set->blocks.end();
            };
            const bool is_listed = std::ranges::any_of(fits_, is_named_by) || is_accepted(block.index);
            // What it says is a statement of its own.
            const bool is_mode = block.type == std::to_underlying(SpdmBlockType::device_mode) && spdm_device_mode(block);
            if (!is_listed && !is_mode) unlisted.push_back(index_text(block.index) + " (" + spdm_block_type_text(block.type) + ")");
        }
        if (!unlisted.empty()) return fails("the device has blocks that are not named by " + fitting() + ": " + listed(unlisted));
        if (read_->block_count && *read_->block_count != read_->blocks.size())
            return fails("the device says that it has " + std::to_string(*read_->block_count) + " blocks, and has shown " +
                         std::to_string(read_->blocks.size()));
        return judge(read_->is_complete(), "the device has no other blocks",
                     "the device was not asked for all its blocks, so that it may have others");
    }

    // Debug bits of all times: what was looked into once may have been changed.
    [[nodiscard]] ClaimedFact debug() const {
        if (!is_signed_) return {.is = {}, .reason = unsigned_reason};
        const auto found = mode();
        if (!found) return {.is = {}, .reason = "the device says nothing of debugging"};
        const auto refused = found->debug & ~policy_.accepted_debug;
        if (refused != 0) return {.is = true, .reason = "the device is, or was, under debug: " + bits_text(refused, spdm_debug_bits())};
        return {.is = false,
                .reason = found->debug == 0 ? "the device is not under debug, and was not"
                                            : "of debugging there is what is accepted: " + bits_text(found->debug, spdm_debug_bits())};
    }

    [[nodiscard]] ClaimedTcb tcb() const {
        ClaimedTcb tcb;
        if (fits_.empty()) {
            tcb.failed = is_signed_ && policy_.sets.empty() && !evidence_.collateral && platform_.tcb_required;
            tcb.reason = is_signed_ ? "no reference values that are taken say which firmware of the device is good" : unsigned_reason;
            return tcb;
        }
        std::vector<std::string> outdated;
        for (const auto &fit : fits_) outdated.insert(outdated.end(), fit.outdated.begin(), fit.outdated.end());
        tcb.is_asked_for = true;
        tcb.is_up_to_date = outdated.empty();
        tcb.status = tcb.reported = tcb.is_up_to_date ? spdm_endorsed : spdm_below_minimum;
        tcb.reason = tcb.is_up_to_date ? "no security version is below one that is named by " + fitting() : listed(outdated, "; ");
        return tcb;
    }

    Claims claims() const {
        Claims claims{.kind = std::string(spdm_kind),
                      .quote_format = std::string(quote_format_name),
                      .report_data = Bytes(read_->nonce.begin(), read_->nonce.end()),
                      .registers = {}};
        claims.report_data.resize(report_data_size);
        const auto hash = spdm_measurement_hash(read_->algorithms.measurement_hash);
        for (const auto &block : read_->blocks) {
            // What is no digest is compared by `blocks`.
            if (block.is_raw || block.value.empty() || block.value.size() > max_digest_size) continue;
            constexpr auto last_of_what_runs = std::to_underlying(SpdmBlockType::firmware_configuration);
            claims.registers.push_back({.name = spdm_register_name(spdm_block_type_name(block.type), block.index),
                                        .algorithm = hash.value_or(HashAlgorithm::sha384),
                                        .value = Digest(block.value),
                                        .says_what_runs = block.type <= last_of_what_runs});
        }
        if (identity_) {
            // The key, not its certificate: one key may have several.
            if (const auto leaf = attestation::parse_certificate(identity_->leaf, attestation::CriticalPurposes::read))
                claims.leaf_key.assign(leaf->key.begin(), leaf->key.end());
            claims.hardware_ids = attestation::device_ids_of_chain(file_->spdm.chain, base_hash_, has_alias());
        }
        claims.hardware = {.is = {}, .reason = "no root of all devices is known: whoever names the root says whose it is"};
        claims.debug = debug();
        claims.tcb = tcb();
        // A mode or a security version leaves open what runs, however it is named.
        const auto says_what_runs = [this](const BlockReference &each) {
            if (each.digests.empty() && each.raw.empty() && each.versions.empty()) return false;
            return std::ranges::any_of(read_->blocks, [&](const SpdmBlock &block) {
                using enum SpdmBlockType;
                const auto is = [&](SpdmBlockType type) { return block.type == std::to_underlying(type); };
                return block.index == each.index && !is(device_mode) && !is(security_version) && !is(informational);
            });
        };
        claims.reference_says_what_runs =
            std::ranges::any_of(fits_, [&](const Fit &fit) { return std::ranges::any_of(fit.set->blocks, says_what_runs); });
        return claims;
    }

    inline static const TrustAnchors nobody_{};

    const TeeEvidence &evidence_;
    const TrustAnchors &anchors_;
    UnixTime time_;
    const PlatformPolicy &platform_;
    const SpdmPolicy &policy_;
    bool has_policy_;
    Verdict &verdict_;
    std::expected<DeviceEvidence, Error> file_;
    std::optional<SpdmSigned> read_;        // what the transcript says
    std::optional<SpdmIdentity> identity_;  // of a chain that leads to a root
    HashAlgorithm base_hash_ = HashAlgorithm::sha384;
    bool is_signed_ = false;  // by a key that leads to a root
    std::vector<DeviceReferenceSet> manifest_sets_;
    std::vector<Fit> fits_;  // of the best of the policy's sets, and of the best of the manifests'; none: nothing was compared
};

class SpdmJudge final : public TeeJudge {
public:
    SpdmJudge(const TrustAnchors *anchors, PlatformPolicy platform, SpdmPolicy policy, bool has_policy)
        : anchors_(anchors), platform_(std::move(platform)), policy_(std::move(policy)), has_policy_(has_policy) {}

    std::optional<Claims> judge(const TeeEvidence &evidence, UnixTime time, Verdict &verdict) override {
        return DeviceVerification(evidence, anchors_, time, platform_, policy_, has_policy_, verdict).run();
    }

private:
    const TrustAnchors *anchors_;
    PlatformPolicy platform_;
    SpdmPolicy policy_;
    bool has_policy_;
};

class Spdm final : public Tee {
public:
    [[nodiscard]] std::string_view kind() const override { return spdm_kind; }

    [[nodiscard]] bool begins_quote(ByteView quote) const override { return is_device_evidence(quote); }

    [[nodiscard]] std::expected<Claims, Error> read(ByteView quote) const override {
        // Nobody's roots: all that is not signed is left out, and what the transcript says is there.
        Verdict ignored;
        auto claims = DeviceVerification({.quote = quote}, nullptr, 0, {}, {}, false, ignored).run();
        if (!claims) return std::unexpected(Error{ErrorCode::malformed, ignored.find(statement::quote_format)->reason});
        return std::move(*claims);
    }

    // "fw2": a type and an index.
    [[nodiscard]] bool names_register(std::string_view name) const override {
        constexpr unsigned types = 128;  // in the seven bits that a block has for it
        const auto digits = name.substr(name.find_last_not_of("0123456789") + 1);
        std::uint8_t index = 0;
        const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), index);
        if (parsed.ec != std::errc() || index == 0) return false;
        for (unsigned type = 0; type < types; ++type) {
            if (spdm_register_name(spdm_block_type_name(static_cast<std::uint8_t>(type)), index) == name) return true;
        }
        return false;
    }

    [[nodiscard]] std::expected<void, Error> check_policy(std::string_view json) const override {
        const auto policy = parse_spdm_policy(json);
        if (!policy) return std::unexpected(policy.error());
        return {};
    }

    [[nodiscard]] std::vector<std::string_view> tcb_statuses() const override { return {spdm_endorsed, spdm_below_minimum}; }

    [[nodiscard]] std::vector<std::string_view> links() const override { return {}; }

    // There is no root of all devices: each maker has its own.
    [[nodiscard]] std::unique_ptr<TeeJudge> open_judge(const TrustAnchors *anchors, const PlatformPolicy &policy) const override {
        const auto own = policy.of_kind.find(spdm_kind);
        const bool has_policy = own != policy.of_kind.end();
        return std::make_unique<SpdmJudge>(anchors, policy,
                                           has_policy ? parse_spdm_policy(own->second).value_or(SpdmPolicy()) : SpdmPolicy(), has_policy);
    }
};

}  // namespace
}  // namespace attestation

const Tee &spdm::tee() {
    static const attestation::Spdm known;
    return known;
}

}  // namespace mr
