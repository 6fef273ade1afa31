// mrctl verify: from evidence, or a quote and its logs, to a verdict. Needs no mrd.
#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/cca_token.h"
#include "mr/corim.h"
#include "mr/ear.h"
#include "mr/event_content.h"
#include "mr/verify.h"
#include "mr/verify_cca.h"
#include "mr/verify_quote.h"
#include "mr/verify_snp.h"
#include "mr/verify_spdm.h"
#include "mr/wrapped_evidence.h"
#include "mrctl/binary_file.h"
#include "mrctl/commands.h"
#include "mrctl/confinement.h"
#include "mrctl/demands.h"
#include "mrctl/file_kind.h"
#include "mrctl/output.h"
#include "mrctl/output_file.h"
#include "mrctl/verdict_lines.h"

namespace mrctl {

namespace {

constexpr std::size_t max_verified_log = std::size_t{256} << 20;  // bytes of one file, or characters of the text that stands for it
constexpr std::size_t max_judged_file = std::max(mr::max_evidence_size, mr::max_cmw_size);
constexpr std::size_t max_judged_files = 64;  // all are in memory before the first is looked at

mr::Error in_file(const std::string &path, mr::Error error) {
    error.message = path + ": " + error.message;
    return error;
}

mr::UnixTime now() { return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// What the options name, read whole before anything of it is looked at: from then on mrctl can open nothing.
struct Inputs {
    std::optional<mr::Bytes> roots;
    std::optional<mr::Bytes> collateral;
    std::optional<mr::Bytes> reference;
    std::optional<mr::Bytes> bound_key;
    std::optional<mr::Bytes> ear_key;
    std::vector<std::expected<mr::Bytes, mr::Error>> judged;
    std::vector<mr::Bytes> logs;
    std::vector<mr::Bytes> certificates;
};

// What is judged, as the user called it.
std::vector<std::string> judged_names(const VerifyCommand &command) {
    return command.files.empty() ? std::vector{command.quote} : command.files;
}

std::expected<Inputs, mr::Error> read_inputs(const VerifyCommand &command) {
    Inputs inputs;
    std::optional<mr::Error> error;
    const auto take = [&error](auto &into, std::expected<mr::Bytes, mr::Error> file) {
        if (file) {
            into = std::move(*file);
        } else if (!error) {
            error = std::move(file.error());
        }
    };
    if (command.roots) take(inputs.roots, read_undecoded(*command.roots, mr::max_certificate_file_size));
    if (command.collateral) take(inputs.collateral, read_file(*command.collateral, mr::max_collateral_size));
    if (command.reference) take(inputs.reference, read_file(*command.reference, mr::max_reference_values_size));
    if (command.bound.key) take(inputs.bound_key, read_file(*command.bound.key, mr::max_public_key_file));
    if (command.ear_key) take(inputs.ear_key, read_file(*command.ear_key, mr::max_signing_key_file));
    for (const auto &path : judged_names(command)) {
        auto &judged = inputs.judged.emplace_back(command.judged          ? std::expected<mr::Bytes, mr::Error>(*command.judged)
                                                  : command.quote.empty() ? read_undecoded(path, max_judged_file)
                                                                          : read_undecoded(path, mr::max_quote_size));
        // Of several each is told at its place.
        if (!judged && !error && command.files.size() <= 1) error = judged.error();
    }
    // Not mapped: what somebody changes in the file meanwhile must not be seen by one rule and not by another.
    for (const auto &path : command.logs) take(inputs.logs.emplace_back(), read_file(path, max_verified_log));
    for (const auto &path : command.certificates)
        take(inputs.certificates.emplace_back(), read_undecoded(path, mr::max_snp_certificates_size));
    if (error) return std::unexpected(std::move(*error));
    return inputs;
}

// Of which kind it is, its bytes say: JSON of Intel's; of a device its maker's manifest; AMD publishes no more than CRLs, as such.
std::expected<void, mr::Error> take_collateral(const mr::Bytes &file, mr::VerifyOptions &options) {
    if (mr::begins_corim(file)) {
        options.collateral.emplace(mr::spdm_kind, mr::write_spdm_collateral({&file, 1}));
        return {};
    }
    std::string text(file.begin(), file.end());
    if (const auto parsed = mr::parse_collateral(text); parsed) {
        options.collateral.emplace(mr::tdx_kind, std::move(text));
    } else if (const auto crls = mr::read_snp_certificates(file); crls && !crls->crls.empty()) {
        options.collateral.emplace(mr::snp_kind, mr::write_snp_collateral(*crls));
    } else {
        return std::unexpected(parsed.error());
    }
    return {};
}

// As it is told to who gave collateral of another kind.
struct CollateralKind {
    std::string_view kind;
    std::string_view judged;
    std::string_view collateral;
};
constexpr std::array collateral_kinds{
    CollateralKind{mr::tdx_kind, "a TD quote", "Intel's collateral, JSON"},
    CollateralKind{mr::snp_kind, "a report of SEV-SNP", "CRLs of AMD's, PEM or DER"},
    CollateralKind{mr::spdm_kind, "evidence of a device", "a manifest of its maker, CoRIM"},
    CollateralKind{mr::cca_kind, "a CCA token", "none"},
};

// Collateral that no part is judged by would be passed over: who gave it means that it counts. Error: malformed.
std::expected<void, mr::Error> check_collateral(const VerifyCommand &command, const mr::VerifyOptions &options,
                                                const std::vector<std::string> &kinds) {
    for (const auto &[kind, text] : options.collateral) {
        if (std::ranges::find(kinds, kind) != kinds.end()) continue;
        const auto told = [](std::string_view of) { return std::ranges::find(collateral_kinds, of, &CollateralKind::kind); };
        const auto *const judged = kinds.empty() ? collateral_kinds.end() : told(kinds.front());
        std::string message = *command.collateral + " is of another kind than what is judged: it is " + std::string(told(kind)->collateral);
        if (judged != collateral_kinds.end())
            message.append("; the collateral of ").append(judged->judged).append(" is ").append(judged->collateral);
        return std::unexpected(mr::Error{mr::ErrorCode::malformed, std::move(message)});
    }
    return {};
}

std::expected<void, mr::Error> load(const VerifyCommand &command, Inputs &inputs, mr::VerifyOptions &options) {
    options.time = command.time.value_or(now());
    if (inputs.roots) {
        const auto file = decode_binary_file(*command.roots, std::move(*inputs.roots), mr::max_certificate_file_size);
        if (!file) return std::unexpected(file.error());
        auto anchors = mr::parse_trust_anchors(*file);
        if (!anchors) return std::unexpected(wrong_file(*command.roots, *file, anchors.error(), certificates_kind));
        options.anchors = std::move(*anchors);
    }
    for (std::size_t i = 0; i < inputs.logs.size(); ++i) {
        auto log = decode_binary_file(command.logs[i], std::move(inputs.logs[i]), max_verified_log);
        if (!log) return std::unexpected(log.error());
        inputs.logs[i] = std::move(*log);
    }
    if (inputs.collateral) {
        if (auto taken = take_collateral(*inputs.collateral, options); !taken)
            return std::unexpected(wrong_file(*command.collateral, *inputs.collateral, std::move(taken.error())));
    }
    if (inputs.reference) {
        auto parsed = mr::parse_reference_values({reinterpret_cast<const char *>(inputs.reference->data()), inputs.reference->size()});
        if (!parsed) return std::unexpected(wrong_file(*command.reference, *inputs.reference, parsed.error(), reference_values_kind));
        options.reference = std::move(*parsed);
    }
    if (command.bound.given()) {
        auto binding = binding_of(command.bound, "--bound-", command.nonce, inputs.bound_key);
        if (!binding) return std::unexpected(binding.error());
        options.bound = mr::BoundTo{.binding = std::move(*binding), .uid = command.bound_uid.value_or(0)};
    }
    return {};
}

// What comes beside a report: what it brought, and what is in all files that were given.
std::expected<std::optional<mr::Bytes>, mr::Error> certificates_of(const VerifyCommand &command, Inputs &inputs,
                                                                   std::optional<mr::Bytes> brought) {
    if (command.certificates.empty()) return brought;
    mr::SnpCertificates all;
    if (brought) {
        auto read = mr::read_snp_certificates(*brought);
        if (!read) return std::unexpected(in_file("the certificates that came beside the report", read.error()));
        all = std::move(*read);
    }
    for (std::size_t i = 0; i < inputs.certificates.size(); ++i) {
        const auto &path = command.certificates[i];
        const auto file = decode_binary_file(path, std::move(inputs.certificates[i]), mr::max_snp_certificates_size);
        if (!file) return std::unexpected(file.error());
        auto read = mr::read_snp_certificates(*file);
        if (!read) return std::unexpected(in_file(path, read.error()));
        std::ranges::move(read->certificates, std::back_inserter(all.certificates));
        std::ranges::move(read->crls, std::back_inserter(all.crls));
    }
    const auto text = mr::write_snp_certificates(all);
    return mr::Bytes(text.begin(), text.end());
}

std::array<Demand, 3> demands_of(const VerifyCommand &command) {
    using namespace mr::statement;  // NOLINT(google-build-using-namespace): names
    return {{{"nonce", "--nonce", report_data, "freshness", command.nonce.has_value()},
             {"tcb", "--collateral", tcb, "the platform's TCB", command.collateral.has_value()},
             {"reference", "--reference", reference_values, "what runs", command.reference.has_value()}}};
}

// Error: a sentence.
std::expected<mr::Waived, std::string> waived_by(const VerifyCommand &command) {
    const auto waived = waived_demands(command.without, demands_of(command));
    if (!waived) return std::unexpected(waived.error());
    return mr::Waived{.nonce = is_waived(*waived, mr::statement::report_data),
                      .reference = is_waived(*waived, mr::statement::reference_values),
                      .tcb = is_waived(*waived, mr::statement::tcb)};
}

// A device has no log, and none leads to a register of SEV-SNP.
bool may_have_log(const mr::Verdict &verdict) {
    return verdict.find(mr::statement::device_claims) == nullptr && verdict.find(mr::statement::tcb_order) == nullptr;
}

// Those that only a log can show.
constexpr std::array need_log{mr::statement::required_events, mr::statement::forbidden_events, mr::statement::closed_registers,
                              mr::statement::self_measurement, mr::statement::virtual_registers};

// Of a positive verdict, as its line says it.
std::vector<std::string> not_looked_at(const mr::Verdict &verdict, const VerifyCommand &command) {
    using namespace mr::statement;  // NOLINT(google-build-using-namespace): names
    const auto has_result = [&](std::string_view name, mr::Judgement result) {
        const auto *statement = verdict.find(name);
        return statement != nullptr && statement->result == result;
    };
    const bool is_device = verdict.find(device_claims) != nullptr;
    std::vector<std::string> left_out;
    // Of machines of several kinds it is one of theirs.
    const bool is_intels = verdict.find(tcb_info_signature) != nullptr;
    const bool is_amds = verdict.find(tcb_order) != nullptr;
    if (has_result(root_is_hardware, mr::Judgement::fails))
        left_out.push_back("hardware (the root is not " +
                           std::string(is_intels == is_amds ? "its maker"
                                       : is_amds            ? "AMD"
                                                            : "Intel") +
                           "'s)");
    if (has_result(root_is_hardware, mr::Judgement::not_judged))
        left_out.emplace_back(is_device ? "hardware (the root was given, and no root is that of all devices)"
                                        : "hardware (its key was given, no root vouches for it)");
    if (may_have_log(verdict) && has_result(log_replay, mr::Judgement::not_judged)) left_out.emplace_back("the log (no --log)");
    for (const auto &demand : demands_of(command)) {
        if (!has_result(demand.statement, mr::Judgement::not_judged)) continue;
        // Where nothing can be revoked there is no such statement.
        const auto *const more = demand.statement == tcb && verdict.find(not_revoked) != nullptr ? " and revocation" : "";
        left_out.push_back(left_out_of(demand, more));
    }
    return left_out;
}

struct Judged {
    mr::Verdict verdict;
    mr::UnixTime time = 0;
    bool has_collateral = false;      // of SEV-SNP: a CRL
    bool lacks_log = false;           // which could have been given
    bool lacks_certificates = false;  // of a report of SEV-SNP
};

// Scripts search for "verified": it must not be in here.
std::string negative_line(const Judged &judged, const VerifyCommand &command) {
    using namespace mr::statement;  // NOLINT(google-build-using-namespace): names
    const auto demands = demands_of(command);
    std::vector<std::string> failing;
    const auto is_wrong = [](const mr::Statement &each) { return each.required && each.result != mr::Judgement::holds; };
    const auto *platform = judged.verdict.find(tcb);
    // Of other kinds it rests on reference values.
    const bool rests_on_collateral = judged.verdict.find(tcb_info_signature) != nullptr;
    // Their roots are known: another one is missing only where the chain leads to one.
    const bool is_of_cpu_maker = rests_on_collateral || judged.verdict.find(tcb_order) != nullptr;
    for (const auto &each : judged.verdict.statements()) {
        if (!is_wrong(each)) continue;
        // Without collateral none of the statements about the platform holds: the last one stands for them.
        if (!judged.has_collateral && rests_on_collateral && platform != nullptr && is_wrong(*platform) &&
            std::ranges::find(need_collateral, each.name) != need_collateral.end())
            continue;
        failing.push_back(each.name);
        const auto *const demand = std::ranges::find(demands, each.name, &Demand::statement);
        if (demand != demands.end() && !(each.name == tcb ? judged.has_collateral || !rests_on_collateral : demand->is_given))
            failing.back().append(" (no ").append(demand->option).append(")");
        // AMD's CRL: the last of those that need it says so for all.
        if (each.name == not_revoked && !rests_on_collateral && !judged.has_collateral) failing.back().append(" (no --collateral)");
        if (judged.lacks_log && std::ranges::find(need_log, each.name) != need_log.end()) failing.back().append(" (no --log)");
        if (each.name != certificate_chain) continue;
        if (judged.lacks_certificates) {
            failing.back().append(" (no --certificates)");
        } else if (!command.roots && (!is_of_cpu_maker || each.reason.contains("is not a trust anchor"))) {
            failing.back().append(" (no --roots)");
        }
    }
    return "REFUSED: " + listed(failing);
}

std::string last_line(const Judged &judged, const VerifyCommand &command) {
    return judged.verdict.verified() ? positive_line(not_looked_at(judged.verdict, command)) : negative_line(judged, command);
}

int print_verdict(bool json, const VerifyCommand &command, const Judged &judged) {
    // The token alone: who reads it wants nothing else there.
    if (command.ear == "-") {
        if (judged.verdict.verified()) return exit_done;
        std::cerr << "mrctl: " << last_line(judged, command) << '\n';
        return exit_refused;
    }
    if (json) {
        print_json(mr::write_verdict(judged.verdict, judged.time));
    } else {
        print_statements(judged.verdict);
        std::cout << last_line(judged, command) << '\n';
    }
    return judged.verdict.verified() ? exit_done : exit_refused;
}

std::unexpected<mr::Error> wrong_usage(std::string message) {
    return std::unexpected(mr::Error{mr::ErrorCode::invalid_argument, std::move(message)});
}

bool begins_quote(mr::ByteView file) {
    return std::ranges::any_of(mr::known_tees(), [&](const mr::Tee *tee) { return tee->begins_quote(file); });
}

// mrd's evidence, or a quote and what came with it, by the file's bytes.
std::expected<mr::WrappedEvidence, mr::Error> read_judged(const VerifyCommand &command, const std::string &name, mr::Bytes bytes) {
    const bool must_be_quote = command.files.empty();
    auto file = decode_binary_file(name, std::move(bytes), must_be_quote ? mr::max_quote_size : max_judged_file);
    if (!file) return std::unexpected(file.error());
    if (mr::is_evidence(*file)) {
        if (must_be_quote) return std::unexpected(mr::Error{mr::ErrorCode::malformed, name + " is evidence: give it without --quote"});
        auto evidence = mr::parse_evidence(*file);
        if (!evidence) return std::unexpected(in_file(name, evidence.error()));
        return mr::WrappedEvidence{.evidence = std::move(*evidence)};
    }
    if (must_be_quote || begins_quote(*file)) return mr::WrappedEvidence{.quote = std::move(*file)};
    if (!mr::wrapped_form(*file)) {
        const auto kind = file_kind(*file);
        return std::unexpected(
            mr::Error{mr::ErrorCode::malformed, name + " (" + std::to_string(file->size()) + " bytes) is nothing that can be judged" +
                                                    (kind.empty() ? "" : ": it is " + kind) +
                                                    "; looked for were evidence of mrd (JSON or CBOR) or of a device, CMW, a TSM "
                                                    "report, the evidence "
                                                    "JSON "
                                                    "of CoCo or ratsd, dstack's reply to GetQuote, a TD quote (version 4 or 5), a report "
                                                    "of SEV-SNP (1184 bytes), a CCA token and a TDREPORT: `mrctl "
                                                    "inspect` says what other files are"});
    }
    auto wrapped = mr::unwrap_evidence(*file);
    if (!wrapped) return std::unexpected(in_file(name, wrapped.error()));
    return wrapped;
}

// Of what comes beside a report.
bool has_crl(const std::optional<mr::Bytes> &auxiliary) {
    const auto read = auxiliary ? mr::read_snp_certificates(*auxiliary) : std::unexpected(mr::Error());
    return read && !read->crls.empty();
}

// What cannot be read the verdict speaks of.
bool lacks_certificate(const std::optional<mr::Bytes> &auxiliary) {
    if (!auxiliary) return true;
    const auto read = mr::read_snp_certificates(*auxiliary);
    return read && read->certificates.empty();
}

// One of the files that are judged, its bytes taken out of the inputs.
std::expected<Judged, mr::Error> judge(const VerifyCommand &command, std::size_t index, Inputs &inputs, const mr::VerifyOptions &options) {
    Judged judged{.verdict = {}, .time = options.time, .has_collateral = command.collateral.has_value()};
    const auto name = judged_names(command)[index];
    auto &bytes = inputs.judged[index];
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    auto read = read_judged(command, name, std::move(*bytes));
    if (!read) return std::unexpected(std::move(read.error()));
    if (const auto &evidence = read->evidence) {
        if (!command.logs.empty()) return wrong_usage("evidence has its log in it; --log goes with a quote, a report or a token");
        if (!command.certificates.empty()) return wrong_usage("evidence has its certificates in it; --certificates goes with a report");
        std::vector<std::string> kinds;
        for (const auto &part : evidence->parts) kinds.push_back(part.kind);
        if (auto checked = check_collateral(command, options, kinds); !checked) return std::unexpected(std::move(checked.error()));
        judged.verdict = mr::verify(*evidence, options);
        judged.has_collateral |=
            std::ranges::any_of(evidence->parts, [](const auto &part) { return part.collateral.has_value() || has_crl(part.auxiliary); });
        return judged;
    }
    const auto tees = mr::known_tees();
    const auto tee = std::ranges::find_if(tees, [&](const mr::Tee *each) { return each->begins_quote(read->quote); });
    const std::string kind(tee == tees.end() ? "" : (*tee)->kind());
    if (mr::is_device_evidence(read->quote) && !(command.certificates.empty() && command.logs.empty()))
        return wrong_usage(
            "evidence of a device has its certificates in it, and a device has no log: give it without --certificates and --log");
    if (!command.certificates.empty() && kind != mr::snp_kind)
        return wrong_usage("nothing comes beside " + (kind == mr::cca_kind ? std::string("a CCA token") : name) +
                           ": --certificates goes with a report of SEV-SNP");
    if (!command.logs.empty() && !read->logs.empty()) return wrong_usage(name + " has its log in it: leave --log out");
    std::vector<mr::ByteView> logs(read->logs.begin(), read->logs.end());
    for (std::size_t i = 0; i < inputs.logs.size(); ++i) {
        if (mr::is_evidence(inputs.logs[i]))
            return std::unexpected(
                mr::Error{mr::ErrorCode::malformed,
                          command.logs[i] + " is evidence, which has its log in it: give it alone, without --quote and --log"});
        logs.emplace_back(inputs.logs[i]);
    }
    const auto auxiliary = certificates_of(command, inputs, std::move(read->auxiliary));
    if (!auxiliary) return std::unexpected(auxiliary.error());
    mr::TeeEvidence quote{.quote = read->quote};
    if (*auxiliary) quote.auxiliary = **auxiliary;
    // Of what is no quote the verdict says so.
    if (!kind.empty()) {
        if (auto checked = check_collateral(command, options, {kind}); !checked) return std::unexpected(std::move(checked.error()));
    }
    judged.lacks_certificates = kind == mr::snp_kind && lacks_certificate(*auxiliary);
    judged.has_collateral |= has_crl(*auxiliary);
    judged.verdict = mr::verify(quote, logs, options);
    judged.lacks_log = logs.empty() && may_have_log(judged.verdict);
    return judged;
}

std::expected<void, mr::Error> write_result(const VerifyCommand &command, const Inputs &inputs, const Judged &judged, OutputFile &file) {
    mr::EarOptions options{.time = judged.time, .build = "mrctl " MRD_VERSION, .reference = inputs.reference};
    if (command.nonce) {
        if (auto nonce = mr::from_hex(*command.nonce)) options.nonce = std::move(*nonce);
    }
    const auto token = mr::sign_ear(mr::ear_of(judged.verdict, options), *inputs.ear_key);
    if (!token) return std::unexpected(in_file(*command.ear_key, token.error()));
    if (auto written = file.write(mr::as_bytes(*token + '\n')); !written) return written;
    return file.close();
}

// What is not of each file.
std::expected<void, std::string> check_files(const VerifyCommand &command) {
    if (command.files.empty() && command.quote.empty()) return std::unexpected("give a file: evidence, a quote, a report or a token");
    if (!command.files.empty() && !command.quote.empty()) return std::unexpected("give a file or a quote with --quote, not both");
    const auto is_read = [&command](std::string_view path) {
        std::ptrdiff_t times = std::ranges::count(command.files, path) + std::ranges::count(command.logs, path) +
                               std::ranges::count(command.certificates, path) + (command.quote == path ? 1 : 0);
        for (const auto *const each : {&command.roots, &command.collateral, &command.reference, &command.bound.key, &command.ear_key})
            times += *each == path ? 1 : 0;
        return times;
    };
    if (is_read("-") > 1) return std::unexpected("standard input is one file: give - once");
    if (command.ear && (command.ear != "-" ? written_twice({"-", *command.ear}) : std::nullopt))
        return std::unexpected("--ear " + *command.ear + " is standard output's file, where the statements go: give it another one, or -");
    // "-" of the one is standard output, and of the other standard input.
    if (command.ear && command.ear_key && command.ear != "-" && command.ear_key != "-" && written_twice({*command.ear, *command.ear_key}))
        return std::unexpected("--ear and --ear-key are one file: the result would take the place of the key");
    if (command.files.size() <= 1) return {};
    if (command.files.size() > max_judged_files)
        return std::unexpected("at most " + std::to_string(max_judged_files) + " files are judged at once; these are " +
                               std::to_string(command.files.size()));
    if (!command.logs.empty() || !command.certificates.empty() || command.ear)
        return std::unexpected("--log, --certificates and --ear go with one file");
    return {};
}

std::string file_verdict_json(const std::string &name, const std::expected<Judged, mr::Error> &judged) {
    nlohmann::ordered_json told = {{"file", name}};
    if (judged) {
        told.update(nlohmann::ordered_json::parse(mr::write_verdict(judged->verdict, judged->time)));
    } else {
        told.update(
            {{"verified", false}, {"error", mr::printable_text(judged.error().message)}, {"code", mr::to_string(judged.error().code)}});
    }
    return told.dump();
}

// Each by its own verdict; a file that cannot be judged keeps no other from it. The last line, and "verified", are of all.
int judge_several(bool json, const VerifyCommand &command, Inputs &inputs, const mr::VerifyOptions &options) {
    std::vector<std::string> refused;
    std::vector<std::string> left_out;
    std::string members;
    for (std::size_t i = 0; i < command.files.size(); ++i) {
        const auto name = mr::printable_text(command.files[i]);
        const auto judged = judge(command, i, inputs, options);
        const bool holds = judged && judged->verdict.verified();
        // Scripts search the last line for "verified".
        if (!holds) refused.push_back(name.contains("verified") ? "file " + std::to_string(i + 1) : name);
        if (json) {
            members.append(members.empty() ? "" : ",").append(file_verdict_json(name, judged));
            continue;
        }
        std::cout << name << ":\n";
        if (!judged) {
            std::cout << "REFUSED: " << mr::printable_text(judged.error().message) << "\n\n";
            continue;
        }
        print_statements(judged->verdict);
        std::cout << last_line(*judged, command) << "\n\n";
        if (!holds) continue;
        for (auto &each : not_looked_at(judged->verdict, command))
            if (std::ranges::find(left_out, each) == left_out.end()) left_out.push_back(std::move(each));
    }
    if (json) {
        print_json(R"({"verified":)" + std::string(refused.empty() ? "true" : "false") + R"(,"files":[)" + members + "]}");
    } else {
        std::cout << (refused.empty() ? positive_line(left_out) : "REFUSED: " + listed(refused)) << '\n';
    }
    return refused.empty() ? exit_done : exit_refused;
}

}  // namespace

int verify(bool json, const VerifyCommand &command) {
    if (const auto checked = check_files(command); !checked) return fail_usage("verify: " + checked.error());
    mr::VerifyOptions options;
    if (command.bound.given() && !command.nonce) return fail_usage("verify: what is bound is bound with a nonce: give --nonce");
    if (command.bound.role && !command.bound.given()) return fail_usage("verify: --role goes with --bound-key or --bound-tls-exporter");
    if (command.bound_uid && !command.bound.given()) return fail_usage("verify: --bound-uid goes with --bound-key or --bound-tls-exporter");
    if (command.nonce && !command.bound.given()) {
        const auto nonce = report_data_of("--nonce", *command.nonce);
        if (!nonce) return fail_usage("verify: " + nonce.error().message);
        options.report_data = mr::Bytes(nonce->begin(), nonce->end());
    }
    const auto waived = waived_by(command);
    if (!waived) return fail_usage("verify: " + waived.error());
    options.waived = *waived;
    if (command.ear.has_value() != command.ear_key.has_value())
        return fail_usage("verify: --ear and --ear-key go together: the file for the result, and the key that signs it");
    auto inputs = read_inputs(command);
    if (!inputs) return fail(inputs.error());
    std::optional<OutputFile> ear;
    if (command.ear) {
        auto opened = OutputFile::open(*command.ear, OutputFile::Way::in_place);
        if (!opened) return fail(opened.error());
        ear = std::move(*opened);
    }
    confine_to_output(ear ? ear->descriptor() : -1);
    const auto told = [](const mr::Error &error) {
        return error.code == mr::ErrorCode::invalid_argument ? fail_usage("verify: " + error.message) : fail(error);
    };
    for (std::size_t i = 0; command.only_device && i < inputs->judged.size(); ++i) {
        const auto &bytes = inputs->judged[i];
        if (bytes && (mr::is_evidence(*bytes) || !mr::is_device_evidence(*bytes)))
            return fail({mr::ErrorCode::malformed,
                         command.files[i] + " is no evidence of a device: what a machine says of itself `mrctl verify` judges"});
    }
    if (auto loaded = load(command, *inputs, options); !loaded) return told(loaded.error());
    if (inputs->judged.size() > 1) return judge_several(json, command, *inputs, options);
    const auto judged = judge(command, 0, *inputs, options);
    if (!judged) return told(judged.error());
    if (ear) {
        const auto written = write_result(command, *inputs, *judged, *ear);
        if (!written) return fail(written.error());
    }
    return print_verdict(json, command, *judged);
}

}  // namespace mrctl
