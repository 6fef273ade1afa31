#include "mrfs/service.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <future>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/mrd/temporary_folder.h"

namespace mrfs {
namespace {

// An mrd that tells which registers there are, none, and closes the connection on which it is asked for anything else.
class TellsNamesAlone {
public:
    explicit TellsNamesAlone(const std::string &path)
        : ended_(::eventfd(0, EFD_CLOEXEC)), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof(address.sun_path)) throw std::runtime_error("the path is too long: " + path);
        std::ranges::copy(path, std::begin(address.sun_path));
        if (::bind(listener_, reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0 || ::listen(listener_, 16) != 0)
            throw std::runtime_error("nobody can listen at " + path);
        serving_ = std::jthread([this] { serve(); });
    }
    TellsNamesAlone(const TellsNamesAlone &) = delete;
    TellsNamesAlone &operator=(const TellsNamesAlone &) = delete;
    ~TellsNamesAlone() {
        ::eventfd_write(ended_, 1);
        serving_.join();
        ::close(listener_);
        ::close(ended_);
    }

private:
    void serve() const {
        constexpr std::size_t first_connection = 2;
        std::vector<pollfd> all{{ended_, POLLIN, 0}, {listener_, POLLIN, 0}};
        while (::poll(all.data(), all.size(), -1) > 0 && all[0].revents == 0) {
            for (auto i = all.size(); i-- > first_connection;) {
                if (all[i].revents == 0 || answer(all[i].fd)) continue;
                ::close(all[i].fd);
                all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
            }
            if (all[1].revents != 0) all.push_back({::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), POLLIN, 0});
        }
        for (auto i = first_connection; i < all.size(); ++i) ::close(all[i].fd);
    }

    // A message of this size comes in one piece.
    static bool answer(int connection) {
        std::array<char, 4096> asked{};
        const auto size = ::recv(connection, asked.data(), asked.size(), 0);
        if (size <= 0 || !std::string_view(asked.data(), static_cast<std::size_t>(size)).contains("io.mrd.Registers.List")) return false;
        std::string message = R"({"parameters":{"registers":[]}})";
        message += '\0';
        return ::send(connection, message.data(), message.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(message.size());
    }

    int ended_;
    int listener_;
    std::jthread serving_;
};

TEST(Service, ACallWhoseConnectionBreaksAgainAndAgainEndsThoughOthersAreAnswered) {
    const mrd::TemporaryFolder folder;
    const auto path = (folder.path() / "io.mrd").native();
    const TellsNamesAlone there(path);
    Service service(path, false);
    ASSERT_TRUE(service.list());
    auto reading = std::async(std::launch::async, [&service] { return service.read({}, "tdx/rtmr3"); });
    // Each answer says that mrd is there.
    while (reading.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready) EXPECT_TRUE(service.list());
    const auto read = reading.get();
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, mr::ErrorCode::connection_lost);
}

}  // namespace
}  // namespace mrfs
