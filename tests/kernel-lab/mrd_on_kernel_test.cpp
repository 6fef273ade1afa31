// mrd as a process on the kernel's interfaces: a kernel that is slow or fails delays no read that it is not needed for. Counted, not timed: the slow call is held
// until the reads have been answered. kernel-lab-quoting runs beside it.
#include <gmock/gmock.h>

#include "tests/integration/daemon.h"
#include "tests/kernel-lab/machine.h"

namespace mrd::lab {
namespace {

using mr::ErrorCode;

class MrdOnKernel : public DaemonTest {
protected:
    MrdOnKernel() {
        for (const auto &name : known_) EXPECT_TRUE(client_.read(name));
    }
    ~MrdOnKernel() override {
        for (const auto *const kind : {"extend", "refresh", "ioctl", "quote"}) set_parameter(std::string(kind) + "_hold", "0");
    }

    struct Calls {
        int extends, refreshes, ioctls, quotes;
        bool operator==(const Calls &) const = default;
    };
    static Calls calls() {
        return {parameter("extend_calls"), parameter("refresh_calls"), parameter("ioctl_calls"), parameter("quote_calls")};
    }

    // Of registers whose value is known: mrd answers each, and asks the kernel for nothing.
    void expect_cached_reads(const std::vector<std::string> &known) {
        const auto before = calls();
        const auto cached = [this] { return client_.statistics().value().at(0).cached_reads; };
        const auto cached_before = cached();
        constexpr int rounds = 25;
        for (int i = 0; i < rounds; ++i) {
            for (const auto &name : known) EXPECT_TRUE(client_.read(name)) << name;
        }
        EXPECT_EQ(cached() - cached_before, rounds * static_cast<std::int64_t>(known.size()));
        EXPECT_TRUE(calls() == before);
    }
    // What `call` gives, of which the kernel holds the hardware's call until `meanwhile` is over.
    template <class Call>
    auto while_held(const std::string &kind, Call call, const std::function<void()> &meanwhile) {
        set_parameter(kind + "_hold", "1");
        std::optional<std::invoke_result_t<Call, mr::Client &>> result;
        {
            std::jthread caller([&] {
                auto client = daemon_.client();
                result.emplace(call(client));
            });
            wait_until_held(kind, 1);
            meanwhile();
            EXPECT_EQ(parameter(kind + "_held"), 1) << "still";
            set_parameter(kind + "_hold", "0");
        }
        return std::move(*result);
    }

    // What never changes, and what mrd alone extends.
    const std::vector<std::string> fixed_ = {"tdx/mrtd", "tdx/mrowner", "tdx/mrconfigid", "tdx/servtd_hash"};
    const std::vector<std::string> known_ = {"tdx/mrtd", "tdx/mrowner", "tdx/mrconfigid", "tdx/servtd_hash", "tdx/rtmr3"};
    static mr::ReportData some_data() {
        mr::ReportData data{};
        data.fill(5);
        return data;
    }

    Daemon daemon_ = started({.arguments = {}, .config = "[[provider]]\ntype = \"tsm\"\n"});
    mr::Client client_ = daemon_.client();
};

TEST_F(MrdOnKernel, AnExtendThatTheKernelHoldsDelaysNoCachedRead) {
    EXPECT_TRUE(while_held(
        "extend", [](mr::Client &client) { return client.extend("tdx/rtmr3", mr::Digest(some_digest(1))); },
        [this] { expect_cached_reads(fixed_); }));
}

TEST_F(MrdOnKernel, ARereadThatTheKernelHoldsDelaysNoCachedRead) {
    EXPECT_TRUE(while_held(
        "ioctl", [](mr::Client &client) { return client.read("tdx/rtmr3", {.fresh = true}); }, [this] { expect_cached_reads(known_); }));
}

TEST_F(MrdOnKernel, AQuoteThatTheKernelHoldsDelaysNoReadAndNoExtend) {
    EXPECT_TRUE(while_held(
        "quote", [](mr::Client &client) { return client.quote(some_data()); },
        [this] {
            expect_cached_reads(known_);
            EXPECT_TRUE(client_.extend("tdx/rtmr3", mr::Digest(some_digest(2))));
            EXPECT_TRUE(client_.read("tdx/rtmr3", {.fresh = true}));
        }));
}

TEST_F(MrdOnKernel, AQuoteThatTheKernelHoldsIsAnsweredAtItsDeadlineAndTheNextIsMadeWhenItCan) {
    set_parameter("quote_hold", "1");
    // On a busy machine a deadline may have passed before the kernel was asked.
    do {
        ASSERT_EQ(client_.quote(some_data(), {.deadline = std::chrono::milliseconds(100)}).error().code, ErrorCode::quote_timeout);
    } while (parameter("quote_held") == 0);
    EXPECT_EQ(parameter("quote_held"), 1) << "the kernel is deaf to who waits no more";
    expect_cached_reads(known_);
    set_parameter("quote_hold", "0");
    EXPECT_TRUE(client_.quote(some_data()));
}

TEST_F(MrdOnKernel, AKernelThatFailsFailsNoCachedRead) {
    const Parameter extend("extend_error_before", EIO);
    const Parameter reread("ioctl_error_before", EIO);
    const Parameter quote("quote_error_before", EIO);
    EXPECT_EQ(client_.extend("tdx/rtmr3", mr::Digest(some_digest(1))).error().code, ErrorCode::provider_failed);
    EXPECT_EQ(client_.read("tdx/rtmr3", {.fresh = true}).error().code, ErrorCode::provider_failed);
    EXPECT_EQ(client_.quote(some_data()).error().code, ErrorCode::quote_failed);
    expect_cached_reads(fixed_);
}

}  // namespace
}  // namespace mrd::lab
