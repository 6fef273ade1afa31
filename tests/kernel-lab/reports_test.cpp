// What the kernel's configfs-tsm makes of every way to use a report: what a quoter can rely on, and what it must not do. A program that makes quotes runs beside
// these tests (quoting_service.cpp), but for those of QuotingService, which play it themselves.
#include <chrono>
#include <map>
#include <optional>

#include <gmock/gmock.h>

#include "mr/quote.h"
#include "tests/kernel-lab/machine.h"

namespace mrd::lab {
namespace {

mr::Bytes report_data(std::uint8_t fill) { return mr::Bytes(64, fill); }

// A report's folder, removed at the end.
class Item {
public:
    explicit Item(const std::string &name) : path_(reports / name) {
        if (::mkdir(path_.c_str(), 0755) != 0) throw std::runtime_error("mkdir " + path_.native() + ": " + lab::outcome(-1));
    }
    Item(const Item &) = delete;
    Item &operator=(const Item &) = delete;
    ~Item() { ::rmdir(path_.c_str()); }

    std::filesystem::path operator/(std::string_view attribute) const { return path_ / attribute; }
    [[nodiscard]] const std::filesystem::path &path() const { return path_; }
    [[nodiscard]] std::string generation() const { return text_of(path_ / "generation"); }
    std::string ask(std::uint8_t fill) const { return write_once(path_ / "inblob", report_data(fill)); }
    [[nodiscard]] std::expected<mr::Bytes, std::string> quote() const { return read_all(path_ / "outblob"); }

private:
    std::filesystem::path path_;
};

// The report data that a quote is over, or why it is none.
std::string quoted(const std::expected<mr::Bytes, std::string> &quote) {
    if (!quote) return quote.error();
    const auto decoded = mr::decode_quote(*quote);
    return decoded ? std::to_string(decoded->body.report_data.front()) : decoded.error().message;
}

// Mode and size of each attribute.
std::map<std::string, std::string> attributes(const Item &item) {
    std::map<std::string, std::string> found;
    for (const auto &entry : std::filesystem::directory_iterator(item.path())) {
        struct stat status{};
        ::stat(entry.path().c_str(), &status);
        std::array<char, 32> line{};
        std::snprintf(line.data(), line.size(), "%o %ld", status.st_mode & 07777, static_cast<long>(status.st_size));
        found[entry.path().filename()] = line.data();
    }
    return found;
}

TEST(Reports, OfATdHaveFourAttributes) {
    const Item item("a");
    EXPECT_THAT(attributes(item), testing::ElementsAre(testing::Pair("generation", "444 4096"), testing::Pair("inblob", "200 0"),
                                                       testing::Pair("outblob", "444 0"), testing::Pair("provider", "444 4096")));
    EXPECT_EQ(text_of(item / "provider"), "tdx_guest\n");
    EXPECT_EQ(item.generation(), "0\n");
    for (const auto *hidden : {"auxblob", "manifestblob", "privlevel", "privlevel_floor", "service_provider"})
        EXPECT_EQ(text_of(item / hidden), "ENOENT");
}

TEST(Reports, AreMadeInTheirFolderAloneAndOnceByAName) {
    const Item item("a");
    EXPECT_EQ(outcome(::mkdir(item.path().c_str(), 0755)), "EEXIST");
    EXPECT_EQ(outcome(::mkdir((item / "inner").c_str(), 0755)), "EPERM");
    EXPECT_EQ(outcome(::mkdir((reports.parent_path() / "other").c_str(), 0755)), "EPERM");
    EXPECT_EQ(opens(reports / "file", O_WRONLY | O_CREAT), "EACCES");
    EXPECT_EQ(opens(item / "outblob", O_WRONLY), "EACCES");
    EXPECT_EQ(opens(item / "inblob", O_RDONLY), "EACCES");
    EXPECT_EQ(outcome(::rename(item.path().c_str(), (reports / "b").c_str())), "EPERM");
}

TEST(Reports, TheInblobTakesEffectAtTheCloseWhichNeverFails) {
    const Item item("a");
    EXPECT_EQ(quoted(item.quote()), "EINVAL") << "without an inblob";
    File inblob(item / "inblob", O_WRONLY);
    EXPECT_EQ(outcome(::write(inblob.get(), report_data(1).data(), 32)), "32");
    EXPECT_EQ(item.generation(), "0\n");
    EXPECT_EQ(outcome(::write(inblob.get(), report_data(1).data(), 32)), "32");
    EXPECT_EQ(inblob.close(), "0");
    EXPECT_EQ(item.generation(), "1\n");
    EXPECT_EQ(quoted(item.quote()), "1");
}

TEST(Reports, AWriteThatIsTooLongEmptiesTheInblobAndCounts) {
    const Item item("a");
    ASSERT_EQ(item.ask(1), "64");
    EXPECT_EQ(write_once(item / "inblob", mr::Bytes(65, 2)), "EFBIG");
    EXPECT_EQ(item.generation(), "2\n");
    EXPECT_EQ(quoted(item.quote()), "EINVAL");
}

TEST(Reports, AShortInblobIsTakenAndRefusedOnlyByTheDriver) {
    const Item item("a");
    EXPECT_EQ(write_once(item / "inblob", mr::Bytes(10, 2)), "10");
    EXPECT_EQ(item.generation(), "1\n");
    EXPECT_EQ(quoted(item.quote()), "EINVAL");
}

TEST(Reports, OpeningAndClosingTheInblobChangesNothing) {
    const Item item("a");
    ASSERT_EQ(item.ask(1), "64");
    EXPECT_EQ(opens(item / "inblob", O_WRONLY), "opened");
    EXPECT_EQ(item.generation(), "1\n");
    EXPECT_EQ(quoted(item.quote()), "1");
}

TEST(Reports, AQuoteIsMadeOnceAndServedAgainAlsoWhenItIsStale) {
    const Item item("a");
    ASSERT_EQ(item.ask(1), "64");
    const auto first = item.quote().value();
    const auto calls = parameter("quote_calls");
    ASSERT_EQ(write_once(measurements / "rtmr3:sha384", some_digest(1)), "48");
    EXPECT_EQ(item.quote().value(), first) << "the register has changed, the quote has not";
    EXPECT_EQ(parameter("quote_calls"), calls);
    EXPECT_EQ(item.generation(), "1\n");
    ASSERT_EQ(item.ask(1), "64");
    EXPECT_NE(item.quote().value(), first);
    EXPECT_EQ(item.generation(), "2\n") << "the same bytes count too";
}

TEST(Reports, AnOpenFileKeepsItsQuoteAndANewOneHasTheNew) {
    const Item item("a");
    ASSERT_EQ(item.ask(1), "64");
    const File outblob(item / "outblob", O_RDONLY);
    EXPECT_EQ(quoted(read_all(outblob.get())), "1");
    ASSERT_EQ(item.ask(2), "64");
    EXPECT_EQ(quoted(read_all(outblob.get())), "1");
    EXPECT_EQ(quoted(item.quote()), "2");
}

TEST(Reports, TheDriversErrorIsTheReadsAndTheNextReadTriesAgain) {
    const Item item("a");
    ASSERT_EQ(item.ask(1), "64");
    {
        const Parameter failing("quote_error_before", EBUSY);
        EXPECT_EQ(quoted(item.quote()), "EBUSY");
    }
    {
        const Parameter failing("quote_error_after", EIO);
        EXPECT_EQ(quoted(item.quote()), "EIO");
    }
    EXPECT_EQ(quoted(item.quote()), "1");
}

TEST(Reports, AFolderGoesAlsoWhileAFileInItIsOpen) {
    std::optional<Item> item(std::in_place, "a");
    const File generation(*item / "generation", O_RDONLY);
    EXPECT_EQ(outcome(::rmdir(item->path().c_str())), "0");
    EXPECT_EQ(read_all(generation.get()).error(), "ENOENT");
}

TEST(Reports, AnotherUserWhoOwnsTheFolderStillCannotWriteWhatIsMadeInIt) {
    ASSERT_EQ(::chown(reports.c_str(), 1000, 1000), 0);
    EXPECT_EQ(as_user(1000, [] { return outcome(::mkdir((reports / "u").c_str(), 0755)); }), "0");
    EXPECT_EQ(as_user(1000, [] { return write_once(reports / "u/inblob", report_data(1)); }), "EACCES");
    EXPECT_EQ(as_user(1000, [] { return opens(reports / "u/outblob", O_RDONLY); }), "opened")
        << "whoever may list the folder can read all quotes";
    ASSERT_EQ(::rmdir((reports / "u").c_str()), 0);
    ASSERT_EQ(::chown(reports.c_str(), 0, 0), 0);
}

TEST(Reports, WhileOneIsMadeEverythingOfTheOthersWaitsDeafToSignalsButForRemovingAndLooking) {
    const Item slow("slow");
    const Item other("other");
    const Item removed("removed");
    ASSERT_EQ(slow.ask(1), "64");
    ASSERT_EQ(other.ask(2), "64");
    const File outblob(slow / "outblob", O_RDONLY);
    const File others(other / "outblob", O_RDONLY);
    set_parameter("quote_hold", "1");
    std::array<std::uint8_t, 65536> to{};
    Waiting quote(SYS_pread64, [&] { return ::pread(outblob.get(), to.data(), to.size(), 0); });
    wait_until_held("quote", 1);

    EXPECT_EQ(outcome(::rmdir(removed.path().c_str())), "0");
    EXPECT_EQ(attributes(other).size(), 4U);

    std::array<char, 8> text{};
    const File generation(other / "generation", O_RDONLY);
    Waiting reads_generation(SYS_pread64, [&] { return ::pread(generation.get(), text.data(), text.size(), 0); });
    Waiting makes_another(SYS_mkdir, [] { return ::mkdir((reports / "another").c_str(), 0755); });
    ASSERT_TRUE(reads_generation.sleeps());
    ASSERT_TRUE(makes_another.sleeps());
    reads_generation.interrupt();
    makes_another.interrupt();
    ASSERT_TRUE(reads_generation.sleeps());
    ASSERT_TRUE(makes_another.sleeps());

    set_parameter("quote_hold", "0");
    EXPECT_EQ(reads_generation.outcome(), "2");
    EXPECT_EQ(makes_another.outcome(), "0");
    EXPECT_NE(quote.outcome(), "EINTR");
    EXPECT_EQ(outcome(::rmdir((reports / "another").c_str())), "0");
}

// ---- The module's end of it

// Plays the host's quoting service; it answers when it is told to.
class Host {
public:
    std::string take() { return outcome(::read(device_.get(), report_.data(), report_.size())); }
    std::string answer(std::uint64_t status, std::string_view quote) {
        std::string bytes(reinterpret_cast<const char *>(&status), sizeof(status));
        bytes += quote;
        return outcome(::write(device_.get(), bytes.data(), bytes.size()));
    }

private:
    File device_{"/dev/mrd_lab_quoting", O_RDWR};
    std::array<std::uint8_t, 1024> report_{};
};

TEST(QuotingService, IsMissedByTheHostsErrorWhereThereIsNone) {
    const Item item("a");
    ASSERT_EQ(item.ask(1), "64");
    EXPECT_EQ(quoted(item.quote()), "EIO");
}

TEST(QuotingService, IsOneProgramAndItsRefusalIsTheHostsError) {
    const Item item("a");
    ASSERT_EQ(item.ask(1), "64");
    Host host;
    EXPECT_EQ(opens("/dev/mrd_lab_quoting", O_RDWR), "EBUSY");
    const File outblob(item / "outblob", O_RDONLY);
    std::array<char, 64> to{};
    Waiting quote(SYS_pread64, [&] { return ::pread(outblob.get(), to.data(), to.size(), 0); });
    EXPECT_EQ(host.take(), "1024");
    EXPECT_EQ(host.answer(0x8000'0000'0000'0000, ""), "8");
    EXPECT_EQ(quote.outcome(), "EIO");
    EXPECT_EQ(host.answer(0, "what nobody asked for"), "EINVAL");

    Waiting again(SYS_pread64, [&] { return ::pread(outblob.get(), to.data(), to.size(), 0); });
    EXPECT_EQ(host.take(), "1024");
    EXPECT_EQ(host.answer(0, "a quote"), "15");
    EXPECT_EQ(again.outcome(), "7");
}

TEST(QuotingService, AnUnansweredRequestKeepsOthersFromBeingMadeUntilItIsAnswered) {
    const Item item("a");
    ASSERT_EQ(item.ask(1), "64");
    Host host;
    set_parameter("quote_timeout_ms", "1");
    EXPECT_EQ(quoted(item.quote()), "ETIMEDOUT");
    EXPECT_EQ(quoted(item.quote()), "EBUSY");
    EXPECT_EQ(host.take(), "1024");
    EXPECT_EQ(quoted(item.quote()), "EBUSY");
    EXPECT_EQ(host.answer(0, "too late"), "16");
    EXPECT_EQ(quoted(item.quote()), "ETIMEDOUT");
    set_parameter("quote_timeout_ms", "30000");
}

TEST(QuotingService, ASignalEndsTheWaitForAQuote) {
    const Item item("a");
    ASSERT_EQ(item.ask(1), "64");
    Host host;
    const File outblob(item / "outblob", O_RDONLY);
    std::array<char, 64> to{};
    Waiting quote(SYS_pread64, [&] { return ::pread(outblob.get(), to.data(), to.size(), 0); });
    EXPECT_EQ(host.take(), "1024");
    quote.interrupt();
    EXPECT_EQ(quote.outcome(), "EINTR");
}

// ---- What no TD shows: with all_attributes=1 privlevel_floor=1

TEST(AllAttributes, AreThereWithTheModesOfTheirKind) {
    const Item item("a");
    const std::map<std::string, std::string> expected = {{"auxblob", "444 0"},
                                                         {"manifestblob", "444 0"},
                                                         {"privlevel", "200 4096"},
                                                         {"privlevel_floor", "444 4096"},
                                                         {"service_provider", "200 4096"},
                                                         {"service_guid", "200 4096"},
                                                         {"service_manifest_version", "200 4096"}};
    EXPECT_THAT(attributes(item), testing::IsSupersetOf(expected));
    EXPECT_EQ(text_of(item / "privlevel_floor"), "1\n");
}

TEST(AllAttributes, AreGivenBesideTheQuoteAndAManifestThatIsNotGivenIsEmpty) {
    const Item item("a");
    ASSERT_EQ(item.ask(1), "64");
    EXPECT_EQ(quoted(item.quote()), "1");
    EXPECT_EQ(text_of(item / "auxblob"), "mrd_lab's certificates");
    EXPECT_EQ(text_of(item / "manifestblob"), "");
}

TEST(AllAttributes, APrivilegeLevelThatIsNoneChangesNothing) {
    const Item item("a");
    for (const auto *level : {"0", "4", "x"}) EXPECT_EQ(write_once(item / "privlevel", std::string_view(level)), "EINVAL");
    EXPECT_EQ(item.generation(), "0\n");
    EXPECT_EQ(write_once(item / "privlevel", std::string_view("2\n")), "2");
    EXPECT_EQ(item.generation(), "1\n");
}

TEST(AllAttributes, AGuidThatIsNoneIsRefusedAndCounts) {
    const Item item("a");
    EXPECT_EQ(write_once(item / "service_guid", std::string_view("nope")), "EINVAL");
    EXPECT_EQ(item.generation(), "1\n");
    EXPECT_EQ(write_once(item / "service_guid", std::string_view("c476f1eb-0123-45a5-9641-b4e7dde5bfe3")), "36");
    EXPECT_EQ(write_once(item / "service_provider", std::string_view("svsm\n")), "5");
    EXPECT_EQ(write_once(item / "service_manifest_version", std::string_view("1")), "1");
    EXPECT_EQ(item.generation(), "4\n");
}

}  // namespace
}  // namespace mrd::lab
