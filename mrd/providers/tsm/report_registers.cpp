#include "mrd/providers/tsm/report_registers.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

namespace mrd::tsm {
namespace {

// A report's part, by the name that libmr's readers have for it (mr::Tee::read).
struct Part {
    std::string_view name;
    std::size_t size = 0;                        // most
    std::optional<mr::HashAlgorithm> hash = {};  // it is one, of this
    bool hash_by_value = false;                  // it is one, of a hash that the report says
    bool is_extended = false;
};
constexpr std::size_t longest_hash = 64;
constexpr Part snp_parts[] = {
    {.name = "measurement", .size = 48, .hash = mr::HashAlgorithm::sha384},
    {.name = "host_data", .size = 32},
    {.name = "id_key_digest", .size = 48},
    {.name = "author_key_digest", .size = 48},
    {.name = "family_id", .size = 16},
    {.name = "image_id", .size = 16},
    {.name = "report_id", .size = 32},
};
constexpr Part cca_parts[] = {
    {.name = "rim", .size = longest_hash, .hash_by_value = true},
    {.name = "rem0", .size = longest_hash, .hash_by_value = true, .is_extended = true},
    {.name = "rem1", .size = longest_hash, .hash_by_value = true, .is_extended = true},
    {.name = "rem2", .size = longest_hash, .hash_by_value = true, .is_extended = true},
    {.name = "rem3", .size = longest_hash, .hash_by_value = true, .is_extended = true},
    {.name = "rpv", .size = 64},
    {.name = "implementation_id", .size = 32},
    {.name = "instance_id", .size = 33},
};

RegisterSpec spec_of(const Part &part) {
    return {.name = std::string(part.name),
            .hash = part.hash,
            .size = part.size,
            .flags = part.is_extended ? mr::flags_live : mr::Flags(mr::Flag::readable),
            .owner = part.is_extended ? mr::Owner::observed : mr::Owner::owned,
            .hash_by_value = part.hash_by_value};
}

std::vector<RegisterSpec> specs_of(std::string_view kind) {
    std::span<const Part> parts;
    if (kind == "snp") parts = snp_parts;
    if (kind == "cca") parts = cca_parts;
    std::vector<RegisterSpec> specs;
    for (const auto &part : parts) specs.push_back(spec_of(part));
    return specs;
}

bool is_as_said(const mr::ClaimedRegister &claimed, const RegisterSpec &spec) {
    return claimed.value.bytes().size() == (spec.hash_by_value ? mr::digest_size(claimed.algorithm) : spec.size);
}

std::string reason_of(const QuoteFailure &failure) {
    switch (failure.cause) {
    case QuoteFailure::Cause::timed_out: return "the kernel gave no report in time: " + failure.reason;
    case QuoteFailure::Cause::cancelled: return "the report was interrupted";
    default: return failure.reason;
    }
}

}  // namespace

std::unique_ptr<ReportRegisters> ReportRegisters::of(std::string_view kind, std::unique_ptr<Quoter> quoter) {
    const auto *const tee = mr::find_tee(kind);
    auto specs = specs_of(kind);
    if (tee == nullptr || specs.empty()) return nullptr;
    return std::unique_ptr<ReportRegisters>(new ReportRegisters(*tee, std::move(specs), std::move(quoter)));
}

std::expected<std::vector<mr::ClaimedRegister>, std::string> ReportRegisters::take_report() {
    std::array<std::uint8_t, max_report_data> data{};
    if (::getrandom(data.data(), data.size(), 0) != static_cast<ssize_t>(data.size())) return std::unexpected("there are no random bytes");
    auto quoted = quoter_->quote(data, {}, {});
    if (!quoted) return std::unexpected(reason_of(quoted.error()));
    auto claims = tee_.read(quoted->quote);
    if (!claims) {
        if (!was_read_) none_can_be_read(claims.error().message);
        return std::unexpected(claims.error().message);
    }
    if (!std::ranges::equal(claims->report_data, data)) return std::unexpected("the report is not over the data that was asked for");
    return std::move(claims->registers);
}

void ReportRegisters::tell(const ProviderNews &news) {
    std::optional<RegistersNow> now;
    {
        const std::lock_guard lock(mutex_);
        news_ = news;
        now = there_are_none_;
    }
    if (now) news.registers(*now);
}

void ReportRegisters::none_can_be_read(const std::string &reason) {
    ProviderNews news;
    {
        const std::lock_guard lock(mutex_);
        if (there_are_none_) return;
        there_are_none_ = {specs_, std::vector<bool>(specs_.size(), false), "their report cannot be read: " + reason};
        news = news_;
    }
    news.registers(*there_are_none_);
}

std::expected<void, ProviderError> ReportRegisters::refresh(RefreshSet /*there is one*/, std::vector<mr::Bytes> &values) {
    const auto now = take_report();
    if (!now) return not_applied(now.error());
    for (std::size_t i = 0; i < specs_.size(); ++i) {
        const auto found = std::ranges::find(*now, specs_[i].name, &mr::ClaimedRegister::name);
        if (found == now->end() || !is_as_said(*found, specs_[i]))
            return not_applied("the report has no " + specs_[i].name + " of its size");
        values[i].assign(found->value.bytes().begin(), found->value.bytes().end());
    }
    was_read_ = true;
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
