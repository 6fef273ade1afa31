// What mrd's log does not take: events that are too long, ids that are used, and more than the journal or the disk holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <nlohmann/json.hpp>

#include "tests/integration/daemon.h"
#include "tests/integration/log_reading.h"

namespace mrd {
namespace {

using mr::ErrorCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LogLimitsTest : public DaemonTest {};

TEST_F(LogLimitsTest, WhatIsTooLongIsRefusedByTheNameOfItsFieldAndWhatJustFitsIsNot) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto field = [](const auto &answer) -> std::string {
        if (answer) return "";
        if (answer.error().code != ErrorCode::invalid_parameter) return answer.error().message;
        return nlohmann::json::parse(answer.error().parameters)["parameter"];
    };
    EXPECT_EQ(field(client.extend(program_register, digest_of("a"), {.id = std::string(129, 'i')})), "id");
    EXPECT_EQ(field(client.extend(program_register, digest_of("a"), {.id = ""})), "id");
    EXPECT_EQ(field(client.extend(program_register, digest_of("a"), {.description = std::string(4097, 'd')})), "description");
    const auto data = ",\"data\":\"" + mr::to_base64(mr::Bytes(65'537)) + "\"}";
    EXPECT_EQ(field(client.call("io.mrd.Registers.Extend", R"({"name":"rtmr3","digest":")" + mr::to_hex(zero()) + '"' + data)), "data");
    EXPECT_EQ(field(client.extend(program_register, digest_of("a"), {.type = mr::ev_no_action})), "eventType");
    EXPECT_EQ(field(client.call("io.mrd.Registers.Measure", R"({"name":"rtmr3")" + data)), "data");
    EXPECT_EQ(field(client.measure(program_register, mr::Bytes(65'536), {.envelope = true})), "data") << "the envelope is the event's data";
    EXPECT_EQ(field(client.measure(program_register, mr::Bytes(49'095), {.envelope = true})), "data");
    EXPECT_THAT(records_of(client), IsEmpty());
    EXPECT_EQ(field(client.measure("tdx/rtmr2", mr::Bytes(49'094), {.envelope = true})), "") << "as mr/client.h says";
    EXPECT_EQ(field(client.extend(program_register, digest_of("a"),
                                  {.description = std::string(4096, 'd'), .data = mr::Bytes(65'536, 0xFF), .id = std::string(128, 'i')})),
              "");
    EXPECT_EQ(field(client.measure(program_register, mr::Bytes(65'536))), "");
    EXPECT_TRUE(replay_of(client, program_register).equal);
    const auto records = records_of(client);
    EXPECT_EQ(records.at(1).data, mr::Bytes(65'536, 0xFF));
    EXPECT_EQ(records.at(1).description, std::string(4096, 'd'));
}

TEST_F(LogLimitsTest, AnIdWithAnotherDigestIsADuplicateWithinItsRegister) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto first = client.extend(program_register, digest_of("a"), {.id = "one"});
    ASSERT_TRUE(first);
    const auto other = client.extend(program_register, digest_of("b"), {.id = "one"});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, ErrorCode::duplicate_event);
    EXPECT_EQ(nlohmann::json::parse(other.error().parameters), (nlohmann::json{{"id", "one"}}));
    ASSERT_TRUE(client.extend(program_register, digest_of("c")));
    auto same = client.extend(program_register, digest_of("a"), {.id = "one"});
    EXPECT_EQ(same->sequence, first->sequence);
    EXPECT_EQ(same->reading.value, first->reading.value) << "as it was then";
    EXPECT_EQ(client.extend("tdx/rtmr2", digest_of("b"), {.id = "one"})->sequence, 3);
    EXPECT_EQ(records_of(client).size(), 3U);
}

TEST_F(LogLimitsTest, AFullJournalRefusesWhatDoesNotFitAndLosesNothing) {
    const Daemon::Options options{.config = "[journal]\nsize_limit = 1048576\n"};
    auto daemon = started(options);
    mr::Bytes value = zero();
    std::int64_t last = 0;
    const auto expect_all_there = [&](mr::Client &client) {
        EXPECT_EQ(client.read(program_register, {.fresh = true})->value, value);
        EXPECT_EQ(records_of(client).size(), static_cast<std::size_t>(last));
        EXPECT_TRUE(replay_of(client, program_register).equal);
    };
    {
        auto client = daemon.client();
        // Large ones, then smaller ones into what is left, if they fit: how long a record is depends on the name of this program.
        std::size_t times_with_room = 0;
        for (const std::size_t size : {65'536U, 1000U, 0U}) {
            const auto before = last;
            for (;;) {
                const auto done = client.extend(program_register, digest_of("a"), {.data = mr::Bytes(size, 0xFF)});
                if (!done) {
                    EXPECT_EQ(done.error().code, ErrorCode::journal_full);
                    EXPECT_EQ(nlohmann::json::parse(done.error().parameters), (nlohmann::json{{"limit", 1'048'576}}));
                    break;
                }
                value = done->reading.value;
                last = done->sequence;
            }
            if (last > before) ++times_with_room;
        }
        EXPECT_GT(last, 15);
        EXPECT_GE(times_with_room, 2U);
        expect_all_there(client);
        EXPECT_EQ(status_of(client)["journal"]["condition"], "full");
        EXPECT_THAT(std::string(status_of(client)["journal"]["reason"]), HasSubstr("size limit of 1048576 bytes"));
        EXPECT_THAT(last_failure(client, program_register), HasSubstr("size limit of 1048576 bytes"));
        EXPECT_EQ(client.extend(program_register, digest_of("a"), {.id = "again"}).error().code, ErrorCode::journal_full);
        EXPECT_FALSE(register_status(client, "tdx/rtmr2").contains("lastFailure")) << "it was not asked for";
        EXPECT_LE(std::filesystem::file_size(folder() / "state" / "journal"), 1'048'576U);
        const auto log = daemon.log();
        const auto told = [&log](std::string_view line) {
            std::size_t times = 0;
            for (auto at = log.find(line); at != std::string::npos; at = log.find(line, at + 1)) ++times;
            return times;
        };
        EXPECT_EQ(told("the journal takes no more events"), times_with_room) << log;
        EXPECT_EQ(told("the journal takes events again"), times_with_room - 1) << log;
    }
    EXPECT_EQ(daemon.stop(), 0);
    auto again = started(options);
    {
        auto client = again.client();
        expect_all_there(client);
        EXPECT_EQ(client.extend(program_register, digest_of("a")).error().code, ErrorCode::journal_full);
    }
    EXPECT_EQ(again.stop(), 0);
    const auto larger = started({.config = "[journal]\nsize_limit = 2097152\n"});
    auto client = larger.client();
    expect_all_there(client);
    EXPECT_EQ(client.extend(program_register, digest_of("a"))->sequence, last + 1);
    EXPECT_EQ(status_of(client)["journal"]["condition"], "good");
}

TEST_F(LogLimitsTest, AFullDiskRefusesTheExtendAndLeavesTheRegisterAlone) {
    const auto disk = folder() / "disk";
    std::filesystem::create_directory(disk);
    if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=2m,mode=700") != 0) GTEST_SKIP() << "nothing can be mounted here";
    const struct Mounted {
        std::filesystem::path path;
        ~Mounted() { ::umount2(path.c_str(), MNT_DETACH); }
    } mounted{disk};
    const Daemon::Options options{.state = (disk / "state").native()};
    auto daemon = started(options);
    auto client = daemon.client();
    ASSERT_TRUE(client.extend(program_register, digest_of("a")));
    {
        std::ofstream filler(disk / "filler", std::ios::binary);
        const std::string piece(4096, 'f');
        while (filler.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush()) {
        }
    }
    // What is allocated already is used up first.
    mr::Bytes value;
    std::optional<mr::Error> error;
    std::size_t events = 1;
    const mr::Bytes data(4096, 1);
    while (!error) {
        const auto done = client.extend(program_register, digest_of("b"), {.data = data});
        if (done) {
            value = done->reading.value;
            ++events;
        } else {
            error = done.error();
        }
    }
    EXPECT_GT(events, 10U);
    EXPECT_EQ(error->code, ErrorCode::journal_failed);
    EXPECT_THAT(error->message, HasSubstr("No space left on device"));
    EXPECT_EQ(status_of(client)["journal"]["condition"], "full");
    EXPECT_THAT(std::string(status_of(client)["journal"]["reason"]), HasSubstr("No space left on device"));
    EXPECT_THAT(last_failure(client, program_register), HasSubstr("No space left on device"));
    EXPECT_EQ(client.read(program_register, {.fresh = true})->value, value);
    EXPECT_EQ(records_of(client).size(), events);
    EXPECT_TRUE(replay_of(client, program_register).equal);
    std::filesystem::remove(disk / "filler");
    EXPECT_TRUE(client.extend(program_register, digest_of("b"), {.data = data})) << "when there is room, it goes on";
    EXPECT_EQ(status_of(client)["journal"]["condition"], "good");
    EXPECT_FALSE(status_of(client)["journal"].contains("reason"));
    EXPECT_EQ(last_failure(client, program_register), "");
    EXPECT_EQ(daemon.stop(), 0);
    auto again = started(options);
    auto later = again.client();
    EXPECT_EQ(records_of(later).size(), events + 1);
    EXPECT_TRUE(replay_of(later, program_register).equal);
    EXPECT_EQ(again.stop(), 0);
}

}  // namespace
}  // namespace mrd
