// The mount's files at work: what a lookup, an open, a read and a write come to. Knows nothing of FUSE; from any thread. Errors are errno values.
//
// An open file keeps what it has read where a program may read it in pieces that have to belong together (a quote, a report, a log), and who opened it: whatever
// is done with it is done for him. Nothing is locked but the file itself while mrd is asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/bytes.h"
#include "mr/tdreport.h"
#include "mrfs/caller.h"
#include "mrfs/inodes.h"
#include "mrfs/report_instances.h"
#include "mrfs/service.h"
#include "mrfs/shown_registers.h"
#include "mrfs/tree.h"
#include "mrfs/user_shares.h"
#include "mrfs/whole_value_write.h"

namespace mrfs {

// Requests that wait for mrd at once: each takes a thread, and the others of these are for what asks nobody.
inline constexpr std::size_t max_threads = 256;
inline constexpr UserShares::Limits call_limits{.of_a_user = 160, .of_all = 248, .for_root = 16};
inline constexpr UserShares::Limits open_file_limits{.of_a_user = 4096, .of_all = 16'384, .for_root = 1024, .for_who_may_quote = 8192};
// Each holds the names of what is in it.
inline constexpr UserShares::Limits open_folder_limits{.of_a_user = 64, .of_all = 512, .for_root = 64, .for_who_may_quote = 256};
// What all open files of logs together may hold; a user other than root half of it, and all of them three quarters.
inline constexpr std::size_t max_log_memory = std::size_t{128} << 20U;
// A log that grows is copied to where there is twice the room.
inline constexpr std::size_t log_memory_of_a_byte = 3;
inline constexpr std::size_t max_report_data_users = 4096;
inline constexpr std::size_t max_report_data_users_of_the_pool = 512;  // of these: see share_of()
// How old what is known of mrd's registers may be: which there are, not what they hold.
inline constexpr auto registers_are_known_for = std::chrono::seconds(1);
// Of so many users it is kept which registers they may list; whoever was asked for the longest time ago goes first.
inline constexpr std::size_t max_known_listers = 256;

class FileSystem {
public:
    struct Options {
        std::string provider = {};  // of the measurements and quotes; empty: see ShownRegisters
        Caller owner = {};          // of what users do not make
    };
    FileSystem(Service &service, Options options) : service_(service), options_(std::move(options)) {}

    class OpenFile;

    struct Found {
        Inodes::Number number = 0;
        Attributes attributes;
        bool stays = false;  // the name is of that as long as the mount is there, for whoever asks
    };
    std::expected<Found, int> look_up(const Caller &caller, Inodes::Number folder, std::string_view name);
    void forget(Inodes::Number number, std::uint64_t times);
    std::expected<Attributes, int> attributes(const Caller &caller, Inodes::Number number);
    // access(2), of what no mode of ours keeps from anybody: that is mrd's to say when it is asked.
    std::expected<void, int> check_access(const Caller &caller, Inodes::Number number, int mask);
    // Whatever is set, nothing is: as of the kernel's files truncation and times are accepted, and of root owner and mode.
    std::expected<Attributes, int> set_attributes(const Caller &caller, Inodes::Number number, bool owner_or_mode);

    std::expected<Found, int> make_folder(const Caller &caller, Inodes::Number folder, std::string_view name, mode_t mode);
    std::expected<void, int> remove_folder(const Caller &caller, Inodes::Number folder, std::string_view name);

    // Is released with the last who has it: a call that was interrupted goes on behind its file's last close.
    std::expected<std::shared_ptr<OpenFile>, int> open(const Caller &caller, Inodes::Number number, int flags);
    // EBUSY: too many of the user's wait for mrd.
    std::expected<mr::Bytes, int> read(OpenFile &file, std::uint64_t offset, std::size_t size);
    std::expected<std::size_t, int> write(OpenFile &file, std::uint64_t offset, mr::ByteView bytes);
    // fsync(2): there is nothing to be written anywhere, and configfs does not know it. Error: EINVAL.
    static std::expected<void, int> synchronize(const OpenFile &file);
    // A descriptor of it was closed.
    void flush(OpenFile &file);

    struct Listed {
        std::string name;
        Inodes::Number number = 0;
        bool is_folder = false;
    };
    using Listing = std::vector<Listed>;
    // As it is now, with "." and "..". Error: EMFILE, ENFILE: too many are open.
    std::expected<std::shared_ptr<const Listing>, int> open_folder(const Caller &caller, Inodes::Number folder);

    // Is mrd there, with the provider that was asked for?
    std::expected<void, mr::Error> ask_for_registers();

private:
    class Turn;
    struct State {
        Inodes inodes;
        ReportInstances reports;
        std::map<uid_t, mr::ReportData> report_data;
        UserShares calls{call_limits};
        UserShares open_files{open_file_limits};
        UserShares open_folders{open_folder_limits};
        std::map<uid_t, std::size_t> log_memory;
        std::size_t all_log_memory = 0;
    };

    struct Known {
        std::shared_ptr<const ShownRegisters> registers = std::make_shared<ShownRegisters>();
        bool is_current =
            false;  // mrd was there when it was last asked; while it is away the files stay, and what is asked of them says so
    };
    Known known();
    std::shared_ptr<const ShownRegisters> registers() { return known().registers; }
    // What of them this user may know of, where the node shows any. Error: EACCES: he may list none, or mrd does not take mrfs's word for him; EBUSY: as of a read;
    // ETIMEDOUT.
    std::expected<std::shared_ptr<const ShownRegisters>, int> registers_for(const Node &node, const Caller &caller);
    void warn_of_refusal(const Caller &caller);
    // Asks mrd: with no lock held. Error: EACCES: he may not; EBUSY: as of a read; ENXIO: mrd is away; ETIMEDOUT.
    std::expected<void, int> may_quote(const Caller &caller);
    // Likewise. Error: EACCES; EBUSY: as of a read; why nobody can tell, as the read would say.
    std::expected<void, int> may_log(const Caller &caller);
    // Error: EMFILE, ENFILE. mrd is asked where nothing is left but what is kept for who may quote.
    std::expected<void, int> take(UserShares State::*shares, const Caller &caller);
    // Who makes reports. Error: ENXIO, as of a kernel without a driver; ETIMEDOUT: mrd does not answer.
    std::expected<const ReportDriver *, int> report_driver();
    // Asks mrd for a report where the driver has levels, once: with no lock held. Error: as report_driver(); EBUSY: as of a read; why there is no report.
    std::expected<ReportMaker, int> report_maker(const Caller &caller);
    // Empty for a node that is none of them. EBUSY: as of a read.
    std::expected<std::vector<mr::Register>, int> virtual_registers_for(const Node &node, const Caller &caller);
    std::expected<Node, int> find(Inodes::Number number, const Caller &caller);

    std::expected<mr::Bytes, int> read_in_turn(OpenFile &file, std::uint64_t offset, std::size_t size);
    std::expected<std::size_t, int> write_in_turn(OpenFile &file, std::uint64_t offset, mr::ByteView bytes);
    std::expected<std::size_t, int> write_option(const OpenFile &file, mr::ByteView bytes);
    // What was read as a whole at the file's first read.
    std::expected<mr::Bytes, int> make_snapshot(OpenFile &file);
    // That of the file's folder, with what is beside it.
    std::expected<ReportBlobs, int> make_quote(const OpenFile &file);
    std::expected<mr::Bytes, int> make_blob(const OpenFile &file, mr::Bytes ReportBlobs::*which);
    std::expected<mr::Bytes, int> make_report(const OpenFile &file);
    std::expected<mr::Bytes, int> take_log(OpenFile &file);
    std::optional<ReportInstance::Moment> moment(const ShownRegisters &shown);
    void give_back_log_memory(OpenFile &file);  // with the lock held
    void release(OpenFile &file);
    std::expected<Listing, int> list(const Caller &caller, Inodes::Number folder);
    mr::ReportData report_data_of(uid_t uid);
    std::expected<void, int> set_report_data(uid_t uid, mr::ByteView value);

    Service &service_;
    Options options_;

    std::mutex mutex_;  // of the state alone: held for no call
    State state_;

    std::mutex known_mutex_;  // of what follows
    struct ListedFor {
        std::shared_ptr<const ShownRegisters> registers;  // null: none
        std::chrono::steady_clock::time_point asked_at;
    };
    std::map<std::pair<uid_t, gid_t>, ListedFor> listed_for_;
    bool has_warned_ = false;
    bool has_timed_out_ = false;  // when mrd was asked last
    struct Floor {
        std::string provider;
        std::uint32_t level = 0;
    };
    std::optional<Floor> privlevel_floor_;  // the machine's: it stays
    Known known_;
    bool is_asking_ = false;
    std::optional<std::chrono::steady_clock::time_point> asked_at_;
};

class FileSystem::OpenFile {
public:
    OpenFile(Node what, const Caller &who, std::size_t shown_size, bool appends)
        : node(std::move(what)), opener(who), size(shown_size), position(appends) {}

    const Node node;
    const Caller opener;
    const std::size_t size;  // that it had when it was opened: of a register the most that its value has

    // Does a close() of it do anything? See flush().
    [[nodiscard]] bool needs_flush() const { return node.kind == Kind::inblob; }

private:
    friend class FileSystem;
    std::mutex mutex;  // of what follows: held while a quote is made, for which whoever reads the same open file waits
    WritePosition position;
    InblobBuffer inblob;
    std::optional<mr::Bytes> snapshot;
    std::size_t log_memory = 0;
};

}  // namespace mrfs
