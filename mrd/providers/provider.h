// What mrd asks of anything that holds measurement registers or proves something of the machine: the kernel, a TPM, a device, a virtual one in software.
//
// A provider is made of the parts it has: registers, reporter, verifier of reports, quoter, collateral, or that it is a device. Each is there or is not, for as long as the provider is.
// A part only moves bytes. It keeps no cache, decides nothing about flags, owners or order, and does not log: the register
// table (mrd/registers/register_table.h) does. Its calls block. Those of registers, reporter and verifier are made one at a time, from the provider's queue
// (mrd/providers/provider_queue.h), on a worker of its own where may_wait() says that a call can take long. How to write one: docs/providers.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/registers.h"
#include "mr/report_options.h"

namespace mrd {

class Device;  // mrd/providers/device.h

// Position of a register in its provider's list: 0, 1, ... It keeps it as long as mrd runs. Used inside mrd only; interfaces carry names.
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
    // By software, while the machine runs: a PCR 16 or 23. That it is back at its start is then no reboot.
    bool resettable = false;
    // Counted by writes of report data: true for the register that is written and the report over it.
    bool carries_generation = false;
    // Of an extensible register, at the hardware's reset. Empty: zero.
    mr::Digest initial = {};
    // Why a refresh does not show what others have extended, in one clause; empty: it does. Such a register is not shared, and no read of it is fresh.
    std::string others_unseen = {};
    // By which it is called as well (mrd/registers/roles.h): here the hardware's defaults, in a table those that it has.
    std::vector<std::string> roles = {};
    // Which hash it is, and so its size, is known with its first value alone: until then it has none, and `size` is the most that there can be. Not extensible.
    bool hash_by_value = false;
};

// Did the operation that failed take effect?
enum class Applied : std::uint8_t { no, unknown };

struct ProviderError {
    std::string reason;                  // one sentence, for the client
    Applied applied = Applied::unknown;  // of an extend or a write; meaningless for the rest
};

// Nothing was done.
inline std::unexpected<ProviderError> not_applied(std::string reason) {
    return std::unexpected(ProviderError{std::move(reason), Applied::no});
}

// ---- Registers

struct RegisterAbilities {
    bool refresh = false;
    bool extend = false;
    bool write = false;
    bool come_and_go = false;  // registers may: ProviderNews::registers tells it
    // A refresh is a report as the quoter makes them, and takes as long: it is made on the thread that makes quotes, never to open the provider, so that no value is known
    // before the first one.
    bool by_report = false;
};

// The registers of a provider as they are now, where they come and go.
struct RegistersNow {
    std::vector<RegisterSpec> list;  // all that there have been, each at its place; new ones at the end
    std::vector<bool> there;         // of each
    std::string reason = {};         // why some have vanished, one sentence; empty: that is nothing to be told of
};

class RegisterDriver {
public:
    virtual ~RegisterDriver() = default;

    // Those that are there when the provider is opened: asked for once, before any other call. An opened provider has the places of the one before it, whose
    // registers are the first of its list, or all there are. The abilities are constant.
    [[nodiscard]] virtual const std::vector<RegisterSpec> &list() const = 0;
    [[nodiscard]] virtual RegisterAbilities abilities() const = 0;

    // Rereads every register of the set that is there: that one of them has vanished is no failure. `values` has an entry for each register that mrd knows; those
    // of the set are overwritten with exactly spec.size bytes, the others left alone. On failure `values` is unspecified.
    virtual std::expected<void, ProviderError> refresh(RefreshSet set, std::vector<mr::Bytes> &values) = 0;

    // new = H(old || digest); digest has the register's length.
    virtual std::expected<void, ProviderError> extend(RegisterIndex index, const mr::Digest &digest) = 0;

    // Stores exactly spec.size bytes.
    virtual std::expected<void, ProviderError> write(RegisterIndex index, mr::ByteView value) = 0;
};

// ---- Reports

inline constexpr std::size_t max_report_data = 64;  // bytes

// How many bytes of report data a reporter or quoter takes.
struct ReportDataSize {
    std::size_t least = max_report_data;
    std::size_t most = max_report_data;
};

class Reporter {
public:
    virtual ~Reporter() = default;

    [[nodiscard]] virtual ReportDataSize report_data_size() const { return {}; }

    // A report over these bytes, whose size is as above. Does not touch a register that holds report data.
    virtual std::expected<mr::Bytes, ProviderError> report(mr::ByteView report_data) = 0;
};

struct ReportVerdict {
    bool genuine = false;
    std::string reason;  // why not; empty if genuine
};

class ReportVerifier {
public:
    virtual ~ReportVerifier() = default;

    // Was this report made by this very machine?
    virtual std::expected<ReportVerdict, ProviderError> verify(mr::ByteView report) = 0;
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
        not_supported,  // `reason` is what cannot be done: of an option, its name on the wire, and what else is to be said of it
    };
    Cause cause = Cause::failed;
    std::string reason;
};

inline std::unexpected<QuoteFailure> no_quote(QuoteFailure::Cause cause, std::string reason) {
    return std::unexpected(QuoteFailure{cause, std::move(reason)});
}

// What a quote says, as each kind of quote is read by who knows it (mrd/providers/tdx/td_quote.h, ...), so that nobody else has to.
struct QuoteStatement {
    mr::Bytes report_data;  // as it was asked for, or with zeros up to the field's size
    struct Register {
        RegisterIndex index = 0;  // in the provider's list
        mr::Digest value;
    };
    std::vector<Register> registers;
};

struct Quoted {
    mr::Bytes quote;
    std::optional<mr::Bytes> auxiliary;  // what some hardware gives beside it: certificates
    std::optional<mr::Bytes> manifest;   // and what lists the services behind it
    std::string format;                  // "tdx_v4", ...
    QuoteStatement says;
};

// Makes a provider's quotes. Its calls block, and never where the provider's other calls run: a quote that takes long delays no register.
class Quoter {
public:
    virtual ~Quoter() = default;

    [[nodiscard]] virtual ReportDataSize report_data_size() const { return {}; }

    // A quote over these bytes, whose size is as above, and over the registers at some moment between the call and its return: what is quoted is taken
    // in the call. An option that the hardware does not know, or would pass over, is not_supported (mrd/providers/report_options.h). One call at a time. Deadlines are the caller's: when `stop` is
    // requested the call returns as soon as it can. That the quote is over the bytes that were asked for is the caller's to check, with `says`; what
    // else can be wrong with it, and only who knows its kind can see, is `invalid`.
    virtual std::expected<Quoted, QuoteFailure> quote(mr::ByteView report_data, const mr::ReportOptions &options,
                                                      const std::stop_token &stop) = 0;
};

// What a verifier needs beside the quotes.
struct QuoteCollateral {
    std::string json;      // as mr/collateral.h describes it
    std::string root_pem;  // the root that the quotes lead to
};

class CollateralSource {
public:
    virtual ~CollateralSource() = default;

    // May run beside quotes. Error: one sentence.
    virtual std::expected<QuoteCollateral, std::string> read_collateral() = 0;
};

// ---- What changes while it runs

// What a provider tells of itself, on any thread, as long as it lives. Neither call waits, and none is made from within it.
struct ProviderNews {
    // Registers have come or vanished. What has vanished fails its calls soon, and keeps its place: mrd answers who waits for it.
    std::function<void(RegistersNow now)> registers = [](const RegistersNow &) {};
    // It can do nothing any more: mrd closes it as soon as no call of it runs, and opens another.
    std::function<void(std::string reason)> failed = [](const std::string &) {};
};

class Provider {
public:
    virtual ~Provider() = default;

    // "tdx": what stands before the slash in its registers' names.
    [[nodiscard]] virtual std::string_view name() const = 0;

    // "tdx": which registers these are, whatever the configuration calls the provider. Envelopes name their register by it.
    [[nodiscard]] virtual std::string_view kind() const = 0;

    // True if no hardware stands behind it, so that its values prove nothing.
    [[nodiscard]] virtual bool simulated() const = 0;

    // Nothing binds its registers to this machine's hardware, as those of a TPM in software that the host runs.
    [[nodiscard]] virtual bool unbound() const { return simulated(); }
    // A call of registers, reporter or verifier can take longer than a few microseconds: run it on a worker.
    [[nodiscard]] virtual bool may_wait() const = 0;

    // Called once, after its registers were read for the first time, whatever thread that was on: what has changed since the list was given is told at once.
    // NOLINTNEXTLINE(performance-unnecessary-value-param): whoever has news to tell keeps it
    virtual void tell(ProviderNews /*news*/) {}

    // mrd is about to end, and calls may run on other threads: those that wait for a device end soon, with an error, as all that come later.
    virtual void interrupt() {}

    // The parts; null: it has none. Each ends with the provider.
    virtual RegisterDriver *registers() { return nullptr; }
    virtual Reporter *reporter() { return nullptr; }
    virtual ReportVerifier *report_verifier() { return nullptr; }
    virtual Quoter *quoter() { return nullptr; }
    virtual CollateralSource *collateral() { return nullptr; }
    virtual Device *device() { return nullptr; }
};

}  // namespace mrd
