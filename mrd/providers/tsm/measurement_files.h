// Registers as Linux's tsm-mr shows them (since 6.16): a file each in the folder `measurements` of a device, NAME:HASH, or NAME for what has no hash. A file has
// the register's length; its mode says what can be done with it. What the kernel does with each call: tests/kernel-lab/measurements_test.cpp.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mrd/providers/provider.h"

namespace mrd::tsm {

struct MeasurementFile {
    std::filesystem::path path;
    std::string name;  // "rtmr3"
    std::optional<mr::HashAlgorithm> hash;
    std::size_t size = 0;  // bytes
    bool readable = false;
    bool writable = false;

    // Writing extends it; what is writable and has no hash, or cannot be read, is a store.
    [[nodiscard]] bool extensible() const { return readable && writable && hash.has_value(); }
};

// In the order of their names. Those with a hash that mrd does not know are left out: nothing could be replayed into them. Error: one sentence.
std::expected<std::vector<MeasurementFile>, std::string> find_measurement_files(const std::filesystem::path &folder);

// What the kernel shows, exactly `size` bytes. It rereads the hardware only after a write that succeeded, of any file of the folder: what was extended another
// way it does not see.
std::expected<mr::Bytes, ProviderError> read_measurement(const MeasurementFile &file);

// One write of all bytes: of fewer the kernel takes none, of more it takes the first. Precondition: bytes.size() == file.size.
std::expected<void, ProviderError> write_measurement(const MeasurementFile &file, mr::ByteView bytes);

// The errors of a write that are certain to have changed nothing: those that the kernel gives before it asks the hardware, and the hardware's own refusals
// (ENXIO: no such operand, EBUSY: operand busy). EINTR is none of them: a driver may give it after its call.
Applied applied_by_failed_write(int error);

}  // namespace mrd::tsm
