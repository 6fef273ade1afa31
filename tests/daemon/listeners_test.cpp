#include "mrd/daemon/listeners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "mrd/access/access.h"
#include "proto/varlink/address.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::vector<ListenerConfig> two{{.name = "all", .path = "/a"}, {.name = "log", .path = "/b"}};

std::vector<PassedSocket> passed(const std::vector<std::string> &names, bool listening = true) {
    std::vector<PassedSocket> sockets;
    for (const auto &name : names) sockets.push_back({varlink::FileDescriptor(), name, listening});
    return sockets;
}

// The names of what is passed to each listener, "-" for nothing; or the error.
std::string assigned(const std::vector<ListenerConfig> &listeners, std::vector<PassedSocket> sockets) {
    const auto places = assign_sockets(listeners, std::move(sockets));
    if (!places) return places.error();
    std::string text;
    for (const auto &place : *places) text += (place ? place->name : "-") + " ";
    return text.substr(0, text.size() - 1);
}

TEST(AssignSockets, EachIsForTheListenerOfItsName) {
    EXPECT_EQ(assigned(two, passed({})), "- -");
    EXPECT_EQ(assigned(two, passed({"log"})), "- log");
    EXPECT_EQ(assigned(two, passed({"log", "all"})), "all log");
    EXPECT_EQ(assigned({ListenerConfig{}}, passed({"varlink"})), "varlink");
    EXPECT_EQ(assigned({{.name = "first"}, {.name = "varlink"}}, passed({"varlink"})), "- varlink") << "it has that name";
}

TEST(AssignSockets, OneAloneWithoutANameOfItsOwnIsForTheFirstListener) {
    for (const std::string name : {"", "varlink", "unknown", "connection", "mrd.socket"}) {
        EXPECT_EQ(assigned(two, passed({name})), name + " -");
        EXPECT_THAT(assigned(two, passed({"log", name})), HasSubstr("is for no listener: give it the name of one")) << name;
    }
}

TEST(AssignSockets, AnUnknownNameIsAnErrorThatNamesItAndAllListeners) {
    EXPECT_THAT(assigned(two, passed({"other"})),
                AllOf(HasSubstr("the passed socket \"other\""), HasSubstr("FileDescriptorName="), HasSubstr("there are: all, log")));
    EXPECT_THAT(assigned(two, passed({"all", "other"})), HasSubstr("the passed socket \"other\""));
    EXPECT_THAT(assigned(two, passed({"all", ""})), HasSubstr("the passed socket without a name is for no listener"));
}

TEST(AssignSockets, TwoForOneListenerAreAnError) {
    EXPECT_THAT(assigned(two, passed({"log", "log"})), HasSubstr("two sockets are passed for the listener log"));
}

TEST(AssignSockets, AConnectedOneIsTheOnlyOne) {
    EXPECT_EQ(assigned(two, passed({"connection"}, false)), "connection -");
    EXPECT_EQ(assigned(two, passed({"log"}, false)), "- log");
    EXPECT_THAT(assigned(two, passed({"all", "log"}, false)), HasSubstr("has to be the only one"));
}

// ---- Which there can be together

std::string checked(const std::vector<ListenerConfig> &listeners, const fs::path &state = "/state") {
    const auto good = check_listeners(listeners, Access::only_root(), state);
    return good ? "" : good.error();
}

TEST(CheckListeners, NoTwoHaveOnePathHoweverItIsWritten) {
    const TemporaryFolder folder;
    const auto path = [&folder](const std::string &name) { return (folder.path() / name).native(); };
    fs::create_directory(path("run"));
    fs::create_directory_symlink(path("run"), path("link"));
    EXPECT_EQ(checked({{.name = "a", .path = path("run/s")}, {.name = "b", .path = path("run/t")}}), "");
    for (const auto *other : {"run//s", "run/./s", "run/../run/s", "link/s"}) {
        EXPECT_EQ(checked({{.name = "a", .path = path("run/s")}, {.name = "b", .path = path(other)}}),
                  "listener.path = \"" + path(other) + "\" of the listener b is the path of the listener a, too: give it another one");
    }
    EXPECT_THAT(checked({{.name = "a", .path = path("new/s")}, {.name = "b", .path = path("new/../new/s")}}),
                HasSubstr("is the path of the listener a"))
        << "nothing of it is there yet";
}

TEST(CheckListeners, NoneLiesBelowAnother) {
    for (const auto &[first, second] : {std::pair("/x/s", "/x/s/t"), std::pair("/x/s/t/u", "/x/s")})
        EXPECT_THAT(checked({{.name = "a", .path = first}, {.name = "b", .path = second}}), HasSubstr("lie one below the other"));
    EXPECT_EQ(checked({{.name = "a", .path = "/x/s"}, {.name = "b", .path = "/x/st/t"}}), "");
}

TEST(CheckListeners, NoPathHasOptionsBehindIt) {
    EXPECT_THAT(checked({{.name = "a", .path = "/x/s;mode=0600"}}), HasSubstr("/x/s;mode=0600 has a ;"));
}

TEST(CheckListeners, NoneHasTheLockOfAnotherAsItsPath) {
    EXPECT_EQ(checked({{.name = "a", .path = "/x/s"}, {.name = "b", .path = "/x/s.lock"}}),
              "listener.path = \"/x/s.lock\" of the listener b is the lock of the listener a: give it another one");
    EXPECT_EQ(checked({{.name = "a", .path = "/x/s.lock"}, {.name = "b", .path = "/x//s"}}),
              "listener.path = \"/x//s\" of the listener b has the path of the listener a as its lock: give it another one");
    EXPECT_EQ(checked({{.name = "a", .path = "/x/s"}, {.name = "b", .path = "/y/s.lock"}}), "");
}

TEST(CheckListeners, NoneIsWhereMrdKeepsItsState) {
    const auto at = [](const std::string &path) { return checked({{.name = "a", .path = path}}, "/x/state"); };
    EXPECT_EQ(at("/x/state/journal"),
              "listener.path = \"/x/state/journal\" of the listener a is where mrd keeps the file journal of the state directory /x/state: "
              "give it another one");
    for (const std::string name : {"lock", "journal.1", "journal.torn.1", "journal.new", "sim-tdx.state", "sim-tdx.quoting", "journal/s"})
        EXPECT_THAT(at("/x/./state/" + name), HasSubstr("listener.path = \"/x/./state/" + name + "\" of the listener a is where")) << name;
    for (const std::string path : {"/x/state", "/x", "/x/state/"}) EXPECT_THAT(at(path), HasSubstr("leaves no place for")) << path;
    EXPECT_THAT(checked({{.name = "a", .path = "/x/s"}}, "/x/s.lock"), HasSubstr("leaves no place for the state directory /x/s.lock"));
    for (const std::string path : {"/x/state/io.mrd", "/x/state/sim.sock", "/x/states", "/x/journal", "/x/state/run/journal"})
        EXPECT_EQ(at(path), "") << path;
    EXPECT_THAT(checked({{.name = "a", .path = "/x/s"}, {.name = "b", .path = "/state/lock"}}), HasSubstr("of the listener b is where"));
}

TEST(CheckListeners, NorByALinkThere) {
    const TemporaryFolder folder;
    fs::create_directory(folder.path() / "state");
    fs::create_directory_symlink(folder.path() / "state", folder.path() / "link");
    EXPECT_THAT(checked({{.name = "a", .path = folder.path() / "link" / "lock"}}, folder.path() / "state"),
                HasSubstr("is where mrd keeps"));
    EXPECT_THAT(checked({{.name = "a", .path = folder.path() / "state" / "lock"}}, folder.path() / "link"),
                HasSubstr("is where mrd keeps"));
}

// ---- Opening them

class OpenListeners : public ::testing::Test {
protected:
    [[nodiscard]] std::string path(const std::string &name) const { return (folder_.path() / name).native(); }
    [[nodiscard]] std::vector<ListenerConfig> a_and_b() const {
        return {{.name = "a", .path = path("a")}, {.name = "b", .path = path("b")}};
    }

    static std::expected<std::vector<Listener>, std::string> open(const std::vector<ListenerConfig> &listeners) {
        return open_listeners(listeners, PassedToListeners(listeners.size()), Access::only_root());
    }
    static std::string refused(const std::vector<ListenerConfig> &listeners) {
        auto opened = open(listeners);
        EXPECT_FALSE(opened);
        return opened ? "" : opened.error();
    }
    static bool somebody_listens(const std::string &path) {
        const auto address = varlink::Address::parse(path).value();
        const varlink::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        return ::connect(socket.get(), address.data(), address.size()) == 0;
    }

    TemporaryFolder folder_;
};

TEST_F(OpenListeners, AllAreMadeAndTheirFilesGoWithThem) {
    const auto listeners = a_and_b();
    {
        const auto opened = open(listeners);
        ASSERT_TRUE(opened) << opened.error();
        ASSERT_EQ(opened->size(), 2U);
        EXPECT_TRUE(fs::is_socket(path("a")));
        EXPECT_TRUE(fs::is_socket(path("b")));
        EXPECT_FALSE(somebody_listens(path("a"))) << "that is for when mrd is ready";
    }
    EXPECT_FALSE(fs::exists(path("a")));
    EXPECT_FALSE(fs::exists(path("b")));
}

TEST_F(OpenListeners, EachHasItsLockAndWhatIsLeftOverGoes) {
    const auto listeners = a_and_b();
    const auto first = open({listeners[1]});
    ASSERT_TRUE(first);
    ASSERT_EQ(::listen(first->front().socket.get(), 1), 0);
    EXPECT_THAT(refused(listeners), HasSubstr("another mrd uses the socket " + path("b")));
    EXPECT_FALSE(fs::exists(path("a"))) << "what was made before is removed again";
    EXPECT_TRUE(somebody_listens(path("b"))) << "and nobody else's is touched";

    // As a kill leaves it.
    const auto address = varlink::Address::parse(path("a")).value();
    const int left_over = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(left_over, address.data(), address.size()), 0);
    ::close(left_over);
    const auto opened = open({listeners[0]});
    ASSERT_TRUE(opened) << opened.error();
    EXPECT_TRUE(fs::is_socket(path("a")));
}

TEST_F(OpenListeners, AFileThatIsAnothersByTheEndIsLeft) {
    auto opened = open(a_and_b());
    ASSERT_TRUE(opened);
    fs::remove(path("a"));
    std::ofstream(path("a")) << "another's";
    opened->clear();
    EXPECT_TRUE(fs::exists(path("a")));
    EXPECT_FALSE(fs::exists(path("b")));
}

TEST_F(OpenListeners, OwnerAndGroupAreNamesOrNumbersAndAWrongOneIsAnErrorThatNamesTheKey) {
    auto listener = a_and_b().front();
    listener.owner = "nobdoy";
    EXPECT_THAT(refused({listener}), AllOf(HasSubstr("listener.owner = \"nobdoy\" of the listener a"), HasSubstr("no such user")));
    listener.owner = "4294967295";
    EXPECT_THAT(refused({listener}), HasSubstr("listener.owner = \"4294967295\""));
    listener.owner = "-1";
    EXPECT_THAT(refused({listener}), HasSubstr("listener.owner = \"-1\""));
    listener.owner.reset();
    listener.group = "no group";
    EXPECT_THAT(refused({listener}), AllOf(HasSubstr("listener.group = \"no group\""), HasSubstr("no such group")));
    EXPECT_FALSE(fs::exists(path("a")));
    EXPECT_FALSE(fs::exists(path("a.lock"))) << "nothing was made";
    if (::geteuid() != 0) GTEST_SKIP() << "nothing can be given away";
    listener.owner = "nobody";
    listener.group = "7";
    listener.mode = 0660;
    const auto opened = open({listener});
    ASSERT_TRUE(opened) << opened.error();
    struct stat file{};
    ASSERT_EQ(::lstat(path("a").c_str(), &file), 0);
    EXPECT_EQ(file.st_uid, 65534U);
    EXPECT_EQ(file.st_gid, 7U);
    EXPECT_EQ(file.st_mode & 07777U, 0660U);
}

TEST_F(OpenListeners, AFolderThatOthersMayWriteIsRefusedUnlessItIsSticky) {
    auto listeners = a_and_b();
    fs::create_directory(path("open"));
    listeners[1].path = path("open/b");
    ASSERT_EQ(::chmod(path("open").c_str(), 0777), 0);
    EXPECT_THAT(refused(listeners), HasSubstr(path("open") + " may be written by others"));
    EXPECT_FALSE(fs::exists(path("a")));
    ASSERT_EQ(::chmod(path("open").c_str(), 01777), 0);
    EXPECT_TRUE(open(listeners));
}

TEST_F(OpenListeners, ASocketWithoutAModeHasTheOneThatTheRulesNeed) {
    auto listeners = a_and_b();
    listeners.push_back({.name = "c", .path = path("c"), .mode = 0640});
    const auto mode_of = [this](const std::string &name) {
        struct stat file{};
        EXPECT_EQ(::stat(path(name).c_str(), &file), 0);
        return file.st_mode & 07777U;
    };
    const AccessRules b_alone({{.name = "b", .listeners = {"b"}, .allow = {Right::log}}}, 0);
    const auto opened = open_listeners(listeners, PassedToListeners(listeners.size()), b_alone);
    ASSERT_TRUE(opened);
    EXPECT_EQ(mode_of("a"), 0600U);
    EXPECT_EQ(mode_of("b"), 0666U);
    EXPECT_EQ(mode_of("c"), 0640U);
    fit_modes(*opened, AccessRules(AccessRules::defaults({}), 0));
    EXPECT_EQ(mode_of("a"), 0666U);
    EXPECT_EQ(mode_of("c"), 0640U);
    fit_modes(*opened, Access::only_root());
    EXPECT_EQ(mode_of("a"), 0600U);
    EXPECT_EQ(mode_of("b"), 0600U);
}

TEST_F(OpenListeners, WhatIsPassedIsServedAndTheOthersAreMade) {
    const auto listeners = a_and_b();
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
    const varlink::FileDescriptor peer(pair[1]);
    PassedToListeners sockets(2);
    sockets[1] = PassedSocket{varlink::FileDescriptor(pair[0]), "b", true};
    const auto opened = open_listeners(listeners, std::move(sockets), Access::only_root());
    ASSERT_TRUE(opened);
    ASSERT_EQ(opened->size(), 2U);
    EXPECT_TRUE((*opened)[0].file);
    EXPECT_EQ((*opened)[1].socket.get(), pair[0]);
    EXPECT_FALSE((*opened)[1].file);
    EXPECT_FALSE(fs::exists(path("b")));
}

TEST_F(OpenListeners, ForOneClientAloneNoOtherIsMade) {
    PassedToListeners sockets(2);
    sockets[1] = PassedSocket{varlink::FileDescriptor(), "connection", false};
    const auto listeners = a_and_b();
    const auto opened = open_listeners(listeners, std::move(sockets), Access::only_root());
    ASSERT_TRUE(opened);
    ASSERT_EQ(opened->size(), 1U);
    EXPECT_EQ(opened->front().config, &listeners[1]);
    EXPECT_FALSE(opened->front().listening);
    EXPECT_FALSE(fs::exists(path("a")));
}

}  // namespace
}  // namespace mrd
