#include "mrd/providers/tsm/report_registers.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <utility>

namespace mrd::tsm {
namespace {

RegisterSpec spec_of(const mr::ClaimedRegister &claimed) {
    const auto size = claimed.value.bytes().size();
    const bool is_hash = claimed.says_what_runs && mr::digest_size(claimed.algorithm) == size;
    // What hardware begins with is known of what is extended.
    const bool changes = claimed.initial.has_value();
    return {.name = claimed.name,
            .hash = is_hash ? std::optional(claimed.algorithm) : std::nullopt,
            .size = size,
            .flags = changes ? mr::flags_live : mr::Flags(mr::Flag::readable),
            .owner = changes ? mr::Owner::observed : mr::Owner::owned};
}

std::string reason_of(const QuoteFailure &failure) {
    switch (failure.cause) {
    case QuoteFailure::Cause::timed_out: return "the kernel gave no report in time: " + failure.reason;
    case QuoteFailure::Cause::cancelled: return "the report was interrupted";
    default: return failure.reason;
    }
}

}  // namespace

std::expected<std::unique_ptr<ReportRegisters>, std::string> ReportRegisters::open(std::string_view kind, std::unique_ptr<Quoter> quoter) {
    const auto *const tee = mr::find_tee(kind);
    if (tee == nullptr) return std::unexpected("reports of " + std::string(kind) + " are not known");
    std::unique_ptr<ReportRegisters> registers(new ReportRegisters(*tee, std::move(quoter)));
    const auto first = registers->take_report();
    if (!first) return std::unexpected(first.error());
    for (const auto &claimed : *first) registers->specs_.push_back(spec_of(claimed));
    return registers;
}

std::expected<std::vector<mr::ClaimedRegister>, std::string> ReportRegisters::take_report() {
    std::array<std::uint8_t, max_report_data> data{};
    if (::getrandom(data.data(), data.size(), 0) != static_cast<ssize_t>(data.size())) return std::unexpected("there are no random bytes");
    auto quoted = quoter_->quote(data, {}, {});
    if (!quoted) return std::unexpected(reason_of(quoted.error()));
    auto claims = tee_.read(quoted->quote);
    if (!claims) return std::unexpected(claims.error().message);
    if (!std::ranges::equal(claims->report_data, data)) return std::unexpected("the report is not over the data that was asked for");
    return std::move(claims->registers);
}

std::expected<void, ProviderError> ReportRegisters::refresh(RefreshSet /*there is one*/, std::vector<mr::Bytes> &values) {
    const auto now = take_report();
    if (!now) return not_applied(now.error());
    for (std::size_t i = 0; i < specs_.size(); ++i) {
        const auto found = std::ranges::find(*now, specs_[i].name, &mr::ClaimedRegister::name);
        if (found == now->end() || found->value.bytes().size() != specs_[i].size)
            return not_applied("the report has no " + specs_[i].name + " of " + std::to_string(specs_[i].size) + " bytes any more");
        values[i].assign(found->value.bytes().begin(), found->value.bytes().end());
    }
    return {};
}

std::expected<void, ProviderError> ReportRegisters::extend(RegisterIndex index, const mr::Digest & /*digest*/) {
    return not_applied("nothing extends " + specs_[index].name);
}

std::expected<void, ProviderError> ReportRegisters::write(RegisterIndex index, mr::ByteView /*value*/) {
    return not_applied("nothing writes " + specs_[index].name);
}

std::vector<QuoteStatement::Register> registers_said(std::string_view kind, mr::ByteView report,
                                                     const std::vector<RegisterSpec> &registers) {
    std::vector<QuoteStatement::Register> said;
    const auto *const tee = mr::find_tee(kind);
    if (tee == nullptr || registers.empty()) return said;
    const auto claims = tee->read(report);
    if (!claims) return said;
    for (const auto &claimed : claims->registers) {
        if (!claimed.initial) continue;
        const auto found = std::ranges::find(registers, claimed.name, &RegisterSpec::name);
        if (found != registers.end()) said.push_back({static_cast<RegisterIndex>(found - registers.begin()), claimed.value});
    }
    return said;
}

}  // namespace mrd::tsm
