#include "mrd/opener/request.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <string_view>

namespace mrd::opener {
namespace {

const Places places = {
    {.kind = Place::Kind::folder, .path = "/sys/m", .writable = true},
    {.kind = Place::Kind::file, .path = "/dev/guest", .writable = true},
    {.kind = Place::Kind::file, .path = "/real/log", .asked = "/linked/log"},
    {.kind = Place::Kind::instances, .path = "/sys/reports", .writable = true},
    {.kind = Place::Kind::processes, .path = "/proc"},
    {.kind = Place::Kind::socket_file, .path = "/run/mrd/io", .modes = {0600, 0666}, .asked = "/var/run/mrd/io"},
    {.kind = Place::Kind::socket, .path = "vsock:2:4050", .address = {1, 2, 3}},
};
const std::set<std::filesystem::path> instances = {"/sys/reports/mrd-7-0"};

Request request(Operation operation, std::string_view path, int access = O_RDONLY) {
    Request made;
    made.operation = operation;
    made.access = static_cast<std::uint8_t>(access);
    made.path_size = static_cast<std::uint32_t>(path.size());
    std::copy_n(path.begin(), std::min(path.size(), made.path.size()), made.path.begin());
    return made;
}

std::expected<Step, int> decided(const Request &made) {
    return decide({reinterpret_cast<const std::uint8_t *>(&made), sizeof(made)}, places, instances);
}

int refusal(Operation operation, std::string_view path, int access = O_RDONLY) {
    const auto step = decided(request(operation, path, access));
    return step ? 0 : step.error();
}

TEST(OpenersDecision, WhatWasAgreedOnIsOpenedAndByTheRightThatWas) {
    EXPECT_EQ(refusal(Operation::open, "/sys/m/rtmr3:sha384", O_WRONLY), 0);
    EXPECT_EQ(refusal(Operation::open, "/dev/guest", O_RDWR), 0);
    EXPECT_EQ(refusal(Operation::open, "/sys/reports/mrd-7-0/inblob", O_WRONLY), 0);
    EXPECT_EQ(refusal(Operation::open, "/proc/12/cgroup"), 0);
    EXPECT_EQ(refusal(Operation::open, "/proc/12/cgroup", O_RDWR), EACCES);
    EXPECT_EQ(decided(request(Operation::open, "/linked/log"))->path, "/real/log");
    EXPECT_EQ(refusal(Operation::open, "/linked/log", O_WRONLY), EACCES);
    EXPECT_EQ(refusal(Operation::make, "/sys/reports"), 0);
    EXPECT_EQ(refusal(Operation::remove, "/sys/reports/mrd-7-0"), 0);
    EXPECT_EQ(decided(request(Operation::remove, "/var/run/mrd/io"))->path, "/run/mrd/io");
    EXPECT_EQ(refusal(Operation::open, "/var/run/mrd/io"), EACCES);
    EXPECT_EQ(refusal(Operation::connect, "vsock:2:4050"), 0);
}

TEST(OpenersDecision, NothingElseIsWhateverItIsCalled) {
    for (const char *path : {"",
                             "/",
                             ".",
                             "/sys/m",
                             "/sys/m/",
                             "/sys/m//x",
                             "/sys/m/.",
                             "/sys/m/..",
                             "/sys/m/../x",
                             "/sys/m/x/y",
                             "/sys/mx/y",
                             "sys/m/x",
                             "/sys/m/a b",
                             "/sys/m/\n",
                             "/dev/guest/",
                             "/dev/guest2",
                             "/dev",
                             "/real/log",
                             "/sys/reports/mrd-7-0",
                             "/sys/reports/mrd-7-1/inblob",
                             "/sys/reports/../m/x",
                             "/sys/reports/mrd-7-0/../x",
                             "/sys/reports/mrd-7-0/a/b",
                             "/sys/reports/other/inblob",
                             "/proc/12/mem",
                             "/proc/12/environ",
                             "/proc/self/cgroup",
                             "/proc/12/../1/cgroup",
                             "/proc/12x/stat",
                             "/proc/12/task/12/stat",
                             "/proc//stat",
                             "vsock:2:4050"})
        EXPECT_EQ(refusal(Operation::open, path), EACCES) << path;
    EXPECT_EQ(refusal(Operation::open, std::string_view("/sys/m/a\0b", 10)), EACCES);
    EXPECT_EQ(refusal(Operation::open, "/sys/m/" + std::string(max_name + 1, 'a')), EACCES);
    for (const char *path : {"/sys/m", "/sys/reports/", "/sys/reports/x", ""}) EXPECT_EQ(refusal(Operation::make, path), EACCES) << path;
    for (const char *path : {"/sys/reports/mrd-7-1", "/sys/reports", "/sys/reports/other", "/sys/reports/mrd-7-0/", "/run/mrd/io",
                             "/var/run/mrd/io.lock", "/dev/guest"})
        EXPECT_EQ(refusal(Operation::remove, path), EACCES) << path;
    for (const char *path : {"/run/other.sock", "vsock:2:4051", ""}) EXPECT_EQ(refusal(Operation::connect, path), EACCES) << path;
}

TEST(OpenersDecision, ASocketsFileGetsAModeThatWasAgreedOnAndNothingElseDoes) {
    const auto set_mode = [](std::string_view path, mode_t mode) {
        auto made = request(Operation::set_mode, path);
        made.mode = static_cast<std::uint16_t>(mode);
        return decided(made);
    };
    for (const mode_t mode : {0600U, 0666U}) {
        const auto step = set_mode("/var/run/mrd/io", mode);
        ASSERT_TRUE(step);
        EXPECT_EQ(step->path, "/run/mrd/io");
        EXPECT_EQ(step->mode, mode);
    }
    for (const mode_t mode : {0U, 0644U, 0777U, 02666U, 04666U, 0xffffU}) EXPECT_EQ(set_mode("/var/run/mrd/io", mode).error(), EACCES);
    for (const char *path : {"", "/run/mrd/io", "/var/run/mrd/io.lock", "/dev/guest", "/sys/m/rtmr3", "/linked/log"})
        EXPECT_EQ(set_mode(path, 0666).error(), EACCES) << path;
    auto made = request(Operation::open, "/dev/guest");
    made.mode = 0666;
    EXPECT_EQ(decided(made).error(), EINVAL);
}

TEST(OpenersDecision, AnOpenHasNoOtherFlagsThanThoseItIsGiven) {
    const auto step = decided(request(Operation::open, "/dev/guest", O_RDWR));
    EXPECT_EQ(step->flags, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    EXPECT_EQ(refusal(Operation::open, "/dev/guest", O_RDWR | O_CREAT), EINVAL);
    EXPECT_EQ(refusal(Operation::open, "/dev/guest", 3), EINVAL);
}

TEST(OpenersDecision, AMessageOfAnotherSizeOrWithAPathLongerThanItselfIsRefused) {
    auto made = request(Operation::open, "/dev/guest");
    const auto bytes = std::span(reinterpret_cast<const std::uint8_t *>(&made), sizeof(made));
    EXPECT_EQ(decide(bytes.first(sizeof(made) - 1), places, instances).error(), EINVAL);
    EXPECT_EQ(decide({}, places, instances).error(), EINVAL);
    std::vector<std::uint8_t> longer(bytes.begin(), bytes.end());
    longer.push_back(0);
    EXPECT_EQ(decide(longer, places, instances).error(), EINVAL);
    made.path_size = max_path + 1;
    EXPECT_EQ(decided(made).error(), EINVAL);
    made.path_size = ~std::uint32_t{0};
    EXPECT_EQ(decided(made).error(), EINVAL);
}

TEST(OpenersDecision, InstancesAreNoMoreThanABound) {
    std::set<std::filesystem::path> many;
    for (std::size_t i = 0; i < max_instances; ++i) many.insert("/sys/reports/" + instance_name(7, i));
    const auto made = request(Operation::make, "/sys/reports");
    EXPECT_EQ(decide({reinterpret_cast<const std::uint8_t *>(&made), sizeof(made)}, places, many).error(), EMFILE);
}

// Whatever the bytes are: what is done is below a place, without a way up.
TEST(OpenersDecision, NoBytesLeadOutOfThePlaces) {
    std::mt19937_64 random(20'261'128);
    const std::vector<std::string> parts = {
        "/",   "..",      ".",          "/sys/m", "/sys/reports",       "/mrd-7-0",    "/inblob", "/proc",
        "/12", "/cgroup", "/dev/guest", "x",      std::string(1, '\0'), "/linked/log", "//"};
    int allowed = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string path;
        for (auto count = random() % 6; count > 0; --count) path += parts[random() % parts.size()];
        auto made = request(static_cast<Operation>(random() % 9), path, static_cast<int>(random() % 5));
        made.process = static_cast<std::int32_t>(random());
        if (random() % 8 == 0) reinterpret_cast<std::uint8_t *>(&made)[random() % 16] = static_cast<std::uint8_t>(random());
        const auto step = decided(made);
        if (!step) continue;
        ++allowed;
        const auto text = step->path.native();
        EXPECT_EQ(text.find('\0'), std::string::npos) << text;
        EXPECT_EQ(step->path, step->path.lexically_normal());
        if (step->operation == Operation::executable) continue;
        ASSERT_NE(step->place, nullptr);
        EXPECT_TRUE(text.starts_with(step->place->path.native())) << text;
    }
    EXPECT_GT(allowed, 1000);
}

}  // namespace
}  // namespace mrd::opener
