// By the fast paths and by the plain ones the same script tells the same. tests/fuzz/paths_fuzz.cpp looks for scripts of which that is not true.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "mr/bytes.h"
#include "tests/interfaces/scripted_service.h"

namespace mrd::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string hex(char byte, std::size_t size = 48) { return mr::to_hex(mr::Bytes(size, static_cast<std::uint8_t>(byte))); }

std::string call(std::string_view method, std::string_view parameters, std::string_view rest = "") {
    return R"({"method":"io.mrd.Registers.)" + std::string(method) + R"(","parameters":)" + std::string(parameters) + std::string(rest) +
           "}" + '\0';
}

std::string repeated(const std::string &text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
}

// What nearly every client sends, and what nearly none does.
std::vector<std::string> frames() {
    std::vector<std::string> all;
    for (const std::string name :
         {"tdx/rtmr3", "rtmr3", "tdx/rtmr3:sha384", "tdx/mrtd", "tdx/rtmr1", "gpu/sha256", "reportdata", "report0", "secret", "none"}) {
        for (int times = 0; times < 3; ++times) all.push_back(call("Read", R"({"name":")" + name + "\"}"));
        all.push_back(call("Read", R"({"name":")" + name + R"(","fresh":true})"));
    }
    const auto digest = R"("digest":")" + hex(1) + "\"";
    for (const auto &rest : std::vector<std::string>{
             R"("name":"tdx/rtmr3",)" + digest, digest + R"(,"name":"rtmr3","id":"one")",
             R"("name":"tdx/rtmr3","id":"one","description":"two",)" + digest, R"("name":"gpu/sha256","digest":")" + hex(2, 32) + "\"",
             R"("name":"tdx/rtmr3","digest":")" + hex(2, 32) + "\"", R"("name":"tdx/rtmr1","eventType":13,"data":"AQI=",)" + digest,
             R"("name":"tdx/rtmr3","digest":"0x")", R"("name":"tdx/mrtd",)" + digest,
             R"("name":"tdx/rtmr3","description":"caf\u00e9",)" + digest, R"("name":"tdx/rtmr3","description":null,)" + digest,
             R"("name":"tdx/rtmr3","unknown":1,)" + digest, R"("name":"tdx/rtmr3",)" + digest + "," + digest,
             std::string(R"("name":"tdx/rtmr3")")}) {
        all.push_back(call("Extend", "{" + rest + "}"));
        all.push_back(call("Extend", "{ " + rest + "\n} "));
    }
    all.push_back(call("Measure", R"({"name":"tdx/log","data":"AQI=","envelope":true,"id":"three"})"));
    all.push_back(call("Measure", R"({"name":"tdx/rtmr3","data":"AQI","eventType":-1})"));
    all.push_back(call("Measure", R"({"name":"tdx/rtmr3","data":"AQI=","envelope":"yes"})"));
    all.push_back(call("Write", R"({"name":"reportdata","value":")" + hex(3, 64) + "\"}"));
    for (const std::string generation : {"1000", "1001", "0", "null", "-1"}) {
        all.push_back(call("Read", R"({"name":"report0","generation":)" + generation + "}"));
        all.push_back(call("Read", R"({"generation":)" + generation + R"(,"name":"tdx/rtmr3"})"));
    }
    all.push_back(call("Read", R"({"name":")" + std::string(4000, 'x') + "\"}"));  // too long
    all.push_back(call("Cap", R"({"name":"tdx/rtmr1"})"));
    for (const std::string somebody : {R"({"uid":1000,"gid":1000,"pid":1})", R"({"uid":1000})", "null", "{}"}) {
        all.push_back(call("Read", R"({"name":"tdx/rtmr3","onBehalfOf":)" + somebody + "}"));
        all.push_back(call("Extend", R"({"onBehalfOf":)" + somebody + R"(,"name":"tdx/rtmr3",)" + digest + "}"));
        all.push_back(call("Measure", R"({"name":"tdx/rtmr3","data":"AQI=","onBehalfOf":)" + somebody + "}"));
    }
    all.push_back(call("Statistics", "{}"));
    all.push_back(call("Status", "{}"));
    all.push_back(call("List", "{}"));
    all.push_back(call("Snapshot", R"({"names":["rtmr3"]})"));
    all.push_back(call("Watch", R"({"names":["tdx/rtmr3"]})", R"(,"more":true)"));
    all.push_back(call("Watch", R"({"names":["tdx/rtmr3"]})"));
    for (const std::string mode : {R"(,"oneway":true)", R"(,"more":true)", R"(,"upgrade":true)", R"(,"oneway":false)", R"(,"other":1)"}) {
        all.push_back(call("Read", R"({"name":"tdx/rtmr3"})", mode));
        all.push_back(call("Extend", R"({"name":"tdx/rtmr3",)" + digest + "}", mode));
    }
    all.push_back(call("R\\u0065ad", R"({"name":"tdx/rtmr3"})"));
    all.push_back(call("Reads", R"({"name":"tdx/rtmr3"})"));
    all.push_back(call("Read", R"({"name":"tdx/rtmr3"})", "}"));
    all.push_back(call("Read", R"({"name":"Extend\" .Extend"})"));
    all.emplace_back(1, '\0');
    all.push_back(std::string(R"({"method":"io.mrd.Registers.Status"})") + '\0');
    return all;
}

void both_tell_the_same(const std::string &script) {
    EXPECT_EQ(played(script, true), played(script, false)) << testing::PrintToString(script);
}

TEST(TwoPaths, TellTheSameOfEachCallMadeThreeTimesByEachClient) {
    std::string told;
    for (const auto &frame : frames()) {
        std::string script;
        for (int times = 0; times < 3; ++times) {
            for (const char who : {'a', 'b', 'c'}) script += who + frame;
        }
        both_tell_the_same(script);
        // Behind an extend that waits to be durable.
        const auto extend = call("Extend", R"({"name":"tdx/rtmr3","digest":")" + hex(4) + "\"}");
        std::string behind = "s";
        for (int times = 0; times < 3; ++times) {
            for (const std::string who : {"Aa", "Bb", "Cc"}) behind += who[0] + extend + who[1] + frame;
        }
        both_tell_the_same(behind);
        // Half-closed in the middle of the next one, with that extend's answer still owed.
        auto half_closed = "s" + repeated("A" + extend + "A" + frame, 3);
        half_closed += "I" + repeated("B" + extend + "B" + frame, 3) + "ib" + frame;
        both_tell_the_same(half_closed);
        if (HasFailure()) return;
    }
}

TEST(TwoPaths, TellTheSameWhereTheJournalIsFull) {
    const auto read = call("Read", R"({"name":"tdx/rtmr3"})");
    for (const std::string beginning : {"l", "sl"}) {
        for (const auto &parameters :
             std::vector<std::string>{R"({"name":"tdx/rtmr3","digest":")" + hex(1) + "\"}", R"({"name":"tdx/log","data":"AQI="})"}) {
            const auto event = call(parameters.contains("digest") ? "Extend" : "Measure", parameters);
            const auto script = beginning + repeated("b" + event + "b" + read, 20) + repeated("a" + event + "a" + read, 40);
            ASSERT_LT(script.size(), max_script);
            both_tell_the_same(script);
            // The agent's share of it, and then all of it.
            const std::string full = R"(: {"error":"io.mrd.Registers.JournalFull")";
            EXPECT_THAT(played(script, true), AllOf(HasSubstr("\"sequence\":1}"), HasSubstr("b" + full), HasSubstr("a" + full)));
        }
    }
}

TEST(TwoPaths, TellTheSameWhateverHappensInBetween) {
    const auto all = frames();
    std::mt19937 random(384);  // NOLINT(cert-msc51-cpp,cert-msc32-c): the same at each run
    const auto below = [&](std::size_t end) { return random() % end; };
    constexpr std::string_view happenings = "hHnNuUrR123ewxyzfvVgGiInN";
    for (int scripts = 0; scripts < 300; ++scripts) {
        // A few frames of all, so that they come again and again.
        std::vector<std::string> some;
        for (int i = 0; i < 4; ++i) some.push_back(all[below(all.size())]);
        std::string script = scripts % 3 == 0 ? "s" : "";
        for (int steps = 0; steps < 60; ++steps) {
            switch (below(8)) {
            case 0: script += happenings[below(happenings.size())]; break;
            case 1: script += {'<', static_cast<char>(below(3) * below(80))}; break;
            case 2:
            case 3:
            case 4: script += "ABC"[below(3)] + some[below(some.size())]; break;
            default: script += "abc"[below(3)] + some[below(some.size())]; break;
            }
        }
        both_tell_the_same(script);
        if (HasFailure()) return;
    }
}

TEST(TwoPaths, AnswerWhatCameBeforeAHalfClose) {
    const auto extend = call("Extend", R"({"name":"tdx/rtmr3","digest":")" + hex(1) + "\"}");
    const auto read = call("Read", R"({"name":"tdx/rtmr3"})");
    // The last one never becomes whole, and nothing comes behind it.
    const auto script = "sA" + extend + repeated("A" + read, 4) + "Ia" + read;
    both_tell_the_same(script);
    const auto told = played(script, true);
    EXPECT_THAT(told, HasSubstr("Extend: 1 calls, 0 failed, timed for 1"));
    EXPECT_THAT(told, HasSubstr("Read: 3 calls, 0 failed"));
    const auto closed = told.find("a is closed");
    ASSERT_NE(closed, std::string::npos);
    EXPECT_LT(told.rfind("a: {\"parameters\":{\"reading\":{\"name\":\"tdx/rtmr3\"", closed), closed);
    EXPECT_EQ(told.find("a: {\"parameters\":{\"reading\"", closed), std::string::npos);
}

TEST(TwoPaths, AreTold) {
    const auto told = ScriptedService(true).play("a" + call("Read", R"({"name":"tdx/rtmr3"})") + "b" +
                                                 call("Extend", R"({"name":"tdx/rtmr3","digest":")" + hex(1) + "\"}"));
    EXPECT_THAT(told, HasSubstr("a: {\"parameters\":{\"reading\":{\"name\":\"tdx/rtmr3\""));
    EXPECT_THAT(told, HasSubstr("Read: 1 calls, 0 failed, timed for 1"));
    EXPECT_THAT(told, HasSubstr("extend 3"));
    EXPECT_THAT(told, HasSubstr("\"digest\":\"" + hex(1)));
}

}  // namespace
}  // namespace mrd::test
