// mrctl gate: does this machine, as it is now, hold what the reference values ask for? A local decision, by registers and log.
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "mr/digest.h"
#include "mr/event_content.h"
#include "mr/tee.h"
#include "mr/verify.h"
#include "mr/verify_cca.h"
#include "mr/verify_quote.h"
#include "mr/verify_snp.h"
#include "mrctl/commands.h"
#include "mrctl/nonce.h"
#include "mrctl/output.h"
#include "mrctl/program.h"
#include "mrctl/refusal.h"

namespace mrctl {

namespace {

constexpr int max_rounds = 16;                                  // of a report while nothing is extended
constexpr std::size_t max_judged_log = std::size_t{256} << 20;  // bytes

// What is not judged here: who signed what, since mrd itself is asked, on this machine; what kind of platform it is; and what evidence says of itself, which
// is made here. Whatever else a verdict requires has to hold. That the reference values refuse what is simulated is judged by what mrd says of itself.
constexpr std::array passed_over{mr::statement::quote_format, mr::statement::quote_signature, mr::statement::certificate_chain,
                                 mr::statement::certificates_valid, mr::statement::root_is_hardware, mr::statement::tcb,
                                 mr::statement::not_debug, mr::statement::platform_identity, mr::statement::evidence_claims,
                                 // of SEV-SNP
                                 mr::statement::crl_signatures, mr::statement::crls_current, mr::statement::not_revoked,
                                 mr::statement::signing_key, mr::statement::cpu_product, mr::statement::hardware_id,
                                 mr::statement::certificate_tcb, mr::statement::tcb_order,
                                 // of CCA
                                 mr::statement::token_profiles, mr::statement::realm_key, mr::statement::platform_signature,
                                 mr::statement::realm_binding, mr::statement::platform_lifecycle};

// What a report of SEV-SNP says of the guest is judged where the certificates are beside it, and else passed over too, but for what the reference values name: members
// of their "snp", and the statements that they ask for.
struct NamedByMember {
    std::string_view member;
    std::string_view statement;
};
constexpr std::array of_snp_guest{
    NamedByMember{"policySet", mr::statement::guest_policy},
    NamedByMember{"policyClear", mr::statement::guest_policy},
    NamedByMember{"platformSet", mr::statement::platform_info},
    NamedByMember{"platformClear", mr::statement::platform_info},
    NamedByMember{"vmpls", mr::statement::vmpl},
    NamedByMember{"migrationAgent", mr::statement::migration_agent},
    NamedByMember{"minimumGuestSvn", mr::statement::guest_svn},
};

// systemd takes 1 to 254 of an ExecCondition= for "no", and passes over the unit; 255 for a failure.
int cannot_judge(const mr::Error &error) {
    (void)fail(error);
    return exit_cannot_judge;
}

// Root, mrd's user, and who asks himself, whom nobody needs to deceive.
std::vector<std::uint32_t> whom_to_trust() {
    std::vector<std::uint32_t> uids{0, ::geteuid()};
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    if (const auto *const user = ::getpwnam("mrd"); user != nullptr) uids.push_back(user->pw_uid);
    return uids;
}

// mrd has nothing that makes reports, or that one makes none.
bool makes_no_report(const mr::Error &error) {
    if (error.code == mr::ErrorCode::not_supported) return true;
    if (error.code != mr::ErrorCode::no_such_provider) return false;
    const auto said = nlohmann::json::parse(error.parameters, nullptr, false);
    return said.is_object() && said.value("candidates", nlohmann::json::array()).empty();
}

// What a guest of SEV-SNP or CCA has in the place of a TDREPORT. mrd extends nothing of what is in it, so that no event can come in between.
std::expected<mr::EvidencePart, mr::Error> look_at_guest(mr::Client &client, const std::optional<std::string> &provider,
                                                         const mr::ReportData &nonce) {
    auto quoted = client.quote(nonce, {.provider = provider});
    if (!quoted) return std::unexpected(quoted.error());
    for (const auto kind : {mr::snp_kind, mr::cca_kind}) {
        const auto *const tee = mr::find_tee(kind);
        if (!tee->begins_quote(quoted->quote)) continue;
        if (const auto claims = tee->read(quoted->quote); !claims)
            return refuse(claims.error().code, "the report of " + quoted->provider + ": " + claims.error().message);
        mr::EvidencePart part;
        part.name = quoted->provider;
        part.kind = kind;
        part.simulated = quoted->simulated;
        part.quote = std::move(quoted->quote);
        part.quote_format = quoted->format;
        part.auxiliary = std::move(quoted->auxiliary);
        return part;
    }
    return refuse(mr::ErrorCode::not_supported, quoted->provider +
                                                    " makes no TDREPORT, and its quote is neither a report of SEV-SNP nor a " +
                                                    "token of CCA: no other can be judged yet");
}

std::expected<mr::EvidencePart, mr::Error> part_of(mr::Report report, std::int64_t last_event) {
    if (!mr::decode_tdreport(report.report))
        return refuse(mr::ErrorCode::not_supported, "the report of " + report.provider + " is no TDREPORT, and no other can be judged yet");
    mr::EvidencePart part;
    part.name = report.provider;
    part.kind = mr::tdx_kind;
    part.simulated = report.simulated;
    part.quote = std::move(report.report);
    part.sequence = last_event;
    return part;
}

// Registers as the hardware reports them now. `events_in`: the register that takes the events; empty: none does.
std::expected<mr::EvidencePart, mr::Error> look_at_registers(mr::Client &client, const GateCommand &command, const std::string &events_in,
                                                             const mr::ReportData &nonce) {
    const auto last_event = [&]() -> std::expected<std::int64_t, mr::Error> {
        const auto snapshot = client.snapshot(events_in.empty() ? std::vector<std::string>() : std::vector{events_in});
        if (!snapshot) return std::unexpected(snapshot.error());
        return snapshot->sequence;
    };
    std::optional<std::int64_t> before;
    for (int round = 0;; ++round) {
        auto report = client.report(nonce, command.provider);
        if (!report && makes_no_report(report.error())) return look_at_guest(client, command.provider, nonce);
        if (!report) return std::unexpected(report.error());
        const auto after = last_event();
        if (!after) return std::unexpected(after.error());
        if (before == *after) return part_of(std::move(*report), *after);
        if (round == max_rounds) return refuse(mr::ErrorCode::busy, "the registers change faster than they can be reported: try again");
        before = *after;
    }
}

// With the log up to there, in the form in which evidence has them.
std::expected<mr::Evidence, mr::Error> look_at_machine(mr::Client &client, const GateCommand &command, const std::string &events_in,
                                                       const mr::ReportData &nonce) {
    auto part = look_at_registers(client, command, events_in, nonce);
    if (!part) return std::unexpected(part.error());
    mr::Evidence evidence;
    evidence.report_data = nonce;
    evidence.sequence = part->sequence.value_or(0);
    evidence.parts.push_back(std::move(*part));
    const auto registers = client.list(evidence.parts.front().name);
    if (!registers) return std::unexpected(registers.error());
    for (const auto &each : *registers) {
        if (!each.flags.has(mr::Flag::extensible)) continue;
        auto &known = evidence.registers.emplace_back();
        known.name = each.name;
        known.owner = each.owner;
    }
    bool fits = true;
    const auto exported = client.export_log("json", [&](const mr::Bytes &piece) {
        evidence.log.insert(evidence.log.end(), piece.begin(), piece.end());
        fits = evidence.log.size() <= max_judged_log;
        return fits;
    });
    if (!exported) return std::unexpected(exported.error());
    if (!fits) return refuse(mr::ErrorCode::log_too_large, "the log has more than " + std::to_string(max_judged_log) + " bytes");
    return evidence;
}

// The member of the reference values' "snp" that asks for the statement; empty: none does.
std::string_view asked_for_by(std::string_view statement, const mr::ReferenceValues &reference) {
    const auto own = reference.platform.of_kind.find(mr::snp_kind);
    if (own == reference.platform.of_kind.end()) return {};
    const auto said = nlohmann::json::parse(own->second, nullptr, false);
    for (const auto &each : of_snp_guest) {
        const auto member = each.statement == statement ? said.find(each.member) : said.end();
        if (member != said.end() && *member != "accept") return each.member;
    }
    return {};
}

// Those that do not hold.
std::vector<mr::Statement> failing_statements(const mr::Evidence &evidence, const mr::ReportData &nonce, mr::ReferenceValues reference) {
    const bool wants_hardware = reference.platform.accept_simulated_roots == false;
    mr::VerifyOptions options;
    options.reference = std::move(reference);
    options.waived.tcb = true;
    options.report_data = mr::Bytes(nonce.begin(), nonce.end());
    options.time = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    const auto verdict = mr::verify(evidence, options);
    const bool is_snp_guest = evidence.parts.front().kind == mr::snp_kind;
    std::vector<mr::Statement> failing;
    // A TDREPORT has no root: here it is by mrd's word.
    if (wants_hardware && evidence.simulated())
        failing.push_back({std::string(mr::statement::root_is_hardware), mr::Judgement::fails, true,
                           "this machine is simulated, and the reference values' simulatedRoots refuses that"});
    for (auto statement : verdict.statements()) {
        const bool counts = statement.required && std::ranges::find(passed_over, statement.name) == passed_over.end();
        if (!counts || statement.result == mr::Judgement::holds) continue;
        const bool is_of_guest = is_snp_guest && statement.result == mr::Judgement::not_judged &&
                                 std::ranges::find(of_snp_guest, statement.name, &NamedByMember::statement) != of_snp_guest.end();
        if (is_of_guest) {
            const auto member = asked_for_by(statement.name, options.reference);
            if (member.empty()) continue;
            statement.reason.append(", which snp.")
                .append(member)
                .append(" needs: only `mrctl verify`, given the certificates, can judge it");
        }
        failing.push_back(std::move(statement));
    }
    return failing;
}

std::string statement_names(const std::vector<mr::Statement> &statements) {
    std::string names;
    for (const auto &each : statements) names.append(names.empty() ? "" : ", ").append(each.name);
    return names;
}

}  // namespace

int gate(const Common &common, const GateCommand &command) {
    auto program = command.program;
    if (!program.empty() && program.front() == "--") program.erase(program.begin());
    if (!program.empty() && program.front().empty())
        return cannot_judge({mr::ErrorCode::invalid_argument, "gate: the program's name is empty: leave it out, or give it"});
    for (const auto &argument : program) {
        if (!mr::is_text(argument))
            return cannot_judge(
                {mr::ErrorCode::invalid_argument, "gate: an argument is not text in UTF-8, so that the event cannot hold it"});
    }
    // Read once: what is measured is what is judged by.
    const auto file = read_file(command.reference, mr::max_reference_values_size);
    if (!file) return cannot_judge(file.error());
    auto reference = mr::parse_reference_values({reinterpret_cast<const char *>(file->data()), file->size()});
    if (!reference) return cannot_judge({reference.error().code, command.reference + ": " + reference.error().message});
    const auto digest = mr::hash(mr::HashAlgorithm::sha384, *file);
    if (!digest) return cannot_judge(digest.error());

    auto options = common.client;
    // Whoever sets the environment must not choose whom this machine is judged by.
    if (options.socket.empty()) options.socket = mr::default_socket;
    options.trusted_servers = whom_to_trust();
    auto client = mr::Client::connect(options);
    if (!client) {
        auto error = client.error();
        // Here it is not looked at.
        constexpr std::string_view other_way = " or MRD_SOCKET";
        if (const auto at = error.message.find(other_way); at != std::string::npos) error.message.erase(at, other_way.size());
        return cannot_judge(error);
    }
    // Where nothing takes an event the gate does without, if it may.
    auto events_in = command.name;
    const auto measured = client->measure_digest(command.name, mr::ContentDigest{mr::HashAlgorithm::sha384, *digest},
                                                 {.description = "gate reference " + mr::printable_text(command.reference)});
    if (!measured) {
        auto error = measured.error();
        if (!error.name.ends_with(".NoRegisterForRole")) return cannot_judge(error);
        if (!command.may_be_unmeasured) {
            error.message += "; where none can, as on SEV-SNP and CCA, --unmeasured judges without events";
            return cannot_judge(error);
        }
        note("no register takes the gate's events: neither reference values nor decision are measured");
        events_in.clear();
    }

    const auto nonce = new_nonce<mr::ReportData>();
    if (!nonce) return cannot_judge(nonce.error());
    const auto evidence = look_at_machine(*client, command, events_in, *nonce);
    if (!evidence) return cannot_judge(evidence.error());
    const auto failing = failing_statements(*evidence, *nonce, std::move(*reference));

    if (!events_in.empty()) {
        const std::string decision = failing.empty() ? "passed" : "refused";
        const auto told =
            client->measure(command.name, mr::as_bytes(failing.empty() ? decision : decision + ": " + statement_names(failing)),
                            {.description = "gate " + decision + " " + nlohmann::json(program).dump(), .envelope = true});
        // What nobody can find in the log later has not been decided.
        if (!told) return cannot_judge(told.error());
    }
    if (!failing.empty()) {
        std::string reasons;
        for (const auto &each : failing) reasons.append(reasons.empty() ? "" : "; ").append(each.name).append(": ").append(each.reason);
        return fail({mr::ErrorCode::permission_denied, "gate: refused: " + reasons});
    }
    if (evidence->simulated()) note("this machine is simulated and proves nothing");
    if (program.empty()) return exit_done;
    const auto path = find_program(program.front());
    if (!path) return cannot_judge(path.error());
    std::vector<char *> given;
    given.reserve(program.size() + 1);
    for (auto &argument : program) given.push_back(argument.data());
    given.push_back(nullptr);
    ::execv(path->c_str(), given.data());
    return cannot_judge({mr::ErrorCode::io, "cannot run " + *path + ": " + std::generic_category().message(errno)});
}

}  // namespace mrctl
