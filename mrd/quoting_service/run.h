// mrd-quoting-service, from its command line to its end.
#pragma once

namespace mrd::quoting_service {

// Exit: 0 it was asked to end, 1 it cannot do what it was started for, 2 wrong usage.
int run(int argc, char **argv);

}  // namespace mrd::quoting_service
