#include "mrd/providers/tsm/sight.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "mrd/providers/tsm/configfs_quoter.h"
#include "mrd/providers/tsm/kernel_file.h"
#include "mrd/providers/tsm/measurement_files.h"
#include "mrd/providers/tsm/report_kind.h"

namespace mrd::tsm {
namespace {

using std::filesystem::path;

bool is_there(const path &file) {
    std::error_code unknown;
    return std::filesystem::exists(file, unknown);
}

// 0, or why this process may not.
int may(const path &file, int what) { return ::faccessat(AT_FDCWD, file.c_str(), what, AT_EACCESS) == 0 ? 0 : errno; }

bool is_mount_point(const path &folder) {
    struct stat its{};
    struct stat parents{};
    return ::stat(folder.c_str(), &its) == 0 && ::stat(folder.parent_path().c_str(), &parents) == 0 && its.st_dev != parents.st_dev;
}

// ---- One clause for each

std::string measurements_clause(const Paths &paths, const std::expected<std::vector<MeasurementFile>, std::string> &files) {
    const auto &folder = paths.measurements.native();
    if (!is_there(paths.measurements)) {
        return folder + " is not there (Linux 6.16 and later, with CONFIG_TSM_MEASUREMENTS)" +
               (is_there(paths.guest_device) ? ": no register can be extended" : "");
    }
    if (!files) return files.error();
    int refusal = 0;
    const MeasurementFile *refused = nullptr;
    for (const auto &file : *files) {
        if (!file.extensible()) continue;
        refused = &file;
        refusal = may(file.path, W_OK);
        if (refusal == 0) break;
    }
    const auto count = folder + " has " + std::to_string(files->size()) + (files->size() == 1 ? " register" : " registers");
    return refusal == 0 ? count : count + ", and none can be extended: " + kernel_refusal("write", refused->path, refusal);
}

std::string device_clause(const Paths &paths, bool has_files) {
    const auto &device = paths.guest_device.native();
    if (!is_there(paths.guest_device)) {
        return device + " is not there" +
               (has_files ? ", although its module is loaded: give mrd's service or container the device"
                          : " (Linux 6.2 and later): on a TD, `modprobe tdx_guest`");
    }
    if (!open_kernel_file(paths.guest_device, O_RDWR)) return kernel_refusal("open", paths.guest_device, errno);
    return device + " is there";
}

std::string reports_clause(const Paths &paths) {
    const auto &reports = paths.reports.native();
    if (is_there(paths.reports)) {
        const int refusal = may(paths.reports, W_OK | X_OK);
        return refusal == 0 ? reports + " is there" : kernel_refusal("make a folder in", paths.reports, refusal);
    }
    const auto configfs = paths.reports.parent_path().parent_path();
    const auto mount = "`mount -t configfs configfs " + configfs.native() + "`";
    const auto why_not = !is_there(configfs)         ? "configfs is not loaded: `modprobe configfs`, and " + mount
                         : !is_mount_point(configfs) ? "configfs is not mounted: " + mount
                                                     : "on a TD, `modprobe tdx_guest` (Linux 6.7 and later)";
    return reports + " is not there, so there are no quotes of the kernel: " + why_not;
}

std::string firmware_log_clause(const Paths &paths) {
    if (!is_there(paths.firmware_log)) return paths.firmware_log.native() + " is not there: the firmware has left no log";
    const int refusal = may(paths.firmware_log, R_OK);
    return refusal == 0 ? paths.firmware_log.native() + " is there" : kernel_refusal("read", paths.firmware_log, refusal);
}

// Hardware with reports and no registers.
Sighting look_for_reports_alone(const Paths &paths) {
    auto clause = reports_clause(paths);
    if (!is_there(paths.reports)) return {.clauses = {std::move(clause)}};
    const auto driver = find_report_driver(paths.reports);
    if (!driver) {
        return {.clauses = {clause + ", and nobody makes reports (" + driver.error() +
                            "): with SEV-SNP `modprobe sev-guest`, on Arm CCA `modprobe arm-cca-guest`"}};
    }
    const auto *const kind = find_report_kind(*driver);
    clause += ", of " + *driver;
    if (kind == nullptr || kind->kind == "tdx") return {.clauses = {std::move(clause)}};
    return {.found = true, .name = std::string(kind->kind), .clauses = {std::move(clause)}};
}

}  // namespace

Sighting look_for(const Paths &paths) {
    const auto files = find_measurement_files(paths.measurements);
    const bool has_files = is_there(paths.measurements) && !(files && files->empty());
    const bool has_td = has_files || is_there(paths.guest_device);
    const auto reports = has_td ? Sighting{.found = true, .clauses = {reports_clause(paths)}} : look_for_reports_alone(paths);
    return {.found = reports.found,
            .name = reports.name,
            .clauses = {measurements_clause(paths, files), device_clause(paths, has_files), reports.clauses.front(),
                        firmware_log_clause(paths)}};
}

}  // namespace mrd::tsm
