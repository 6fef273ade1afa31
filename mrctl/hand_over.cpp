// mrctl itself has only what needs no libcrypto: loading that takes longer than `mrctl read` does in all. The commands that hash or judge are in a second
// program, mrctl-crypto, which takes the same command line.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "mrctl/commands.h"
#include "mrctl/output.h"

namespace mrctl {

namespace {

// Beside the folder that mrctl is in; where /proc is not mounted, where it was installed.
std::filesystem::path other_program() {
    std::error_code error;
    const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
    return error ? MRCTL_CRYPTO_INSTALLED : own.parent_path() / MRCTL_CRYPTO_FROM_HERE;
}

int hand_over() {
    const auto program = other_program();
    ::execv(program.c_str(), own_arguments);
    return fail({mr::ErrorCode::io, "cannot run " + program.string() + " (" + std::generic_category().message(errno) +
                                        "), which is a part of mrctl: install mrd whole"});
}

}  // namespace

int measure(const Common & /*common*/, const MeasureCommand & /*command*/) { return hand_over(); }
int exec(const Common & /*common*/, const ExecCommand & /*command*/) { return hand_over(); }
int gate(const Common & /*common*/, const GateCommand & /*command*/) { return hand_over(), exit_cannot_judge; }
int log(const Common & /*common*/, const LogCommand & /*command*/) { return hand_over(); }
int replay(const Common & /*common*/, const ReplayCommand & /*command*/) { return hand_over(); }
int evidence(const Common & /*common*/, const EvidenceCommand & /*command*/) { return hand_over(); }
int verify(bool /*json*/, const VerifyCommand & /*command*/) { return hand_over(); }
int device_verify(const Common & /*common*/, const DeviceCommand & /*command*/, VerifyCommand /*verify*/) { return hand_over(); }
int device_verify_interface(bool /*json*/, const InterfaceCommand & /*command*/) { return hand_over(); }
int inspect(bool /*json*/, const InspectCommand & /*command*/) { return hand_over(); }
int realm_measurement(bool /*json*/, const RealmMeasurementCommand & /*command*/) { return hand_over(); }
int assemble_collateral(const AssembleCommand & /*command*/) { return hand_over(); }

}  // namespace mrctl
