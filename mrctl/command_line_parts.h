// The commands by their subjects, one function each, and what several of them take. Each adds itself in the file of its subject: command_line_SUBJECT.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "mr/event_content.h"
#include "mr/limits.h"
#include "mrctl/command_line.h"
#include "mrctl/commands.h"

namespace mrctl {

// command_line_registers.cpp
void add_list(CommandLine &line);
void add_read(CommandLine &line);
void add_extend(CommandLine &line);
void add_measure(CommandLine &line);
void add_exec(CommandLine &line);
void add_cap(CommandLine &line);
void add_create(CommandLine &line);
void add_close(CommandLine &line);
void add_write(CommandLine &line);
void add_watch(CommandLine &line);

// command_line_log.cpp
void add_log(CommandLine &line);
void add_replay(CommandLine &line);

// command_line_evidence.cpp
void add_report(CommandLine &line);
void add_quote(CommandLine &line);
void add_collateral(CommandLine &line);
void add_evidence(CommandLine &line);

// command_line_verification.cpp
void add_gate(CommandLine &line);
void add_verify(CommandLine &line);
void add_inspect(CommandLine &line);
void add_realm_measurement(CommandLine &line);

// command_line_device.cpp
void add_device(CommandLine &line);

// command_line_administration.cpp
void add_repair(CommandLine &line);
void add_stats(CommandLine &line);
void add_status(CommandLine &line);
void add_access(CommandLine &line);
void add_metrics(CommandLine &line);
void add_log_level(CommandLine &line);

// What is sent to mrd, or compared with what it says. A file's name may be any bytes.
inline const CLI::Validator text([](std::string &value) { return mr::is_text(value) ? std::string() : "it is not text in UTF-8"; }, "",
                                 "text");

inline constexpr auto max_deadline = static_cast<std::uint32_t>(mr::max_quote_deadline.count());
inline constexpr const char *deadline_help = "How long mrd may take, from 1 to 600000 [30000]";
static_assert(max_deadline == 600'000);

// Of all commands that ask for report data.
inline constexpr const char *data_help = "A nonce, or a hash: 16 to 64 bytes, hexadecimal; zero bytes follow up to 64";

// command_line_evidence.cpp. `prefix`: "--bind-" of what asks for evidence, "--bound-" of what judges it.
void add_binding_options(CLI::App &command, const std::string &prefix, BindingOptions &options);
// command_line_verification.cpp. Of what is judged, by what, and what is waived.
void add_judging_options(CLI::App &command, VerifyCommand &verify);

}  // namespace mrctl
