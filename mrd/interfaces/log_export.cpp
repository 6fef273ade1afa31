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
    // An empty file says of no format that it is one: a separator that no record follows does.
    void end(mr::Bytes &out) override {
        if (text_.empty()) append_text(out, "\x1E");
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

// What the firmware left, as it wrote it, without what pads it: the file that the kernel shows of it. Of several firmwares that of the first, which `tcg` begins with.
class FirmwareExport final : public LogExport {
public:
    void begin(mr::Bytes &out, const journal::State &state) override {
        const auto *firmware = state.firmware_log();
        if (firmware == nullptr) return;
        provider_ = firmware->provider;
        is_sha1_ = firmware->format == mr::LogFormat::tcg_sha1;
        out.insert(out.end(), firmware->header.begin(), firmware->header.end());
    }
    void add(mr::Bytes &out, const mr::Event &event, const journal::Cursor &cursor) override {
        if (cursor.firmware_of().empty() || cursor.firmware_of() != provider_) return;
        if (is_sha1_) {
            mr::append_tcg_sha1_event(out, event);
        } else {
            mr::append_tcg_event(out, event);
        }
    }

private:
    std::string provider_;
    bool is_sha1_ = false;
};

}  // namespace

std::vector<std::string> export_formats() { return {"tcg", "tcg_index0", "cel_json", "json", std::string(firmware_format)}; }

std::optional<std::string> collision(std::string_view format, const journal::State &state) {
    if (format == "json" || format == firmware_format) return std::nullopt;  // it has the names; it is of one provider
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
    if (format == firmware_format) return std::make_unique<FirmwareExport>();
    return nullptr;
}

}  // namespace mrd
