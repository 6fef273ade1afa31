// mrctl inspect of evidence in the forms that other tools exchange, and of any CMW.
#include <iostream>
#include <nlohmann/json.hpp>

#include "mr/event_content.h"
#include "mr/tee.h"
#include "mr/wrapped_evidence.h"
#include "mrctl/inspect.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t shown = 32;  // bytes of a record's value

std::string text_of(const std::variant<std::string, std::int64_t> &label) {
    const auto *const text = std::get_if<std::string>(&label);
    return text != nullptr ? mr::printable_text(*text) : std::to_string(std::get<std::int64_t>(label));
}

std::string type_of(const mr::CmwRecord &record) {
    if (const auto *const media_type = std::get_if<std::string>(&record.type)) return mr::printable_text(*media_type);
    const auto format = std::get<std::uint16_t>(record.type);
    return "content format " + std::to_string(format) + (record.is_tag ? ", tag " + std::to_string(mr::cmw_tag_of(format)) : "");
}

Json json_of(const mr::Cmw &message) {
    if (const auto *const record = std::get_if<mr::CmwRecord>(&message.form)) {
        Json json{{"type", type_of(*record)}, {"size", record->value.size()}};
        if (record->indicator) json["indicator"] = mr::cmw_indicator_text(*record->indicator);
        json["value"] = mr::to_hex(mr::ByteView(record->value).first(std::min(shown, record->value.size())));
        return json;
    }
    const auto &collection = std::get<mr::CmwCollection>(message.form);
    Json members = Json::object();
    for (const auto &member : collection.members) members[text_of(member.label)] = json_of(member.message);
    Json json = Json::object();
    if (!collection.type.empty()) json["type"] = mr::printable_text(collection.type);
    json["members"] = members;
    return json;
}

void add_message_rows(std::vector<Row> &rows, const std::string &label, const mr::Cmw &message) {
    if (const auto *const record = std::get_if<mr::CmwRecord>(&message.form)) {
        const auto value = mr::ByteView(record->value);
        rows.push_back({label, type_of(*record), record->indicator ? mr::cmw_indicator_text(*record->indicator) : "-",
                        std::to_string(value.size()) + " bytes",
                        mr::to_hex(value.first(std::min(shown, value.size()))) + (value.size() > shown ? "..." : "")});
        return;
    }
    const auto &collection = std::get<mr::CmwCollection>(message.form);
    if (!collection.type.empty()) rows.push_back({label, "collection of the type " + mr::printable_text(collection.type), "-", "-", "-"});
    for (const auto &member : collection.members) {
        const auto inner = text_of(member.label);
        add_message_rows(rows, label == "." ? inner : std::string(label).append(".").append(inner), member.message);
    }
}

// Of one that says of which kind it is; nothing: it is read, or says nothing of the sort.
std::optional<mr::Error> why_unread(mr::ByteView quote) {
    for (const auto *const tee : mr::known_tees()) {
        if (!tee->begins_quote(quote)) continue;
        const auto claims = tee->read(quote);
        return claims ? std::nullopt : std::optional(claims.error());
    }
    return std::nullopt;
}

// The same for every kind.
Json json_of(const mr::WrappedEvidence &wrapped) {
    Json json = Json::object();
    if (wrapped.evidence) {
        json["evidence"] = "mrd";
        json["parts"] = wrapped.evidence->parts.size();
        return json;
    }
    json["quote_size"] = wrapped.quote.size();
    for (const auto *const tee : mr::known_tees()) {
        if (!tee->begins_quote(wrapped.quote)) continue;
        json["kind"] = tee->kind();
        const auto claims = tee->read(wrapped.quote);
        if (!claims) {
            json["quote_error"] = mr::printable_text(claims.error().message);
            continue;
        }
        json["quote_format"] = claims->quote_format;
        json["report_data"] = mr::to_hex(claims->report_data);
        for (const auto &reg : claims->registers) json["registers"][reg.name] = mr::to_hex(reg.value.bytes());
    }
    if (wrapped.auxiliary) json["auxiliary_size"] = wrapped.auxiliary->size();
    for (const auto &log : wrapped.logs) json["log_sizes"].push_back(log.size());
    return json;
}

}  // namespace

int inspect_cmw(bool json, const mr::Cmw &message, std::string_view what) {
    if (json) {
        print_json(Json{{"form", "CMW"}, {"cmw", json_of(message)}}.dump(2));
        return exit_done;
    }
    std::cout << what << '\n';
    std::vector<Row> rows;
    add_message_rows(rows, ".", message);
    print_table({"LABEL", "TYPE", "WHAT", "SIZE", "VALUE"}, rows);
    return exit_done;
}

int inspect_wrapped(bool json, const std::string &file, mr::ByteView bytes, mr::WrappedForm form) {
    const auto wrapped = mr::unwrap_evidence(bytes);
    const auto message = form == mr::WrappedForm::cmw ? mr::parse_cmw(bytes) : std::unexpected(mr::Error{});
    constexpr std::string_view what = "CMW: messages of remote attestation, with the names of their formats";
    // One that has no evidence, or none that is known here, is explained all the same.
    if (!wrapped && message && wrapped.error().code == mr::ErrorCode::not_supported) return inspect_cmw(json, *message, what);
    if (!wrapped) return fail({wrapped.error().code, file + ": " + wrapped.error().message});
    if (json) {
        Json all{{"form", mr::to_string(form)}};
        if (message) all["cmw"] = json_of(*message);
        all.update(json_of(*wrapped));
        print_json(all.dump(2));
        return !wrapped->evidence && why_unread(wrapped->quote) ? exit_refused : exit_done;
    }
    if (message) {
        inspect_cmw(false, *message, what);
    } else {
        std::cout << mr::to_string(form) << '\n';
    }
    if (wrapped->evidence) return inspect_evidence(false, file, *wrapped->evidence);
    const auto unread = why_unread(wrapped->quote);
    const auto quote =
        unread ? fail({unread->code, file + ": the quote in it: " + unread->message}) : inspect_hardware(false, file, wrapped->quote);
    if (!quote) std::cout << "the quote: it is none of a kind that is known here\n";
    if (wrapped->auxiliary && !inspect_hardware(false, file, *wrapped->auxiliary)) {
        const auto certificates = mr::find_certificates(*wrapped->auxiliary);
        if (certificates) inspect_certificates(false, *certificates);
    }
    for (const auto &log : wrapped->logs) {
        auto reader = mr::EventLogReader::open(log);
        if (reader) {
            inspect_log(false, file, log, *reader);
        } else {
            std::cout << "the log: " << mr::printable_text(reader.error().message) << '\n';
        }
    }
    return quote.value_or(exit_done);
}

}  // namespace mrctl
