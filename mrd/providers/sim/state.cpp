#include "mrd/providers/sim/state.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

#include "mr/tdreport.h"
#include "mrd/crc32c.h"
#include "mrd/own_files.h"

namespace mrd::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::array<char, 8> magic = {'m', 'r', 'd', 's', 'i', 'm', 't', 'd'};
constexpr std::uint32_t state_format = 1;

// An extend holds the mutex for a microsecond: who waits longer than this waits for a process that is stopped.
constexpr auto mutex_patience = 2s;
// Who uses the file longer than this goes on using it.
constexpr auto in_use_patience = 1s;
// An opener holds the exclusive lock while it makes a new file, and a busy disk takes its time for that.
constexpr auto opening_patience = 60s;

struct Header {
    std::array<char, 8> magic;
    std::uint32_t format;
    std::uint32_t boot_id_size;
    std::array<char, max_boot_id_size> boot_id;
    ReportKey report_key;
    std::uint64_t attributes;
    Value mrtd;
    Value mrconfigid;
    Value mrowner;
    Value mrownerconfig;
    std::uint32_t checksum;
    std::uint32_t zero;
};

struct Slot {
    std::uint64_t counter;
    std::array<Value, rtmr_count> rtmr;
    std::uint32_t checksum;
    std::uint32_t zero;
};

struct Image {
    Header header;
    alignas(1024) pthread_mutex_t mutex;
    alignas(1024) Slot first;
    alignas(1024) Slot second;
};

static_assert(sizeof(Header) == header_size && std::has_unique_object_representations_v<Header>);
static_assert(sizeof(Slot) == slot_size && std::has_unique_object_representations_v<Slot>);
static_assert(sizeof(Image) == state_file_size && std::is_trivially_copyable_v<Image>);
static_assert(offsetof(Image, first) == slot_offsets[0] && offsetof(Image, second) == slot_offsets[1]);
static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free, "a counter must be stored in one piece");

template <typename T>
mr::ByteView bytes_before_checksum(const T &part) {
    return {reinterpret_cast<const std::uint8_t *>(&part), offsetof(T, checksum)};
}

std::string_view boot_id_of(const Header &header) {
    return {header.boot_id.data(), std::min<std::size_t>(header.boot_id_size, max_boot_id_size)};
}

std::string reason_of(int error) { return std::generic_category().message(error); }

void initialise(pthread_mutex_t &mutex) {
    pthread_mutexattr_t attributes;
    const bool done = pthread_mutexattr_init(&attributes) == 0 && pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
                      pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 && pthread_mutex_init(&mutex, &attributes) == 0;
    pthread_mutexattr_destroy(&attributes);
    if (!done) {
        throw std::runtime_error("this system has no robust process-shared mutex");
    }
}

class File {
public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    File(File &&other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    File &operator=(File &&) = delete;
    ~File() {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    [[nodiscard]] int get() const { return descriptor_; }

private:
    int descriptor_;
};

// Is this still the file that the path leads to, or has another opener put a new one there?
bool is_the_file_at(const File &file, const std::filesystem::path &path) {
    struct stat opened{};
    struct stat named{};
    return ::fstat(file.get(), &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

std::expected<Image, std::string> new_image(const StateOptions &options) {
    const StaticValues defaults = default_statics();
    Image image;
    std::memset(static_cast<void *>(&image), 0, sizeof image);
    Header &header = image.header;
    header.magic = magic;
    header.format = state_format;
    header.boot_id_size = static_cast<std::uint32_t>(options.boot_id.size());
    std::ranges::copy(options.boot_id, header.boot_id.begin());
    if (::getrandom(header.report_key.data(), header.report_key.size(), 0) != static_cast<ssize_t>(header.report_key.size())) {
        return std::unexpected("the system gives no random bytes for the simulator's report key: " + reason_of(errno));
    }
    header.attributes = options.attributes.value_or(defaults.attributes);
    header.mrtd = options.mrtd.value_or(defaults.mrtd);
    header.mrconfigid = options.mrconfigid.value_or(defaults.mrconfigid);
    header.mrowner = options.mrowner.value_or(defaults.mrowner);
    header.mrownerconfig = options.mrownerconfig.value_or(defaults.mrownerconfig);
    header.checksum = crc32c(bytes_before_checksum(header));

    image.first.rtmr = options.rtmr;
    image.first.checksum = crc32c(bytes_before_checksum(image.first));  // counter 0
    image.second.counter = slot_in_progress;
    return image;
}

// Puts a new TD in the file's place: complete, or not at all. The mutex is left to the first opener. False: the path is taken
// and `replace` is not set.
std::expected<bool, std::string> put_new_td(const StateOptions &options, bool replace) {
    const std::string &path = options.file.native();
    const auto failed = [&](const char *what) {
        return std::unexpected(path + ": cannot " + what + " the simulator's state file (" + reason_of(errno) +
                               "): mrd needs write access to this directory");
    };
    auto image = new_image(options);
    if (!image) {
        return std::unexpected(std::move(image.error()));
    }
    std::string temporary = path + ".XXXXXX";
    const File file(::mkostemp(temporary.data(), O_CLOEXEC));  // its mode is 0600
    if (file.get() < 0) {
        return failed("create");
    }
    // On the disk before it has its name: after a power failure the header must tell that this TD is of an earlier boot.
    if (::write(file.get(), &*image, sizeof *image) != static_cast<ssize_t>(sizeof *image) || ::fsync(file.get()) != 0) {
        auto error = failed("write");
        ::unlink(temporary.c_str());
        return error;
    }
    if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), replace ? 0 : RENAME_NOREPLACE) != 0) {
        const bool taken = !replace && errno == EEXIST;
        auto error = failed("rename");
        ::unlink(temporary.c_str());
        if (taken) {
            return false;
        }
        return error;
    }
    return true;
}

std::optional<std::string> why_header_is_bad(const Header &header) {
    if (header.magic != magic) {
        return "is not a state file of the simulator";
    }
    if (header.format != state_format) {
        return "has another format than this mrd writes";
    }
    if (header.checksum != crc32c(bytes_before_checksum(header))) {
        return "has a damaged header";
    }
    return std::nullopt;
}

std::string use_reset(const std::string &path, std::string_view what) {
    return path + " " + std::string(what) + ": use --reset to start a new simulated TD (its registers start at zero)";
}

// A running TD's static values cannot be changed: which option asks for that?
std::optional<std::string> contradiction(const StateOptions &options, const Header &header) {
    const auto other = [](const auto &option, const auto &stored) { return option && *option != stored; };
    const char *option = other(options.mrtd, header.mrtd)                     ? "--sim-mrtd"
                         : other(options.mrconfigid, header.mrconfigid)       ? "--sim-mrconfigid"
                         : other(options.mrowner, header.mrowner)             ? "--sim-mrowner"
                         : other(options.mrownerconfig, header.mrownerconfig) ? "--sim-mrownerconfig"
                         : other(options.attributes, header.attributes)       ? "--sim-attributes"
                                                                              : nullptr;
    if (option == nullptr) {
        return std::nullopt;
    }
    return std::string(option) + " differs from what the TD in " + options.file.native() +
           " was built with, and a TD keeps that for its life: use --reset to start a new TD, or leave the option out";
}

}  // namespace

StaticValues default_statics() {
    StaticValues values;
    values.attributes = mr::td_attribute_sept_ve_disable;
    // SHA-384 is in every OpenSSL; value() throws on a broken one.
    std::ranges::copy(mr::hash(mr::HashAlgorithm::sha384, mr::as_bytes("mrd simulated TD")).value().bytes(), values.mrtd.begin());
    return values;
}

std::filesystem::path state_file(const std::filesystem::path &state_directory, std::string_view provider_name) {
    return state_directory / ("sim-" + std::string(provider_name) + ".state");
}

std::expected<ReportKey, std::string> read_report_key(const std::filesystem::path &file) {
    const std::string &path = file.native();
    if (auto own = check_own_file(file, Content::secret); !own) return std::unexpected(own.error());
    const File opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (opened.get() < 0) {
        return std::unexpected(path + ": no simulated TD can be read there (" + reason_of(errno) +
                               "): mrd makes it when it starts with the simulator");
    }
    Header header{};
    if (::pread(opened.get(), &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header))
        return std::unexpected(use_reset(path, "is not a state file of the simulator"));
    if (auto bad = why_header_is_bad(header)) return std::unexpected(use_reset(path, *bad));
    return header.report_key;
}

class State::Mapping {
public:
    static std::expected<std::unique_ptr<Mapping>, int> map(File file, std::string path) {
        void *address = ::mmap(nullptr, sizeof(Image), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
        if (address == MAP_FAILED) {
            return std::unexpected(errno);
        }
        return std::unique_ptr<Mapping>(new Mapping(std::move(file), std::move(path), static_cast<Image *>(address)));
    }
    Mapping(const Mapping &) = delete;
    Mapping &operator=(const Mapping &) = delete;
    ~Mapping() { ::munmap(image_, sizeof(Image)); }

    [[nodiscard]] Image &image() const { return *image_; }
    [[nodiscard]] const File &file() const { return file_; }
    [[nodiscard]] const std::string &path() const { return path_; }

    // The slot that holds the truth. The lock must be held.
    [[nodiscard]] std::expected<Slot *, std::string> newest_slot() const {
        Slot &first = image_->first;
        Slot &second = image_->second;
        const auto damaged = [](const Slot &slot) {
            return slot.counter != slot_in_progress && slot.checksum != crc32c(bytes_before_checksum(slot));
        };
        // Damage to either is an error: if it is in the newer slot, the older one is not the truth.
        if (damaged(first) || damaged(second)) {
            return std::unexpected(use_reset(path_, "has damaged register values"));
        }
        if (first.counter == slot_in_progress && second.counter == slot_in_progress) {
            return std::unexpected(use_reset(path_, "holds no complete register values"));
        }
        if (first.counter == slot_in_progress) {
            return &second;
        }
        if (second.counter == slot_in_progress) {
            return &first;
        }
        if (first.counter == second.counter + 1) {
            return &first;
        }
        if (second.counter == first.counter + 1) {
            return &second;
        }
        return std::unexpected(use_reset(path_, "has register values that do not follow each other"));
    }

private:
    Mapping(File file, std::string path, Image *image) : file_(std::move(file)), path_(std::move(path)), image_(image) {}

    File file_;  // open as long as the mapping: it carries the flock
    std::string path_;
    Image *image_;
};

class State::MutexLock {
public:
    static std::expected<MutexLock, std::string> take(const Mapping &mapping) {
        pthread_mutex_t &mutex = mapping.image().mutex;
        int result = ::pthread_mutex_trylock(&mutex);
        if (result == EBUSY) {
            timespec until{};
            ::clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += std::chrono::seconds(mutex_patience).count();
            result = ::pthread_mutex_timedlock(&mutex, &until);
        }
        if (result == EOWNERDEAD) {
            // Its owner was killed. The slots tell by themselves what is true, so there is nothing to mend.
            result = ::pthread_mutex_consistent(&mutex);
        }
        if (result != 0) {
            return std::unexpected(mapping.path() + " stays locked by another process (" + reason_of(result) +
                                   "): continue or end the process that uses it");
        }
        return MutexLock(&mutex);
    }
    MutexLock(MutexLock &&other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    MutexLock &operator=(MutexLock &&) = delete;
    ~MutexLock() {
        if (mutex_ != nullptr) {
            ::pthread_mutex_unlock(mutex_);
        }
    }

private:
    explicit MutexLock(pthread_mutex_t *mutex) : mutex_(mutex) {}
    pthread_mutex_t *mutex_;
};

State::State(std::unique_ptr<Mapping> mapping, mr::Hasher hasher) : mapping_(std::move(mapping)), hasher_(std::move(hasher)) {}
State::State(State &&) noexcept = default;
State &State::operator=(State &&) noexcept = default;
State::~State() = default;

std::expected<State, std::string> State::open(const StateOptions &options) {
    if (options.boot_id.empty() || options.boot_id.size() > max_boot_id_size) {
        return std::unexpected("the boot id has " + std::to_string(options.boot_id.size()) + " bytes: give 1 to 64");
    }
    return open_or_attach(options.file, &options);
}

std::expected<State, std::string> State::attach(const std::filesystem::path &file) { return open_or_attach(file, nullptr); }

std::expected<State, std::string> State::open_or_attach(const std::filesystem::path &file_path, const StateOptions *options) {
    const std::string &path = file_path.native();
    bool reset = options != nullptr && options->reset;
    const auto deadline = std::chrono::steady_clock::now() + opening_patience;
    auto last_not_in_use = std::chrono::steady_clock::now();
    const auto still_time = [&] {
        std::this_thread::sleep_for(1ms);
        return std::chrono::steady_clock::now() < deadline;
    };
    const auto in_use = [&] {
        return std::unexpected(path + " is in use by another process, so its TD cannot end: stop that process first");
    };
    // Each turn either finishes, or was overtaken by another opener and starts over with what is there now.
    do {
        // Who has it knows the TD's key, and can make reports.
        if (auto own = check_own_file(file_path, Content::secret); !own) return std::unexpected(own.error());
        File file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
        if (file.get() < 0) {
            if (errno != ENOENT || options == nullptr) {
                return std::unexpected(path + ": cannot open the simulator's state file (" + reason_of(errno) +
                                       "): " + (options == nullptr ? "mrd makes it when it starts with the simulator" : "mrd must own it"));
            }
            const auto put = put_new_td(*options, false);
            if (!put) {
                return std::unexpected(put.error());
            }
            reset = reset && !*put;  // the new TD is the one that was asked for
            continue;
        }
        const bool alone = ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
        if (!alone && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0) {
            last_not_in_use = std::chrono::steady_clock::now();
            continue;  // another one is opening it this moment
        }
        if (!is_the_file_at(file, file_path)) {
            continue;
        }

        struct stat status{};
        const bool has_size = ::fstat(file.get(), &status) == 0 && status.st_size == static_cast<off_t>(sizeof(Image));
        Header header{};
        if (!reset) {
            if (!has_size || ::pread(file.get(), &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) {
                return std::unexpected(use_reset(path, "is not a state file of the simulator"));
            }
            if (auto bad = why_header_is_bad(header)) {
                return std::unexpected(use_reset(path, *bad));
            }
        }
        if (reset || (options != nullptr && !options->survives_boot && boot_id_of(header) != options->boot_id)) {
            if (!alone) {
                if (std::chrono::steady_clock::now() - last_not_in_use > in_use_patience) return in_use();
                continue;  // who used it may be ending
            }
            // Nobody uses the old file and nobody else can replace it before this lock is given up.
            if (auto put = put_new_td(*options, true); !put) {
                return std::unexpected(std::move(put.error()));
            }
            reset = false;
            continue;
        }
        if (options != nullptr) {
            if (auto why = contradiction(*options, header)) {
                return std::unexpected(std::move(*why));
            }
        }

        auto mapping = Mapping::map(std::move(file), path);
        if (!mapping) {
            return std::unexpected(path + ": cannot map the simulator's state file (" + reason_of(mapping.error()) +
                                   "): put the state directory on a local file system");
        }
        if (alone) {
            // Whatever an earlier user left in the mutex is gone with it.
            initialise((*mapping)->image().mutex);
            // Not one step in the kernel: in between another opener may have been alone too, and have replaced the file.
            if (::flock((*mapping)->file().get(), LOCK_SH) != 0 || !is_the_file_at((*mapping)->file(), file_path)) {
                continue;
            }
        }
        auto hasher = mr::Hasher::open(mr::HashAlgorithm::sha384);
        if (!hasher) {
            return std::unexpected(std::move(hasher.error().message));
        }
        State state(std::move(*mapping), std::move(*hasher));
        if (auto values = state.read(); !values) {
            return std::unexpected(std::move(values.error()));
        }
        return state;
    } while (still_time());
    return in_use();
}

StaticValues State::statics() const {
    const Header &header = mapping_->image().header;
    return {.attributes = header.attributes,
            .mrtd = header.mrtd,
            .mrconfigid = header.mrconfigid,
            .mrowner = header.mrowner,
            .mrownerconfig = header.mrownerconfig};
}

ReportKey State::report_key() const { return mapping_->image().header.report_key; }

std::expected<RunTimeValues, std::string> State::read() const {
    auto lock = MutexLock::take(*mapping_);
    if (!lock) {
        return std::unexpected(std::move(lock.error()));
    }
    auto slot = mapping_->newest_slot();
    if (!slot) {
        return std::unexpected(std::move(slot.error()));
    }
    return RunTimeValues{.counter = (*slot)->counter, .rtmr = (*slot)->rtmr};
}

// ---- Extending

// Each release fence keeps the stores before it before those after it: a kill leaves a prefix of this order.
class State::Extending::Stores {
public:
    static std::expected<Stores, std::string> prepare(State &state, std::size_t rtmr, mr::ByteView digest) {
        auto lock = MutexLock::take(*state.mapping_);
        if (!lock) {
            return std::unexpected(std::move(lock.error()));
        }
        auto newest = state.mapping_->newest_slot();
        if (!newest) {
            return std::unexpected(std::move(newest.error()));
        }
        Slot next = **newest;
        ++next.counter;
        std::ranges::copy(state.hasher_.extend(next.rtmr[rtmr], digest).bytes(), next.rtmr[rtmr].begin());
        next.checksum = crc32c(bytes_before_checksum(next));
        Image &image = state.mapping_->image();
        return Stores(std::move(*lock), *newest == &image.first ? image.second : image.first, next);
    }

    void store(int number) {
        const std::atomic_ref<std::uint64_t> counter(target_->counter);
        switch (number) {
        case 0:
            counter.store(slot_in_progress, std::memory_order_relaxed);
            std::atomic_thread_fence(std::memory_order_release);
            return;
        case 1: target_->rtmr = next_.rtmr; return;
        case 2: std::atomic_ref<std::uint32_t>(target_->checksum).store(next_.checksum, std::memory_order_release); return;
        case 3: counter.store(next_.counter, std::memory_order_release); return;
        default: return;
        }
    }
    [[nodiscard]] const Slot &next() const { return next_; }

private:
    Stores(MutexLock lock, Slot &target, const Slot &next) : lock_(std::move(lock)), target_(&target), next_(next) {}

    MutexLock lock_;
    Slot *target_;
    Slot next_;
};

State::Extending::Extending(std::unique_ptr<Stores> made) : stores_(std::move(made)) {}
State::Extending::Extending(Extending &&) noexcept = default;
State::Extending &State::Extending::operator=(Extending &&) noexcept = default;
State::Extending::~Extending() = default;

void State::Extending::store_next() { stores_->store(stored_++); }

std::expected<State::Extending, std::string> State::begin_extend(std::size_t rtmr, mr::ByteView digest) {
    auto stores = Extending::Stores::prepare(*this, rtmr, digest);
    if (!stores) {
        return std::unexpected(std::move(stores.error()));
    }
    return Extending(std::make_unique<Extending::Stores>(std::move(*stores)));
}

std::expected<Value, std::string> State::extend(std::size_t rtmr, mr::ByteView digest) {
    auto stores = Extending::Stores::prepare(*this, rtmr, digest);
    if (!stores) {
        return std::unexpected(std::move(stores.error()));
    }
    for (int number = 0; number < Extending::stores; ++number) {
        stores->store(number);
    }
    return stores->next().rtmr[rtmr];
}

}  // namespace mrd::sim
