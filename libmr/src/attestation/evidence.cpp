// Evidence as JSON and as CBOR: docs/evidence-format.md. Both have the same members.
#include "mr/evidence.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libmr/src/attestation/signed_register.h"
#include "libmr/src/cbor.h"
#include "libmr/src/event_log/json_common.h"
#include "libmr/wire/registers.h"
#include "proto/varlink/fields.h"

namespace mr {

namespace {

using varlink::field;

constexpr std::string_view evidence_format_name = "mrd-evidence";
constexpr std::int64_t format_version = 2;
constexpr std::string_view version_2_only = "only version 2 is known";

// One map: its head, then the first of the shortest keys. No text begins with such a byte.
constexpr std::uint8_t first_cbor_map = 0xA0;
constexpr std::uint8_t last_cbor_map = 0xBF;

std::unexpected<Error> malformed_evidence(std::string message) {
    return std::unexpected(Error{ErrorCode::malformed, "evidence: " + std::move(message)});
}

// ---- JSON

struct RegisterFields {
    std::string_view name;
    Owner owner = Owner::owned;
    std::string_view signed_value;
    std::optional<std::string_view> logged;
    static constexpr auto fields() {
        return std::tuple(field("name", &RegisterFields::name), field("owner", &RegisterFields::owner),
                          field("signed", &RegisterFields::signed_value), field("logged", &RegisterFields::logged));
    }
};

struct CutFields {
    std::int64_t events = 0;
    std::int64_t bytes = 0;
    static constexpr auto fields() { return std::tuple(field("events", &CutFields::events), field("bytes", &CutFields::bytes)); }
};

struct PartFields {
    std::string_view name;
    std::string_view kind;
    bool simulated = false;
    std::string_view quote;
    std::string_view quote_format;
    std::optional<std::int64_t> sequence;
    std::optional<std::string_view> auxiliary;
    std::optional<varlink::RawJson> collateral;
    static constexpr auto fields() {
        return std::tuple(field("name", &PartFields::name), field("kind", &PartFields::kind), field("simulated", &PartFields::simulated),
                          field("quote", &PartFields::quote), field("quoteFormat", &PartFields::quote_format),
                          field("sequence", &PartFields::sequence), field("auxiliary", &PartFields::auxiliary),
                          field("collateral", &PartFields::collateral));
    }
};

struct EvidenceFields {
    std::string_view format;
    std::int64_t version = 0;
    std::string_view report_data;
    std::vector<PartFields> parts;
    std::int64_t time = 0;
    std::int64_t sequence = 0;
    std::vector<RegisterFields> registers;
    std::optional<CutFields> cut;
    std::string_view log;
    static constexpr auto fields() {
        return std::tuple(field("format", &EvidenceFields::format), field("version", &EvidenceFields::version),
                          field("reportData", &EvidenceFields::report_data), field("parts", &EvidenceFields::parts),
                          field("time", &EvidenceFields::time), field("sequence", &EvidenceFields::sequence),
                          field("registers", &EvidenceFields::registers), field("cut", &EvidenceFields::cut),
                          field("log", &EvidenceFields::log));
    }
};

// Version 1 was in no release: files of it come from elsewhere, and only their form is known here. What it said of its only part stood at the top, without the kind,
// with which the names of its formats began ("tdx_v4"). All else is as in version 2, whose reader decides what is wrong with it.
std::string as_version_2(varlink::Value version_1) {
    constexpr std::array<std::string_view, 6> of_the_part{"provider", "simulated", "quote", "quoteFormat", "auxiliary", "collateral"};
    std::string top;
    std::string part = "\"kind\":";
    const auto format = version_1.find("quoteFormat");
    const auto quote_format = format ? format->as_string().value_or("") : "";
    varlink::write_json(part, quote_format.substr(0, quote_format.find('_')));
    for (auto member = version_1.first(); member; member = member->next()) {
        const auto key = member->key();
        auto &to = std::ranges::find(of_the_part, key) != of_the_part.end() ? part : top;
        to += ',';
        varlink::write_json(to, key == "provider" ? std::string_view("name") : key);
        to += ':' + (key == "version" ? std::to_string(format_version) : member->to_json());
    }
    return "{\"parts\":[{" + part + "}]" + top + '}';
}

// As mrd lets a provider be called: it stands before the names of its registers, and nothing there may look like another register's.
bool is_part_name(const std::string &name) {
    return !name.empty() && name.size() <= max_part_name && name + "/" != attestation::virtual_prefix &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

// What both forms have to keep to.
std::expected<Evidence, Error> checked(Evidence evidence) {
    if (evidence.parts.empty() || evidence.parts.size() > max_evidence_parts)
        return malformed_evidence("the member parts has " + std::to_string(evidence.parts.size()) + " parts: 1 to " +
                                  std::to_string(max_evidence_parts) + " are allowed");
    for (const auto &part : evidence.parts) {
        if (!is_part_name(part.name))
            return malformed_evidence("the member name of a part must be 1 to " + std::to_string(max_part_name) +
                                      " of the characters a to z, 0 to 9, _ and -, and not virtual");
        if (std::ranges::count(evidence.parts, part.name, &EvidencePart::name) > 1)
            return malformed_evidence("two parts have the name " + part.name);
        if (part.sequence && *part.sequence < 0) return malformed_evidence("the member sequence of a part is negative");
        if (part.collateral && part.collateral->size() > max_part_collateral)
            return malformed_evidence("the collateral of a part has more than " + std::to_string(max_part_collateral) + " bytes");
    }
    if (evidence.registers.size() > max_evidence_registers)
        return malformed_evidence("more than " + std::to_string(max_evidence_registers) + " registers");
    if (evidence.sequence < 0) return malformed_evidence("the member sequence is negative");
    if (evidence.time < 0) return malformed_evidence("the member time is negative");
    if (evidence.cut && (evidence.cut->events < 1 || evidence.cut->bytes < 1))
        return malformed_evidence("the member cut has events and bytes, at least one of each");
    return evidence;
}

class JsonReader {
public:
    std::expected<Evidence, Error> read(std::string_view text) {
        varlink::Document document;
        if (text.starts_with(event_log::byte_order_mark))
            return malformed_evidence("the file begins with a byte-order mark, which JSON has not");
        if (!document.parse(text)) return malformed_evidence("the file is not one JSON object in UTF-8");
        const auto version = document.root().find("version");
        std::string rewritten;
        if (version && version->as_int() == 1) {
            rewritten = as_version_2(document.root());
            if (!document.parse(rewritten)) return malformed_evidence("the file has more values than evidence can have");
        }
        auto fields = varlink::decode<EvidenceFields>(document.root());
        if (!fields)
            return malformed_evidence("the member " + fields.error().name + " is unknown, missing, given twice or of the wrong type");
        if (const auto unknown = unknown_member(document.root())) return malformed_evidence("the member " + *unknown + " is unknown");
        if (fields->format != evidence_format_name)
            return malformed_evidence("the member format is not " + std::string(evidence_format_name));
        if (fields->version != format_version) return malformed_evidence("the member version: " + std::string(version_2_only));

        Evidence evidence{.parts = {},
                          .time = fields->time,
                          .sequence = fields->sequence,
                          .registers = {},
                          .log = from_base64_member("log", fields->log)};
        const auto report_data = from_hex(fields->report_data);
        if (!report_data || report_data->size() != report_data_size)
            return malformed_evidence("the member reportData is not 64 bytes in hex");
        std::ranges::copy(*report_data, evidence.report_data.begin());
        for (auto &part : fields->parts) {
            auto &known = evidence.parts.emplace_back(EvidencePart{.name = std::string(part.name),
                                                                   .kind = std::string(part.kind),
                                                                   .simulated = part.simulated,
                                                                   .quote = from_base64_member("quote", part.quote),
                                                                   .quote_format = std::string(part.quote_format),
                                                                   .sequence = part.sequence});
            if (part.auxiliary) known.auxiliary = from_base64_member("auxiliary", *part.auxiliary);
            if (part.collateral) known.collateral = std::move(part.collateral->text);
        }
        for (const auto &reg : fields->registers) {
            auto &known = evidence.registers.emplace_back(
                EvidenceRegister{std::string(reg.name), reg.owner, digest_from("signed", reg.signed_value), std::nullopt});
            if (reg.logged) known.logged = digest_from("logged", *reg.logged);
        }
        if (fields->cut) evidence.cut = {fields->cut->events, fields->cut->bytes};
        if (!wrong_.empty()) return malformed_evidence("the member " + wrong_);
        return checked(std::move(evidence));
    }

private:
    // decode() refuses unknown members of the object itself, and leaves those of the objects in it to whoever is strict.
    static std::optional<std::string> unknown_member(varlink::Value root) {
        if (const auto cut = root.find("cut"); cut && cut->kind() == varlink::Kind::object) {
            if (const auto unknown = unknown_key<CutFields>(*cut)) return *unknown + " of cut";
        }
        if (const auto unknown = unknown_key_of_each<RegisterFields>(root.find("registers"))) return *unknown + " of a register";
        if (const auto unknown = unknown_key_of_each<PartFields>(root.find("parts"))) return *unknown + " of a part";
        return std::nullopt;
    }
    template <class Fields>
    static std::optional<std::string> unknown_key(varlink::Value object) {
        for (auto member = object.first(); member; member = member->next()) {
            const bool known = std::apply([&](const auto &...each) { return ((each.name == member->key()) || ...); }, Fields::fields());
            if (!known) return std::string(member->key());
        }
        return std::nullopt;
    }
    template <class Fields>
    static std::optional<std::string> unknown_key_of_each(std::optional<varlink::Value> array) {
        for (auto each = array ? array->first() : std::nullopt; each; each = each->next()) {
            if (auto unknown = unknown_key<Fields>(*each)) return unknown;
        }
        return std::nullopt;
    }

    Bytes from_base64_member(std::string_view name, std::string_view text) {
        auto bytes = from_base64(text);
        if (bytes) return std::move(*bytes);
        wrong_ = std::string(name) + " is not base64";
        return {};
    }
    Digest digest_from(std::string_view name, std::string_view hex) {
        const auto bytes = from_hex(hex);
        if (bytes && bytes->size() <= max_digest_size) return Digest(*bytes);
        wrong_ = std::string(name) + " of a register is not a value in hex";
        return {};
    }

    std::string wrong_;
};

// ---- CBOR

class CborEvidenceReader {
public:
    explicit CborEvidenceReader(ByteView file) : map_(file) {}

    std::expected<Evidence, Error> read() {
        std::size_t members = 0;
        map_.read([&](std::string_view key) {
            const bool known = read_member(key);
            if (known && key != "cut") ++members;
            return known;
        });
        if (!map_.failed() && !map_.at_end()) map_.fail("bytes follow the map");
        if (!map_.failed() && members != required_members) map_.fail("a member is missing");
        if (map_.failed()) return malformed_evidence("byte " + std::to_string(map_.offset()) + ": " + std::string(map_.wrong()));
        return checked(std::move(evidence_));
    }

private:
    static constexpr std::size_t required_members = 8;

    bool read_member(std::string_view key) {
        if (key == "cut") {
            read_cut(evidence_.cut.emplace());
        } else if (key == "log") {
            map_.bytes(evidence_.log);
        } else if (key == "time") {
            number(evidence_.time);
        } else if (key == "parts") {
            map_.array(max_evidence_parts, [this] { read_part(evidence_.parts.emplace_back()); });
        } else if (key == "format") {
            std::string format;
            map_.text(format);
            if (format != evidence_format_name) map_.fail("the format is not mrd-evidence");
        } else if (key == "version") {
            std::int64_t version = 0;
            number(version);
            if (version != format_version) map_.fail(version_2_only);
        } else if (key == "sequence") {
            number(evidence_.sequence);
        } else if (key == "registers") {
            map_.array(max_evidence_registers, [this] { read_register(evidence_.registers.emplace_back()); });
        } else if (key == "reportData") {
            Bytes bytes;
            map_.bytes(bytes);
            if (bytes.size() != report_data_size) return map_.fail("report data has 64 bytes"), true;
            std::ranges::copy(bytes, evidence_.report_data.begin());
        } else if (key == "quote") {
            map_.fail("this is evidence of version 1, which is read as JSON only");
        } else {
            return false;
        }
        return true;
    }

    void read_part(EvidencePart &part) {
        unsigned members = 0;
        map_.read([&](std::string_view key) {
            ++members;
            if (key == "kind") {
                map_.text(part.kind);
            } else if (key == "name") {
                map_.text(part.name);
            } else if (key == "quote") {
                map_.bytes(part.quote);
            } else if (key == "auxiliary") {
                --members;  // may be absent
                map_.bytes(part.auxiliary);
            } else if (key == "sequence") {
                --members;  // may be absent
                number(part.sequence.emplace());
            } else if (key == "simulated") {
                map_.boolean(part.simulated);
            } else if (key == "collateral") {
                --members;  // may be absent
                read_collateral(part.collateral.emplace());
            } else if (key == "quoteFormat") {
                map_.text(part.quote_format);
            } else {
                return false;
            }
            return true;
        });
        if (members != 5) map_.fail("a part has name, kind, simulated, quote and quoteFormat");
    }

    // It is written into JSON as it is.
    void read_collateral(std::string &collateral) {
        map_.text(collateral);
        if (map_.failed()) return;
        varlink::Document document;
        if (!document.parse(collateral) || document.root().kind() != varlink::Kind::object || document.root().to_json() != collateral)
            map_.fail("the collateral is not one JSON object without blanks");
    }

    void number(std::int64_t &to) {
        std::uint64_t value = 0;
        map_.number(value);
        if (value > static_cast<std::uint64_t>(INT64_MAX)) return map_.fail("a number is not within int64");
        to = static_cast<std::int64_t>(value);
    }

    void digest(Digest &to) {
        Bytes bytes;
        map_.bytes(bytes);
        if (bytes.size() > max_digest_size) return map_.fail("a register's value has more than 64 bytes");
        to = Digest(bytes);
    }

    void read_cut(EvidenceCutContent &cut) {
        unsigned members = 0;
        map_.read([&](std::string_view key) {
            ++members;
            if (key != "bytes" && key != "events") return false;
            number(key == "bytes" ? cut.bytes : cut.events);
            return true;
        });
        if (members != 2) map_.fail("cut has events and bytes");
    }

    void read_register(EvidenceRegister &reg) {
        unsigned members = 0;
        map_.read([&](std::string_view key) {
            ++members;
            if (key == "name") {
                map_.text(reg.name);
            } else if (key == "owner") {
                std::string owner;
                map_.text(owner);
                const auto known = owner_from(owner);
                if (!known) map_.fail("the owner is none of owned, shared, observed");
                reg.owner = known.value_or(Owner::owned);
            } else if (key == "logged") {
                --members;  // may be absent
                digest(reg.logged.emplace());
            } else if (key == "signed") {
                digest(reg.signed_value);
            } else {
                return false;
            }
            return true;
        });
        if (members != 3) map_.fail("a register has name, owner and signed");
    }

    cbor::MapReader map_;
    Evidence evidence_;
};

}  // namespace

bool Evidence::coherent() const {
    return std::ranges::all_of(registers, [](const auto &reg) { return reg.owner != Owner::owned || reg.matches(); });
}

bool Evidence::simulated() const { return std::ranges::any_of(parts, &EvidencePart::simulated); }

std::expected<Bytes, Error> part_report_data(std::string_view kind, std::string_view name, const ReportData &report_data,
                                             std::size_t size) {
    if (size == report_data_size) return Bytes(report_data.begin(), report_data.end());
    if (size != short_report_data_size)
        return std::unexpected(Error{ErrorCode::not_supported, "report data of " + std::to_string(size) + " bytes: there are 32 and 64"});
    auto hasher = Hasher::open(HashAlgorithm::sha256);
    if (!hasher) return std::unexpected(std::move(hasher.error()));
    constexpr std::array<std::uint8_t, 1> end{};
    for (const auto text : {std::string_view("mrd report data"), kind, name}) hasher->update(as_bytes(text)).update(end);
    const auto digest = hasher->update(report_data).finish();
    return Bytes(digest.bytes().begin(), digest.bytes().end());
}

bool is_evidence(ByteView file) {
    if (file.empty()) return false;
    if (file.front() >= first_cbor_map && file.front() <= last_cbor_map) {
        cbor::Reader reader(file);
        const auto first_key = reader.read_map() ? reader.read_text() : std::unexpected(std::string_view());
        // The shortest members; of version 1 too, which is refused by its name.
        return first_key == "log" || first_key == "cut";
    }
    constexpr std::size_t looked_at = 128;  // white space of a JSON printer included
    const auto text = event_log::as_text(file.first(std::min(file.size(), looked_at)));
    const auto key = text.find("\"format\"");
    return text.find_first_not_of(" \t\r\n") < key && key != std::string_view::npos &&
           text.find('"' + std::string(evidence_format_name) + '"', key) != std::string_view::npos;
}

std::expected<Evidence, Error> parse_evidence(ByteView file) {
    if (file.size() > max_evidence_size) return malformed_evidence("more than " + std::to_string(max_evidence_size) + " bytes");
    if (!file.empty() && file.front() >= first_cbor_map && file.front() <= last_cbor_map) return CborEvidenceReader(file).read();
    return JsonReader().read(event_log::as_text(file));
}

std::string write_evidence_json(const Evidence &evidence) {
    const auto report_data = to_hex(evidence.report_data);
    const auto log = to_base64(evidence.log);
    EvidenceFields fields{.format = evidence_format_name,
                          .version = format_version,
                          .report_data = report_data,
                          .parts = {},
                          .time = evidence.time,
                          .sequence = evidence.sequence,
                          .registers = {},
                          .cut = {},
                          .log = log};
    std::vector<std::pair<std::string, std::string>> texts;  // what the views point into
    texts.reserve(evidence.parts.size() + evidence.registers.size());
    for (const auto &part : evidence.parts) {
        const auto &[quote, auxiliary] = texts.emplace_back(to_base64(part.quote), part.auxiliary ? to_base64(*part.auxiliary) : "");
        fields.parts.push_back({.name = part.name,
                                .kind = part.kind,
                                .simulated = part.simulated,
                                .quote = quote,
                                .quote_format = part.quote_format,
                                .sequence = part.sequence,
                                .auxiliary = part.auxiliary ? std::optional<std::string_view>(auxiliary) : std::nullopt,
                                .collateral = part.collateral ? std::optional(varlink::RawJson{*part.collateral}) : std::nullopt});
    }
    for (const auto &reg : evidence.registers) {
        const auto &[signed_value, logged] =
            texts.emplace_back(to_hex(reg.signed_value.bytes()), reg.logged ? to_hex(reg.logged->bytes()) : "");
        fields.registers.push_back({.name = reg.name,
                                    .owner = reg.owner,
                                    .signed_value = signed_value,
                                    .logged = reg.logged ? std::optional<std::string_view>(logged) : std::nullopt});
    }
    if (evidence.cut) fields.cut = CutFields{evidence.cut->events, evidence.cut->bytes};
    std::string out;
    varlink::write_json(out, fields);
    return out;
}

Bytes write_evidence_cbor(const Evidence &evidence) {
    const auto number = [](std::int64_t value) { return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0)); };
    cbor::MapWriter map;
    cbor::append_text(map.add("format"), evidence_format_name);
    cbor::append_unsigned(map.add("version"), number(format_version));
    cbor::append_bytes(map.add("reportData"), evidence.report_data);
    auto &parts = map.add("parts");
    cbor::append_array(parts, evidence.parts.size());
    for (const auto &part : evidence.parts) {
        cbor::MapWriter entry;
        cbor::append_text(entry.add("name"), part.name);
        cbor::append_text(entry.add("kind"), part.kind);
        cbor::append_bool(entry.add("simulated"), part.simulated);
        cbor::append_bytes(entry.add("quote"), part.quote);
        cbor::append_text(entry.add("quoteFormat"), part.quote_format);
        if (part.sequence) cbor::append_unsigned(entry.add("sequence"), number(*part.sequence));
        if (part.auxiliary) cbor::append_bytes(entry.add("auxiliary"), *part.auxiliary);
        if (part.collateral) cbor::append_text(entry.add("collateral"), *part.collateral);
        entry.append_to(parts);
    }
    cbor::append_unsigned(map.add("time"), number(evidence.time));
    cbor::append_unsigned(map.add("sequence"), number(evidence.sequence));
    auto &registers = map.add("registers");
    cbor::append_array(registers, evidence.registers.size());
    for (const auto &reg : evidence.registers) {
        cbor::MapWriter entry;
        cbor::append_text(entry.add("name"), reg.name);
        cbor::append_text(entry.add("owner"), to_string(reg.owner));
        cbor::append_bytes(entry.add("signed"), reg.signed_value.bytes());
        if (reg.logged) cbor::append_bytes(entry.add("logged"), reg.logged->bytes());
        entry.append_to(registers);
    }
    cbor::append_bytes(map.add("log"), evidence.log);
    if (evidence.cut) {
        cbor::MapWriter cut;
        cbor::append_unsigned(cut.add("events"), number(evidence.cut->events));
        cbor::append_unsigned(cut.add("bytes"), number(evidence.cut->bytes));
        cut.append_to(map.add("cut"));
    }
    Bytes out;
    map.append_to(out);
    return out;
}

}  // namespace mr
