// mrd as a process, and beside it a device that answers over SPDM: it is plugged and unplugged, reset, hangs, lies, and gets other keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include "mr/envelope.h"
#include "mr/spdm_evidence.h"
#include "proto/varlink/file_descriptor.h"
#include "tests/attestation/tee/tdisp/interface_report.h"
#include "tests/integration/as_user.h"
#include "tests/integration/mrctl.h"
#include "tests/spdm/responder.h"

namespace mrd {
namespace {

using mr::ErrorCode;
using mr::spdm_test::Block;
using mr::spdm_test::BlockType;
using mr::spdm_test::DeviceOptions;
using mr::spdm_test::Fault;
using mr::spdm_test::Framing;
using mr::spdm_test::Responder;
using mr::spdm_test::SlotPki;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::uint8_t get_digests = 0x81;
constexpr std::uint8_t get_measurements = 0xE0;
constexpr const char *firmware = "spdm0/fw2";

mr::Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

Block firmware_block(std::string_view content) { return {.index = 2, .type = BlockType::firmware, .content = bytes_of(content)}; }

DeviceOptions usual_device() {
    DeviceOptions options;
    options.blocks = {{.index = 1, .type = BlockType::rom, .content = bytes_of("rom")},
                      firmware_block("firmware 1"),
                      {.index = 7, .type = BlockType::svn, .is_raw = true, .content = {5, 0, 0, 0, 0, 0, 0, 0}}};
    return options;
}

// Everything that Watch tells, from the start on.
class Watching {
public:
    explicit Watching(const Daemon &daemon)
        : thread_([this, client = daemon.client()]() mutable {
              (void)client.watch({}, [this](const mr::Change &change) {
                  const std::lock_guard lock(mutex_);
                  told_.push_back(change.reading.name + (change.gone ? " gone" : " = " + mr::to_hex(change.reading.value)));
                  changed_.notify_all();
                  return true;
              });
          }) {}
    Watching(const Watching &) = delete;
    Watching &operator=(const Watching &) = delete;
    // Precondition: the daemon has ended.
    ~Watching() { thread_.join(); }

    // Waits until one that begins so is told behind the last that was waited for.
    bool wait_for(const std::string &beginning) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::minutes(1), [&] {
            while (next_ < told_.size()) {
                if (told_[next_++].starts_with(beginning)) return true;
            }
            return false;
        });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> told_;
    std::size_t next_ = 0;
    std::thread thread_;
};

class DeviceTest : public MrctlTest {
protected:
    // mrd on the simulator, and one device; returns when its registers are there.
    void start_with(DeviceOptions options) {
        start_absent(std::move(options));
        ASSERT_TRUE(watching_->wait_for(std::string(firmware) + " ="));
    }
    void start_absent(DeviceOptions options, bool is_plugged = true, const std::string &roots = {}) {
        const auto *const transport = options.framing == Framing::doe ? "doe" : "mctp";
        device_.emplace(std::move(options), is_plugged);
        std::ofstream(folder() / "roots.pem") << (roots.empty() ? device_->slot(0).root_pem() : roots);
        start({.arguments = {}, .config = "[[provider]]\ntype = \"sim\"\n" + provider_of(*device_, "roots.pem", transport) + more_config_});
        watching_.emplace(daemon());
    }
    // Its table of the configuration.
    [[nodiscard]] std::string provider_of(const Responder &device, const std::string &roots, const std::string &transport = "mctp") const {
        return "[[provider]]\ntype = \"spdm\"\naddress = \"127.0.0.1:" + std::to_string(device.port()) + "\"\ntransport = \"" + transport +
               "\"\nroots = \"" + (folder() / roots).native() + "\"\n";
    }
    void add_to_config(const std::string &tables) { more_config_ = tables; }
    void TearDown() override {
        daemon().stop();
        watching_.reset();
    }

    mr::DeviceDescription described() {
        auto client = daemon().client();
        auto told = client.device("spdm0");
        if (!told) throw std::runtime_error(told.error().message);
        return std::move(*told);
    }
    std::int64_t generation() { return described().device.generation.value_or(0); }

    // As a verifier sees it, who trusts the device's root.
    std::expected<mr::SpdmVerified, mr::SpdmError> verified(const std::string &json, mr::ByteView nonce) {
        const auto document = Json::parse(json);
        mr::SpdmEvidence evidence;
        evidence.transcript = mr::from_base64(document["transcript"].get<std::string>()).value();
        evidence.signature = mr::from_base64(document["signature"].get<std::string>()).value();
        evidence.chain = mr::from_base64(document["chain"].get<std::string>()).value();
        evidence.slot = document["slot"].get<std::uint8_t>();
        evidence.version = mr::spdm_version_from(document["version"].get<std::string>()).value();
        std::ranges::copy(nonce, evidence.nonce.begin());
        return mr::verify_spdm(evidence, evidence.nonce, {.roots = {device_->slot(0).root_der()}});
    }

    Responder &device() { return *device_; }
    Watching &watching() { return *watching_; }

private:
    std::string more_config_;
    std::optional<Responder> device_;
    std::optional<Watching> watching_;
};

std::string digest_hex(std::string_view content) { return mr::to_hex(digest_of(content).bytes()); }
mr::Bytes nonce_of(std::uint8_t byte) { return mr::Bytes(32, byte); }

TEST_F(DeviceTest, ItsBlocksAreRegistersThatAreOnlyRead) {
    start_with(usual_device());
    auto client = daemon().client();
    const auto lines = output({"list"});
    EXPECT_THAT(lines, HasSubstr("spdm0/fw2 RL sha384 48 owned - unbound"));
    EXPECT_THAT(lines, HasSubstr("spdm0/svn7 RL - 8 owned - unbound"));
    EXPECT_EQ(mr::to_hex(client.read(firmware)->value), digest_hex("firmware 1"));
    EXPECT_EQ(mr::to_hex(client.read("spdm0/svn7")->value), "0500000000000000");
    EXPECT_EQ(client.extend(firmware, digest_of("x")).error().code, ErrorCode::not_extensible);
    EXPECT_EQ(client.write(firmware, mr::Bytes(48)).error().code, ErrorCode::not_writable);
}

TEST_F(DeviceTest, IsDescribedWithItsIdentityAndBothFactsOfFreshness) {
    start_with(usual_device());
    const auto told = described();
    EXPECT_TRUE(told.device.is_present);
    EXPECT_THAT(told.identity, HasSubstr("CN=device"));
    EXPECT_EQ(told.pci, "Vendor=1234:Device=5678:CC=030200:REV=01:SSVID=1AF4:SSID=1100");
    EXPECT_EQ(told.device.leaf, "sha384:" + mr::to_hex(mr::hash(mr::HashAlgorithm::sha384, device().slot(0).leaf_der())->bytes()));
    EXPECT_EQ(told.root, "sha384:" + mr::to_hex(mr::hash(mr::HashAlgorithm::sha384, device().slot(0).root_der())->bytes()));
    EXPECT_EQ(told.version, "1.2");
    EXPECT_TRUE(told.value_is_fresh);
    EXPECT_EQ(told.nonce.size(), 32U);
    EXPECT_GT(told.signed_at, 0);
    EXPECT_EQ(told.link, "not known: no secured session, the TSM owns it");
    EXPECT_EQ(told.tdi, told.link);
    ASSERT_EQ(told.blocks.size(), 3U);
    EXPECT_EQ(told.blocks[1].register_name, firmware);
    EXPECT_FALSE(told.verdict);
}

TEST_F(DeviceTest, ReadServesTheCacheAndFreshAsksTheDevice) {
    start_with(usual_device());
    auto client = daemon().client();
    const auto asked = device().requests();
    for (int i = 0; i < 10; ++i) EXPECT_EQ(mr::to_hex(client.read(firmware)->value), digest_hex("firmware 1"));
    EXPECT_EQ(device().requests(), asked);
    const auto fresh = client.read(firmware, {.fresh = true});
    ASSERT_TRUE(fresh) << fresh.error().message;
    EXPECT_TRUE(fresh->refreshed);
    EXPECT_GT(device().requests(), asked);
}

TEST_F(DeviceTest, ThatLiesAboutNoChangeIsComparedAndNotBelieved) {
    start_with(usual_device());
    auto client = daemon().client();
    const auto before = generation();
    device().change(firmware_block("firmware 2"));
    device().fault_next(get_measurements, Fault::says_unchanged);
    const auto fresh = client.read(firmware, {.fresh = true});
    ASSERT_TRUE(fresh) << fresh.error().message;
    EXPECT_EQ(mr::to_hex(fresh->value), digest_hex("firmware 2"));
    EXPECT_TRUE(watching().wait_for(std::string(firmware) + " = " + digest_hex("firmware 2")));
    EXPECT_GT(generation(), before);
}

TEST_F(DeviceTest, ThatIsAskedAndHasNotChangedStaysInItsGeneration) {
    start_with(usual_device());
    auto client = daemon().client();
    const auto before = generation();
    EXPECT_TRUE(client.read(firmware, {.fresh = true}));
    EXPECT_TRUE(client.device_evidence("spdm0", nonce_of(1)));
    EXPECT_EQ(generation(), before);
}

TEST_F(DeviceTest, ThatIsUnpluggedTakesItsRegistersAlongAndComesBackInAnotherGeneration) {
    start_with(usual_device());
    auto client = daemon().client();
    const auto before = generation();
    device().unplug();
    ASSERT_TRUE(watching().wait_for(std::string(firmware) + " gone"));
    EXPECT_EQ(client.read(firmware).error().code, ErrorCode::no_such_register);
    EXPECT_EQ(client.device_evidence("spdm0", nonce_of(1)).error().code, ErrorCode::device_absent);
    EXPECT_FALSE(described().device.is_present);
    device().plug();
    ASSERT_TRUE(watching().wait_for(std::string(firmware) + " ="));
    EXPECT_GT(generation(), before);
}

TEST_F(DeviceTest, MayComeAfterMrd) {
    start_absent(usual_device(), false);
    EXPECT_THAT(output({"device", "list"}), HasSubstr("spdm0 absent - "));
    device().plug();
    ASSERT_TRUE(watching().wait_for(std::string(firmware) + " ="));
    EXPECT_THAT(output({"device", "list"}), HasSubstr("spdm0 present "));
}

TEST_F(DeviceTest, ThatIsResetIsAnotherGenerationThoughNothingElseHasChanged) {
    start_with(usual_device());
    auto client = daemon().client();
    const auto before = generation();
    device().reset();
    const auto evidence = client.device_evidence("spdm0", nonce_of(1));
    ASSERT_TRUE(evidence) << evidence.error().message;
    EXPECT_TRUE(watching().wait_for(std::string(firmware) + " gone"));
    EXPECT_TRUE(watching().wait_for(std::string(firmware) + " = " + digest_hex("firmware 1")));
    EXPECT_GT(generation(), before);
    EXPECT_EQ(Json::parse(evidence->json)["generation"], generation());
}

TEST_F(DeviceTest, ThatMeasuresAtItsResetAloneSaysSoAndShowsAChangeAfterIt) {
    auto options = usual_device();
    options.measures_anew = false;
    start_with(std::move(options));
    auto client = daemon().client();
    EXPECT_FALSE(described().value_is_fresh);
    device().change(firmware_block("firmware 2"));
    EXPECT_EQ(mr::to_hex(client.read(firmware, {.fresh = true})->value), digest_hex("firmware 1"))
        << "the signature is fresh, the value is not";
    device().reset();
    EXPECT_TRUE(client.device_evidence("spdm0", nonce_of(1)));
    EXPECT_TRUE(watching().wait_for(std::string(firmware) + " = " + digest_hex("firmware 2")));
}

TEST_F(DeviceTest, WithAnotherCertificateIsAnotherGeneration) {
    start_with(usual_device());
    auto client = daemon().client();
    const auto before = described();
    auto other = device().slot(0);
    other.key = mr::spdm_test::new_key(false);
    other.leaf = mr::spdm_test::new_certificate({"other"}, other.key, other.root.get(), other.root_key, false);
    device().give_slot(0, other);
    EXPECT_TRUE(client.device_evidence("spdm0", nonce_of(1)));
    ASSERT_TRUE(watching().wait_for(std::string(firmware) + " gone"));
    ASSERT_TRUE(watching().wait_for(std::string(firmware) + " ="));
    const auto after = described();
    EXPECT_NE(after.device.leaf, before.device.leaf);
    EXPECT_GT(after.device.generation, before.device.generation);
}

TEST_F(DeviceTest, WithoutATrustedRootIsNotThere) {
    start_absent(usual_device(), true, SlotPki("somebody else").root_pem());
    ASSERT_TRUE(device().wait_for(get_measurements, 2)) << "it is looked for again";
    const auto told = described();
    EXPECT_FALSE(told.device.is_present);
    EXPECT_THAT(told.device.reason, HasSubstr("untrusted_root"));
    EXPECT_THAT(output({"list"}), Not(HasSubstr("spdm0/")));
    // Its provider runs.
    const auto status = json({"status"})["status"];
    EXPECT_EQ(status["devices"], (Json::array({{{"name", "spdm0"}, {"present", false}, {"reason", told.device.reason}}})));
    EXPECT_THAT(output({"metrics"}),
                AllOf(HasSubstr("\nmrd_provider_up{provider=\"spdm0\"} 1\n"), HasSubstr("\nmrd_device_present{device=\"spdm0\"} 0\n")));
}

TEST_F(DeviceTest, ThatIsThereIsPresentInStatusAndMetrics) {
    start_with(usual_device());
    EXPECT_EQ(json({"status"})["status"]["devices"], (Json::array({{{"name", "spdm0"}, {"present", true}}})));
    EXPECT_THAT(output({"metrics"}), HasSubstr("\nmrd_device_present{device=\"spdm0\"} 1\n"));
}

TEST_F(DeviceTest, ThatNeverAnswersDelaysNobody) {
    start_with(usual_device());
    device().fault_next(get_digests, Fault::hang);
    std::mutex mutex;
    std::optional<ErrorCode> answered;
    std::thread asking([this, &mutex, &answered] {
        auto client = daemon().client();
        const auto evidence = client.device_evidence("spdm0", nonce_of(1));
        const std::lock_guard lock(mutex);
        answered = evidence ? ErrorCode::remote : evidence.error().code;
    });
    EXPECT_TRUE(device().wait_for(get_digests, 2));
    auto client = daemon().client();
    constexpr int calls = 50;
    int served = 0;
    for (int i = 0; i < calls; ++i) {
        served += client.extend("tdx/rtmr3", digest_of("x")) ? 1 : 0;
        served += client.read(firmware) ? 1 : 0;
        served += client.device("spdm0") ? 1 : 0;
    }
    {
        const std::lock_guard lock(mutex);
        EXPECT_FALSE(answered) << "all of it was served while the device was asked";
    }
    EXPECT_EQ(served, 3 * calls);
    asking.join();
    EXPECT_EQ(answered, ErrorCode::device_timeout);
    EXPECT_TRUE(watching().wait_for(std::string(firmware) + " gone")) << "who does not answer is not there";
}

TEST_F(DeviceTest, WhoWaitsBehindOneThatHangsIsAnsweredAtHisOwnDeadline) {
    start_with(usual_device());
    device().fault_next(get_digests, Fault::hang);
    std::thread asking([this] {
        auto client = daemon().client();
        EXPECT_FALSE(client.device_evidence("spdm0", nonce_of(1)));
    });
    EXPECT_TRUE(device().wait_for(get_digests, 2));
    auto client = daemon().client();
    EXPECT_EQ(client.device_evidence("spdm0", nonce_of(2), std::chrono::milliseconds(50)).error().code, ErrorCode::device_timeout);
    EXPECT_TRUE(client.read(firmware)) << "the first is still waiting, and the device still there";
    asking.join();
}

// One that takes so long to sign as it may ask for, and holds the next signature.
DeviceOptions slow_device() {
    auto options = usual_device();
    options.crypto_time_exponent = 23;
    return options;
}

TEST_F(DeviceTest, IsNotGivenUpBecauseWhoAsksHasLittleTime) {
    start_with(slow_device());
    const auto before = generation();
    device().fault_next(get_measurements, Fault::hold);
    auto client = daemon().client();
    EXPECT_EQ(client.device_evidence("spdm0", nonce_of(1), std::chrono::milliseconds(1)).error().code, ErrorCode::device_timeout);
    device().release();
    const auto evidence = client.device_evidence("spdm0", nonce_of(2));
    ASSERT_TRUE(evidence) << evidence.error().message;
    EXPECT_EQ(Json::parse(evidence->json)["generation"], before);
    EXPECT_EQ(generation(), before);
}

// mrd does not wait until the device has used up its time, and found it gone.
TEST_F(DeviceTest, ThatIsBeingAskedHoldsUpNoEndOfMrd) {
    start_with(slow_device());
    device().fault_next(get_measurements, Fault::hang);
    std::thread asking([this] {
        auto client = daemon().client();
        EXPECT_FALSE(client.device_evidence("spdm0", nonce_of(1)));
    });
    EXPECT_TRUE(device().wait_for(get_measurements, 2));
    EXPECT_EQ(daemon().stop(), 0);
    asking.join();
    EXPECT_THAT(daemon().log(), Not(HasSubstr("a device has gone")));
}

// What it tells of a device it knows without asking it.
TEST_F(DeviceTest, ThatHangsDelaysNoStatus) {
    start_with(slow_device());
    device().fault_next(get_measurements, Fault::hold);
    std::thread asking([this] {
        auto waiting = daemon().client();
        EXPECT_TRUE(waiting.device_evidence("spdm0", nonce_of(1)));
    });
    EXPECT_TRUE(device().wait_for(get_measurements, 2));
    EXPECT_THAT(mrctl({"status"}).out, HasSubstr("provider spdm0"));
    EXPECT_EQ(device().requests_of(get_measurements), 2U) << "it still holds its answer";
    device().release();
    asking.join();
    EXPECT_EQ(mrctl({"status"}).exit_code, 0);
    EXPECT_EQ(device().requests_of(get_measurements), 2U);
}

// Whose log there is none of.
TEST_F(DeviceTest, IsNotAskedForAReplay) {
    start_with(slow_device());
    const auto before = device().requests_of(get_measurements);
    const auto done = mrctl({"replay"});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(device().requests_of(get_measurements), before);
}

TEST_F(DeviceTest, ThatHangsDelaysNoOtherDevice) {
    Responder other(usual_device());
    std::ofstream(folder() / "other.pem") << other.slot(0).root_pem();
    auto table = provider_of(other, "other.pem");
    add_to_config(table + "name = \"nic\"\n");
    start_with(slow_device());
    auto client = daemon().client();
    while (!client.device("nic")->device.is_present) (void)other.wait_for(get_measurements, 1);
    device().fault_next(get_measurements, Fault::hold);
    std::thread asking([this] {
        auto waiting = daemon().client();
        EXPECT_TRUE(waiting.device_evidence("spdm0", nonce_of(1)));
    });
    EXPECT_TRUE(device().wait_for(get_measurements, 2));
    for (std::uint8_t i = 1; i <= 5; ++i) {
        EXPECT_TRUE(client.device_evidence("nic", nonce_of(i)));
        EXPECT_TRUE(client.read("nic/fw2", {.fresh = true}));
    }
    EXPECT_EQ(device().requests_of(get_measurements), 2U) << "it still holds its answer";
    device().release();
    asking.join();
}

// Many calls for evidence at once, each on a connection of its own: the first of their answers, while all wait for a device that holds its own.
std::string first_answer(const std::string &socket, std::size_t calls) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket.c_str(), sizeof(address.sun_path) - 1);
    const auto call = R"({"method":"io.mrd.Devices.Evidence","parameters":{"device":"spdm0","nonce":")" + mr::to_hex(nonce_of(9)) + "\"}}";
    std::vector<varlink::FileDescriptor> clients;
    std::vector<pollfd> answers;
    for (std::size_t i = 0; i < calls; ++i) {
        clients.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(clients.back().get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0) return "no connection";
        if (::send(clients.back().get(), call.c_str(), call.size() + 1, MSG_NOSIGNAL) < 0) return "not sent";
        answers.push_back({clients.back().get(), POLLIN, 0});
    }
    std::string first;
    std::size_t answered = 0;
    // All but those that wait are refused: when they are, those do.
    while (answered + 16 < calls && ::poll(answers.data(), answers.size(), 60'000) > 0) {
        for (auto &each : answers) {
            if (each.revents == 0) continue;
            std::array<char, 1024> bytes{};
            const auto size = ::recv(each.fd, bytes.data(), bytes.size(), 0);
            if (first.empty() && size > 0) first.assign(bytes.data(), static_cast<std::size_t>(size));
            each.fd = -1;
            ++answered;
        }
    }
    return first;
}

TEST_F(DeviceTest, OneUsersCallsLeaveOthersTheirShare) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    constexpr uid_t many = 41'000;
    constexpr uid_t other = 41'001;
    ASSERT_EQ(::chmod(folder().c_str(), 0711), 0) << "to the socket everybody may come";
    add_to_config("[[access]]\nname = \"verifiers\"\nusers = [41000, 41001]\nallow = [\"list\", \"read\", \"quote\"]\n");
    start_with(slow_device());
    device().fault_next(get_measurements, Fault::hold);
    const auto ask = [this] {
        auto client = daemon().client();
        const auto evidence = client.device_evidence("spdm0", nonce_of(1));
        return evidence ? std::string("evidence") : evidence.error().message;
    };
    std::string by_root;
    std::thread asking([&] { by_root = ask(); });
    EXPECT_TRUE(device().wait_for(get_measurements, 2));
    EXPECT_THAT(as_user({many}, [this] { return first_answer(daemon().socket(), 80); }),
                AllOf(HasSubstr("io.mrd.Devices.Busy"), HasSubstr("16 calls for evidence of this device of uid 41000")));
    std::string by_other;
    std::thread asking_too([&] { by_other = as_user({other}, ask); });
    device().release();
    asking.join();
    asking_too.join();
    EXPECT_EQ(by_root, "evidence");
    EXPECT_EQ(by_other, "evidence");
    EXPECT_EQ(as_user({many}, ask), "evidence") << "their places are given back";
}

TEST_F(DeviceTest, GivesTwoClientsEachASignatureOverHisNonce) {
    start_with(usual_device());
    std::vector<std::string> documents(2);
    std::vector<std::thread> asking;
    for (std::size_t i = 0; i < documents.size(); ++i) {
        asking.emplace_back([this, i, &documents] {
            auto client = daemon().client();
            const auto evidence = client.device_evidence("spdm0", nonce_of(static_cast<std::uint8_t>(i + 1)));
            if (evidence) documents[i] = evidence->json;
        });
    }
    for (auto &each : asking) each.join();
    for (std::size_t i = 0; i < documents.size(); ++i) {
        ASSERT_THAT(documents[i], Not(IsEmpty()));
        const auto good = verified(documents[i], nonce_of(static_cast<std::uint8_t>(i + 1)));
        EXPECT_TRUE(good) << good.error().message;
        const auto other = verified(documents[i], nonce_of(static_cast<std::uint8_t>(2 - i)));
        ASSERT_FALSE(other);
        EXPECT_EQ(other.error().fault, mr::SpdmFault::wrong_nonce);
    }
}

TEST_F(DeviceTest, WithAWrongSignatureOrAnOldAnswerOrNoneInItsStateGivesNoEvidenceAndIsMetAgain) {
    start_with(usual_device());
    for (const auto fault : {Fault::wrong_signature, Fault::stale_nonce, Fault::close_mid_message, Fault::unexpected}) {
        device().fault_next(get_measurements, fault);
        auto client = daemon().client();
        const auto evidence = client.device_evidence("spdm0", nonce_of(1));
        ASSERT_FALSE(evidence);
        EXPECT_EQ(evidence.error().code, fault == Fault::close_mid_message ? ErrorCode::device_absent : ErrorCode::device_failed)
            << evidence.error().message;
        EXPECT_TRUE(watching().wait_for(std::string(firmware) + " gone"));
        EXPECT_TRUE(watching().wait_for(std::string(firmware) + " ="));
    }
}

// Behind version, digests and chain: the connection begins anew, once, and the caller has his answer.
TEST_F(DeviceTest, ThatForgetsTheConnectionAtItsMeasurementsIsConnectedOnceMore) {
    start_absent(usual_device(), false);
    device().fault_next(get_measurements, Fault::resynch);
    device().plug();
    ASSERT_TRUE(watching().wait_for(std::string(firmware) + " ="));
    EXPECT_EQ(device().requests_of(get_measurements), 2U);
    const auto before = generation();
    auto client = daemon().client();
    device().fault_next(get_measurements, Fault::resynch);
    const auto evidence = client.device_evidence("spdm0", nonce_of(1));
    ASSERT_TRUE(evidence) << evidence.error().message;
    EXPECT_TRUE(verified(evidence->json, nonce_of(1)));
    EXPECT_TRUE(watching().wait_for(std::string(firmware) + " gone"));
    EXPECT_TRUE(watching().wait_for(std::string(firmware) + " ="));
    EXPECT_GT(generation(), before);
}

TEST_F(DeviceTest, MayBeBusyAndNotReady) {
    start_with(usual_device());
    auto client = daemon().client();
    const auto before = generation();
    for (const auto fault : {Fault::busy, Fault::not_ready}) {
        device().fault_next(get_measurements, fault);
        const auto evidence = client.device_evidence("spdm0", nonce_of(1));
        ASSERT_TRUE(evidence) << evidence.error().message;
        EXPECT_TRUE(verified(evidence->json, nonce_of(1)));
    }
    EXPECT_EQ(generation(), before);
}

TEST_F(DeviceTest, MaySpeakOtherVersionsOverDoeInChunks) {
    for (const std::uint8_t version : std::initializer_list<std::uint8_t>{0x11, 0x12, 0x13, 0x14}) {
        auto options = usual_device();
        options.framing = Framing::doe;
        options.version = version;
        options.is_p256 = version == 0x13;
        if (version >= 0x12) options.transfer_size = 256;
        start_with(std::move(options));
        auto client = daemon().client();
        EXPECT_EQ(described().version, "1." + std::to_string(version & 0xFU));
        EXPECT_TRUE(client.device_evidence("spdm0", nonce_of(1)));
        TearDown();
    }
    start_with(usual_device());
}

// ---- What is decided

constexpr const char *policy =
    "sha384:"
    "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f";

TEST_F(DeviceTest, IsAcceptedByAnEventOfMrdThatNamesGenerationLeafAndPolicy) {
    start_with(usual_device());
    auto client = daemon().client();
    const auto accepted = client.accept_device("spdm0", generation(), policy);
    ASSERT_TRUE(accepted) << accepted.error().message;
    const auto told = described();
    ASSERT_TRUE(told.verdict);
    EXPECT_TRUE(told.verdict->holds);
    EXPECT_EQ(told.verdict->policy_digest, policy);
    EXPECT_EQ(told.verdict->sequence, *accepted);
    std::optional<mr::LogRecord> record;
    EXPECT_TRUE(client.records(*accepted, false, [&record](const mr::LogRecord &each) {
        if (!record) record = each;
        return true;
    }));
    ASSERT_TRUE(record && record->data);
    EXPECT_EQ(record->name, "tdx/rtmr3");
    const auto envelope = mr::decode_envelope(*record->data);
    ASSERT_TRUE(envelope && envelope->body.data);
    EXPECT_EQ(envelope->header.type, "device");
    const auto said = Json::parse(envelope->body.data->begin(), envelope->body.data->end());
    EXPECT_EQ(said["device"], "spdm0");
    EXPECT_EQ(said["generation"], told.device.generation.value());
    EXPECT_EQ(said["leaf"], told.device.leaf);
    EXPECT_EQ(said["policy"], policy);
}

TEST_F(DeviceTest, IsNotAcceptedInAGenerationThatHasPassedAndAVerdictFallsWithIt) {
    start_with(usual_device());
    auto client = daemon().client();
    const auto judged = generation();
    ASSERT_TRUE(client.accept_device("spdm0", judged, policy));
    device().change(firmware_block("firmware 2"));
    EXPECT_TRUE(client.read(firmware, {.fresh = true}));
    const auto late = client.accept_device("spdm0", judged, policy);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::generation_passed);
    const auto told = described();
    EXPECT_FALSE(told.device.is_accepted);
    ASSERT_TRUE(told.verdict);
    EXPECT_FALSE(told.verdict->holds);
    EXPECT_THAT(told.verdict->why, HasSubstr(std::to_string(*told.device.generation)));
    device().unplug();
    ASSERT_TRUE(watching().wait_for(std::string(firmware) + " gone"));
    EXPECT_EQ(client.accept_device("spdm0", *told.device.generation, policy).error().code, ErrorCode::device_absent);
}

TEST_F(DeviceTest, WhatIsAskedWronglyIsRefusedByName) {
    start_with(usual_device());
    EXPECT_THAT(failure(1, {"device", "show", "spdm9"}), AllOf(HasSubstr("NoSuchDevice"), HasSubstr("spdm0")));
    EXPECT_THAT(failure(1, {"device", "evidence", "spdm0", "--nonce", "00ff"}), HasSubstr("nonce"));
    EXPECT_THAT(failure(1, {"device", "evidence", "spdm0", "--nonce", std::string(64, '0')}), HasSubstr("nonce"));
    for (const auto &wrong : {std::string("sha384:00"), "sha1:" + std::string(40, '0')})
        EXPECT_THAT(failure(1, {"device", "accept", "spdm0", "--generation", "1", "--policy", wrong}), HasSubstr("policyDigest")) << wrong;
    EXPECT_THAT(failure(1, {"device", "accept", "spdm0", "--generation", "1", "--policy", policy}), HasSubstr("GenerationPassed"));
}

TEST_F(DeviceTest, MrctlShowsItAndFetchesEvidenceThatAVerifierTakes) {
    start_with(usual_device());
    const auto file = (folder() / "evidence.json").native();
    output({"device", "evidence", "spdm0", "--nonce", mr::to_hex(nonce_of(7)), "-o", file});
    const auto good = verified(contents(file), nonce_of(7));
    ASSERT_TRUE(good) << good.error().message;
    const auto document = Json::parse(contents(file));
    EXPECT_EQ(document["device"], "spdm0");
    EXPECT_EQ(document["measurementHash"], "sha384");
    EXPECT_EQ(document["blocks"].size(), 3U);
    EXPECT_THAT(output({"device", "accept", "spdm0", "--generation", std::to_string(generation()), "--policy", policy}),
                HasSubstr("spdm0 accepted in generation "));
    const auto shown = output({"device", "show", "spdm0"});
    for (const auto *line : {"values measured when the device is asked", "tdi not known: no secured session, the TSM owns it",
                             "block 7 svn raw 0500000000000000 spdm0/svn7", "verdict accepted, generation "})
        EXPECT_THAT(shown, HasSubstr(line));
    EXPECT_TRUE(json({"device", "show", "spdm0"})["description"]["verdict"]["holds"]);
    EXPECT_EQ(json({"device", "list"})["devices"][0]["accepted"], true);
}

// ---- What only others can say: which function it is, and what its interface is

class DeviceOfAFunction : public DeviceTest {
protected:
    // Of a configuration that names both.
    void start_configured() {
        add_to_config("pci_function = \"0000:3B:00.0\"\ninterface_report = \"" + report_file().native() + "\"\n");
        start_with(usual_device());
    }
    [[nodiscard]] std::filesystem::path report_file() const { return folder() / "interface"; }
    // As a whole, as whoever puts it there is to do it.
    void put(const mr::Bytes &report) {
        const auto whole = folder() / "interface.new";
        std::ofstream(whole, std::ios::binary)
            .write(reinterpret_cast<const char *>(report.data()), static_cast<std::streamsize>(report.size()));
        std::filesystem::rename(whole, report_file());
    }
};

constexpr mr::TdispRange private_range{.first_page = 0x100, .pages = 4};
constexpr mr::TdispRange shared_range{.first_page = 0x200, .pages = 4, .attributes = mr::tdisp_range_non_tee, .id = 1};

TEST_F(DeviceTest, WithoutAFunctionAndAReportInTheConfigurationSaysThatNeitherIsKnown) {
    start_with(usual_device());
    const auto told = described();
    EXPECT_FALSE(told.pci_function);
    EXPECT_FALSE(told.report);
    EXPECT_THAT(output({"device", "show", "spdm0"}), AllOf(HasSubstr("\nfunction not known: no pci_function is configured\n"),
                                                           HasSubstr("\nreport not known: no interface_report is configured\n")));
}

TEST_F(DeviceOfAFunction, IsDescribedWithTheFunctionThatItsConfigurationNamesAlsoWhileItIsAbsent) {
    start_configured();
    EXPECT_EQ(described().pci_function, "0000:3b:00.0");
    device().unplug();
    ASSERT_TRUE(watching().wait_for(std::string(firmware) + " gone"));
    EXPECT_EQ(described().pci_function, "0000:3b:00.0");
    EXPECT_FALSE(described().report);
    EXPECT_THAT(output({"device", "show", "spdm0"}), HasSubstr("\nfunction 0000:3b:00.0, as configured\n"));
}

TEST_F(DeviceOfAFunction, SaysWhatTheReportOfItsInterfaceIsAndWhatOfItTheStrictestPolicyRefuses) {
    const auto report = mr::interface_report({private_range, shared_range}, mr::tdisp_no_update_after_lock | mr::tdisp_ats);
    put(report);
    start_configured();
    const auto told = described();
    ASSERT_TRUE(told.report);
    EXPECT_EQ(told.report->digest, "sha384:" + mr::to_hex(mr::hash(mr::HashAlgorithm::sha384, report)->bytes()));
    EXPECT_EQ(told.report->ranges, 2);
    EXPECT_THAT(told.report->refused, ElementsAre("interface_ranges", "interface_dma"));
    EXPECT_EQ(told.report->why, "");
    EXPECT_THAT(output({"device", "show", "spdm0"}),
                HasSubstr(" of 2 ranges, refused by the strictest policy: interface_ranges, interface_dma\n"));
}

TEST_F(DeviceOfAFunction, WithAReportThatIsNoneSaysWhy) {
    start_configured();
    const auto missing = described();
    ASSERT_TRUE(missing.report);
    EXPECT_EQ(missing.report->digest, "");
    EXPECT_THAT(missing.report->why, HasSubstr(report_file().native()));
    auto longer = mr::interface_report({private_range});
    longer.push_back(0);
    put(longer);
    EXPECT_TRUE(daemon().client().device_evidence("spdm0", nonce_of(1)));
    const auto told = described();
    ASSERT_TRUE(told.report);
    EXPECT_THAT(told.report->digest, HasSubstr("sha384:"));
    EXPECT_THAT(told.report->why, HasSubstr("1 bytes follow"));
    EXPECT_THAT(output({"device", "show", "spdm0"}), HasSubstr(", which is none: "));
}

TEST_F(DeviceOfAFunction, WithAnotherReportIsAnotherGenerationAndIsNoLongerAccepted) {
    put(mr::interface_report({private_range}));
    start_configured();
    auto client = daemon().client();
    const auto judged = generation();
    ASSERT_TRUE(client.accept_device("spdm0", judged, policy));
    EXPECT_TRUE(client.device_evidence("spdm0", nonce_of(1)));
    EXPECT_EQ(generation(), judged) << "the report is the same";
    put(mr::interface_report({private_range, shared_range}));
    const auto evidence = client.device_evidence("spdm0", nonce_of(2));
    ASSERT_TRUE(evidence) << evidence.error().message;
    EXPECT_GT(generation(), judged);
    EXPECT_FALSE(described().device.is_accepted);
    const auto late = client.accept_device("spdm0", judged, policy);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::generation_passed);
}

// ---- What its hash-extend blocks were extended with

DeviceOptions device_with_log() {
    auto options = usual_device();
    options.version = 0x13;
    options.blocks.push_back({.index = 0x11, .type = BlockType::hash_extend, .content = {}});
    options.extension_log = {bytes_of("first"), bytes_of("second")};
    return options;
}

TEST_F(DeviceTest, GivesTheLogOfItsHashExtendBlockWithEvidence) {
    start_with(device_with_log());
    EXPECT_THAT(output({"device", "show", "spdm0"}), HasSubstr("\nlog 2 entries, which lead to the hash-extend blocks\n"));
    EXPECT_THAT(output({"list"}), HasSubstr("spdm0/hashextend17 RL sha384 48"));
    const auto file = (folder() / "evidence.json").native();
    output({"device", "evidence", "spdm0", "--nonce", mr::to_hex(nonce_of(7)), "-o", file});
    const auto told = json({"inspect", file})["measurement_log"];
    ASSERT_EQ(told["entries"].size(), 2U);
    EXPECT_EQ(told["entries"][1]["raw"].get<std::string>(), mr::to_hex(bytes_of("second")));
    EXPECT_TRUE(told["leads_to_blocks"].get<bool>());
}

TEST_F(DeviceTest, WithoutALogSaysNothingOfIt) {
    start_with(usual_device());
    EXPECT_THAT(output({"device", "show", "spdm0"}), Not(HasSubstr("\nlog ")));
    EXPECT_FALSE(Json::parse(daemon().client().device_evidence("spdm0", nonce_of(1))->json).contains("measurementLog"));
}

TEST_F(DeviceTest, ThatExtendsABlockBetweenMeasurementAndLogIsAskedAgain) {
    start_with(device_with_log());
    constexpr std::uint8_t get_log = 0xEF;
    device().fault_next(get_log, Fault::extend);
    ASSERT_TRUE(daemon().client().device_evidence("spdm0", nonce_of(1)));
    const auto told = described();
    ASSERT_TRUE(told.log);
    EXPECT_EQ(told.log->entries, 3);
    EXPECT_TRUE(told.log->holds) << told.log->why;
}

// ---- Judged

class JudgedDevice : public DeviceTest {
protected:
    // Reference values that the device satisfies.
    Json values() {
        auto blocks = Json::array();
        blocks.push_back({{"index", 2}, {"type", "mutable_firmware"}, {"digests", {"sha384:" + digest_hex("firmware 1")}}});
        return {{"format", "mrd-reference-values"},
                {"version", 1},
                {"spdm", {{"pci", "Vendor=1234:Device=5678"}, {"blocks", blocks}, {"unlistedBlocks", "accept"}, {"noMode", "accept"}}},
                {"debug", "accept"}};
    }
    std::string written(const std::string &name, std::string_view content) {
        const auto path = folder() / name;
        std::ofstream(path, std::ios::binary) << content;
        return path.native();
    }
    std::vector<std::string> judging(std::vector<std::string> command) {
        const auto reference = written("reference.json", values().dump());
        command.insert(command.end(), {"--roots", (folder() / "roots.pem").native(), "--reference", reference});
        return command;
    }
};

TEST_F(JudgedDevice, IsAskedAnewAndJudgedByOneCommand) {
    start_with(device_with_log());
    const auto file = (folder() / "evidence.json").native();
    const auto before = device().requests_of(get_measurements);
    const auto verdict = output(judging({"device", "verify", "spdm0", "-o", file}));
    EXPECT_THAT(verdict, HasSubstr("\nverified, but not hardware"));
    EXPECT_THAT(verdict, ContainsRegex("measurement_log +true +required +the log of 2 entries leads to the hash-extend blocks"));
    EXPECT_GT(device().requests_of(get_measurements), before);
    const auto nonce = Json::parse(contents(file))["nonce"].get<std::string>();
    EXPECT_NE(nonce, std::string(64, '0'));
    output(judging({"device", "verify", "--file", file, "--nonce", nonce}));
    const auto other = mrctl(judging({"device", "verify", "--file", file, "--nonce", mr::to_hex(nonce_of(1))}));
    EXPECT_EQ(other.exit_code, 1);
    EXPECT_THAT(other.out, HasSubstr("REFUSED: report_data"));
    device().change(firmware_block("firmware 2"));
    const auto changed = mrctl(judging({"device", "verify", "spdm0"}));
    EXPECT_EQ(changed.exit_code, 1);
    EXPECT_THAT(changed.out, HasSubstr("REFUSED: measurement_blocks"));
    EXPECT_THAT(failure(2, judging({"device", "verify"})), HasSubstr("give a device that is to be asked"));
    EXPECT_THAT(failure(2, judging({"device", "verify", "spdm0", "--nonce", nonce})), HasSubstr("--nonce goes with --file"));
    EXPECT_THAT(failure(1, judging({"device", "verify", "spdm9"})), HasSubstr("NoSuchDevice"));
}

TEST_F(JudgedDevice, WithALogThatLeadsElsewhereIsRefused) {
    start_with(device_with_log());
    const auto file = (folder() / "evidence.json").native();
    output(judging({"device", "verify", "spdm0", "-o", file}));
    auto document = Json::parse(contents(file));
    auto log = mr::from_base64(document["measurementLog"].get<std::string>()).value();
    log.back() ^= 1;
    document["measurementLog"] = mr::to_base64(log);
    const auto refused =
        mrctl(judging({"verify", written("other.json", document.dump()), "--nonce", document["nonce"].get<std::string>()}));
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.out, AllOf(HasSubstr("REFUSED: measurement_log\n"), HasSubstr("block 17 holds another value")));
    document["measurementLog"] = "AAAA";
    const auto broken = mrctl(judging({"verify", written("other.json", document.dump()), "--nonce", document["nonce"].get<std::string>()}));
    EXPECT_THAT(broken.out, HasSubstr("REFUSED: measurement_log\n"));
}

TEST_F(JudgedDevice, IsAPartOfTheMachinesEvidence) {
    start_with(usual_device());
    const auto nonce = mr::to_hex(nonce_of(3));
    const auto file = (folder() / "evidence.json").native();
    const auto made = mrctl({"evidence", "--data", nonce, "--device", "spdm0", "-o", file});
    EXPECT_EQ(made.exit_code, 0);
    EXPECT_THAT(made.err, HasSubstr("unbound: nothing binds spdm0 to this machine's hardware\n"));
    output({"collateral", "-o", (folder() / "collateral.json").native(), "--root", (folder() / "td.pem").native()});
    const auto roots = written("both.pem", contents(folder() / "roots.pem") + contents(folder() / "td.pem"));
    auto expected = values();
    expected["registers"]["tdx/rtmr3"] = Json::array({std::string(96, '0')});
    expected["parts"] = {{{"name", "tdx"}, {"kind", "tdx"}}, {{"name", "spdm0"}, {"kind", "spdm"}}};
    const auto judge = [&](const std::string &judged, const std::string &over) {
        const auto reference = written("parts.json", expected.dump());
        return mrctl({"verify", judged, "--nonce", over, "--roots", roots, "--reference", reference});
    };
    const auto good = judge(file, nonce);
    EXPECT_EQ(good.exit_code, 0) << good.out << good.err;
    EXPECT_THAT(good.out, ContainsRegex("measurement_blocks +true"));
    EXPECT_THAT(good.out, ContainsRegex("unbound: tdx/mrtd, .*, spdm0/"));
    EXPECT_THAT(output({"inspect", file}), ContainsRegex("spdm0 of the kind spdm, unbound: "));
    // Which is a machine's, whatever is in it: there might be no device.
    const auto reference = (folder() / "parts.json").native();
    EXPECT_THAT(failure(1, {"device", "verify", "--file", file, "--nonce", nonce, "--roots", roots, "--reference", reference}),
                HasSubstr("is no evidence of a device"));
    auto named = Json::parse(contents(file));
    named["parts"][0]["name"] = "transcript";
    named["parts"][1]["name"] = "chain";
    EXPECT_THAT(failure(1, {"device", "verify", "--file", written("named.json", named.dump()), "--nonce", nonce, "--roots", roots,
                            "--without", "reference"}),
                HasSubstr("is no evidence of a device"));
    // Nor has it a place in the log, which would excuse what came after the machine's quote.
    auto placed = Json::parse(contents(file));
    placed["parts"][1]["sequence"] = placed["sequence"];
    EXPECT_THAT(judge(written("placed.json", placed.dump()), nonce).out, HasSubstr("REFUSED: evidence_claims"));
    const auto other = judge(file, mr::to_hex(nonce_of(4)));
    EXPECT_EQ(other.exit_code, 1);
    EXPECT_THAT(other.out, HasSubstr("report_data"));
    // Without the device, and with one that signed for somebody else.
    const auto alone = (folder() / "alone.json").native();
    EXPECT_EQ(mrctl({"evidence", "--data", nonce, "-o", alone}).exit_code, 0);
    EXPECT_THAT(judge(alone, nonce).out, HasSubstr("parts_present"));
    auto document = Json::parse(contents(file));
    const auto old = daemon().client().device_evidence("spdm0", nonce_of(9))->json;
    document["parts"][1]["quote"] = mr::to_base64(mr::as_bytes(old));
    const auto mixed = judge(written("mixed.json", document.dump()), nonce);
    EXPECT_EQ(mixed.exit_code, 1);
    EXPECT_THAT(mixed.out, HasSubstr("report_data"));
    EXPECT_THAT(failure(2, {"evidence", "--data", std::string(128, 'a'), "--device", "spdm0", "-o", file}), HasSubstr("at most 32 bytes"));
    EXPECT_THAT(failure(2, {"evidence", "--data", nonce, "--device", "spdm0", "--device", "spdm0", "-o", file}),
                HasSubstr("is a part already"));
}

// ---- The example: a policy program

class ExamplePolicy : public JudgedDevice {
protected:
    // Its exit code and what it says.
    Finished decide(const std::string &on_failure) {
        policy_ = written("policy", "# of a test\non_failure " + on_failure +
                                        "\npci Vendor=1234:Device=5678:CC=030200:REV=01:SSVID=1AF4:SSID=1100\nblock 2 mutable_firmware " +
                                        digest_hex("firmware 1") + "\nsvn 7 5\nunlisted allow\nmode any\nvalue fresh\n");
        return run_program({places::device_policy(), "spdm0", policy_, (folder() / "roots.pem").native()}, folder(), {},
                           {{"MRD_SOCKET", daemon().socket()}});
    }
    std::string policy_digest() { return "sha384:" + digest_hex(contents(policy_)); }

private:
    std::string policy_;
};

TEST_F(ExamplePolicy, AcceptsTheGenerationThatItHasJudged) {
    start_with(usual_device());
    const auto done = decide("refuse");
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("spdm0 is accepted, event "));
    const auto told = described();
    ASSERT_TRUE(told.verdict);
    EXPECT_TRUE(told.verdict->holds);
    EXPECT_EQ(told.verdict->generation, generation());
    EXPECT_EQ(told.verdict->policy_digest, policy_digest());
}

TEST_F(ExamplePolicy, DoesOnFailureWhatItsConfigurationSaysAndAcceptsInNoCase) {
    start_with(usual_device());
    ASSERT_EQ(decide("refuse").exit_code, 0);
    device().change(firmware_block("firmware 2"));
    const auto refused = decide("refuse");
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, HasSubstr("spdm0 is not accepted: block 2 mutable_firmware is " + digest_hex("firmware 2")));
    const auto warned = decide("warn");
    EXPECT_EQ(warned.exit_code, 0);
    EXPECT_THAT(warned.err, HasSubstr("spdm0 is not accepted: "));
    const auto went_on = decide("go_on");
    EXPECT_EQ(went_on.exit_code, 0);
    EXPECT_THAT(went_on.err, IsEmpty());
    EXPECT_FALSE(described().device.is_accepted) << "the verdict was of the generation before";
    device().unplug();
    ASSERT_TRUE(watching().wait_for(std::string(firmware) + " gone"));
    EXPECT_EQ(decide("refuse").exit_code, 1);
    EXPECT_EQ(decide("warn").exit_code, 0);
}

TEST_F(ExamplePolicy, TakesNoRuleThatItDoesNotKnow) {
    start_with(usual_device());
    EXPECT_EQ(decide("whatever").exit_code, 2);
}

}  // namespace
}  // namespace mrd
