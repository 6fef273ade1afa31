// The parts of a call, each beside the least that it can cost: what "limit" is in a name is that.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <stdexcept>
#include <string>

#include "bench/parts.h"
#include "libmr/wire/registers.h"
#include "mr/bytes.h"
#include "mr/digest.h"
#include "mrd/daemon/service.h"
#include "mrd/log.h"
#include "mrd/providers/sim/report.h"
#include "mrd/providers/sim/simulator.h"
#include "mrd/registers/register_table.h"
#include "mrd/registers/registers.h"
#include "proto/varlink/message.h"
#include "proto/varlink/session.h"

namespace {

namespace wire = mr::wire;

const std::string digest_hex(96, 'a');
const std::string read_call = R"({"method":"io.mrd.Registers.Read","parameters":{"name":"tdx/rtmr3"}})";
const std::string extend_call = R"({"method":"io.mrd.Registers.Extend","parameters":{"name":"tdx/rtmr3","digest":")" + digest_hex + "\"}}";
const std::array<std::uint8_t, 48> some_digest = {1, 2, 3};

using bench::must;

// mrd without its socket: the simulator in a folder of its own.
class Daemon {
public:
    // `virtual_registers`: so many are made on rtmr3, which is log-only then.
    explicit Daemon(std::int64_t virtual_registers = 0) {
        mrd::sim::Options options;
        options.state_file = mrd::sim::state_file(folder_.path(), options.name);
        options.boot_id = "bench";
        auto simulator = must(mrd::sim::open(options));
        auto specs = simulator->registers()->list();
        for (auto &spec : specs) {
            if (virtual_registers > 0 && spec.name == "rtmr3") spec.flags = spec.flags.without(mr::Flag::writable);
        }
        if (!daemon_.add(std::move(simulator), std::move(specs))) throw std::runtime_error("no simulator");
        if (!daemon_.registers().start_journal({})) throw std::runtime_error("no journal");
        service_ = mrd::make_service(daemon_,
                                     mrd::make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}}), {});
        session_ = varlink::Session::create(*service_, {.uid = ::getuid(), .gid = ::getgid()}, {}, [] {});  // who may extend
        std::string out;
        for (std::int64_t i = 0; i < virtual_registers; ++i) {
            call(R"({"method":"io.mrd.Registers.Create","parameters":{"name":"virtual/r)" + std::to_string(i) +
                     R"(","hash":"sha384","on":"tdx/rtmr3"}})" + std::string(1, '\0'),
                 out);
            if (!out.contains("XR")) throw std::runtime_error("no virtual register: " + out);
        }
    }
    Daemon(const Daemon &) = delete;
    Daemon &operator=(const Daemon &) = delete;
    ~Daemon() = default;

    void call(std::string_view calls, std::string &out) {
        out.clear();
        session_->receive(calls, out);
        while (session_->held_back()) session_->resume(out);
    }

private:
    boost::asio::io_context loop_;
    bench::Folder folder_;
    std::unique_ptr<mrd::journal::Journal> journal_ =
        must(mrd::journal::Journal::open(loop_, {.folder = folder_.path(), .boot_id = "bench", .size_limit = bench::large_journal}));
    mrd::Daemon daemon_{loop_, *journal_};
    std::unique_ptr<varlink::Service> service_;
    std::shared_ptr<varlink::Session> session_;
};

// ---- JSON

void parse(benchmark::State &state, const std::string &message) {
    varlink::Document document;
    for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(varlink::parse_call(message, document));
}
BENCHMARK_CAPTURE(parse, read_call, read_call);
BENCHMARK_CAPTURE(parse, extend_call, extend_call);

template <class Parameters>
void decode(benchmark::State &state, const std::string &message) {
    varlink::Document document;
    for ([[maybe_unused]] auto _ : state) {
        const auto call = varlink::parse_call(message, document);
        benchmark::DoNotOptimize(varlink::decode<Parameters>(*call->parameters));
    }
}
constexpr auto parse_and_decode_read = decode<wire::ReadParameters>;
constexpr auto parse_and_decode_extend = decode<wire::ExtendParameters>;
BENCHMARK_CAPTURE(parse_and_decode_read, call, read_call);
BENCHMARK_CAPTURE(parse_and_decode_extend, call, extend_call);

template <class Reply>
void encode(benchmark::State &state, const Reply &reply) {
    std::string out;
    for ([[maybe_unused]] auto _ : state) {
        out.clear();
        varlink::write_reply(out, reply);
        benchmark::DoNotOptimize(out.data());
    }
}
const wire::Reading reading{"tdx/rtmr3", digest_hex, std::nullopt, false};
BENCHMARK_CAPTURE(encode, read_reply, wire::ReadReply{reading});
BENCHMARK_CAPTURE(encode, extend_reply, wire::ExtendReply{reading, 12345});

// The least that parsing and encoding together can be: looking at each byte of the call and writing each byte of the reply.
void limit_touch_bytes(benchmark::State &state, const std::string &message) {
    std::string out;
    const std::string reply(160, 'r');
    for ([[maybe_unused]] auto _ : state) {
        out.assign(reply);
        benchmark::DoNotOptimize(out.data());
        benchmark::DoNotOptimize(std::count(message.begin(), message.end(), '"'));
    }
}
BENCHMARK_CAPTURE(limit_touch_bytes, read_call, read_call);
BENCHMARK_CAPTURE(limit_touch_bytes, extend_call, extend_call);

// ---- A whole call without a socket; its limit is the sum of its parts

void session(benchmark::State &state, const std::string &message) {
    Daemon daemon;
    const auto call = message + '\0';
    std::string out;
    daemon.call(call, out);
    if (!out.starts_with(R"({"parameters")")) throw std::runtime_error(out);
    for ([[maybe_unused]] auto _ : state) daemon.call(call, out);
}
BENCHMARK_CAPTURE(session, read, read_call);
BENCHMARK_CAPTURE(session, extend, extend_call);

// The first of so many virtual registers: the others cost it nothing.
void measure_virtual(benchmark::State &state) {
    Daemon daemon(state.range(0));
    const std::string call =
        R"({"method":"io.mrd.Registers.Measure","parameters":{"name":"virtual/r0","data":"YQ=="}})" + std::string(1, '\0');
    std::string out;
    daemon.call(call, out);
    if (!out.starts_with(R"({"parameters")")) throw std::runtime_error(out);
    for ([[maybe_unused]] auto _ : state) daemon.call(call, out);
}
BENCHMARK(measure_virtual)->Arg(1)->Arg(10'000);

// ---- The register table alone

mrd::RegisterTable one_register() {
    mrd::RegisterSpec spec{.name = "rtmr3", .hash = mr::HashAlgorithm::sha384, .size = 48, .flags = mr::flags_rtmr | mr::Flag::writable};
    auto table = must(mrd::RegisterTable::build("tdx", {spec}, {.refresh = true, .extend = true}, 1));
    const std::vector<mr::Bytes> values{mr::Bytes(48)};
    table.refresh_ends(table.begin_refresh(0), &values);
    return table;
}

void table_read(benchmark::State &state) {
    auto table = one_register();
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(table.may_read(0));
        benchmark::DoNotOptimize(table.plan_read(0, false));
        benchmark::DoNotOptimize(table.hex(0));
    }
}
BENCHMARK(table_read);

void table_extend(benchmark::State &state) {
    auto table = one_register();
    const mr::Digest digest(some_digest);
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(table.may_extend(0, digest.size()));
        benchmark::DoNotOptimize(table.extend_begins(0, digest));
        table.extend_succeeded(0);
    }
}
BENCHMARK(table_extend);

// ---- Hashing

void sha384_extend(benchmark::State &state) {
    auto hasher = must(mr::Hasher::open(mr::HashAlgorithm::sha384));
    auto value = mr::Digest(some_digest);
    for ([[maybe_unused]] auto _ : state) value = hasher.extend(value.bytes(), some_digest);
    benchmark::DoNotOptimize(value);
}
BENCHMARK(sha384_extend);

void limit_sha384_96_bytes(benchmark::State &state) {
    EVP_MD *algorithm = EVP_MD_fetch(nullptr, "SHA2-384", nullptr);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    std::array<std::uint8_t, 96> bytes{};
    for ([[maybe_unused]] auto _ : state) {
        EVP_DigestInit_ex2(context, algorithm, nullptr);
        EVP_DigestUpdate(context, bytes.data(), bytes.size());
        EVP_DigestFinal_ex(context, bytes.data(), nullptr);
    }
    benchmark::DoNotOptimize(bytes);
    EVP_MD_CTX_free(context);
    EVP_MD_free(algorithm);
}
BENCHMARK(limit_sha384_96_bytes);

void tdreport(benchmark::State &state) {
    auto maker = must(mrd::sim::ReportMaker::open(mrd::sim::ReportKey{}));
    const auto td = mrd::sim::td_info_of(mrd::sim::default_statics(), {});
    mr::ReportData data{};
    for ([[maybe_unused]] auto _ : state) {
        ++data[0];
        benchmark::DoNotOptimize(maker.make(td, data));
    }
}
BENCHMARK(tdreport);

void limit_hmac_sha256_256_bytes(benchmark::State &state) {
    EVP_MAC *algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(algorithm);
    std::string digest = "SHA2-256";
    const std::array parameters{OSSL_PARAM_construct_utf8_string("digest", digest.data(), 0), OSSL_PARAM_construct_end()};
    const std::array<std::uint8_t, 32> key{};
    std::array<std::uint8_t, 256> bytes{};
    EVP_MAC_init(context, key.data(), key.size(), parameters.data());
    for ([[maybe_unused]] auto _ : state) {
        std::size_t size = 0;
        EVP_MAC_init(context, nullptr, 0, nullptr);
        EVP_MAC_update(context, bytes.data(), bytes.size());
        EVP_MAC_final(context, bytes.data(), &size, bytes.size());
    }
    benchmark::DoNotOptimize(bytes);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(algorithm);
}
BENCHMARK(limit_hmac_sha256_256_bytes);

// A TDREPORT is SHA-384 of 512 and of 239 bytes, and the HMAC.
void limit_tdreport_hashes(benchmark::State &state) {
    auto hasher = must(mr::Hasher::open(mr::HashAlgorithm::sha384));
    std::array<std::uint8_t, 512> bytes{};
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(hasher.hash(bytes));
        benchmark::DoNotOptimize(hasher.hash(mr::ByteView(bytes).first(239)));
    }
}
BENCHMARK(limit_tdreport_hashes);

// ---- Hexadecimal

void digest_from_hex(benchmark::State &state) {
    for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(mr::from_hex(digest_hex));
}
BENCHMARK(digest_from_hex);

void digest_to_hex(benchmark::State &state) {
    for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(mr::to_hex(some_digest));
}
BENCHMARK(digest_to_hex);

}  // namespace

int main(int argc, char **argv) {
    // What mrd says of each register that is made would stand between the figures.
    if (!mrd::log::set_level("warning")) return 1;
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
