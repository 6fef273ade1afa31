// The providers of one mrd: which there are to be, how each of them fares, and those that run. One that cannot be opened, or that fails later, is tried again, on
// a thread of its own, and joins the others when it comes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mrd/daemon/provider_slot.h"
#include "mrd/journal/journal.h"
#include "mrd/registers/provider_state.h"
#include "mrd/registers/registers.h"

namespace mrd {

// How long after a failure a provider is tried again: twice as long each time, until it has run for the longest of these.
inline constexpr std::chrono::milliseconds first_retry{100};
inline constexpr std::chrono::milliseconds longest_retry = std::chrono::minutes(1);

// A provider as it is configured.
struct ConfiguredProvider {
    std::string name;        // "tdx"
    std::string type;        // "sim"
    bool required = true;    // mrd does not start without it
    bool simulated = false;  // no hardware stands behind it
    // Opens it, and reads its registers. Blocks; called on any thread, and not again while it runs. Error: one sentence.
    std::function<std::expected<ReadProvider, std::string>()> open;
    // Registers that have come later, as the configuration's rules leave them. Error: one sentence.
    std::function<std::expected<std::vector<RegisterSpec>, std::string>(std::vector<RegisterSpec>)> rule =
        [](std::vector<RegisterSpec> registers) { return registers; };
    // The logs of what was extended into its registers before mrd was there.
    std::function<journal::LogFiles()> logs = [] { return journal::LogFiles(); };
};

// All calls from the event loop.
class ProviderList {
public:
    ProviderList(boost::asio::io_context &loop, Registers &registers);
    ProviderList(const ProviderList &) = delete;
    ProviderList &operator=(const ProviderList &) = delete;
    // Waits for what runs.
    ~ProviderList();

    // Tries it at once, on this thread. One that fails is kept and tried again later. Error: it is required, or another has its name.
    std::expected<void, std::string> open(ConfiguredProvider provider);

    // Called when one has come that could not be opened at first, or that had failed.
    void on_late(std::function<void(ProviderSlot &)> handler) { on_late_ = std::move(handler); }

    // In the order of configuration.
    [[nodiscard]] const std::vector<ProviderSlot *> &running() const { return running_; }
    [[nodiscard]] ProviderSlot *find(std::string_view name) const;
    // A register that nobody has yet may come: a provider is missing, or has registers that come and go.
    [[nodiscard]] bool more_may_come() const;
    [[nodiscard]] bool simulated() const;
    [[nodiscard]] std::vector<ProviderState> states() const;
    // Of those that run.
    [[nodiscard]] std::vector<journal::LogFiles> logs() const;
    [[nodiscard]] std::vector<journal::LogFiles> logs_of(const ProviderSlot &slot) const;

private:
    struct Entry {
        explicit Entry(ConfiguredProvider provider_) : provider(std::move(provider_)) {}

        ConfiguredProvider provider;
        std::optional<std::string> reason = {};  // why it could not be opened the last time, or has failed since
        bool is_tried = false;                   // at this moment
        std::chrono::milliseconds retry = first_retry;
        std::shared_ptr<void> timer = {};
        bool runs = false;
        std::chrono::steady_clock::time_point runs_since = {};
        std::uint64_t opened = 0;                  // so often, or failed: what an earlier one tells is no news
        std::unique_ptr<Provider> failed = {};     // closed on the opener's thread, before another is opened
        std::unique_ptr<ProviderSlot> slot = {};   // once it has run
        std::optional<ProviderQueue> opener = {};  // last: its end waits for the attempt that runs
    };
    struct Attempt;

    void retry_later(Entry &entry);
    void try_again(Entry &entry);
    std::expected<void, std::string> take(Entry &entry, ReadProvider read);
    ProviderNews news_of(Entry &entry);
    void change(Entry &entry, RegistersNow now);
    void fail(Entry &entry, std::string reason);
    void list_running();

    boost::asio::io_context &loop_;
    Registers &registers_;
    std::function<void(ProviderSlot &)> on_late_;
    std::vector<ProviderSlot *> running_;
    std::vector<std::unique_ptr<Entry>> entries_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace mrd
