// TSM reports (mr/wrapped_evidence.h): who gives them, and how they are written.
#pragma once

#include <string>
#include <string_view>

#include "mr/wrapped_evidence.h"

namespace mr::attestation {

// "tdx" of "tdx_guest", also with the line feed that the kernel's file ends in. Empty: of none that is known.
std::string_view kind_of_provider(std::string_view provider);
std::string_view provider_of_kind(std::string_view kind);  // the other way

// Without the manifest, which belongs to reports of services.
std::string write_tsm_report_json(const TsmReport &report);
Bytes write_tsm_report_cbor(const TsmReport &report);

}  // namespace mr::attestation
