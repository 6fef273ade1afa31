#include "libmr/src/client/reply_error.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "libmr/wire/attestation.h"
#include "libmr/wire/devices.h"
#include "libmr/wire/event_log.h"
#include "libmr/wire/registers.h"
#include "libmr/wire/right.h"
#include "libmr/wire/service.h"
#include "mr/digest.h"
#include "mr/event_log.h"
#include "mr/evidence.h"
#include "mr/limits.h"

namespace mr::detail {

namespace {

struct KnownError {
    std::string_view name;
    ErrorCode code;
    std::string_view advice;  // what the caller can do
};

// By the part of the name after the interface: the interfaces share their errors' meaning.
constexpr std::array known_errors{
    KnownError{"NoSuchRegister", ErrorCode::no_such_register, "no register has that name; `mrctl list` shows the names"},
    KnownError{
        "RegisterGone", ErrorCode::no_such_register,
        "a virtual register was closed, and its name can be given anew; another one has vanished with its device or provider, and may come "
        "back: `mrctl device list` and `mrctl status` say why"},
    KnownError{"NoRegisterForRole", ErrorCode::no_such_register,
               "no register of this machine has that role: the administrator names one that takes extends under [roles] in mrd's "
               "configuration; `mrctl list` shows which register has which"},
    KnownError{"NoSuchProvider", ErrorCode::no_such_provider, "no provider has that name: name one of the candidates"},
    KnownError{"NotReadable", ErrorCode::not_readable, "the register cannot be read"},
    KnownError{"NotWritable", ErrorCode::not_writable, "the register cannot be written; registers with the flag X are extended instead"},
    KnownError{"NotExtensible", ErrorCode::not_extensible, "the register cannot be extended: it has no flag X, or is only observed"},
    KnownError{"LogOnly", ErrorCode::log_only, "the register takes no bare digest: use measure"},
    KnownError{"RegisterExists", ErrorCode::register_exists,
               "there is a virtual register of that name, or another user has closed one, and the name stays his until the next boot: "
               "close it first, or take another name"},
    KnownError{"TooManyRegisters", ErrorCode::too_many_registers,
               "so many virtual registers may be made until the next boot, those that were closed too, and as many have been made"},
    KnownError{"Capped", ErrorCode::capped, "the register is capped until the next boot"},
    KnownError{"Indeterminate", ErrorCode::indeterminate,
               "an earlier extend failed and may have happened, and the register cannot be reread: try again later"},
    KnownError{"WrongLength", ErrorCode::wrong_length, "lengths are in bytes: give as many as are expected"},
    KnownError{"GenerationMismatch", ErrorCode::generation_mismatch, "somebody else wrote reportdata: write and read again, or use report"},
    KnownError{"DuplicateEvent", ErrorCode::duplicate_event,
               "the event id was used before for another event: with another digest, type, description or data"},
    KnownError{"JournalFull", ErrorCode::journal_full,
               "the journal has reached its size limit, or the caller's share of it; what is logged stays: raise journal.size_limit, and "
               "start mrd again"},
    KnownError{"LogTooLarge", ErrorCode::log_too_large, "evidence cannot carry a log of that size: take a quote, and export the log"},
    KnownError{"JournalFailed", ErrorCode::journal_failed, "the log cannot be written, or not be had as asked"},
    KnownError{"ProviderFailed", ErrorCode::provider_failed, "the hardware failed"},
    KnownError{"QuoteTimeout", ErrorCode::quote_timeout,
               "there was no quote, or no evidence, within the deadline: try again, or give a longer one"},
    KnownError{"QuoteUnavailable", ErrorCode::quote_unavailable, "no quoting service answers now: try again later"},
    KnownError{"QuoteFailed", ErrorCode::quote_failed, "the quoting service refused the report"},
    KnownError{"QuoteInvalid", ErrorCode::quote_invalid, "what the quoting service gave is not the quote that was asked for"},
    KnownError{"NoSuchDevice", ErrorCode::no_such_device, "no device has that name; `mrctl device list` shows those that there are"},
    KnownError{"DeviceAbsent", ErrorCode::device_absent, "the device is not there, or what it says does not hold"},
    KnownError{"DeviceFailed", ErrorCode::device_failed, "the device gave no evidence"},
    KnownError{"DeviceTimeout", ErrorCode::device_timeout,
               "there was no evidence of the device within the deadline: try again, or give a longer one"},
    KnownError{"GenerationPassed", ErrorCode::generation_passed,
               "the device is not in the generation any more that was judged: ask for evidence again, and judge that"},
    KnownError{"NotMeasured", ErrorCode::not_measured, "an acceptance that cannot be measured is none"},
    KnownError{"UnknownFormat", ErrorCode::invalid_parameter, "give one of the known formats"},
    KnownError{"Busy", ErrorCode::busy, "a limit of mrd is reached: try again later"},
    KnownError{"NotSupported", ErrorCode::not_supported, "the provider cannot do this"},
    KnownError{"InvalidParameter", ErrorCode::invalid_parameter, "its form is wrong, it is too long, or this mrd does not take it"},
    KnownError{"PermissionDenied", ErrorCode::permission_denied,
               "no access rule of mrd gives the caller that right; `mrctl access` says which rights he has, and by which rules"},
    KnownError{"MethodNotImplemented", ErrorCode::method_not_implemented, "this mrd does not do that"},
    KnownError{"MethodNotFound", ErrorCode::method_not_implemented, "this mrd does not know that"},
    KnownError{"InterfaceNotFound", ErrorCode::method_not_implemented, "this mrd does not know that, or does not serve it at this socket"},
};

// InvalidParameter has only the field's name: what mrd takes for each, of this method.
std::string rule_of(std::string_view field, std::optional<wire::Operation> operation) {
    const auto number = [](auto value) { return std::to_string(value); };
    constexpr std::string_view no_tag =
        "hexadecimal, and of report data 64 bytes that do not end in \"mrd composed v1.\", which only mrd makes, where it binds a key";
    constexpr auto most_uid = std::numeric_limits<std::uint32_t>::max() - 1;
    if (field == "contentDigest") return "ALGORITHM:HEX, only with an envelope, and not beside data";
    if (field == "data")
        return "base64 of at most " + number(max_event_data) +
               " bytes, with an envelope its text included, and not beginning with an envelope's tag, which only mrd builds: measure it in "
               "an envelope";
    if (field == "deadlineMilliseconds") return "from 1 to " + number(max_quote_deadline.count());
    if (field == "hash") return "the name of a hash that this mrd can compute: sha256, sha384, sha512";
    if (field == "name" && operation != wire::Operation::create) return "text: a name as `mrctl list` shows it";
    if (field == "name")
        return "virtual/ and 1 to " + number(max_virtual_register_name) + " of the characters a to z, A to Z, 0 to 9, . _ and -";
    if (field == "description") return "text of at most " + number(max_event_description) + " bytes";
    if (field == "digest") return "hexadecimal";
    if (field == "nonce") return "32 bytes that are not all zero, hexadecimal";
    if (field == "policyDigest") return "ALGORITHM:HEX, as sha384:0a1b...";
    if (field == "eventType")
        return "from 0 to " + number(std::numeric_limits<std::uint32_t>::max()) +
               ", but not EV_NO_ACTION; with an envelope only EV_EVENT_TAG";
    if (field == "id") return "text of 1 to " + number(max_event_id) + " bytes";
    if (field == "providers") return "1 to " + number(max_evidence_parts) + " names, none twice";
    if (field == "register" || field == "registers") return "a virtual register that there is or was, by its whole name, as virtual/build";
    if (field == "names") return "1 to " + number(max_names) + " names";
    if (field == "format") return "json, where the log of one register is asked for";
    if (field == "generation" && operation == wire::Operation::read)
        return "what a write of this register gave; one that is not written has none: leave it out";
    if (field == "reportData" || field == "value") return std::string(no_tag);
    if (field == "level") return "debug, info, warning or error";
    if (field == "from") return "the number of an event, from 0";
    if (field == "uid" || field == "onBehalfOf.uid" || field == "onBehalfOf.gid") return "from 0 to " + number(most_uid);
    if (field == "onBehalfOf.pid") return "from 1 to " + number(std::numeric_limits<std::int32_t>::max());
    if (field == "groups") return "beside a uid at most " + number(max_asked_groups) + ", each from 0 to " + number(most_uid);
    if (field == "report") return "a TDREPORT, base64";
    return {};
}

// Of a call that names none: what is there to choose from.
std::optional<std::string> advice_on_provider(const varlink::Value &parameters) {
    const auto member = [&parameters](std::string_view name) { return parameters.find(name); };
    const auto name = member("name");
    const auto candidates = member("candidates");
    if (!name || name->as_string() != "" || !candidates) return std::nullopt;
    if (candidates->size() > 0) return "several providers could be meant: name one of the candidates";
    return "this mrd has no provider that can do it: `mrctl status` shows which ones it has, and why one does not run";
}

// "expected 48, actual 32": the error's parameters, for people.
std::string detail_of(const varlink::Reply &reply) {
    std::string text;
    if (!reply.parameters) return text;
    for (auto member = reply.parameters->first(); member; member = member->next()) {
        const auto string = member->as_string();
        if (member->kind() == varlink::Kind::null || (member->kind() == varlink::Kind::array && member->size() == 0) || string == "")
            continue;
        if (!text.empty()) text += ", ";
        text += std::string(member->key()) + " ";
        if (string) {
            text += *string;
        } else {
            text += member->to_json();
        }
    }
    return text;
}

// "right extend, tdx/rtmr3": what no rule allows.
std::string refused_right(const Asked &asked) {
    if (!asked.operation) return {};
    // What others may do is told to who may repair.
    const auto right = wire::right_for(*asked.operation).value_or(wire::Right::repair);
    std::string text = "right " + std::string(wire::name_of(right));
    // reportdata and report0: a report is over what is written there, or is there.
    const bool is_register = *asked.operation == wire::Operation::read || *asked.operation == wire::Operation::watch ||
                             *asked.operation == wire::Operation::write;
    if (is_register && asked.subject.contains("report")) text += ", or report where a report is over it";
    if (*asked.operation == wire::Operation::log_read) return text + ", and for a virtual register of somebody else's log_contents of it";
    return text + (asked.subject.empty() ? "" : ", ") + asked.subject;
}

// What is better said by what the error says than by its name alone; empty: the name says it.
std::string better_advice(std::string_view name, const varlink::Reply &reply, const Asked &asked) {
    if (!reply.parameters) return {};
    const auto text = [&reply](std::string_view field) {
        const auto value = reply.parameters->find(field);
        return std::string(value ? value->as_string().value_or("") : "");
    };
    const auto candidates = reply.parameters->find("candidates");
    if (name == "InvalidParameter" && text("parameter") == "register" && !asked.subject.empty())
        return rule_of("register", asked.operation) + "; " + asked.subject + " is none";
    if (name == "InvalidParameter") return rule_of(text("parameter"), asked.operation);
    if (name == "JournalFailed") return text("reason");
    if (name == "NoSuchRegister" && candidates && candidates->size() > 0 && asked.operation != wire::Operation::list)
        return candidates->size() == 1 ? "the candidate goes by its whole name alone: give that"
                                       : "each of the candidates has that name: give the whole one";
    if (name == "NoSuchRegister" && asked.operation == wire::Operation::list) return "no provider has that name";
    if (name == "NoSuchRegister" && asked.operation == wire::Operation::close)
        return "no virtual register has that name, and no other can be closed; `mrctl list` shows them";
    if (const auto asked_for = text("name"); name == "NoSuchRegister" && !asked_for.empty() && !asked_for.contains('/'))
        return "no register has that name; `mrctl list` shows the names, and a virtual register of that name is called virtual/" +
               asked_for;
    if (name == "NoSuchProvider") return advice_on_provider(*reply.parameters).value_or("");
    if (name == "WrongLength" && asked.operation == wire::Operation::extend) {
        const auto expected = reply.parameters->find("expected");
        const auto size = expected ? expected->as_int().value_or(0) : 0;
        std::string hashes;
        for (const auto hash :
             {HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512, HashAlgorithm::sm3_256}) {
            if (static_cast<std::int64_t>(digest_size(hash)) == size)
                hashes += (hashes.empty() ? "" : " or ") + std::string(to_string(hash));
        }
        return "the register takes a digest of " + std::to_string(size) + " bytes" + (hashes.empty() ? "" : ", of " + hashes);
    }
    return {};
}

template <class... Errors>
constexpr bool all_known(wire::ErrorList<Errors...>) {
    return (std::ranges::any_of(known_errors, [](const KnownError &known) { return known.name == Errors::name_in_interface; }) && ...);
}
template <class... Methods>
constexpr bool all_known(wire::MethodList<Methods...>) {
    return (all_known(typename Methods::Errors()) && ...);
}
static_assert(all_known(wire::RegistersMethods()) && all_known(wire::EventLogMethods()) &&
                  all_known(wire::attestation::AttestationMethods()) && all_known(wire::devices::DevicesMethods()) &&
                  all_known(wire::service::ServiceMethods()),
              "an error of a method is not among the known ones");

}  // namespace

Error error_of(const varlink::Reply &reply, const Asked &asked) {
    const auto name = reply.error.substr(reply.error.rfind('.') + 1);
    Error error{ErrorCode::remote, "", std::string(reply.error), reply.parameters ? reply.parameters->to_json() : "{}"};
    std::string advice = "mrd refuses";
    for (const auto &known : known_errors) {
        if (known.name != name) continue;
        error.code = known.code;
        advice = known.advice;
    }
    if (auto better = better_advice(name, reply, asked); !better.empty()) advice = std::move(better);
    // A reason is the advice.
    const auto detail = name == "PermissionDenied" ? refused_right(asked) : name == "JournalFailed" ? std::string() : detail_of(reply);
    error.message = std::string(name) + (detail.empty() ? "" : " (" + detail + ")") + ": " + advice;
    return error;
}

Error protocol_error(std::string_view what) {
    return {ErrorCode::protocol, "the answer is not what its interface says: " + std::string(what) + "; is this mrd of another version?"};
}

}  // namespace mr::detail
