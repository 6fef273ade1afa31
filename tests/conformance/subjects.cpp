#include "tests/conformance/subject.h"

#include <fstream>
#include <stdexcept>
#include <system_error>

#include "tests/integration/process.h"
#include "tests/places.h"

namespace mrd::conformance {
namespace {

void run(const std::filesystem::path &folder, std::vector<std::string> command) {
    if (const auto done = run_program(std::move(command), folder); done.exit_code != 0) throw std::runtime_error(done.err);
}

Subject simulator() {
    return {.name = "simulator",
            .config = "[[provider]]\ntype = \"sim\"\n",
            .why_not_there = [] { return std::string(); },
            .extend_elsewhere =
                [](const std::filesystem::path &folder, const std::string &reg, const mr::Digest &digest) {
                    run(folder, {places::mrd_sim_extend(), folder / "state", reg, mr::to_hex(digest.bytes())});
                }};
}

// Linux's own interfaces, in the machine of tools/kernel-lab (tests/kernel-lab/boots/conformance).
Subject kernel() {
    const std::filesystem::path parameters = "/sys/module/mrd_lab/parameters";
    return {.name = "kernel",
            .config = "[[provider]]\ntype = \"tsm\"\n",
            .why_not_there = [parameters] { return std::string(exists(parameters) ? "" : "this is no machine of tools/kernel-lab"); },
            .extend_elsewhere =
                [parameters](const std::filesystem::path & /*folder*/, const std::string &reg, const mr::Digest &digest) {
                    std::ofstream(parameters / "extend_elsewhere") << reg.back() << ' ' << mr::to_hex(digest.bytes());
                },
            .root = "/tmp/host/root.pem"};
}

}  // namespace

const std::vector<Subject> &subjects() {
    static const std::vector<Subject> all = {simulator(), kernel()};
    return all;
}

}  // namespace mrd::conformance
