#include "mrd/providers/tsm/configfs_quoter.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mrd/log.h"
#include "mrd/opener/opener.h"
#include "mrd/providers/report_options.h"
#include "mrd/providers/tsm/kernel_file.h"
#include "mrd/providers/tsm/report_kind.h"
#include "mrd/providers/tsm/slow_call.h"

namespace mrd::tsm {
namespace {

using Cause = QuoteFailure::Cause;

constexpr std::int64_t max_privilege_level = 3;  // TSM_REPORT_PRIVLEVEL_MAX

// Of a call that the kernel makes a quote in.
Cause cause_of(int error) {
    switch (error) {
    case EBUSY: return Cause::unavailable;  // the host still has a request that it did not answer in time
    case EINTR: return Cause::cancelled;
    case ENXIO: return Cause::unavailable;  // nobody makes quotes: the driver is not loaded
    case ETIMEDOUT: return Cause::timed_out;
    default: return Cause::failed;
    }
}

// One report's folder, for as long as it lives.
class Folder {
public:
    static std::expected<Folder, QuoteFailure> make(const std::filesystem::path &reports) {
        auto made = opener::make_instance(reports);
        if (!made) return no_quote(Cause::unavailable, kernel_refusal("make a folder in", reports, made.error()));
        return Folder(std::move(*made));
    }
    Folder(Folder &&other) noexcept : path_(std::exchange(other.path_, {})) {}
    Folder &operator=(Folder &&) = delete;
    ~Folder() {
        if (!path_.empty()) opener::remove_instance(path_);
    }

    [[nodiscard]] bool has(const char *attribute) const { return ::access((path_ / attribute).c_str(), F_OK) == 0; }

    // One write, which takes effect at the close behind it and is counted in the generation.
    std::expected<void, QuoteFailure> write(const char *attribute, mr::ByteView bytes) {
        const auto path = path_ / attribute;
        const auto file = open_kernel_file(path, O_WRONLY);
        if (!file) return refused(Cause::unavailable, "open", path, errno);
        if (::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
            return refused(Cause::failed, "write", path, errno);
        ++writes_;
        return {};
    }

    [[nodiscard]] std::expected<mr::Bytes, QuoteFailure> read(const char *attribute) const {
        const auto path = path_ / attribute;
        const auto file = open_kernel_file(path, O_RDONLY);
        if (!file) return refused(Cause::unavailable, "open", path, errno);
        mr::Bytes bytes;
        constexpr std::size_t step = std::size_t{64} << 10;
        for (;;) {
            const auto size = bytes.size();
            if (size > max_blob_size)
                return no_quote(Cause::invalid, path.native() + " has more than " + std::to_string(max_blob_size) + " bytes");
            bytes.resize(size + step);
            const auto got = ::read(file.get(), bytes.data() + size, step);
            if (got < 0) return refused(cause_of(errno), "read", path, errno);
            bytes.resize(size + static_cast<std::size_t>(got));
            if (got == 0) return bytes;
        }
    }
    [[nodiscard]] std::expected<std::string, QuoteFailure> read_line(const char *attribute) const {
        auto bytes = read(attribute);
        if (!bytes) return std::unexpected(std::move(bytes.error()));
        while (!bytes->empty() && bytes->back() == '\n') bytes->pop_back();
        return std::string(bytes->begin(), bytes->end());
    }

    // Has nobody but us written to it? Every write counts, also one that changes nothing.
    [[nodiscard]] std::expected<void, QuoteFailure> check_generation() const {
        const auto generation = read_line("generation");
        if (!generation) return std::unexpected(generation.error());
        if (*generation == std::to_string(writes_)) return {};
        return no_quote(Cause::invalid, "somebody else wrote to " + path_.native() + " while the quote was made: its generation is " +
                                            *generation + ", not " + std::to_string(writes_));
    }

private:
    explicit Folder(std::filesystem::path path) : path_(std::move(path)) {}

    // A file of a folder that is gone says so too.
    [[nodiscard]] std::unexpected<QuoteFailure> refused(Cause cause, const char *what, const std::filesystem::path &path, int error) const {
        if (error == ENOENT && ::access(path_.c_str(), F_OK) != 0)
            return no_quote(Cause::invalid, "somebody else removed " + path_.native() + " while the quote was made");
        return no_quote(cause, kernel_refusal(what, path, error));
    }

    std::filesystem::path path_;
    int writes_ = 0;
};

class ConfigfsQuoter final : public Quoter {
public:
    ConfigfsQuoter(std::filesystem::path reports, std::vector<RegisterSpec> registers)
        : reports_(std::move(reports)), registers_(std::move(registers)) {
        opener::remove_left_instances(reports_);
    }

    std::expected<Quoted, QuoteFailure> quote(mr::ByteView report_data, const mr::ReportOptions &options,
                                              const std::stop_token &stop) override {
        // The kernel takes fewer, and drops all where there are more.
        if (report_data.size() != max_report_data) return no_quote(Cause::no_report, "a quote takes 64 bytes of report data");
        auto folder = Folder::make(reports_);
        if (!folder) return std::unexpected(std::move(folder.error()));
        const auto driver = folder->read_line("provider");
        if (!driver) return std::unexpected(driver.error());
        const auto *const kind = find_report_kind(*driver);
        if (kind == nullptr) return no_quote(Cause::not_supported, "quotes of " + *driver);
        if (auto taken = check_options(options, kind->options); !taken) return std::unexpected(std::move(taken.error()));
        if (auto asked = write_options(*folder, options); !asked) return std::unexpected(std::move(asked.error()));
        if (auto asked = folder->write("inblob", report_data); !asked) return std::unexpected(std::move(asked.error()));
        if (auto same = folder->check_generation(); !same) return std::unexpected(std::move(same.error()));
        if (stop.stop_requested()) return no_quote(Cause::cancelled, {});
        auto quote = folder->read("outblob");
        if (!quote) return std::unexpected(std::move(quote.error()));
        auto auxiliary = read_beside(*folder, "auxblob");
        if (!auxiliary) return std::unexpected(std::move(auxiliary.error()));
        auto manifest = read_beside(*folder, "manifestblob");
        if (!manifest) return std::unexpected(std::move(manifest.error()));
        if (auto same = folder->check_generation(); !same) return std::unexpected(std::move(same.error()));

        // The kernel's first driver gave one that failed as one of no bytes.
        if (quote->empty()) return no_quote(Cause::failed, "the kernel gave a quote without a byte: the host refused it");
        if (options.certificates && !*auxiliary)
            return no_quote(Cause::invalid, "there are no certificates beside the quote: the host gave none");
        auto read = kind->read({report_data, options}, {*quote, *manifest ? mr::ByteView(**manifest) : mr::ByteView()}, registers_);
        if (!read) return no_quote(Cause::invalid, std::move(read.error()));
        return Quoted{std::move(*quote), std::move(*auxiliary), std::move(*manifest), std::move(read->format), std::move(read->says)};
    }

private:
    // What the kernel would refuse, or take and pass over, has not come so far, but for a level that this machine has not.
    static std::expected<void, QuoteFailure> write_options(Folder &folder, const mr::ReportOptions &options) {
        for (const auto &[name, value] : asked_options(options)) {
            const auto *const attribute = attribute_of(name);
            if (!folder.has(attribute)) return no_quote(Cause::not_supported, std::string(name));
            if (name == option::privilege_level) {
                if (auto good = check_level(folder, *options.privilege_level); !good) return good;
            }
            if (name == option::certificates) continue;
            if (auto written = folder.write(attribute, mr::as_bytes(value)); !written) return written;
        }
        if (options.privilege_level || options.service_provider || !folder.has("privlevel")) return {};
        // Without one the kernel asks for level 0, which a machine of a higher one cannot have.
        const auto floor = folder.read_line("privlevel_floor");
        if (!floor) return std::unexpected(floor.error());
        return folder.write("privlevel", mr::as_bytes(*floor));
    }

    static const char *attribute_of(std::string_view option) {
        if (option == option::privilege_level) return "privlevel";
        if (option == option::service_provider) return "service_provider";
        if (option == option::service_guid) return "service_guid";
        if (option == option::service_manifest_version) return "service_manifest_version";
        return "auxblob";
    }

    static std::expected<void, QuoteFailure> check_level(const Folder &folder, std::int64_t level) {
        const auto floor = folder.read_line("privlevel_floor");
        if (!floor) return std::unexpected(floor.error());
        std::int64_t least = 0;
        std::from_chars(floor->data(), floor->data() + floor->size(), least);
        if (level >= least && level <= max_privilege_level) return {};
        return no_quote(Cause::not_supported, std::string(option::privilege_level) + " " + std::to_string(level) + ": this machine takes " +
                                                  *floor + " to " + std::to_string(max_privilege_level));
    }

    // Nothing where the kernel does not show it, or shows it empty.
    static std::expected<std::optional<mr::Bytes>, QuoteFailure> read_beside(const Folder &folder, const char *attribute) {
        if (!folder.has(attribute)) return std::nullopt;
        auto bytes = folder.read(attribute);
        if (!bytes) return std::unexpected(std::move(bytes.error()));
        return bytes->empty() ? std::nullopt : std::optional(std::move(*bytes));
    }

    std::filesystem::path reports_;
    std::vector<RegisterSpec> registers_;
};

}  // namespace

std::expected<std::string, std::string> find_report_driver(const std::filesystem::path &reports) {
    constexpr auto patience = std::chrono::seconds(5);
    const auto tell = [&reports] {
        log::warning(
            "the kernel has not said yet who makes its reports: it holds its lock while it makes one for another program, and this waits",
            {{"folder", reports.native()}});
    };
    return tell_if_slow(patience, tell, [&reports]() -> std::expected<std::string, std::string> {
        const auto folder = Folder::make(reports);
        if (!folder) return std::unexpected(folder.error().reason);
        auto driver = folder->read_line("provider");
        if (!driver) return std::unexpected(std::move(driver.error().reason));
        return std::move(*driver);
    });
}

std::unique_ptr<Quoter> make_configfs_quoter(std::filesystem::path reports, std::vector<RegisterSpec> registers) {
    return std::make_unique<ConfigfsQuoter>(std::move(reports), std::move(registers));
}

}  // namespace mrd::tsm
