#include "mrd/opener/actions.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "mrd/opener/request.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd::opener {
namespace {

namespace fs = std::filesystem;

class OpenersActions : public ::testing::Test {
protected:
    OpenersActions() {
        fs::create_directory(path("real"));
        ::close(::open(path("real/file").c_str(), O_CREAT | O_WRONLY, 0600));
    }
    [[nodiscard]] fs::path path(const char *name) const { return folder_.path() / name; }

private:
    TemporaryFolder folder_;
};

TEST_F(OpenersActions, NoLinkIsFollowedWhereverItIsInThePath) {
    const auto refused = [](const fs::path &file) {
        const bool at_once = !open_without_links(file, O_RDONLY) && errno == ELOOP;
        return at_once && !open_folder_by_folder(file, O_RDONLY) && (errno == ELOOP || errno == ENOTDIR);
    };
    EXPECT_TRUE(open_without_links(path("real/file"), O_RDONLY));
    EXPECT_TRUE(open_folder_by_folder(path("real/file"), O_RDONLY));
    EXPECT_TRUE(open_folder_by_folder(path("real"), O_PATH | O_DIRECTORY));
    fs::create_symlink(path("real/file"), path("link"));
    EXPECT_TRUE(refused(path("link")));
    // The folder is exchanged for one that leads elsewhere.
    fs::rename(path("real"), path("other"));
    fs::create_directory_symlink(path("other"), path("real"));
    EXPECT_TRUE(refused(path("real/file")));
    EXPECT_FALSE(open_folder_by_folder(path("real"), O_PATH | O_DIRECTORY));
    EXPECT_TRUE(refused("/proc/self/exe"));
    EXPECT_FALSE(make_instance_of(7, 0, path("real")));
}

TEST_F(OpenersActions, ASocketsFileAloneHasItsModeSetAndByNoLink) {
    const auto mode_of = [this](const char *name) { return fs::status(path(name)).permissions(); };
    const auto socket = path("real/socket");
    ASSERT_EQ(::mknod(socket.c_str(), S_IFSOCK | 0600, 0), 0);
    EXPECT_EQ(set_socket_mode_of(socket, 0666), 0);
    EXPECT_EQ(mode_of("real/socket"), fs::perms(0666));
    EXPECT_EQ(set_socket_mode_of(path("real/file"), 0666), ENOTSOCK);
    EXPECT_EQ(set_socket_mode_of(path("real"), 0666), ENOTSOCK);
    EXPECT_EQ(set_socket_mode_of(path("none"), 0666), ENOENT);
    fs::create_symlink(socket, path("link"));
    EXPECT_EQ(set_socket_mode_of(path("link"), 0600), ELOOP);
    EXPECT_EQ(mode_of("real/file"), fs::perms(0600));
    EXPECT_EQ(mode_of("real/socket"), fs::perms(0666));
}

TEST_F(OpenersActions, WhatProcessesThatAreGoneHaveLeftIsRemovedAndNothingElse) {
    const auto gone = ::fork();
    if (gone == 0) ::_exit(0);
    ::waitpid(gone, nullptr, 0);
    for (const auto &name :
         {instance_name(gone, 3), instance_name(1, 0), instance_name(::getpid(), 1), std::string("mrd-x-1"), std::string("other")})
        fs::create_directory(path("real") / name);
    remove_instances_of(0, path("real"));
    EXPECT_FALSE(fs::exists(path("real") / instance_name(gone, 3)));
    for (const auto &name : {instance_name(1, 0), instance_name(::getpid(), 1), std::string("mrd-x-1"), std::string("other")})
        EXPECT_TRUE(fs::exists(path("real") / name)) << name;
    remove_instances_of(::getpid(), path("real"));
    EXPECT_FALSE(fs::exists(path("real") / instance_name(::getpid(), 1)));
}

}  // namespace
}  // namespace mrd::opener
