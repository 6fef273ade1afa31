#include "mrd/providers/tsm/qgs_quoter.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <span>
#include <stop_token>
#include <system_error>
#include <utility>

#include "mrd/opener/opener.h"
#include "mrd/providers/qgs/message.h"
#include "mrd/providers/report_options.h"
#include "mrd/providers/tdx/td_quote.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd::tsm {
namespace {

using Cause = QuoteFailure::Cause;

// A connection to the service that ends its waiting when a stop is requested.
class Connection {
public:
    using Step = std::expected<void, QuoteFailure>;

    Connection(const qgs::Address &address, const std::stop_token &stop)
        : address_(address),
          stop_(stop),
          woken_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
          wake_(stop, [this] { ::eventfd_write(woken_.get(), 1); }) {}

    Step connect() {
        if (!woken_) return unavailable(errno);
        auto connecting = opener::connect(address_.text(), address_.bytes());
        socket_ = std::move(connecting.socket);
        // A Unix socket whose queue is full cannot be waited for.
        if (connecting.error != 0 && connecting.error != EINPROGRESS) return unavailable(connecting.error);
        if (connecting.error == 0) return {};
        if (auto ready = wait(POLLOUT); !ready) return ready;
        int error = 0;
        socklen_t size = sizeof error;
        if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
        return error == 0 ? Step() : unavailable(error);
    }

    Step send(mr::ByteView bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent >= 0) {
                bytes = bytes.subspan(static_cast<std::size_t>(sent));
            } else if (errno == EAGAIN) {
                if (auto ready = wait(POLLOUT); !ready) return ready;
            } else if (errno != EINTR) {
                return lost(errno);
            }
        }
        return {};
    }

    // Fills all of it.
    Step receive(std::span<std::uint8_t> bytes) {
        while (!bytes.empty()) {
            const auto received = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
            if (received > 0) {
                bytes = bytes.subspan(static_cast<std::size_t>(received));
            } else if (received == 0) {
                return no_quote(Cause::failed,
                                "the quoting service at " + address_.text() + " closed the connection without a whole answer");
            } else if (errno == EAGAIN) {
                if (auto ready = wait(POLLIN); !ready) return ready;
            } else if (errno != EINTR) {
                return lost(errno);
            }
        }
        return {};
    }

private:
    Step wait(short events) {
        std::array<pollfd, 2> waited{pollfd{socket_.get(), events, 0}, pollfd{woken_.get(), POLLIN, 0}};
        while (!stop_.stop_requested()) {
            if (::poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR) return lost(errno);
            if (waited[0].revents != 0) return {};
        }
        return no_quote(Cause::cancelled, {});
    }

    [[nodiscard]] std::unexpected<QuoteFailure> unavailable(int error) const {
        return no_quote(Cause::unavailable,
                        "no quoting service answers at " + address_.text() + ": " + std::generic_category().message(error));
    }
    [[nodiscard]] std::unexpected<QuoteFailure> lost(int error) const {
        return no_quote(Cause::failed, "the connection to the quoting service at " + address_.text() +
                                           " was lost: " + std::generic_category().message(error));
    }

    const qgs::Address &address_;
    const std::stop_token &stop_;
    varlink::FileDescriptor woken_;
    varlink::FileDescriptor socket_;
    std::stop_callback<std::function<void()>> wake_;  // last: it uses woken_
};

class QgsQuoter final : public Quoter {
public:
    QgsQuoter(qgs::Address address, Reporter &reporter, std::vector<RegisterSpec> registers)
        : address_(std::move(address)), reporter_(reporter), registers_(std::move(registers)) {}

    std::expected<Quoted, QuoteFailure> quote(mr::ByteView report_data, const mr::ReportOptions &options,
                                              const std::stop_token &stop) override {
        if (auto taken = check_options(options); !taken) return std::unexpected(std::move(taken.error()));
        const auto report = reporter_.report(report_data);
        if (!report) return no_quote(Cause::no_report, report.error().reason);
        auto quote = ask(*report, stop);
        if (!quote) return std::unexpected(std::move(quote.error()));
        if (auto same = check_td_quote(*quote, *report); !same) return no_quote(Cause::invalid, std::move(same.error()));
        auto read = read_td_quote(*quote, registers_);
        if (!read) return no_quote(Cause::invalid, std::move(read.error()));
        return Quoted{std::move(*quote), std::nullopt, std::nullopt, std::move(read->format), std::move(read->says)};
    }

private:
    std::expected<mr::Bytes, QuoteFailure> ask(mr::ByteView report, const std::stop_token &stop) {
        Connection connection(address_, stop);
        if (auto done = connection.connect(); !done) return std::unexpected(std::move(done.error()));
        if (auto done = connection.send(qgs::quote_request(report)); !done) return std::unexpected(std::move(done.error()));
        std::array<std::uint8_t, qgs::frame_size> frame{};
        if (auto done = connection.receive(frame); !done) return std::unexpected(std::move(done.error()));
        const auto size = qgs::answer_size(frame);
        if (!size) return no_quote(Cause::invalid, size.error());
        mr::Bytes message(*size);
        if (auto done = connection.receive(message); !done) return std::unexpected(std::move(done.error()));
        auto quote = qgs::read_quote_answer(message);
        if (!quote) return no_quote(quote.error().refused ? Cause::failed : Cause::invalid, std::move(quote.error().reason));
        return std::move(*quote);
    }

    qgs::Address address_;
    Reporter &reporter_;
    std::vector<RegisterSpec> registers_;
};

}  // namespace

std::unique_ptr<Quoter> make_qgs_quoter(qgs::Address address, Reporter &reporter, std::vector<RegisterSpec> registers) {
    return std::make_unique<QgsQuoter>(std::move(address), reporter, std::move(registers));
}

}  // namespace mrd::tsm
