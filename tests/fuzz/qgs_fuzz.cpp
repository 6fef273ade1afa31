// Any bytes as what a client of a quoting service sent, and as what a service answered: a request is found in the same bytes however they are cut, and all that it is made of
// is theirs; a quote is found where the answer has it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <variant>

#include "mr/tdreport.h"
#include "mrd/providers/qgs/message.h"

namespace {

namespace qgs = mrd::qgs;

void require(bool holds) {
    if (!holds) std::abort();
}

bool is_in(mr::ByteView part, mr::ByteView whole) {
    return !part.empty() && part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

struct Check {
    mr::ByteView bytes;

    void operator()(const qgs::QuoteRequest &request) const {
        require(is_in(request.report, bytes));
        // Ours is the same without its ids.
        const auto ours = qgs::quote_request(request.report);
        const auto read = qgs::read_request(ours);
        require(read && *read && std::ranges::equal(std::get<qgs::QuoteRequest>(**read).report, request.report));
    }
    void operator()(const qgs::CollateralRequest &request) const { require(is_in(request.fmspc, bytes) && is_in(request.pck_ca, bytes)); }
    void operator()(const qgs::PlatformRequest & /*none*/) const {}
    void operator()(const qgs::BareRequest &request) const {
        require(request.report.size() == mr::tdreport_size && request.report.data() == bytes.data());
    }
    void operator()(const qgs::WrongRequest &request) const {
        require(!request.reason.empty() && qgs::error_answer(request.type).size() > 20);
    }
};

void check_request(mr::ByteView bytes) {
    const auto whole = qgs::read_request(bytes);
    if (!whole) return require(!whole.error().empty());
    if (!*whole) return require(bytes.size() < qgs::max_request);
    std::visit(Check{bytes}, **whole);
    // Not one byte earlier something else: it goes on, or is found already.
    for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 8) {
        const auto part = qgs::read_request(bytes.first(size));
        require(part && (!*part || (*part)->index() == (*whole)->index()));
    }
}

void check_answer(mr::ByteView bytes) {
    const auto quote = qgs::read_quote_answer(bytes);
    if (!quote) return require(!quote.error().reason.empty());
    require(!quote->empty() && std::ranges::equal(*quote, bytes.last(quote->size())));
    const auto ours = qgs::quote_answer(*quote);
    const mr::ByteView message = mr::ByteView(ours).subspan(qgs::frame_size);
    require(qgs::answer_size(ours) == message.size() && qgs::read_quote_answer(message) == *quote);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    check_request({data, size});
    check_answer({data, size});
    return 0;
}
