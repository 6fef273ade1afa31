// Any bytes as what a client of metrics says: it is answered at one place, whatever comes behind that; with metrics only where it asks for them; and at the limit at the latest.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mrd/daemon/metrics_http.h"

namespace {

constexpr std::string_view metrics = "mrd_up 1\n";

void require(bool holds) {
    if (!holds) std::abort();
}

std::optional<std::string> answer_to(std::string_view received) {
    return mrd::answer_http(received, [] { return metrics; });
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view received(reinterpret_cast<const char *>(data), size);
    const auto answer = answer_to(received);
    if (!answer) {
        require(size < mrd::max_http_request && received.find("\r\n\r\n") == std::string_view::npos);
        return 0;
    }
    require(answer->starts_with("HTTP/1.1 ") && answer->contains("\r\nConnection: close\r\n"));
    const bool has_metrics = answer->starts_with("HTTP/1.1 200 ");
    const bool is_head = received.starts_with("HEAD ");
    require((has_metrics && !is_head) == answer->ends_with(metrics));
    if (has_metrics) {
        require(is_head || received.starts_with("GET "));
        // What is asked for, or its end where a host is before it.
        const auto target = received.substr(received.find(' ') + 1);
        require(target.substr(0, target.find_first_of("? ")).ends_with("/metrics"));
    }
    if (const auto end = received.find("\r\n\r\n"); end + 4 <= mrd::max_http_request && end != std::string_view::npos) {
        require(answer_to(received.substr(0, end + 4)) == answer);
        require(!answer_to(received.substr(0, end + 3)));
    }
    return 0;
}
