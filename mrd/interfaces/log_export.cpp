#include "mrd/interfaces/log_export.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace mrd {

namespace {

void append_text(mr::Bytes &out, std::string_view text) {
    const auto bytes = mr::as_bytes(text);  // of one type, they are copied as one piece
    out.insert(out.end(), bytes.begin(), bytes.end());
}

mr::TcgHeader::Algorithm algorithm_of(mr::HashAlgorithm algorithm) {
    return {mr::tcg_id(algorithm), static_cast<std::uint16_t>(mr::digest_size(algorithm))};
}

// TCG crypto-agile. It numbers registers, and only those of one kind: RTMRs where the log has them, else PCRs.
class TcgExport final : public LogExport {
public:
    explicit TcgExport(std::optional<std::uint32_t> header_index) : header_index_(header_index) {}

    void begin(mr::Bytes &out, const journal::State &state) override {
        const bool has_rtmrs = std::ranges::any_of(state.registers(), [](const auto &reg) { return !reg.carrier && is_rtmr(reg.name); });
        rtmrs_ = has_rtmrs;
        mr::TcgHeader header;
        header.index = has_rtmrs ? 1 : 0;
        if (const auto *firmware = state.firmware_log(); firmware != nullptr) {
            header_provider_ = firmware->provider;
            // The firmware's own, so that its part of the log is what it wrote. A log of the TCG 1.2 form has none.
            auto read = mr::read_tcg_header(firmware->header);
            if (read) {
                header = std::move(read->header);
            } else {
                header.algorithms.push_back(algorithm_of(mr::HashAlgorithm::sha1));
            }
        }
        for (const auto &reg : state.registers()) {
            if (reg.carrier || !belongs(reg.name)) continue;
            const auto algorithm = algorithm_of(reg.algorithm);
            if (std::ranges::find(header.algorithms, algorithm) == header.algorithms.end()) header.algorithms.push_back(algorithm);
        }
        if (header_index_) header.index = *header_index_;
        mr::append_tcg_header(out, header);
    }

    void add(mr::Bytes &out, const mr::Event &event, const journal::Cursor &cursor) override {
        // The header says which digests an event has: another firmware's need not be so. What this one wrote is written again, its events of no register too.
        const auto firmware = cursor.firmware_of();
        if (firmware.empty() ? belongs(event.name) : firmware == header_provider_) mr::append_tcg_event(out, event);
    }

private:
    static bool is_rtmr(std::string_view name) { return mr::common_name(name).starts_with("rtmr"); }
    [[nodiscard]] bool belongs(std::string_view name) const { return mr::tcg_index(name).has_value() && is_rtmr(name) == rtmrs_; }

    std::optional<std::uint32_t> header_index_;
    bool rtmrs_ = true;
    std::string header_provider_;
};

class CelJsonExport final : public LogExport {
public:
    void begin(mr::Bytes &, const journal::State &) override {}
    void add(mr::Bytes &out, const mr::Event &event, const journal::Cursor &) override {
        text_.clear();
        mr::append_cel_json(text_, event);
        append_text(out, text_);
    }

private:
    std::string text_;
};

class JsonExport final : public LogExport {
public:
    void begin(mr::Bytes &out, const journal::State &state) override {
        std::vector<mr::LogRegister> registers;
        for (const auto &reg : state.registers()) {
            if (!reg.carrier) registers.push_back({reg.name, reg.algorithm, reg.initial, reg.start});
        }
        mr::append_json_header(text_, registers);
        append_text(out, text_);
    }
    void add(mr::Bytes &out, const mr::Event &event, const journal::Cursor &) override {
        text_.clear();
        mr::append_json_event(text_, event);
        append_text(out, text_);
    }

private:
    std::string text_;
};

}  // namespace

std::vector<std::string> export_formats() { return {"tcg", "tcg_index0", "cel_json", "json"}; }

std::optional<std::string> collision(std::string_view format, const journal::State &state) {
    if (format == "json") return std::nullopt;  // it has the names
    const auto &registers = state.registers();
    for (std::size_t i = 0; i < registers.size(); ++i) {
        if (registers[i].carrier) continue;  // its events are its carrier's
        for (std::size_t j = 0; j < i; ++j) {
            if (registers[j].carrier || registers[i].algorithm != registers[j].algorithm ||
                mr::common_name(registers[i].name) != mr::common_name(registers[j].name))
                continue;
            return "this format cannot tell " + registers[j].name + " from " + registers[i].name + ": export json, which has the names";
        }
    }
    return std::nullopt;
}

std::unique_ptr<LogExport> make_log_export(std::string_view format) {
    if (format == "tcg") return std::make_unique<TcgExport>(std::nullopt);
    if (format == "tcg_index0") return std::make_unique<TcgExport>(0);
    if (format == "cel_json") return std::make_unique<CelJsonExport>();
    if (format == "json") return std::make_unique<JsonExport>();
    return nullptr;
}

}  // namespace mrd
