// Any bytes as messages of TDISP and IDE_KM, and as the report of a device interface: what is taken has no byte too many or too few, and ranges that can be used.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mr/tdisp.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check_report(mr::ByteView bytes) {
    const auto report = mr::decode_tdisp_report(bytes);
    mr::Verdict verdict;
    mr::judge_tdisp_report(bytes, mr::TdispState::run, {.from_tsm = true}, verdict);
    for (const auto &statement : verdict.statements()) require(!statement.reason.empty());
    if (!report) {
        require(!report.error().message.empty() && !verdict.verified());
        return;
    }
    require(report->ranges.size() <= mr::max_tdisp_ranges);
    require(bytes.size() == 20 + report->ranges.size() * 16 + report->device_information.size());
    for (const auto &one : report->ranges) {
        require(one.pages > 0);
        for (const auto &other : report->ranges)
            require(&one == &other || one.first_page + one.pages <= other.first_page || other.first_page + other.pages <= one.first_page);
    }
    require(!mr::decode_tdisp_report(bytes.first(bytes.size() - 1)));
}

void check_tdisp(mr::ByteView bytes) {
    const auto message = mr::decode_tdisp_message(bytes);
    if (!message) return require(!message.error().message.empty());
    require(mr::to_string(message->type) != "unknown");
    // A message of fixed size is none without its last byte; in these more may stand, and the last byte is of it.
    const bool has_more = std::holds_alternative<mr::TdispOther>(message->body) || std::holds_alternative<mr::TdispError>(message->body);
    require(has_more || !mr::decode_tdisp_message(bytes.first(bytes.size() - 1)));
    if (const auto *portion = std::get_if<mr::TdispReportPortion>(&message->body)) {
        check_report(portion->bytes);
        (void)mr::join_tdisp_report({portion, 1});
    }
}

void check_ide_km(mr::ByteView bytes) {
    const auto message = mr::decode_ide_km_message(bytes);
    if (!message) return require(!message.error().message.empty());
    require(!mr::decode_ide_km_message(bytes.first(bytes.size() - 1)));
    if (const auto *program = std::get_if<mr::IdeKeyProgram>(&message->body))
        require(program->key.size() == mr::ide_key_size && program->iv.size() == mr::ide_iv_size);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView bytes(data, size);
    check_report(bytes);
    check_tdisp(bytes);
    check_ide_km(bytes);
    const auto outer = mr::decode_pci_message(bytes);
    if (!outer) return 0;
    require(mr::begins_pci_message(bytes));
    switch (outer->protocol) {
    case mr::PciProtocol::tdisp: check_tdisp(outer->payload); break;
    case mr::PciProtocol::ide_km: check_ide_km(outer->payload); break;
    }
    return 0;
}
