#include "libmr/src/attestation/tee/tdx/tcb_level.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

namespace mr::attestation {
namespace {

using TeeTcbSvn = std::array<std::uint8_t, tcb_component_count>;

// Every component from `first` on.
template <typename Svns>
bool reaches(const Svns &svns, const std::array<std::uint16_t, tcb_component_count> &level, std::size_t first = 0) {
    for (std::size_t i = first; i < tcb_component_count; ++i) {
        if (svns.at(i) < level.at(i)) return false;
    }
    return true;
}

std::string described(TcbStatus status, std::string_view date) {
    return std::string(to_string(status)) + " (level of " + std::string(date.substr(0, 10)) + ")";
}

TcbEvaluation unfit(std::string reason) { return {TcbStatus::not_supported, {}, std::move(reason)}; }

TcbEvaluation evaluate_one(const TcbInfo &info, const PckExtension &pck, const TeeTcbSvn &svn, const std::string &name) {
    // From version 1 on the first two TDX components are the module's own, and its identity judges them: a platform level that names them counts
    // only from the third on.
    const std::uint8_t version = svn[module_version_byte];
    const std::size_t first = version > 0 ? 2 : 0;
    const auto level = std::ranges::find_if(info.levels, [&](const PlatformLevel &each) {
        return reaches(pck.tcb_components, each.sgx_components) && pck.pce_svn >= each.pce_svn && reaches(svn, each.tdx_components, first);
    });
    if (level == info.levels.end()) return unfit(name + " and the PCK certificate's TCB are below every level: no level fits");

    TcbEvaluation evaluation;
    evaluation.advisories = level->advisories;
    evaluation.status = level->status;
    evaluation.reason = name + ": the platform is " + described(level->status, level->date);
    if (version == 0) return evaluation;

    const auto *const identity = find_module_identity(info, version);
    if (identity == nullptr) {
        return unfit(name + " has a module of version " + std::to_string(version) + ", which the TCB info does not know");
    }
    const auto module_svn = svn[module_svn_byte];
    const auto *const module_level = find_svn_level(identity->levels, module_svn);
    if (module_level == nullptr) {
        return unfit(name + " has the TDX module's security version " + std::to_string(module_svn) + ", which is below every level of " +
                     identity->id);
    }
    evaluation.status = converge(level->status, module_level->status);
    evaluation.advisories.insert(evaluation.advisories.end(), module_level->advisories.begin(), module_level->advisories.end());
    evaluation.reason += " by its TDX components from the third on; the first two are the TDX module's, version " +
                         std::to_string(version) + " with security version " + std::to_string(module_svn) + ", which " + identity->id +
                         " has as " + described(module_level->status, module_level->date);
    return evaluation;
}

bool out_of_date(TcbStatus status) { return status == TcbStatus::out_of_date || status == TcbStatus::out_of_date_configuration_needed; }

}  // namespace

const ModuleIdentity *find_module_identity(const TcbInfo &info, std::uint8_t version) {
    const std::string number = to_hex(std::array{version});
    const auto found = std::ranges::find_if(info.module_identities, [&](const ModuleIdentity &each) {
        std::string id = each.id;
        std::ranges::transform(id, id.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        return id == "tdx_" + number;
    });
    return found == info.module_identities.end() ? nullptr : &*found;
}

const SvnLevel *find_svn_level(const std::vector<SvnLevel> &levels, std::uint16_t isv_svn) {
    const auto found = std::ranges::find_if(levels, [&](const SvnLevel &each) { return isv_svn >= each.isv_svn; });
    return found == levels.end() ? nullptr : &*found;
}

TcbEvaluation evaluate_tcb(const TcbInfo &info, const PckExtension &pck, const Quote &quote) {
    auto launch = evaluate_one(info, pck, quote.body.tee_tcb_svn, "TEE_TCB_SVN");
    if (quote.body_type != QuoteBodyType::td15 || quote.body.tee_tcb_svn2 == quote.body.tee_tcb_svn) return launch;

    auto current = evaluate_one(info, pck, quote.body.tee_tcb_svn2, "TEE_TCB_SVN2");
    auto reason = launch.reason + "; " + current.reason;
    if (out_of_date(launch.status) && current.status < TcbStatus::td_relaunch_advised) {
        reason += "; the module was updated since: relaunching the TD would bring it up to date";
        const bool configuration = launch.status == TcbStatus::out_of_date_configuration_needed ||
                                   current.status == TcbStatus::configuration_needed ||
                                   current.status == TcbStatus::configuration_and_sw_hardening_needed;
        launch.status = configuration ? TcbStatus::td_relaunch_advised_configuration_needed : TcbStatus::td_relaunch_advised;
    }
    // The statuses are in order.
    auto &worse = current.status > launch.status ? current : launch;
    worse.reason = std::move(reason);
    return std::move(worse);
}

TcbStatus converge(TcbStatus platform, TcbStatus component) {
    using enum TcbStatus;
    switch (component) {
    case up_to_date: return platform;
    case sw_hardening_needed:
    case configuration_needed:
    case configuration_and_sw_hardening_needed:
    case td_relaunch_advised:
    case td_relaunch_advised_configuration_needed: return std::max(platform, component);  // Intel gives components no such status yet
    case out_of_date:
    case out_of_date_configuration_needed:
        if (platform == up_to_date || platform == sw_hardening_needed || platform == td_relaunch_advised) return out_of_date;
        if (platform < out_of_date) return out_of_date_configuration_needed;
        return platform;
    case revoked: return platform == not_supported ? platform : revoked;
    case not_supported: return not_supported;
    }
    return not_supported;
}

}  // namespace mr::attestation

namespace mr {
namespace {

constexpr std::array statuses = {
    std::pair(TcbStatus::up_to_date, std::string_view("UpToDate")),
    std::pair(TcbStatus::sw_hardening_needed, std::string_view("SWHardeningNeeded")),
    std::pair(TcbStatus::configuration_needed, std::string_view("ConfigurationNeeded")),
    std::pair(TcbStatus::configuration_and_sw_hardening_needed, std::string_view("ConfigurationAndSWHardeningNeeded")),
    std::pair(TcbStatus::td_relaunch_advised, std::string_view("TDRelaunchAdvised")),
    std::pair(TcbStatus::td_relaunch_advised_configuration_needed, std::string_view("TDRelaunchAdvisedConfigurationNeeded")),
    std::pair(TcbStatus::out_of_date, std::string_view("OutOfDate")),
    std::pair(TcbStatus::out_of_date_configuration_needed, std::string_view("OutOfDateConfigurationNeeded")),
    std::pair(TcbStatus::revoked, std::string_view("Revoked")),
    std::pair(TcbStatus::not_supported, std::string_view("NotSupported")),
};

}  // namespace

std::string_view to_string(TcbStatus status) {
    for (const auto &[known, name] : statuses) {
        if (known == status) return name;
    }
    return {};
}

std::optional<TcbStatus> tcb_status_from(std::string_view name) {
    for (const auto &[status, known] : statuses) {
        if (known == name) return status;
    }
    return std::nullopt;
}

}  // namespace mr
