#include "mrd/providers/tsm/registers.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "mrd/providers/tdx/td_roles.h"

namespace mrd::tsm {
namespace {

constexpr RefreshSet report_set = 0;

// What a TDREPORT has, by the names of the kernel's files; servtd_hash has none.
struct Field {
    std::string_view name;
    std::size_t offset;  // in the report
    bool hashed = true;
};
constexpr std::size_t value_size = 48;
constexpr Field fields[] = {
    {"mrtd", 528},           {"mrconfigid", 576, false},
    {"mrowner", 624, false}, {"mrownerconfig", 672, false},
    {"rtmr0", 720},          {"rtmr1", 768},
    {"rtmr2", 816},          {"rtmr3", 864},
    {"servtd_hash", 912},
};

std::optional<mr::HashAlgorithm> hash_of(const Field &field) {
    return field.hashed ? std::optional(mr::HashAlgorithm::sha384) : std::nullopt;
}

// Where nobody would see that somebody else extended one, none is shared.
mr::Owner default_owner(std::string_view name, bool others_are_seen) {
    if (name == "rtmr0" || name == "rtmr1") return mr::Owner::observed;
    if (name == "rtmr2") return others_are_seen ? mr::Owner::shared : mr::Owner::observed;
    return mr::Owner::owned;
}

// The kernel rereads the hardware for a file only after a write through the files that succeeded.
std::string why_others_are_unseen(bool has_device) {
    return std::string(has_device ? "no TDREPORT has it" : "there is no device for TDREPORTs") +
           ", and the kernel's file shows what others have extended only after mrd's own next extend";
}

mr::Flags flags_of(const MeasurementFile &file) {
    mr::Flags flags;
    if (file.readable) flags = flags | mr::Flag::readable;
    if (file.writable) flags = flags | mr::Flag::writable;
    if (file.extensible()) flags = flags | mr::flags_rtmr;
    return flags;
}

}  // namespace

Registers::Registers(std::vector<MeasurementFile> files, GuestDevice *device) : device_(device) {
    RefreshSet next_set = device == nullptr ? 0 : report_set + 1;
    for (auto &file : files) {
        const auto *field = std::ranges::find(fields, file.name, &Field::name);
        const bool is_in_report = device != nullptr && field != std::end(fields) && hash_of(*field) == file.hash && file.size == value_size;
        RegisterSpec spec{.name = file.name,
                          .hash = file.hash,
                          .size = file.size,
                          .flags = flags_of(file),
                          .owner = default_owner(file.name, is_in_report),
                          .refresh_set = is_in_report ? report_set : next_set++,
                          .others_unseen = is_in_report ? std::string() : why_others_are_unseen(device != nullptr),
                          .roles = td_roles(file.name)};
        add(std::move(spec), {.file = std::move(file), .in_report = is_in_report ? std::optional(field->offset) : std::nullopt});
    }
    if (device == nullptr) return;
    for (const auto &field : fields) {
        if (std::ranges::find(specs_, field.name, &RegisterSpec::name) != specs_.end()) continue;
        const bool changes = field.name.starts_with("rtmr");
        add({.name = std::string(field.name),
             .hash = hash_of(field),
             .size = value_size,
             .flags = changes ? mr::flags_live : mr::Flags(mr::Flag::readable),
             .owner = changes ? mr::Owner::observed : mr::Owner::owned},
            {.in_report = field.offset});
    }
    add({.name = "reportdata",
         .hash = std::nullopt,
         .size = mr::report_data_size,
         .flags = mr::Flag::writable | mr::Flag::readable | mr::Flag::file,
         .carries_generation = true},
        {.is_report_data = true});
    add({.name = "report0",
         .hash = std::nullopt,
         .size = mr::tdreport_size,
         .flags = mr::flags_live | mr::Flag::file,
         .carries_generation = true},
        {.in_report = 0});
}

void Registers::add(RegisterSpec spec, Source source) {
    specs_.push_back(std::move(spec));
    sources_.push_back(std::move(source));
}

std::expected<void, ProviderError> Registers::refresh(RefreshSet set, std::vector<mr::Bytes> &values) {
    if (device_ != nullptr && set == report_set) return refresh_report(values);
    const auto index = static_cast<RegisterIndex>(std::ranges::find(specs_, set, &RegisterSpec::refresh_set) - specs_.begin());
    const auto &file = *sources_[index].file;
    if (!file.readable) {
        values[index].assign(file.size, 0);
        return {};
    }
    if (files_are_stale_ && file.writable) {
        return not_applied(file.path.native() +
                           " may show an old value: an extend failed, and the kernel does not look again before another one has succeeded");
    }
    auto value = read_measurement(file);
    if (!value) return std::unexpected(std::move(value.error()));
    values[index] = std::move(*value);
    return {};
}

std::expected<void, ProviderError> Registers::refresh_report(std::vector<mr::Bytes> &values) {
    const auto report = device_->report(report_data_);
    if (!report) return std::unexpected(report.error());
    for (RegisterIndex index = 0; index < specs_.size(); ++index) {
        const auto &source = sources_[index];
        if (source.is_report_data) {
            values[index].assign(report_data_.begin(), report_data_.end());
        } else if (source.in_report) {
            const auto part = mr::ByteView(*report).subspan(*source.in_report, specs_[index].size);
            values[index].assign(part.begin(), part.end());
        }
    }
    return {};
}

std::expected<void, ProviderError> Registers::extend(RegisterIndex index, const mr::Digest &digest) {
    const auto &source = sources_[index];
    if (!source.file || !source.file->extensible()) return not_applied("the kernel has no file to extend " + specs_[index].name + " with");
    return write_file(source, digest.bytes());
}

std::expected<void, ProviderError> Registers::write(RegisterIndex index, mr::ByteView value) {
    const auto &source = sources_[index];
    if (value.size() != specs_[index].size) {
        return not_applied(specs_[index].name + " takes " + std::to_string(specs_[index].size) + " bytes, these are " +
                           std::to_string(value.size()));
    }
    if (source.is_report_data) {
        std::ranges::copy(value, report_data_.begin());
        return {};
    }
    if (!source.file) return not_applied("the kernel has no file to write " + specs_[index].name + " with");
    return write_file(source, value);
}

std::expected<void, ProviderError> Registers::write_file(const Source &source, mr::ByteView bytes) {
    // The kernel would cut more, and extend all the same.
    if (bytes.size() != source.file->size) {
        return not_applied(source.file->path.native() + " takes " + std::to_string(source.file->size) + " bytes, these are " +
                           std::to_string(bytes.size()));
    }
    auto written = write_measurement(*source.file, bytes);
    if (written || written.error().applied != Applied::no) files_are_stale_ = !written;
    return written;
}

}  // namespace mrd::tsm
