#include "libmr/src/attestation/tee/tdx/tcb_info.h"

#include <algorithm>
#include <utility>

#include "libmr/src/attestation/pki/der.h"
#include "proto/varlink/fields.h"
#include "proto/varlink/value.h"

namespace mr::attestation {
namespace {

using varlink::field;

// ---- What the text says

struct ComponentFields {
    std::int64_t svn = 0;
    static constexpr auto fields() { return std::tuple(field("svn", &ComponentFields::svn)); }
};

struct PlatformTcbFields {
    std::vector<ComponentFields> sgx;
    std::int64_t pce_svn = 0;
    std::vector<ComponentFields> tdx;
    static constexpr auto fields() {
        return std::tuple(field("sgxtcbcomponents", &PlatformTcbFields::sgx), field("pcesvn", &PlatformTcbFields::pce_svn),
                          field("tdxtcbcomponents", &PlatformTcbFields::tdx));
    }
};

struct SvnTcbFields {
    std::int64_t isv_svn = 0;
    static constexpr auto fields() { return std::tuple(field("isvsvn", &SvnTcbFields::isv_svn)); }
};

template <typename TcbFields>
struct LevelFields {
    TcbFields tcb;
    std::string_view date;
    std::string_view status;
    std::optional<std::vector<std::string>> advisories;
    static constexpr auto fields() {
        return std::tuple(field("tcb", &LevelFields::tcb), field("tcbDate", &LevelFields::date), field("tcbStatus", &LevelFields::status),
                          field("advisoryIDs", &LevelFields::advisories));
    }
};

struct ModuleFields {
    std::string_view mr_signer;
    std::string_view attributes;
    std::string_view attributes_mask;
    static constexpr auto fields() {
        return std::tuple(field("mrsigner", &ModuleFields::mr_signer), field("attributes", &ModuleFields::attributes),
                          field("attributesMask", &ModuleFields::attributes_mask));
    }
};

struct ModuleIdentityFields {
    std::string_view id;
    std::string_view mr_signer;
    std::string_view attributes;
    std::string_view attributes_mask;
    std::vector<LevelFields<SvnTcbFields>> levels;
    static constexpr auto fields() {
        return std::tuple(field("id", &ModuleIdentityFields::id), field("mrsigner", &ModuleIdentityFields::mr_signer),
                          field("attributes", &ModuleIdentityFields::attributes),
                          field("attributesMask", &ModuleIdentityFields::attributes_mask),
                          field("tcbLevels", &ModuleIdentityFields::levels));
    }
};

struct TcbInfoFields {
    std::string_view id;
    std::int64_t version = 0;
    std::string_view issue_date;
    std::string_view next_update;
    std::int64_t evaluation_number = 0;
    std::string_view fmspc;
    std::string_view pce_id;
    std::int64_t tcb_type = 0;
    ModuleFields module;
    std::optional<std::vector<ModuleIdentityFields>> module_identities;
    std::vector<LevelFields<PlatformTcbFields>> levels;
    static constexpr auto fields() {
        return std::tuple(field("id", &TcbInfoFields::id), field("version", &TcbInfoFields::version),
                          field("issueDate", &TcbInfoFields::issue_date), field("nextUpdate", &TcbInfoFields::next_update),
                          field("tcbEvaluationDataNumber", &TcbInfoFields::evaluation_number), field("fmspc", &TcbInfoFields::fmspc),
                          field("pceId", &TcbInfoFields::pce_id), field("tcbType", &TcbInfoFields::tcb_type),
                          field("tdxModule", &TcbInfoFields::module), field("tdxModuleIdentities", &TcbInfoFields::module_identities),
                          field("tcbLevels", &TcbInfoFields::levels));
    }
};

struct QeIdentityFields {
    std::string_view id;
    std::int64_t version = 0;
    std::string_view issue_date;
    std::string_view next_update;
    std::int64_t evaluation_number = 0;
    std::string_view misc_select;
    std::string_view misc_select_mask;
    std::string_view attributes;
    std::string_view attributes_mask;
    std::string_view mr_signer;
    std::int64_t isv_prod_id = 0;
    std::vector<LevelFields<SvnTcbFields>> levels;
    static constexpr auto fields() {
        return std::tuple(field("id", &QeIdentityFields::id), field("version", &QeIdentityFields::version),
                          field("issueDate", &QeIdentityFields::issue_date), field("nextUpdate", &QeIdentityFields::next_update),
                          field("tcbEvaluationDataNumber", &QeIdentityFields::evaluation_number),
                          field("miscselect", &QeIdentityFields::misc_select), field("miscselectMask", &QeIdentityFields::misc_select_mask),
                          field("attributes", &QeIdentityFields::attributes), field("attributesMask", &QeIdentityFields::attributes_mask),
                          field("mrsigner", &QeIdentityFields::mr_signer), field("isvprodid", &QeIdentityFields::isv_prod_id),
                          field("tcbLevels", &QeIdentityFields::levels));
    }
};

// ---- What it means

// Reads one value after the other, and keeps what was wrong with the first that was.
class Reading {
public:
    [[nodiscard]] bool ok() const { return wrong_.empty(); }
    [[nodiscard]] std::string wrong() const { return wrong_; }

    void refuse(const std::string &what) {
        if (wrong_.empty()) wrong_ = what;
    }
    void require(bool holds, const std::string &what) {
        if (!holds) refuse(what);
    }

    template <std::size_t size>
    void bytes(std::string_view name, std::string_view hex, std::array<std::uint8_t, size> &to) {
        const auto read = from_hex(hex);
        if (!read || read->size() != size) {
            refuse(std::string(name) + " is not " + std::to_string(size) + " bytes in hexadecimal");
        } else {
            std::ranges::copy(*read, to.begin());
        }
    }
    // Hexadecimal of an integer's bytes; miscselect's is of the number (most significant first), the attributes' of the bytes in memory.
    void number(std::string_view name, std::string_view hex, std::uint32_t &to) {
        std::array<std::uint8_t, 4> read{};
        bytes(name, hex, read);
        to = 0;
        for (const std::uint8_t byte : read) to = to << 8 | byte;
    }
    void attributes(std::string_view name, std::string_view hex, std::uint64_t &to) {
        std::array<std::uint8_t, 8> read{};
        bytes(name, hex, read);
        to = 0;
        for (std::size_t i = 0; i < read.size(); ++i) to |= std::uint64_t{read.at(i)} << 8 * i;
    }
    void svn(std::string_view name, std::int64_t value, std::uint16_t &to) {
        require(value >= 0 && value <= 0xFFFF, std::string(name) + " is not within 16 bits");
        to = static_cast<std::uint16_t>(value);
    }
    // "2025-01-21T11:14:05Z"
    void date(std::string_view name, std::string_view text, UnixTime &to) {
        constexpr std::string_view form = "dddd-dd-ddTdd:dd:ddZ";
        bool good = text.size() == form.size();
        std::string digits;
        for (std::size_t i = 0; good && i < form.size(); ++i) {
            if (form[i] == 'd') {
                digits += text[i];
            } else {
                good = text[i] == form[i];
            }
        }
        const auto time = good ? time_from_digits(digits) : std::nullopt;
        require(time.has_value(), std::string(name) + " is not a time such as 2025-01-21T11:14:05Z");
        to = time.value_or(0);
    }
    void status(std::string_view text, TcbStatus &to) {
        const auto known = tcb_status_from(text);
        // What follows from two levels is none of a level.
        const bool is_of_level = known && *known != TcbStatus::not_supported && *known != TcbStatus::td_relaunch_advised &&
                                 *known != TcbStatus::td_relaunch_advised_configuration_needed;
        require(is_of_level, "a tcbStatus is not one of Intel's");
        to = known.value_or(TcbStatus::not_supported);
    }

    // What levels of either kind have.
    template <typename Fields, typename Level>
    void level(const Fields &from, Level &to) {
        UnixTime date_is_one = 0;
        date("tcbDate", from.date, date_is_one);
        to.date = from.date;
        status(from.status, to.status);
        if (from.advisories) {
            require(from.advisories->size() <= max_advisories, "advisoryIDs has too many");
            to.advisories = *from.advisories;
        }
    }
    void svn_levels(const std::vector<LevelFields<SvnTcbFields>> &from, std::vector<SvnLevel> &to) {
        require(!from.empty() && from.size() <= max_tcb_levels, "tcbLevels is empty or has too many");
        for (const auto &each : from) {
            auto &read = to.emplace_back();
            svn("isvsvn", each.tcb.isv_svn, read.isv_svn);
            level(each, read);
        }
    }
    void components(const std::vector<ComponentFields> &from, std::array<std::uint16_t, tcb_component_count> &to) {
        require(from.size() == to.size(), "a TCB has not 16 components");
        for (std::size_t i = 0; i < std::min(from.size(), to.size()); ++i) svn("svn", from[i].svn, to.at(i));
    }
    template <typename Fields>
    void module_signer(const Fields &from, ModuleSigner &to) {
        bytes("mrsigner", from.mr_signer, to.mr_signer);
        attributes("attributes", from.attributes, to.attributes);
        attributes("attributesMask", from.attributes_mask, to.attributes_mask);
    }

private:
    std::string wrong_;
};

template <typename Fields>
std::expected<Fields, std::string> read_fields(varlink::Document &document, std::string_view json) {
    if (!document.parse(json)) return std::unexpected("the text is not one JSON object in UTF-8");
    auto fields = varlink::decode<Fields>(document.root(), true);
    if (!fields) return std::unexpected("the member " + fields.error().name + " is missing, is there twice or is of another type");
    return std::move(*fields);
}

}  // namespace

std::expected<TcbInfo, std::string> parse_tcb_info(std::string_view json) {
    varlink::Document document;
    const auto fields = read_fields<TcbInfoFields>(document, json);
    if (!fields) return std::unexpected(fields.error());
    TcbInfo info;
    Reading read;
    read.require(fields->id == "TDX" && fields->version == 3 && fields->tcb_type == 0, "it is not a TDX TCB info of version 3 and type 0");
    read.date("issueDate", fields->issue_date, info.issue_date);
    read.date("nextUpdate", fields->next_update, info.next_update);
    info.evaluation_number = fields->evaluation_number;
    read.require(info.evaluation_number >= 0, "tcbEvaluationDataNumber is negative");
    read.bytes("fmspc", fields->fmspc, info.fmspc);
    read.bytes("pceId", fields->pce_id, info.pce_id);
    read.module_signer(fields->module, info.module);
    if (fields->module_identities) {
        read.require(fields->module_identities->size() <= max_module_identities, "tdxModuleIdentities has too many");
        for (const auto &each : *fields->module_identities) {
            auto &identity = info.module_identities.emplace_back();
            identity.id = each.id;
            read.module_signer(each, identity.signer);
            read.svn_levels(each.levels, identity.levels);
        }
    }
    read.require(!fields->levels.empty() && fields->levels.size() <= max_tcb_levels, "tcbLevels is empty or has too many");
    for (const auto &each : fields->levels) {
        auto &level = info.levels.emplace_back();
        read.components(each.tcb.sgx, level.sgx_components);
        read.components(each.tcb.tdx, level.tdx_components);
        read.svn("pcesvn", each.tcb.pce_svn, level.pce_svn);
        read.level(each, level);
    }
    if (!read.ok()) return std::unexpected(read.wrong());
    return info;
}

std::expected<QeIdentity, std::string> parse_qe_identity(std::string_view json) {
    varlink::Document document;
    const auto fields = read_fields<QeIdentityFields>(document, json);
    if (!fields) return std::unexpected(fields.error());
    QeIdentity identity;
    Reading read;
    read.require(fields->id == "TD_QE" && fields->version == 2, "it is not a TD_QE identity of version 2");
    read.date("issueDate", fields->issue_date, identity.issue_date);
    read.date("nextUpdate", fields->next_update, identity.next_update);
    identity.evaluation_number = fields->evaluation_number;
    read.require(identity.evaluation_number >= 0, "tcbEvaluationDataNumber is negative");
    read.number("miscselect", fields->misc_select, identity.misc_select);
    read.number("miscselectMask", fields->misc_select_mask, identity.misc_select_mask);
    read.bytes("attributes", fields->attributes, identity.attributes);
    read.bytes("attributesMask", fields->attributes_mask, identity.attributes_mask);
    read.bytes("mrsigner", fields->mr_signer, identity.mr_signer);
    read.svn("isvprodid", fields->isv_prod_id, identity.isv_prod_id);
    read.svn_levels(fields->levels, identity.levels);
    if (!read.ok()) return std::unexpected(read.wrong());
    return identity;
}

}  // namespace mr::attestation
