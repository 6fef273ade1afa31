#include "mrd/interfaces/register_errors.h"

#include <string>
#include <utility>
#include <variant>

#include "libmr/wire/registers.h"

namespace mrd {

namespace wire = mr::wire;

namespace {

wire::NoSuchRegister on_wire(const NoSuchRegister &error) { return {varlink::echoed(error.name), error.candidates}; }
wire::NotReadable on_wire(const NotReadable &error) { return {error.name}; }
wire::NotWritable on_wire(const NotWritable &error) { return {error.name}; }
wire::NotExtensible on_wire(const NotExtensible &error) { return {error.name}; }
wire::LogOnly on_wire(const LogOnly &error) { return {error.name}; }
wire::Capped on_wire(const Capped &error) { return {error.name, static_cast<std::int64_t>(error.sequence)}; }
wire::Indeterminate on_wire(const Indeterminate &error) { return {error.name}; }
wire::WrongLength on_wire(const WrongLength &error) {
    return {error.name, static_cast<std::int64_t>(error.expected), static_cast<std::int64_t>(error.actual)};
}
wire::GenerationMismatch on_wire(const GenerationMismatch &error) { return {error.expected, error.actual}; }
wire::DuplicateEvent on_wire(const DuplicateEvent &error) { return {error.id}; }
wire::ProviderFailed on_wire(const ProviderFailed &error) {
    return {error.provider, error.reason, error.applied == Applied::no ? wire::Applied::no : wire::Applied::unknown};
}
wire::JournalFull on_wire(const journal::Full &error) { return {static_cast<std::int64_t>(error.limit), error.share}; }
wire::JournalFailed on_wire(const journal::Failed &error) { return {error.reason}; }

const char *parameter_of(EventPart part) {
    switch (part) {
    case EventPart::type: return "eventType";
    case EventPart::description: return "description";
    case EventPart::id: return "id";
    case EventPart::data: return "data";
    case EventPart::digest: return "contentDigest";
    }
    std::unreachable();
}

}  // namespace

void fail(varlink::Responder &responder, const RegisterError &error) {
    std::visit([&responder](const auto &one) { responder.fail(on_wire(one)); }, error);
}

void fail(varlink::Responder &responder, const MeasurementError &error, std::string_view provider) {
    if (const auto *part = std::get_if<EventPart>(&error)) return responder.fail(varlink::InvalidParameter{parameter_of(*part)});
    responder.fail(wire::ProviderFailed{std::string(provider), std::get<mr::Error>(error).message, wire::Applied::no});
}

}  // namespace mrd
