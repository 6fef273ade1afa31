// What is signed is the report's bytes: the fields go back to their places, and whatever is not there is zero, so that a field that was changed, left out or moved fails
// the signature.
#include <algorithm>
#include <array>
#include <utility>

#include "libmr/src/attestation/wrapped/coco.h"
#include "libmr/src/event_log/byte_reader.h"
#include "mr/snp_report.h"
#include "proto/varlink/json_writer.h"

namespace mr::attestation {
namespace {

enum class FieldForm : std::uint8_t { number, bytes, tcb, version };

struct Field {
    std::string_view name;
    std::size_t offset;
    std::size_t size;
    FieldForm form = FieldForm::number;
    // From which version of reports on it is there; in the older ones it is null.
    std::uint32_t since = 0;
};

// In the order in which they are written. Offsets: mr/snp_report.h.
constexpr std::array fields{
    Field{"version", 0x000, 4},
    Field{"guest_svn", 0x004, 4},
    Field{"policy", 0x008, 8},
    Field{"family_id", 0x010, 16, FieldForm::bytes},
    Field{"image_id", 0x020, 16, FieldForm::bytes},
    Field{"vmpl", 0x030, 4},
    Field{"sig_algo", 0x034, 4},
    Field{"current_tcb", 0x038, 8, FieldForm::tcb},
    Field{"plat_info", 0x040, 8},
    Field{"key_info", 0x048, 4},
    Field{"report_data", 0x050, 64, FieldForm::bytes},
    Field{"measurement", 0x090, 48, FieldForm::bytes},
    Field{"host_data", 0x0C0, 32, FieldForm::bytes},
    Field{"id_key_digest", 0x0E0, 48, FieldForm::bytes},
    Field{"author_key_digest", 0x110, 48, FieldForm::bytes},
    Field{"report_id", 0x140, 32, FieldForm::bytes},
    Field{"report_id_ma", 0x160, 32, FieldForm::bytes},
    Field{"reported_tcb", 0x180, 8, FieldForm::tcb},
    Field{"cpuid_fam_id", 0x188, 1, FieldForm::number, 3},
    Field{"cpuid_mod_id", 0x189, 1, FieldForm::number, 3},
    Field{"cpuid_step", 0x18A, 1, FieldForm::number, 3},
    Field{"chip_id", 0x1A0, 64, FieldForm::bytes},
    Field{"committed_tcb", 0x1E0, 8, FieldForm::tcb},
    Field{"current", 0x1E8, 3, FieldForm::version},
    Field{"committed", 0x1EC, 3, FieldForm::version},
    Field{"launch_tcb", 0x1F0, 8, FieldForm::tcb},
    Field{"launch_mit_vector", 0x1F8, 8, FieldForm::number, 5},
    Field{"current_mit_vector", 0x200, 8, FieldForm::number, 5},
};

constexpr std::size_t number_size = 72;  // of r and s

// What earlier versions of the crate call it, or have beside it. Reserved bytes of another size than here end where these do.
constexpr std::array earlier_fields{
    Field{"_author_key_en", 0x048, 4},
    Field{"author_key_en", 0x048, 4},
    Field{"_reserved_0", 0x04C, 4},
    Field{"_reserved_1", 0x188, 24, FieldForm::bytes},
    Field{"current_build", 0x1E8, 1},
    Field{"current_minor", 0x1E9, 1},
    Field{"current_major", 0x1EA, 1},
    Field{"_reserved_2", 0x1EB, 1},
    Field{"committed_build", 0x1EC, 1},
    Field{"committed_minor", 0x1ED, 1},
    Field{"committed_major", 0x1EE, 1},
    Field{"_reserved_3", 0x1EF, 1},
    Field{"_reserved_4", 0x1F8, 168, FieldForm::bytes},
};

// Each of them, or all that stand for it in earlier versions.
constexpr std::array stand_ins{std::pair{std::string_view("key_info"), std::string_view("author_key_en")},
                               std::pair{std::string_view("key_info"), std::string_view("_author_key_en")},
                               std::pair{std::string_view("current"), std::string_view("current_build")},
                               std::pair{std::string_view("committed"), std::string_view("committed_build")}};

std::unexpected<Error> malformed_report(std::string message) {
    return std::unexpected(Error{ErrorCode::malformed, "the member attestation_report: " + std::move(message)});
}

// ---- Reading

class ReportReader {
public:
    std::expected<Bytes, Error> read(varlink::Value object) {
        for (auto member = object.first(); member && wrong_.empty(); member = member->next()) take(*member);
        for (const auto &field : fields) {
            const bool is_there = has(field.name) || std::ranges::any_of(stand_ins, [&](const auto &each) {
                                      return each.first == field.name && has(each.second);
                                  });
            if (!is_there && field.since == 0 && wrong_.empty()) wrong_ = std::string(field.name) + " is missing";
        }
        if (!has("signature") && wrong_.empty()) wrong_ = "signature is missing";
        if (!wrong_.empty()) return malformed_report(std::move(wrong_));
        return std::move(report_);
    }

private:
    [[nodiscard]] bool has(std::string_view name) const { return std::ranges::find(seen_, name) != seen_.end(); }

    void take(varlink::Value member) {
        const auto name = member.key();
        if (has(name)) return fail(name, "is there twice");
        seen_.emplace_back(name);
        if (name == "signature") return take_signature(member);
        const Field *field = nullptr;
        for (const auto table : {std::span<const Field>(fields), std::span<const Field>(earlier_fields)}) {
            for (const auto &each : table) field = each.name == name ? &each : field;
        }
        if (field == nullptr) return fail(name, "is no field of a report of SEV-SNP");
        if (field->since != 0 && member.kind() == varlink::Kind::null) return;
        switch (field->form) {
        case FieldForm::number: return take_number(member, name, field->offset, field->size);
        case FieldForm::bytes: return take_bytes(member, name, field->offset, field->size, name.starts_with('_'));
        case FieldForm::tcb: return take_tcb(member, name, field->offset);
        case FieldForm::version:
            return take_members(member, name, {{"build", field->offset}, {"minor", field->offset + 1}, {"major", field->offset + 2}});
        }
    }

    void take_number(varlink::Value value, std::string_view name, std::size_t offset, std::size_t size) {
        constexpr std::size_t size_of_int64 = 8;
        const auto number = value.as_int();
        if (!number || *number < 0 || (size < size_of_int64 && *number >> 8 * size != 0))
            return fail(name, "is no number of " + std::to_string(size) + " bytes");
        for (std::size_t i = 0; i < size; ++i) report_[offset + i] = static_cast<std::uint8_t>(*number >> 8 * i);
    }

    void take_bytes(varlink::Value value, std::string_view name, std::size_t offset, std::size_t size, bool may_be_shorter) {
        const auto bytes = read_coco_bytes(value, name);
        if (!bytes || bytes->size() > size || (bytes->size() < size && !may_be_shorter))
            return fail(name, "is no array of " + std::to_string(size) + " bytes");
        std::ranges::copy(*bytes, report_.begin() + static_cast<std::ptrdiff_t>(offset + size - bytes->size()));
    }

    void take_tcb(varlink::Value value, std::string_view name, std::size_t offset) {
        const auto fmc = value.find("fmc");
        // Of Turin alone, whose bytes are in another order.
        if (fmc && fmc->kind() != varlink::Kind::null)
            return take_members(
                value, name,
                {{"fmc", offset}, {"bootloader", offset + 1}, {"tee", offset + 2}, {"snp", offset + 3}, {"microcode", offset + 7}});
        take_members(value, name, {{"bootloader", offset}, {"tee", offset + 1}, {"snp", offset + 6}, {"microcode", offset + 7}});
        if (const auto reserved = value.find("_reserved")) take_bytes(*reserved, name, offset + 2, 4, false);
    }

    void take_members(varlink::Value value, std::string_view name,
                      std::initializer_list<std::pair<std::string_view, std::size_t>> members) {
        for (const auto &[member, offset] : members) {
            const auto number = value.find(member);
            if (!number) return fail(name, "has no " + std::string(member));
            take_number(*number, std::string(name) + "." + std::string(member), offset, 1);
        }
    }

    void take_signature(varlink::Value value) {
        const auto r = value.find("r");
        const auto s = value.find("s");
        if (!r || !s) return fail("signature", "has no r or no s");
        take_bytes(*r, "signature.r", snp_signed_size, number_size, false);
        take_bytes(*s, "signature.s", snp_signed_size + number_size, number_size, false);
        constexpr std::size_t begin = snp_signed_size + 2 * number_size;
        if (const auto reserved = value.find("_reserved"))
            take_bytes(*reserved, "signature._reserved", begin, snp_report_size - begin, true);
    }

    void fail(std::string_view name, const std::string &what) {
        if (wrong_.empty()) wrong_ = std::string(name) + " " + what;
    }

    Bytes report_ = Bytes(snp_report_size);
    std::vector<std::string> seen_;
    std::string wrong_;
};

// ---- Writing

void append_value(std::string &out, const Field &field, ByteView report, bool is_turin) {
    const auto bytes = report.subspan(field.offset, field.size);
    const auto number = [&](std::string_view name, std::size_t at) {
        out.append(out.back() == '{' ? "\"" : ",\"").append(name).append("\":").append(std::to_string(bytes[at]));
    };
    switch (field.form) {
    case FieldForm::bytes: return append_coco_bytes(out, bytes);
    case FieldForm::number: {
        std::uint64_t value = 0;
        for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
        out += std::to_string(value);
        return;
    }
    case FieldForm::tcb:
        out += '{';
        if (is_turin) {
            number("fmc", 0);
        } else {
            out += "\"fmc\":null";
        }
        number("bootloader", is_turin ? 1 : 0);
        number("tee", is_turin ? 2 : 1);
        number("snp", is_turin ? 3 : 6);
        number("microcode", 7);
        out += '}';
        return;
    case FieldForm::version:
        out += '{';
        number("major", 2);
        number("minor", 1);
        number("build", 0);
        out += '}';
    }
}

}  // namespace

std::expected<Bytes, Error> read_coco_snp_report(varlink::Value object) { return ReportReader().read(object); }

std::expected<std::string, Error> write_coco_snp_report(ByteView report) {
    const auto read = decode_snp_report(report);
    if (!read) return std::unexpected(read.error());
    std::string out;
    for (const auto &field : fields) {
        out.append(out.empty() ? "{\"" : ",\"").append(field.name).append("\":");
        if (read->version < field.since) {
            out += "null";
        } else {
            append_value(out, field, report, read->product() == SnpProduct::turin);
        }
    }
    out += ",\"signature\":{\"r\":";
    append_coco_bytes(out, read->signature.first(number_size));
    out += ",\"s\":";
    append_coco_bytes(out, read->signature.subspan(number_size));
    out += "}}";
    varlink::Document document;
    const auto again = document.parse(out) ? read_coco_snp_report(document.root()) : std::unexpected(Error{});
    if (!again || !std::ranges::equal(*again, report))
        return std::unexpected(
            Error{ErrorCode::not_supported, "the report has reserved bytes that are set, for which CoCo's form has no place"});
    return out;
}

}  // namespace mr::attestation
