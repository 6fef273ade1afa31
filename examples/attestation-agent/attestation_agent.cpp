// An attestation agent: answers each nonce that a relying party sends (here: a line of standard input) with a TDREPORT that carries it. The report data is
// SHA-512(nonce), which fills the 64 bytes. Report answers for exactly these bytes, so any number of agents can ask at once: none gets a report over
// another's nonce.
#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "mr/async_client.h"
#include "mr/digest.h"
#include "mr/event_content.h"
#include "mr/tdreport.h"

namespace asio = boost::asio;

namespace {

asio::awaitable<bool> answer(mr::AsyncClient &client, std::string nonce) {
    const auto digest = mr::hash(mr::HashAlgorithm::sha512, mr::as_bytes(nonce));
    if (!digest) co_return std::cerr << mr::printable_text(digest.error().message) << '\n', false;
    mr::ReportData report_data;
    std::ranges::copy(digest->bytes(), report_data.begin());

    const auto report = co_await client.call(mr::calls::report(report_data), asio::use_awaitable);
    if (!report) co_return std::cerr << mr::printable_text(report.error().message) << '\n', false;

    const auto decoded = mr::decode_tdreport(report->report);
    const auto hashes = mr::check_tdreport_hashes(report->report);
    if (!decoded || !hashes || !hashes->tcb_info_matches || !hashes->td_info_matches || decoded->report_data != report_data) {
        co_return std::cerr << "the report is not over this nonce\n", false;
    }
    std::cout << "nonce " << mr::printable_text(nonce) << " report_data " << mr::to_hex(decoded->report_data) << " rtmr3 "
              << mr::to_hex(decoded->td_info.rtmr[3]) << (report->simulated ? " SIMULATED" : "") << '\n';
    co_return true;
}

}  // namespace

int main() {
    std::vector<std::string> nonces;
    for (std::string line; std::getline(std::cin, line);) nonces.push_back(line);

    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor());
    std::size_t failed = 0;
    // All at once: each has its own connection, and its own answer.
    for (const auto &nonce : nonces) {
        asio::co_spawn(loop, answer(client, nonce),
                       [&failed](const std::exception_ptr &broken, bool good) { failed += broken || !good ? 1 : 0; });
    }
    loop.run();
    return failed == 0 ? 0 : 1;
}
