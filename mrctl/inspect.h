// The kinds of files that mrctl inspect knows, one function each.
#pragma once

#include <string>
#include <vector>

#include "mr/event_log.h"

namespace mrctl {

// By which names a log's registers are told apart.
mr::ReplayNames names_for(const std::vector<mr::LogRegister> &registers);  // replay.cpp

// What a log leads to, gaps included, as lines or one JSON object. False: the log contradicts itself.
bool print_replay(bool json, mr::Replay &replay);  // replay.cpp

int inspect_log(bool json, const std::string &file, mr::EventLogReader &reader);  // inspect_log.cpp

}  // namespace mrctl
