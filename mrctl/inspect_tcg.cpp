#include "mrctl/inspect_tcg.h"

#include <nlohmann/json.hpp>

#include "mrctl/inspect.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

std::string version_of(const mr::TcgHeader &header) {
    return std::to_string(header.major) + "." + std::to_string(header.minor) + "." + std::to_string(header.errata);
}

}  // namespace

TcgSummary::TcgSummary(mr::ByteView file, mr::LogFormat format) : file_(file), format_(format) {
    if (format != mr::LogFormat::tcg) return;
    if (auto read = mr::read_tcg_header(file)) header_ = std::move(read->header);
}

void TcgSummary::see(const mr::Event &event) {
    ++events_;
    if (event.name.starts_with("pcr")) has_pcrs_ = true;
    const bool has_room = by_index_.size() < mr::max_replayed_registers || by_index_.contains(event.index);
    if (event.index != mr::no_index && has_room) ++by_index_[event.index];
    if (event.type != mr::ev_no_action) return;
    ++no_action_;
    if (no_action_events_.size() < max_listed_events) no_action_events_.push_back(event.sequence);
}

std::vector<std::string> TcgSummary::banks() const {
    if (!header_) return {"sha1"};
    std::vector<std::string> names;
    for (const auto &algorithm : header_->algorithms) names.push_back(algorithm_name(algorithm.id));
    return names;
}

const char *TcgSummary::how_it_ends(std::size_t end) const {
    if (end == file_.size()) return "eof";
    return file_[end] == 0xFF ? "ff-padding" : "zero-padding";
}

std::string TcgSummary::json_members(std::size_t end, const mr::Replay &replay) const {
    if (!is_tcg()) return {};
    auto header = Json::object();
    if (header_) {
        header["header_index"] = header_->index;
        header["header_type"] = mr::ev_no_action;
        header["header_sig"] = "Spec ID Event03";
        header["platform_class"] = header_->platform_class;
        header["spec"] = version_of(*header_);
        header["uintn"] = header_->uintn_size;
        header["algs"] = Json::object();
        for (const auto &[id, size] : header_->algorithms) header["algs"][algorithm_name(id)] = size;
        header["vendor_info_len"] = header_->vendor_info.size();
    } else {
        header["format"] = "sha1-only";
    }
    header["end"] = how_it_ends(end);
    header["end_off"] = end;
    header["tail_len"] = file_.size() - end;
    header["tail_all"] = end == file_.size() ? "none" : mr::to_hex(file_.subspan(end, 1));

    Json all{{"header", header}, {"events_excluding_header", events_}};
    if (has_pcrs_) {
        all["ev_no_action"] = no_action_events_;
        all["replayed_pcrs"] = Json::object();
        // By their numbers, not by their first events.
        for (const auto &[index, events] : by_index_) {
            for (const auto &algorithm : banks()) {
                const auto *const found = replay.find("pcr" + std::to_string(index) + ":" + algorithm);
                if (found != nullptr) all["replayed_pcrs"][algorithm][std::to_string(index)] = mr::to_hex(found->value.bytes());
            }
        }
    } else {
        all["events_per_register_index"] = Json::object();
        for (const auto &[index, count] : by_index_) all["events_per_register_index"][std::to_string(index)] = count;
        all["ev_no_action"] = no_action_;
        if (const auto names = banks(); !names.empty()) all["hash_alg"] = names.front();
        all["replayed_from_log"] = Json::object();
        // What no event extends holds zeros, as many as the log's bank has.
        const std::size_t size = header_ && !header_->algorithms.empty() ? header_->algorithms.front().size : 0;
        for (const auto *const name : {"rtmr0", "rtmr1", "rtmr2", "rtmr3"}) {
            const auto *const found = replay.find(name);
            all["replayed_from_log"][name] = found == nullptr ? std::string(2 * size, '0') : mr::to_hex(found->value.bytes());
        }
    }
    auto text = all.dump();
    return text.substr(1, text.size() - 2) + ",";
}

std::string TcgSummary::text(std::size_t end) const {
    if (!is_tcg()) return {};
    std::string lines;
    if (header_) {
        lines = "header: register index " + std::to_string(header_->index) + ", version " + version_of(*header_) + ", platform class " +
                std::to_string(header_->platform_class) + ", " + std::to_string(header_->vendor_info.size()) +
                " bytes of vendor info; banks";
        for (const auto &[id, size] : header_->algorithms) lines += " " + algorithm_name(id) + " (" + std::to_string(size) + " bytes)";
        lines += '\n';
    }
    lines += "the log ends at byte " + std::to_string(end);
    if (end < file_.size()) lines += ", before " + std::to_string(file_.size() - end) + " bytes of 0x" + mr::to_hex(file_.subspan(end, 1));
    return lines + '\n';
}

}  // namespace mrctl
