#include "mr/verdict.h"

#include <algorithm>
#include <utility>

#include "mr/event_content.h"
#include "proto/varlink/fields.h"

namespace mr {
namespace {

// Of two judgements of one statement the one that stays.
Judgement worse(Judgement a, Judgement b) {
    if (a == Judgement::fails || b == Judgement::fails) return Judgement::fails;
    if (a == Judgement::not_judged || b == Judgement::not_judged) return Judgement::not_judged;
    return Judgement::holds;
}

}  // namespace

std::string_view to_string(Judgement judgement) {
    switch (judgement) {
    case Judgement::holds: return "true";
    case Judgement::fails: return "false";
    case Judgement::not_judged: return "not_judged";
    }
    return {};
}

void Verdict::add(Statement statement) {
    const auto at = std::ranges::find(statements_, statement.name, &Statement::name);
    if (at == statements_.end()) {
        statements_.push_back(std::move(statement));
        return;
    }
    const auto worse_result = worse(at->result, statement.result);
    const auto of_required = at->required ? at->result : statement.result;
    if (at->required == statement.required) {
        at->result = worse_result;
    } else if (of_required != Judgement::holds) {
        at->result = of_required;
        at->required = true;
    } else {
        // What holds of one part is not to be read of the other.
        at->result = worse_result;
        at->required = worse_result == Judgement::holds;
    }
    if (!at->reason.empty() && !statement.reason.empty()) at->reason += "; ";
    at->reason += statement.reason;
}

const Statement *Verdict::find(std::string_view name) const {
    const auto at = std::ranges::find(statements_, name, &Statement::name);
    return at == statements_.end() ? nullptr : &*at;
}

bool Verdict::verified() const {
    return std::ranges::any_of(statements_, &Statement::required) &&
           std::ranges::all_of(statements_, [](const Statement &each) { return !each.required || each.result == Judgement::holds; });
}

namespace {

using varlink::field;

struct StatementFields {
    std::string_view name;
    std::string_view result;
    bool required = false;
    std::string reason;
    static constexpr auto fields() {
        return std::tuple(field("name", &StatementFields::name), field("result", &StatementFields::result),
                          field("required", &StatementFields::required), field("reason", &StatementFields::reason));
    }
};

struct TcbFields {
    std::string status;
    std::vector<std::string> advisories;
    static constexpr auto fields() { return std::tuple(field("status", &TcbFields::status), field("advisories", &TcbFields::advisories)); }
};

struct PlatformFields {
    std::string part;
    std::string_view kind;
    TcbFields tcb;
    static constexpr auto fields() {
        return std::tuple(field("part", &PlatformFields::part), field("kind", &PlatformFields::kind), field("tcb", &PlatformFields::tcb));
    }
};

struct RegisterFields {
    std::string part;
    std::string name;
    bool unbound = true;
    static constexpr auto fields() {
        return std::tuple(field("part", &RegisterFields::part), field("name", &RegisterFields::name),
                          field("unbound", &RegisterFields::unbound));
    }
};

struct VerdictFields {
    bool verified = false;
    std::int64_t time = 0;
    std::vector<PlatformFields> platforms;
    std::vector<RegisterFields> registers;
    std::optional<bool> registers_left_out;
    std::vector<StatementFields> statements;
    static constexpr auto fields() {
        return std::tuple(field("verified", &VerdictFields::verified), field("time", &VerdictFields::time),
                          field("platforms", &VerdictFields::platforms), field("registers", &VerdictFields::registers),
                          field("registersLeftOut", &VerdictFields::registers_left_out), field("statements", &VerdictFields::statements));
    }
};

}  // namespace

std::string write_verdict(const Verdict &verdict, std::int64_t time) {
    VerdictFields fields{
        .verified = verdict.verified(), .time = time, .platforms = {}, .registers = {}, .registers_left_out = {}, .statements = {}};
    for (const auto &each : verdict.platforms()) {
        auto &platform = fields.platforms.emplace_back(
            PlatformFields{.part = printable_text(each.part), .kind = each.kind, .tcb = {printable_text(each.tcb_status), {}}});
        for (const auto &advisory : each.advisories) platform.tcb.advisories.push_back(printable_text(advisory));
    }
    for (const auto &each : verdict.registers())
        fields.registers.push_back({printable_text(each.part), printable_text(each.name), each.unbound});
    if (verdict.leaves_registers_out()) fields.registers_left_out = true;
    for (const auto &each : verdict.statements())
        fields.statements.push_back({each.name, to_string(each.result), each.required, printable_text(each.reason)});
    std::string json;
    varlink::write_json(json, fields);
    return json;
}

}  // namespace mr
