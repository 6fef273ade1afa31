// What mrd asks of anything that holds measurement registers: the TDX module in software, the kernel, a TPM, a device.
//
// A provider only moves bytes. It keeps no cache, decides nothing about flags, owners or order, and does not log: the register
// table (mrd/registers/register_table.h) does. Its calls block; mrd makes one at a time, from the provider's queue (mrd/providers/provider_queue.h),
// on a worker of its own where may_wait() says that a call can take long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/registers.h"
#include "mr/tdreport.h"

namespace mrd {

// Position of a register in its provider's list: 0, 1, ... Used inside mrd only; interfaces carry names.
using RegisterIndex = std::size_t;

// Registers that one operation rereads together: TDX has one set, a TPM one for each bank.
using RefreshSet = std::size_t;

struct RegisterSpec {
    std::string name;  // without the provider: "rtmr3"; the same name with another hash is another bank
    std::optional<mr::HashAlgorithm> hash;
    std::size_t size = 0;
    mr::Flags flags;
    mr::Owner owner = mr::Owner::owned;
    RefreshSet refresh_set = 0;
    // Counted by writes of report data: true for the register that is written and the report over it.
    bool carries_generation = false;
    // Of an extensible register, at the hardware's reset. Empty: zero.
    mr::Digest initial = {};
};

// Did the operation that failed take effect?
enum class Applied : std::uint8_t { no, unknown };

struct ProviderError {
    std::string reason;                  // one sentence, for the client
    Applied applied = Applied::unknown;  // of an extend or a write; meaningless for the rest
};

struct ProviderAbilities {
    bool refresh = false;
    bool extend = false;
    bool write = false;
    bool report = false;
    bool verify_report = false;
    bool quote = false;
    bool privilege_levels = false;  // of a quote
    bool collateral = false;
};

struct ReportVerdict {
    bool genuine = false;
    std::string reason;  // why not; empty if genuine
};

// ---- Quotes

// Why there is no quote.
struct QuoteFailure {
    enum class Cause : std::uint8_t {
        timed_out,      // no answer within the deadline, or within the kernel's own
        cancelled,      // nobody waits for it any more
        unavailable,    // no quoting service answers, or it takes no more requests: `reason` says why
        failed,         // the quoting service refused: `reason` is its status
        invalid,        // what came is not the quote that was asked for: `reason` says why
        no_report,      // the hardware made no report to quote: `reason` says why
        not_supported,  // `reason` is what cannot be done
    };
    Cause cause = Cause::failed;
    std::string reason;
};

struct Quoted {
    mr::Bytes quote;
    std::optional<mr::Bytes> auxiliary;  // what some hardware gives beside it: certificates
    std::string_view format;             // "tdx_v4", ...; a constant
};

// What a verifier needs beside a simulator's quotes.
struct SimulatedCollateral {
    std::string json;      // as mr/collateral.h describes it
    std::string root_pem;  // the root that the quotes lead to
};

// Makes a provider's quotes. Its calls block, and never where the provider's other calls run: a quote that takes long delays no register.
class Quoter {
public:
    virtual ~Quoter() = default;

    // A quote over these 64 bytes and over the registers at some moment between the call and its return: the report that is quoted is taken
    // in the call. One call at a time. Deadlines are the caller's: when `stop` is requested the call returns as soon as it can.
    virtual std::expected<Quoted, QuoteFailure> quote(const mr::ReportData &report_data, std::optional<std::int64_t> privilege_level,
                                                      const std::stop_token &stop) = 0;

    // May run beside quote(). Error: one sentence.
    virtual std::expected<SimulatedCollateral, std::string> collateral() = 0;
};

// ----

class Provider {
public:
    virtual ~Provider() = default;

    // "tdx": what stands before the slash in its registers' names.
    [[nodiscard]] virtual std::string_view name() const = 0;

    // "tdx": which registers these are, whatever the configuration calls the provider. Envelopes name their register by it.
    [[nodiscard]] virtual std::string_view kind() const = 0;

    // True if no hardware stands behind it, so that its values prove nothing.
    [[nodiscard]] virtual bool simulated() const = 0;

    // Constant over the provider's life.
    [[nodiscard]] virtual const std::vector<RegisterSpec> &registers() const = 0;
    [[nodiscard]] virtual ProviderAbilities abilities() const = 0;

    // A call can take longer than a few microseconds: run it on a worker.
    [[nodiscard]] virtual bool may_wait() const = 0;

    // Rereads every register of the set. `values` has an entry for each register of the provider; those of the set are
    // overwritten with exactly spec.size bytes, the others left alone. On failure `values` is unspecified.
    virtual std::expected<void, ProviderError> refresh(RefreshSet set, std::vector<mr::Bytes> &values) = 0;

    // new = H(old || digest); digest has the register's length.
    virtual std::expected<void, ProviderError> extend(RegisterIndex index, const mr::Digest &digest) = 0;

    // Stores exactly spec.size bytes.
    virtual std::expected<void, ProviderError> write(RegisterIndex index, mr::ByteView value) = 0;

    // A report over these 64 bytes. Does not touch the shared reportdata slot.
    virtual std::expected<mr::Bytes, ProviderError> report(const mr::ReportData &report_data) = 0;

    // Was this report made by this very machine (MAC and both hashes)?
    virtual std::expected<ReportVerdict, ProviderError> verify_report(mr::ByteView report) = 0;

    // Ends with the provider. Null: it makes no quotes.
    virtual Quoter *quoter() { return nullptr; }
};

}  // namespace mrd
