// A folder of plain files in the place of the kernel's: what is written stays as it is, at the file's beginning. What the kernel makes of it, tests/kernel-lab shows.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "mr/bytes.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd::tsm {

class MeasurementFolder {
public:
    // What a TD has.
    static void add_td_registers(MeasurementFolder &folder) {
        for (const auto *name : {"rtmr0:sha384", "rtmr1:sha384", "rtmr2:sha384", "rtmr3:sha384"}) folder.add(name, 0644, 48);
        for (const auto *name : {"mrtd:sha384", "mrconfigid", "mrowner", "mrownerconfig"}) folder.add(name, 0444, 48);
    }

    void add(const std::string &name, mode_t mode, std::size_t size, char fill = 0) {
        std::ofstream(path() / name) << std::string(size, fill);
        ::chmod((path() / name).c_str(), mode);
    }
    [[nodiscard]] std::string content(const std::string &name) const {
        std::ifstream file(path() / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    [[nodiscard]] const std::filesystem::path &path() const { return folder_.path(); }

private:
    TemporaryFolder folder_;
};

}  // namespace mrd::tsm
