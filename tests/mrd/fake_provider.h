// A provider in memory for tests: registers of any table, which come and go, failures on demand, calls that wait until the test lets them go.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mrd/providers/provider.h"

namespace mrd {

inline RegisterSpec fake_register(std::string name, std::string_view letters, std::size_t size = 48) {
    const auto flags = mr::Flags::from_string(letters).value();
    const auto hash = size == 48   ? std::optional(mr::HashAlgorithm::sha384)
                      : size == 32 ? std::optional(mr::HashAlgorithm::sha256)
                                   : std::nullopt;
    return {.name = std::move(name), .hash = hash, .size = size, .flags = flags, .carries_generation = !hash};
}

// The hardware and what a test does with it, from its own thread; outlives the provider, and each that is opened in its place.
class FakeHardware {
public:
    bool is_bound = false;  // not simulated; set before a provider of it is opened

    enum class Failure : std::uint8_t { before, after, known_unchanged };

    // The next call of that name ("extend", "refresh", "write", "report") fails.
    void fail_next(const std::string &call, Failure failure) {
        const std::lock_guard lock(mutex_);
        failures_[call].push_back(failure);
    }

    // From now on calls of that name wait, until let_go().
    void hold(const std::string &call) {
        const std::lock_guard lock(mutex_);
        held_ = call;
    }
    void let_go() {
        const std::lock_guard lock(mutex_);
        held_.clear();
        changed_.notify_all();
    }
    // Returns when a call of the name in hold() waits.
    void wait_until_held() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return waiting_; });
    }

    // The calls so far, as "extend 1", "refresh 0", "write 2", "report"; cleared.
    std::vector<std::string> take_calls() {
        const std::lock_guard lock(mutex_);
        return std::exchange(calls_, {});
    }

    // Somebody else extends.
    void extend(RegisterIndex index, const mr::Digest &digest) {
        const std::lock_guard lock(mutex_);
        extend_locked(index, digest);
    }
    mr::Digest value(RegisterIndex index) {
        const std::lock_guard lock(mutex_);
        return mr::Digest(values_[index]);
    }
    // For registers of any size.
    void set(RegisterIndex index, std::uint8_t byte) {
        const std::lock_guard lock(mutex_);
        std::ranges::fill(values_[index], byte);
    }

    // ---- What a provider tells while it runs

    void vanish(RegisterIndex index) {
        tell([&] { there_[index] = false; });
    }
    void bring_back(RegisterIndex index) {
        tell([&] { there_[index] = true; });
    }
    void add(const RegisterSpec &spec) {
        tell([&] { add_locked(spec); });
    }
    // The whole list is another one.
    void tell_registers(const RegistersNow &now) {
        const std::lock_guard lock(mutex_);
        news_.registers(now);
    }
    // To tell it later, too, when the provider has been opened again.
    ProviderNews news() {
        const std::lock_guard lock(mutex_);
        return news_;
    }
    void fail(const std::string &reason) {
        const std::lock_guard lock(mutex_);
        news_.failed(reason);
    }
    // What each holds.
    std::vector<mr::Bytes> values() {
        const std::lock_guard lock(mutex_);
        return values_;
    }
    std::vector<RegisterSpec> registers() {
        const std::lock_guard lock(mutex_);
        return now_;
    }

private:
    friend class FakeProvider;

    template <class Change>
    void tell(const Change &change) {
        const std::lock_guard lock(mutex_);
        change();
        news_.registers({now_, there_});
    }
    void add_locked(const RegisterSpec &spec) {
        now_.push_back(spec);
        there_.push_back(true);
        values_.emplace_back(spec.size);
    }
    void extend_locked(RegisterIndex index, const mr::Digest &digest) {
        const auto after = mr::extend(now_[index].hash.value(), values_[index], digest.bytes()).value();
        values_[index].assign(after.bytes().begin(), after.bytes().end());
    }

    // Around one call.
    template <class Act>
    std::expected<void, ProviderError> run(const std::string &name, const std::string &what, const Act &act) {
        std::unique_lock lock(mutex_);
        calls_.push_back(what);
        if (held_ == name) {
            waiting_ = true;
            changed_.notify_all();
            changed_.wait(lock, [this] { return held_.empty(); });
            waiting_ = false;
        }
        std::optional<Failure> failure;
        if (auto &next = failures_[name]; !next.empty()) {
            failure = next.front();
            next.erase(next.begin());
        }
        if (failure == Failure::known_unchanged) return std::unexpected(ProviderError{what + " refused", Applied::no});
        if (failure == Failure::before) return std::unexpected(ProviderError{what + " failed", Applied::unknown});
        act();
        if (failure == Failure::after) return std::unexpected(ProviderError{what + " failed", Applied::unknown});
        return {};
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<RegisterSpec> now_;
    std::vector<bool> there_;
    std::vector<mr::Bytes> values_;
    ProviderNews news_;
    std::vector<std::string> calls_;
    std::map<std::string, std::vector<Failure>> failures_;
    std::string held_;
    bool waiting_ = false;
};

class FakeProvider final : public Provider, public RegisterDriver, public Reporter {
public:
    FakeProvider(FakeHardware &hardware, std::string name, std::vector<RegisterSpec> registers, bool may_wait)
        : hardware_(hardware), name_(std::move(name)), registers_(std::move(registers)), may_wait_(may_wait) {
        const std::lock_guard lock(hardware_.mutex_);
        for (auto index = hardware_.now_.size(); index < registers_.size(); ++index) hardware_.add_locked(registers_[index]);
    }
    FakeProvider(const FakeProvider &) = delete;
    FakeProvider &operator=(const FakeProvider &) = delete;
    ~FakeProvider() override {
        const std::lock_guard lock(hardware_.mutex_);
        hardware_.news_ = {};
    }

    [[nodiscard]] std::string_view name() const override { return name_; }
    [[nodiscard]] std::string_view kind() const override { return "fake"; }
    [[nodiscard]] bool simulated() const override { return !hardware_.is_bound; }
    [[nodiscard]] bool may_wait() const override { return may_wait_; }
    void tell(ProviderNews news) override {
        const std::lock_guard lock(hardware_.mutex_);
        hardware_.news_ = std::move(news);
    }
    RegisterDriver *registers() override { return this; }
    Reporter *reporter() override { return this; }

    [[nodiscard]] const std::vector<RegisterSpec> &list() const override { return registers_; }
    [[nodiscard]] RegisterAbilities abilities() const override {
        return {.refresh = true, .extend = true, .write = true, .come_and_go = true};
    }

    std::expected<void, ProviderError> refresh(RefreshSet set, std::vector<mr::Bytes> &values) override {
        return hardware_.run("refresh", "refresh " + std::to_string(set), [&] {
            for (RegisterIndex index = 0; index < values.size(); ++index) {
                if (hardware_.now_[index].refresh_set == set && hardware_.there_[index]) values[index] = hardware_.values_[index];
            }
        });
    }
    std::expected<void, ProviderError> extend(RegisterIndex index, const mr::Digest &digest) override {
        return hardware_.run("extend", "extend " + std::to_string(index), [&] { hardware_.extend_locked(index, digest); });
    }
    std::expected<void, ProviderError> write(RegisterIndex index, mr::ByteView value) override {
        return hardware_.run("write", "write " + std::to_string(index),
                             [&] { hardware_.values_[index].assign(value.begin(), value.end()); });
    }
    std::expected<mr::Bytes, ProviderError> report(mr::ByteView report_data) override {
        mr::Bytes made;
        if (auto done = hardware_.run("report", "report", [&] { made.assign(report_data.begin(), report_data.end()); }); !done) {
            return std::unexpected(std::move(done.error()));
        }
        return made;
    }

private:
    FakeHardware &hardware_;
    std::string name_;
    std::vector<RegisterSpec> registers_;
    bool may_wait_;
};

}  // namespace mrd
