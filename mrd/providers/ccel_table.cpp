#include "mrd/providers/ccel_table.h"

#include "mrd/opener/opener.h"

namespace mrd {

namespace {

constexpr std::size_t table_size = 56;
constexpr std::size_t type_at = 36;  // behind the header that all tables have
constexpr std::size_t subtype_at = 37;
constexpr std::uint8_t type_sev = 1;
constexpr std::uint8_t type_tdx = 2;

std::string name_of(std::uint8_t type) {
    if (type == type_sev) return "AMD SEV";
    if (type == type_tdx) return "Intel TDX";
    return "a kind of machine that mrd does not know";
}

}  // namespace

std::expected<void, std::string> check_ccel_table(const std::filesystem::path &log) {
    if (log.filename() != "CCEL" || log.parent_path().filename() != "data") return {};
    const auto path = log.parent_path().parent_path() / "CCEL";
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return {};
    const auto refuse = [&path](const std::string &what) { return std::unexpected("the ACPI table " + path.string() + " " + what); };
    const auto table = opener::read_file(path, table_size);
    if (!table) return refuse("cannot be read: " + table.error());
    if (table->size() < table_size) return refuse("has " + std::to_string(table->size()) + " bytes, and not " + std::to_string(table_size));
    if (mr::Bytes(table->begin(), table->begin() + 4) != mr::Bytes{'C', 'C', 'E', 'L'}) return refuse("is another table");
    const auto type = (*table)[type_at];
    const auto subtype = (*table)[subtype_at];
    if (type == type_tdx && subtype == 0) return {};
    return refuse("is of " + name_of(type) + " (type " + std::to_string(type) + ", subtype " + std::to_string(subtype) +
                  "): its log says nothing of a TD's registers");
}

}  // namespace mrd
