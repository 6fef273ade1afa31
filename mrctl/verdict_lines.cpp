#include "mrctl/verdict_lines.h"

#include <iostream>
#include <string_view>

#include "mr/event_content.h"
#include "mrctl/output.h"

namespace mrctl {

std::string listed(const std::vector<std::string> &texts) {
    std::string all;
    for (const auto &text : texts) all.append(all.empty() ? "" : ", ").append(text);
    return all;
}

std::string positive_line(const std::vector<std::string> &left_out) {
    return left_out.empty() ? "verified" : "verified, but not " + listed(left_out);
}

namespace {

// In one line, before that of the verdict.
void print_unbound(const mr::Verdict &verdict) {
    std::vector<std::string> names;
    for (const auto &each : verdict.registers()) {
        if (!each.unbound) continue;
        const bool is_plain = each.part.empty() || each.name.starts_with("virtual/");
        names.push_back(is_plain ? each.name + (each.part.empty() ? "" : " of " + each.part) : each.part + "/" + each.name);
    }
    if (!names.empty()) std::cout << "unbound: " << mr::printable_text(listed(names)) << '\n';
}

}  // namespace

void print_statements(const mr::Verdict &verdict) {
    const auto colour_of = [](const mr::Statement &each) {
        if (each.result == mr::Judgement::not_judged) return sgr::plain;
        return each.result == mr::Judgement::holds ? sgr::green : each.required ? sgr::red : sgr::yellow;
    };
    std::vector<Row> rows;
    for (const auto &each : verdict.statements())
        rows.push_back({each.name, coloured(std::string(mr::to_string(each.result)), colour_of(each)), each.required ? "required" : "-",
                        mr::printable_text(each.reason)});
    print_table({"STATEMENT", "RESULT", "NEEDED", "REASON"}, rows);
    print_unbound(verdict);
}

}  // namespace mrctl
