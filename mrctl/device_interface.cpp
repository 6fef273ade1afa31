// mrctl device verify-interface: judges the report of a device interface (TDISP) by a policy. Needs no mrd: the session that a report comes over is the TSM's.
#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/envelope.h"
#include "mr/event_content.h"
#include "mr/reference_values.h"
#include "mr/tdisp.h"
#include "mrctl/binary_file.h"
#include "mrctl/commands.h"
#include "mrctl/confinement.h"
#include "mrctl/demands.h"
#include "mrctl/file_kind.h"
#include "mrctl/output.h"
#include "mrctl/refusal.h"
#include "mrctl/verdict_lines.h"

namespace mrctl {

namespace {

constexpr std::size_t max_message_heads = 64;  // bytes around the portion: DOE, SPDM, TDISP
constexpr std::size_t max_report_file = mr::max_tdisp_report_size + max_message_heads;
constexpr std::size_t max_report_files = 64;  // all are in memory before the first is looked at

// Beside the statements of mr/tdisp.h.
constexpr std::string_view interface_policy = "interface_policy";  // one says what is accepted

std::array<Demand, 3> demands_of(const InterfaceCommand &command) {
    using namespace mr::statement;  // NOLINT(google-build-using-namespace): names
    return {{{"policy", "--policy", interface_policy, "what the interface may be", command.policy.has_value()},
             {"origin", "--digest", interface_origin, "where the report is from", command.digest.has_value()},
             {"state", "--state", interface_state, "the interface's state", command.state.has_value()}}};
}

// One of the files: a report, or a message with a portion of one, of which this is the content.
struct ReportFile {
    bool is_message = false;
    mr::TdispInterface interface = {};
    mr::TdispReportPortion portion = {};
};

// Their first bytes tell a message and a report apart: where the message has its code the report's are zero. Error: malformed or not_supported; a message that is none, or another one.
std::expected<ReportFile, mr::Error> read_report_file(mr::ByteView bytes) {
    auto message = bytes;
    if (mr::begins_pci_message(bytes)) {
        const auto outer = mr::decode_pci_message(bytes);
        if (!outer) return std::unexpected(outer.error());
        if (outer->protocol != mr::PciProtocol::tdisp)
            return refuse(mr::ErrorCode::malformed, "it is a message of IDE_KM: no report is in it");
        message = outer->payload;
    } else if (bytes.size() < 2 || bytes[0] != mr::tdisp_version || bytes[1] == 0) {
        return ReportFile{.portion = {.remainder = 0, .bytes = bytes}};
    }
    const auto read = mr::decode_tdisp_message(message);
    if (!read) return std::unexpected(read.error());
    const auto *const portion = std::get_if<mr::TdispReportPortion>(&read->body);
    if (portion == nullptr)
        return refuse(mr::ErrorCode::malformed, "it is the message " + std::string(mr::to_string(read->type)) + ": no report is in it");
    return ReportFile{.is_message = true, .interface = read->interface, .portion = *portion};
}

// The report that is in the files. Error: malformed or not_supported, with the file's name; wrong_length.
std::expected<mr::Bytes, mr::Error> report_in(const std::vector<std::string> &paths, const std::vector<mr::Bytes> &files) {
    std::vector<ReportFile> read;
    std::vector<mr::TdispReportPortion> portions;
    for (std::size_t i = 0; i < files.size(); ++i) {
        auto file = read_report_file(files[i]);
        if (!file) return refuse(file.error().code, paths[i] + ": " + file.error().message);
        if (!file->is_message) {
            if (files.size() == 1) return files.front();
            return refuse(mr::ErrorCode::malformed,
                          paths[i] + " is no message: several files are the messages DEVICE_INTERFACE_REPORT that one report comes in");
        }
        if (!read.empty() && read.back().interface != file->interface)
            return refuse(mr::ErrorCode::malformed, paths[i] + " is of the interface " + mr::to_string(file->interface) +
                                                        ", and the one before it of " + mr::to_string(read.back().interface));
        portions.push_back(file->portion);
        read.push_back(*file);
    }
    auto report = mr::join_tdisp_report(portions);
    if (!report && files.size() == 1) return refuse(report.error().code, paths.front() + ": " + report.error().message);
    return report;
}

// As the library judges it; of what is waived, or rests on a policy where there is none, nothing is said.
mr::Verdict judge_interface(mr::ByteView report, const InterfaceCommand &command, const mr::TdispPolicy &policy,
                            const WaivedDemands &waived) {
    using namespace mr::statement;  // NOLINT(google-build-using-namespace): names
    mr::Verdict judged;
    mr::judge_tdisp_report(report, command.state ? mr::tdisp_state_from(*command.state) : std::nullopt, policy, judged);
    mr::Verdict verdict;
    const bool needs_policy = !is_waived(waived, interface_policy);
    const auto not_given = needs_policy ? mr::Judgement::fails : mr::Judgement::not_judged;
    verdict.add({.name = std::string(interface_policy),
                 .result = command.policy ? mr::Judgement::holds : not_given,
                 .required = needs_policy,
                 .reason = command.policy ? "a policy says what is accepted" : "no policy says what is accepted"});
    for (auto each : judged.statements()) {
        const bool rests_on_policy = each.name == interface_ranges || each.name == interface_update || each.name == interface_dma;
        if (rests_on_policy && !command.policy) {
            each = {.name = each.name, .result = mr::Judgement::not_judged, .required = false, .reason = "no policy says what is accepted"};
        } else if (each.name == interface_origin && is_waived(waived, interface_origin)) {
            each = {.name = each.name,
                    .result = mr::Judgement::not_judged,
                    .required = false,
                    .reason = "nothing signs a report, and nobody has compared this one with what the TSM says"};
        } else if (is_waived(waived, each.name)) {
            each.required = false;
        }
        verdict.add(std::move(each));
    }
    return verdict;
}

// Scripts search for "verified": it must not be in a negative one.
std::string line_of_interface(const mr::Verdict &verdict, const InterfaceCommand &command, const WaivedDemands &waived, bool has_digest) {
    const auto demands = demands_of(command);
    if (verdict.verified()) {
        std::vector<std::string> left_out;
        for (const auto &demand : demands) {
            if (is_waived(waived, demand.statement)) left_out.push_back(left_out_of(demand));
        }
        return positive_line(left_out);
    }
    std::vector<std::string> failing;
    for (const auto &each : verdict.statements()) {
        if (!each.required || each.result == mr::Judgement::holds) continue;
        const auto *const demand = std::ranges::find(demands, each.name, &Demand::statement);
        // What is not judged is so since the report cannot be read, which its own statement says.
        if (demand == demands.end() && each.result == mr::Judgement::not_judged) continue;
        failing.push_back(each.name);
        if (demand == demands.end() || demand->is_given) continue;
        if (demand->statement != mr::statement::interface_origin || !has_digest)
            failing.back().append(" (no ").append(demand->option).append(")");
    }
    return "REFUSED: " + listed(failing);
}

}  // namespace

int device_verify_interface(bool json, const InterfaceCommand &command) {
    const auto wrong_usage = [](const std::string &message) { return fail_usage("device verify-interface: " + message); };
    const auto waived = waived_demands(command.without, demands_of(command));
    if (!waived) return wrong_usage(waived.error());
    const auto digest = command.digest ? mr::content_digest_from(*command.digest) : std::nullopt;
    if (command.digest && (!digest || digest->algorithm != mr::HashAlgorithm::sha384))
        return wrong_usage("--digest takes sha384:HEX, as the TSM says it");
    if (command.files.size() > max_report_files)
        return wrong_usage("at most " + std::to_string(max_report_files) + " messages are put together; these are " +
                           std::to_string(command.files.size()));
    if (std::ranges::count(command.files, "-") + (command.policy == "-" ? 1 : 0) > 1)
        return wrong_usage("standard input is one file: give - once");
    std::vector<mr::Bytes> files;
    for (const auto &path : command.files) {
        auto file = read_undecoded(path, max_report_file);
        if (!file) return fail(file.error());
        files.push_back(std::move(*file));
    }
    std::optional<mr::Bytes> policy_file;
    if (command.policy) {
        auto file = read_file(*command.policy, mr::max_reference_values_size);
        if (!file) return fail(file.error());
        policy_file = std::move(*file);
    }
    confine_to_output();
    mr::TdispPolicy policy;
    if (policy_file) {
        auto parsed = mr::parse_tdisp_policy({reinterpret_cast<const char *>(policy_file->data()), policy_file->size()});
        if (!parsed) return fail(wrong_file(*command.policy, *policy_file, parsed.error()));
        policy = std::move(*parsed);
    }
    if (policy.digest && digest) return wrong_usage("the policy has a digest of the report: leave --digest out");
    if (policy.digest && is_waived(*waived, mr::statement::interface_origin))
        return wrong_usage("the policy has a digest of the report: --without origin contradicts it");
    if (digest) std::ranges::copy(digest->value.bytes(), policy.digest.emplace().begin());
    for (std::size_t i = 0; i < files.size(); ++i) {
        auto decoded = decode_binary_file(command.files[i], std::move(files[i]), max_report_file);
        if (!decoded) return fail(decoded.error());
        files[i] = std::move(*decoded);
    }
    const auto report = report_in(command.files, files);
    if (!report) return fail(report.error());
    const auto verdict = judge_interface(*report, command, policy, *waived);
    if (json) {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        print_json(mr::write_verdict(verdict, std::chrono::duration_cast<std::chrono::seconds>(now).count()));
    } else {
        print_statements(verdict);
        std::cout << line_of_interface(verdict, command, *waived, policy.digest.has_value()) << '\n';
    }
    return verdict.verified() ? exit_done : exit_refused;
}

}  // namespace mrctl
