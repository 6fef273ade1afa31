// The commands of mrctl: each takes its options, does its work and returns the exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mr/client.h"

namespace mrctl {

struct Common {
    mr::ClientOptions client;
    bool json = false;  // print mrd's reply
};

struct ReadCommand {
    std::vector<std::string> names;
    bool fresh = false;
    bool raw = false;  // the value's bytes and nothing else
};
struct ExtendCommand {
    std::string name;
    std::string digest;
    std::optional<std::string> description;
    std::optional<std::uint32_t> type;
};
struct MeasureCommand {
    std::string name;
    std::string file;  // "-": standard input
    std::optional<std::string> description;
    std::optional<std::uint32_t> type;
};
struct WriteCommand {
    std::string name;
    std::string file;
    std::string hex;
};
struct ReportCommand {
    std::string data;
    std::string output;
    std::optional<std::string> provider;
};

int list(const Common &common);
int read(const Common &common, const ReadCommand &command);
int extend(const Common &common, const ExtendCommand &command);
int measure(const Common &common, const MeasureCommand &command);  // measure.cpp
int write(const Common &common, const WriteCommand &command);
int report(const Common &common, const ReportCommand &command);
int watch(const Common &common, const std::vector<std::string> &names);
int stats(const Common &common);
int status(const Common &common);
int inspect(bool json, const std::string &file);  // inspect.cpp

// What extend and measure print: the register's name and new value, or the reply as JSON.
int print_extended(bool json, const mr::Reading &reading, std::int64_t sequence, const mr::Digest &digest);

}  // namespace mrctl
