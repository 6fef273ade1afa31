#include "mrfs/file_system.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iostream>
#include <utility>

#include "mrfs/file_errors.h"

namespace mrfs {

namespace {

using Clock = std::chrono::steady_clock;

// The kernel's NAME_MAX.
constexpr std::size_t max_name = 255;

mr::Bytes part_of(mr::ByteView whole, std::uint64_t offset, std::size_t size) {
    if (offset >= whole.size()) return {};
    const auto part = whole.subspan(static_cast<std::size_t>(offset));
    const auto taken = part.first(std::min(size, part.size()));
    return {taken.begin(), taken.end()};
}

mr::Bytes line(std::string_view text) {
    mr::Bytes bytes(text.begin(), text.end());
    bytes.push_back('\n');
    return bytes;
}

std::unexpected<int> refusal(const mr::Error &error) { return std::unexpected(to_errno(error)); }

Node own_file(Node node, const Caller &caller) {
    if (!is_folder(node.kind)) {
        node.user = caller.uid;
        node.group = caller.gid;
    }
    return node;
}

std::unexpected<int> too_many(UserShares::Full why) { return std::unexpected(why == UserShares::Full::of_the_user ? EMFILE : ENFILE); }

bool is_report_register(const Node &node, std::string_view name) {
    return node.kind == Kind::register_file && local_name_of(node.name) == name;
}

}  // namespace

// A thread, as long as it serves this user.
class FileSystem::Turn {
public:
    Turn(FileSystem &files, uid_t uid) : files_(files), uid_(uid) {
        const std::scoped_lock lock(files_.mutex_);
        has_begun_ = files_.state_.calls.take(uid_).has_value();
    }
    Turn(const Turn &) = delete;
    Turn &operator=(const Turn &) = delete;
    ~Turn() {
        if (!has_begun_) return;
        const std::scoped_lock lock(files_.mutex_);
        files_.state_.calls.give_back(uid_);
    }
    [[nodiscard]] bool has_begun() const { return has_begun_; }

private:
    FileSystem &files_;
    uid_t uid_;
    bool has_begun_ = false;
};

// ---- What there is

FileSystem::Known FileSystem::known() {
    {
        const std::scoped_lock lock(known_mutex_);
        // Who comes while another asks goes on with what is known: an mrd that does not answer holds up one.
        if (is_asking_ || (asked_at_ && Clock::now() - *asked_at_ < registers_are_known_for)) return known_;
        is_asking_ = true;
    }
    (void)ask_for_registers();
    const std::scoped_lock lock(known_mutex_);
    return known_;
}

std::expected<void, mr::Error> FileSystem::ask_for_registers() {
    auto listed = service_.list();
    const std::scoped_lock lock(known_mutex_);
    is_asking_ = false;
    asked_at_ = Clock::now();
    known_.is_current = listed.has_value();
    has_timed_out_ = !listed && listed.error().code == mr::ErrorCode::timed_out;
    if (!listed) return std::unexpected(std::move(listed.error()));
    known_.registers = std::make_shared<const ShownRegisters>(std::move(*listed), options_.provider);
    const auto names = known_.registers->providers();
    if (options_.provider.empty() || std::ranges::find(names, options_.provider) != names.end()) return {};
    std::string all;
    for (const auto &name : names) all += (all.empty() ? "" : ", ") + name;
    return std::unexpected(mr::Error{mr::ErrorCode::no_such_provider, "mrd has no provider \"" + options_.provider + "\"; it has: " + all});
}

std::expected<const ReportDriver *, int> FileSystem::report_driver() {
    auto known_now = known();
    if (!known_now.is_current) {
        {
            // One that hangs is not waited for twice.
            const std::scoped_lock lock(known_mutex_);
            if (has_timed_out_) return std::unexpected(ETIMEDOUT);
        }
        // It may have come since.
        (void)ask_for_registers();
        const std::scoped_lock lock(known_mutex_);
        if (has_timed_out_) return std::unexpected(ETIMEDOUT);
        known_now = known_;
    }
    const auto *driver = known_now.registers->report_driver();
    if (!known_now.is_current || driver == nullptr) return std::unexpected(ENXIO);
    return driver;
}

std::expected<ReportMaker, int> FileSystem::report_maker(const Caller &caller) {
    const auto driver = report_driver();
    if (!driver) return std::unexpected(driver.error());
    ReportMaker maker{.driver = *driver};
    if (!maker.driver->heeds_options) return maker;
    const auto provider = registers()->provider();
    {
        const std::scoped_lock lock(known_mutex_);
        if (privlevel_floor_ && privlevel_floor_->provider == provider) {
            maker.privlevel_floor = privlevel_floor_->level;
            return maker;
        }
    }
    const Turn turn(*this, caller.uid);
    if (!turn.has_begun()) return std::unexpected(EBUSY);
    const auto floor = service_.privlevel_floor(caller, provider);
    if (!floor) return refusal(floor.error());
    const std::scoped_lock lock(known_mutex_);
    privlevel_floor_ = Floor{.provider = provider, .level = *floor};
    maker.privlevel_floor = *floor;
    return maker;
}

std::expected<std::vector<mr::Register>, int> FileSystem::virtual_registers_for(const Node &node, const Caller &caller) {
    if (!needs_virtual_registers(node)) return std::vector<mr::Register>();
    const Turn turn(*this, caller.uid);
    if (!turn.has_begun()) return std::unexpected(EBUSY);
    auto listed = service_.list_virtual(caller);
    if (!listed) return refusal(listed.error());
    return std::move(*listed);
}

std::expected<std::shared_ptr<const ShownRegisters>, int> FileSystem::registers_for(const Node &node, const Caller &caller) {
    if (!shows_registers(node)) {
        // Nothing is asked for them: a folder of reports is found while mrd hangs, too.
        const std::scoped_lock lock(known_mutex_);
        return known_.registers;
    }
    if (!service_.is_for_callers()) return registers();
    const std::pair who(caller.uid, caller.gid);
    const auto of = [&node](const ListedFor &one) -> std::expected<std::shared_ptr<const ShownRegisters>, int> {
        if (one.registers) return one.registers;
        // There are his virtual ones still, which he is asked for by themselves.
        if (node.kind == Kind::registers) return std::make_shared<const ShownRegisters>();
        return std::unexpected(EACCES);
    };
    {
        const std::scoped_lock lock(known_mutex_);
        const auto known = listed_for_.find(who);
        if (known != listed_for_.end() && Clock::now() - known->second.asked_at < registers_are_known_for) return of(known->second);
    }
    // Whose registers the measurements are is the machine's, whatever he may list.
    const auto provider = registers()->provider();
    const Turn turn(*this, caller.uid);
    if (!turn.has_begun()) return std::unexpected(EBUSY);
    auto listed = service_.list_for(caller);
    const bool is_refused = !listed && listed.error().code == mr::ErrorCode::permission_denied;
    if (is_refused) warn_of_refusal(caller);
    const std::scoped_lock lock(known_mutex_);
    const auto known = listed_for_.find(who);
    if (!listed && !is_refused) {
        // While mrd is away the files stay, for whom they were there.
        return known == listed_for_.end() ? refusal(listed.error()) : of(known->second);
    }
    if (known == listed_for_.end() && listed_for_.size() >= max_known_listers)
        listed_for_.erase(std::ranges::min_element(listed_for_, {}, [](const auto &each) { return each.second.asked_at; }));
    auto &kept = listed_for_[who];
    kept = {.registers = listed ? std::make_shared<const ShownRegisters>(std::move(*listed), provider) : nullptr, .asked_at = Clock::now()};
    return of(kept);
}

// Once: who is refused may try again and again.
void FileSystem::warn_of_refusal(const Caller &caller) {
    {
        const std::scoped_lock lock(known_mutex_);
        if (std::exchange(has_warned_, true)) return;
    }
    std::cerr << "mrfs: warning: mrd refuses all that is asked for uid " << caller.uid
              << ": it takes mrfs's word only by a rule whose on_behalf_of names him, and he has to have a right of his own "
                 "(docs/access.md); others who are refused are not told of\n";
}

std::expected<void, int> FileSystem::may_quote(const Caller &caller) {
    if (!service_.is_for_callers()) return {};
    const auto provider = registers()->provider();
    const Turn turn(*this, caller.uid);
    if (!turn.has_begun()) return std::unexpected(EBUSY);
    const auto may = service_.may_quote(caller, provider);
    if (may) return {};
    const auto number = to_errno(may.error());
    return std::unexpected(number == ENODEV || number == EIO ? ENXIO : number);
}

std::expected<void, int> FileSystem::may_log(const Caller &caller) {
    if (!service_.is_for_callers()) return {};
    const Turn turn(*this, caller.uid);
    if (!turn.has_begun()) return std::unexpected(EBUSY);
    const auto may = service_.may_log(caller);
    if (!may) return refusal(may.error());
    return {};
}

std::expected<void, int> FileSystem::take(UserShares State::*shares, const Caller &caller) {
    const auto taken = [&](bool may_quote) {
        const std::scoped_lock lock(mutex_);
        return (state_.*shares).take(caller.uid, may_quote);
    };
    auto result = taken(false);
    if (!result && result.error() == UserShares::Full::kept && may_quote(caller)) result = taken(true);
    if (!result) return too_many(result.error());
    return {};
}

std::expected<Node, int> FileSystem::find(Inodes::Number number, const Caller &caller) {
    const std::scoped_lock lock(mutex_);
    auto node = state_.inodes.find(number);
    if (!node) return std::unexpected(ESTALE);
    if (node->kind != Kind::report && !is_for(*node, caller, state_.reports)) return std::unexpected(EACCES);
    return std::move(*node);
}

std::expected<FileSystem::Found, int> FileSystem::look_up(const Caller &caller, Inodes::Number folder, std::string_view name) {
    if (name.size() > max_name) return std::unexpected(ENAMETOOLONG);
    const auto in = find(folder, caller);
    if (!in) return std::unexpected(in.error());
    const auto seen_registers = registers_for(*in, caller);
    if (!seen_registers) return std::unexpected(seen_registers.error());
    const auto &shown = *seen_registers;
    const auto own = virtual_registers_for(*in, caller);
    if (!own) return std::unexpected(own.error());
    const std::scoped_lock lock(mutex_);
    if (!is_for(*in, caller, state_.reports)) return std::unexpected(EACCES);
    const Seen seen{.registers = *shown, .reports = state_.reports, .virtual_registers = *own, .owner = options_.owner};
    const auto node = child(*in, name, seen);
    if (!node) return std::unexpected(node.error());
    const auto told = mrfs::attributes(*node, seen);
    if (!told) return std::unexpected(told.error());
    return Found{.number = state_.inodes.looked_up(own_file(*node, caller)), .attributes = *told, .stays = is_fixed_folder(node->kind)};
}

void FileSystem::forget(Inodes::Number number, std::uint64_t times) {
    const std::scoped_lock lock(mutex_);
    state_.inodes.forget(number, times);
}

std::expected<Attributes, int> FileSystem::attributes(const Caller &caller, Inodes::Number number) {
    const auto node = find(number, caller);
    if (!node) return std::unexpected(node.error());
    const auto seen_registers = registers_for(*node, caller);
    if (!seen_registers) return std::unexpected(seen_registers.error());
    const auto &shown = *seen_registers;
    const auto own = virtual_registers_for(*node, caller);
    if (!own) return std::unexpected(own.error());
    const std::scoped_lock lock(mutex_);
    return mrfs::attributes(*node,
                            Seen{.registers = *shown, .reports = state_.reports, .virtual_registers = *own, .owner = options_.owner});
}

std::expected<void, int> FileSystem::check_access(const Caller &caller, Inodes::Number number, int mask) {
    const auto told = attributes(caller, number);
    if (!told) return std::unexpected(told.error());
    const bool is_administrator = caller.uid == 0;
    const auto has = [&told](mode_t bits) { return (told->mode & bits) != 0; };
    if ((mask & X_OK) != 0 && !has(0111)) return std::unexpected(EACCES);
    if ((mask & R_OK) != 0 && !has(0444) && !is_administrator) return std::unexpected(EACCES);
    if ((mask & W_OK) != 0 && !has(0222) && !is_administrator) return std::unexpected(EACCES);
    return {};
}

std::expected<Attributes, int> FileSystem::set_attributes(const Caller &caller, Inodes::Number number, bool owner_or_mode) {
    if (owner_or_mode && caller.uid != 0 && caller.uid != options_.owner.uid) return std::unexpected(EPERM);
    return attributes(caller, number);
}

std::expected<FileSystem::Listing, int> FileSystem::list(const Caller &caller, Inodes::Number folder) {
    const auto node = find(folder, caller);
    if (!node) return std::unexpected(node.error());
    const auto seen_registers = registers_for(*node, caller);
    if (!seen_registers) return std::unexpected(seen_registers.error());
    const auto &shown = *seen_registers;
    const auto own = virtual_registers_for(*node, caller);
    if (!own) return std::unexpected(own.error());
    const std::scoped_lock lock(mutex_);
    if (!is_for(*node, caller, state_.reports)) return std::unexpected(EACCES);
    const Seen seen{.registers = *shown, .reports = state_.reports, .virtual_registers = *own, .owner = options_.owner};
    if (const auto told = mrfs::attributes(*node, seen); !told) return std::unexpected(told.error());
    Listing listed{{".", state_.inodes.number_of(*node), true}, {"..", state_.inodes.number_of(parent(*node)), true}};
    for (auto &entry : children(*node, seen)) {
        listed.push_back({std::move(entry.name), state_.inodes.number_of(own_file(entry.node, caller)), is_folder(entry.node.kind)});
    }
    return listed;
}

std::expected<std::shared_ptr<const FileSystem::Listing>, int> FileSystem::open_folder(const Caller &caller, Inodes::Number folder) {
    if (const auto taken = take(&State::open_folders, caller); !taken) return std::unexpected(taken.error());
    const auto give_back = [this, uid = caller.uid] {
        const std::scoped_lock lock(mutex_);
        state_.open_folders.give_back(uid);
    };
    auto listed = list(caller, folder);
    if (!listed) {
        give_back();
        return std::unexpected(listed.error());
    }
    auto kept = std::make_unique<const Listing>(std::move(*listed));
    return std::shared_ptr<const Listing>(kept.release(), [give_back](const Listing *last) {
        const std::unique_ptr<const Listing> ended(last);
        give_back();
    });
}

// ---- Folders of reports

std::expected<FileSystem::Found, int> FileSystem::make_folder(const Caller &caller, Inodes::Number folder, std::string_view name,
                                                              mode_t mode) {
    const auto in = find(folder, caller);
    if (!in) return std::unexpected(in.error());
    if (in->kind != Kind::reports) return std::unexpected(EPERM);
    if (name.size() > max_name) return std::unexpected(ENAMETOOLONG);
    {
        const std::scoped_lock lock(mutex_);
        if (state_.reports.find(name)) return std::unexpected(EEXIST);
    }
    if (const auto driver = report_driver(); !driver) return std::unexpected(driver.error());
    // For whoever may not it would be of no use, and take the place of others': one user can have as many uids as there are places.
    if (const auto may = may_quote(caller); !may) return std::unexpected(may.error());
    const auto maker = report_maker(caller);
    if (!maker) return std::unexpected(maker.error());
    {
        const std::scoped_lock lock(mutex_);
        const auto made = state_.reports.make(name, caller, mode, Clock::now(), *maker);
        if (!made) return std::unexpected(made.error());
    }
    return look_up(caller, folder, name);
}

std::expected<void, int> FileSystem::remove_folder(const Caller &caller, Inodes::Number folder, std::string_view name) {
    const auto in = find(folder, caller);
    if (!in) return std::unexpected(in.error());
    if (in->kind != Kind::reports) return std::unexpected(EPERM);
    const std::scoped_lock lock(mutex_);
    return state_.reports.remove(name, caller);
}

// ---- Open files

std::expected<std::shared_ptr<FileSystem::OpenFile>, int> FileSystem::open(const Caller &caller, Inodes::Number number, int flags) {
    const auto node = find(number, caller);
    if (!node) return std::unexpected(node.error());
    // By another's descriptor: whoever comes by the path has a file of his own.
    if (*node != own_file(*node, caller)) return std::unexpected(ESTALE);
    const auto told = attributes(caller, number);
    if (!told) return std::unexpected(told.error());
    // The kernel's files have no way past its cache.
    if ((flags & O_DIRECT) != 0) return std::unexpected(EINVAL);
    const auto mode = flags & O_ACCMODE;
    // Against the file, whoever asks: root has no more of it.
    if (mode != O_WRONLY && (told->mode & 0444) == 0) return std::unexpected(EACCES);
    if (mode != O_RDONLY && (told->mode & 0222) == 0) return std::unexpected(EACCES);
    // Every name but a log's is for who may read something: whoever may not read this would hold it open for nothing, in the place of others.
    if (node->kind == Kind::log) {
        if (const auto may = may_log(caller); !may) return std::unexpected(may.error());
    }
    if (const auto taken = take(&State::open_files, caller); !taken) return std::unexpected(taken.error());
    const std::scoped_lock lock(mutex_);
    if (node->instance != 0) state_.reports.opened(node->instance, Clock::now());
    auto file = std::make_unique<OpenFile>(*node, caller, told->size, (flags & O_APPEND) != 0);
    return std::shared_ptr<OpenFile>(file.release(), [this](OpenFile *last) {
        const std::unique_ptr<OpenFile> ended(last);
        release(*ended);
    });
}

void FileSystem::release(OpenFile &file) {
    const std::scoped_lock lock(mutex_);
    state_.open_files.give_back(file.opener.uid);
    give_back_log_memory(file);
    if (file.node.instance != 0) state_.reports.closed(file.node.instance, Clock::now());
}

void FileSystem::flush(OpenFile &file) {
    if (!file.needs_flush()) return;
    const std::scoped_lock own(file.mutex);
    const std::scoped_lock lock(mutex_);
    if (auto *instance = state_.reports.find(file.node.instance)) {
        file.inblob.commit_to(instance->report);
        instance->last_used = Clock::now();
    }
}

std::expected<void, int> FileSystem::synchronize(const OpenFile &file) {
    if (file.node.instance != 0) return std::unexpected(EINVAL);
    return {};
}

std::expected<mr::Bytes, int> FileSystem::read(OpenFile &file, std::uint64_t offset, std::size_t size) {
    const Turn turn(*this, file.opener.uid);
    if (!turn.has_begun()) return std::unexpected(EBUSY);
    return read_in_turn(file, offset, size);
}

std::expected<std::size_t, int> FileSystem::write(OpenFile &file, std::uint64_t offset, mr::ByteView bytes) {
    const Turn turn(*this, file.opener.uid);
    if (!turn.has_begun()) return std::unexpected(EBUSY);
    return write_in_turn(file, offset, bytes);
}

std::expected<mr::Bytes, int> FileSystem::read_in_turn(OpenFile &file, std::uint64_t offset, std::size_t size) {
    switch (file.node.kind) {
    case Kind::measurement:
    case Kind::digest: {
        // As of the kernel's file, which asks no driver there: who reads to the end asks mrd once.
        if (offset >= file.size) return mr::Bytes();
        const auto value = service_.read(file.opener, file.node.name);
        if (!value) return refusal(value.error());
        return part_of(*value, offset, size);
    }
    case Kind::register_file:
        if (is_report_register(file.node, report_data_register)) return part_of(report_data_of(file.opener.uid), offset, size);
        break;
    default: break;
    }
    const std::scoped_lock own(file.mutex);
    if (!file.snapshot) {
        auto made = make_snapshot(file);
        if (!made) return std::unexpected(made.error());
        file.snapshot = std::move(*made);
    }
    return part_of(*file.snapshot, offset, size);
}

std::expected<mr::Bytes, int> FileSystem::make_snapshot(OpenFile &file) {
    switch (file.node.kind) {
    case Kind::outblob: return make_blob(file, &ReportBlobs::outblob);
    case Kind::auxblob: return make_blob(file, &ReportBlobs::auxblob);
    case Kind::manifestblob: return make_blob(file, &ReportBlobs::manifestblob);
    case Kind::log: return take_log(file);
    case Kind::generation: {
        const std::scoped_lock lock(mutex_);
        auto *instance = state_.reports.find(file.node.instance);
        if (instance == nullptr) return std::unexpected(ENOENT);
        return line(std::to_string(instance->report.generation()));
    }
    case Kind::report_provider:
    case Kind::privlevel_floor: {
        ReportMaker maker;
        {
            const std::scoped_lock lock(mutex_);
            const auto *instance = state_.reports.find(file.node.instance);
            if (instance == nullptr) return std::unexpected(ENOENT);
            maker = instance->report.maker();
        }
        const auto driver = report_driver();
        if (!driver) return std::unexpected(driver.error());
        return line(file.node.kind == Kind::report_provider ? std::string((*driver)->name) : std::to_string(maker.privlevel_floor));
    }
    case Kind::hash_algorithm: {
        const auto own = virtual_registers_for(file.node, file.opener);
        if (!own) return std::unexpected(own.error());
        const auto shown = registers();
        const auto virtual_one = std::ranges::find(*own, file.node.name, &mr::Register::name);
        const auto *reg = virtual_one != own->end() ? &*virtual_one : shown->find(file.node.name);
        if (reg == nullptr) return std::unexpected(ENODEV);
        if (!reg->hash) return std::unexpected(ENODEV);
        return line(mr::to_string(*reg->hash));
    }
    case Kind::register_file: {
        if (is_report_register(file.node, report_register)) return make_report(file);
        auto value = service_.read(file.opener, file.node.name);
        if (!value) return refusal(value.error());
        return std::move(*value);
    }
    default: return std::unexpected(EIO);
    }
}

std::expected<std::size_t, int> FileSystem::write_in_turn(OpenFile &file, std::uint64_t offset, mr::ByteView bytes) {
    const std::scoped_lock own(file.mutex);
    offset = file.position.offset(offset);
    if (file.node.kind == Kind::inblob) {
        {
            const std::scoped_lock lock(mutex_);
            if (state_.reports.find(file.node.instance) == nullptr) return std::unexpected(ENOENT);
        }
        const auto taken = file.inblob.write(offset, bytes);
        if (taken) file.position.wrote(*taken);
        return taken;
    }
    if (file.node.kind == Kind::report_option) return write_option(file, bytes);
    if (is_report_register(file.node, report_data_register)) {
        const auto size = whole_value_of_write(mr::report_data_size, offset, bytes.size());
        if (!size || *size == 0) return size;
        if (const auto set = set_report_data(file.opener.uid, bytes.first(*size)); !set) return std::unexpected(set.error());
        file.position.wrote(*size);
        return *size;
    }
    if (file.node.kind != Kind::measurement && file.node.kind != Kind::digest) return std::unexpected(EACCES);
    const auto size = whole_value_of_write(file.size, offset, bytes.size());
    if (!size || *size == 0) return size;
    if (const auto done = service_.extend(file.opener, file.node.name, bytes.first(*size)); !done) return refusal(done.error());
    file.position.wrote(*size);
    return *size;
}

// As the kernel has it, of each write() by itself, wherever in the file it is.
std::expected<std::size_t, int> FileSystem::write_option(const OpenFile &file, mr::ByteView bytes) {
    const auto text = bytes.first(std::min(bytes.size(), max_option_text));
    // A level is one of a driver that is there.
    if (file.node.option == ReportOption::privlevel) {
        if (const auto driver = report_driver(); !driver) return std::unexpected(driver.error());
    }
    const std::scoped_lock lock(mutex_);
    auto *instance = state_.reports.find(file.node.instance);
    if (instance == nullptr) return std::unexpected(ENOENT);
    instance->last_used = Clock::now();
    if (const auto set = instance->report.set(file.node.option, {reinterpret_cast<const char *>(text.data()), text.size()}); !set)
        return std::unexpected(set.error());
    return text.size();
}

// ---- What is made for an open file

std::optional<ReportInstance::Moment> FileSystem::moment(const ShownRegisters &shown) {
    // Whatever else was extended, and whichever mrd that was.
    if (shown.are_fixed()) return ReportInstance::Moment{};
    if (!shown.are_mrds_alone()) return std::nullopt;
    std::vector<std::string> readable;
    for (const auto &reg : shown.all()) {
        if (provider_of(reg.name) == shown.provider() && reg.flags.has(mr::Flag::readable) && !reg.flags.has(mr::Flag::file))
            readable.push_back(reg.name);
    }
    if (readable.empty()) return std::nullopt;
    const auto life = service_.life();
    const auto snapshot = service_.snapshot(readable);
    if (!snapshot || life != service_.life()) return std::nullopt;
    ReportInstance::Moment now{.service = life, .sequence = snapshot->sequence};
    for (const auto &reading : snapshot->readings) now.values.insert(now.values.end(), reading.value.begin(), reading.value.end());
    return now;
}

std::expected<ReportBlobs, int> FileSystem::make_quote(const OpenFile &file) {
    std::expected<ReportInstance::Wanted, int> wanted = std::unexpected(ENOENT);
    {
        const std::scoped_lock lock(mutex_);
        auto *instance = state_.reports.find(file.node.instance);
        if (instance != nullptr) wanted = instance->report.wanted();
    }
    if (!wanted) return std::unexpected(wanted.error());
    const auto shown = registers();
    const auto before = moment(*shown);
    std::optional<ReportBlobs> kept;
    if (before) {
        const std::scoped_lock lock(mutex_);
        const auto *instance = state_.reports.find(file.node.instance);
        if (instance == nullptr) return std::unexpected(ENOENT);
        kept = instance->report.kept(wanted->generation, *before);
    }
    if (kept) {
        // It was made by a right that he may have lost since.
        if (const auto may = service_.may_quote(file.opener, shown->provider()); !may) return refusal(may.error());
        return std::move(*kept);
    }
    auto quoted = service_.quote(file.opener, wanted->report_data, wanted->options, shown->provider());
    if (!quoted) return refusal(quoted.error());
    const std::scoped_lock lock(mutex_);
    auto *instance = state_.reports.find(file.node.instance);
    if (instance == nullptr) return std::unexpected(ENOENT);
    return instance->report.made(wanted->generation, before,
                                 {.outblob = std::move(quoted->quote),
                                  .auxblob = std::move(quoted->auxiliary).value_or(mr::Bytes()),
                                  .manifestblob = std::move(quoted->manifest).value_or(mr::Bytes())});
}

std::expected<mr::Bytes, int> FileSystem::make_blob(const OpenFile &file, mr::Bytes ReportBlobs::*which) {
    auto made = make_quote(file);
    if (!made) return std::unexpected(made.error());
    return std::move((*made).*which);
}

std::expected<mr::Bytes, int> FileSystem::make_report(const OpenFile &file) {
    auto report = service_.report(file.opener, report_data_of(file.opener.uid), std::string(provider_of(file.node.name)));
    if (!report) return refusal(report.error());
    return std::move(*report);
}

std::expected<mr::Bytes, int> FileSystem::take_log(OpenFile &file) {
    mr::Bytes log;
    bool has_room = true;
    const bool is_root = file.opener.uid == 0;
    const auto most = is_root ? max_log_memory : max_log_memory / 2;
    const auto most_of_all = is_root ? max_log_memory : max_log_memory / 4 * 3;
    const auto exported = service_.export_log(file.opener, file.node.name, [&](const mr::Bytes &piece) {
        {
            const std::scoped_lock lock(mutex_);
            auto &held = state_.log_memory[share_of(file.opener.uid)];
            const auto needed = log_memory_of_a_byte * piece.size();
            has_room = held + needed <= most && state_.all_log_memory + needed <= most_of_all;
            if (!has_room) return false;
            held += needed;
            state_.all_log_memory += needed;
            file.log_memory += needed;
        }
        log.insert(log.end(), piece.begin(), piece.end());
        return true;
    });
    if (has_room && exported) return log;
    const std::scoped_lock lock(mutex_);
    give_back_log_memory(file);
    return has_room ? refusal(exported.error()) : std::unexpected(ENOMEM);
}

void FileSystem::give_back_log_memory(OpenFile &file) {
    state_.all_log_memory -= file.log_memory;
    const auto held = state_.log_memory.find(share_of(file.opener.uid));
    if (held != state_.log_memory.end() && (held->second -= file.log_memory) == 0) state_.log_memory.erase(held);
    file.log_memory = 0;
}

mr::ReportData FileSystem::report_data_of(uid_t uid) {
    const std::scoped_lock lock(mutex_);
    const auto found = state_.report_data.find(uid);
    return found == state_.report_data.end() ? mr::ReportData{} : found->second;
}

std::expected<void, int> FileSystem::set_report_data(uid_t uid, mr::ByteView value) {
    const std::scoped_lock lock(mutex_);
    auto &all = state_.report_data;
    if (uid != 0 && !all.contains(uid)) {
        const auto of_the_pool = static_cast<std::size_t>(std::distance(all.lower_bound(first_of_the_pool), all.end()));
        if (all.size() >= max_report_data_users || (uid >= first_of_the_pool && of_the_pool >= max_report_data_users_of_the_pool))
            return std::unexpected(ENOSPC);
    }
    std::ranges::copy(value, all[uid].begin());
    return {};
}

}  // namespace mrfs
