#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>

#include "libmr/src/attestation/finding.h"
#include "libmr/src/event_log/byte_reader.h"
#include "mr/digest.h"
#include "mr/tdisp.h"

namespace mr {
namespace {

using attestation::Finding;
using event_log::ByteReader;

constexpr std::array interface_bits = {NamedBit{0, "no_update_after_lock"}, NamedBit{1, "dma_without_pasid"}, NamedBit{2, "dma_with_pasid"},
                                       NamedBit{3, "ats"}, NamedBit{4, "prs"}};
constexpr std::array range_bits = {NamedBit{0, "msix_table"}, NamedBit{1, "msix_pba"}, NamedBit{2, "non_tee"}, NamedBit{3, "updatable"}};

constexpr std::size_t range_size = 16;
constexpr std::uint64_t page_count = std::uint64_t{1} << 52U;  // of 64 bits of addresses

std::unexpected<Error> malformed_report(std::string what) {
    return std::unexpected(Error{ErrorCode::malformed, "interface report: " + std::move(what)});
}

std::uint64_t end_of(const TdispRange &range) { return range.first_page + range.pages; }

// What is wrong with the ranges; empty: nothing.
std::string range_defect(const std::vector<TdispRange> &ranges) {
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        const auto &range = ranges[i];
        const auto which = "range " + std::to_string(i + 1);
        if ((range.attributes & ~known_bits(range_bits)) != 0) return which + " has reserved attributes that are not zero";
        if (range.pages == 0) return which + " has no pages";
        if (range.first_page >= page_count || end_of(range) > page_count) return which + " ends beyond the last address";
    }
    // A device may list them by address or BAR by BAR; a BAR's address may lie below that of the one before it.
    const auto by_bar = [](const TdispRange &range) { return std::pair(range.id, range.first_page); };
    if (!std::ranges::is_sorted(ranges, {}, &TdispRange::first_page) && !std::ranges::is_sorted(ranges, {}, by_bar))
        return "the ranges are out of order: they ascend neither by address nor within their BARs";
    auto by_address = ranges;
    std::ranges::sort(by_address, {}, &TdispRange::first_page);
    const auto overlap =
        std::ranges::adjacent_find(by_address, [](const auto &first, const auto &second) { return end_of(first) > second.first_page; });
    if (overlap != by_address.end()) return "the range at page " + std::to_string(overlap->first_page) + " overlaps the one behind it";
    return {};
}

// "ranges 1 and 3": those with the attribute.
std::string ranges_with(std::uint16_t attribute, const std::vector<TdispRange> &ranges) {
    std::string text;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        if ((ranges[i].attributes & attribute) != 0) text.append(text.empty() ? "" : ", ").append(std::to_string(i + 1));
    }
    return text;
}

Finding check_ranges(const TdispReport &report, const TdispPolicy &policy) {
    const auto non_tee = ranges_with(tdisp_range_non_tee, report.ranges);
    if (!non_tee.empty() && !policy.accept_non_tee_ranges)
        return attestation::fails("others than the guest reach memory of the device: the ranges that are not the TEE's are " + non_tee);
    const auto updatable = ranges_with(tdisp_range_updatable, report.ranges);
    if (!updatable.empty() && !policy.accept_updatable_ranges)
        return attestation::fails("the attributes of memory of the device can change: the ranges that are updatable are " + updatable);
    return attestation::holds("the " + std::to_string(report.ranges.size()) + " ranges have no attribute that is not accepted");
}

Finding check_dma(const TdispReport &report, const TdispPolicy &policy) {
    if ((report.interface_info & tdisp_ats) != 0 && !policy.accept_ats)
        return attestation::fails("the device translates addresses itself (ATS), which is not accepted");
    if ((report.interface_info & tdisp_prs) != 0 && !policy.accept_prs)
        return attestation::fails("the device asks for pages (PRS), which is not accepted");
    return attestation::holds("the interface has " + bits_text(report.interface_info, interface_bits));
}

Finding check_update(const TdispReport &report, const TdispPolicy &policy) {
    if ((report.interface_info & tdisp_no_update_after_lock) != 0)
        return attestation::holds("the device takes no new firmware while the interface is locked");
    return attestation::judge(policy.accept_update_after_lock,
                              "the device takes new firmware while the interface is locked, which is accepted",
                              "the device takes new firmware while the interface is locked");
}

Finding check_origin(ByteView report, const TdispPolicy &policy) {
    if (policy.digest) {
        const auto digest = hash(HashAlgorithm::sha384, report);
        return attestation::judge(digest && std::ranges::equal(digest->bytes(), *policy.digest),
                                  "the report has the digest that the TSM says", "the report has not the digest that the TSM says");
    }
    if (policy.from_tsm) return attestation::holds("the caller has it from the TSM");
    return attestation::fails("nothing signs a report, and the TSM's digest of it was not given");
}

Finding check_state(std::optional<TdispState> state, const TdispPolicy &policy) {
    if (!state) return attestation::not_judged("nobody has asked in which state the interface is");
    return attestation::judge(std::ranges::find(policy.states, *state) != policy.states.end(),
                              "the interface is in the state " + std::string(to_string(*state)),
                              "the interface is in the state " + std::string(to_string(*state)) + ", which is not accepted");
}

}  // namespace

std::span<const NamedBit> tdisp_interface_bits() { return interface_bits; }
std::span<const NamedBit> tdisp_range_bits() { return range_bits; }

std::expected<TdispReport, Error> decode_tdisp_report(ByteView report) {
    if (report.size() > max_tdisp_report_size) return malformed_report("more than " + std::to_string(max_tdisp_report_size) + " bytes");
    ByteReader reader(report);
    TdispReport read{.interface_info = reader.u16()};
    const auto reserved = reader.u16();
    read.msix_control = reader.u16();
    read.lnr_control = reader.u16();
    read.tph_control = reader.u32();
    const auto count = reader.u32();
    if (!reader.ok()) return malformed_report("it ends within its head");
    if ((read.interface_info & ~known_bits(interface_bits)) != 0)
        return malformed_report("the interface info has reserved bits that are not zero");
    if (reserved != 0) return malformed_report("reserved bytes behind the interface info are not zero");
    if (count > max_tdisp_ranges) return malformed_report("there are more than " + std::to_string(max_tdisp_ranges) + " ranges");
    if (count > reader.rest().size() / range_size) return malformed_report("it ends within its ranges");
    for (std::uint32_t i = 0; i < count; ++i) {
        auto &range = read.ranges.emplace_back();
        range.first_page = reader.u64();
        range.pages = reader.u32();
        range.attributes = reader.u16();
        range.id = reader.u16();
    }
    if (auto defect = range_defect(read.ranges); !defect.empty()) return malformed_report(std::move(defect));
    const auto size = reader.u32();
    read.device_information = reader.take(size);
    if (!reader.ok()) return malformed_report("the device's own information has fewer bytes than its length says");
    if (!reader.rest().empty())
        return malformed_report(std::to_string(reader.rest().size()) + " bytes follow the device's own information");
    return read;
}

std::expected<Bytes, Error> join_tdisp_report(std::span<const TdispReportPortion> portions) {
    if (portions.empty()) return malformed_report("there is no portion of it");
    const auto total = portions.front().bytes.size() + portions.front().remainder;
    if (total > max_tdisp_report_size) return malformed_report("more than " + std::to_string(max_tdisp_report_size) + " bytes");
    Bytes report;
    for (const auto &portion : portions) {
        report.insert(report.end(), portion.bytes.begin(), portion.bytes.end());
        if (portion.bytes.empty() || report.size() + portion.remainder != total)
            return malformed_report("a portion says that " + std::to_string(portion.remainder) + " bytes follow of " +
                                    std::to_string(total) + ", where it ends at " + std::to_string(report.size()));
    }
    if (report.size() != total) return malformed_report(std::to_string(total - report.size()) + " bytes of it are missing");
    return report;
}

void judge_tdisp_report(ByteView report, std::optional<TdispState> state, const TdispPolicy &policy, Verdict &verdict) {
    const auto add = [&](std::string_view name, Finding found) {
        verdict.add({.name = std::string(name), .result = found.result, .required = true, .reason = std::move(found.reason)});
    };
    const auto read = decode_tdisp_report(report);
    add(statement::interface_report, read ? attestation::holds("a report of " + std::to_string(read->ranges.size()) + " ranges")
                                          : attestation::fails(read.error().message));
    add(statement::interface_origin, check_origin(report, policy));
    const auto if_read = [&](auto check) { return read ? check(*read, policy) : attestation::not_judged("the report cannot be read"); };
    add(statement::interface_ranges, if_read(check_ranges));
    add(statement::interface_update, if_read(check_update));
    add(statement::interface_dma, if_read(check_dma));
    add(statement::interface_state, check_state(state, policy));
}

}  // namespace mr
