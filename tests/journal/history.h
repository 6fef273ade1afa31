// A history at random: clients extend and read the registers of one mrd, in memory; somebody else extends them too; the hardware fails before and after its
// effect and cannot be reread; the disk fails; mrd is killed and starts again; the machine crashes and loses any choice of the pages that were not synced, or
// another kernel is started over registers that live on. There are two providers, each with a firmware's log; the second is missing at some starts, and comes
// late or not at all. After each start the log is held against what clients were told and what the registers went through.
//
// The same seed plays the same history, but that with sync = "group" the sync thread decides how many of those that come at once it syncs at once. history_test.cpp plays ten, tools/histories as many as it is told to.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "mrd/daemon/daemon.h"
#include "tests/journal/faulty_file.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd::journal {

class History {
public:
    explicit History(std::uint32_t seed);
    ~History();
    History(const History &) = delete;
    History &operator=(const History &) = delete;

    // Ends at the first violation.
    void run();

    [[nodiscard]] bool has_sync_thread() const { return sync_ == Sync::group; }

    // What should not have been; empty: all was well.
    [[nodiscard]] const std::vector<std::string> &violations() const { return violations_; }
    // What happened, line by line.
    [[nodiscard]] const std::string &story() const { return story_; }

    // How often, over all of it.
    using Figures = std::map<std::string, std::uint64_t>;
    [[nodiscard]] const Figures &figures() const { return figures_; }

private:
    class Hardware;
    struct Life;

    // One client's extend, sent until it is answered or given up. Its digest is its own.
    struct Event {
        std::string id;
        std::size_t reg = 0;  // of all
        std::int64_t uid = 0;
        mr::Digest digest;
        bool caps = false;
        bool is_sent = false;  // and not answered in this life
        std::optional<ProviderRegisters::Extended> answer = {};
        bool is_exact = true;     // no foreign extend was unseen when the hardware took it
        bool is_told_no = false;  // its client knows that it has not happened
    };
    struct Register {
        std::size_t provider = 0;
        std::string name;
        mr::Owner owner = mr::Owner::owned;
        mr::Digest value = {};
        std::vector<mr::Digest> taken = {};  // the digests since its reset
        std::vector<mr::Digest> held = {};   // the values after each, and the first
        bool has_unseen = false;             // somebody else extended it since mrd read it
        std::size_t floor = 0;               // nobody may be told what it held before
        [[nodiscard]] std::string full_name() const;
    };
    // What the firmware did to a provider's registers before mrd began.
    struct Firmware {
        std::vector<std::pair<std::size_t, mr::Digest>> events = {};  // register and digest
        std::filesystem::path log = {};
    };
    static constexpr std::size_t providers = 2;
    static constexpr std::size_t late_one = 1;
    struct LoggedEvent {
        std::uint64_t sequence = 0;
        std::size_t reg = 0;
        mr::EventOrigin origin = mr::EventOrigin::service;
        mr::Digest digest;
        std::optional<std::string> id = {};
        std::optional<mr::Bytes> found = {};
    };

    // ---- Chance
    std::uint32_t below(std::uint32_t limit) { return std::uniform_int_distribution<std::uint32_t>(0, limit - 1)(random_); }
    bool chance(std::uint32_t percent) { return below(100) < percent; }

    void tell(std::string line);
    void count(const std::string &what) { ++figures_[what]; }
    void violation(const std::string &what);

    // ---- What the hardware does, for the provider
    void meanwhile();
    void extend_foreign();
    std::expected<void, ProviderError> extend(std::size_t reg, const mr::Digest &digest);
    std::expected<void, ProviderError> refresh(std::size_t provider, std::vector<mr::Bytes> &values);
    void take(Register &reg, const mr::Digest &digest);
    void reset_registers();
    void write_firmware_logs();

    // ---- What clients do
    void act();
    void send(std::size_t number);
    void answered(std::size_t number, const std::expected<ProviderRegisters::Extended, RegisterError> &answer);
    void send_new(std::size_t reg, bool caps);
    void read();
    void fail_disk();
    void settle_syncs();  // every sync that is asked for begins
    void end_sync();
    void end_syncs();

    // ---- Lives
    bool start(bool with_faults);
    std::expected<void, std::string> add(Life &life, std::size_t provider);
    void come_late();
    [[nodiscard]] ProviderRegisters *provider_of(std::size_t reg) const;  // null: it is missing
    [[nodiscard]] RegisterIndex index_of(std::size_t reg) const;          // there
    [[nodiscard]] bool proves_itself() const;
    void end_life();
    void restart();
    void check_disk();  // after a crash: what clients were told is on it
    void check_answers(const std::vector<LoggedEvent> &log, const std::string &where);
    void check_log();
    void check_registers();
    void check_extends();
    void begin_era();
    [[nodiscard]] std::optional<std::vector<LoggedEvent>> read_log(const Journal &journal);
    [[nodiscard]] mr::Bytes identity();
    [[nodiscard]] std::filesystem::path journal_path() const { return folder_.path() / "journal"; }

    std::mt19937 random_;
    TemporaryFolder folder_;
    FaultyDisk disk_;
    Sync sync_;
    std::vector<Register> registers_;
    TemporaryFolder firmware_folder_;
    std::array<Firmware, providers> firmware_;
    std::string boot_id_ = "boot 1";
    std::vector<Event> events_;
    std::map<mr::Bytes, std::size_t> by_digest_;

    std::unique_ptr<Life> life_;
    std::uint64_t lives_ = 0;
    bool is_quiet_ = false;    // nothing happens by itself: what is checked is checked alone
    int depth_ = 0;            // of meanwhile()
    std::size_t waiting_ = 0;  // answers that wait for a sync
    bool sync_is_running_ = false;
    std::array<bool, providers> last_call_read_{};                  // the provider's last call was a refresh that succeeded
    std::array<std::optional<std::size_t>, providers> resynced_{};  // by its last call

    // Since the journal began:
    mr::Bytes identity_;
    bool may_begin_anew_ = true;
    bool is_after_kexec_ = false;  // and the journal does not say so yet
    bool foreign_ = false;         // somebody else has extended
    bool must_be_equal_ = true;    // and nothing was lost
    bool may_be_damaged_ = false;
    bool may_lack_firmware_ = false;  // its log: mrd was killed, or the disk failed, while it was taken in
    bool has_lost_pages_ = false;     // the disk failed to write some

    Figures figures_;
    std::string story_;
    std::vector<std::string> violations_;
};

}  // namespace mrd::journal
