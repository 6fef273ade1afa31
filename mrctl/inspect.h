// The kinds of files that mrctl inspect knows, one function each.
#pragma once

#include <string>

#include "mr/event_log.h"

namespace mrctl {

int inspect_log(bool json, const std::string &file, mr::EventLogReader &reader);  // inspect_log.cpp

}  // namespace mrctl
