// mrctl inspect of what devices and TSMs say to each other: messages of TDISP and IDE_KM, and the report of a device interface.
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "mr/tdisp.h"
#include "mrctl/inspect.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

template <typename... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};

std::string version_text(std::uint8_t version) { return std::to_string(version >> 4U) + "." + std::to_string(version & 0xFU); }

Json json_of(const mr::TdispRange &range) {
    return {{"first_page", hex_number(range.first_page)},
            {"pages", range.pages},
            {"attributes", mr::bits_text(range.attributes, mr::tdisp_range_bits())},
            {"range_id", range.id}};
}

Json json_of(const mr::TdispReport &report) {
    Json ranges = Json::array();
    for (const auto &range : report.ranges) ranges.push_back(json_of(range));
    return {{"interface_info", hex_number(report.interface_info)},
            {"interface_bits", mr::bits_text(report.interface_info, mr::tdisp_interface_bits())},
            {"msix_message_control", hex_number(report.msix_control)},
            {"lnr_control", hex_number(report.lnr_control)},
            {"tph_control", hex_number(report.tph_control)},
            {"mmio_ranges", ranges},
            {"device_specific", mr::to_hex(report.device_information)}};
}

Json fields_of(const mr::TdispBody &body) {
    return std::visit(
        Overloaded{[](const mr::TdispNothing &) { return Json::object(); },
                   [](const mr::TdispVersions &versions) {
                       Json all = Json::array();
                       for (const auto version : versions.versions) all.push_back(version_text(version));
                       return Json{{"versions", all}};
                   },
                   [](const mr::TdispGetCapabilities &request) { return Json{{"tsm_capabilities", hex_number(request.tsm_capabilities)}}; },
                   [](const mr::TdispCapabilities &capabilities) {
                       Json requests = Json::array();
                       for (unsigned code = 0x80; code <= 0xFF; ++code) {
                           const auto type = static_cast<mr::TdispType>(code);
                           if (!capabilities.takes(type)) continue;
                           const auto name = mr::to_string(type);
                           requests.push_back(name == "unknown" ? hex_number(code) : std::string(name));
                       }
                       return Json{{"dsm_capabilities", hex_number(capabilities.dsm_capabilities)},
                                   {"requests", requests},
                                   {"lock_flags", mr::bits_text(capabilities.lock_flags, mr::tdisp_lock_flags())},
                                   {"address_width", capabilities.address_width},
                                   {"requests_at_once_this", capabilities.requests_this},
                                   {"requests_at_once_all", capabilities.requests_all}};
                   },
                   [](const mr::TdispLock &lock) {
                       return Json{{"flags", mr::bits_text(lock.flags, mr::tdisp_lock_flags())},
                                   {"stream", lock.stream},
                                   {"mmio_reporting_offset", hex_number(lock.report_offset)},
                                   {"bind_p2p_mask", hex_number(lock.p2p_mask)}};
                   },
                   [](const mr::TdispNonce &nonce) { return Json{{"nonce", mr::to_hex(nonce.nonce)}}; },
                   [](const mr::TdispGetReport &request) { return Json{{"offset", request.offset}, {"length", request.length}}; },
                   [](const mr::TdispReportPortion &portion) {
                       Json fields{{"portion", portion.bytes.size()}, {"remainder", portion.remainder}};
                       // Whole only if it is all of it: where it begins the request says.
                       const auto report = portion.remainder == 0 ? mr::decode_tdisp_report(portion.bytes) : std::unexpected(mr::Error{});
                       if (report) {
                           fields["report"] = json_of(*report);
                       } else {
                           fields["bytes"] = mr::to_hex(portion.bytes);
                       }
                       return fields;
                   },
                   [](const mr::TdispState &state) { return Json{{"state", mr::to_string(state)}}; },
                   [](const mr::TdispError &error) {
                       Json fields{{"error", mr::tdisp_error_text(error.code)}, {"code", error.code}, {"data", error.data}};
                       if (!error.more.empty()) fields["more"] = mr::to_hex(error.more);
                       return fields;
                   },
                   [](const mr::TdispOther &other) { return Json{{"content", mr::to_hex(other.content)}}; }},
        body);
}

Json json_of(const mr::TdispMessage &message) {
    Json json{{"protocol", "TDISP"},
              {"message", mr::to_string(message.type)},
              {"version", version_text(message.version)},
              {"interface", mr::to_string(message.interface)}};
    json.update(fields_of(message.body));
    return json;
}

Json json_of(const mr::IdeKey &key) {
    return {{"stream", key.stream},
            {"key_set", key.key_set},
            {"direction", key.is_transmit ? "transmit" : "receive"},
            {"sub_stream", mr::to_string(key.sub_stream)},
            {"port", key.port}};
}

Json json_of(const mr::IdeKmMessage &message) {
    Json json{{"protocol", "IDE_KM"}, {"message", mr::to_string(message.type)}};
    json.update(std::visit(Overloaded{[](const mr::IdeQuery &query) { return Json{{"port", query.port}}; },
                                      [](const mr::IdeQueryResponse &response) {
                                          Json registers = Json::array();
                                          for (const auto each : response.registers) registers.push_back(hex_number(each));
                                          return Json{{"port", response.port},         {"device_function", response.device_function},
                                                      {"bus", response.bus},           {"segment", response.segment},
                                                      {"max_port", response.max_port}, {"registers", registers}};
                                      },
                                      [](const mr::IdeKeyProgram &program) {
                                          auto fields = json_of(program.which);
                                          // The link's secret: who sees what inspect prints is not to have it.
                                          fields["key"] = std::to_string(program.key.size()) + " bytes, not shown";
                                          fields["iv"] = mr::to_hex(program.iv);
                                          return fields;
                                      },
                                      [](const mr::IdeKeyAcknowledge &acknowledge) {
                                          auto fields = json_of(acknowledge.which);
                                          fields["status"] = mr::ide_key_status_text(acknowledge.status);
                                          return fields;
                                      },
                                      [](const mr::IdeGoStop &request) { return json_of(request.which); }},
                           message.body));
    return json;
}

constexpr auto message_note = "Nothing signs a message: a device answers it within a session, which is the TSM's";

}  // namespace

int inspect_pci_message(bool json, const std::string &file, mr::ByteView message) {
    const auto in_file = [&file](mr::Error error) {
        error.message.insert(0, file + ": ");
        return fail(error);
    };
    const auto outer = mr::decode_pci_message(message);
    if (!outer) return in_file(outer.error());
    const Json head{{"spdm", version_text(outer->spdm_version)}, {"spdm_message", outer->is_response ? "response" : "request"}};
    const auto print_inner = [&](const auto &inner) {
        if (!inner) return in_file(inner.error());
        auto fields = head;
        fields.update(json_of(*inner));
        return print_fields(json, "Message of the PCI-SIG in SPDM, " + std::to_string(message.size()) + " bytes", fields.dump(),
                            message_note);
    };
    switch (outer->protocol) {
    case mr::PciProtocol::tdisp: return print_inner(mr::decode_tdisp_message(outer->payload));
    case mr::PciProtocol::ide_km: return print_inner(mr::decode_ide_km_message(outer->payload));
    }
    return exit_refused;
}

int inspect_tdisp_message(bool json, const mr::TdispMessage &message) {
    return print_fields(json, "TDISP message", json_of(message).dump(), message_note);
}

int inspect_tdisp_report(bool json, const mr::TdispReport &report, std::size_t total) {
    const auto code =
        print_fields(json, "Report of a device interface (TDISP), " + std::to_string(total) + " bytes", json_of(report).dump(),
                     "Nothing signs a report: it says what is so only if it came from the TSM, or has the digest that the TSM says");
    if (json) return code;
    if ((report.interface_info & mr::tdisp_no_update_after_lock) == 0)
        std::cout << "WARNING: the device takes new firmware while the interface is locked\n";
    for (const auto &range : report.ranges) {
        if ((range.attributes & mr::tdisp_range_non_tee) != 0)
            std::cout << "WARNING: others than the guest reach range " << range.id << '\n';
    }
    return code;
}

}  // namespace mrctl
