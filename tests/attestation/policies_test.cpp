// Every policy that reference values can state: logs that satisfy it, and at least three that nearly do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/attestation/policy_test.h"

namespace mr {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string separator_digest() { return to_hex(hash(HashAlgorithm::sha384, Bytes(4))->bytes()); }

// What tdx/rtmr2 holds where an initrd extended it before there was a daemon.
Digest initrd_value() { return extend(HashAlgorithm::sha384, Bytes(48), hash(HashAlgorithm::sha384, as_bytes("initrd"))->bytes()).value(); }

std::string binary(std::string_view hex) {
    const auto bytes = from_hex(hex).value();
    return {bytes.begin(), bytes.end()};
}

json loader() { return {{"name", "the loader"}, {"text", "loader"}}; }
json kernel() { return {{"name", "the kernel"}, {"description", "kernel"}, {"dataDigest", digest_of("image")}}; }
json settings() { return {{"name", "the settings"}, {"eventDigest", digest_of("settings")}, {"optional", true}}; }
json the_cap() { return {{"name", "the cap"}, {"envelopeType", "cap"}}; }
json the_separator() { return {{"name", "the separator"}, {"eventDigest", separator_digest()}}; }

std::string said(char binary, char configuration, const std::string &options = "[]") {
    const auto digest = [](char digit) { return "\"sha384:" + std::string(96, digit) + "\""; };
    return R"({"binary":)" + digest(binary) + R"(,"configuration":)" + digest(configuration) + R"(,"access":)" + digest('3') +
           R"(,"options":)" + options + "}";
}

std::string said_with_roles(const std::string &roles) {
    auto text = said('1', '2');
    text.insert(text.size() - 1, R"(,"roles":)" + roles);
    return text;
}
const std::string gives_app = R"({"app":"tdx/rtmr2"})";
// The log has this in the place of what the event's digest was made of.
void lie_of_itself(PolicyTest &log, const std::string &roles) {
    const Envelope lie{.header = {.type = std::string(self_envelope_type), .register_name = "tdx/rtmr3"},
                       .body = {.description = "mrd", .data = bytes_of(said_with_roles(roles))}};
    log.events.front().data = enveloped("tdx/rtmr3", lie).data;
}

std::vector<Policy> log_policies() {
    return {
        {"what mrd is",
         {{"roles", {{"config", {"tpm/pcr14", "rtmr3"}}}},
          {"selfMeasurement",
           {{"register", "config"}, {"binary", {std::string(96, '1')}}, {"configuration", {std::string(96, '2'), std::string(96, '5')}}}}},
         "self_measurement",
         {{"it", [](auto &log) { log.self("rtmr3", said('1', '2')); }},
          {"among others",
           [](auto &log) { log.text("rtmr3", "any").self("rtmr3", said('1', '2')).self("rtmr3", said('1', '5')).text("rtmr2", "any"); }}},
         {{"another program", [](auto &log) { log.self("rtmr3", said('4', '2')); }, "the binary is sha384:4"},
          {"another one besides", [](auto &log) { log.self("rtmr3", said('1', '2')).self("rtmr3", said('1', '4')); },
           "event 2 of rtmr3: the configuration is sha384:4"},
          {"with an option", [](auto &log) { log.self("rtmr3", said('1', '2', "[\"--sim\"]")); }, "the options are --sim"},
          {"in another register", [](auto &log) { log.self("rtmr2", said('1', '2')); }, "mrd has not measured itself into config"},
          {"a client's", [](auto &log) { log.envelope("rtmr3", "mrd", said('1', '2')); }, "mrd has not measured itself"},
          {"redacted", [](auto &log) { log.self("rtmr3", said('1', '2')).hide(); }, "the log does not have what it says"},
          {"before a gap",
           [](auto &log) { log.self("rtmr3", said('1', '2')).gap("rtmr3", filled(0x5A)); },
           "only before a gap",
           {"history_complete"}}}},

        {"an event of a role",
         {{"roles", {{"app", {"tpm/pcr14", "rtmr3", "rtmr2"}}, {"boot", {"rtmr2"}}}},
          {"requiredEvents", {{{"name", "the loader"}, {"register", "app"}, {"text", "loader"}}}}},
         "required_events",
         {{"it", [](auto &log) { log.text("rtmr3", "loader"); }},
          {"among others", [](auto &log) { log.text("rtmr2", "any").text("rtmr3", "loader"); }}},
         {{"in the role's next register", [](auto &log) { log.text("rtmr2", "loader"); }, "expected was data \"loader\""},
          {"in no register of the role", [](auto &log) { log.text("rtmr1", "loader"); }, "expected was"},
          {"another one", [](auto &log) { log.text("rtmr3", "loadeR"); }, "event 1 of rtmr3 is \"loadeR\""},
          {"hidden", [](auto &log) { log.hidden("rtmr3", "loader!"); }, "event 1 of rtmr3 may be it"}}},

        {"an event of a role that mrd's measured configuration gives",
         {{"measuredRoles", "accept"},
          {"roles", {{"app", {"tpm/pcr14", "rtmr3"}}}},
          {"selfMeasurement", {{"register", "rtmr3"}, {"binary", {std::string(96, '1')}}, {"configuration", {std::string(96, '2')}}}},
          {"requiredEvents", {{{"name", "the loader"}, {"register", "app"}, {"text", "loader"}}}}},
         "required_events",
         {{"in the register that it names", [](auto &log) { log.self("rtmr3", said_with_roles(gives_app)).text("rtmr2", "loader"); }},
          {"in that of the reference values, where it names none",
           [](auto &log) { log.self("rtmr3", said('1', '2')).text("rtmr3", "loader"); }},
          {"after each that says the same",
           [](auto &log) {
               log.self("rtmr3", said_with_roles(gives_app)).self("rtmr3", said_with_roles(gives_app)).text("rtmr2", "loader");
           }}},
         {{"in that of the reference values, where it names another",
           [](auto &log) { log.self("rtmr3", said_with_roles(gives_app)).text("rtmr3", "loader"); }, "the loader"},
          {"where it takes the role away",
           [](auto &log) { log.self("rtmr3", said_with_roles(R"({"app":"none"})")).text("rtmr3", "loader"); },
           "app is in no quote, and no role"},
          {"by the word of another register",
           [](auto &log) { log.self("rtmr3", said('1', '2')).self("rtmr2", said_with_roles(gives_app)).text("rtmr2", "loader"); },
           "the loader"},
          {"by a word that no digest binds",
           [](auto &log) {
               log.self("rtmr3", said('1', '2')).text("rtmr2", "loader");
               lie_of_itself(log, gives_app);
           },
           "the loader",
           {"self_measurement"}},
          {"where the last one says another",
           [](auto &log) { log.self("rtmr3", said_with_roles(gives_app)).self("rtmr3", said('1', '2')).text("rtmr2", "loader"); },
           "the loader",
           {"self_measurement"}}}},

        {"a closed register of a role",
         {{"roles", {{"app", {"tpm/pcr14", "rtmr3"}}}}, {"closedRegisters", {{{"register", "app"}, {"events", {loader()}}}}}},
         "closed_registers",
         {{"it", [](auto &log) { log.text("rtmr3", "loader"); }},
          {"beside others", [](auto &log) { log.text("rtmr2", "any").text("rtmr3", "loader"); }}},
         {{"one more", [](auto &log) { log.text("rtmr3", "loader").text("rtmr3", "any"); }, "event 2 of rtmr3 is \"any\""},
          {"in another register", [](auto &log) { log.text("rtmr2", "loader"); }, "it has no event"},
          {"twice", [](auto &log) { log.text("rtmr3", "loader").text("rtmr3", "loader"); }, "a second time"}}},

        {"closed registers, as listed",
         {{"closedRegisters", {{{"register", "rtmr3"}, {"events", {loader(), settings(), kernel()}}}}}},
         "closed_registers",
         {{"all of them", [](auto &log) { log.text("rtmr3", "loader").text("rtmr3", "settings").envelope("rtmr3", "kernel", "image"); }},
          {"without the optional one", [](auto &log) { log.text("rtmr3", "loader").envelope("rtmr3", "kernel", "image"); }},
          {"what other registers hold",
           [](auto &log) { log.text("rtmr0", "any").text("rtmr3", "loader").text("rtmr2", "any").envelope("rtmr3", "kernel", "image"); }},
          {"one that is recognised by its digest alone",
           [](auto &log) { log.text("rtmr3", "loader").hidden("rtmr3", "settings").envelope("rtmr3", "kernel", "image"); }}},
         {{"one more", [](auto &log) { log.text("rtmr3", "loader").envelope("rtmr3", "kernel", "image").text("rtmr3", "shell"); },
           "event 3 of rtmr3 is \"shell\"; expected was no further event"},
          {"in another order", [](auto &log) { log.envelope("rtmr3", "kernel", "image").text("rtmr3", "loader"); },
           "event 1 of rtmr3 is an envelope \"kernel\" with \"image\", which is the kernel out of its order; expected was the loader: data "
           "\"loader\""},
          {"one twice", [](auto &log) { log.text("rtmr3", "loader").text("rtmr3", "loader").envelope("rtmr3", "kernel", "image"); },
           "event 2 of rtmr3 is \"loader\", which is the loader a second time: event 1 is the first; expected was the settings: "
           "eventDigest sha384:" +
               digest_of("settings") + ", or one of 1 more"},
          {"one too few", [](auto &log) { log.text("rtmr3", "loader").text("rtmr3", "settings"); },
           "its last event is 2; expected was the kernel: description \"kernel\" and dataDigest sha384:" + digest_of("image")},
          {"none", [](auto &log) { log.text("rtmr2", "loader"); }, "it has no event; expected was the loader"},
          {"another content", [](auto &log) { log.text("rtmr3", "loader").envelope("rtmr3", "kernel", "imagE"); },
           "event 2 of rtmr3 is an envelope \"kernel\" with \"imagE\"; expected was the settings"},
          {"one whose content is not in the log",
           [](auto &log) { log.hidden("rtmr3", "shell").text("rtmr3", "loader").envelope("rtmr3", "kernel", "image"); },
           "event 1 of rtmr3 is extended by sha384:" + digest_of("shell") +
               ", of which the log does not have what was hashed, so that nobody can tell whether it is listed",
           {},
           Judgement::not_judged},
          {"one that is redacted",
           [](auto &log) { log.text("rtmr3", "loader").redacted("rtmr3", "kernel", "image"); },
           "event 2 of rtmr3 is a redacted envelope, so that nobody can tell whether it is listed",
           {},
           Judgement::not_judged},
          {"a gap",
           [](auto &log) { log.gap("rtmr3", filled(0x5A)).text("rtmr3", "loader").envelope("rtmr3", "kernel", "image"); },
           "a gap that acceptedGaps does not name",
           {"history_complete"},
           Judgement::not_judged},
          {"a gap behind them",
           [](auto &log) { log.text("rtmr3", "loader").envelope("rtmr3", "kernel", "image").gap("rtmr3", filled(0x5A)); },
           "a gap that acceptedGaps does not name",
           {"history_complete"},
           Judgement::not_judged}}},

        {"closed registers, in any order",
         {{"closedRegisters", {{{"register", "tdx/rtmr3"}, {"order", "any"}, {"events", {loader(), settings(), kernel()}}}}}},
         "closed_registers",
         {{"as listed", [](auto &log) { log.text("rtmr3", "loader").envelope("rtmr3", "kernel", "image"); }},
          {"the other way round",
           [](auto &log) { log.envelope("rtmr3", "kernel", "image").text("rtmr3", "settings").text("rtmr3", "loader"); }}},
         {{"one more", [](auto &log) { log.envelope("rtmr3", "kernel", "image").text("rtmr3", "loader").text("rtmr3", "shell"); },
           "event 3 of rtmr3 is \"shell\"; expected was the settings"},
          {"one twice",
           [](auto &log) { log.envelope("rtmr3", "kernel", "image").envelope("rtmr3", "kernel", "image").text("rtmr3", "loader"); },
           "which is the kernel a second time: event 1 is the first; expected was the loader"},
          {"one too few", [](auto &log) { log.envelope("rtmr3", "kernel", "image").text("rtmr3", "settings"); },
           "its last event is 2; expected was the loader"},
          {"one that may be any",
           [](auto &log) { log.redacted("rtmr3", "kernel", "image").text("rtmr3", "loader"); },
           "nobody can tell",
           {},
           Judgement::not_judged}}},

        {"a register that is not used",
         {{"closedRegisters", {{{"register", "rtmr2"}, {"events", json::array()}}}}},
         "closed_registers",
         {{"nothing", [](auto &) {}}, {"another one is", [](auto &log) { log.text("rtmr3", "loader"); }}},
         {{"an event", [](auto &log) { log.text("rtmr2", "loader"); }, "event 1 of rtmr2 is \"loader\"; expected was no further event"},
          {"a redacted one", [](auto &log) { log.redacted("rtmr2", "kernel", "image"); },
           "a redacted envelope; expected was no further event"},
          {"one that is not shown", [](auto &log) { log.hidden("rtmr2", "loader"); }, "extended by sha384:" + digest_of("loader")},
          {"a cap", [](auto &log) { log.cap("rtmr2"); }, "an envelope of the type \"cap\""}}},

        {"nothing behind a cap",
         {{"closedRegisters", {{{"register", "rtmr3"}, {"after", the_cap()}, {"events", json::array()}}}}},
         "closed_registers",
         {{"nothing", [](auto &log) { log.text("rtmr3", "any").envelope("rtmr3", "kernel", "image").cap("rtmr3"); }},
          {"another register's", [](auto &log) { log.cap("rtmr3").text("rtmr2", "any"); }}},
         {{"an event", [](auto &log) { log.text("rtmr3", "any").cap("rtmr3").text("rtmr3", "shell"); }, "event 3 of rtmr3 is \"shell\""},
          {"a second cap", [](auto &log) { log.cap("rtmr3").cap("rtmr3"); }, "event 2 of rtmr3 is an envelope of the type \"cap\""},
          {"no cap", [](auto &log) { log.text("rtmr3", "any"); },
           "no event is what it is closed after: expected was the cap: envelopeType \"cap\""},
          {"another register's cap", [](auto &log) { log.text("rtmr3", "any").cap("rtmr2"); }, "no event is what it is closed after"},
          {"one before that may be the cap",
           [](auto &log) { log.hidden("rtmr3", "any").cap("rtmr3"); },
           "so that it may be the cap already",
           {},
           Judgement::not_judged},
          {"a gap", [](auto &log) { log.gap("rtmr3", filled(0x5A)).cap("rtmr3"); }, "a gap", {"history_complete"}, Judgement::not_judged}}},

        {"behind the separator what is listed",
         {{"closedRegisters", {{{"register", "rtmr1"}, {"after", the_separator()}, {"events", {kernel()}}}}}},
         "closed_registers",
         {{"that", [](auto &log) { log.hidden("rtmr1", "firmware").separator("rtmr1").envelope("rtmr1", "kernel", "image"); }}},
         {{"another event", [](auto &log) { log.separator("rtmr1").text("rtmr1", "shell"); },
           "event 2 of rtmr1 is \"shell\"; expected was the kernel"},
          {"before it", [](auto &log) { log.envelope("rtmr1", "kernel", "image").separator("rtmr1"); },
           "its last event is 2; expected was the kernel"},
          {"a second separator", [](auto &log) { log.separator("rtmr1").envelope("rtmr1", "kernel", "image").separator("rtmr1"); },
           "event 3 of rtmr1 is 4 bytes with sha384:" + separator_digest()},
          {"no separator", [](auto &log) { log.envelope("rtmr1", "kernel", "image"); }, "no event is what it is closed after"}}},

        {"a cap at the end of what is listed in any order",
         {{"closedRegisters",
           {{{"register", "rtmr3"}, {"order", "any"}, {"events", {loader(), kernel(), the_cap()}}},
            {{"register", "rtmr3"}, {"after", the_cap()}, {"events", json::array()}}}}},
         "closed_registers",
         {{"that", [](auto &log) { log.envelope("rtmr3", "kernel", "image").text("rtmr3", "loader").cap("rtmr3"); }}},
         {{"a cap between", [](auto &log) { log.text("rtmr3", "loader").cap("rtmr3").envelope("rtmr3", "kernel", "image"); },
           "event 3 of rtmr3 is an envelope \"kernel\" with \"image\"; expected was no further event"},
          {"no cap", [](auto &log) { log.envelope("rtmr3", "kernel", "image").text("rtmr3", "loader"); }, "expected was the cap"},
          {"another event", [](auto &log) { log.text("rtmr3", "loader").text("rtmr3", "shell").cap("rtmr3"); },
           "event 2 of rtmr3 is \"shell\""}}},

        {"a gap that is named, and behind it what is listed",
         {{"acceptedGaps", {{{"register", "rtmr2"}, {"found", to_hex(initrd_value().bytes())}}}},
          {"closedRegisters", {{{"register", "rtmr2"}, {"events", {kernel()}}}}}},
         "closed_registers",
         {{"that", [](auto &log) { log.gap("rtmr2", initrd_value()).envelope("rtmr2", "kernel", "image"); }},
          {"without a gap", [](auto &log) { log.envelope("rtmr2", "kernel", "image"); }}},
         {{"one more", [](auto &log) { log.gap("rtmr2", initrd_value()).envelope("rtmr2", "kernel", "image").text("rtmr2", "shell"); },
           "event 3 of rtmr2 is \"shell\""},
          {"one too few", [](auto &log) { log.gap("rtmr2", initrd_value()); }, "its last event is 1; expected was the kernel"},
          {"another value found",
           [](auto &log) { log.gap("rtmr2", filled(0x5A)).envelope("rtmr2", "kernel", "image"); },
           "a gap that acceptedGaps does not name",
           {"history_complete"},
           Judgement::not_judged},
          {"a second gap",
           [](auto &log) { log.gap("rtmr2", initrd_value()).gap("rtmr2", initrd_value()).envelope("rtmr2", "kernel", "image"); },
           "a gap that acceptedGaps does not name",
           {"history_complete"},
           Judgement::not_judged}}},

        {"a gap that is named",
         {{"acceptedGaps", {{{"register", "rtmr2"}, {"found", to_hex(initrd_value().bytes())}}}}},
         "history_complete",
         {{"that", [](auto &log) { log.gap("rtmr2", initrd_value()).text("rtmr2", "later").text("rtmr3", "later"); }},
          {"none", [](auto &log) { log.text("rtmr2", "later"); }}},
         {{"another value found", [](auto &log) { log.gap("rtmr2", filled(0x5A)); }, "found " + to_hex(filled(0x5A).bytes())},
          {"another register's", [](auto &log) { log.gap("rtmr3", initrd_value()); }, "rtmr3 at event 1"},
          {"an event before it", [](auto &log) { log.text("rtmr2", "first").gap("rtmr2", initrd_value()); }, "rtmr2 at event 2"},
          {"a second one", [](auto &log) { log.gap("rtmr2", initrd_value()).gap("rtmr2", filled(0x5A)); }, "rtmr2 at event 2"}}},

        {"platforms by their PPID",
         {{"tdx", {{"ppids", {std::string(32, '0'), std::string(32, '1')}}}}},
         "platform_identity",
         {{"one of them", [](auto &) {}}, {"the other one", [](auto &log) { log.ppid(0, 0); }}},
         {{"another one", [](auto &log) { log.ppid(0x22, 0x22); },
           "the platform is " + std::string(32, '2') + ", expected was " + std::string(32, '0') + " or another of the 2 that are named"},
          {"one that differs at its end", [](auto &log) { log.ppid(0x11, 0x12); },
           "the platform is 111111111111111111111111111111" + std::string("12")},
          {"one that is made of both", [](auto &log) { log.ppid(0, 0x11); }, "the platform is"},
          {"one of them, and another attestation key's signature",
           [](auto &log) { log.platform.qe_report_data.emplace().fill(7); },
           "nothing vouches for the quote",
           {"qe_report_signature", "tdx_module", "tcb", "qe_identity", "qe_tcb", "not_debug", "sept_ve_disable", "td_attributes",
            "service_td"},
           Judgement::not_judged}}},

        {"one of several sets",
         {{"alternatives",
           {{{"name", "the image"},
             {"sets",
              {{{"name", "6.17"},
                {"requiredEvents", {{{"name", "kernel 6.17"}, {"text", "kernel 6.17"}}, {{"name", "initrd A"}, {"text", "initrd A"}}}}},
               {{"name", "6.18"},
                {"requiredEvents", {{{"name", "kernel 6.18"}, {"text", "kernel 6.18"}}}},
                {"forbiddenEvents", {{{"name", "initrd A"}, {"text", "initrd A"}}}},
                {"closedRegisters", {{{"register", "rtmr2"}, {"events", json::array()}}}}}}}}}}},
         "alternatives",
         {{"the first", [](auto &log) { log.text("rtmr3", "kernel 6.17").text("rtmr3", "initrd A").text("rtmr2", "any"); }},
          {"the second", [](auto &log) { log.text("rtmr3", "kernel 6.18").text("rtmr3", "initrd B"); }}},
         {{"half of the one, half of the other", [](auto &log) { log.text("rtmr3", "kernel 6.17").text("rtmr3", "initrd B"); },
           "the image (6.17 (not in the log: initrd A (event 2 of rtmr3 is \"initrd B\", the first that no rule asks for; expected was "
           "data \"initrd A\")), "
           "6.18 (not in the log: kernel 6.18 (event 1 of rtmr3 is \"kernel 6.17\""},
          {"what the second forbids", [](auto &log) { log.text("rtmr3", "kernel 6.18").text("rtmr3", "initrd A"); },
           "6.18 (in the log: initrd A (event 2 of rtmr3 is \"initrd A\"))"},
          {"what the second closes", [](auto &log) { log.text("rtmr3", "kernel 6.18").text("rtmr2", "any"); },
           "6.18 (not what is listed: rtmr2 (event 2 of rtmr2 is \"any\""},
          {"what the second forbids, perhaps",
           [](auto &log) { log.text("rtmr3", "kernel 6.18").hidden("rtmr3", "any"); },
           "so that it may be: initrd A",
           {},
           Judgement::not_judged},
          {"neither", [](auto &log) { log.text("rtmr3", "kernel 6.19"); }, "of these no set holds: the image"}}},

        {"one set of each",
         {{"alternatives",
           {{{"name", "the kernel"},
             {"sets",
              {{{"name", "old"}, {"requiredEvents", {{{"name", "old"}, {"text", "old kernel"}}}}},
               {{"name", "new"}, {"requiredEvents", {{{"name", "new"}, {"text", "new kernel"}}}}}}}},
            {{"name", "rtmr0"},
             {"sets",
              {{{"name", "empty"}, {"registers", {{"rtmr0", {std::string(96, '0')}}}}},
               {{"name", "initrd"}, {"registers", {{"rtmr0", {to_hex(initrd_value().bytes())}}}}}}}}}}},
         "alternatives",
         {{"old, empty", [](auto &log) { log.text("rtmr3", "old kernel"); }},
          {"new, initrd", [](auto &log) { log.text("rtmr3", "new kernel").text("rtmr0", "initrd"); }}},
         {{"the first has none", [](auto &log) { log.text("rtmr3", "kernel"); }, "of these no set holds: the kernel"},
          {"the second has none", [](auto &log) { log.text("rtmr3", "old kernel").text("rtmr0", "initrds"); },
           "of these no set holds: rtmr0 (empty (rtmr0 is "},
          {"neither has one", [](auto &log) { log.text("rtmr0", "kernel"); }, "), rtmr0 (empty"}}},

        {"required events",
         {{"requiredEvents",
           {{{"name", "the kernel"}, {"register", "rtmr3"}, {"description", "kernel"}, {"dataDigest", digest_of("image")}}}}},
         "required_events",
         {{"it", [](auto &log) { log.text("rtmr3", "any").envelope("rtmr3", "kernel", "image"); }}},
         {{"another content", [](auto &log) { log.text("rtmr3", "any").envelope("rtmr3", "kernel", "imagE"); },
           "the kernel (event 2 of rtmr3 is an envelope \"kernel\" with \"imagE\"; expected was description \"kernel\" and dataDigest "
           "sha384:" +
               digest_of("image") + " in rtmr3)"},
          {"another description", [](auto &log) { log.envelope("rtmr3", "kernels", "image"); },
           "event 1 of rtmr3 is an envelope \"kernels\" with \"image\"; expected"},
          {"another register", [](auto &log) { log.text("rtmr3", "any").envelope("rtmr2", "kernel", "image"); },
           "event 1 of rtmr3 is \"any\", the first that no rule asks for; expected"},
          {"before a gap",
           [](auto &log) { log.envelope("rtmr3", "kernel", "image").gap("rtmr3", filled(0x5A)); },
           "only before a gap",
           {"history_complete"}},
          {"redacted", [](auto &log) { log.redacted("rtmr3", "kernel", "image"); }, "event 1 of rtmr3 may be it"},
          {"no event", [](auto &) {}, "the kernel (expected was description"}}},

        {"an event by its digest",
         {{"requiredEvents", {{{"name", "the image"}, {"register", "rtmr3"}, {"digest", digest_of("image")}}}}},
         "required_events",
         {{"of what was hashed", [](auto &log) { log.text("rtmr3", "image"); }},
          {"of an envelope's content", [](auto &log) { log.envelope("rtmr3", "any", "image"); }},
          {"of what the log does not have", [](auto &log) { log.hidden("rtmr3", "image"); }}},
         {{"another content", [](auto &log) { log.text("rtmr3", "imagE"); }, "expected was digest sha384:" + digest_of("image")},
          {"another register", [](auto &log) { log.text("rtmr2", "image"); }, "expected was digest sha384:"},
          {"an envelope's description", [](auto &log) { log.envelope("rtmr3", "image", "any"); }, "expected was digest sha384:"},
          {"in hex, as a text", [](auto &log) { log.text("rtmr3", digest_of("image")); }, "expected was digest sha384:"}}},

        {"an event by its bytes",
         {{"requiredEvents", {{{"name", "the settings"}, {"register", "rtmr3"}, {"data", to_base64(Bytes{0, 0xFF, 'a'})}}}}},
         "required_events",
         {{"that", [](auto &log) { log.text("rtmr3", binary("00ff61")); }},
          {"with the NUL that ends a text", [](auto &log) { log.text("rtmr3", binary("00ff6100")); }},
          {"with the two that end one in UTF-16", [](auto &log) { log.text("rtmr3", binary("00ff610000")); }},
          {"in an envelope", [](auto &log) { log.envelope("rtmr3", "any", binary("00ff61")); }}},
         {{"one too few", [](auto &log) { log.text("rtmr3", binary("00ff")); }, "the settings (event 1 of rtmr3"},
          {"one more", [](auto &log) { log.text("rtmr3", binary("00ff6161")); }, "the settings (event 1 of rtmr3"},
          {"with three NULs", [](auto &log) { log.text("rtmr3", binary("00ff61000000")); }, "the settings (event 1 of rtmr3"},
          {"its base64", [](auto &log) { log.text("rtmr3", to_base64(Bytes{0, 0xFF, 'a'})); }, "the settings (event 1 of rtmr3"}}},

        {"forbidden events",
         {{"forbiddenEvents", {{{"name", "a shell"}, {"register", "rtmr3"}, {"text", "shell"}}}}},
         "forbidden_events",
         {{"another event", [](auto &log) { log.text("rtmr3", "shells"); }},
          {"another register", [](auto &log) { log.text("rtmr2", "shell"); }}},
         {{"it", [](auto &log) { log.text("rtmr3", "any").text("rtmr3", "shell"); }, "a shell (event 2 of rtmr3 is \"shell\")"},
          {"twice", [](auto &log) { log.text("rtmr3", "shell").text("rtmr3", "shell"); },
           "a shell (event 1 of rtmr3 is \"shell\", the first of 2)"},
          {"hidden",
           [](auto &log) { log.hidden("rtmr3", "other"); },
           "may be: a shell (event 1 of rtmr3 is extended by sha384:" + digest_of("other"),
           {},
           Judgement::not_judged},
          {"in an envelope", [](auto &log) { log.envelope("rtmr3", "harmless", "shell"); },
           "event 1 of rtmr3 is an envelope \"harmless\" with \"shell\""}}},

        {"a cap that is required",
         {{"requiredEvents", {{{"name", "the cap"}, {"register", "rtmr3"}, {"envelopeType", "cap"}}}}},
         "required_events",
         {{"it", [](auto &log) { log.text("rtmr3", "any").cap("rtmr3"); }}},
         {{"another register's", [](auto &log) { log.text("rtmr3", "any").cap("rtmr2"); }, "expected was envelopeType \"cap\""},
          {"a measurement", [](auto &log) { log.envelope("rtmr3", "cap", "cap"); }, "event 1 of rtmr3 is an envelope \"cap\" with \"cap\""},
          {"a text that says so", [](auto &log) { log.text("rtmr3", "cap"); }, "event 1 of rtmr3 is \"cap\""},
          {"a redacted measurement", [](auto &log) { log.redacted("rtmr3", "cap", "cap"); }, "event 1 of rtmr3 is a redacted envelope"}}},

        {"register values",
         {{"registers", {{"rtmr2", {to_hex(initrd_value().bytes()), std::string(96, '1')}}}}},
         "register_values",
         {{"one of them", [](auto &log) { log.text("rtmr2", "initrd"); }}},
         {{"none", [](auto &) {},
           "rtmr2 is " + std::string(96, '0') + " (expected was " + to_hex(initrd_value().bytes()) + " or one of 1 more)"},
          {"twice", [](auto &log) { log.text("rtmr2", "initrd").text("rtmr2", "initrd"); }, "rtmr2 is"},
          {"in another register", [](auto &log) { log.text("rtmr3", "initrd"); }, "rtmr2 is"}}},
    };
}

TEST_F(PolicyTest, HoldsOfLogsThatSatisfyItAndOfNoneThatNearlyDoes) { expect_to_part(log_policies()); }

// What a policy asks for where there is nothing to judge is no yes.
TEST_F(PolicyTest, IsNotMetByWhatTheEvidenceDoesNotHave) {
    for (const auto &policy : log_policies()) {
        if (policy.statement == "history_complete" || policy.statement == "platform_identity" || policy.statement == "register_values")
            continue;
        (void)judge(policy.members, policy.good.front().make);
        const auto without_log = verify(platform.quote(), {}, options);
        EXPECT_THAT(refusing(without_log), testing::Contains(policy.statement)) << policy.name;
        auto unreadable = evidence();
        unreadable.log = bytes_of("{");
        EXPECT_THAT(refusing(verify(unreadable, options)), testing::Contains(policy.statement)) << policy.name;
        auto another = evidence();
        another.parts.front().quote[700] ^= 1;
        EXPECT_FALSE(verify(another, options).verified()) << policy.name;
    }
}

// Type, data and description are the log's word: no event becomes one that is listed, and none that is too many disappears.
TEST_F(PolicyTest, WhateverALogCallsItsEventsARegisterHoldsNothingElse) {
    const json in_order{{"closedRegisters", {{{"register", "rtmr3"}, {"events", {loader(), settings(), kernel()}}}}}};
    auto in_any_order = in_order;
    in_any_order["closedRegisters"][0]["order"] = "any";
    const json behind_the_cap{{"closedRegisters", {{{"register", "rtmr3"}, {"after", the_cap()}, {"events", json::array()}}}}};
    struct Case {
        json members;
        std::function<void(PolicyTest &)> log;
    };
    const std::vector<Case> cases{
        {in_order, [](auto &log) { log.text("rtmr3", "loader").text("rtmr3", "shell").envelope("rtmr3", "kernel", "image"); }},
        {in_order, [](auto &log) { log.envelope("rtmr3", "kernel", "image").text("rtmr3", "loader"); }},
        {in_any_order, [](auto &log) { log.text("rtmr3", "loader").text("rtmr3", "loader").envelope("rtmr3", "kernel", "image"); }},
        {in_any_order, [](auto &log) { log.text("rtmr3", "loader").envelope("rtmr3", "kernel", "other"); }},
        {in_any_order, [](auto &log) { log.text("rtmr3", "loader").text("rtmr3", "settings"); }},
        {behind_the_cap, [](auto &log) { log.cap("rtmr3").text("rtmr3", "shell").cap("rtmr3"); }},
        {behind_the_cap, [](auto &log) { log.text("rtmr3", "loader").text("rtmr3", "shell"); }}};
    const auto good = enveloped("tdx/rtmr3", {.description = "kernel", .data = bytes_of("image")});
    const std::vector<std::optional<Bytes>> shown{std::nullopt,
                                                  bytes_of("loader"),
                                                  bytes_of("settings"),
                                                  good.data,
                                                  redact_envelope(*good.data, std::array{HashAlgorithm::sha384}).value(),
                                                  encode_envelope({.header = {.type = "cap", .register_name = "tdx/rtmr3"}})};
    for (const auto &[members, log] : cases) {
        (void)judge(members, log);
        const auto honest = events;
        for (std::size_t i = 0; i < honest.size(); ++i) {
            for (const auto &data : shown) {
                for (const auto type : {ev_ipl, ev_event_tag, ev_separator, std::uint32_t{0x08000001}}) {
                    events = honest;
                    events[i].data = data;
                    events[i].type = type;
                    events[i].description = "kernel";
                    const auto verdict = verify(evidence(), options);
                    EXPECT_NE(result_of(verdict, closed_registers), Judgement::holds) << members << " event " << i << " of type " << type;
                    EXPECT_FALSE(verdict.verified());
                }
            }
            // Left out, it leaves a log that does not lead to what is signed.
            events = honest;
            events.erase(events.begin() + static_cast<std::ptrdiff_t>(i));
            for (std::size_t number = 0; number < events.size(); ++number) events[number].sequence = number + 1;
            EXPECT_NE(result_of(verify(evidence(), options), closed_registers), Judgement::holds);
        }
    }
}

// A log by itself numbers its events as it likes.
TEST_F(PolicyTest, NoRuleIsMetTwiceByEventsOfTheSameNumber) {
    const json members{{"closedRegisters", {{{"register", "rtmr3"}, {"order", "any"}, {"events", {loader(), kernel()}}}}}};
    const auto by_itself = [&](const auto &log) {
        (void)judge(members, log);
        std::string file;
        for (auto &event : events) {
            event.sequence = 0;
            append_cel_json(file, event.view());
        }
        const Bytes bytes = bytes_of(file);
        const std::array<ByteView, 1> logs{bytes};
        return verify(platform.quote(), logs, options);
    };
    const auto good = by_itself([](auto &log) { log.text("rtmr3", "loader").envelope("rtmr3", "kernel", "image"); });
    EXPECT_TRUE(good.verified()) << reasons(good);
    const auto twice =
        by_itself([](auto &log) { log.text("rtmr3", "loader").text("rtmr3", "loader").envelope("rtmr3", "kernel", "image"); });
    EXPECT_THAT(refusing(twice), testing::ElementsAre("closed_registers")) << reasons(twice);
}

// A register that others extend too has no log that could tell.
TEST_F(PolicyTest, ARegisterThatTheLogDoesNotLeadToIsNotClosed) {
    auto verdict = judge({{"uncoveredRegisters", {"rtmr3"}}, {"closedRegisters", {{{"register", "rtmr3"}, {"events", {loader()}}}}}},
                         [](auto &log) { log.text("rtmr3", "loader"); });
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    platform.body.rtmr[3].fill(0x77);
    verdict = verify(evidence(), options);
    EXPECT_THAT(refusing(verdict), testing::ElementsAre("closed_registers"));
    EXPECT_THAT(reason_of(verdict, closed_registers), HasSubstr("rtmr3 (the log does not lead to it)"));
}

TEST_F(PolicyTest, ARegisterThatNoQuoteSignsIsNotClosed) {
    const auto verdict = judge({{"closedRegisters", {{{"register", "rtmr9"}, {"events", json::array()}}}}}, [](auto &) {});
    EXPECT_EQ(result_of(verdict, closed_registers), Judgement::fails);
    EXPECT_THAT(
        reason_of(verdict, closed_registers),
        HasSubstr("rtmr9 (rtmr9 is in no quote, and no role (roles has those that there are); there are rtmr0, rtmr1, rtmr2, rtmr3)"));
}

// What they only allow leaves open what runs.
TEST_F(PolicyTest, ClosedRegistersAndAlternativesSayWhatRunsWhereSomethingMustBeThere) {
    options.waived.reference = false;
    const auto says = [this](const json &members) {
        const auto verdict = judge(members, [](auto &log) { log.text("rtmr3", "loader"); });
        return result_of(verdict, reference_values) == Judgement::holds;
    };
    const auto closed = [](const json &listed) { return json{{"closedRegisters", {{{"register", "rtmr3"}, {"events", listed}}}}}; };
    EXPECT_TRUE(says(closed(json::array({loader()}))));
    EXPECT_FALSE(says(closed(json::array({settings()}))));
    EXPECT_FALSE(says(closed(json::array())));
    const auto either = [](json one, json other) {
        one["name"] = "one";
        other["name"] = "other";
        return json{{"alternatives", {{{"name", "either"}, {"sets", {one, other}}}}}};
    };
    EXPECT_TRUE(says(either(closed(json::array({loader()})), {{"requiredEvents", json::array({loader()})}})));
    EXPECT_FALSE(says(either(closed(json::array({loader()})), {{"forbiddenEvents", json::array({loader()})}})));
}

TEST_F(PolicyTest, WhatAClosedRegisterRestsOnIsSaid) {
    json members{{"closedRegisters", {{{"register", "rtmr3"}, {"events", {loader(), kernel()}}}}}};
    const auto log = [](auto &made) { made.text("rtmr3", "loader").envelope("rtmr3", "kernel", "image"); };
    EXPECT_EQ(reason_of(judge(members, log), closed_registers),
              "they hold what is listed and nothing else: rtmr3 (2 events); on an envelope in rtmr3, which whoever may extend it by digest "
              "can state too: "
              "the kernel");
    members["logOnlyRegisters"] = {"rtmr3"};
    EXPECT_THAT(reason_of(judge(members, log), closed_registers),
                HasSubstr("on an envelope in rtmr3, which takes nothing else: the kernel"));
}

// Whatever a log has in it, and however much of it.
TEST_F(PolicyTest, ReasonsAreShortAndPrintable) {
    json required = json::array();
    json listed = json::array();
    for (int i = 0; i < 200; ++i) {
        required.push_back({{"name", "rule " + std::to_string(i)},
                            {"description", "event " + std::to_string(i)},
                            {"digest", digest_of(std::to_string(i))}});
        if (i < 100) listed.push_back({{"name", "listed " + std::to_string(i)}, {"text", "listed " + std::to_string(i)}});
    }
    const json closed{{{"register", "rtmr3"}, {"events", listed}}};
    json sets = json::array();
    for (std::size_t i = 0; i < 20; ++i)
        sets.push_back({{"name", "set " + std::to_string(i)}, {"requiredEvents", {required[i]}}, {"closedRegisters", closed}});
    const auto verdict = judge(
        {{"requiredEvents", required}, {"closedRegisters", closed}, {"alternatives", {{{"name", "all"}, {"sets", sets}}}}}, [](auto &log) {
            log.text("rtmr3", std::string(60, '\x1b') + "\xE2\x80\xAE");
            for (int i = 0; i < 200; ++i) log.envelope("rtmr3", "event " + std::to_string(i), "\"), \x01" + std::string(5000, 'x'));
            log.envelope("rtmr3", "a \"quoted\" \xE2\x80\xAE description", "d");
        });
    for (const auto name : {required_events, closed_registers, alternatives}) {
        const auto reason = reason_of(verdict, name);
        EXPECT_EQ(result_of(verdict, name), Judgement::fails) << name;
        EXPECT_LE(reason.size(), max_content_text) << name;
        EXPECT_EQ(printable_text(reason), reason) << name;
    }
    EXPECT_THAT(reason_of(verdict, required_events),
                HasSubstr("rule 0 (event 2 of rtmr3 is an envelope \"event 0\" with 5005 bytes with sha384:"));
    EXPECT_THAT(reason_of(verdict, required_events), HasSubstr("and 184 more"));
    const auto quoted = judge({{"closedRegisters", {{{"register", "rtmr3"}, {"events", json::array()}}}}},
                              [](auto &log) { log.envelope("rtmr3", "a\"; expected was \xE2\x80\xAE", "d"); });
    EXPECT_THAT(reason_of(quoted, closed_registers),
                HasSubstr(R"(an envelope "a\"; expected was \u{202e}" with "d"; expected was no further event)"));
    const auto backslash = judge({{"closedRegisters", {{{"register", "rtmr3"}, {"events", json::array()}}}}},
                                 [](auto &log) { log.envelope("rtmr3", "a\\", std::string(63, 'x') + "\xC3\xA4"); });
    EXPECT_THAT(reason_of(backslash, closed_registers), HasSubstr(R"(an envelope "a\\" with 65 bytes with sha384:)"));
    const auto long_one = judge({{"closedRegisters", {{{"register", "rtmr3"}, {"events", json::array()}}}}},
                                [](auto &log) { log.envelope("rtmr3", std::string(63, 'x') + "\xC3\xA4" + std::string(4000, 'y'), "d"); });
    EXPECT_THAT(reason_of(long_one, closed_registers), HasSubstr("an envelope \"" + std::string(63, 'x') + "\"... with \"d\"; expected"));
}

}  // namespace

std::vector<nlohmann::json> members_of_log_policies() { return members_of(log_policies()); }

}  // namespace mr
