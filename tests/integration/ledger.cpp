#include "tests/integration/ledger.h"

#include <algorithm>

#include "libmr/wire/registers.h"
#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/envelope.h"
#include "mr/event_log.h"

namespace mrd {

namespace {

constexpr auto algorithm = mr::HashAlgorithm::sha384;

mr::Bytes value_of(const mr::Digest &digest) { return {digest.bytes().begin(), digest.bytes().end()}; }

std::string described(const Ledger::Answer &answer) {
    return std::to_string(answer.sequence) + " " + mr::to_hex(answer.value).substr(0, 16);
}

}  // namespace

Ledger::Entry Ledger::add(const std::string &reg) {
    const std::lock_guard lock(mutex_);
    const auto entry = entries_.size();
    auto id = std::string(id_prefix) + std::to_string(entry);
    const auto digest = mr::hash(algorithm, mr::as_bytes(id)).value();
    by_digest_.emplace(value_of(digest), entry);
    by_id_.emplace(id, entry);
    entries_.push_back({{reg, std::move(id), digest}, {}, {}});
    return entry;
}

Ledger::Sent Ledger::sent(Entry entry) const {
    const std::lock_guard lock(mutex_);
    return entries_[entry].sent;
}

std::size_t Ledger::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

void Ledger::answered(Entry entry, const Answer &answer) {
    const std::lock_guard lock(mutex_);
    auto &known = entries_[entry];
    if (known.answer && *known.answer != answer)
        complain(known.sent.id + " was answered with " + described(*known.answer) + ", then with " + described(answer));
    known.answer = answer;
}

std::size_t Ledger::answers() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count_if(entries_, [](const Known &known) { return known.answer.has_value(); }));
}

bool Ledger::is_recent(Entry entry, std::size_t later_events) const {
    const std::lock_guard lock(mutex_);
    const auto &answer = entries_[entry].answer;
    return answer && last_sequence_ - answer->sequence <= static_cast<std::int64_t>(later_events);
}

void Ledger::complain(const std::string &what) { violations_.push_back(what); }

void Ledger::violation(const std::string &what) {
    const std::lock_guard lock(mutex_);
    complain(what);
}

std::vector<std::string> Ledger::violations() const {
    const std::lock_guard lock(mutex_);
    return violations_;
}

std::expected<void, mr::Error> Ledger::send(Entry entry, mr::Client &client) {
    const auto event = sent(entry);
    const auto take = [&](const auto &done) -> std::expected<void, mr::Error> {
        if (!done) return std::unexpected(done.error());
        answered(entry, {done->sequence, done->reading.value});
        return {};
    };
    if (event.is_of_virtual()) return take(client.measure(event.reg, mr::as_bytes(event.id), {.id = event.id}));
    return take(client.extend(event.reg, event.digest, {.id = event.id}));
}

bool Ledger::send(std::span<const Entry> entries, varlink::ClientConnection &connection,
                  const std::function<void(Entry, std::string_view error)> &told) {
    std::string frames;
    for (const auto entry : entries) {
        const auto event = sent(entry);
        if (event.is_of_virtual()) {
            const auto data = mr::to_base64(mr::as_bytes(event.id));
            mr::wire::MeasureParameters parameters{};
            parameters.name = event.reg;
            parameters.data = data;
            parameters.id = event.id;
            varlink::write_call(frames, "io.mrd.Registers.Measure", parameters, varlink::CallMode::plain);
            continue;
        }
        const auto digest = mr::to_hex(event.digest.bytes());
        mr::wire::ExtendParameters parameters{};
        parameters.name = event.reg;
        parameters.digest = digest;
        parameters.id = event.id;
        varlink::write_call(frames, "io.mrd.Registers.Extend", parameters, varlink::CallMode::plain);
    }
    if (!connection.send_frames(frames, varlink::no_timeout)) return false;
    for (const auto entry : entries) {
        const auto reply = connection.receive(varlink::no_timeout);
        if (!reply) return false;
        if (reply->error.empty()) {
            const auto take = [&](const auto &done) {
                if (done) answered(entry, {done->sequence, mr::from_hex(done->reading.value).value()});
                return done.has_value();
            };
            const bool is_taken = sent(entry).is_of_virtual() ? take(varlink::decode<mr::wire::MeasureReply>(*reply->parameters))
                                                              : take(varlink::decode<mr::wire::ExtendReply>(*reply->parameters));
            if (!is_taken) {
                violation("an answer that is none");
                return false;
            }
        }
        told(entry, reply->error);
    }
    return true;
}

void Ledger::take(const mr::LogRecord &record) {
    const auto name = "record " + std::to_string(record.sequence);
    if (record.sequence != last_sequence_ + 1) complain(name + " follows " + std::to_string(last_sequence_));
    last_sequence_ = record.sequence;
    auto &value = values_.try_emplace(record.name, mr::digest_size(algorithm)).first->second;
    value = value_of(mr::extend(algorithm, value, record.digest).value());
    const auto found = by_digest_.find(record.digest);
    if (found == by_digest_.end()) return take_carried(record);
    if (record.name != entries_[found->second].sent.reg) complain(name + " is of a register that nobody meant");
    log(found->second, record, value);
}

void Ledger::take_carried(const mr::LogRecord &record) {
    const auto name = "record " + std::to_string(record.sequence);
    const auto envelope = record.data ? mr::decode_envelope(*record.data) : std::unexpected(mr::Error{});
    if (!envelope || !envelope->header.id) return complain(name + " is of an event that nobody sent");
    mr::Event event;
    event.sequence = static_cast<std::uint64_t>(record.sequence);
    event.name = record.name;
    event.type = mr::ev_event_tag;
    event.digests = {{mr::tcg_id(algorithm), record.digest}};
    event.data = *record.data;
    event.origin = record.origin;
    auto &carried = carried_.try_emplace(record.name, record.name, algorithm).first->second;
    if (const auto applied = carried.apply(event); !applied) return complain(name + ": " + applied.error().message);
    const auto reg = std::ranges::find(carried.all(), *envelope->header.id, &mr::CarriedRegister::id);
    if (reg == carried.all().end() || !reg->created || !reg->value) return complain(name + " is of no virtual register");
    const auto &value = values_[reg->created->name] = value_of(*reg->value);
    if (envelope->header.type == mr::create_envelope_type) {
        ++created_;
        return;
    }
    const auto sent = envelope->body.data ? by_id_.find({envelope->body.data->begin(), envelope->body.data->end()}) : by_id_.end();
    if (sent == by_id_.end()) return complain(name + " is of an event that nobody sent");
    if (reg->created->name != entries_[sent->second].sent.reg) complain(name + " is of a register that nobody meant");
    log(sent->second, record, value);
}

void Ledger::log(Entry entry, const mr::LogRecord &record, const mr::Bytes &value) {
    auto &known = entries_[entry];
    const auto name = "record " + std::to_string(record.sequence);
    if (known.logged) return complain(known.sent.id + " is in the log twice: " + described(*known.logged) + " and " + name);
    if (record.id != known.sent.id || record.origin != mr::EventOrigin::service)
        complain(name + " does not say what was sent as " + known.sent.id);
    known.logged = Answer{record.sequence, value};
}

void Ledger::check(mr::Client &client) {
    const auto failed = [this](const std::string &what, const mr::Error &error) { violation(what + ": " + error.message); };
    const auto read = client.records(last_sequence_ + 1, false, [this](const mr::LogRecord &record) {
        const std::lock_guard lock(mutex_);
        take(record);
        return true;
    });
    if (!read) return failed("records", read.error());
    const auto replayed = client.replay();
    if (!replayed) return failed("replay", replayed.error());
    for (const auto &result : *replayed) {
        if (!result.equal || !result.ends_at_register || !result.gaps.empty())
            violation(result.name + " does not hold what the log leads to");
    }
    for (const auto &[name, value] : values_) {
        // A virtual one is as fresh as its carrier, which is among them.
        auto reading = client.read(name, {.fresh = !name.starts_with("virtual/")});
        // Whoever has files alone knows no better than they do.
        if (!reading && reading.error().code == mr::ErrorCode::not_supported) reading = client.read(name);
        if (!reading) return failed(name, reading.error());
        if (reading->value != value) violation(name + " holds another value than the records lead to");
    }
    const std::lock_guard lock(mutex_);
    for (const auto &known : entries_) {
        if (!known.answer) continue;
        if (!known.logged) {
            complain(known.sent.id + " was acknowledged and is not in the log");
        } else if (*known.logged != *known.answer) {
            complain(known.sent.id + " was answered with " + described(*known.answer) + " and logged as " + described(*known.logged));
        }
    }
}

void Ledger::check_all(mr::Client &client) {
    {
        const std::lock_guard lock(mutex_);
        for (auto &known : entries_) known.logged.reset();
        values_.clear();
        carried_.clear();
        created_ = 0;
        last_sequence_ = 0;
    }
    check(client);
}

void Ledger::expect_all_logged() {
    const std::lock_guard lock(mutex_);
    for (const auto &known : entries_) {
        if (!known.logged) complain(known.sent.id + " is not in the log");
    }
    if (last_sequence_ != created_ + static_cast<std::int64_t>(entries_.size()))
        complain("the log has " + std::to_string(last_sequence_) + " events of " + std::to_string(entries_.size()));
}

}  // namespace mrd
