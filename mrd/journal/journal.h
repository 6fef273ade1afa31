// The journal: mrd's own durable record of every extend. It is asked before the hardware is and told what became of it; the rules are in state.h, the
// bytes in format.h and docs/journal-format.md. All calls on the event loop's thread.
//
// Files in the state directory: "journal"; "journal.N" are older ones that were put aside, "journal.torn.N" the ends that a kill or a full disk cut
// off. mrd never removes one of these.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <deque>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mrd/journal/append_file.h"
#include "mrd/journal/errors.h"
#include "mrd/journal/proof.h"
#include "mrd/journal/state.h"
#include "mrd/journal/sync_thread.h"

namespace mrd::journal {

enum class Sync : std::uint8_t {
    none,   // what was written outlives mrd; registers and log both end with the machine
    group,  // a reply waits until the event is durable; one sync serves all who wait
};

inline constexpr std::uint64_t default_size_limit = std::uint64_t{64} << 20U;
inline constexpr std::uint64_t allocation_step = std::uint64_t{256} << 10U;  // bytes of the file made ready at once
// A start reads no more than about this; and checkpoints take at most one byte of so many.
inline constexpr std::uint64_t checkpoint_interval = std::uint64_t{256} << 10U;
inline constexpr std::uint64_t checkpoint_share = 8;
inline constexpr std::uint64_t check_step = std::uint64_t{64}
                                            << 10U;  // bytes that the background check reads before others have their turn

// So often the event loop is let do what has come meanwhile, before a sync is asked for, as long as that adds events which the same sync then serves. With so many bytes
// to sync it is asked for anyway: the disk works while the loop goes on.
inline constexpr int rounds_before_sync = 8;
inline constexpr std::uint64_t bytes_before_sync = std::uint64_t{256} << 10U;

struct Options {
    std::filesystem::path folder;
    std::string boot_id;
    std::uint64_t size_limit = default_size_limit;
    Sync sync = Sync::none;
    std::uint64_t checkpoint_interval = journal::checkpoint_interval;  // bytes
    OpenFile open_file = open_append_file;
    SyncFolder sync_folder = journal::sync_folder;
    std::function<void()> on_progress = {};  // called again and again while open() and start() read or write what may be long
};

// A register as its provider gave it at start.
struct Present {
    std::string provider;
    std::string name;  // without provider and bank
    mr::HashAlgorithm algorithm = mr::HashAlgorithm::sha384;
    mr::Digest initial;
    mr::Digest value;
    bool owned = true;
    bool resettable = false;  // by software, while the machine runs: a PCR 16 or 23
};

// The files that say what was extended into a provider's registers before mrd came.
struct LogFiles {
    std::string provider;
    std::optional<std::filesystem::path> firmware = {};
    std::vector<std::filesystem::path> earlier = {};  // by others behind the firmware, in their order
    std::string why_no_firmware = {};                 // where there is a log of the firmware's that is not to be taken in: a sentence
};

// Views: the caller keeps what they show until the call returns.
struct NewEvent {
    // Banks of one register, or a virtual register and then banks of its carrier; each once: 1 to max_targets.
    std::span<const Target> targets = {};
    Origin origin = Origin::service;
    std::uint32_t type = 0;
    const mr::EventCaller *caller = nullptr;  // never null in a call
    std::optional<std::string_view> id = {};
    std::optional<std::string_view> description = {};
    std::optional<mr::ByteView> data = {};
};

class EarlierLogs;

struct Damage;  // cursor.h

class Journal {
public:
    // Reads the journal that is there. Error: a sentence that names the file; damage is none: condition() then says it.
    static std::expected<std::unique_ptr<Journal>, std::string> open(boost::asio::io_context &loop, Options options);
    Journal(const Journal &) = delete;
    Journal &operator=(const Journal &) = delete;
    ~Journal();

    // Decides, by what the registers hold, whether the journal goes on or a new one begins; then they join. Before any of the calls below. Error: a sentence.
    std::expected<void, std::string> start(const std::vector<Present> &registers, const std::vector<LogFiles> &firmware_logs);

    // Registers of a provider that came after the start: settles what was open on them, takes in those that are new, and the provider's logs, if there
    // are any and the journal does not have them. Whatever they hold the journal goes on: where it is not what the log says, that is a divergence. Error: a
    // sentence; the registers that the journal had no room for are not in state().
    std::expected<void, std::string> join(const std::vector<Present> &registers, const std::vector<LogFiles> &firmware_logs);

    [[nodiscard]] const State &state() const { return state_; }

    // The format of the journal that was found and is kept aside, because this mrd does not read one so old.
    [[nodiscard]] std::optional<std::uint32_t> older_format() const { return older_format_; }

    // Why what the register held when mrd came is not explained: sentences. Empty: it is.
    [[nodiscard]] std::string_view why_unexplained(RegisterNumber reg) const;

    // Uids that have a share of their own of the journal's space, in order, root's and each that a rule names; all others have one together. Not called: each has its
    // own.
    void set_named_uids(std::vector<std::int64_t> uids) { named_uids_ = std::move(uids); }
    [[nodiscard]] bool has_own_share(std::int64_t uid) const;

    // ---- One extend: begin -> the hardware -> settle -> when_durable -> reply

    // The limit or share of the journal that the event would exceed: so begin() refuses it. Nothing: none. Of mrd's own events never.
    [[nodiscard]] std::optional<Full> refuses(const NewEvent &event) const;

    // A virtual register, which its first event makes: until then there is none. After an error nothing has happened. Preconditions: a carrier, limits, and the former
    // one of its name is over.
    std::expected<RegisterNumber, Error> add_virtual(const Register &record);

    // Writes the intent, with space reserved for what settles it and for `following` bytes. After an error nothing has happened.
    // Precondition: `before` and `after` of its targets are right.
    std::expected<std::uint64_t, Error> begin(const NewEvent &event, std::size_t following = 0);

    // Bytes that an event takes in the file, all of it.
    static std::size_t size_of(const NewEvent &event);

    // Never fails: what cannot be written now is owed, and written before anything else is accepted or answered. Returns the event's number in the log; 0
    // unless done.
    std::uint64_t settle(std::uint64_t intent, Outcome outcome);

    // done(std::expected<void, Error>): at once, or with Sync::group when all that is settled so far is durable. Error: what was settled has happened, but the
    // log does not prove it to everybody yet.
    template <class Done>
    void when_durable(Done done) {
        if (!sync_thread_ && owed_.empty()) return done(std::expected<void, Error>());
        wait_until_durable(std::move(done));
    }

    // Would when_durable() wait for a sync?
    [[nodiscard]] bool awaits_sync() const { return sync_thread_ && end_ > synced_; }

    // ---- What a start has believed

    // A start reads what stands behind the last checkpoint. That what stands before it adds up to it is checked afterwards, in steps of the event loop; damage
    // that it finds makes the condition damaged. Until then nothing that rests on the whole log is given out.
    [[nodiscard]] bool is_checked() const { return check_ == nullptr; }
    [[nodiscard]] std::uint64_t checked() const { return check_ ? check_->offset() : end_; }  // bytes from the beginning
    // Called when it is over, whatever it found. At once where it is.
    void when_checked(std::move_only_function<void()> done);

    // ---- What a damaged or failing disk does

    enum class Condition : std::uint8_t {
        good,
        full,    // the last record found no room, on the disk or below the size limit: nothing was written, and the next extend tries again
        failed,  // the last write failed: the next extend tries to put it right first
        damaged,  // a record cannot be read, or the file was removed, replaced, cut off or changed: extends are refused until repair()
    };
    // Is the file still the one of its name, as long as it was, and are its header and its last record there? Extends look by themselves; for who asks for the condition
    // in between. What somebody else changes between the two is found by who reads it.
    void look();
    [[nodiscard]] Condition condition() const { return condition_ == Condition::good && !no_room_.empty() ? Condition::full : condition_; }
    [[nodiscard]] const std::string &reason() const { return condition() == Condition::full ? no_room_ : reason_; }  // why it is not good

    // What whoever reads the log has met: from here on it is damaged. Once is enough.
    void found_damaged(const Damage &damage);

    // Begins a new journal with what stands before the damage and a record that says what is missing. Returns what the old one is called now. Error:
    // also where nothing is damaged.
    std::expected<std::filesystem::path, std::string> repair(const std::vector<Present> &registers);

    // ---- For those who read the log

    [[nodiscard]] const std::shared_ptr<AppendFile> &file() const { return file_; }  // another one after repair()
    [[nodiscard]] std::uint64_t end() const { return end_; }                         // of what is written
    [[nodiscard]] std::uint64_t size_limit() const { return options_.size_limit; }
    // Called after an event was added, each of those who ask.
    void on_event(std::function<void()> handler) { on_event_.push_back(std::move(handler)); }

private:
    using Done = std::move_only_function<void(std::expected<void, Error>)>;

    Journal(boost::asio::io_context &loop, Options options) : loop_(loop), options_(std::move(options)) {}

    void tell_of_event() const;
    static std::int64_t now();  // microseconds since the epoch
    [[nodiscard]] std::filesystem::path path(std::string_view name) const { return options_.folder / name; }
    [[nodiscard]] std::filesystem::path unused_name(std::string_view prefix) const;
    [[nodiscard]] std::uint64_t smallest_event() const;  // bytes in the file, beside what is reserved

    std::expected<void, std::string> load();
    [[nodiscard]] std::optional<Slot> start_from_checkpoint(mr::ByteView header);
    void set_damaged(std::uint64_t offset, const std::string &what);

    void write_checkpoint_if_due();
    void write_slot_if_due();
    void begin_check();
    void go_on_checking();
    void end_check();

    [[nodiscard]] bool goes_on(const std::vector<Present> &registers) const;
    std::expected<void, std::string> go_on();
    std::expected<void, std::string> begin_anew();
    std::expected<std::filesystem::path, std::string> begin_repaired(const std::vector<Present> &registers);
    std::expected<void, std::string> put_in_place(const std::filesystem::path &new_file, bool keep_old, std::filesystem::path &kept_as);
    std::expected<void, Error> cut_torn_tail();
    AppendFile::Result<void> keep_torn_tail(const std::filesystem::path &kept_as);
    [[nodiscard]] State::Held held_by(const std::vector<Present> &registers) const;
    void settle_open(const std::vector<Present> &registers);
    std::expected<void, std::string> add_registers(const std::vector<Present> &registers);
    void explain(const LogFiles &files);
    void remember_unexplained(std::string_view provider, const std::string &reasons, const EarlierLogs *earlier);
    std::expected<void, std::string> take_in(const Record &record);
    std::expected<void, std::string> take_firmware_log(std::string_view provider, const std::filesystem::path &path);
    std::expected<void, std::string> take_earlier_log(std::string_view provider, const EarlierLogs &logs);
    [[nodiscard]] bool names_registers(const FirmwareLog &log) const;

    void begin_syncing();

    std::expected<void, Error> append(const Record &record, std::size_t following = 0);
    std::expected<void, Error> say_boot();
    std::expected<void, Error> append_copy_of(const Head &head, mr::ByteView bytes, const Record &record);
    std::expected<void, Error> write_scratch(const Record &record, std::size_t following);
    std::expected<void, std::error_code> write_at_end(mr::ByteView records);
    std::expected<void, Error> make_room(std::uint64_t size);
    std::expected<void, Error> make_room_in_file(std::uint64_t size);
    static AppendFile::Result<void> write_all(AppendFile &file, std::uint64_t offset, mr::ByteView bytes);
    AppendFile::Result<void> write_zeros(std::uint64_t begin, std::uint64_t end);
    std::expected<void, Error> mend();
    std::expected<void, Error> mend_writes();
    std::expected<void, std::string> make_durable();
    AppendFile::Result<void> rewrite_unsynced();
    std::unexpected<Error> fail(std::string reason);
    void tell_condition();
    std::unexpected<Error> fail_sync(std::string reason);
    void is_mended();
    [[nodiscard]] Error not_safe() const;

    void look_in_this_round();
    [[nodiscard]] bool look_at(const Mark &mark);
    void was_changed_by_others(const std::string &how);

    void wait_until_durable(Done done);
    void ask_for_sync_in_a_later_round(int rounds, std::uint64_t seen);
    void synced(std::uint64_t position, const AppendFile::Result<void> &result);

    boost::asio::io_context &loop_;
    Options options_;
    std::filesystem::path path_ = path("journal");
    std::shared_ptr<AppendFile> file_;
    State state_;
    std::optional<std::vector<std::int64_t>> named_uids_;
    std::uint64_t end_ = 0;                      // of the last record that is written
    Mark last_ = {};                             // where that one begins, or those that were written with it; the header, if there is none
    std::uint64_t allocated_ = 0;                // the file has bytes up to here
    bool torn_ = false;                          // what stands beyond end_ was there when the file was read
    std::uint64_t dirty_until_ = 0;              // beyond end_: what a failed write may have left, or a torn tail
    std::optional<std::uint32_t> older_format_;  // of the file that was found; none: it is of this one
    std::uint64_t file_size_ = 0;                // when it was read, or found to be damaged
    mr::Bytes owed_;                             // records that stand at end_ as soon as the disk takes them
    Condition condition_ = Condition::good;      // never full
    std::string reason_;
    bool looked_ = false;               // at the file, since the event loop last took what had come
    Condition told_ = Condition::good;  // in mrd's log
    bool is_repairing_ = false;         // what is written then may not become the journal
    std::string no_room_;               // why the last record was refused, though the journal is as good as before
    // With Sync::group:
    std::string sync_failure_;      // what was written since synced_ may be lost, whatever later syncs say; empty: nothing failed
    std::uint64_t synced_ = 0;      // durable up to here
    bool will_ask_ = false;         // for a sync
    bool name_is_durable_ = false;  // the file is found again after a crash of the machine
    mr::Bytes scratch_;
    std::vector<std::function<void()>> on_event_;
    std::map<RegisterNumber, std::string> unexplained_;  // why

    mr::Bytes checkpoint_;               // the state's bytes, for the next one
    std::uint64_t checkpoint_end_ = 0;   // of the last one; where the records begin, if there is none
    std::uint64_t next_checkpoint_ = 0;  // when the file has so many bytes
    std::optional<Slot> slot_;           // of the last one, while it is not written
    std::unique_ptr<Proof> check_;       // while it runs; of `checked_file_`
    std::shared_ptr<AppendFile> checked_file_;
    std::vector<std::move_only_function<void()>> when_checked_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

    struct Waiting {
        std::uint64_t position;
        Done done;
    };
    std::deque<Waiting> waiting_;
    std::unique_ptr<SyncThread> sync_thread_;  // last: it uses the file
};

}  // namespace mrd::journal
