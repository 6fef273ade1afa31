// Measures a text into tdx/rtmr3: what an application that links libmr needs.
#include <iostream>

#include "mr/client.h"
#include "mr/event_content.h"

int main(int argc, char **argv) {
    if (argc != 2) return std::cerr << "usage: measure TEXT\n", 2;
    auto client = mr::Client::connect();
    if (!client) return std::cerr << mr::printable_text(client.error().message) << '\n', 1;
    const auto measured = client->measure("tdx/rtmr3", mr::as_bytes(argv[1]), {.description = "a text"});
    if (!measured) return std::cerr << mr::printable_text(measured.error().message) << '\n', 1;
    std::cout << mr::printable_text(measured->reading.name) << ' ' << mr::to_hex(measured->reading.value) << " after extend "
              << measured->sequence << '\n';
}
