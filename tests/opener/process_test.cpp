#include "mrd/opener/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <sstream>
#include <string>

#include "mrd/opener/opener.h"
#include "tests/mrd/datagram_socket.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd::opener {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A process has its openers for good: each test is one of its own. Its exit code: the line that failed, or 0.
int in_a_process(const std::function<int()> &work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

std::string contents(const std::string &file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

class OpenersProcess : public ::testing::Test {
protected:
    OpenersProcess() {
        for (const char *folder : {"kernel", "reports", "logs"}) fs::create_directory(path(folder));
        for (const char *file : {"kernel/rtmr3", "logs/log", "other"}) std::ofstream(path(file)) << file;
        fs::create_directory_symlink(path("logs"), path("linked"));
        places_ = {{.kind = Place::Kind::folder, .path = path("kernel"), .writable = true},
                   {.kind = Place::Kind::instances, .path = path("reports"), .writable = true},
                   {.kind = Place::Kind::processes, .path = "/proc"},
                   place_of_file(path("linked/log"))};
    }
    [[nodiscard]] fs::path path(const char *name) const { return folder_.path() / name; }

    Places places_;

private:
    TemporaryFolder folder_;
};

TEST_F(OpenersProcess, HandsOverWhatWasAgreedOnAndNothingElse) {
    EXPECT_EQ(in_a_process([this] {
                  if (!start_openers(places_, std::nullopt, true)) return 1;
                  const auto is_refused = [](const fs::path &file, int flags, int error) { return !open(file, flags) && errno == error; };
                  if (!open(path("kernel/rtmr3"), O_RDWR) || !open(path("linked/log"), O_RDONLY)) return 2;
                  if (!is_refused(path("other"), O_RDONLY, EACCES) || !is_refused(path("logs/log"), O_RDONLY, EACCES)) return 3;
                  if (!is_refused(path("linked/log"), O_WRONLY, EACCES) || !is_refused(path("kernel/none"), O_RDONLY, ENOENT)) return 4;
                  if (!is_refused("/" + std::string(max_path, 'x'), O_RDONLY, EINVAL)) return 5;
                  // Somebody puts a link in the way.
                  fs::rename(path("kernel/rtmr3"), path("rtmr3"));
                  fs::create_symlink(path("other"), path("kernel/rtmr3"));
                  if (!is_refused(path("kernel/rtmr3"), O_RDONLY, ELOOP)) return 6;
                  if (!read_file("/proc/" + std::to_string(::getpid()) + "/cgroup", 4096)) return 7;
                  if (executable(::getpid()) != fs::read_symlink("/proc/self/exe").native()) return 8;
                  return executable(0x7fffffff) ? 9 : 0;
              }),
              0);
}

TEST_F(OpenersProcess, MakesAndRemovesInstancesByNamesOfItsOwn) {
    EXPECT_EQ(in_a_process([this] {
                  fs::create_directory(path("reports/theirs"));
                  if (!start_openers(places_, std::nullopt, true)) return 1;
                  const auto made = make_instance(path("reports"));
                  if (!made || made->parent_path() != path("reports") || !fs::is_directory(*made)) return 2;
                  std::ofstream(*made / "attribute") << "";
                  if (!open(*made / "attribute", O_WRONLY)) return 3;
                  fs::remove(*made / "attribute");
                  remove_instance(path("reports/theirs"));
                  if (!fs::exists(path("reports/theirs"))) return 4;
                  remove_instance(*made);
                  if (fs::exists(*made) || open(*made / "attribute", O_WRONLY)) return 5;
                  return make_instance(path("kernel")) ? 6 : 0;
              }),
              0);
}

TEST_F(OpenersProcess, GivesASocketsFileTheModesThatWereAgreedOnAndRemovesIt) {
    EXPECT_EQ(in_a_process([this] {
                  const auto socket = path("other_socket");
                  if (::mknod(socket.c_str(), S_IFSOCK | 0600, 0) != 0) return 1;
                  auto place = place_of_file(socket);
                  place.kind = Place::Kind::socket_file;
                  place.modes = {0600, 0666};
                  places_.push_back(std::move(place));
                  if (!start_openers(places_, std::nullopt, true)) return 2;
                  if (set_socket_mode(socket, 0666) != 0 || fs::status(socket).permissions() != fs::perms(0666)) return 3;
                  if (set_socket_mode(socket, 04755) != EACCES || set_socket_mode(path("other"), 0666) != EACCES) return 4;
                  // Somebody puts another file there.
                  fs::rename(path("other"), socket);
                  if (set_socket_mode(socket, 0666) != ENOTSOCK || set_socket_mode(socket, 0600) != ENOTSOCK) return 5;
                  remove_socket(socket);
                  return fs::exists(socket) ? 6 : 0;
              }),
              0);
}

TEST_F(OpenersProcess, ConnectsToADatagramSocketOnceMoreAndReachesNoOther) {
    EXPECT_EQ(in_a_process([this] {
                  const DatagramSocket there(path("datagrams").native());
                  sockaddr_un address{};
                  address.sun_family = AF_UNIX;
                  std::ranges::copy(there.path(), std::begin(address.sun_path));
                  const std::span bytes(reinterpret_cast<const std::uint8_t *>(&address), sizeof(address));
                  places_.push_back(
                      {.kind = Place::Kind::socket, .path = "journal", .address = {bytes.begin(), bytes.end()}, .type = SOCK_DGRAM});
                  if (!start_openers(places_, std::nullopt, true)) return 1;
                  for (int time = 0; time < 2; ++time) {
                      const auto connecting = connect("journal", bytes, SOCK_DGRAM);
                      if (connecting.error != 0 || ::send(connecting.socket.get(), "x", 1, 0) != 1 || there.next() != "x") return 2;
                  }
                  return connect("other", bytes, SOCK_DGRAM).error == EACCES ? 0 : 3;
              }),
              0);
}

TEST_F(OpenersProcess, RemovesInstancesOfProcessesThatAreGone) {
    EXPECT_EQ(in_a_process([this] {
                  const auto gone = ::fork();
                  if (gone == 0) ::_exit(0);
                  ::waitpid(gone, nullptr, 0);
                  const auto left = path("reports") / instance_name(gone, 0);
                  fs::create_directory(left);
                  if (!start_openers(places_, std::nullopt, true)) return 1;
                  remove_left_instances(path("reports"));
                  return fs::exists(left) ? 2 : 0;
              }),
              0);
}

TEST_F(OpenersProcess, IsConfinedItselfAndItsEndIsSeen) {
    EXPECT_EQ(in_a_process([this] {
                  auto ends = start_openers(places_, std::nullopt, true);
                  if (!ends || ends->size() != 3) return 1;
                  const auto own = std::to_string(::getpid());
                  std::istringstream children(contents("/proc/" + own + "/task/" + own + "/children"));
                  int count = 0;
                  for (pid_t child = 0; children >> child; ++count) {
                      const auto status = contents("/proc/" + std::to_string(child) + "/status");
                      if (!status.contains("\nSeccomp:\t2\n") || !status.contains("\nNoNewPrivs:\t1\n")) return 2;
                      const bool is_least = status.contains("\nCapEff:\t0000000000000002\n") ||
                                            status.contains("\nCapEff:\t0000000000080000\n") ||
                                            status.contains("\nCapEff:\t0000000000000000\n");
                      if (!is_least || !status.contains("\nCapBnd:\t0000000000000000\n")) return ::geteuid() == 0 ? 3 : 0;
                      ::kill(child, SIGKILL);
                  }
                  if (count != 3) return 4;
                  for (const auto &end : *ends) {
                      char byte = 0;
                      if (::read(end.get(), &byte, 1) != 0) return 5;
                  }
                  return !open(path("kernel/rtmr3"), O_RDONLY) && errno == EPIPE ? 0 : 6;
              }),
              0);
}

}  // namespace
}  // namespace mrd::opener
