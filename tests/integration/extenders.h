// Clients that extend while a test does something else.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <semaphore>
#include <string>
#include <vector>

#include "tests/integration/daemon.h"

namespace mrd {

class Extenders {
public:
    // More than a test sees the end of on a quiet machine, and fewer than fill a journal where it takes long.
    static constexpr std::ptrdiff_t many = 50'000;

    // So many, each in a loop, the registers dealt out among them; all together extend as often as they are allowed to. The daemon outlives this.
    Extenders(const Daemon &daemon, int count, const std::vector<std::string> &registers, std::ptrdiff_t allowed = many)
        : allowed_(allowed) {
        for (int i = 0; i < count; ++i) {
            running_.push_back(
                std::async(std::launch::async, [this, &daemon, i, name = registers[static_cast<std::size_t>(i) % registers.size()]] {
                    auto client = daemon.client();
                    for (int n = 0;; ++n) {
                        allowed_.acquire();
                        if (done_) return;
                        const auto made = client.extend(name, digest_of(std::to_string(i) + "/" + std::to_string(n)));
                        ASSERT_TRUE(made) << made.error().message;
                        ++extends_;
                    }
                }));
        }
    }
    Extenders(const Extenders &) = delete;
    Extenders &operator=(const Extenders &) = delete;
    ~Extenders() { stop(); }

    // So many more.
    void allow(std::ptrdiff_t extends) { allowed_.release(extends); }

    // Returns when the last one has its answer.
    void stop() {
        done_ = true;
        allow(static_cast<std::ptrdiff_t>(running_.size()));
        for (auto &each : running_) each.wait();
    }

    // That were answered so far.
    [[nodiscard]] std::int64_t extends() const { return extends_; }

private:
    std::counting_semaphore<> allowed_;
    std::atomic<bool> done_ = false;
    std::atomic<std::int64_t> extends_ = 0;
    std::vector<std::future<void>> running_;
};

}  // namespace mrd
