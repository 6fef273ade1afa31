// What a report or a quote is over: bytes that the caller chose, which pass one door, or what mrd makes of a binding (mr/bound_report_data.h).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <variant>

#include "libmr/wire/attestation.h"
#include "mr/bytes.h"
#include "mrd/access/caller.h"
#include "proto/varlink/service.h"

namespace mrd {

// What a request for a quote or a report can be refused with.
using RequestError = std::variant<varlink::InvalidParameter, varlink::PermissionDenied, mr::wire::WrongLength,
                                  mr::wire::attestation::NoSuchProvider, mr::wire::NotSupported>;

// The door: nothing that a caller chose is reported, quoted or stored for a report but what passes here. Not on a listener that takes bindings alone, and not
// what looks like one of mrd's own. `field`: what the bytes are called.
using Refusal = std::variant<varlink::InvalidParameter, varlink::PermissionDenied>;
std::optional<Refusal> refuse_chosen(const Caller &caller, mr::ByteView chosen, std::string_view field);

// The parameter reportData of a method that takes nothing else.
std::expected<mr::Bytes, RequestError> chosen_report_data(const Caller &caller, std::string_view hex);
// The parameters reportData and bind, of which one has to be there.
std::expected<mr::Bytes, RequestError> report_data_of(const Caller &caller, std::optional<std::string_view> hex,
                                                      const std::optional<mr::wire::attestation::KeyBinding> &bind);
}  // namespace mrd
