// What evidence reads of the log: up to the places that explain its quotes, and once more where not all of it fits.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mr/evidence.h"
#include "mrd/evidence/evidence.h"
#include "mrd/evidence/log_cut.h"
#include "mrd/interfaces/log_export.h"
#include "mrd/interfaces/log_reading.h"
#include "mrd/interfaces/tenant_view.h"

namespace mrd {

// Reads the log up to the last of the places at which the quotes were taken.
class LogUpToQuotes final : public LogReading {
public:
    using Done = std::move_only_function<void(ReadLog)>;

    // Reads no further than event `until`. `tenant`: whose virtual registers the log is for; nothing: it is whole.
    LogUpToQuotes(LogReadings &readings, const Client &client, const std::vector<EvidenceCut::SignedQuote> &quotes, std::uint64_t until,
                  std::optional<TenantView> tenant, Done done);

    void start();

private:
    using End = ReadLog::End;

    void take(const mr::Event &event) override;
    void at_end() override;
    void failed(const std::string &reason) override;
    void add(const mr::Event &event);
    void end(End end);

    ReadLog result_;
    std::unique_ptr<LogExport> format_ = make_log_export("json");
    LogCut sizes_{mr::max_evidence_log};
    mr::Bytes whole_;  // an event, once not all fit
    mr::Bytes cut_;
    EventCutter cutter_;
    std::optional<TenantView> tenant_;
    std::uint64_t until_;
    Done done_;
};

// The same events once more, some of them cut.
class LogThatIsCut final : public LogReading {
public:
    using Result = std::expected<CutLog, std::string>;
    using Done = std::move_only_function<void(Result)>;

    // `to_cut`: of each event up to the last one that is wanted.
    LogThatIsCut(LogReadings &readings, const Client &client, std::vector<bool> to_cut, std::optional<TenantView> tenant, Done done);

private:
    void take(const mr::Event &event) override;
    void at_end() override;
    void failed(const std::string &reason) override;

    std::vector<bool> to_cut_;
    std::size_t events_ = 0;
    std::unique_ptr<LogExport> format_ = make_log_export("json");
    EventCutter cutter_;
    std::optional<TenantView> tenant_;
    CutLog made_;
    Done done_;
};

}  // namespace mrd
