// What a quote costs: the quoting service's own time is the limit; then the shared buffer and its host, then the queue.
#include <benchmark/benchmark.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <string>

#include "bench/parts.h"
#include "mrd/evidence/quotes.h"
#include "mrd/providers/sim/quoter.h"
#include "mrd/providers/sim/simulator.h"

namespace {

using bench::must;

const mr::Bytes some_data(mrd::max_report_data);

class Simulator {
public:
    Simulator() { must(quoter().quote(some_data, {}, {})); }  // its keys are made, its threads run
    Simulator(const Simulator &) = delete;
    Simulator &operator=(const Simulator &) = delete;
    ~Simulator() = default;

    mrd::Quoter &quoter() { return *provider_->quoter(); }
    mrd::Provider &provider() { return *provider_; }
    [[nodiscard]] const mrd::sim::Options &options() const { return options_; }

private:
    mrd::sim::Options make_options() const {
        mrd::sim::Options made;
        made.state_file = mrd::sim::state_file(folder_.path(), made.name);
        made.quoting_file = mrd::sim::quoting_file(folder_.path(), made.name);
        made.boot_id = "bench";
        return made;
    }
    bench::Folder folder_;
    mrd::sim::Options options_ = make_options();
    std::unique_ptr<mrd::Provider> provider_ = must(mrd::sim::open(options_));
};

void quote_limit(benchmark::State &state) {
    Simulator simulator;
    const auto td = must(mrd::sim::State::attach(simulator.options().state_file));
    auto service = must(mrd::sim::QuotingService::open(simulator.options().quoting_file, td.report_key(), mrd::sim::QuoteFormat::v4));
    const auto report = must(simulator.provider().reporter()->report(some_data));
    for (auto _ : state) benchmark::DoNotOptimize(must(service.quote(report)));
}
BENCHMARK(quote_limit)->Name("quote/limit: the service alone")->UseRealTime();

void quote_buffer(benchmark::State &state) {
    Simulator simulator;
    for (auto _ : state) benchmark::DoNotOptimize(must(simulator.quoter().quote(some_data, {}, {})));
}
BENCHMARK(quote_buffer)->Name("quote/shared buffer and host")->UseRealTime();

// So many ask at once, each for a quote of its own, and each again when it is answered.
void quote_queue(benchmark::State &state) {
    Simulator simulator;
    boost::asio::io_context loop;
    mrd::Quotes quotes(loop, simulator.quoter());
    std::uint64_t nonce = 0;
    for (auto _ : state) {
        auto open = state.range(0);
        for (auto i = open; i > 0; --i) {
            mrd::Quotes::Subject subject{.report_data = some_data};
            for (std::size_t at = 0, left = ++nonce; left > 0; left >>= 8U) subject.report_data[at++] = static_cast<std::uint8_t>(left);
            quotes.ask(quotes.new_ticket(), {}, subject, std::chrono::steady_clock::now() + std::chrono::seconds(30),
                       [&open](const mrd::Quotes::Result &quoted) {
                           if (!quoted) throw std::runtime_error(quoted.error().reason);
                           --open;
                       });
        }
        loop.restart();
        while (open > 0) loop.run_one();
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(quote_queue)->Name("quote/queue, so many at once")->Arg(1)->Arg(8)->Arg(64)->UseRealTime();

}  // namespace
