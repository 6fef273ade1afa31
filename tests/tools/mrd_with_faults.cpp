// mrd as it is shipped, but for what stands around its provider and the journal's file: faults (MRD_SIM_FAULTS, tests/faults/faults.h) and places to die at
// (MRD_KILL, tests/faults/kill_points.h), which guest it is (MRD_GUEST, tests/faults/guest.h), how many milliseconds each reading of the journal takes (MRD_JOURNAL_READ_TAKES), and where the system's journal is taken to be (MRD_SYSTEM_JOURNAL).
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "mrd/daemon/run.h"
#include "tests/faults/faulty_provider.h"
#include "tests/faults/guest.h"
#include "tests/faults/kill_points.h"

namespace {

std::string_view environment(const char *name) {
    const char *text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread is started
    return text == nullptr ? std::string_view() : text;
}

}  // namespace

int main(int argc, char **argv) {
    auto faults = mrd::faults::parse_faults(environment("MRD_SIM_FAULTS"));
    if (!faults) {
        std::cerr << "mrd: MRD_SIM_FAULTS: " << faults.error() << '\n';
        return mrd::exit_usage;
    }
    mrd::faults::Killer killer(environment("MRD_KILL"));
    mrd::Seams seams;
    if (const auto guest = environment("MRD_GUEST"); !guest.empty()) {
        const auto parsed = mrd::faults::parse_guest(guest);
        if (!parsed) {
            std::cerr << "mrd: MRD_GUEST: " << parsed.error() << '\n';
            return mrd::exit_usage;
        }
        seams.open_provider = mrd::faults::open_as_guest(*parsed, seams.open_provider);
    }
    seams.open_provider = with_kill_points(with_faults(seams.open_provider, std::move(*faults)), killer);
    const std::string read_takes(environment("MRD_JOURNAL_READ_TAKES"));
    seams.open_file = with_kill_points(seams.open_file, killer, std::chrono::milliseconds(read_takes.empty() ? 0 : std::stoi(read_takes)));
    if (const auto socket = environment("MRD_SYSTEM_JOURNAL"); !socket.empty()) seams.system_journal = socket;
    return mrd::run(argc, argv, seams);
}
