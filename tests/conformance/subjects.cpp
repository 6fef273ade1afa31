#include "tests/conformance/subject.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "tests/integration/process.h"
#include "tests/mrd/temporary_folder.h"
#include "tests/places.h"
#include "tests/spdm/responder.h"

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

// Quotes over its own data, one after the other, in a folder that it makes anew each time.
void use_configfs(const std::atomic<bool> &over) {
    const std::filesystem::path folder = "/sys/kernel/config/tsm/report/another";
    while (!over) {
        if (::mkdir(folder.c_str(), 0755) != 0) throw std::runtime_error("cannot make " + folder.native());
        std::ofstream(folder / "inblob") << std::string(64, 'x');
        std::ifstream outblob(folder / "outblob");
        const std::string quote(std::istreambuf_iterator<char>(outblob), {});
        ::rmdir(folder.c_str());
    }
}

// The log is to have what the tests measure, and nothing of mrd itself.
const std::string kernel_config = "[service]\nmeasure_itself = \"none\"\n[[provider]]\ntype = \"tsm\"\n";

// Linux's own interfaces, in the machine of tools/kernel-lab (tests/kernel-lab/boots/conformance).
Subject kernel(std::string name, const std::string &more_config) {
    const std::filesystem::path parameters = "/sys/module/mrd_lab/parameters";
    return {.name = std::move(name),
            .config = kernel_config + more_config,
            .why_not_there = [parameters] { return std::string(exists(parameters) ? "" : "this is no machine of tools/kernel-lab"); },
            .extend_elsewhere =
                [parameters](const std::filesystem::path & /*folder*/, const std::string &reg, const mr::Digest &digest) {
                    std::ofstream(parameters / "extend_elsewhere") << reg.back() << ' ' << mr::to_hex(digest.bytes());
                },
            .use_beside = use_configfs,
            .root = "/tmp/host/root.pem"};
}

// Linux's files as mrfs shows them, over a second mrd on the simulator: without /dev/tdx_guest, for FUSE has no ioctl of a device (tests/conformance/chain.sh).
Subject chain() {
    const std::filesystem::path root = "/sys/mrd-chain/root.pem";
    return {.name = "chain",
            .config = kernel_config,
            .why_not_there = [root] { return std::string(exists(root) ? "" : "tests/conformance/chain.sh has not made its place"); },
            .extend_elsewhere =
                [](const std::filesystem::path & /*folder*/, const std::string &reg, const mr::Digest &digest) {
                    const auto measurements = std::filesystem::path("/sys/devices/virtual/misc/tdx_guest/measurements");
                    std::ofstream file(measurements / (std::filesystem::path(reg).filename().native() + ":sha384"));
                    file.write(reinterpret_cast<const char *>(digest.bytes().data()), static_cast<std::streamsize>(digest.size()));
                },
            .use_beside = use_configfs,
            .root = root,
            .refreshes_at_start = 8};
}

std::unique_ptr<mr::spdm_test::Responder> new_device() {
    mr::spdm_test::DeviceOptions options;
    options.blocks = {{.index = 2, .type = mr::spdm_test::BlockType::firmware, .content = mr::Bytes(8)},
                      {.index = 7, .type = mr::spdm_test::BlockType::svn, .is_raw = true, .content = mr::Bytes(8)}};
    try {
        return std::make_unique<mr::spdm_test::Responder>(std::move(options));
    } catch (const std::runtime_error &) {
        return nullptr;
    }
}

// A device that answers over SPDM: it lasts as long as the tests.
Subject device() {
    static const TemporaryFolder folder;
    static const auto responder = new_device();
    const auto roots = folder.path() / "roots.pem";
    if (responder) std::ofstream(roots) << responder->slot(0).root_pem();
    return {.name = "spdm",
            .config = "[[provider]]\ntype = \"spdm\"\naddress = \"127.0.0.1:" + std::to_string(responder ? responder->port() : 1) +
                      "\"\nroots = \"" + roots.native() + "\"\n",
            .why_not_there = [] { return std::string(responder ? "" : "this machine has no 127.0.0.1"); },
            .comes_later = "spdm0/svn7"};
}

}  // namespace

const std::vector<Subject> &subjects() {
    static const std::vector<Subject> all = {simulator(), kernel("kernel", {}), kernel("kernel_qgs", "qgs = \"vsock:1:4050\"\n"), chain(),
                                             device()};
    return all;
}

}  // namespace mrd::conformance
