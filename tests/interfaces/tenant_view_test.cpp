// Random tenants on one mrd in memory, whose hardware fails and which is started again: what each of them is given of the log leads to what the hardware and his
// registers hold, and says nothing of the others.
#include "mrd/interfaces/tenant_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "mr/bytes.h"
#include "mr/virtual_registers.h"
#include "mrd/daemon/service.h"
#include "tests/log_texts.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/session_client.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd {
namespace {

using Json = nlohmann::json;

class Machine {
public:
    explicit Machine(FakeHardware &hardware, const std::filesystem::path &folder)
        : journal_(journal::Journal::open(loop_, {.folder = folder, .boot_id = "boot", .checkpoint_interval = 4096}).value()),
          daemon_(loop_, *journal_) {
        const std::vector<RegisterSpec> specs{fake_register("rtmr2", "XWRL"), fake_register("rtmr3", "XRL")};
        if (!daemon_.add(std::make_unique<FakeProvider>(hardware, "tdx", specs, false), specs) || !daemon_.start_journal())
            throw std::runtime_error("no machine");
        service_ = make_service(daemon_, make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}}), {});
        daemon_.set_access(AccessRules({{.name = "tenants", .allow = {Right::create}, .registers = {"virtual/*"}},
                                        {.name = "everybody", .allow = {Right::list, Right::read, Right::log}}},
                                       0));
    }

    std::vector<std::string> all(uid_t uid, const std::string &method, const Json &parameters, bool more = false) {
        SessionClient client(*service_, varlink::Peer{.uid = uid, .gid = uid});
        client.send("io.mrd." + method, parameters.dump(), more);
        loop_.restart();
        loop_.poll();
        std::vector<std::string> replies;
        for (auto reply = client.reply(); !reply.empty(); reply = client.reply()) replies.push_back(std::move(reply));
        return replies;
    }
    Json call(uid_t uid, const std::string &method, const Json &parameters) { return Json::parse(all(uid, method, parameters).at(0)); }

    // The log that he is given.
    std::string log_for(uid_t uid, const std::string &name) {
        std::string log;
        for (const auto &reply : all(uid, "EventLog.Export", {{"format", "json"}, {"register", name}}, true)) {
            const auto bytes = mr::from_base64(Json::parse(reply)["parameters"]["chunk"].get<std::string>()).value();
            log.append(bytes.begin(), bytes.end());
        }
        return log;
    }

    boost::asio::io_context loop_;
    std::unique_ptr<journal::Journal> journal_;
    Daemon daemon_;
    std::unique_ptr<varlink::Service> service_;
};

TEST(TenantView, EachTenantsLogProvesHisRegistersAndHasNothingOfTheOthersOverFailuresAndRestarts) {
    for (unsigned seed = 0; seed < 6; ++seed) {
        std::mt19937 random(seed);
        const auto below = [&random](std::size_t limit) { return random() % limit; };
        const TemporaryFolder folder;
        FakeHardware hardware;
        auto machine = std::make_unique<Machine>(hardware, folder.path());
        const std::size_t tenants = 2 + below(3);
        std::vector<std::vector<std::string>> secrets(tenants + 1);  // the last ones are root's
        const auto secret = [&](std::size_t of) {
            secrets[of].push_back("secret-" + std::to_string(of) + "-" + std::to_string(random()));
            return secrets[of].back();
        };
        const auto name = [](std::size_t tenant) { return "virtual/t" + std::to_string(tenant); };
        // So long that no digest or time has them by chance.
        const auto uid = [](std::size_t tenant) { return static_cast<uid_t>(2'987'654'321 + tenant); };
        for (std::size_t i = 0; i < 60; ++i) {
            const auto tenant = below(tenants);
            switch (below(9)) {
            case 0: {
                machine.reset();
                machine = std::make_unique<Machine>(hardware, folder.path());
                break;
            }
            case 1: hardware.fail_next("extend", below(2) == 0 ? FakeHardware::Failure::before : FakeHardware::Failure::after); break;
            case 2:
                machine->call(
                    0, "Registers.Measure",
                    {{"name", "tdx/rtmr3"}, {"data", mr::to_base64(mr::as_bytes(secret(tenants)))}, {"description", secret(tenants)}});
                break;
            case 3:
                // Somebody else extends the carrier, and whoever comes next has a resync before his event.
                if (below(3) == 0) {
                    hardware.extend(1, mr::Digest(mr::Bytes(48, 66)));
                    machine->call(0, "Registers.Read", {{"name", "tdx/rtmr3"}, {"fresh", true}});
                }
                if (below(4) == 0) machine->call(uid(tenant), "Registers.Close", {{"name", name(tenant)}});
                break;
            default:
                machine->call(uid(tenant), "Registers.Create",
                              {{"name", name(tenant)}, {"hash", below(2) == 0 ? "sha256" : "sha384"}, {"on", "rtmr3"}});
                machine->call(uid(tenant), "Registers.Measure",
                              {{"name", name(tenant)},
                               {"data", mr::to_base64(mr::as_bytes(secret(tenant)))},
                               {"description", secret(tenant)},
                               {"id", secret(tenant)}});
            }
        }
        // Whatever a failure has left open is settled by the next extend.
        machine->call(0, "Registers.Measure", {{"name", "tdx/rtmr3"}, {"data", "AA=="}});
        for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
            const auto owner = machine->daemon_.virtual_registers().owner_of_name(name(tenant));
            if (!owner) continue;
            const auto log = machine->log_for(uid(tenant), name(tenant));
            auto reader = mr::EventLogReader::open(mr::as_bytes(log));
            ASSERT_TRUE(reader) << log;
            mr::Replay replay(mr::ReplayNames::as_logged);
            mr::CarriedRegisters carried("tdx/rtmr3", mr::HashAlgorithm::sha384);
            mr::Event event;
            while (reader->next(event).value()) {
                ASSERT_TRUE(replay.apply(event));
                if (event.name != "tdx/rtmr3") continue;
                const auto applied = carried.apply(event);
                ASSERT_TRUE(applied) << applied.error().message;
                EXPECT_EQ(event.caller ? event.caller->uid : uid(tenant), uid(tenant));
            }
            EXPECT_EQ(replay.find("tdx/rtmr3", mr::HashAlgorithm::sha384)->value, hardware.value(1)) << seed;
            const auto *own = carried.find(name(tenant));
            ASSERT_NE(own, nullptr);
            EXPECT_EQ(own->hidden, 0U);
            const auto &state = machine->journal_->state();
            EXPECT_EQ(own->value, state.registers()[*state.find_virtual(name(tenant).substr(8))].logged) << seed;
            EXPECT_EQ(own->events, state.registers()[*state.find_virtual(name(tenant).substr(8))].events) << seed;
            const auto said = all_said_in(log);
            for (std::size_t other = 0; other < secrets.size(); ++other) {
                for (const auto &text : secrets[other])
                    EXPECT_TRUE(other == tenant || !said.contains(text))
                        << seed << ": " << text << " of " << other << " shown to " << tenant;
                if (other == tenant) continue;
                EXPECT_FALSE(said.contains(std::to_string(uid(other)))) << "whose it is";
                EXPECT_FALSE(said.contains(name(other)));
            }
        }
    }
}

TEST(TenantView, ALogIsForWhoseRegisterItIsAlone) {
    const TemporaryFolder folder;
    FakeHardware hardware;
    Machine machine(hardware, folder.path());
    const auto error = [&](uid_t uid, const Json &parameters, const std::string &method = "Export") {
        const auto reply = Json::parse(machine.all(uid, "EventLog." + method, parameters, true).at(0));
        return reply.contains("error") ? reply["error"].get<std::string>() + reply["parameters"].dump() : "";
    };
    machine.call(1000, "Registers.Create", {{"name", "virtual/a"}, {"hash", "sha384"}, {"on", "rtmr3"}});
    EXPECT_EQ(error(1000, {{"format", "json"}, {"register", "virtual/a"}}), "");
    EXPECT_EQ(error(0, {{"format", "json"}, {"register", "virtual/a"}}), "");
    EXPECT_EQ(error(1000, {{"register", "virtual/a"}}, "Records"), "");
    EXPECT_THAT(error(1001, {{"format", "json"}, {"register", "virtual/a"}}), ::testing::HasSubstr("PermissionDenied"));
    EXPECT_THAT(error(1001, {{"register", "virtual/a"}}, "Records"), ::testing::HasSubstr("PermissionDenied"));
    EXPECT_THAT(error(1000, {{"format", "json"}, {"register", "virtual/b"}}), ::testing::HasSubstr(R"({"parameter":"register"})"));
    EXPECT_THAT(error(1000, {{"format", "json"}, {"register", "tdx/rtmr3"}}), ::testing::HasSubstr(R"({"parameter":"register"})"));
    EXPECT_THAT(error(1000, {{"format", "tcg"}, {"register", "virtual/a"}}), ::testing::HasSubstr(R"({"parameter":"format"})"));
    machine.call(1000, "Registers.Close", {{"name", "virtual/a"}});
    EXPECT_EQ(error(1000, {{"format", "json"}, {"register", "virtual/a"}}), "") << "of one that was closed, too";
}

}  // namespace
}  // namespace mrd
