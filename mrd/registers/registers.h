// All registers of this mrd, by name.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mrd/registers/provider_registers.h"
#include "mrd/registers/roles.h"

namespace mrd {

class Registers {
public:
    // `journal` is open, but has not started.
    Registers(boost::asio::io_context &loop, journal::Journal &journal);

    // What all providers' registers share.
    [[nodiscard]] RegisterEvents &events() { return events_; }
    // Where a provider's generations begin: at no value that another start of mrd, or another provider, begins with.
    static std::int64_t first_generation();

    // The roles that are known beside the usual ones (mrd/registers/roles.h), whether a register has them or not.
    void set_roles(const Roles &configured);

    // They outlive this. Precondition: no other provider has their name.
    void add(ProviderRegisters &registers);

    // All providers are there: lets the journal decide how it goes on. Before the first extend. Error: a sentence.
    std::expected<void, std::string> start_journal(const std::vector<journal::LogFiles> &firmware_logs);

    // A provider that has come after that joins it. Error: a sentence; those of its registers that the journal does not have take no extend.
    std::expected<void, std::string> join(ProviderRegisters &registers, const std::vector<journal::LogFiles> &firmware_logs);

    // A new journal in the place of a damaged one: what the old one is called now. Error: a sentence.
    std::expected<std::filesystem::path, std::string> repair_journal();

    // Runs it when the event loop has done what else waits. From any thread.
    void later(std::move_only_function<void()> work);
    // Runs it at that time, unless what this returns is dropped before.
    [[nodiscard]] std::shared_ptr<void> at(std::chrono::steady_clock::time_point time, std::move_only_function<void()> work);

    [[nodiscard]] journal::Journal &journal() const { return events_.journal; }

    struct Place {
        ProviderRegisters *provider = nullptr;
        RegisterIndex index = 0;

        [[nodiscard]] const RegisterTable &table() const { return provider->table(); }
        [[nodiscard]] const std::string &name() const { return table().name(index); }
        friend bool operator==(const Place &, const Place &) = default;
    };

    // "tdx/rtmr3", "tdx/rtmr3:sha384", or without the provider where one register that is there has that name; or a role that one has. Error: NoSuchRegister;
    // RegisterGone, where all that had it have vanished; NoRegisterForRole.
    [[nodiscard]] std::expected<Place, RegisterError> find(std::string_view name) const;

    // Those that have, or ever had, this name; null: none. It stays where it is, and what comes with that name later is added to it.
    [[nodiscard]] const std::vector<Place> *named(std::string_view name) const;
    // Null: none of them is there, or several are.
    [[nodiscard]] static const Place *only_one_there(const std::vector<Place> &places);

    [[nodiscard]] const std::vector<ProviderRegisters *> &providers() const { return providers_; }
    [[nodiscard]] std::vector<std::string> provider_names() const;

    // Of the last event in the log.
    [[nodiscard]] std::int64_t sequence() const { return static_cast<std::int64_t>(events_.journal.state().sequence()); }

    // Each of those who ask is told.
    // A register's known value has changed.
    void on_change(std::function<void(Place)> handler);
    // A refresh found a value that the log does not explain.
    void on_divergence(std::function<void(Place)> handler);
    // A register has come after the start, or has come back: its value is known.
    void on_appearance(std::function<void(Place)> handler);
    // It has vanished.
    void on_vanishing(std::function<void(Place)> handler);

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };

    [[nodiscard]] std::vector<journal::Present> journalled() const;
    void add_names(const Place &place);

    boost::asio::io_context &loop_;
    RegisterEvents events_;
    std::unordered_map<std::string, std::vector<Place>, Hash, std::equal_to<>> places_;  // by every form of a name
    std::set<std::string, std::less<>> roles_;                                           // that are known
    std::vector<ProviderRegisters *> providers_;
    std::vector<std::function<void(Place)>> on_change_;
    std::vector<std::function<void(Place)>> on_divergence_;
    std::vector<std::function<void(Place)>> on_appearance_;
    std::vector<std::function<void(Place)>> on_vanishing_;
};

}  // namespace mrd
