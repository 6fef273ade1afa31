// Evidence as JSON and as CBOR: docs/evidence-format.md. Both have the same members.
#include "mr/evidence.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libmr/src/cbor.h"
#include "libmr/src/event_log/json_common.h"
#include "libmr/wire/registers.h"
#include "proto/varlink/fields.h"

namespace mr {

namespace {

using varlink::field;

constexpr std::string_view format_name = "mrd-evidence";
constexpr std::int64_t format_version = 1;
constexpr std::string_view version_1_only = "only version 1 is known";

// One map of at least ten members: its head, then the first of the shortest keys. No text begins with such a byte.
constexpr std::uint8_t first_cbor_map = 0xA0;
constexpr std::uint8_t last_cbor_map = 0xBF;

std::unexpected<Error> malformed(std::string message) {
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

struct EvidenceFields {
    std::string_view format;
    std::int64_t version = 0;
    std::string_view provider;
    bool simulated = false;
    std::string_view report_data;
    std::string_view quote;
    std::string_view quote_format;
    std::optional<std::string_view> auxiliary;
    std::int64_t time = 0;
    std::int64_t sequence = 0;
    std::vector<RegisterFields> registers;
    std::optional<CutFields> cut;
    std::optional<varlink::RawJson> collateral;
    std::string_view log;
    static constexpr auto fields() {
        return std::tuple(field("format", &EvidenceFields::format), field("version", &EvidenceFields::version),
                          field("provider", &EvidenceFields::provider), field("simulated", &EvidenceFields::simulated),
                          field("reportData", &EvidenceFields::report_data), field("quote", &EvidenceFields::quote),
                          field("quoteFormat", &EvidenceFields::quote_format), field("auxiliary", &EvidenceFields::auxiliary),
                          field("time", &EvidenceFields::time), field("sequence", &EvidenceFields::sequence),
                          field("registers", &EvidenceFields::registers), field("cut", &EvidenceFields::cut),
                          field("collateral", &EvidenceFields::collateral), field("log", &EvidenceFields::log));
    }
};

// What both forms have to keep to.
std::expected<Evidence, Error> checked(Evidence evidence) {
    if (evidence.registers.size() > max_evidence_registers)
        return malformed("more than " + std::to_string(max_evidence_registers) + " registers");
    if (evidence.sequence < 0) return malformed("the member sequence is negative");
    if (evidence.time < 0) return malformed("the member time is negative");
    if (evidence.cut && (evidence.cut->events < 1 || evidence.cut->bytes < 1))
        return malformed("the member cut has events and bytes, at least one of each");
    return evidence;
}

class JsonReader {
public:
    std::expected<Evidence, Error> read(std::string_view text) {
        varlink::Document document;
        if (text.starts_with(event_log::byte_order_mark)) return malformed("the file begins with a byte-order mark, which JSON has not");
        if (!document.parse(text)) return malformed("the file is not one JSON object in UTF-8");
        const auto fields = varlink::decode<EvidenceFields>(document.root());
        if (!fields) return malformed("the member " + fields.error().name + " is unknown, missing, given twice or of the wrong type");
        if (const auto unknown = unknown_member(document.root())) return malformed("the member " + *unknown + " is unknown");
        if (fields->format != format_name) return malformed("the member format is not " + std::string(format_name));
        if (fields->version != format_version) return malformed("the member version: " + std::string(version_1_only));

        Evidence evidence{.provider = std::string(fields->provider),
                          .simulated = fields->simulated,
                          .quote = from_base64_member("quote", fields->quote),
                          .quote_format = std::string(fields->quote_format),
                          .time = fields->time,
                          .sequence = fields->sequence,
                          .registers = {},
                          .log = from_base64_member("log", fields->log)};
        const auto report_data = from_hex(fields->report_data);
        if (!report_data || report_data->size() != report_data_size) return malformed("the member reportData is not 64 bytes in hex");
        std::ranges::copy(*report_data, evidence.report_data.begin());
        if (fields->auxiliary) evidence.auxiliary = from_base64_member("auxiliary", *fields->auxiliary);
        for (const auto &reg : fields->registers) {
            auto &known = evidence.registers.emplace_back(
                EvidenceRegister{std::string(reg.name), reg.owner, digest_from("signed", reg.signed_value), std::nullopt});
            if (reg.logged) known.logged = digest_from("logged", *reg.logged);
        }
        if (fields->cut) evidence.cut = {fields->cut->events, fields->cut->bytes};
        if (fields->collateral) {
            auto collateral = parse_collateral(fields->collateral->text);
            if (!collateral) return malformed(collateral.error().message);
            evidence.collateral = std::move(*collateral);
        }
        if (!wrong_.empty()) return malformed("the member " + wrong_);
        return checked(std::move(evidence));
    }

private:
    // decode() refuses unknown members of the object itself, and leaves those of the objects in it to whoever is strict.
    static std::optional<std::string> unknown_member(varlink::Value root) {
        const auto cut = root.find("cut");
        if (cut && cut->kind() == varlink::Kind::object) {
            if (const auto strict = varlink::decode<CutFields>(*cut); !strict) return strict.error().name + " of cut";
        }
        const auto registers = root.find("registers");
        for (auto each = registers ? registers->first() : std::nullopt; each; each = each->next()) {
            if (const auto strict = varlink::decode<RegisterFields>(*each); !strict) return strict.error().name + " of a register";
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

// The members of collateral whose JSON form is hexadecimal, and those that are text.
struct CollateralBytes {
    std::string_view key;
    Bytes Collateral::*member;
};
struct CollateralText {
    std::string_view key;
    std::string Collateral::*member;
};
constexpr std::array collateral_bytes{
    CollateralBytes{"tcb_info_signature", &Collateral::tcb_info_signature}, CollateralBytes{"root_ca_crl", &Collateral::root_ca_crl},
    CollateralBytes{"qe_identity_signature", &Collateral::qe_identity_signature}, CollateralBytes{"pck_crl", &Collateral::pck_crl}};
constexpr std::array collateral_texts{CollateralText{"tcb_info", &Collateral::tcb_info},
                                      CollateralText{"tcb_info_issuer_chain", &Collateral::tcb_info_issuer_chain},
                                      CollateralText{"qe_identity", &Collateral::qe_identity},
                                      CollateralText{"qe_identity_issuer_chain", &Collateral::qe_identity_issuer_chain},
                                      CollateralText{"pck_crl_issuer_chain", &Collateral::pck_crl_issuer_chain}};

class CborEvidenceReader {
public:
    explicit CborEvidenceReader(ByteView file) : map_(file) {}

    std::expected<Evidence, Error> read() {
        std::size_t members = 0;
        map_.read([&](std::string_view key) {
            const bool known = read_member(key);
            if (known && key != "auxiliary" && key != "cut" && key != "collateral") ++members;
            return known;
        });
        if (!map_.failed() && !map_.at_end()) map_.fail("bytes follow the map");
        if (!map_.failed() && members != required_members) map_.fail("a member is missing");
        if (map_.failed()) return malformed("byte " + std::to_string(map_.offset()) + ": " + std::string(map_.wrong()));
        return checked(std::move(evidence_));
    }

private:
    static constexpr std::size_t required_members = 11;

    bool read_member(std::string_view key) {
        if (key == "cut") {
            read_cut(evidence_.cut.emplace());
        } else if (key == "log") {
            map_.bytes(evidence_.log);
        } else if (key == "time") {
            number(evidence_.time);
        } else if (key == "quote") {
            map_.bytes(evidence_.quote);
        } else if (key == "format") {
            std::string format;
            map_.text(format);
            if (format != format_name) map_.fail("the format is not mrd-evidence");
        } else if (key == "version") {
            std::int64_t version = 0;
            number(version);
            if (version != format_version) map_.fail(version_1_only);
        } else if (key == "provider") {
            map_.text(evidence_.provider);
        } else if (key == "sequence") {
            number(evidence_.sequence);
        } else if (key == "auxiliary") {
            map_.bytes(evidence_.auxiliary);
        } else if (key == "registers") {
            map_.array(max_evidence_registers, [this] { read_register(evidence_.registers.emplace_back()); });
        } else if (key == "simulated") {
            map_.boolean(evidence_.simulated);
        } else if (key == "collateral") {
            read_collateral(evidence_.collateral.emplace());
        } else if (key == "reportData") {
            Bytes bytes;
            map_.bytes(bytes);
            if (bytes.size() != report_data_size) return map_.fail("report data has 64 bytes"), true;
            std::ranges::copy(bytes, evidence_.report_data.begin());
        } else if (key == "quoteFormat") {
            map_.text(evidence_.quote_format);
        } else {
            return false;
        }
        return true;
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

    void read_collateral(Collateral &collateral) {
        std::size_t members = 0;
        map_.read([&](std::string_view key) {
            ++members;
            for (const auto &known : collateral_bytes) {
                if (known.key == key) return map_.bytes(collateral.*known.member), true;
            }
            for (const auto &known : collateral_texts) {
                if (known.key == key) return map_.text(collateral.*known.member), true;
            }
            return false;
        });
        if (members != collateral_bytes.size() + collateral_texts.size()) map_.fail("a member of the collateral is missing");
    }

    cbor::MapReader map_;
    Evidence evidence_;
};

}  // namespace

bool Evidence::coherent() const {
    return std::ranges::all_of(registers, [](const auto &reg) { return reg.owner != Owner::owned || reg.matches(); });
}

bool is_evidence(ByteView file) {
    if (file.empty()) return false;
    if (file.front() >= first_cbor_map && file.front() <= last_cbor_map) {
        cbor::Reader reader(file);
        const auto first_key = reader.read_map() ? reader.read_text() : std::unexpected(std::string_view());
        return first_key == "log" || first_key == "cut";
    }
    constexpr std::size_t looked_at = 128;  // white space of a JSON printer included
    const auto text = event_log::as_text(file.first(std::min(file.size(), looked_at)));
    const auto key = text.find("\"format\"");
    return text.find_first_not_of(" \t\r\n") < key && key != std::string_view::npos &&
           text.find('"' + std::string(format_name) + '"', key) != std::string_view::npos;
}

std::expected<Evidence, Error> parse_evidence(ByteView file) {
    if (file.size() > max_evidence_size) return malformed("more than " + std::to_string(max_evidence_size) + " bytes");
    if (!file.empty() && file.front() >= first_cbor_map && file.front() <= last_cbor_map) return CborEvidenceReader(file).read();
    return JsonReader().read(event_log::as_text(file));
}

std::string write_evidence_json(const Evidence &evidence) {
    const auto report_data = to_hex(evidence.report_data);
    const auto quote = to_base64(evidence.quote);
    const auto log = to_base64(evidence.log);
    std::string auxiliary;
    EvidenceFields fields{.format = format_name,
                          .version = format_version,
                          .provider = evidence.provider,
                          .simulated = evidence.simulated,
                          .report_data = report_data,
                          .quote = quote,
                          .quote_format = evidence.quote_format,
                          .auxiliary = {},
                          .time = evidence.time,
                          .sequence = evidence.sequence,
                          .registers = {},
                          .cut = {},
                          .collateral = {},
                          .log = log};
    if (evidence.auxiliary) {
        auxiliary = to_base64(*evidence.auxiliary);
        fields.auxiliary = auxiliary;
    }
    std::vector<std::pair<std::string, std::string>> values;  // what the views point into
    values.reserve(evidence.registers.size());
    for (const auto &reg : evidence.registers) {
        const auto &[signed_value, logged] =
            values.emplace_back(to_hex(reg.signed_value.bytes()), reg.logged ? to_hex(reg.logged->bytes()) : "");
        fields.registers.push_back({.name = reg.name,
                                    .owner = reg.owner,
                                    .signed_value = signed_value,
                                    .logged = reg.logged ? std::optional<std::string_view>(logged) : std::nullopt});
    }
    if (evidence.cut) fields.cut = CutFields{evidence.cut->events, evidence.cut->bytes};
    if (evidence.collateral) fields.collateral = varlink::RawJson{write_collateral(*evidence.collateral)};
    std::string out;
    varlink::write_json(out, fields);
    return out;
}

Bytes write_evidence_cbor(const Evidence &evidence) {
    const auto number = [](std::int64_t value) { return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0)); };
    cbor::MapWriter map;
    cbor::append_text(map.add("format"), format_name);
    cbor::append_unsigned(map.add("version"), number(format_version));
    cbor::append_text(map.add("provider"), evidence.provider);
    cbor::append_bool(map.add("simulated"), evidence.simulated);
    cbor::append_bytes(map.add("reportData"), evidence.report_data);
    cbor::append_bytes(map.add("quote"), evidence.quote);
    cbor::append_text(map.add("quoteFormat"), evidence.quote_format);
    if (evidence.auxiliary) cbor::append_bytes(map.add("auxiliary"), *evidence.auxiliary);
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
    if (evidence.collateral) {
        cbor::MapWriter collateral;
        for (const auto &known : collateral_bytes) cbor::append_bytes(collateral.add(known.key), *evidence.collateral.*known.member);
        for (const auto &known : collateral_texts) cbor::append_text(collateral.add(known.key), *evidence.collateral.*known.member);
        collateral.append_to(map.add("collateral"));
    }
    Bytes out;
    map.append_to(out);
    return out;
}

}  // namespace mr
