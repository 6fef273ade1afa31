// io.mrd.Devices as structs; see libmr/wire/registers.h for who owns what.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/wire/errors.h"
#include "libmr/wire/method.h"
#include "proto/varlink/fields.h"

namespace mr::wire::devices {

using varlink::field;

struct Block {
    std::int64_t index = 0;
    std::string_view type = {};
    bool raw = false;
    std::optional<std::string_view> algorithm = {};
    std::string value = {};
    std::optional<std::string> reg = {};
    static constexpr auto fields() {
        return std::tuple(field("index", &Block::index), field("type", &Block::type), field("raw", &Block::raw),
                          field("algorithm", &Block::algorithm), field("value", &Block::value), field("register", &Block::reg));
    }
};

struct Signature {
    std::string nonce = {};
    std::int64_t time = 0;
    static constexpr auto fields() { return std::tuple(field("nonce", &Signature::nonce), field("time", &Signature::time)); }
};

struct Verdict {
    std::int64_t generation = 0;
    std::string_view policy_digest = {};
    bool holds = false;
    std::optional<std::string_view> why = {};
    std::int64_t sequence = 0;
    std::int64_t uid = 0;
    std::int64_t time = 0;
    static constexpr auto fields() {
        return std::tuple(field("generation", &Verdict::generation), field("policyDigest", &Verdict::policy_digest),
                          field("holds", &Verdict::holds), field("why", &Verdict::why), field("sequence", &Verdict::sequence),
                          field("uid", &Verdict::uid), field("time", &Verdict::time));
    }
};

struct Log {
    std::int64_t entries = 0;
    bool holds = false;
    std::optional<std::string> why = {};
    static constexpr auto fields() {
        return std::tuple(field("entries", &Log::entries), field("holds", &Log::holds), field("why", &Log::why));
    }
};

struct Report {
    std::optional<std::string> digest = {};
    std::int64_t ranges = 0;
    std::vector<std::string> refused = {};
    std::optional<std::string> why = {};
    static constexpr auto fields() {
        return std::tuple(field("digest", &Report::digest), field("ranges", &Report::ranges), field("refused", &Report::refused),
                          field("why", &Report::why));
    }
};

struct Device {
    std::string name = {};
    bool present = false;
    std::optional<std::string> reason = {};
    std::optional<std::int64_t> generation = {};
    std::optional<std::string> leaf = {};
    bool accepted = false;
    static constexpr auto fields() {
        return std::tuple(field("name", &Device::name), field("present", &Device::present), field("reason", &Device::reason),
                          field("generation", &Device::generation), field("leaf", &Device::leaf), field("accepted", &Device::accepted));
    }
};

struct Description {
    std::string name = {};
    std::string address = {};
    std::string_view transport = {};
    std::optional<std::string> pci_function = {};
    bool present = false;
    std::optional<std::string> reason = {};
    std::optional<std::int64_t> generation = {};
    std::optional<std::int64_t> since = {};
    std::optional<std::string> identity = {};
    std::optional<std::string> pci = {};
    std::optional<std::string> dmtf = {};
    std::optional<std::string> leaf = {};
    std::int64_t chain = 0;
    std::optional<std::string> root = {};
    std::int64_t slot = 0;
    std::vector<std::int64_t> slots = {};
    std::string_view link = {};
    std::string_view tdi = {};
    std::optional<Report> report = {};
    std::optional<std::string> version = {};
    std::optional<std::string_view> signature_algorithm = {};
    std::optional<std::string_view> hash = {};
    std::optional<std::string_view> measurement_hash = {};
    std::optional<Signature> signature = {};
    bool value_fresh = false;
    std::vector<Block> blocks = {};
    std::optional<Log> log = {};
    std::optional<Verdict> verdict = {};
    static constexpr auto fields() {
        return std::tuple(field("name", &Description::name), field("address", &Description::address),
                          field("transport", &Description::transport), field("pciFunction", &Description::pci_function),
                          field("present", &Description::present), field("reason", &Description::reason),
                          field("generation", &Description::generation), field("since", &Description::since),
                          field("identity", &Description::identity), field("pci", &Description::pci), field("dmtf", &Description::dmtf),
                          field("leaf", &Description::leaf), field("chain", &Description::chain), field("root", &Description::root),
                          field("slot", &Description::slot), field("slots", &Description::slots), field("link", &Description::link),
                          field("tdi", &Description::tdi), field("report", &Description::report), field("version", &Description::version),
                          field("signatureAlgorithm", &Description::signature_algorithm), field("hash", &Description::hash),
                          field("measurementHash", &Description::measurement_hash), field("signature", &Description::signature),
                          field("valueFresh", &Description::value_fresh), field("blocks", &Description::blocks),
                          field("log", &Description::log), field("verdict", &Description::verdict));
    }
};

struct ListReply {
    std::vector<Device> devices = {};
    static constexpr auto fields() { return std::tuple(field("devices", &ListReply::devices)); }
};

struct DescribeParameters {
    std::string_view device = {};
    static constexpr auto fields() { return std::tuple(field("device", &DescribeParameters::device)); }
};
struct DescribeReply {
    Description description = {};
    static constexpr auto fields() { return std::tuple(field("description", &DescribeReply::description)); }
};

struct EvidenceParameters {
    std::string_view device = {};
    std::string_view nonce = {};
    std::optional<std::int64_t> deadline_milliseconds = {};
    static constexpr auto fields() {
        return std::tuple(field("device", &EvidenceParameters::device), field("nonce", &EvidenceParameters::nonce),
                          field("deadlineMilliseconds", &EvidenceParameters::deadline_milliseconds));
    }
};
struct EvidenceReply {
    varlink::RawJson evidence = {};
    static constexpr auto fields() { return std::tuple(field("evidence", &EvidenceReply::evidence)); }
};

struct AcceptParameters {
    std::string_view device = {};
    std::int64_t generation = 0;
    std::string_view policy_digest = {};
    static constexpr auto fields() {
        return std::tuple(field("device", &AcceptParameters::device), field("generation", &AcceptParameters::generation),
                          field("policyDigest", &AcceptParameters::policy_digest));
    }
};
struct AcceptReply {
    std::int64_t sequence = 0;
    static constexpr auto fields() { return std::tuple(field("sequence", &AcceptReply::sequence)); }
};

// ---- Errors

using wire::Busy;

struct NoSuchDevice {
    static constexpr std::string_view name_in_interface = "NoSuchDevice";
    std::string name = {};
    std::vector<std::string> candidates = {};
    static constexpr auto fields() {
        return std::tuple(field("name", &NoSuchDevice::name), field("candidates", &NoSuchDevice::candidates));
    }
};

struct DeviceAbsent {
    static constexpr std::string_view name_in_interface = "DeviceAbsent";
    std::string device = {};
    std::string reason = {};
    static constexpr auto fields() { return std::tuple(field("device", &DeviceAbsent::device), field("reason", &DeviceAbsent::reason)); }
};

struct DeviceFailed {
    static constexpr std::string_view name_in_interface = "DeviceFailed";
    std::string device = {};
    std::string reason = {};
    static constexpr auto fields() { return std::tuple(field("device", &DeviceFailed::device), field("reason", &DeviceFailed::reason)); }
};

struct DeviceTimeout {
    static constexpr std::string_view name_in_interface = "DeviceTimeout";
    std::string device = {};
    static constexpr auto fields() { return std::tuple(field("device", &DeviceTimeout::device)); }
};

struct GenerationPassed {
    static constexpr std::string_view name_in_interface = "GenerationPassed";
    std::string device = {};
    std::int64_t generation = 0;
    std::optional<std::int64_t> present = {};
    static constexpr auto fields() {
        return std::tuple(field("device", &GenerationPassed::device), field("generation", &GenerationPassed::generation),
                          field("present", &GenerationPassed::present));
    }
};

struct NotMeasured {
    static constexpr std::string_view name_in_interface = "NotMeasured";
    std::string reason = {};
    static constexpr auto fields() { return std::tuple(field("reason", &NotMeasured::reason)); }
};

// ---- The methods. What a device holds is told as what the machine holds is: to who may read.

struct List : Method<varlink::NoParameters, ListReply> {
    static constexpr wire::Description description{.name = "io.mrd.Devices.List", .operation = Operation::list};
    static constexpr auto subject = no_subject;
};

struct Describe : Method<DescribeParameters, DescribeReply, NoSuchDevice> {
    static constexpr wire::Description description{.name = "io.mrd.Devices.Describe", .operation = Operation::status};
    static constexpr auto subject = &Parameters::device;
};

struct Evidence : Method<EvidenceParameters, EvidenceReply, NoSuchDevice, DeviceAbsent, DeviceFailed, DeviceTimeout, Busy> {
    static constexpr wire::Description description{
        .name = "io.mrd.Devices.Evidence", .operation = Operation::quote, .connection = Connection::own};
    static constexpr auto subject = &Parameters::device;
};

struct Accept : Method<AcceptParameters, AcceptReply, NoSuchDevice, DeviceAbsent, GenerationPassed, NotMeasured> {
    static constexpr wire::Description description{
        .name = "io.mrd.Devices.Accept", .operation = Operation::accept, .effect = varlink::Effect::changes};
    static constexpr auto subject = &Parameters::device;
};

using DevicesMethods = MethodList<List, Describe, Evidence, Accept>;

}  // namespace mr::wire::devices
