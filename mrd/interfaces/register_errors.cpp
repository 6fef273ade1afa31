#include "mrd/interfaces/register_errors.h"

#include <string>
#include <utility>
#include <variant>

namespace mrd {

namespace wire = mr::wire;

namespace {

wire::NoSuchRegister named(const NoSuchRegister &error) { return {error.name, error.candidates}; }
wire::RegisterGone named(const RegisterGone &error) { return {error.name}; }
wire::NoRegisterForRole named(const NoRegisterForRole &error) { return {error.role}; }
wire::NotReadable named(const NotReadable &error) { return {error.name}; }
wire::NotWritable named(const NotWritable &error) { return {error.name}; }
wire::NotExtensible named(const NotExtensible &error) { return {error.name}; }
wire::LogOnly named(const LogOnly &error) { return {error.name}; }
wire::Capped named(const Capped &error) { return {error.name, static_cast<std::int64_t>(error.sequence)}; }
wire::Indeterminate named(const Indeterminate &error) { return {error.name}; }
wire::WrongLength named(const WrongLength &error) {
    return {error.name, static_cast<std::int64_t>(error.expected), static_cast<std::int64_t>(error.actual)};
}
wire::GenerationMismatch named(const GenerationMismatch &error) { return {error.expected, error.actual}; }
wire::DuplicateEvent named(const DuplicateEvent &error) { return {error.id}; }
wire::ProviderFailed named(const ProviderFailed &error) {
    return {error.provider, error.reason, error.applied == Applied::no ? wire::Applied::no : wire::Applied::unknown};
}
wire::JournalFull named(const journal::Full &error) { return {static_cast<std::int64_t>(error.limit), error.share}; }
wire::JournalFailed named(const journal::Failed &error) { return {error.reason}; }

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

RegisterErrorOnWire on_wire(const RegisterError &error) {
    return std::visit([](const auto &one) { return RegisterErrorOnWire(named(one)); }, error);
}

std::variant<varlink::InvalidParameter, wire::ProviderFailed> on_wire(const MeasurementError &error, std::string_view provider) {
    if (const auto *part = std::get_if<EventPart>(&error)) return varlink::InvalidParameter{parameter_of(*part)};
    return wire::ProviderFailed{std::string(provider), std::get<mr::Error>(error).message, wire::Applied::no};
}

}  // namespace mrd
