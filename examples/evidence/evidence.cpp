// Evidence over a relying party's nonce, on standard output: the quotes of this machine, and the log that leads to what they sign. examples/verifier judges it.
#include <chrono>
#include <iostream>

#include "mr/client.h"
#include "mr/event_content.h"
#include "mr/tdreport.h"

int main(int argc, char **argv) {
    if (argc != 2) return std::cerr << "usage: evidence NONCE, 16 to 64 bytes in hexadecimal\n", 2;
    const auto fail = [](const mr::Error &error) { return std::cerr << mr::printable_text(error.message) << '\n', 1; };
    const auto nonce = mr::from_hex(argv[1]);
    if (!nonce) return fail(nonce.error());
    const auto report_data = mr::report_data_from(*nonce);
    if (!report_data) return fail(report_data.error());
    auto client = mr::Client::connect();
    if (!client) return fail(client.error());
    // A quote alone is client->quote(*report_data).
    const auto evidence = client->evidence(*report_data, {.deadline = std::chrono::seconds(10)});
    if (!evidence) return fail(evidence.error());
    std::cout << evidence->json << '\n';
    return std::cout.flush() ? 0 : 1;
}
