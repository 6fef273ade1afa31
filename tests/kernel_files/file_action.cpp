// file-action OPERATION...: system calls on files, one after the other in one process, and what each gave: "open a; write 48; write EFBIG".
//
// What is written are the bytes of the file `data` of the folder $FILE_ACTION, from its beginning, each write going on where the one before ended; `prepare` makes it anew, of letters
// and digits, with its first N bytes as files dataN beside it. What is read is never printed, but what it is: see told_value() and told_quote(); with $GUEST in the environment quotes are
// reports of a guest that is no TD. Exit: 0, 2 wrong usage.
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t register_size = 48;
constexpr std::size_t report_data_size = 64;
// In a quote of version 4: its header, and TDREPORT's body up to there.
constexpr std::size_t report_data_offset = 48 + 520;
constexpr std::size_t enough_to_tell = 8;  // bytes that are not equal by chance
constexpr std::size_t data_size = 256;
constexpr std::size_t max_file_size = std::size_t{1} << 20U;

[[noreturn]] void end_for_wrong_usage(const std::string &why) {
    std::fprintf(stderr, "file-action: %s\n", why.c_str());
    std::exit(2);
}

// Why the last system call failed, as ENOENT.
std::string reason() { return ::strerrorname_np(errno); }

std::filesystem::path work_folder() {
    const char *folder = std::getenv("FILE_ACTION");
    if (folder == nullptr) end_for_wrong_usage("no folder in $FILE_ACTION");
    return folder;
}

// Empty also of a file that cannot be read.
std::string contents(const std::filesystem::path &path) {
    std::string all;
    const auto file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return all;
    std::array<char, 4096> piece{};
    for (ssize_t got = 1; got > 0 && all.size() <= max_file_size;) {
        got = ::read(file, piece.data(), piece.size());
        if (got > 0) all.append(piece.data(), static_cast<std::size_t>(got));
    }
    ::close(file);
    return all;
}

void save(const std::filesystem::path &path, std::string_view bytes) {
    std::ofstream out(path, std::ios::binary);
    out << bytes;
    out.close();
    if (!out) end_for_wrong_usage("cannot write " + path.string());
}

std::string random_data() {
    static constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    std::random_device device;
    std::string made(data_size, ' ');
    for (auto &each : made) each = alphabet[device() % alphabet.size()];
    return made;
}

std::string extended(std::string_view old, std::string_view by) {
    const auto joined = std::string(old) + std::string(by);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(joined.data(), joined.size(), digest.data(), &size, EVP_sha384(), nullptr);
    return {reinterpret_cast<const char *>(digest.data()), size};
}

std::string part_of_data(std::size_t from, std::size_t size) {
    return "data[" + std::to_string(from) + ":" + std::to_string(from + size) + "]";
}

class Actions {
public:
    int run(std::span<char *const> arguments) {
        while (!arguments.empty()) {
            const std::string name = arguments.front();
            const auto found = operations_.find(name);
            if (found == operations_.end()) end_for_wrong_usage("no operation " + name);
            arguments = arguments.subspan(1);
            if (arguments.size() < found->second.arguments)
                end_for_wrong_usage(name + " wants " + std::to_string(found->second.arguments) + " arguments");
            const Words words(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(found->second.arguments));
            arguments = arguments.subspan(found->second.arguments);
            const auto told = found->second.run(words);
            if (told.empty()) continue;
            std::printf("%s%s", is_first_ ? "" : "; ", told.c_str());
            is_first_ = false;
        }
        if (!is_first_) std::printf("\n");
        return 0;
    }

private:
    using Words = std::vector<std::string>;
    struct Operation {
        std::size_t arguments;
        std::function<std::string(const Words &)> run;
    };

    // ---- Arguments

    static long number(const std::string &word) {
        char *end = nullptr;
        const auto value = std::strtol(word.c_str(), &end, 0);
        if (word.empty() || *end != '\0') end_for_wrong_usage(word + " is no number");
        return value;
    }
    static std::vector<std::string> split(const std::string &words) {
        std::vector<std::string> found(1);
        for (const auto each : words) {
            if (each == ',') {
                found.emplace_back();
            } else {
                found.back() += each;
            }
        }
        return found;
    }
    static int open_flags(const std::string &words) {
        static const std::map<std::string, int> known = {
            {"rdonly", O_RDONLY}, {"wronly", O_WRONLY},   {"rdwr", O_RDWR},           {"creat", O_CREAT},       {"excl", O_EXCL},
            {"trunc", O_TRUNC},   {"append", O_APPEND},   {"directory", O_DIRECTORY}, {"nofollow", O_NOFOLLOW}, {"direct", O_DIRECT},
            {"sync", O_SYNC},     {"noatime", O_NOATIME}, {"path", O_PATH},           {"nonblock", O_NONBLOCK}, {"tmpfile", O_TMPFILE}};
        int flags = O_CLOEXEC;
        for (const auto &word : split(words)) {
            const auto found = known.find(word);
            if (found == known.end()) end_for_wrong_usage("no flag " + word);
            flags |= found->second;
        }
        return flags;
    }
    // -1, whose use is EBADF, if it could not be opened.
    int descriptor(const std::string &name) const {
        const auto found = descriptors_.find(name);
        return found == descriptors_.end() ? -1 : found->second;
    }
    const std::string &data() {
        if (data_.empty()) data_ = contents(work_folder() / "data");
        return data_;
    }
    std::string_view next_data(std::size_t size) {
        if (used_ + size > data().size()) end_for_wrong_usage("more than there is of data");
        return std::string_view(data()).substr(std::exchange(used_, used_ + size), size);
    }

    // ---- What is told

    static std::string done(const std::string &what, long result) { return result < 0 ? what + " " + reason() : what; }
    static std::string counted(const std::string &what, long result) {
        return what + " " + (result < 0 ? reason() : std::to_string(result));
    }

    // Bytes read at an offset: of what the register was before, or is now. Fewer are equal by chance.
    std::string told_value(std::string_view bytes, std::size_t offset) {
        if (bytes.size() < enough_to_tell || offset >= register_size || bytes.size() > register_size - offset) return "";
        const auto before = contents(work_folder() / "before");
        if (before.size() == register_size && bytes == std::string_view(before).substr(offset, bytes.size())) return " of the old value";
        if (before.size() != register_size) return "";
        return is_extended(before, bytes, offset) ? " of the new value" : "";
    }
    // By one or more of the data's parts.
    bool is_extended(const std::string &before, std::string_view bytes, std::size_t offset) {
        for (std::size_t from = 0; from + register_size <= data().size(); ++from) {
            if (bytes == std::string_view(extended(before, data().substr(from, register_size))).substr(offset, bytes.size())) return true;
        }
        return false;
    }

    // Of a guest that is no TD: where in its report the data is differs, and fewer bytes of it have zeros behind them; very few are anywhere by chance.
    std::string told_report(const std::string &bytes) {
        for (std::size_t from = 0; from + report_data_size <= data().size(); from += report_data_size) {
            if (bytes.find(data().substr(from, report_data_size)) != std::string::npos)
                return "report of " + part_of_data(from, report_data_size);
        }
        for (std::size_t size = report_data_size - 1; size >= enough_to_tell; --size) {
            const auto zeros = report_data_size - size;
            if (bytes.find(data().substr(0, size) + std::string(zeros, '\0')) != std::string::npos)
                return "report of " + part_of_data(0, size) + " and " + std::to_string(zeros) + " zeros";
        }
        return "something else";
    }
    std::string told_quote(const std::string &bytes) {
        if (bytes.empty()) return "nothing";
        if (is_no_td_) return told_report(bytes);
        if (bytes.size() < report_data_offset + report_data_size) return "something else";
        // There alone: the byte before it, the last of RTMR3, may be that of the data by chance.
        const auto reported = bytes.substr(report_data_offset, report_data_size);
        if (const auto from = data().find(reported); from != std::string::npos) return "quote of " + part_of_data(from, report_data_size);
        for (std::size_t size = report_data_size / 2; size > 0; size /= 2) {
            if (reported == std::string(report_data_size - size, '\0') + data().substr(0, size))
                return "quote of " + std::to_string(report_data_size - size) + " zeros and " + part_of_data(0, size);
        }
        return "something else";
    }

    // ---- Operations

    std::string open(const Words &words) {
        const auto opened = ::open(words[1].c_str(), open_flags(words[2]), 0600);
        if (opened >= 0) descriptors_[words[0]] = opened;
        return done("open", opened);
    }
    std::string read(const Words &words, std::optional<long> offset) {
        std::string bytes(static_cast<std::size_t>(number(words[1])), '\0');
        const auto at = offset ? *offset : ::lseek(descriptor(words[0]), 0, SEEK_CUR);
        const auto got = offset ? ::pread(descriptor(words[0]), bytes.data(), bytes.size(), *offset)
                                : ::read(descriptor(words[0]), bytes.data(), bytes.size());
        const auto failed = errno;
        if (got > 0) bytes.resize(static_cast<std::size_t>(got));
        const auto what = got > 0 && at >= 0 && bytes.size() <= register_size ? told_value(bytes, static_cast<std::size_t>(at)) : "";
        errno = failed;
        return counted("read", got) + what;
    }
    std::string write(const Words &words, std::optional<long> offset) {
        const auto bytes = next_data(static_cast<std::size_t>(number(words[1])));
        return counted("write", offset ? ::pwrite(descriptor(words[0]), bytes.data(), bytes.size(), *offset)
                                       : ::write(descriptor(words[0]), bytes.data(), bytes.size()));
    }
    std::string writev(const Words &words) {
        std::vector<iovec> parts;
        for (const auto &size : split(words[1])) {
            const auto bytes = next_data(static_cast<std::size_t>(number(size)));
            parts.push_back({const_cast<char *>(bytes.data()), bytes.size()});
        }
        return counted("writev", ::writev(descriptor(words[0]), parts.data(), static_cast<int>(parts.size())));
    }
    // To its end in pieces.
    std::string quote(const Words &words) {
        std::string all;
        const auto piece = static_cast<std::size_t>(number(words[1]));
        std::string bytes(piece, '\0');
        for (;;) {
            const auto got = ::read(descriptor(words[0]), bytes.data(), bytes.size());
            if (got < 0) return reason();
            if (got == 0) break;
            all.append(bytes, 0, static_cast<std::size_t>(got));
            if (all.size() > max_file_size) return "no end";
        }
        if (std::exchange(last_quote_, all) == all && !all.empty()) return told_quote(all) + ", the same as before";
        return told_quote(all);
    }
    // Does the last quote have the value that the register has now?
    std::string quoted(const Words &words) {
        const auto value = contents(words[0]);
        if (value.size() != register_size) return "no register";
        return last_quote_.find(value) != std::string::npos ? "with the register as it is" : "with the register as it was";
    }
    std::string lseek(const Words &words) {
        static const std::map<std::string, int> known = {
            {"set", SEEK_SET}, {"cur", SEEK_CUR}, {"end", SEEK_END}, {"data", SEEK_DATA}, {"hole", SEEK_HOLE}};
        return counted("lseek", ::lseek(descriptor(words[0]), number(words[1]), known.at(words[2])));
    }
    std::string map(const Words &words) {
        const auto writes = words[1] == "write";
        void *mapped = ::mmap(nullptr, 4096, writes ? PROT_READ | PROT_WRITE : PROT_READ, words[1] == "private" ? MAP_PRIVATE : MAP_SHARED,
                              descriptor(words[0]), 0);
        return done("mmap", mapped == MAP_FAILED ? -1 : 0);
    }
    std::string poll(const Words &words) {
        pollfd waiting{.fd = descriptor(words[0]), .events = POLLIN | POLLOUT | POLLPRI, .revents = 0};
        if (::poll(&waiting, 1, 0) < 0) return done("poll", -1);
        std::string told = "poll";
        if ((waiting.revents & POLLIN) != 0) told += " in";
        if ((waiting.revents & POLLOUT) != 0) told += " out";
        if ((waiting.revents & POLLPRI) != 0) told += " pri";
        if ((waiting.revents & POLLERR) != 0) told += " err";
        if ((waiting.revents & POLLNVAL) != 0) told += " nval";
        return told;
    }
    // What came out of it, by a pipe or into a file.
    std::string told_copied(const std::string &what, ssize_t count, const std::string &copied) {
        if (count <= 0) return counted(what, count);
        if (static_cast<std::size_t>(count) > register_size) return what + " " + told_quote(copied);
        return counted(what, count) + told_value(copied, 0);
    }
    std::string copy_out(const std::string &what, const Words &words) {
        const auto path = work_folder() / "copied";
        const auto to = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        const auto size = static_cast<std::size_t>(number(words[1]));
        const auto count = what == "sendfile" ? ::sendfile(to, descriptor(words[0]), nullptr, size)
                                              : ::copy_file_range(descriptor(words[0]), nullptr, to, nullptr, size, 0);
        const auto failed = errno;
        ::close(to);
        const auto copied = contents(path);
        errno = failed;
        return told_copied(what, count, copied);
    }
    std::string copy_in(const std::string &what, const Words &words) {
        const auto from = ::open((work_folder() / "data").c_str(), O_RDONLY | O_CLOEXEC);
        const auto size = static_cast<std::size_t>(number(words[1]));
        const auto count = what == "sendfile" ? ::sendfile(descriptor(words[0]), from, nullptr, size)
                                              : ::copy_file_range(from, nullptr, descriptor(words[0]), nullptr, size, 0);
        const auto failed = errno;
        ::close(from);
        errno = failed;
        return counted(what, count);
    }
    std::string splice_out(const Words &words) {
        std::array<int, 2> pipe{};
        if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return done("pipe", -1);
        const auto count = ::splice(descriptor(words[0]), nullptr, pipe[1], nullptr, static_cast<std::size_t>(number(words[1])), 0);
        const auto failed = errno;
        ::close(pipe[1]);
        std::string copied(65'536, '\0');
        const auto got = ::read(pipe[0], copied.data(), copied.size());
        copied.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        ::close(pipe[0]);
        errno = failed;
        return told_copied("splice", count, copied);
    }
    std::string splice_in(const Words &words) {
        std::array<int, 2> pipe{};
        if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return done("pipe", -1);
        const auto bytes = next_data(static_cast<std::size_t>(number(words[1])));
        if (::write(pipe[1], bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return done("pipe", -1);
        ::close(pipe[1]);
        const auto count = ::splice(pipe[0], nullptr, descriptor(words[0]), nullptr, bytes.size(), 0);
        const auto failed = errno;
        ::close(pipe[0]);
        errno = failed;
        return counted("splice", count);
    }
    std::string watch(const Words &words) {
        watcher_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        return done("watch", ::inotify_add_watch(watcher_, words[0].c_str(), IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_OPEN));
    }
    std::string watched(const Words & /*none*/) const {
        std::array<char, 4096> events{};
        const auto got = ::read(watcher_, events.data(), events.size());
        if (got < 0) return done("watched", -1);
        unsigned seen = 0;
        for (std::ptrdiff_t at = 0; at < got;) {
            inotify_event event{};
            std::memcpy(&event, events.data() + at, sizeof(event));
            seen |= event.mask;
            at += static_cast<std::ptrdiff_t>(sizeof(event) + event.len);
        }
        std::string told = "watched";
        if ((seen & IN_OPEN) != 0) told += " open";
        if ((seen & IN_MODIFY) != 0) told += " modify";
        if ((seen & IN_ATTRIB) != 0) told += " attrib";
        if ((seen & IN_CLOSE_WRITE) != 0) told += " close-write";
        return told;
    }
    // What a driver of the lab is told in the middle: nothing of the action.
    static std::string set(const Words &words) {
        const auto file = ::open(words[0].c_str(), O_WRONLY | O_CLOEXEC);
        const auto written = ::write(file, words[1].data(), words[1].size());
        ::close(file);
        return written == std::ssize(words[1]) ? "" : "set " + words[0] + " failed";
    }
    std::string become(const Words &words) {
        const auto id = static_cast<unsigned>(number(words[0]));
        if (::setresgid(id, id, id) != 0 || ::setresuid(id, id, id) != 0) return done("uid", -1);
        return "";
    }
    // Two processes that write at the same time, each so many bytes at the beginning, so many times.
    std::string writers(const Words &words) {
        const auto bytes = data().substr(0, static_cast<std::size_t>(number(words[1])));
        std::array<pid_t, 2> children{};
        for (auto &child : children) {
            child = ::fork();
            if (child != 0) continue;
            const auto file = ::open(words[0].c_str(), O_WRONLY);
            for (long i = 0; i < number(words[2]); ++i) {
                if (::pwrite(file, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) ::_exit(1);
            }
            ::_exit(0);
        }
        std::string told = "writers";
        for (const auto child : children) {
            int status = 0;
            ::waitpid(child, &status, 0);
            told += status == 0 ? " ok" : " failed";
        }
        return told;
    }
    // Whether whoever reads while another writes sees one whole value after the other, never a mix and never an older one again.
    std::string read_during_writes(const Words &words) {
        const auto before = contents(work_folder() / "before");
        const auto by = data().substr(0, register_size);
        std::vector<std::string> chain{before};
        for (long i = 0; i < number(words[1]); ++i) chain.push_back(extended(chain.back(), by));
        const auto child = ::fork();
        if (child == 0) {
            const auto file = ::open(words[0].c_str(), O_WRONLY);
            for (long i = 0; i < number(words[1]); ++i) {
                if (::pwrite(file, by.data(), by.size(), 0) != static_cast<ssize_t>(by.size())) ::_exit(1);
            }
            ::_exit(0);
        }
        const auto file = ::open(words[0].c_str(), O_RDONLY);
        std::string value(register_size, '\0');
        std::ptrdiff_t last = 0;
        int status = 0;
        bool is_over = false;
        do {
            is_over = ::waitpid(child, &status, WNOHANG) == child;
            if (::pread(file, value.data(), value.size(), 0) != static_cast<ssize_t>(value.size())) return "read failed";
            const auto found = std::ranges::find(chain, value) - chain.begin();
            if (found == std::ssize(chain)) return "read a value that never was";
            if (found < last) return "read an older value again";
            last = found;
        } while (!is_over);
        ::close(file);
        return status == 0 && last + 1 == std::ssize(chain) ? "read one whole value after the other" : "write failed";
    }
    // A child that ends, or is killed, with the descriptors of this process and after writing so much.
    std::string child_writes(const Words &words) {
        const auto bytes = next_data(static_cast<std::size_t>(number(words[1])));
        const auto child = ::fork();
        if (child == 0) {
            const auto written = ::write(descriptor(words[0]), bytes.data(), bytes.size());
            if (words[2] == "killed") ::raise(SIGKILL);
            ::_exit(written == static_cast<ssize_t>(bytes.size()) ? 0 : 1);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFSIGNALED(status) ? "child killed" : status == 0 ? "child wrote" : "child failed";
    }

    // ---- For the script

    std::string prepare(const Words &words) {
        const auto work = work_folder();
        data_ = random_data();
        save(work / "data", data_);
        for (const std::size_t size : std::to_array<std::size_t>({0, 1, 10, 24, 32, 47, 48, 49, 63, 64, 65, 96}))
            save(work / ("data" + std::to_string(size)), data_.substr(0, size));
        const auto before = contents(words[0]);
        if (before.size() != register_size) return "no register";
        save(work / "before", before);
        return "";
    }
    // How the register came from what `prepare` found to what it is.
    std::string change(const Words &words) {
        const auto before = contents(work_folder() / "before");
        const auto now = contents(words[0]);
        if (now.size() != register_size) return "register cannot be read";
        if (now == before) return "unchanged";
        for (std::size_t from = 0; from + register_size <= data().size(); ++from) {
            const auto by = data().substr(from, register_size);
            auto value = extended(before, by);
            if (value == now) return "extended by " + part_of_data(from, register_size);
            for (int times = 2; times <= 64; ++times) {
                value = extended(value, by);
                if (value == now) return "extended by " + part_of_data(from, register_size) + " " + std::to_string(times) + " times";
            }
        }
        for (std::size_t first = 0; first + register_size <= data().size(); first += register_size) {
            for (std::size_t second = 0; second + register_size <= data().size(); second += register_size) {
                if (extended(extended(before, data().substr(first, register_size)), data().substr(second, register_size)) == now)
                    return "extended by " + part_of_data(first, register_size) + " and " + part_of_data(second, register_size);
            }
        }
        return "changed otherwise";
    }
    // A folder of configfs: what a new reader finds.
    std::string report(const Words &words) {
        auto generation = contents(words[0] + "/generation");
        if (generation.ends_with('\n')) generation.pop_back();
        if (generation.empty()) return "no report";
        const Words file{"report", words[0] + "/outblob", "rdonly"};
        if (const auto opened = open(file); opened != "open") return "generation " + generation + "; outblob " + opened;
        return "generation " + generation + "; outblob " + quote({"report", "4096"});
    }

    template <typename Call>
    Operation path_call(std::string name, std::size_t arguments, Call call) {
        return {arguments, [name = std::move(name), call](const Words &words) { return done(name, call(words)); }};
    }

    std::map<std::string, int> descriptors_;
    std::string data_;
    std::size_t used_ = 0;
    std::string last_quote_;
    bool is_no_td_ = std::getenv("GUEST") != nullptr;
    int watcher_ = -1;
    bool is_first_ = true;

    std::map<std::string, Operation> operations_{
        {"open", {3, [this](const Words &words) { return open(words); }}},
        {"close", {1, [this](const Words &words) { return done("close", ::close(descriptor(words[0]))); }}},
        {"dup",
         {2,
          [this](const Words &words) {
              descriptors_[words[1]] = ::dup(descriptor(words[0]));
              return done("dup", descriptors_[words[1]]);
          }}},
        {"read", {2, [this](const Words &words) { return read(words, std::nullopt); }}},
        {"pread", {3, [this](const Words &words) { return read(words, number(words[2])); }}},
        {"write", {2, [this](const Words &words) { return write(words, std::nullopt); }}},
        {"pwrite", {3, [this](const Words &words) { return write(words, number(words[2])); }}},
        {"writev", {2, [this](const Words &words) { return writev(words); }}},
        {"quote", {2, [this](const Words &words) { return quote(words); }}},
        {"quoted", {1, [this](const Words &words) { return quoted(words); }}},
        {"lseek", {3, [this](const Words &words) { return lseek(words); }}},
        {"ftruncate", {2, [this](const Words &words) { return done("ftruncate", ::ftruncate(descriptor(words[0]), number(words[1]))); }}},
        {"fallocate",
         {2, [this](const Words &words) { return done("fallocate", ::fallocate(descriptor(words[0]), 0, 0, number(words[1]))); }}},
        {"fsync", {1, [this](const Words &words) { return done("fsync", ::fsync(descriptor(words[0]))); }}},
        {"fdatasync", {1, [this](const Words &words) { return done("fdatasync", ::fdatasync(descriptor(words[0]))); }}},
        {"lock", {1, [this](const Words &words) { return done("lock", ::flock(descriptor(words[0]), LOCK_EX | LOCK_NB)); }}},
        {"unlock", {1, [this](const Words &words) { return done("unlock", ::flock(descriptor(words[0]), LOCK_UN)); }}},
        {"map", {2, [this](const Words &words) { return map(words); }}},
        {"poll", {1, [this](const Words &words) { return poll(words); }}},
        {"sendfile-out", {2, [this](const Words &words) { return copy_out("sendfile", words); }}},
        {"sendfile-in", {2, [this](const Words &words) { return copy_in("sendfile", words); }}},
        {"copy-out", {2, [this](const Words &words) { return copy_out("copy_file_range", words); }}},
        {"copy-in", {2, [this](const Words &words) { return copy_in("copy_file_range", words); }}},
        {"splice-out", {2, [this](const Words &words) { return splice_out(words); }}},
        {"splice-in", {2, [this](const Words &words) { return splice_in(words); }}},
        {"watch", {1, [this](const Words &words) { return watch(words); }}},
        {"watched", {0, [this](const Words &words) { return watched(words); }}},
        {"set", {2, [](const Words &words) { return set(words); }}},
        {"uid", {1, [this](const Words &words) { return become(words); }}},
        {"writers", {3, [this](const Words &words) { return writers(words); }}},
        {"read-during-writes", {2, [this](const Words &words) { return read_during_writes(words); }}},
        {"child-writes", {3, [this](const Words &words) { return child_writes(words); }}},
        {"mkdir",
         path_call("mkdir", 2, [](const Words &words) { return ::mkdir(words[0].c_str(), static_cast<mode_t>(number(words[1]))); })},
        {"rmdir", path_call("rmdir", 1, [](const Words &words) { return ::rmdir(words[0].c_str()); })},
        {"unlink", path_call("unlink", 1, [](const Words &words) { return ::unlink(words[0].c_str()); })},
        {"rename", path_call("rename", 2, [](const Words &words) { return ::rename(words[0].c_str(), words[1].c_str()); })},
        {"link", path_call("link", 2, [](const Words &words) { return ::link(words[0].c_str(), words[1].c_str()); })},
        {"symlink", path_call("symlink", 2, [](const Words &words) { return ::symlink(words[0].c_str(), words[1].c_str()); })},
        {"mkfifo", path_call("mkfifo", 1, [](const Words &words) { return ::mkfifo(words[0].c_str(), 0600); })},
        {"truncate", path_call("truncate", 2, [](const Words &words) { return ::truncate(words[0].c_str(), number(words[1])); })},
        {"can-read", path_call("can-read", 1, [](const Words &words) { return ::access(words[0].c_str(), R_OK); })},
        {"can-write", path_call("can-write", 1, [](const Words &words) { return ::access(words[0].c_str(), W_OK); })},
        {"can-execute", path_call("can-execute", 1, [](const Words &words) { return ::access(words[0].c_str(), X_OK); })},
        {"prepare", {1, [this](const Words &words) { return prepare(words); }}},
        {"change", {1, [this](const Words &words) { return change(words); }}},
        {"report", {1, [this](const Words &words) { return report(words); }}},
        {"generation",
         {1,
          [](const Words &words) {
              auto generation = contents(words[0] + "/generation");
              if (generation.ends_with('\n')) generation.pop_back();
              return "generation " + (generation.empty() ? "cannot be read" : generation);
          }}},
        {"size",
         {1,
          [](const Words &words) {
              struct stat told{};
              return ::stat(words[0].c_str(), &told) == 0 ? "size " + std::to_string(told.st_size) : done("stat", -1);
          }}},
    };
};

}  // namespace

int main(int argc, char **argv) {
    if (argc < 2) end_for_wrong_usage("no operation");
    return Actions().run(std::span(argv + 1, static_cast<std::size_t>(argc) - 1));
}
