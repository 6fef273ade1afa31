#include "mrd/journal/cursor.h"

#include <algorithm>
#include <utility>

namespace mrd::journal {

namespace {

std::optional<std::string> owned(std::optional<std::string_view> text) { return text ? std::optional<std::string>(*text) : std::nullopt; }

}  // namespace

Cursor::Cursor(AppendFile &file, std::uint64_t end) : reader_(file, file_header_size, end, std::size_t{1} << 16U) {
    reader_.pass_over_checkpoints();
}

std::expected<Cursor::Step, std::string> Cursor::next(mr::Event &event, std::size_t records) {
    for (std::size_t looked = 0; looked < records; ++looked) {
        const auto found = reader_.next();
        if (!found) return std::unexpected("the journal cannot be read: " + found.error().message());
        if (!*found) {
            if (reader_.is_at_end()) return Step::end;
            return std::unexpected("the journal, byte " + std::to_string(reader_.offset()) + ": the record there cannot be read");
        }
        const auto &[head, bytes, offset] = **found;
        const auto wrong = [at = offset](const std::string &what) {
            return std::unexpected("the journal, byte " + std::to_string(at) + ": " + what);
        };
        const auto record = decode_record(head, bytes);
        if (!record) return wrong(record.error());

        if (const auto *reg = std::get_if<Register>(&*record)) {
            registers_.push_back({std::string(reg->provider) + "/" + std::string(reg->name), reg->algorithm, reg->carrier.has_value()});
        } else if (const auto *log = std::get_if<FirmwareLog>(&*record)) {
            firmware_ = FirmwareSource{std::string(log->provider), log->format, log->registers, {log->header.begin(), log->header.end()}};
        } else if (const auto *firmware = std::get_if<FirmwareEvent>(&*record)) {
            if (auto taken = take(*firmware, event); !taken) return wrong(taken.error());
            return Step::event;
        } else if (const auto *intent = std::get_if<Intent>(&*record)) {
            Open open;
            if (!spare_.empty()) {
                open = std::move(spare_.back());
                spare_.pop_back();
            }
            open.number = intent->number;
            open.head = head;
            open.bytes.assign(bytes.begin(), bytes.end());
            open_.push_back(std::move(open));
        } else if (const auto *settled = std::get_if<Settled>(&*record)) {
            const auto is_event = take(*settled, event);
            if (!is_event) return wrong(is_event.error());
            if (*is_event) return Step::event;
        }
    }
    return Step::busy;
}

void Cursor::rest() {
    reader_.rest();
    spare_.clear();
    settled_ = {};
    firmware_event_.reset();
    firmware_bytes_ = {};
}

std::expected<void, std::string> Cursor::take(const FirmwareEvent &record, mr::Event &event) {
    if (!firmware_) return std::unexpected("a firmware event without its log");
    auto read = read_firmware_event(*firmware_, record.bytes);
    if (!read) return std::unexpected(read.error());
    firmware_event_ = std::move(*read);
    firmware_bytes_ = mr::ByteView(firmware_event_->bytes).subspan(firmware_->header.size());
    event = firmware_event_->event;
    event.sequence = record.sequence;
    is_own_ = true;
    firmware_name_.assign(event.name);
    if (!firmware_name_.empty()) firmware_name_.insert(0, firmware_->provider + "/");
    event.name = firmware_name_;
    return {};
}

std::expected<bool, std::string> Cursor::take(const Settled &settled, mr::Event &event) {
    const auto position = std::ranges::find(open_, settled.number, &Open::number);
    if (position == open_.end()) return std::unexpected("an intent is settled that is not open");
    std::swap(settled_, *position);
    spare_.push_back(std::move(*position));
    open_.erase(position);
    if (settled.outcome != Outcome::done) return false;

    const auto record = decode_record(settled_.head, settled_.bytes);
    const auto *intent = record ? std::get_if<Intent>(&*record) : nullptr;
    const auto is_there = [this](const Target &target) { return target.reg < registers_.size(); };
    if (intent == nullptr || !std::ranges::all_of(intent->targets, is_there))
        return std::unexpected("an event of a register that is not there");
    firmware_bytes_ = {};
    targets_ = {};
    for (const auto &target : intent->targets) {
        if (!registers_[target.reg].is_virtual) targets_.push_back(target);
    }
    if (targets_.size() == 0) return std::unexpected("an event of a virtual register alone");
    const auto &reg = registers_[targets_.front().reg];
    is_own_ = intent->origin != Origin::service;
    event.sequence = settled.sequence;
    event.name = reg.name;
    event.index = mr::tcg_index(reg.name).value_or(mr::no_index);
    event.type = intent->type;
    event.digests.clear();
    for (const auto &target : targets_) event.digests.push_back({mr::tcg_id(registers_[target.reg].algorithm), target.digest.bytes()});
    event.data = intent->data;
    event.description = intent->description;
    event.time = intent->time;
    event.caller = mr::EventCaller{intent->uid, intent->gid, intent->pid, owned(intent->executable), owned(intent->unit)};
    event.id = intent->id;
    event.origin = intent->origin == Origin::resync ? mr::EventOrigin::resync : mr::EventOrigin::service;
    return true;
}

}  // namespace mrd::journal
