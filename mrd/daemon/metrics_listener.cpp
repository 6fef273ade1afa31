#include "mrd/daemon/metrics_listener.h"

#include <string_view>
#include <utility>

#include "mrd/daemon/metrics_http.h"

namespace mrd {

namespace {

// Made no more often than it grows old.
class KeptText {
public:
    KeptText(std::function<std::string()> make, std::chrono::milliseconds age) : make_(std::move(make)), age_(age) {}

    std::string_view get() {
        const auto now = std::chrono::steady_clock::now();
        if (made_.empty() || now - made_at_ >= age_) {
            made_ = make_();
            made_at_ = now;
        }
        return made_;
    }

private:
    std::function<std::string()> make_;
    std::chrono::milliseconds age_;
    std::string made_;
    std::chrono::steady_clock::time_point made_at_;
};

RequestListener::Answer answer_with(KeptText text) {
    return [text = std::move(text)](mr::ByteView received) mutable -> std::optional<mr::Bytes> {
        const std::string_view request(reinterpret_cast<const char *>(received.data()), received.size());
        const auto answer = answer_http(request, [&text] { return text.get(); });
        if (!answer) return std::nullopt;
        return mr::Bytes(answer->begin(), answer->end());
    };
}

}  // namespace

MetricsListener::MetricsListener(boost::asio::io_context &loop, std::vector<varlink::FileDescriptor> sockets,
                                 std::function<std::string()> text, const Limits &limits)
    : listener_(loop, std::move(sockets), answer_with({std::move(text), limits.age}),
                {.connections = limits.connections, .time = limits.time, .request = max_http_request, .unasked = limits.unasked}) {}

}  // namespace mrd
