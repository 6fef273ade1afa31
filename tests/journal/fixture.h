// What the journal's tests share: hardware that only hashes, a journal on a disk in memory, and what the two must agree on.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/envelope.h"
#include "mrd/journal/cursor.h"
#include "mrd/journal/journal.h"
#include "tests/journal/faulty_file.h"

namespace mrd::journal {

inline constexpr auto algorithm = mr::HashAlgorithm::sha384;

// A digest of 48 times the same byte.
inline mr::Digest digest_of(std::uint8_t byte, mr::HashAlgorithm hash = algorithm) {
    return mr::Digest(mr::Bytes(mr::digest_size(hash), byte));
}

inline mr::Digest extended(const mr::Digest &old, const mr::Digest &digest) { return *mr::extend(algorithm, old.bytes(), digest.bytes()); }

// "tdx/rtmr3", or "tpm/pcr7:sha256" where it is not of `algorithm`.
inline Present register_named(std::string_view name) {
    const auto slash = name.find('/');
    const auto colon = name.find(':');
    const auto hash = colon == std::string_view::npos ? algorithm : mr::hash_algorithm_from(name.substr(colon + 1)).value();
    const auto zero = mr::Digest::zero(hash);
    return {std::string(name.substr(0, slash)), std::string(name.substr(slash + 1, colon - slash - 1)), hash, zero, zero};
}

inline std::optional<RegisterNumber> find(const State &state, std::string_view name) {
    const auto reg = register_named(name);
    return state.find(reg.provider, reg.name, reg.algorithm);
}

// An event of one register, which holds what a NewEvent shows.
struct OneEvent {
    Target target;
    Origin origin = Origin::service;
    std::uint32_t type = 13;
    const mr::EventCaller *caller = nullptr;
    std::optional<std::string_view> id = {};
    std::optional<std::string_view> description = {};
    std::optional<mr::ByteView> data = {};
    mr::Bytes envelope = {};  // the data, where it is one

    // NOLINTNEXTLINE(google-explicit-constructor,hicpp-explicit-conversions): where the journal takes an event
    operator NewEvent() const {
        return {.targets = {&target, 1},
                .origin = origin,
                .type = type,
                .caller = caller,
                .id = id,
                .description = description,
                .data = envelope.empty() ? data : mr::ByteView(envelope)};
    }
};

// In a folder of its own, which is removed at the end.
class Folder {
public:
    Folder() {
        auto name = (std::filesystem::temp_directory_path() / "mrd-journal-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) path_ = name;
    }
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;
    ~Folder() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path &path() const { return path_; }

private:
    std::filesystem::path path_;
};

// Registers that take every extend. They are there as long as the test: mrd and its disk may die meanwhile.
class Hardware {
public:
    explicit Hardware(const std::vector<std::string> &names) {
        for (const auto &name : names) add(name);
    }
    void add(const std::string &name, bool owned = true, bool resettable = false) {
        present_.push_back(register_named(name));
        present_.back().owned = owned;
        present_.back().resettable = resettable;
    }
    void extend(std::string_view name, const mr::Digest &digest) {
        set(name, *mr::extend(find(name).algorithm, value(name).bytes(), digest.bytes()));
    }
    void set(std::string_view name, const mr::Digest &value) { find(name).value = value; }
    void reset() {
        for (auto &reg : present_) reg.value = reg.initial;
    }
    void reset(std::string_view name) { set(name, find(name).initial); }
    [[nodiscard]] const mr::Digest &value(std::string_view name) { return find(name).value; }
    [[nodiscard]] const std::vector<Present> &present() const { return present_; }
    // Without one: as if its provider had not come up.
    [[nodiscard]] std::vector<Present> present_without(std::string_view name) const {
        auto rest = present_;
        std::erase_if(rest, [&](const Present &reg) { return is(reg, name); });
        return rest;
    }
    // Only those of one provider.
    [[nodiscard]] std::vector<Present> present_of(std::string_view provider) const {
        auto some = present_;
        std::erase_if(some, [&](const Present &reg) { return reg.provider != provider; });
        return some;
    }

private:
    static bool is(const Present &reg, std::string_view name) {
        const auto wanted = register_named(name);
        return reg.provider == wanted.provider && reg.name == wanted.name && reg.algorithm == wanted.algorithm;
    }
    Present &find(std::string_view name) {
        return *std::ranges::find_if(present_, [&](const Present &reg) { return is(reg, name); });
    }
    std::vector<Present> present_;
};

// An event as the log gives it, without views.
struct Logged {
    std::uint64_t sequence = 0;
    std::string name;
    std::uint32_t type = 0;
    mr::Digest digest;
    std::optional<std::string> id;
    std::optional<mr::Bytes> data;
    mr::EventOrigin origin = mr::EventOrigin::service;
};

// The whole log as a reader gets it. Nothing if the reader gets an error.
inline std::optional<std::vector<Logged>> read_log(const Journal &journal) {
    std::vector<Logged> log;
    Cursor cursor(*journal.file(), journal.end());
    mr::Event event;
    for (;;) {
        const auto step = cursor.next(event, 3);
        if (!step) {
            ADD_FAILURE() << step.error();
            return std::nullopt;
        }
        if (*step == Cursor::Step::end) return log;
        if (*step == Cursor::Step::busy) continue;
        log.push_back({.sequence = event.sequence,
                       .name = std::string(event.name),
                       .type = event.type,
                       .digest = event.digests.empty() ? mr::Digest() : mr::Digest(event.digests.front().value),
                       .id = event.id ? std::optional<std::string>(*event.id) : std::nullopt,
                       .data = event.data ? std::optional(mr::Bytes(event.data->begin(), event.data->end())) : std::nullopt,
                       .origin = event.origin});
    }
}

// What the events make of a register that began at zero.
inline mr::Digest replay(const std::vector<Logged> &log, std::string_view name) {
    auto value = mr::Digest::zero(algorithm);
    for (const auto &event : log) {
        if (event.name != name) continue;
        if (event.origin == mr::EventOrigin::resync) value = mr::Digest(*mr::decode_envelope(*event.data)->body.found);
        value = extended(value, event.digest);
    }
    return value;
}

inline std::int64_t count_id(const std::vector<Logged> &log, std::string_view id) {
    return std::ranges::count_if(log, [&](const Logged &event) { return event.id == id; });
}

class JournalTest : public testing::Test {
protected:
    static constexpr std::string_view r0 = "sim/r0";
    static constexpr std::string_view r1 = "sim/r1";

    // The journal as mrd has it after its start; null, with a failure of the test, if it does not start.
    std::unique_ptr<Journal> start() { return start(hardware_.present()); }
    std::unique_ptr<Journal> start(const std::vector<Present> &present, const std::vector<LogFiles> &firmware = {}) {
        auto journal = open();
        if (!journal) return nullptr;
        if (auto started = journal->start(present, firmware); !started) {
            ADD_FAILURE() << started.error();
            return nullptr;
        }
        return journal;
    }
    std::unique_ptr<Journal> open() {
        auto journal = Journal::open(loop_, options_);
        if (!journal) ADD_FAILURE() << journal.error();
        return journal ? std::move(*journal) : nullptr;
    }

    OneEvent event(const Journal &journal, std::string_view name, std::uint8_t byte, std::optional<std::string_view> id = {}) {
        OneEvent event{.target = {.reg = find(journal.state(), name).value(), .digest = digest_of(byte)}, .caller = &caller_, .id = id};
        event.target.before = hardware_.value(name);
        event.target.after = extended(event.target.before, event.target.digest);
        return event;
    }
    OneEvent cap(const Journal &journal, std::string_view name, std::optional<std::string_view> id = {}) {
        auto cap = event(journal, name, 0, id);
        cap.origin = Origin::cap;
        cap.envelope = mr::encode_envelope({.header = {.type = "cap", .register_name = std::string(name)}});
        cap.target.digest = *mr::envelope_digest(cap.envelope, algorithm);
        cap.target.after = extended(cap.target.before, cap.target.digest);
        return cap;
    }
    // One extend as mrd does it. Nothing: it was refused, and the hardware not asked.
    std::optional<std::uint64_t> extend(Journal &journal, std::string_view name, std::uint8_t byte,
                                        std::optional<std::string_view> id = {}) {
        const auto intent = journal.begin(event(journal, name, byte, id));
        if (!intent) return std::nullopt;
        hardware_.extend(name, digest_of(byte));
        return journal.settle(*intent, Outcome::done);
    }
    // The intent, without what becomes of it.
    std::uint64_t begin(Journal &journal, std::string_view name, std::uint8_t byte, std::optional<std::string_view> id = {}) {
        const auto intent = journal.begin(event(journal, name, byte, id));
        EXPECT_TRUE(intent);
        return intent.value_or(0);
    }
    // The resync that makes good what somebody else did to the register.
    std::optional<std::uint64_t> resync(Journal &journal, std::string_view name) {
        const mr::Digest expected = state_of(journal, name).logged;
        const mr::Digest found = hardware_.value(name);
        const mr::Envelope envelope{.header = {.type = "resync", .register_name = "sim" + std::string(name.substr(name.find('/')))},
                                    .body = {.expected = mr::Bytes(expected.bytes().begin(), expected.bytes().end()),
                                             .found = mr::Bytes(found.bytes().begin(), found.bytes().end())}};
        const auto data = mr::encode_envelope(envelope);
        auto resync = event(journal, name, 0);
        resync.origin = Origin::resync;
        resync.data = data;
        resync.target.digest = *mr::envelope_digest(envelope, algorithm);
        resync.target.after = extended(resync.target.before, resync.target.digest);
        const auto intent = journal.begin(resync);
        if (!intent) return std::nullopt;
        hardware_.extend(name, resync.target.digest);
        return journal.settle(*intent, Outcome::done);
    }

    // Waits until so many syncs have begun since the disk's first; the event loop asks for them.
    void wait_for_sync(std::uint64_t number) {
        loop_.restart();
        loop_.poll();
        disk_.wait_for_sync(number);
    }

    // A virtual register, by a record in the file: nothing makes one yet.
    RegisterNumber add_virtual(std::unique_ptr<Journal> &journal, std::string_view name, std::string_view carrier) {
        const auto number = static_cast<RegisterNumber>(journal->state().registers().size());
        const auto end = journal->end();
        const Register record{algorithm, mr::Digest::zero(algorithm),    mr::Digest::zero(algorithm), "virtual",
                              name,      find(journal->state(), carrier)};
        mr::Bytes encoded;
        append_record(encoded, end, record);
        journal.reset();
        std::ranges::copy(encoded, bytes().begin() + static_cast<std::ptrdiff_t>(end));
        journal = start();
        return number;
    }
    // An intent of it, which extends its carrier too.
    std::uint64_t begin_virtual(Journal &journal, RegisterNumber reg, std::string_view carrier, std::uint8_t byte) {
        return begin_virtual(journal, reg, carrier, byte, Origin::service, {});
    }
    std::uint64_t begin_virtual(Journal &journal, RegisterNumber reg, std::string_view carrier, std::uint8_t byte, Origin origin,
                                std::optional<mr::ByteView> data) {
        const auto &before = journal.state().registers().at(reg).logged;
        const std::array targets{Target{reg, before, extended(before, digest_of(byte)), digest_of(byte)},
                                 event(journal, carrier, byte).target};
        const auto intent = journal.begin({.targets = targets, .origin = origin, .type = 13, .caller = &caller_, .data = data});
        EXPECT_TRUE(intent);
        return intent.value_or(0);
    }

    [[nodiscard]] const RegisterState &state_of(const Journal &journal, std::string_view name) const {
        return journal.state().registers().at(find(journal.state(), name).value());
    }
    // What the uid's event of this id did to the register; null: not remembered.
    [[nodiscard]] const EventIds::First *first_of(const Journal &journal, RegisterNumber reg, std::string_view id,
                                                  std::int64_t uid = 1000) const {
        return journal.state().ids().find(uid, RegisterSet(reg), id);
    }
    [[nodiscard]] mr::Digest logged(const Journal &journal, std::string_view name) const { return state_of(journal, name).logged; }

    [[nodiscard]] std::filesystem::path path(std::string_view name = "journal") const { return folder_.path() / name; }
    mr::Bytes &bytes(std::string_view name = "journal") { return disk_.bytes(path(name)); }
    [[nodiscard]] bool exists(std::string_view name) const { return std::filesystem::exists(path(name)); }

    Folder folder_;
    FaultyDisk disk_;
    boost::asio::io_context loop_;
    Hardware hardware_{{"sim/r0", "sim/r1"}};
    Options options_{.folder = folder_.path(), .boot_id = "boot 1", .open_file = disk_.opener(), .sync_folder = disk_.folder_syncer()};
    mr::EventCaller caller_{.uid = 1000, .gid = 100, .pid = 4242, .executable = "/usr/bin/loader", .unit = "loader.service"};
};

}  // namespace mrd::journal
