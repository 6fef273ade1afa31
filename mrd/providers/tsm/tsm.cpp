#include "mrd/providers/tsm/tsm.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "mrd/providers/tsm/configfs_quoter.h"
#include "mrd/providers/tsm/qgs_quoter.h"
#include "mrd/providers/tsm/registers.h"
#include "mrd/providers/tsm/report_kind.h"
#include "mrd/providers/tsm/report_registers.h"
#include "mrd/providers/tsm/sight.h"

namespace mrd::tsm {
namespace {

class DeviceReporter final : public Reporter {
public:
    explicit DeviceReporter(GuestDevice &device) : device_(device) {}

    std::expected<mr::Bytes, ProviderError> report(mr::ByteView report_data) override {
        mr::ReportData data{};
        if (report_data.size() != data.size()) {
            return std::unexpected(
                ProviderError{"a TDREPORT takes 64 bytes of report data, these are " + std::to_string(report_data.size()), Applied::no});
        }
        std::ranges::copy(report_data, data.begin());
        const auto made = device_.report(data);
        if (!made) return std::unexpected(made.error());
        return mr::Bytes(made->begin(), made->end());
    }

private:
    GuestDevice &device_;
};

// A TD.
class Tsm final : public Provider {
public:
    Tsm(const Options &options, std::vector<MeasurementFile> files, std::unique_ptr<GuestDevice> device)
        : name_(options.name), device_(std::move(device)), registers_(std::move(files), device_.get()) {
        if (device_) reporter_.emplace(*device_);
        quoter_ = options.qgs ? make_qgs_quoter(*options.qgs, *reporter_, registers_.list())
                              : make_configfs_quoter(options.paths.reports, registers_.list());
    }

    [[nodiscard]] std::string_view name() const override { return name_; }
    [[nodiscard]] std::string_view kind() const override { return "tdx"; }
    [[nodiscard]] bool simulated() const override { return false; }
    [[nodiscard]] bool may_wait() const override { return true; }
    RegisterDriver *registers() override { return &registers_; }
    Reporter *reporter() override { return reporter_ ? &*reporter_ : nullptr; }
    Quoter *quoter() override { return quoter_.get(); }

private:
    std::string name_;
    std::unique_ptr<GuestDevice> device_;
    Registers registers_;
    std::optional<DeviceReporter> reporter_;  // keeps nothing: quotes use it beside the queue's calls
    std::unique_ptr<Quoter> quoter_;
};

// Hardware that has reports alone. What they hold is read like registers, where this mrd can read them; its quotes need that not.
class Reports final : public Provider {
public:
    Reports(const Options &options, std::string_view kind) : name_(options.name), kind_(kind) {
        registers_ = ReportRegisters::of(kind, make_configfs_quoter(options.paths.reports, {}));
        quoter_ = make_configfs_quoter(options.paths.reports, registers_ ? registers_->list() : std::vector<RegisterSpec>());
    }

    [[nodiscard]] std::string_view name() const override { return name_; }
    [[nodiscard]] std::string_view kind() const override { return kind_; }
    [[nodiscard]] bool simulated() const override { return false; }
    [[nodiscard]] bool may_wait() const override { return true; }
    void tell(ProviderNews news) override {
        if (registers_) registers_->tell(news);
    }
    RegisterDriver *registers() override { return registers_.get(); }
    Quoter *quoter() override { return quoter_.get(); }

private:
    std::string name_;
    std::string kind_;
    std::unique_ptr<ReportRegisters> registers_;
    std::unique_ptr<Quoter> quoter_;
};

// Null: there is none, or a TD's, of which there would be more.
std::unique_ptr<Provider> open_reports_alone(const Options &options) {
    const auto driver = find_report_driver(options.paths.reports);
    const auto *const kind = driver ? find_report_kind(*driver) : nullptr;
    if (kind == nullptr || kind->kind == "tdx") return nullptr;
    return std::make_unique<Reports>(options, kind->kind);
}

}  // namespace

opener::Places places_of(const Options &options) {
    using Kind = opener::Place::Kind;
    const auto &paths = options.paths;
    // A module that is loaded again, or configfs that is mounted later, has new folders: what an opener is let into is above them.
    opener::Places places{
        {.kind = Kind::folder, .path = paths.measurements, .writable = true, .root = paths.measurements.parent_path().parent_path()},
        {.kind = Kind::file, .path = paths.guest_device, .writable = true, .root = paths.guest_device.parent_path()},
        {.kind = Kind::instances, .path = paths.reports, .writable = true, .root = "/sys/kernel"},
    };
    if (options.qgs) places.push_back({.kind = Kind::socket, .path = options.qgs->text(), .address = options.qgs->bytes()});
    return places;
}

std::unique_ptr<Provider> make_provider(const Options &options, std::vector<MeasurementFile> files, std::unique_ptr<GuestDevice> device) {
    return std::make_unique<Tsm>(options, std::move(files), std::move(device));
}

std::expected<std::unique_ptr<Provider>, std::string> open(const Options &options) {
    const auto &paths = options.paths;
    std::error_code unknown;
    std::vector<MeasurementFile> files;
    if (std::filesystem::exists(paths.measurements, unknown)) {
        auto found = find_measurement_files(paths.measurements);
        if (!found) return std::unexpected(std::move(found.error()));
        files = std::move(*found);
    }
    std::unique_ptr<GuestDevice> device;
    if (std::filesystem::exists(paths.guest_device, unknown)) device = open_guest_device(paths.guest_device);
    if (files.empty() && !device) {
        if (auto reports = open_reports_alone(options)) return reports;
        return std::unexpected("this kernel shows no TD: " + look_for(paths).text());
    }
    if (options.qgs && !device) {
        return std::unexpected("quotes of " + options.qgs->text() + " are made over TDREPORTs of " + paths.guest_device.native() +
                               ", which is not there: `modprobe tdx_guest`, or leave provider.qgs out");
    }
    return make_provider(options, std::move(files), std::move(device));
}

}  // namespace mrd::tsm
