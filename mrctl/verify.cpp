// mrctl verify: from evidence, or a quote and its logs, to a verdict. Needs no mrd.
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "mr/event_content.h"
#include "mr/verify.h"
#include "mrctl/commands.h"
#include "mrctl/mapped_file.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

mr::Error in_file(const std::string &path, mr::Error error) {
    error.message = path + ": " + error.message;
    return error;
}

mr::UnixTime now() { return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// The options' own files; the collateral has to outlive the verdict.
struct Inputs {
    mr::VerifyOptions options;
    std::optional<mr::Collateral> collateral;

    std::expected<void, mr::Error> load(const VerifyCommand &command) {
        options.time = command.time.value_or(now());
        if (command.roots) {
            const auto file = read_file(*command.roots, mr::max_collateral_size);
            if (!file) return std::unexpected(file.error());
            auto anchors = mr::parse_trust_anchors(*file);
            if (!anchors) return std::unexpected(in_file(*command.roots, anchors.error()));
            options.anchors = std::move(*anchors);
        }
        if (command.collateral) {
            const auto file = read_file(*command.collateral, mr::max_collateral_size);
            if (!file) return std::unexpected(file.error());
            auto parsed = mr::parse_collateral({reinterpret_cast<const char *>(file->data()), file->size()});
            if (!parsed) return std::unexpected(in_file(*command.collateral, parsed.error()));
            collateral = std::move(*parsed);
            options.collateral = &*collateral;
        }
        if (command.reference) {
            const auto file = read_file(*command.reference, mr::max_reference_values_size);
            if (!file) return std::unexpected(file.error());
            auto parsed = mr::parse_reference_values({reinterpret_cast<const char *>(file->data()), file->size()});
            if (!parsed) return std::unexpected(in_file(*command.reference, parsed.error()));
            options.reference = std::move(*parsed);
        }
        return {};
    }
};

std::string listed(const std::vector<std::string> &texts) {
    std::string all;
    for (const auto &text : texts) all.append(all.empty() ? "" : ", ").append(text);
    return all;
}

// Who reads only the last line must see what was not looked at.
std::string last_line(const mr::Verdict &verdict) {
    using enum mr::StatementName;
    const auto has_result = [&](mr::StatementName name, mr::Judgement result) {
        const auto *statement = verdict.find(name);
        return statement != nullptr && statement->result == result;
    };
    if (!verdict.verified()) {
        std::vector<std::string> failing;
        for (const auto &each : verdict.statements()) {
            if (each.required && each.result != mr::Judgement::holds) failing.emplace_back(mr::to_string(each.name));
        }
        return "NOT verified: " + listed(failing);
    }
    std::vector<std::string> left_out;
    if (has_result(root_is_hardware, mr::Judgement::fails)) left_out.emplace_back("hardware (the root is not Intel's)");
    if (has_result(report_data, mr::Judgement::not_judged)) left_out.emplace_back("freshness (--nonce)");
    if (has_result(tcb, mr::Judgement::not_judged)) left_out.emplace_back("the platform's TCB and revocation (--collateral)");
    if (has_result(log_replay, mr::Judgement::not_judged)) left_out.emplace_back("the log (--log)");
    if (has_result(register_values, mr::Judgement::not_judged) && has_result(required_events, mr::Judgement::not_judged))
        left_out.emplace_back("what runs (--reference)");
    return left_out.empty() ? "verified" : "verified, but not " + listed(left_out);
}

int print_verdict(bool json, const mr::Verdict &verdict, const mr::QuoteJudgement &platform, mr::UnixTime time) {
    if (json) {
        Json statements = Json::array();
        for (const auto &each : verdict.statements()) {
            statements.push_back({{"name", mr::to_string(each.name)},
                                  {"result", mr::to_string(each.result)},
                                  {"required", each.required},
                                  {"reason", mr::printable_text(each.reason)}});
        }
        Json all{{"verified", verdict.verified()}, {"time", time}};
        if (platform.tcb_judged) all["tcb"] = {{"status", mr::to_string(platform.tcb_status)}, {"advisories", platform.advisories}};
        all["statements"] = statements;
        std::cout << all.dump(2) << '\n';
        return verdict.verified() ? exit_done : exit_refused;
    }
    const auto coloured = [](const mr::Statement &each) {
        std::string text(mr::to_string(each.result));
        if (!is_terminal() || each.result == mr::Judgement::not_judged) return text;
        const bool good = each.result == mr::Judgement::holds;
        return (good ? "\x1b[32m" : each.required ? "\x1b[31m" : "\x1b[33m") + text + "\x1b[0m";
    };
    std::vector<Row> rows;
    for (const auto &each : verdict.statements())
        rows.push_back(
            {std::string(mr::to_string(each.name)), coloured(each), each.required ? "required" : "-", mr::printable_text(each.reason)});
    print_table({"STATEMENT", "RESULT", "NEEDED", "REASON"}, rows);
    std::cout << last_line(verdict) << '\n';
    return verdict.verified() ? exit_done : exit_refused;
}

}  // namespace

int verify(bool json, const VerifyCommand &command) {
    if (command.evidence.empty() && command.quote.empty()) return fail_usage("verify: give a file of evidence, or a quote with --quote");
    if (!command.evidence.empty() && !command.quote.empty())
        return fail_usage("verify: give a file of evidence or a quote with --quote, not both");
    if (!command.evidence.empty() && !command.logs.empty())
        return fail_usage("verify: evidence has its log in it; --log goes with --quote");
    // An unset variable of a script must not leave out what the script asks for.
    for (const auto &[option, file] : {std::pair("--roots", command.roots), std::pair("--collateral", command.collateral),
                                       std::pair("--reference", command.reference)}) {
        if (file && file->empty()) return fail_usage(std::string("verify: ") + option + " is empty: name a file, or leave the option out");
    }
    Inputs inputs;
    if (command.nonce) {
        auto nonce = mr::from_hex(*command.nonce);
        if (!nonce) return fail_usage("verify: --nonce is not hexadecimal (without 0x)");
        if (nonce->empty()) return fail_usage("verify: --nonce is empty: give the nonce, or leave the option out");
        if (nonce->size() > mr::report_data_size) return fail_usage("verify: --nonce has more than 64 bytes");
        inputs.options.report_data = std::move(*nonce);
    }
    if (auto loaded = inputs.load(command); !loaded) return fail(loaded.error());

    if (!command.evidence.empty()) {
        const auto file = read_file(command.evidence, mr::max_evidence_size);
        if (!file) return fail(file.error());
        const auto evidence = mr::parse_evidence(*file);
        if (!evidence) {
            if (mr::decode_quote(*file) || mr::decode_tdreport(*file))
                return fail({mr::ErrorCode::malformed, command.evidence + " is a quote or a TDREPORT, not evidence: give it with --quote"});
            return fail(in_file(command.evidence, evidence.error()));
        }
        mr::QuoteJudgement platform;
        const auto verdict = mr::verify(*evidence, inputs.options, &platform);
        return print_verdict(json, verdict, platform, inputs.options.time);
    }
    const auto quote = read_file(command.quote, mr::max_quote_size);
    if (!quote) return fail(quote.error());
    if (mr::is_evidence(*quote)) return fail({mr::ErrorCode::malformed, command.quote + " is evidence: give it without --quote"});
    std::vector<MappedFile> files;
    std::vector<mr::ByteView> logs;
    for (const auto &path : command.logs) {
        auto file = MappedFile::open(path);
        if (!file) return fail(file.error());
        files.push_back(std::move(*file));
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
        if (mr::is_evidence(files[i].bytes()))
            return fail({mr::ErrorCode::malformed,
                         command.logs[i] + " is evidence, which has its log in it: give it alone, without --quote and --log"});
        logs.push_back(files[i].bytes());
    }
    mr::QuoteJudgement platform;
    const auto verdict = mr::verify(*quote, logs, inputs.options, &platform);
    return print_verdict(json, verdict, platform, inputs.options.time);
}

}  // namespace mrctl
