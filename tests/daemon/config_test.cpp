#include "mrd/daemon/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "mrd/daemon/toml_table.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/temporary_folder.h"
#include "tests/places.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Config parsed(std::string_view text) {
    auto config = parse_config(text, "mrd.toml");
    EXPECT_TRUE(config) << config.error();
    return config.value_or(Config{});
}

TEST(Config, TheEmptyFileIsTheDefaults) {
    const auto config = parsed("");
    ASSERT_EQ(config.listeners.size(), 1U);
    EXPECT_EQ(config.listeners[0].name, "varlink");
    EXPECT_EQ(config.listeners[0].path, "/run/mrd/io.mrd");
    EXPECT_THAT(config.listeners[0].interfaces, IsEmpty()) << "all";
    EXPECT_EQ(config.listeners[0].mode, std::nullopt) << "as the access rules need it";
    EXPECT_THAT(config.access, IsEmpty());
    EXPECT_EQ(config.state, "/run/mrd/state");
    EXPECT_EQ(config.boot_id_file, "/proc/sys/kernel/random/boot_id");
    EXPECT_EQ(config.limits.max_connections, 4096U);
    EXPECT_EQ(config.limits.max_message, std::size_t{1} << 20);
    EXPECT_EQ(config.limits.max_buffered, std::size_t{64} << 20);
    EXPECT_EQ(config.audit, std::nullopt);
    EXPECT_THAT(config.providers, IsEmpty()) << "never the simulator by itself";
    EXPECT_THAT(config.rules, IsEmpty());
}

TEST(Config, EveryKeyIsRead) {
    const auto config = parsed(R"(
[service]
state = "/tmp/b"
boot_id_file = "/tmp/c"
max_connections = 7
max_message = 65536
max_buffered = 1048576

[[listener]]
name = "all"
path = "/tmp/a"

[[listener]]
name = "log-2"
path = "/tmp/e"
interfaces = ["io.mrd.EventLog", "io.mrd.Attestation"]
bound_only = true
mode = "0660"
owner = "root"
group = "7"

[journal]
size_limit = 1048576
sync = "group"
firmware_log = "none"

[log]
audit = ["extend", "repair"]

[[provider]]
type = "sim"

[[provider]]
type = "sim"
name = "second"
required = false
quote_format = "tdx_v5_td15"
firmware_log = "/tmp/d"
earlier_logs = ["/tmp/e", "/tmp/f"]

[[register]]
name = "tdx/rtmr*"
owner = "shared"

[[register]]
name = "tdx/rtmr3"
log_only = true
)");
    ASSERT_EQ(config.listeners.size(), 2U);
    EXPECT_EQ(config.listeners[0].name, "all");
    EXPECT_EQ(config.listeners[0].path, "/tmp/a");
    EXPECT_THAT(config.listeners[0].interfaces, IsEmpty());
    EXPECT_EQ(config.listeners[0].mode, std::nullopt);
    EXPECT_EQ(config.listeners[0].owner, std::nullopt);
    EXPECT_EQ(config.listeners[0].group, std::nullopt);
    EXPECT_EQ(config.listeners[1].name, "log-2");
    EXPECT_FALSE(config.listeners[0].bound_only);
    EXPECT_TRUE(config.listeners[1].bound_only);
    EXPECT_THAT(config.listeners[1].interfaces, ::testing::ElementsAre("io.mrd.EventLog", "io.mrd.Attestation"));
    EXPECT_EQ(config.listeners[1].mode, 0660U);
    EXPECT_EQ(config.listeners[1].owner, "root");
    EXPECT_EQ(config.listeners[1].group, "7");
    EXPECT_EQ(config.state, "/tmp/b");
    EXPECT_EQ(config.boot_id_file, "/tmp/c");
    EXPECT_EQ(config.limits.max_connections, 7U);
    EXPECT_EQ(config.limits.max_message, 65536U);
    EXPECT_EQ(config.limits.max_buffered, 1048576U);
    EXPECT_EQ(config.journal.size_limit, 1048576U);
    EXPECT_EQ(config.journal.sync, journal::Sync::group);
    EXPECT_EQ(config.journal.firmware_log, "none");
    EXPECT_EQ(config.audit->count(), 2U);
    EXPECT_TRUE(config.audit->test(static_cast<std::size_t>(log::Kind::extend)));
    EXPECT_TRUE(config.audit->test(static_cast<std::size_t>(log::Kind::repair)));
    EXPECT_EQ(config.providers.at(0).firmware_log, std::nullopt);
    EXPECT_EQ(config.providers.at(1).firmware_log, "/tmp/d");
    EXPECT_EQ(config.providers.at(1).earlier_logs, (std::vector<std::filesystem::path>{"/tmp/e", "/tmp/f"}));
    ASSERT_EQ(config.providers.size(), 2U);
    EXPECT_EQ(config.providers[0].name, "tdx");
    EXPECT_TRUE(config.providers[0].required);
    EXPECT_EQ(config.providers[1].name, "second");
    EXPECT_FALSE(config.providers[1].required);
    EXPECT_EQ(config.providers[0].quote_format, sim::QuoteFormat::v4);
    EXPECT_EQ(config.providers[1].quote_format, sim::QuoteFormat::v5_td15);
    ASSERT_EQ(config.rules.size(), 2U);
    EXPECT_EQ(config.rules[0].owner, mr::Owner::shared);
    EXPECT_FALSE(config.rules[0].log_only);
    EXPECT_EQ(config.rules[1].log_only, true);
    EXPECT_FALSE(config.rules[1].owner);
}

TEST(Config, ATdsQuotesAreTheKernelsUnlessAServiceIsNamed) {
    const auto qgs = [](const std::string &line) {
        const auto config = parse_config("[[provider]]\ntype = \"tsm\"\n" + line, "mrd.toml");
        EXPECT_TRUE(config) << config.error();
        return config->providers.at(0).qgs;
    };
    EXPECT_EQ(qgs(""), std::nullopt);
    EXPECT_EQ(qgs("qgs = \"vsock:2:4050\""), (qgs::Address{.cid = 2, .port = 4050, .path = {}}));
    EXPECT_EQ(qgs("qgs = \"/run/qgs.socket\"")->path, "/run/qgs.socket");
}

TEST(Config, WhatIsFoundTakesALogAndAQuotingServiceAsATdDoes) {
    const auto config = parsed("[[provider]]\ntype = \"auto\"\nqgs = \"vsock:2:4050\"\nfirmware_log = \"/a\"\nearlier_logs = [\"/b\"]\n");
    EXPECT_TRUE(config.providers.at(0).qgs);
    EXPECT_EQ(config.providers.at(0).firmware_log, "/a");
    EXPECT_EQ(config.providers.at(0).earlier_logs.size(), 1U);
}

struct BadConfig {
    const char *name;
    const char *text;
    const char *begins;  // file, line and key
    const char *holds;   // what to write instead
};

class ConfigError : public ::testing::TestWithParam<BadConfig> {};

TEST_P(ConfigError, NamesTheFileTheLineTheKeyAndWhatToWriteInOneLine) {
    const auto config = parse_config(GetParam().text, "mrd.toml");
    ASSERT_FALSE(config);
    EXPECT_THAT(config.error(), ::testing::StartsWith(GetParam().begins));
    EXPECT_THAT(config.error(), HasSubstr(GetParam().holds));
    EXPECT_EQ(config.error().find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    All, ConfigError,
    ::testing::Values(
        BadConfig{"MetricsWithoutPort", "[metrics]\naddress = \"::1\"\n", "mrd.toml:1: metrics.port ", "is missing"},
        BadConfig{"MetricsPortOutOfRange", "[metrics]\nport = 65536\n", "mrd.toml:2: metrics.port ", "from 1 to 65535"},
        BadConfig{"MetricsAddressByName", "[metrics]\nport = 9469\naddress = \"localhost\"\n", "mrd.toml:3: metrics.address ",
                  "must be an address in numbers, as \"127.0.0.1\""},
        BadConfig{"MetricsAsList", "[[metrics]]\nport = 9469\n", "mrd.toml:1: metrics ", "[metrics]"},
        BadConfig{"ListenerOfMetrics", "[[listener]]\nname = \"metrics\"\npath = \"/a\"\n", "mrd.toml:1: listener.name ",
                  "is that of the sockets that metrics are asked for on"},
        BadConfig{"NotToml", "[service]\nstate = \n", "mrd.toml:2: ", ""},
        BadConfig{"UnknownSection", "\n[servce]\n", "mrd.toml:2: servce ",
                  "known are: access, journal, listener, log, metrics, provider, register, roles, service"},
        BadConfig{"UnknownKey", "[service]\n\nsttae = \"/a\"\n", "mrd.toml:3: service.sttae ",
                  "known are: boot_id_file, confinement, max_buffered, max_connections, max_message, measure_itself, state, user"},
        BadConfig{"HalfConfined", "[service]\nconfinement = \"no\"\n", "mrd.toml:2: service.confinement ",
                  R"("required", "best-effort" or "off")"},
        BadConfig{"WrongType", "[service]\nstate = 5\n", "mrd.toml:2: service.state ", "must be a text"},
        BadConfig{"EmptyText", "[service]\nstate = \"\"\n", "mrd.toml:2: service.state ", "must not be empty"},
        BadConfig{"TextWithNul", "[service]\nstate = \"/tmp/x/nul\\u0000y\"\n", "mrd.toml:2: service.state ", "NUL character"},
        BadConfig{"ListWithNul", "[[provider]]\ntype = \"sim\"\nearlier_logs = [\"/a\", \"/b\\u0000\"]\n",
                  "mrd.toml:3: provider.earlier_logs ", "NUL character"},
        BadConfig{"PathOfASocketWithNul", "[[provider]]\ntype = \"tsm\"\nqgs = \"/a\\u0000b\"\n", "mrd.toml:3: provider.qgs ",
                  "NUL character"},
        BadConfig{"SocketWithNul", "[[listener]]\nname = \"a\"\npath = \"/a\\u0000b\"\n", "mrd.toml:3: listener.path ", "NUL character"},
        BadConfig{"NumberTooSmall", "[service]\nmax_connections = 0\n", "mrd.toml:2: service.max_connections ", "from 1 to 65536"},
        BadConfig{"NumberTooLarge", "[service]\nmax_message = 1000000000\n", "mrd.toml:2: service.max_message ", "from 4096 to 16777216"},
        BadConfig{"TooLittleBuffered", "[service]\nmax_message = 1048576\nmax_buffered = 4194303\n", "mrd.toml:1: service.max_buffered ",
                  "at least 4 times max_message"},
        BadConfig{"JournalTooSmall", "[journal]\nsize_limit = 1000\n", "mrd.toml:2: journal.size_limit ", "from 1048576 to"},
        BadConfig{"UnknownSync", "[journal]\nsync = \"always\"\n", "mrd.toml:2: journal.sync ", "\"none\" or \"group\""},
        BadConfig{"NumberAsText", "[service]\nmax_message = \"1 MiB\"\n", "mrd.toml:2: service.max_message ", "must be a number"},
        BadConfig{"ServiceTwiceAsArray", "[[service]]\nstate = \"/a\"\n", "mrd.toml:1: service ", "written as [service]"},
        BadConfig{"ProviderAsTable", "[provider]\ntype = \"sim\"\n", "mrd.toml:1: provider ", "written as [[provider]]"},
        BadConfig{"ProviderWithoutType", "[[provider]]\nname = \"tdx\"\n", "mrd.toml:1: provider.type ", "known are: auto, sim, tsm, spdm"},
        BadConfig{"UnknownProviderType", "\n[[provider]]\ntype = \"tpm\"\n", "mrd.toml:", "known are: auto, sim, tsm, spdm"},
        BadConfig{"FlagAsText", "[[provider]]\ntype = \"sim\"\nrequired = \"no\"\n", "mrd.toml:3: provider.required ", "true or false"},
        BadConfig{"ANameForWhateverThereIs", "[[provider]]\ntype = \"auto\"\nname = \"tdx\"\n", "mrd.toml:3: provider.name ",
                  "give the type that it is for"},
        BadConfig{"WhateverThereIsThatNeedNotBe", "[[provider]]\ntype = \"auto\"\nrequired = false\n", "mrd.toml:3: provider.required ",
                  "is not for the type \"auto\""},
        BadConfig{"AnAddressOfWhateverThereIs", "[[provider]]\ntype = \"auto\"\naddress = \"127.0.0.1:2323\"\n",
                  "mrd.toml:3: provider.address ", "is not for the type \"auto\""},
        BadConfig{"ATransportOfWhateverThereIs", "[[provider]]\ntype = \"auto\"\ntransport = \"doe\"\n", "mrd.toml:3: provider.transport ",
                  "is not for the type \"auto\""},
        BadConfig{"ASlotOfWhateverThereIs", "[[provider]]\ntype = \"auto\"\nslot = 0\n", "mrd.toml:3: provider.slot ",
                  "is not for the type \"auto\""},
        BadConfig{"RootsOfWhateverThereIs", "[[provider]]\ntype = \"auto\"\nroots = \"/r\"\n", "mrd.toml:3: provider.roots ",
                  "is not for the type \"auto\""},
        BadConfig{"WhateverThereIsTwice", "[[provider]]\ntype = \"auto\"\n[[provider]]\ntype = \"auto\"\n", "mrd.toml:3: provider.name ",
                  "is there twice: auto"},
        BadConfig{"OddQuotingService", "[[provider]]\ntype = \"tsm\"\nqgs = \"tcp:host\"\n", "mrd.toml:3: provider.qgs ", "vsock:CID:PORT"},
        BadConfig{"QuotingServiceOfTheSimulator", "[[provider]]\ntype = \"sim\"\nqgs = \"vsock:2:4050\"\n", "mrd.toml:3: provider.qgs ",
                  "for the type \"tsm\" alone"},
        BadConfig{"QuoteFormatOfTheKernel", "[[provider]]\ntype = \"tsm\"\nquote_format = \"tdx_v4\"\n",
                  "mrd.toml:3: provider.quote_format ", "for the type \"sim\" alone"},
        BadConfig{"QuotingServiceOfAnotherKind", "[[provider]]\ntype = \"tsm\"\nqgs = 4050\n", "mrd.toml:3: provider.qgs ", "text"},
        BadConfig{"DeviceWithoutAddress", "[[provider]]\ntype = \"spdm\"\nroots = \"/r\"\n", "mrd.toml:1: provider.address ",
                  "where the device answers"},
        BadConfig{"DeviceWithoutRoots", "[[provider]]\ntype = \"spdm\"\naddress = \"127.0.0.1:2323\"\n", "mrd.toml:1: provider.roots ",
                  "must lead to"},
        BadConfig{"FirmwareLogOfADevice",
                  "[[provider]]\ntype = \"spdm\"\naddress = \"127.0.0.1:2323\"\nroots = \"/r\"\nfirmware_log = \"/l\"\n",
                  "mrd.toml:5: provider.firmware_log ", "is not for the type \"spdm\""},
        BadConfig{"EarlierLogsOfADevice",
                  "[[provider]]\ntype = \"spdm\"\naddress = \"127.0.0.1:2323\"\nroots = \"/r\"\nearlier_logs = [\"/l\"]\n",
                  "mrd.toml:5: provider.earlier_logs ", "is not for the type \"spdm\""},
        BadConfig{"DeviceByAName", "[[provider]]\ntype = \"spdm\"\naddress = \"localhost:2323\"\n", "mrd.toml:3: provider.address ",
                  "give numbers"},
        BadConfig{"DeviceOverSomethingElse", "[[provider]]\ntype = \"spdm\"\ntransport = \"usb\"\n", "mrd.toml:3: provider.transport ",
                  "\"mctp\" or \"doe\""},
        BadConfig{"DeviceWithANinthSlot", "[[provider]]\ntype = \"spdm\"\nslot = 8\n", "mrd.toml:3: provider.slot ", "7"},
        BadConfig{"AFunctionWithoutASegment", "[[provider]]\ntype = \"spdm\"\npci_function = \"3b:00.0\"\n",
                  "mrd.toml:3: provider.pci_function ", "as \"0000:3b:00.0\""},
        BadConfig{"AFunctionOfADeviceBeyondTheLast", "[[provider]]\ntype = \"spdm\"\npci_function = \"0000:3b:20.0\"\n",
                  "mrd.toml:3: provider.pci_function ", "as \"0000:3b:00.0\""},
        BadConfig{"ANinthFunction", "[[provider]]\ntype = \"spdm\"\npci_function = \"0000:3b:00.8\"\n",
                  "mrd.toml:3: provider.pci_function ", "as \"0000:3b:00.0\""},
        BadConfig{"AFunctionThatIsNoText", "[[provider]]\ntype = \"spdm\"\npci_function = 3\n", "mrd.toml:3: provider.pci_function ",
                  "as \"0000:3b:00.0\""},
        BadConfig{"AFunctionOfTheSimulator", "[[provider]]\ntype = \"sim\"\npci_function = \"0000:3b:00.0\"\n",
                  "mrd.toml:3: provider.pci_function ", "for the type \"spdm\" alone"},
        BadConfig{"AnInterfaceReportOfTheSimulator", "[[provider]]\ntype = \"sim\"\ninterface_report = \"/r\"\n",
                  "mrd.toml:3: provider.interface_report ", "for the type \"spdm\" alone"},
        BadConfig{"AFunctionOfWhateverThereIs", "[[provider]]\ntype = \"auto\"\npci_function = \"0000:3b:00.0\"\n",
                  "mrd.toml:3: provider.pci_function ", "is not for the type \"auto\""},
        BadConfig{"AnInterfaceReportOfWhateverThereIs", "[[provider]]\ntype = \"auto\"\ninterface_report = \"/r\"\n",
                  "mrd.toml:3: provider.interface_report ", "is not for the type \"auto\""},
        BadConfig{"RootsOfTheSimulator", "[[provider]]\ntype = \"sim\"\nroots = \"/r\"\n", "mrd.toml:3: provider.roots ",
                  "for the type \"spdm\" alone"},
        BadConfig{"UnknownQuoteFormat", "[[provider]]\ntype = \"sim\"\nquote_format = \"v4\"\n", "mrd.toml:3: provider.quote_format ",
                  "\"tdx_v4\", \"tdx_v5_td10\" or \"tdx_v5_td15\""},
        BadConfig{
            "SecondProviderIsWrong", "[[provider]]\ntype = \"sim\"\n[[provider]]\ntype = \"sim\"\nnmae = \"a\"\n",
            "mrd.toml:5: provider.nmae ",
            "known are: address, earlier_logs, firmware_log, interface_report, name, pci_function, qgs, quote_format, required, roots, "
            "slot, transport, type"},
        BadConfig{"EarlierLogNoList", "[[provider]]\ntype = \"sim\"\nearlier_logs = \"/a\"\n", "mrd.toml:3: provider.earlier_logs ",
                  "must be a list of at most 16 paths of files"},
        BadConfig{"EarlierLogWithoutPath", "[[provider]]\ntype = \"sim\"\nearlier_logs = [\"\"]\n", "mrd.toml:3: provider.earlier_logs ",
                  "must be a list of at most 16 paths of files"},
        BadConfig{"RegisterWithoutName", "[[register]]\nlog_only = true\n", "mrd.toml:1: register.name ", "say which registers"},
        BadConfig{"RegisterWithHalfABracket", "[[register]]\nname = \"tdx/rtmr[\"\n", "mrd.toml:2: register.name ",
                  "has a [ without its ]"},
        BadConfig{"RegisterWithoutProvider", "[[register]]\nname = \"rtmr*\"\n", "mrd.toml:2: register.name ",
                  "write one as \"tdx/rtmr*\""},
        BadConfig{"RegisterOfNoRole", "[[register]]\nname = \"rtmr3\"\n[roles]\nrtmr = \"tdx/rtmr3\"\n", "mrd.toml:2: register.name ",
                  "or a role, as \"app\""},
        BadConfig{"RegisterOfARoleOnlyObserved", "[[register]]\nname = \"app\"\nowner = \"observed\"\n", "mrd.toml:3: register.owner ",
                  "is of no register that has a role"},
        BadConfig{"UnknownOwner", "[[register]]\nname = \"tdx/rtmr3\"\nowner = \"mine\"\n", "mrd.toml:3: register.owner ",
                  "owned, shared or observed"},
        BadConfig{"OwnerNoText", "[[register]]\nname = \"tdx/rtmr3\"\nowner = 1\n", "mrd.toml:3: register.owner ",
                  "owned, shared or observed"},
        BadConfig{"ListenerAsTable", "[listener]\nname = \"a\"\n", "mrd.toml:1: listener ", "written as [[listener]]"},
        BadConfig{"ListenerWithoutName", "[[listener]]\npath = \"/a\"\n", "mrd.toml:1: listener.name ", "1 to 64 of the characters"},
        BadConfig{"ListenerWithAColon", "[[listener]]\nname = \"a:b\"\npath = \"/a\"\n", "mrd.toml:1: listener.name ",
                  "1 to 64 of the characters"},
        BadConfig{"ListenerWithoutPath", "[[listener]]\nname = \"a\"\n", "mrd.toml:1: listener.path ",
                  "is missing: the socket's path, as \"/run/mrd/io.mrd\""},
        BadConfig{"UnknownInterface", "[[listener]]\nname = \"a\"\npath = \"/a\"\ninterfaces = [\"io.mrd.Evnetlog\"]\n",
                  "mrd.toml:4: listener.interfaces ", "known are: io.mrd.Registers, io.mrd.EventLog, io.mrd.Attestation"},
        BadConfig{"NoInterface", "[[listener]]\nname = \"a\"\npath = \"/a\"\ninterfaces = []\n", "mrd.toml:4: listener.interfaces ",
                  "must be a list of 1 to 5 texts, or left out"},
        BadConfig{"EmptyInterface", "[[listener]]\nname = \"a\"\npath = \"/a\"\ninterfaces = [\"\"]\n", "mrd.toml:4: listener.interfaces ",
                  "has an empty text"},
        BadConfig{"InterfaceTwice", "[[listener]]\nname = \"a\"\npath = \"/a\"\ninterfaces = [\"io.mrd.EventLog\", \"io.mrd.EventLog\"]\n",
                  "mrd.toml:4: listener.interfaces ", "has one twice: io.mrd.EventLog"},
        BadConfig{"ModeAsNumber", "[[listener]]\nname = \"a\"\npath = \"/a\"\nmode = 660\n", "mrd.toml:4: listener.mode ", "\"0660\""},
        BadConfig{"ModeTooLarge", "[[listener]]\nname = \"a\"\npath = \"/a\"\nmode = \"1777\"\n", "mrd.toml:4: listener.mode ",
                  "octal digits"},
        BadConfig{"ModeOfLetters", "[[listener]]\nname = \"a\"\npath = \"/a\"\nmode = \"rw\"\n", "mrd.toml:4: listener.mode ",
                  "octal digits"},
        BadConfig{"ListenerTwice", "[[listener]]\nname = \"a\"\npath = \"/a\"\n[[listener]]\nname = \"a\"\npath = \"/b\"\n",
                  "mrd.toml:4: listener.name ", "is there twice: a"},
        BadConfig{"PathTwice", "[[listener]]\nname = \"a\"\npath = \"/a\"\n[[listener]]\nname = \"b\"\npath = \"/a\"\n",
                  "mrd.toml:4: listener.path ", "is there twice: /a"},
        BadConfig{"RegisterAsTable", "[register]\nname = \"tdx/rtmr3\"\n", "mrd.toml:1: register ", "written as [[register]]"}),
    [](const auto &tested) { return tested.param.name; });

TEST(Config, WhatIsNeededIsNotSaidToBeLeftOut) {
    const auto config = parse_config("[[access]]\nname = \"a\"\nallow = []\n", "mrd.toml");
    ASSERT_FALSE(config);
    EXPECT_THAT(config.error(), ::testing::EndsWith("access.allow must be a list of 1 to " + std::to_string(rights) + " texts"));
}

TEST(Config, ThereAreNoMoreListenersThanTheirLimit) {
    std::string text;
    for (std::size_t i = 0; i < max_listeners; ++i)
        text += "[[listener]]\nname = \"a" + std::to_string(i) + "\"\npath = \"/a" + std::to_string(i) + "\"\n";
    EXPECT_TRUE(parse_config(text, "c"));
    const auto refused = parse_config(text + "[[listener]]\nname = \"b\"\npath = \"/b\"\n", "c");
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), HasSubstr("at most 16 listeners"));
}

TEST(Config, AFileIsReadAndItsErrorsNameItsPath) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "c.toml";
    std::ofstream(file) << "[service]\nstate = 1\n";
    const auto config = load_config(file);
    ASSERT_FALSE(config);
    EXPECT_THAT(config.error().message, ::testing::StartsWith(file.native() + ":2: service.state "));
}

TEST(Config, AFileThatIsNotThereIsAnErrorThatNamesIt) {
    const auto config = load_config("/nonexistent/mrd.toml");
    ASSERT_FALSE(config);
    EXPECT_THAT(config.error().message, HasSubstr("/nonexistent/mrd.toml"));
}

TEST(Config, AFileThatOthersMayWriteOrPutInItsPlaceIsRefusedWithWhatToDo) {
    const TemporaryFolder folder;
    const auto parent = folder.path() / "parent";
    std::filesystem::create_directory(parent);
    std::filesystem::permissions(parent, std::filesystem::perms(0755));
    const auto file = parent / "c.toml";
    std::ofstream(file) << "";
    std::filesystem::permissions(file, std::filesystem::perms(0644));
    const auto refusal = [](const std::filesystem::path &path) {
        const auto config = load_config(path);
        return config ? std::string() : config.error().message;
    };
    EXPECT_EQ(refusal(file), "") << "others may read it";
    for (const unsigned mode : {0666U, 0664U, 0622U, 0602U}) {
        std::filesystem::permissions(file, std::filesystem::perms(mode));
        EXPECT_THAT(refusal(file),
                    AllOf(HasSubstr("the configuration: " + file.native() + " may be written by others"), HasSubstr("chmod go-w")));
    }
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    std::filesystem::permissions(parent, std::filesystem::perms(0777));
    EXPECT_THAT(refusal(file), HasSubstr(parent.native() + " may be written by others"));
    std::filesystem::permissions(parent, std::filesystem::perms(01777));
    EXPECT_EQ(refusal(file), "") << "as /tmp is: nobody else can replace it";
    // A link is followed: what it leads to counts, too.
    std::filesystem::create_symlink("parent/c.toml", folder.path() / "link");
    EXPECT_EQ(refusal(folder.path() / "link"), "");
    std::filesystem::permissions(file, std::filesystem::perms(0666));
    EXPECT_THAT(refusal(folder.path() / "link"), HasSubstr(file.native() + " may be written by others"));
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    if (::geteuid() != 0) return;
    constexpr uid_t nobody = 65534;
    ASSERT_EQ(::chown(file.c_str(), nobody, nobody), 0);
    EXPECT_THAT(refusal(file), AllOf(HasSubstr(file.native() + " belongs to uid 65534"), HasSubstr("chown")));
    ASSERT_EQ(::chown(file.c_str(), 0, 0), 0);
    ASSERT_EQ(::lchown((folder.path() / "link").c_str(), nobody, nobody), 0);
    EXPECT_THAT(refusal(folder.path() / "link"), HasSubstr("link belongs to uid 65534"));
}

TEST(Config, AFileThatComesThroughAPipeIsRead) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    ASSERT_EQ(::write(ends[1], "[service]\n", 10), 10);
    ::close(ends[1]);
    EXPECT_TRUE(load_config("/dev/fd/" + std::to_string(ends[0])));
    ::close(ends[0]);
}

TEST(Config, MetricsAreAskedForOnLoopbackUnlessItSaysOtherwiseAndNowhereByDefault) {
    EXPECT_EQ(parsed("").metrics.port, std::nullopt);
    EXPECT_EQ(parsed("[metrics]\nport = 9469").metrics, (MetricsConfig{.port = 9469, .address = "127.0.0.1"}));
    EXPECT_EQ(parsed("[metrics]\nport = 1\naddress = \"::\"").metrics, (MetricsConfig{.port = 1, .address = "::"}));
}

TEST(Config, SectionsAreComparedWithoutCommentsAndTheOrderOfTheirKeys) {
    const auto one = parsed("[service]\nstate = \"/a\"\nmax_connections = 7 # few\n[[listener]]\nname = \"a\"\npath = \"/a\"\n").sections;
    EXPECT_THAT(one, ::testing::UnorderedElementsAre(::testing::Key("service"), ::testing::Key("listener")));
    EXPECT_EQ(parsed("# first\n[[listener]]\npath = \"/a\"\nname = \"a\"\n[service]\nmax_connections = 7\nstate = \"/a\"\n").sections, one);
    EXPECT_NE(parsed("[service]\nstate = \"/b\"\nmax_connections = 7\n[[listener]]\nname = \"a\"\npath = \"/a\"\n").sections.at("service"),
              one.at("service"));
}

TEST(Config, OnlyChangesCanBeToldOf) {
    EXPECT_TRUE(parsed("[log]\naudit = []").audit->none());
    for (const auto *wrong : {"\"extend\"", "[\"read\"]", "[1]", "[\"gap\"]"}) {
        const auto config = parse_config("[log]\naudit = " + std::string(wrong), "mrd.toml");
        ASSERT_FALSE(config) << wrong;
        EXPECT_THAT(config.error(), HasSubstr("mrd.toml:2: log.audit"));
        EXPECT_THAT(config.error(), HasSubstr("there are: extend, cap, create, write, repair"));
    }
}

// The sample as it is, and with what it has as comments taken as written.
TEST(Config, TheSampleIsAcceptedAndItsServiceSectionAndFirstListenerAreTheDefaults) {
    std::ifstream in(places::sample_config());
    std::string as_it_is;
    std::string uncommented;
    for (std::string line; std::getline(in, line);) {
        as_it_is += line + "\n";
        const bool is_key = line.starts_with("# [") ||
                            (line.starts_with("# ") && line.find(" = ") != std::string::npos && line.find('`') == std::string::npos);
        uncommented += (is_key ? line.substr(2) : line) + "\n";
    }
    const auto config = parsed(as_it_is);
    const Config defaults;
    EXPECT_EQ(config.state, defaults.state);
    EXPECT_EQ(config.boot_id_file, defaults.boot_id_file);
    EXPECT_EQ(config.limits.max_connections, defaults.limits.max_connections);
    EXPECT_EQ(config.limits.max_message, defaults.limits.max_message);
    EXPECT_EQ(config.limits.max_buffered, defaults.limits.max_buffered);
    EXPECT_EQ(config.journal.size_limit, defaults.journal.size_limit);
    EXPECT_EQ(config.journal.sync, defaults.journal.sync);
    EXPECT_EQ(config.journal.firmware_log, defaults.journal.firmware_log);
    EXPECT_THAT(config.providers, IsEmpty());
    EXPECT_EQ(parsed(uncommented).providers.size(), 1U);
    EXPECT_EQ(parsed(uncommented).rules.size(), 1U);
    EXPECT_EQ(config.metrics, defaults.metrics);
    EXPECT_EQ(parsed(uncommented).metrics, (MetricsConfig{.port = 9469, .address = "127.0.0.1"}));
    const auto listeners = parsed(uncommented).listeners;
    ASSERT_EQ(listeners.size(), 3U);
    EXPECT_TRUE(listeners[1].bound_only);
    EXPECT_EQ(listeners[0].name, defaults.listeners[0].name);
    EXPECT_EQ(listeners[0].path, defaults.listeners[0].path);
    EXPECT_EQ(listeners[0].mode, defaults.listeners[0].mode);
}

TEST(Config, ADeviceHasAnAddressATransportASlotAndRoots) {
    const auto config = parsed("[[provider]]\ntype = \"spdm\"\naddress = \"[::1]:2323\"\ntransport = \"doe\"\nslot = 4\nroots = \"/r\"\n");
    ASSERT_EQ(config.providers.size(), 1U);
    EXPECT_EQ(config.providers[0].name, "spdm0");
    const auto &device = config.providers[0].device;
    EXPECT_EQ(device.address.text, "[::1]:2323");
    EXPECT_EQ(device.address.bytes.size(), sizeof(sockaddr_in6));
    EXPECT_EQ(device.transport, mr::SpdmTransport::doe);
    EXPECT_EQ(device.slot, 4);
    EXPECT_EQ(device.roots, "/r");
}

TEST(Config, ADeviceHasTheFunctionAndTheReportOfItsInterfaceThatAreConfiguredAndElseNone) {
    const std::string device = "[[provider]]\ntype = \"spdm\"\naddress = \"127.0.0.1:2323\"\nroots = \"/r\"\n";
    const auto none = parsed(device).providers.at(0).device;
    EXPECT_FALSE(none.pci_function);
    EXPECT_TRUE(none.interface_report.empty());
    const auto both = parsed(device + "pci_function = \"00AF:3b:1f.7\"\ninterface_report = \"/i\"\n").providers.at(0).device;
    ASSERT_TRUE(both.pci_function);
    EXPECT_EQ(both.pci_function->text, "00af:3b:1f.7");
    EXPECT_EQ(both.interface_report, "/i");
}

// What one machine's firmware measured is no other's: taken for it, it would look like a gap.
TEST(Config, AFirmwareLogIsOfOneProvider) {
    const std::string log = "[journal]\nfirmware_log = \"/log\"\n";
    const std::string one = "[[provider]]\ntype = \"sim\"\n";
    const std::string two = one + "[[provider]]\ntype = \"sim\"\nname = \"second\"\n";
    EXPECT_TRUE(parse_config(log + one, "c"));
    EXPECT_TRUE(parse_config("[journal]\nfirmware_log = \"none\"\n" + two, "c"));
    EXPECT_TRUE(parse_config(two + "firmware_log = \"/log\"\n", "c"));
    const auto refused = parse_config(log + two, "c");
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), ::testing::HasSubstr("write provider.firmware_log"));
}

TEST(Config, AnEmptyFileIsTheDefaults) { EXPECT_TRUE(load_config("/dev/null")); }

TEST(Config, AProvidersNameHasNoSlashIsShortAndIsThereOnce) {
    const auto two = [](const std::string &first, const std::string &second) {
        return parse_config(
            "[[provider]]\ntype = \"sim\"\nname = \"" + first + "\"\n[[provider]]\ntype = \"sim\"\nname = \"" + second + "\"\n", "c");
    };
    EXPECT_TRUE(two("tdx", "tdx2"));
    EXPECT_FALSE(two("tdx", "tdx"));
    EXPECT_FALSE(two("tdx", "../evil"));
    EXPECT_TRUE(two("tdx", std::string(max_configured_name, 'a')));
    EXPECT_FALSE(two("tdx", std::string(max_configured_name + 1, 'a')));
}

TEST(Config, AKeyOfAHundredThousandPartsIsAnErrorOfItsLine) {
    std::string text = "[service]\n";
    for (int i = 0; i < 100'000; ++i) text += "a.";
    const auto config = parse_config(text + "a = 1\n", "mrd.toml");
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error(), "mrd.toml:2: has more than 100 dots; write a long list on several lines");
    EXPECT_TRUE(parse_config("# " + std::string(100, '.') + "\n# " + std::string(100, '.'), "mrd.toml"));
}

TEST(Config, AFolderInPlaceOfAFileIsAnError) {
    const TemporaryFolder folder;
    EXPECT_FALSE(load_config(folder.path()));
}

// ---- Roles

TEST(ConfigRoles, NameARegisterByItsWholeNameOrNone) {
    const auto config = parse_config("[roles]\napp = \"tdx/rtmr3\"\nboot = \"none\"\ntenants = \"tpm/pcr14:sha256\"", "mrd.toml");
    ASSERT_TRUE(config) << config.error();
    EXPECT_EQ(config->roles, (Roles{{"app", "tdx/rtmr3"}, {"boot", "none"}, {"tenants", "tpm/pcr14:sha256"}}));
}

TEST(ConfigRoles, WhatIsNoRoleOrNoWholeNameIsAnErrorOfThatLine) {
    const auto error_of = [](const std::string &line) {
        const auto config = parse_config("[roles]\n" + line, "mrd.toml");
        return config ? "" : config.error();
    };
    for (const auto *name : {"App", "\"3\"", "\"tdx/rtmr3\"", "none", "\"\""})
        EXPECT_THAT(error_of(std::string(name) + " = \"tdx/rtmr3\""),
                    AllOf(HasSubstr("mrd.toml:2: roles."), HasSubstr("no name of a role")))
            << name;
    for (const auto *reg : {"\"rtmr3\"", "\"app\"", "\"/rtmr3\"", "\"tdx/\"", "\"*/rtmr3\"", "\"tdx/rtmr*\"", "\"tdx/rtmr[23]\"",
                            "\"tdx/rtmr?\"", "\"tdx/rtmr\\u00003\"", "3", "[\"tdx/rtmr3\"]", "\"\""})
        EXPECT_THAT(error_of("app = " + std::string(reg)), AllOf(HasSubstr("mrd.toml:2: roles.app"), HasSubstr("whole name"))) << reg;
    std::string many;
    for (std::size_t i = 0; i <= max_roles; ++i) many += "a" + std::to_string(i) + " = \"tdx/rtmr3\"\n";
    EXPECT_THAT(error_of(many), HasSubstr("at most 64 roles"));
    EXPECT_FALSE(parse_config("roles = 3", "mrd.toml"));
}

// What the start refuses on any machine, --check refuses too.
TEST(ConfigRoles, AndRulesAreOfProvidersThatThereAreUnlessSomeAreToBeFound) {
    const auto wrong = [](const std::string &text) {
        const auto config = parsed("[[provider]]\ntype = \"sim\"\nname = \"tdx\"\n" + text);
        const auto good = check_provider_names(config, config.providers);
        return good ? "" : good.error();
    };
    EXPECT_EQ(wrong("[roles]\nx = \"tdx/rtmr3\"\ny = \"none\"\n[[register]]\nname = \"t?[a-x]/rtmr3\"\n"), "");
    EXPECT_EQ(wrong("[roles]\nx = \"other/rtmr3\"\n"), "roles.x = \"other/rtmr3\": no provider is called other; there are: tdx");
    EXPECT_EQ(wrong("[[register]]\nname = \"td/rtmr3\"\n"), "register.name = \"td/rtmr3\": no provider is called td; there are: tdx");
    EXPECT_EQ(wrong("[roles]\ntdx = \"tdx/rtmr3\"\n"), "roles.tdx: a provider is called so; give the role another name");
    EXPECT_EQ(wrong("[[register]]\nname = \"app\"\n[[register]]\nname = \"x\"\n[roles]\nx = \"tdx/rtmr3\"\n"), "");
    EXPECT_THAT(wrong("[[register]]\nname = \"app\"\n[roles]\napp = \"none\"\n"),
                HasSubstr("register.name = \"app\": no register of this machine has the role app, says roles.app"));
    const std::string itself = "[service]\nmeasure_itself = ";
    for (const std::string good : {"\"tdx/rtmr3\"", "\"config\"", "\"none\"", "\"rtmr2\""}) EXPECT_EQ(wrong(itself + good), "") << good;
    for (const std::string reg : {"other/rtmr3", "virtual/x"})
        EXPECT_THAT(wrong(itself + "\"" + reg + "\""), HasSubstr("service.measure_itself = \"" + reg + "\": no provider is called"));
    EXPECT_THAT(wrong(itself + "\"tdx/rtmr*\""), HasSubstr("is a pattern: name one register"));
    EXPECT_THAT(wrong(itself + "\"config\"\n[roles]\nconfig = \"none\"\n"),
                HasSubstr("no register of this machine has the role config, says roles.config"));
    const std::string found = "[[provider]]\ntype = \"auto\"\n";
    EXPECT_EQ(wrong(itself + "\"other/rtmr3\"\n" + found), "");
    EXPECT_EQ(wrong("[roles]\nx = \"other/rtmr3\"\nauto = \"tdx/rtmr3\"\n[[register]]\nname = \"snp/*\"\n" + found), "");
    EXPECT_EQ(wrong("[roles]\ntdx = \"tdx/rtmr3\"\n" + found), "roles.tdx: a provider is called so; give the role another name");
}

TEST(ConfigRoles, GivenToOneRegisterOfWhichTheRulesContradictAreRefusedBeforeAnyIsThere) {
    const auto wrong = [](const std::string &roles, const std::string &rules) {
        const auto config = parsed("[[provider]]\ntype = \"auto\"\n[roles]\n" + roles + rules);
        const auto good = check_provider_names(config, config.providers);
        return good ? "" : good.error();
    };
    const std::string both = "app = \"tdx/rtmr3\"\nconfig = \"tdx/rtmr3\"\n";
    const auto rule = [](const std::string &name, const std::string &log_only) {
        return "[[register]]\nname = \"" + name + "\"\nlog_only = " + log_only + "\n";
    };
    EXPECT_THAT(wrong(both, rule("app", "true") + rule("config", "false")),
                AllOf(HasSubstr("\"app\""), HasSubstr("\"config\""), HasSubstr("say different things of tdx/rtmr3")));
    for (const std::string name : {"tdx/rtmr3", "tdx/*", "t?x/rtmr[0-3]"})
        EXPECT_THAT(wrong(both, rule("app", "true") + rule(name, "true")), HasSubstr("are both of tdx/rtmr3")) << name;
    EXPECT_THAT(wrong("app = \"tdx/rtmr3:sha384\"\n", rule("tdx/rtmr3", "true") + rule("app", "true")), HasSubstr("are both of tdx/rtmr3"));
    EXPECT_EQ(wrong(both, rule("app", "true") + rule("config", "true")), "");
    EXPECT_EQ(wrong(both, rule("app", "true") + rule("tdx/rtmr2", "false")), "");
    EXPECT_EQ(wrong(both, rule("tdx/*", "true") + rule("tdx/rtmr3", "false")), "") << "the later one wins";
    const std::string apart = "app = \"tdx/rtmr3\"\nconfig = \"tdx/rtmr2\"\n";
    EXPECT_EQ(wrong(apart, rule("app", "true") + rule("config", "false")), "");
    EXPECT_EQ(wrong("app = \"tpm/pcr8:sha256\"\n", rule("app", "true") + rule("tpm/pcr8:sha384", "true")), "") << "it is another bank's";
    EXPECT_EQ(wrong("", rule("app", "true") + rule("config", "false")), "") << "of which register they are the machine says";
}

// ---- Rules

std::vector<RegisterSpec> some_registers() {
    return {fake_register("mrtd", "R"), fake_register("rtmr2", "XWRL"), fake_register("rtmr3", "XWRL"), fake_register("log", "XRL")};
}

std::vector<RegisterSpec> ruled(const std::vector<RegisterRule> &rules) {
    auto registers = apply_rules("tdx", some_registers(), rules);
    EXPECT_TRUE(registers) << registers.error();
    return registers.value_or(std::vector<RegisterSpec>());
}

TEST(ConfigRules, ARuleChangesTheRegistersWhoseWholeNameMatchesAndNoOther) {
    const auto registers = ruled({{"tdx/rtmr?", mr::Owner::shared, {}}});
    EXPECT_EQ(registers[0].owner, mr::Owner::owned);
    EXPECT_EQ(registers[1].owner, mr::Owner::shared);
    EXPECT_EQ(registers[2].owner, mr::Owner::shared);
    EXPECT_EQ(registers[3].owner, mr::Owner::owned);
    EXPECT_EQ(registers[1].flags.to_string(), "XWRL");
    for (const auto *pattern : {"rtmr2", "*", "tpm/*", "tdx/rtmr"}) {
        EXPECT_EQ(ruled({{pattern, mr::Owner::shared, {}}})[1].owner, mr::Owner::owned) << pattern;
    }
}

TEST(ConfigRules, WhoseHashIsNotKnownYetMayTurnOutToBeTheOneThatIsNamed) {
    auto realm = fake_register("rem0", "RL");
    realm.hash.reset();
    realm.hash_by_value = true;
    for (const auto *pattern : {"cca/rem0:sha256", "cca/rem0:sha512", "cca/rem?:*", "cca/rem0"})
        EXPECT_TRUE(matches({pattern, mr::Owner::shared, {}}, "cca", realm)) << pattern;
    for (const auto *pattern : {"cca/rem0:sha1", "cca/rem1:sha256", "tdx/rem0:sha256"})
        EXPECT_FALSE(matches({pattern, mr::Owner::shared, {}}, "cca", realm)) << pattern;
    realm.hash = mr::HashAlgorithm::sha256;
    EXPECT_TRUE(matches({"cca/rem0:sha256", mr::Owner::shared, {}}, "cca", realm));
    EXPECT_FALSE(matches({"cca/rem0:sha512", mr::Owner::shared, {}}, "cca", realm));
    const auto was_for_another = [&realm](const std::string &pattern) {
        return was_for_another_bank({pattern, mr::Owner::shared, {}}, "cca", realm);
    };
    EXPECT_TRUE(was_for_another("cca/rem0:sha512"));
    for (const auto *pattern : {"cca/rem0:sha256", "cca/rem0", "cca/rem1:sha512", "cca/rem0:sha1"})
        EXPECT_FALSE(was_for_another(pattern)) << pattern;
    realm.hash.reset();
    EXPECT_FALSE(was_for_another("cca/rem0:sha512")) << "nobody knows yet";
}

// rtmr2 is boot, rtmr3 app and config.
std::expected<std::vector<RegisterSpec>, std::string> ruled_by_roles(const std::vector<RegisterRule> &rules) {
    auto registers = some_registers();
    registers[1].roles = {"boot"};
    registers[2].roles = {"app", "config"};
    return apply_rules("tdx", std::move(registers), rules);
}

TEST(ConfigRules, ARoleIsANameOfTheRegisterThatHasIt) {
    const auto registers = ruled_by_roles({{"app", {}, true}, {"config", mr::Owner::shared, true}});
    ASSERT_TRUE(registers) << registers.error();
    EXPECT_EQ((*registers)[1].flags.to_string(), "XWRL");
    EXPECT_EQ((*registers)[2].flags.to_string(), "XRL");
    EXPECT_EQ((*registers)[2].owner, mr::Owner::shared);
}

// Which of them comes later says nothing where the roles are of other registers on the next machine.
TEST(ConfigRules, OfARegisterByItsRoleAndByItsNameOrByRolesThatContradictAreAnErrorThatNamesBoth) {
    const auto why = [](const std::vector<RegisterRule> &rules) {
        const auto registers = ruled_by_roles(rules);
        return registers ? "" : registers.error();
    };
    for (const auto &[one, other] : {std::pair("app", "tdx/rtmr3"), std::pair("tdx/rtmr*", "app"), std::pair("tdx/rtmr3:sha384", "config")})
        EXPECT_THAT(why({{one, {}, true}, {other, mr::Owner::shared, {}}}),
                    AllOf(HasSubstr("register.name = \"" + std::string(one) + "\""),
                          HasSubstr("register.name = \"" + std::string(other) + "\""), HasSubstr("tdx/rtmr3")));
    EXPECT_THAT(why({{"app", {}, true}, {"config", {}, false}}), AllOf(HasSubstr("\"app\""), HasSubstr("\"config\"")));
    EXPECT_THAT(why({{"app", mr::Owner::owned, {}}, {"config", mr::Owner::shared, {}}}), HasSubstr("say different things of tdx/rtmr3"));
    EXPECT_EQ(why({{"app", {}, true}, {"boot", {}, false}, {"tdx/mrtd", mr::Owner::shared, {}}}), "") << "they are of several";
}

TEST(ConfigRules, LogOnlyTakesTheWAwayAndGivesIt) {
    EXPECT_EQ(ruled({{"tdx/rtmr3", {}, true}})[2].flags.to_string(), "XRL");
    EXPECT_EQ(ruled({{"tdx/log", {}, false}})[3].flags.to_string(), "XWRL");
    EXPECT_EQ(ruled({{"tdx/rtmr3", {}, true}})[1].flags.to_string(), "XWRL");
}

TEST(ConfigRules, ALaterRuleWins) {
    const auto registers = ruled({{"tdx/rtmr*", mr::Owner::observed, true}, {"tdx/rtmr3", mr::Owner::owned, false}});
    EXPECT_EQ(registers[1].owner, mr::Owner::observed);
    EXPECT_EQ(registers[1].flags.to_string(), "XRL");
    EXPECT_EQ(registers[2].owner, mr::Owner::owned);
    EXPECT_EQ(registers[2].flags.to_string(), "XWRL");
}

TEST(ConfigRules, LogOnlyOfARegisterThatCannotBeExtendedIsAnErrorThatNamesIt) {
    const auto registers = apply_rules("tdx", some_registers(), {{"tdx/mrtd", {}, true}});
    ASSERT_FALSE(registers);
    EXPECT_THAT(registers.error(), HasSubstr("\"tdx/mrtd\""));
}

}  // namespace
}  // namespace mrd
