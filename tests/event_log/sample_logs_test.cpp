// Every real log that is at hand, against the values that come with it.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "mr/event_log.h"
#include "tests/event_log/built_log.h"
#include "tests/event_log/sample_data.h"

namespace mr {
namespace {

class SampleLogs : public testing::Test {
protected:
    void SetUp() override {
        if (samples_.empty()) GTEST_SKIP() << "no sample logs at " << shared_data();
    }
    std::vector<Sample> samples_ = sample_logs();
};

bool is_ccel(const Sample &sample) { return sample.name.starts_with("ccel/"); }
bool is_tcg12(const Sample &sample) { return sample.expected().at("header").contains("format"); }

EventLogReader opened_sample(const Sample &sample) {
    auto reader = EventLogReader::open(sample.log);
    if (!reader) throw std::runtime_error(sample.name + ": " + reader.error().message);
    return std::move(*reader);
}

Replay replay_of(const Sample &sample) {
    auto reader = opened_sample(sample);
    Replay replay;
    apply_all(replay, read_all(reader));
    return replay;
}

// "rtmr3" without an event holds zeros.
std::string rtmr_value(const Replay &replay, const std::string &name) {
    const auto *found = replay.find(name);
    return to_hex((found == nullptr ? Digest::zero(HashAlgorithm::sha384) : found->value).bytes());
}

TEST_F(SampleLogs, TheirFormatIsFound) {
    for (const auto &sample : samples_) {
        EXPECT_EQ(opened_sample(sample).format(), is_tcg12(sample) ? LogFormat::tcg_sha1 : LogFormat::tcg) << sample.name;
    }
}

void expect_header(const Sample &sample) {
    const auto &expected = sample.expected().at("header");
    const auto read = read_tcg_header(sample.log);
    ASSERT_TRUE(read) << read.error().message;
    const auto &header = read->header;
    EXPECT_EQ(header.index, expected.at("header_index"));
    EXPECT_EQ(header.platform_class, expected.at("platform_class"));
    EXPECT_EQ(std::to_string(header.major) + "." + std::to_string(header.minor) + "." + std::to_string(header.errata),
              expected.at("spec").get<std::string>());
    EXPECT_EQ(header.uintn_size, expected.at("uintn"));
    EXPECT_EQ(header.vendor_info.size(), expected.at("vendor_info_len"));
    std::map<std::string, std::size_t> algorithms;
    for (const auto &[id, size] : header.algorithms) {
        algorithms.emplace(to_string(*hash_algorithm_from_tcg(id)), size);
    }
    EXPECT_EQ(algorithms, (expected.at("algs").get<std::map<std::string, std::size_t>>()));
}

void expect_end(const Sample &sample, const EventLogReader &reader) {
    const auto &header = sample.expected().at("header");
    EXPECT_EQ(reader.offset(), header.at("end_off"));
    const auto padding = ByteView(sample.log).subspan(reader.offset());
    EXPECT_EQ(padding.size(), header.at("tail_len"));
    EXPECT_EQ(padding.empty() ? "none" : to_hex(padding.first(1)), header.at("tail_all").get<std::string>());
}

TEST_F(SampleLogs, TheirHeadersSayWhatIsExpected) {
    for (const auto &sample : samples_) {
        if (is_tcg12(sample)) continue;
        SCOPED_TRACE(sample.name);
        expect_header(sample);
    }
}

TEST_F(SampleLogs, TheirEventsAreCountedAndTheirEndIsFound) {
    for (const auto &sample : samples_) {
        SCOPED_TRACE(sample.name);
        auto reader = opened_sample(sample);
        const auto events = read_all(reader);
        EXPECT_EQ(events.size(), sample.expected().at("events_excluding_header"));
        expect_end(sample, reader);
        if (is_ccel(sample)) {
            std::map<std::string, std::size_t> counts;
            for (const auto &event : events) {
                ++counts[std::to_string(event.index)];
                EXPECT_EQ(event.name, "rtmr" + std::to_string(event.index - 1));
            }
            EXPECT_EQ(counts, (sample.expected().at("events_per_register_index").get<std::map<std::string, std::size_t>>()));
            EXPECT_EQ(sample.expected().at("ev_no_action"), std::ranges::count(events, ev_no_action, &OwnedEvent::type));
        } else {
            std::vector<std::uint64_t> no_action;
            for (const auto &event : events) {
                if (event.type == ev_no_action) no_action.push_back(event.sequence);
                EXPECT_EQ(event.name, event.index == no_index ? "" : "pcr" + std::to_string(event.index));
            }
            EXPECT_EQ(no_action, sample.expected().at("ev_no_action").get<std::vector<std::uint64_t>>());
        }
    }
}

TEST_F(SampleLogs, EachEventOfACcelIsTheOneExpectedAtItsOffset) {
    for (const auto &sample : samples_) {
        if (!is_ccel(sample)) continue;
        auto reader = opened_sample(sample);
        Event event;
        for (const auto &expected : sample.info.at("events")) {
            SCOPED_TRACE(sample.name + " " + expected.at("n").dump());
            const auto more = reader.next(event);
            ASSERT_TRUE(more && *more);
            EXPECT_EQ(event.sequence, expected.at("n"));
            EXPECT_EQ(reader.offset(), expected.at("offset"));
            EXPECT_EQ(event.index, expected.at("index"));
            ASSERT_EQ(event.digests.size(), 1);
            EXPECT_EQ(to_hex(event.digests[0].value), expected.at("digest").get<std::string>());
            ASSERT_TRUE(event.data);
            EXPECT_EQ(event.data->size(), expected.at("event_size"));
            EXPECT_EQ(hash(HashAlgorithm::sha384, *event.data) == Digest(event.digests[0].value), expected.at("digest_is_hash_of_event"));
        }
    }
}

TEST(RealmBootLog, HasTheHeaderAndEachEventThatIsExpected) {
    const auto samples = boot_logs_of_realms();
    if (samples.empty()) GTEST_SKIP() << "no log of a realm's boot at " << shared_data();
    for (const auto &sample : samples) {
        SCOPED_TRACE(sample.name);
        expect_header(sample);
        auto reader = opened_sample(sample);
        EXPECT_EQ(reader.format(), LogFormat::tcg);
        Event event;
        for (const auto &expected : sample.expected().at("events")) {
            SCOPED_TRACE(expected.at("n").dump());
            const auto more = reader.next(event);
            ASSERT_TRUE(more && *more);
            EXPECT_EQ(event.sequence, expected.at("n"));
            EXPECT_EQ(event.index, expected.at("index"));
            EXPECT_EQ(event.type, std::stoul(expected.at("type").get<std::string>(), nullptr, 16));
            ASSERT_EQ(event.digests.size(), 1);
            EXPECT_EQ(to_hex(event.digests[0].value), expected.at("digest").get<std::string>());
            ASSERT_TRUE(event.data);
            EXPECT_EQ(to_hex(*event.data), expected.at("data").get<std::string>());
        }
        const auto more = reader.next(event);
        ASSERT_TRUE(more && !*more);
        expect_end(sample, reader);
    }
}

TEST_F(SampleLogs, CcelsReplayToTheirRtmrs) {
    std::size_t of_registers = 0;
    for (const auto &sample : samples_) {
        if (!is_ccel(sample)) continue;
        SCOPED_TRACE(sample.name);
        const auto &expected = sample.expected();
        const auto replay = replay_of(sample);
        EXPECT_EQ(replay.events(), expected.at("events_excluding_header"));
        EXPECT_EQ(replay.registers().size(), expected.at("events_per_register_index").size());
        for (const auto &[name, value] : expected.at("replayed_from_log").items()) {
            EXPECT_EQ(rtmr_value(replay, name), value.get<std::string>()) << name;
        }
        for (const auto &each : replay.registers()) {
            EXPECT_TRUE(each.gaps.empty());
        }
        if (!expected.contains("register_values")) continue;
        for (const auto &[name, value] : expected.at("register_values").items()) {
            const bool equal = expected.at("log_replays_to_register_values").at(name);
            EXPECT_EQ(rtmr_value(replay, name) == value.get<std::string>(), equal) << name;
            of_registers += equal ? 1 : 0;
        }
    }
    EXPECT_EQ(of_registers, 15);  // of four logs; one has an RTMR that IMA extended too
}

TEST_F(SampleLogs, TpmLogsReplayToTheirPcrsInAllBanks) {
    for (const auto &sample : samples_) {
        if (is_ccel(sample)) continue;
        SCOPED_TRACE(sample.name);
        const auto replay = replay_of(sample);
        std::map<std::string, std::string> expected;
        for (const auto &[bank, values] : sample.expected().at("replayed_pcrs").items()) {
            for (const auto &[index, value] : values.items()) {
                expected.emplace("pcr" + index + ":" + bank, value);
            }
        }
        std::map<std::string, std::string> values;
        for (const auto &each : replay.registers()) {
            values.emplace(each.name, to_hex(each.value.bytes()));
        }
        EXPECT_EQ(values, expected);
    }
}

TEST_F(SampleLogs, ALogWithADynamicLaunchReplaysToItsPcrs) {
    const auto folder = shared_data() / "tcg2/hcrtm-pcr0";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "that log is absent";
    const auto log = contents_of(folder / "eventlog.bin");
    auto reader = EventLogReader::open(log);
    ASSERT_TRUE(reader) << reader.error().message;
    Replay replay;
    apply_all(replay, read_all(*reader));
    EXPECT_EQ(rtmr_value(replay, "pcr0:sha256"), "f9540cbdaceac7ac4cf50e5559deb2a44e4f05c6f1b6721858c2023aeb85de2e");
    EXPECT_EQ(rtmr_value(replay, "pcr17:sha256"), "c5b51103f7de2193215459e14261707827694d3a84da18b78538091f14026e08");
    EXPECT_EQ(rtmr_value(replay, "pcr21:sha256"), "db21fa9a73a8079c141bffc828d02ba07bf643c32a43fecbb4064f0e3434457a");
}

TEST_F(SampleLogs, WhatIsReadAndWrittenAgainIsTheSameFile) {
    for (const auto &sample : samples_) {
        SCOPED_TRACE(sample.name);
        Bytes written;
        if (!is_tcg12(sample)) append_tcg_header(written, read_tcg_header(sample.log)->header);
        auto reader = opened_sample(sample);
        for (const auto &event : read_all(reader)) {
            if (is_tcg12(sample)) {
                append_tcg_sha1_event(written, event.view());
            } else {
                append_tcg_event(written, event.view());
            }
        }
        EXPECT_EQ(written.size(), reader.offset());
        const auto padding = ByteView(sample.log).subspan(reader.offset());
        written.insert(written.end(), padding.begin(), padding.end());
        EXPECT_TRUE(written == sample.log);
    }
}

TEST_F(SampleLogs, AnImaLogThatFollowsACcelLeadsToTheQuotesRtmr2) {
    const auto sample = std::ranges::find(samples_, "ccel/cctrusted-grub-ima", &Sample::name);
    if (sample == samples_.end()) GTEST_SKIP() << "that log is absent";
    const auto ima = contents_of(sample->folder / "ima_ascii_runtime_measurements.txt");
    auto reader = EventLogReader::open(ima);
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_EQ(reader->format(), LogFormat::ima);
    auto replay = replay_of(*sample);
    apply_all(replay, read_all(*reader));
    EXPECT_EQ(rtmr_value(replay, "rtmr2"), sample->expected().at("rtmr2_after_ima_boot_aggregate").get<std::string>());
    EXPECT_EQ(rtmr_value(replay, "rtmr2"), sample->expected().at("register_values").at("rtmr2").get<std::string>());
}

}  // namespace
}  // namespace mr
