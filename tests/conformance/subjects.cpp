#include "tests/conformance/subject.h"

#include <stdexcept>
#include <system_error>

#include "tests/integration/process.h"

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
                    run(folder, {MRD_SIM_EXTEND_PROGRAM, folder / "state", reg, mr::to_hex(digest.bytes())});
                }};
}

}  // namespace

const std::vector<Subject> &subjects() {
    static const std::vector<Subject> all = {simulator()};
    return all;
}

}  // namespace mrd::conformance
