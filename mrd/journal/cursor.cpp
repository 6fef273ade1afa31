#include "mrd/journal/cursor.h"

#include <algorithm>
#include <utility>

namespace mrd::journal {

namespace {

std::optional<std::string> owned(std::optional<std::string_view> text) { return text ? std::optional<std::string>(*text) : std::nullopt; }

}  // namespace

std::unexpected<std::string> Cursor::wrong_at(std::uint64_t offset, const std::string &what) {
    damage_.emplace(offset, what);
    return std::unexpected("the journal, byte " + std::to_string(offset) + ": " + what);
}

Cursor::Cursor(AppendFile &file, std::uint64_t end) : reader_(file, file_header_size, end, std::size_t{1} << 16U) {
    reader_.pass_over_checkpoints();
}

std::expected<Cursor::Step, std::string> Cursor::next(mr::Event &event, std::size_t records) {
    for (std::size_t looked = 0; looked < records; ++looked) {
        if (imported_) {
            const auto offset = imported_->offset;
            const auto is_event = next_imported(event);
            if (!is_event) return wrong_at(offset, is_event.error());
            if (*is_event) return Step::event;
        }
        const auto found = reader_.next();
        if (!found) return std::unexpected("the journal cannot be read: " + found.error().message());
        if (!*found) {
            if (reader_.is_at_end()) return Step::end;
            return wrong_at(reader_.offset(), "the record there cannot be read");
        }
        const auto &[head, bytes, offset] = **found;
        const auto record = decode_record(head, bytes);
        if (!record) return wrong_at(offset, record.error());

        if (const auto *reg = std::get_if<Register>(&*record)) {
            registers_.push_back({std::string(reg->provider) + "/" + std::string(reg->name), reg->algorithm, reg->carrier.has_value()});
        } else if (const auto *log = std::get_if<FirmwareLog>(&*record)) {
            if (auto begun = begin_imported(log->provider, ImportedEvents::open(*log), offset); !begun)
                return wrong_at(offset, begun.error());
        } else if (const auto *earlier = std::get_if<EarlierLog>(&*record)) {
            if (auto begun = begin_imported({}, ImportedEvents::open(*earlier), offset); !begun) return wrong_at(offset, begun.error());
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
            if (!is_event) return wrong_at(offset, is_event.error());
            if (*is_event) return Step::event;
        }
    }
    return Step::busy;
}

void Cursor::rest() {
    reader_.rest();
    spare_.clear();
    settled_ = {};
    if (!imported_) return;
    to_pass_over_ = imported_->given;
    reader_.go_back(imported_->offset);
    imported_.reset();
}

std::expected<void, std::string> Cursor::begin_imported(std::string_view firmware_of, std::expected<ImportedEvents, std::string> events,
                                                        std::uint64_t offset) {
    if (!events) return std::unexpected(events.error());
    imported_.emplace(offset, std::string(firmware_of), std::move(*events));
    mr::Event skipped;
    for (const auto count = std::exchange(to_pass_over_, 0); imported_->given < count; ++imported_->given) {
        if (const auto more = imported_->events.next(skipped); !more) return std::unexpected(more.error());
    }
    return {};
}

// False: its log has ended.
std::expected<bool, std::string> Cursor::next_imported(mr::Event &event) {
    const auto more = imported_->events.next(event);
    if (!more) return std::unexpected(more.error());
    if (*more) {
        ++imported_->given;
        is_own_ = true;
    } else {
        imported_.reset();
    }
    return *more;
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
    targets_ = {};
    bool makes = false;  // a virtual register, whose first event it is
    for (const auto &target : intent->targets) {
        if (registers_[target.reg].is_virtual) makes = !std::exchange(registers_[target.reg].is_made, true);
        if (!registers_[target.reg].is_virtual) targets_.push_back(target);
    }
    if (targets_.size() == 0) return std::unexpected("an event of a virtual register alone");
    const auto &reg = registers_[targets_.front().reg];
    // That a virtual register is made and closed is nobody's content: it is mrd's word, by which others are told apart.
    is_own_ = intent->origin != Origin::service || makes;
    event.sequence = settled.sequence;
    event.name = reg.name;
    event.index = mr::tcg_index(reg.name).value_or(mr::no_index);
    event.type = intent->type;
    event.digests.clear();
    for (const auto &target : targets_) event.digests.push_back({mr::tcg_id(registers_[target.reg].algorithm), target.digest.bytes()});
    event.data = intent->data;
    event.description = intent->description;
    event.time = intent->time;
    event.caller = mr::EventCaller{intent->uid,         intent->gid,         intent->pid,         owned(intent->executable),
                                   owned(intent->unit), owned(intent->rule), intent->on_behalf_of};
    event.id = intent->id;
    event.origin = intent->origin == Origin::resync ? mr::EventOrigin::resync : mr::EventOrigin::service;
    return true;
}

}  // namespace mrd::journal
