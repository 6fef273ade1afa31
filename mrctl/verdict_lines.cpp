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

// A log may call a register what it likes: what could be taken for two of the list stands between quotation marks.
std::string unambiguous(std::string_view name) {
    const auto printable = mr::printable_text(name);
    return name.find_first_of(", \"") == std::string_view::npos ? printable : '"' + printable + '"';
}

// In one line, before that of the verdict.
void print_unbound(const mr::Verdict &verdict) {
    std::vector<std::string> names;
    for (const auto &each : verdict.registers()) {
        if (!each.unbound) continue;
        const bool is_plain = each.part.empty() || each.name.starts_with("virtual/");
        const auto name = unambiguous(each.name);
        names.push_back(is_plain ? name + (each.part.empty() ? "" : " of " + each.part) : each.part + "/" + name);
    }
    if (verdict.leaves_registers_out()) names.emplace_back("and more that are not named");
    if (!names.empty()) std::cout << "unbound: " << listed(names) << '\n';
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
