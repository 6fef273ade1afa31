#include "mrd/providers/sim/simulator.h"

#include <algorithm>
#include <utility>

#include "mrd/providers/sim/firmware_log.h"
#include "mrd/providers/sim/quoter.h"
#include "mrd/providers/sim/report.h"
#include "mrd/providers/tdx/td_roles.h"

namespace mrd::sim {
namespace {

// Positions in the provider's list.
enum : RegisterIndex {
    mrtd,
    mrconfigid,
    mrowner,
    mrownerconfig,
    servtd_hash,
    rtmr0,
    reportdata = rtmr0 + rtmr_count,
    report0,
    register_count
};

std::vector<RegisterSpec> register_list() {
    using mr::Flag;
    constexpr auto sha384 = mr::HashAlgorithm::sha384;
    constexpr mr::Flags read_only = Flag::readable;
    constexpr mr::Flags run_time = mr::flags_rtmr | Flag::writable;
    std::vector<RegisterSpec> list;
    const auto add = [&](std::string name, std::optional<mr::HashAlgorithm> hash, std::size_t size, mr::Flags flags, bool generation) {
        auto roles = td_roles(name);
        list.push_back({.name = std::move(name),
                        .hash = hash,
                        .size = size,
                        .flags = flags,
                        .owner = mr::Owner::owned,
                        .refresh_set = 0,
                        .carries_generation = generation,
                        .roles = std::move(roles)});
    };
    add("mrtd", sha384, 48, read_only, false);
    add("mrconfigid", std::nullopt, 48, read_only, false);
    add("mrowner", std::nullopt, 48, read_only, false);
    add("mrownerconfig", std::nullopt, 48, read_only, false);
    add("servtd_hash", sha384, 48, read_only, false);
    for (std::size_t i = 0; i < rtmr_count; ++i) {
        add("rtmr" + std::to_string(i), sha384, 48, run_time, false);
    }
    add("reportdata", std::nullopt, mr::report_data_size, Flag::writable | Flag::readable | Flag::file, true);
    add("report0", std::nullopt, mr::tdreport_size, mr::flags_live | Flag::file, true);
    return list;
}

std::unexpected<ProviderError> fail(std::string reason, Applied applied) {
    return std::unexpected(ProviderError{std::move(reason), applied});
}

class Simulator final : public Provider, RegisterDriver, Reporter, ReportVerifier {
public:
    Simulator(const Options &options, State state, ReportMaker reports)
        : name_(options.name), state_(std::move(state)), reports_(std::move(reports)) {
        if (options.quoting_file.empty()) return;
        quoter_ = make_quoter({.registers = registers_,
                               .state_file = options.state_file,
                               .quoting_file = options.quoting_file,
                               .format = options.quote_format,
                               .host_side = options.host_side});
    }

    [[nodiscard]] std::string_view name() const override { return name_; }
    [[nodiscard]] std::string_view kind() const override { return "tdx"; }
    [[nodiscard]] bool simulated() const override { return true; }
    RegisterDriver *registers() override { return this; }
    Reporter *reporter() override { return this; }
    ReportVerifier *report_verifier() override { return this; }
    Quoter *quoter() override { return quoter_.get(); }
    CollateralSource *collateral() override { return quoter_.get(); }

    [[nodiscard]] bool may_wait() const override { return false; }

private:
    [[nodiscard]] const std::vector<RegisterSpec> &list() const override { return registers_; }
    [[nodiscard]] RegisterAbilities abilities() const override { return {.refresh = true, .extend = true, .write = true}; }

    std::expected<void, ProviderError> refresh(RefreshSet set, std::vector<mr::Bytes> &values) override {
        if (set != 0 || values.size() != register_count) {
            return fail("the simulator has one refresh set, 0, of " + std::to_string(register_count) + " registers", Applied::no);
        }
        const auto run_time = state_.read();
        if (!run_time) {
            return fail(run_time.error(), Applied::no);
        }
        const mr::TdInfo td = td_info_of(state_.statics(), *run_time);
        const auto store = [&](RegisterIndex index, mr::ByteView value) { values[index].assign(value.begin(), value.end()); };
        store(mrtd, td.mrtd);
        store(mrconfigid, td.mrconfigid);
        store(mrowner, td.mrowner);
        store(mrownerconfig, td.mrownerconfig);
        store(servtd_hash, td.servtd_hash);
        for (std::size_t i = 0; i < rtmr_count; ++i) {
            store(rtmr0 + i, td.rtmr[i]);
        }
        store(reportdata, report_data_);
        store(report0, reports_.make(td, report_data_));
        return {};
    }

    std::expected<void, ProviderError> extend(RegisterIndex index, const mr::Digest &digest) override {
        if (index < rtmr0 || index >= rtmr0 + rtmr_count) {
            return fail("the simulator extends rtmr0 to rtmr3 only", Applied::no);
        }
        if (digest.size() != registers_[index].size) {
            return fail("an RTMR takes a digest of 48 bytes, this has " + std::to_string(digest.size()), Applied::no);
        }
        if (auto extended = state_.extend(index - rtmr0, digest.bytes()); !extended) {
            return fail(std::move(extended.error()), Applied::no);
        }
        return {};
    }

    std::expected<void, ProviderError> write(RegisterIndex index, mr::ByteView value) override {
        if (index != reportdata) {
            return fail("the simulator writes reportdata only", Applied::no);
        }
        if (value.size() != report_data_.size()) {
            return fail("reportdata takes 64 bytes, this has " + std::to_string(value.size()), Applied::no);
        }
        std::ranges::copy(value, report_data_.begin());
        return {};
    }

    std::expected<mr::Bytes, ProviderError> report(mr::ByteView report_data) override {
        mr::ReportData data{};
        if (report_data.size() != data.size()) {
            return fail("a TDREPORT takes 64 bytes of report data, these are " + std::to_string(report_data.size()), Applied::no);
        }
        std::ranges::copy(report_data, data.begin());
        const auto run_time = state_.read();
        if (!run_time) {
            return fail(run_time.error(), Applied::no);
        }
        const auto made = reports_.make(td_info_of(state_.statics(), *run_time), data);
        return mr::Bytes(made.begin(), made.end());
    }

    std::expected<ReportVerdict, ProviderError> verify(mr::ByteView report) override { return reports_.verify(report); }

    std::string name_;
    std::vector<RegisterSpec> registers_ = register_list();
    State state_;
    ReportMaker reports_;
    mr::ReportData report_data_{};
    std::unique_ptr<SimulatorQuoter> quoter_;  // with a view of its own of the state: quotes run beside all other calls
};

}  // namespace

std::expected<std::unique_ptr<Provider>, std::string> open(const Options &options) {
    std::array<Value, rtmr_count> rtmr{};
    if (!options.ccel.empty()) {
        auto replayed = replay_firmware_log(options.ccel);
        if (!replayed) {
            return std::unexpected(std::move(replayed.error()));
        }
        rtmr = *replayed;
    }
    auto state = State::open({.file = options.state_file,
                              .boot_id = options.boot_id,
                              .reset = options.reset,
                              .survives_boot = options.survives_boot,
                              .rtmr = rtmr,
                              .attributes = options.attributes,
                              .mrtd = options.mrtd,
                              .mrconfigid = options.mrconfigid,
                              .mrowner = options.mrowner,
                              .mrownerconfig = options.mrownerconfig});
    if (!state) {
        return std::unexpected(std::move(state.error()));
    }
    auto reports = ReportMaker::open(state->report_key());
    if (!reports) {
        return std::unexpected(std::move(reports.error()));
    }
    return std::make_unique<Simulator>(options, std::move(*state), std::move(*reports));
}

}  // namespace mrd::sim
