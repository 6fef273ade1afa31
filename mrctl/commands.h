// The commands of mrctl: each takes its options, does its work and returns the exit code.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/wire/method.h"
#include "mr/client.h"
#include "mrctl/binding.h"

namespace mrctl {

// Of main(), for hand_over.cpp.
inline char *const *own_arguments = nullptr;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): set once, in main()

struct Common {
    mr::ClientOptions client;
    bool json = false;  // print mrd's reply
};

struct ReadCommand {
    std::vector<std::string> names;
    bool fresh = false;
    bool raw = false;  // the value's bytes and nothing else
};
// What the log is to say.
struct Event {
    std::optional<std::string> description;
    std::optional<std::string> type;
    std::optional<std::string> id;
};
struct ExtendCommand {
    std::string name;
    std::string digest;
    Event event;
};
struct MeasureCommand {
    std::string name;
    std::string file;  // "-": standard input
    Event event;
    bool envelope = false;  // bind description and content
};
struct ExecCommand {
    std::string name;
    std::vector<std::string> program;  // with its arguments; "--" may stand before it
};
struct GateCommand {
    std::string name = "app";  // takes the events
    bool may_be_unmeasured = false;
    std::optional<std::string> provider = {};  // whose registers are judged
    std::string reference;
    std::vector<std::string> program;  // with its arguments; "--" may stand before it
};
struct CreateCommand {
    std::string name;
    std::string hash = "sha384";
    std::string on;
};
struct LogCommand {
    std::string format;  // empty: records
    std::string output;
    std::optional<std::int64_t> from;  // 1
    bool follow = false;
    std::optional<std::string> of_register = {};  // a virtual one: the others' events redacted
};
struct ReplayCommand {
    std::vector<std::string> logs;  // empty: mrd's own
    bool accept_gaps = false;
    std::optional<mr::LogRegisters> registers = {};  // whose numbers a TCG log's are
};
struct WriteCommand {
    std::string name;
    std::string file;
    std::string hex;
};
struct ReportCommand {
    std::string data;
    std::string output;
    std::optional<std::string> provider;
};
struct QuoteCommand {
    std::string data;
    std::string output;
    std::string auxiliary;
    std::string manifest;
    std::optional<std::string> provider;
    mr::ReportOptions options;
    std::optional<std::uint32_t> deadline_ms;
};
struct CollateralCommand {
    std::string output;
    std::string root;
    std::optional<std::string> provider;
};
struct AssembleCommand {
    std::vector<std::string> files;
    std::optional<std::string> quote;
    std::string output = "-";
};

struct EvidenceCommand {
    std::optional<std::string> data;
    BindingOptions bind;  // instead, with a nonce
    std::optional<std::string> nonce;
    std::string output;
    std::vector<std::string> providers;  // empty: all
    std::vector<std::string> registers;  // virtual ones: the others' events redacted; empty: all is whole
    std::optional<std::uint32_t> deadline_ms;
    std::string format = "mrd";             // "cmw", "coco"
    bool cbor = false;                      // of the first two
    std::vector<std::string> devices = {};  // that become parts, too
};
struct InspectCommand {
    std::string file;
    std::optional<std::string> key;  // that an attestation result must be signed by
};
struct DeviceCommand {
    std::string name;
    std::string nonce;
    std::string output;
    std::optional<std::uint32_t> deadline_ms;
    std::int64_t generation = 0;
    std::string policy;  // digest, "sha384:HEX"
};
struct InterfaceCommand {
    std::vector<std::string> files;      // a report, or the messages with its portions
    std::optional<std::string> policy;   // a file
    std::optional<std::string> digest;   // "sha384:HEX", as the TSM says it
    std::optional<std::string> state;    // "RUN"
    std::optional<std::string> without;  // "policy,origin,state": what is not asked for
};
struct RealmMeasurementCommand {
    std::optional<std::string> log;
    std::optional<std::string> parameters;  // instead
    std::vector<std::string> images;        // "KERNEL=Image"; without a name: any of them
    std::optional<std::string> reference;
};
struct VerifyCommand {
    std::vector<std::string> files;        // each evidence, or anything that --quote takes
    std::optional<mr::Bytes> judged = {};  // what is in the only one, where it is no file
    bool only_device = false;              // evidence of one, as the device was asked for, and nothing else
    std::string quote;                     // a quote, a token or a TDREPORT
    std::vector<std::string> logs;
    std::optional<std::string> roots;
    std::optional<std::string> collateral;
    std::optional<std::string> reference;
    std::optional<std::string> nonce;
    BindingOptions bound;
    std::optional<std::uint32_t> bound_uid;  // 0
    std::vector<std::string> certificates;   // beside a report of SEV-SNP
    std::optional<std::string> without;      // "nonce,reference,tcb": what is not asked for
    std::optional<std::int64_t> time;        // seconds since the epoch; now
    std::optional<std::string> ear;          // file for the attestation result, or "-"
    std::optional<std::string> ear_key;      // which it is signed with
};

int list(const Common &common);
int read(const Common &common, const ReadCommand &command);
int extend(const Common &common, const ExtendCommand &command);
int cap(const Common &common, const std::string &name);
int create(const Common &common, const CreateCommand &command);  // virtual_registers.cpp
int close(const Common &common, const std::string &name);        // virtual_registers.cpp
int repair(const Common &common);
int write(const Common &common, const WriteCommand &command);
int report(const Common &common, const ReportCommand &command);
int quote(const Common &common, const QuoteCommand &command);            // quote.cpp
int collateral(const Common &common, const CollateralCommand &command);  // quote.cpp
int device_list(const Common &common);                                   // device.cpp, as the next three
int device_show(const Common &common, const DeviceCommand &command);
int device_evidence(const Common &common, const DeviceCommand &command);
int device_accept(const Common &common, const DeviceCommand &command);
int watch(const Common &common, const std::vector<std::string> &names);
int stats(const Common &common);
int status(const Common &common);
int access(const Common &common, const std::string &who);  // access.cpp; empty: oneself
int metrics(const Common &common);
int log_level(const Common &common, const std::optional<std::string> &level);

// Those that need libcrypto: in mrctl they are only its way to mrctl-crypto (hand_over.cpp), which has them.
int measure(const Common &common, const MeasureCommand &command);                                     // measure.cpp
int exec(const Common &common, const ExecCommand &command);                                           // exec.cpp
int gate(const Common &common, const GateCommand &command);                                           // gate.cpp
int log(const Common &common, const LogCommand &command);                                             // log.cpp
int replay(const Common &common, const ReplayCommand &command);                                       // replay.cpp
int evidence(const Common &common, const EvidenceCommand &command);                                   // evidence.cpp
int verify(bool json, const VerifyCommand &command);                                                  // verify.cpp
int device_verify(const Common &common, const DeviceCommand &command, VerifyCommand verify_command);  // device_verify.cpp
int device_verify_interface(bool json, const InterfaceCommand &command);                              // device_interface.cpp
int inspect(bool json, const InspectCommand &command);                                                // inspect.cpp
int realm_measurement(bool json, const RealmMeasurementCommand &command);                             // realm_measurement.cpp
int assemble_collateral(const AssembleCommand &command);                                              // collateral.cpp

// mrd's own reply, unchanged; each of several.
int print_raw(const Common &common, const mr::Call<mr::RawReply> &call);
int print_raw(const Common &common, const mr::StreamCall<mr::RawReply> &call);
template <mr::wire::DescribedMethod Method>
int print_reply(const Common &common, const typename Method::Parameters &parameters = {}) {
    std::string json;
    varlink::write_json(json, parameters);
    if constexpr (Method::description.replies == mr::wire::Replies::many) {
        return print_raw(common, mr::calls::any_stream(Method::description.name, json));
    } else {
        return print_raw(common, mr::calls::any(Method::description.name, json));
    }
}

// The event as the library takes it. Error: a type that is none.
std::expected<mr::EventOptions, mr::Error> event_of(const Event &event);

// "virtual/build" of "build": of a name without a provider's.
std::string virtual_register_name(const std::string &name);  // virtual_registers.cpp

// The bytes of --data or --nonce, as report data carries them. Error: invalid_argument, naming the option.
std::expected<mr::ReportData, mr::Error> report_data_of(std::string_view option, const std::string &hex);

// What extend and measure print: the register's name and new value, or the reply as JSON.
int print_extended(bool json, const mr::Reading &reading, std::int64_t sequence, const mr::Digest &digest);

}  // namespace mrctl
