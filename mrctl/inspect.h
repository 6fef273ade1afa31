// The kinds of files that mrctl inspect knows, one function each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/cca_token.h"
#include "mr/certificate.h"
#include "mr/cmw.h"
#include "mr/collateral.h"
#include "mr/corim.h"
#include "mr/ear.h"
#include "mr/event_log.h"
#include "mr/evidence.h"
#include "mr/quote.h"
#include "mr/snp_report.h"
#include "mr/spdm_message.h"
#include "mr/tdisp.h"
#include "mr/verify_spdm.h"
#include "mr/wrapped_evidence.h"
#include "mrctl/output.h"

namespace mrctl {

// By which names a log's registers are told apart.
mr::ReplayNames names_for(const std::vector<mr::LogRegister> &registers);  // replay.cpp

// The numbers of a log's events that are missing, or there twice. Only mrd's own JSON has numbers; of other formats nothing is wrong.
class EventNumbers {
public:
    struct Range {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
    };
    struct Wrong {
        std::vector<Range> missing;
        std::vector<std::uint64_t> repeated;  // or behind a later one
        [[nodiscard]] bool empty() const { return missing.empty() && repeated.empty(); }
        void add(const Wrong &other);
    };

    explicit EventNumbers(mr::LogFormat format) : is_numbered_(format == mr::LogFormat::json) {}

    void see(const mr::Event &event);

    [[nodiscard]] const Wrong &wrong() const { return wrong_; }

private:
    static constexpr std::size_t max_told = 1000;  // of each: a hostile log has no end of them

    bool is_numbered_;
    std::uint64_t last_ = 0;
    Wrong wrong_;
};

// What a log leads to, gaps and wrong numbers included, as lines or one JSON object. False: the log contradicts itself.
bool print_replay(bool json, mr::Replay &replay, const EventNumbers::Wrong &numbers);  // replay.cpp

// "2026-11-25T02:54:08Z"
std::string utc_text(std::int64_t seconds);  // inspect.cpp

// "0x1f"
std::string hex_number(std::uint64_t value);  // inspect.cpp

// Of a JSON object a row for each field, by the path to it: "platform.sw_components.0.type". What is null is left out.
std::vector<Row> rows_of(const std::string &fields);  // inspect.cpp

// The fields, a JSON object, as that or as a table with a title before and a note behind it.
int print_fields(bool json, std::string_view title, const std::string &fields, std::string_view note);  // inspect.cpp

// Of a TD's field that is bits, those that are set, by their names. Nothing: it is none.
std::optional<std::string> named_bits_of(const mr::NamedField &field);  // inspect_quote.cpp

// Of a TCG number: "sha384", or the number.
std::string algorithm_name(std::uint16_t id);  // inspect_log.cpp

// What the hardware itself makes: a TDREPORT, a quote, a report or its certificates, a token. Nothing: it is none of these.
std::optional<int> inspect_hardware(bool json, const std::string &file, mr::ByteView bytes);  // inspect.cpp

int inspect_log(bool json, const std::string &file, mr::ByteView bytes, mr::EventLogReader &reader);  // inspect_log.cpp
int inspect_quote(bool json, const mr::Quote &quote, std::size_t total);                              // inspect_quote.cpp
int inspect_snp_report(bool json, const mr::SnpReport &report);                                       // inspect_snp.cpp
int inspect_snp_table(bool json, const std::string &file, mr::ByteView table);                        // inspect_snp.cpp
int inspect_cca_token(bool json, const mr::CcaToken &token, std::size_t total);                       // inspect_cca.cpp
int inspect_pci_message(bool json, const std::string &file, mr::ByteView message);                    // inspect_tdisp.cpp
int inspect_tdisp_message(bool json, const mr::TdispMessage &message);                                // inspect_tdisp.cpp
int inspect_tdisp_report(bool json, const mr::TdispReport &report, std::size_t total);                // inspect_tdisp.cpp
int inspect_device_evidence(bool json, const std::string &file, const mr::DeviceEvidence &evidence);  // inspect_spdm.cpp
int inspect_spdm_message(bool json, const std::string &file, mr::ByteView bytes);                     // inspect_spdm.cpp
int inspect_spdm_blocks(bool json, const std::vector<mr::SpdmBlock> &blocks);                         // inspect_spdm.cpp
int inspect_spdm_log(bool json, const std::vector<mr::SpdmLogEntry> &entries);                        // inspect_spdm.cpp
int inspect_corim(bool json, const mr::Corim &corim);                                                 // inspect_spdm.cpp
int inspect_certificates(bool json, const std::vector<mr::Bytes> &certificates);                      // inspect_quote.cpp
int inspect_crls(bool json, const std::vector<mr::Bytes> &crls);                                      // inspect_quote.cpp
int inspect_platform_keys(bool json, const std::vector<mr::PlatformKey> &keys);                       // inspect_quote.cpp
int inspect_collateral(bool json, const mr::Collateral &collateral);                                  // inspect_evidence.cpp
int inspect_wrapped(bool json, const std::string &file, mr::ByteView bytes, mr::WrappedForm form);    // inspect_wrapped.cpp
int inspect_cmw(bool json, const mr::Cmw &message, std::string_view what);                            // inspect_wrapped.cpp
// Signed by one of the keys, if there are any.
int inspect_ear(bool json, const mr::SignedEar &result, const std::vector<mr::PlatformKey> &keys);  // inspect_ear.cpp
int inspect_evidence(bool json, const std::string &file, const mr::Evidence &evidence);             // inspect_evidence.cpp

}  // namespace mrctl
