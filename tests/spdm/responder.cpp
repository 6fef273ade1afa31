#include "tests/spdm/responder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "mr/file.h"

namespace mr::spdm_test {

namespace {

constexpr std::uint8_t get_digests = 0x81;
constexpr std::uint8_t get_certificate = 0x82;
constexpr std::uint8_t challenge_code = 0x83;
constexpr std::uint8_t get_version = 0x84;
constexpr std::uint8_t chunk_get = 0x86;
constexpr std::uint8_t get_measurements = 0xE0;
constexpr std::uint8_t get_capabilities = 0xE1;
constexpr std::uint8_t negotiate_algorithms = 0xE3;
constexpr std::uint8_t get_extension_log = 0xEF;
constexpr std::uint8_t respond_if_ready = 0xFF;

constexpr std::size_t nonce_size = 32;
constexpr std::size_t context_size = 8;

// Little-endian.
class Writer {
public:
    Writer &u8(std::size_t value) { return number(value, 1); }
    Writer &u16(std::size_t value) { return number(value, 2); }
    Writer &u24(std::size_t value) { return number(value, 3); }
    Writer &u32(std::size_t value) { return number(value, 4); }
    Writer &zeros(std::size_t count) {
        bytes_.resize(bytes_.size() + count);
        return *this;
    }
    Writer &add(ByteView bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    Bytes take() { return std::move(bytes_); }

private:
    Writer &number(std::size_t value, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
        return *this;
    }
    Bytes bytes_;
};

// Of a request that is too short it reads zeros.
std::size_t number_at(ByteView bytes, std::size_t at, std::size_t size) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i) value |= std::size_t{bytes[at + i]} << (8 * i);
    return value;
}
ByteView part(ByteView bytes, std::size_t at, std::size_t size) {
    at = std::min(at, bytes.size());
    return bytes.subspan(at, std::min(size, bytes.size() - at));
}

void append(Bytes &to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

std::size_t measurement_hash_bit(HashAlgorithm hash) {
    switch (hash) {
    case HashAlgorithm::sha256: return 2;
    case HashAlgorithm::sha384: return 4;
    default: return 8;
    }
}

bool send_all(int socket, ByteView bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return true;
}

bool receive_all(int socket, std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const auto received = ::recv(socket, bytes.data(), bytes.size(), 0);
        if (received <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(received));
    }
    return true;
}

// Without what DOE fills up with, which no transcript has.
Bytes without_padding(Bytes request) {
    if (request.size() < 4) return request;
    const bool has_context = request[0] >= 0x13;
    std::size_t size = request.size();
    if (request[1] == get_measurements) size = 4 + ((request[2] & 1U) != 0 ? nonce_size + 1 : 0) + (has_context ? context_size : 0);
    if (request[1] == challenge_code) size = 4 + nonce_size + (has_context ? context_size : 0);
    request.resize(std::min(size, request.size()));
    return request;
}

std::uint32_t big_endian(ByteView bytes) {
    std::uint32_t value = 0;
    for (const auto byte : bytes) value = value << 8U | byte;
    return value;
}

}  // namespace

// ---- The socket

namespace {

varlink::FileDescriptor listen_on_loopback() {
    varlink::FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)) != 0 || ::listen(listener.get(), 8) != 0)
        throw std::runtime_error("the responder cannot listen");
    return listener;
}

}  // namespace

Responder::Responder(DeviceOptions options, bool is_plugged) : Responder(std::move(options), listen_on_loopback(), is_plugged) {}

Responder::Responder(DeviceOptions options, varlink::FileDescriptor listener, bool is_plugged)
    : options_(std::move(options)), listener_(std::move(listener)), is_plugged_(is_plugged) {
    if (options_.slots.empty()) options_.slots.emplace(0, SlotPki("device", options_.is_p256));
    measure();
    thread_ = std::thread([this] { serve(); });
}

std::uint16_t Responder::port() const {
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    if (::getsockname(listener_.get(), reinterpret_cast<sockaddr *>(&address), &size) != 0 || address.sin_family != AF_INET)
        throw std::runtime_error("the responder has no port");
    return ntohs(address.sin_port);
}

Responder::~Responder() {
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
        ::shutdown(listener_.get(), SHUT_RDWR);
        if (client_ >= 0) ::shutdown(client_, SHUT_RDWR);
        changed_.notify_all();
    }
    thread_.join();
}

// One that is unplugged keeps its port, and ends each connection at once.
void Responder::plug() {
    const std::lock_guard lock(mutex_);
    is_plugged_ = true;
}

void Responder::unplug() {
    const std::lock_guard lock(mutex_);
    is_plugged_ = false;
    if (client_ >= 0) ::shutdown(client_, SHUT_RDWR);
    changed_.notify_all();
}

void Responder::serve() {
    for (;;) {
        const varlink::FileDescriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        {
            const std::lock_guard lock(mutex_);
            if (is_ending_) return;
            if (!client || !is_plugged_) continue;
            client_ = client.get();
            state_ = {};
        }
        serve_client(client.get());
        const std::lock_guard lock(mutex_);
        client_ = -1;
    }
}

void Responder::serve_client(int client) {
    constexpr std::uint32_t normal = 1;
    constexpr std::uint32_t test = 0xDEAD;
    constexpr std::size_t most = 1U << 20U;
    for (;;) {
        std::array<std::uint8_t, 12> head{};
        if (!receive_all(client, head)) return;
        const auto command = big_endian(part(head, 0, 4));
        const auto size = big_endian(part(head, 8, 4));
        if (size > most) return;
        Bytes payload(size);
        if (!receive_all(client, payload)) return;
        Bytes reply;
        bool is_cut = false;
        if (command == test) {
            reply = Bytes({'S', 'e', 'r', 'v', 'e', 'r', ' ', 'H', 'e', 'l', 'l', 'o', '!', 0});
        } else if (command == normal) {
            const bool is_doe = options_.framing == Framing::doe;
            const auto head_size = std::min<std::ptrdiff_t>(is_doe ? 8 : 1, std::ssize(payload));
            auto answered = answer(without_padding(Bytes(payload.begin() + head_size, payload.end())));
            if (!answered) return;
            is_cut = answered->empty();
            if (is_cut) answered = Bytes(64);
            if (is_doe) {
                const auto padded = (answered->size() + 3) / 4 * 4;
                reply = Writer().u16(1).u8(1).u8(0).u32((padded + 8) / 4).add(*answered).zeros(padded - answered->size()).take();
            } else {
                reply = Writer().u8(5).add(*answered).take();
            }
        }
        std::copy_n(std::array<std::uint8_t, 4>{0, 0, 0, static_cast<std::uint8_t>(options_.framing)}.begin(), 4, head.begin() + 4);
        for (std::size_t i = 0; i < 4; ++i) head[8 + i] = static_cast<std::uint8_t>(reply.size() >> (8 * (3 - i)));
        if (is_cut) reply.resize(reply.size() / 2);
        if (!send_all(client, head) || !send_all(client, reply) || is_cut) return;
        if (command == 0xFFFE || command == 0xFFFD) return;
    }
}

// ---- What it is told to do

void Responder::reset() {
    const std::lock_guard lock(mutex_);
    state_ = {};
    measure();
}

// A file that cannot be read is empty.
void Responder::measure() {
    for (auto &block : options_.blocks) {
        if (!block.file.empty()) block.content = read_file(block.file, max_block_file_size).value_or(Bytes());
    }
    shown_ = options_.blocks;
}

void Responder::change(const Block &block) {
    const std::lock_guard lock(mutex_);
    const auto same = std::ranges::find(options_.blocks, block.index, &Block::index);
    if (same == options_.blocks.end()) {
        options_.blocks.push_back(block);
    } else {
        *same = block;
    }
    if (options_.measures_anew) measure();
}

void Responder::give_slot(std::uint8_t number, const SlotPki &pki) {
    const std::lock_guard lock(mutex_);
    options_.slots.insert_or_assign(number, pki);
}

void Responder::fault_next(std::uint8_t code, Fault fault) {
    const std::lock_guard lock(mutex_);
    faults_of_code_[code] = fault;
}

void Responder::release() {
    const std::lock_guard lock(mutex_);
    is_released_ = true;
    changed_.notify_all();
}

std::size_t Responder::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

std::size_t Responder::requests_of(std::uint8_t code) const {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(code);
    return found == counts_.end() ? 0 : found->second;
}

bool Responder::wait_for(std::uint8_t code, std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return counts_[code] >= count; });
}

std::optional<Fault> Responder::take_fault(std::uint8_t code) {
    if (const auto found = faults_of_code_.extract(code)) return found.mapped();
    return std::nullopt;
}

// ---- Answers

// Empty: half of a message, and the end.
std::optional<Bytes> Responder::answer(const Bytes &request) {
    std::unique_lock lock(mutex_);
    const std::uint8_t code = request.size() >= 4 ? request[1] : 0;
    ++requests_;
    ++counts_[code];
    changed_.notify_all();
    const auto fault = take_fault(code);
    if (fault == Fault::hang) {
        lock.unlock();
        std::uint8_t nothing = 0;
        receive_all(client_, {&nothing, 1});
        return std::nullopt;
    }
    if (fault == Fault::hold) changed_.wait(lock, [this] { return is_released_ || is_ending_; });
    if (fault == Fault::extend) options_.extension_log.push_back(options_.extension_log.back());
    if (fault == Fault::close_mid_message) return Bytes();
    if (fault == Fault::busy) return error(0x03);
    if (fault == Fault::unexpected) return error(0x04);
    if (fault == Fault::resynch) state_ = {};
    if (fault == Fault::resynch ||
        (!state_.is_negotiated && code >= get_digests && code != get_version && code != get_capabilities && code != negotiate_algorithms))
        return error(0x43);
    if (fault == Fault::stale_nonce && last_answers_.contains(code)) return last_answers_.at(code);
    if (code == respond_if_ready) {
        if (!state_.late || number_at(request, 2, 1) != state_.late_code) return error(0x01);
        return in_pieces(*std::exchange(state_.late, std::nullopt));
    }
    if (code == chunk_get) return chunk(request);
    auto response = answer_well(request, fault);
    if (fault == Fault::not_ready) {
        state_.late = std::move(response);
        state_.late_code = code;
        auto not_yet = error(0x42);
        append(not_yet, Bytes({1, code, 7, 1}));
        return not_yet;
    }
    last_answers_[code] = response;
    return in_pieces(std::move(response));
}

Bytes Responder::answer_well(const Bytes &request, std::optional<Fault> fault) {
    const std::uint8_t code = request.size() >= 4 ? request[1] : 0;
    if (code != get_measurements) state_.measured.clear();
    switch (code) {
    case get_version: return versions(request);
    case get_capabilities: return capabilities(request);
    case negotiate_algorithms: return algorithms(request);
    case get_digests: return digests(request);
    case get_certificate: return certificate(request);
    case challenge_code: return challenge(request, fault);
    case get_measurements: return measurements(request, fault);
    case get_extension_log: return extension_log(request);
    default: return error(0x07, code);
    }
}

Bytes Responder::error(std::uint8_t code, std::uint8_t data) const { return {options_.version, 0x7F, code, data}; }

Bytes Responder::in_pieces(Bytes response) {
    const auto most =
        std::min<std::size_t>(state_.requester_size == 0 ? options_.transfer_size : state_.requester_size, options_.transfer_size);
    if (response.size() <= most) return response;
    state_.large.emplace(++state_.last_handle, std::move(response));
    state_.chunks_given = 0;
    state_.large_given = 0;
    auto large = error(0x0F);
    large.push_back(state_.last_handle);
    return large;
}

Bytes Responder::chunk(const Bytes &request) {
    if (!state_.large || number_at(request, 3, 1) != state_.large->first || number_at(request, 4, 2) != state_.chunks_given)
        return error(0x01);
    const auto &[handle, whole] = *state_.large;
    const bool is_first = state_.chunks_given == 0;
    const bool has_long_number = options_.version >= 0x14;
    const std::size_t head = 12U + (is_first ? 4U : 0U);
    const auto most = std::min<std::size_t>(state_.requester_size, options_.transfer_size) - head;
    const auto bytes = part(whole, state_.large_given, most);
    const bool is_last = state_.large_given + bytes.size() == whole.size();
    Writer out;
    out.u8(options_.version).u8(0x06).u8(is_last ? 1 : 0).u8(handle);
    has_long_number ? out.u32(state_.chunks_given) : out.u16(state_.chunks_given).u16(0);
    out.u32(bytes.size());
    if (is_first) out.u32(whole.size());
    out.add(bytes);
    ++state_.chunks_given;
    state_.large_given += bytes.size();
    if (is_last) state_.large.reset();
    return out.take();
}

Bytes Responder::versions(const Bytes &request) {
    state_ = {};
    auto response = Writer().u8(0x10).u8(0x04).u16(0).u8(0).u8(1).u16(std::size_t{options_.version} << 8U).take();
    append(state_.vca, request);
    append(state_.vca, response);
    return response;
}

Bytes Responder::capabilities(const Bytes &request) {
    constexpr std::size_t certificates = 0x2;
    constexpr std::size_t challenges = 0x4;
    constexpr std::size_t fresh = 0x20;
    constexpr std::size_t chunks = 0x20000;
    constexpr std::size_t extension_log = 0x1000000;
    const bool has_sizes = options_.version >= 0x12;
    state_.requester_size = has_sizes ? static_cast<std::uint32_t>(number_at(request, 12, 4)) : 0;
    auto flags = certificates | challenges | std::size_t{options_.measurements} << 3U;
    if (options_.measurements != 0 && options_.measures_anew) flags |= fresh;
    if (has_sizes) flags |= chunks;
    if (options_.version >= 0x13 && !options_.extension_log.empty()) flags |= extension_log;
    Writer out;
    out.u8(options_.version).u8(0x61).u16(0).u8(0).u8(options_.crypto_time_exponent).u16(0).u32(flags);
    if (has_sizes) out.u32(options_.transfer_size).u32(0x10000);
    auto response = out.take();
    append(state_.vca, request);
    append(state_.vca, response);
    return response;
}

Bytes Responder::algorithms(const Bytes &request) {
    constexpr std::size_t dmtf = 1;
    const auto log = options_.version >= 0x13 && !options_.extension_log.empty() ? dmtf : 0;
    auto response = Writer()
                        .u8(options_.version)
                        .u8(0x63)
                        .u16(0)
                        .u16(36)
                        .u8(dmtf)
                        .u8(options_.version >= 0x12 ? 2 : 0)
                        .u32(measurement_hash_bit(options_.measurement_hash))
                        .u32(options_.is_p256 ? 0x10 : 0x80)
                        .u32(options_.is_p256 ? 1 : 2)
                        .zeros(11)
                        .u8(log)
                        .zeros(4)
                        .take();
    append(state_.vca, request);
    append(state_.vca, response);
    state_.is_negotiated = true;
    return response;
}

Bytes Responder::hash_of(ByteView bytes) const {
    const auto digest = hash(base_hash(), bytes).value();
    return {digest.bytes().begin(), digest.bytes().end()};
}

Bytes Responder::chain_of(std::uint8_t slot) const {
    const auto &pki = options_.slots.at(slot);
    const auto root = pki.root_der();
    const auto leaf = pki.leaf_der();
    return Writer().u16(4 + digest_size(base_hash()) + root.size() + leaf.size()).u16(0).add(hash_of(root)).add(root).add(leaf).take();
}

Bytes Responder::digests(const Bytes &request) {
    std::size_t mask = 0;
    Bytes all;
    for (const auto &[number, pki] : options_.slots) {
        mask |= std::size_t{1} << number;
        append(all, hash_of(chain_of(number)));
    }
    auto response = Writer().u8(options_.version).u8(0x01).u8(options_.version >= 0x13 ? mask : 0).u8(mask).add(all).take();
    state_.exchange.clear();
    append(state_.exchange, request);
    append(state_.exchange, response);
    return response;
}

Bytes Responder::certificate(const Bytes &request) {
    const auto slot = static_cast<std::uint8_t>(number_at(request, 2, 1) & 0x0FU);
    if (!options_.slots.contains(slot)) return error(0x01);
    const auto chain = chain_of(slot);
    const auto bytes = part(chain, number_at(request, 4, 2), number_at(request, 6, 2));
    const auto rest = chain.size() - std::min(chain.size(), number_at(request, 4, 2) + bytes.size());
    auto response = Writer().u8(options_.version).u8(0x02).u8(slot).u8(0).u16(bytes.size()).u16(rest).add(bytes).take();
    append(state_.exchange, request);
    append(state_.exchange, response);
    return response;
}

Bytes Responder::signature(std::uint8_t slot, const char *context, ByteView transcript, std::optional<Fault> fault) const {
    Bytes signed_bytes(transcript.begin(), transcript.end());
    if (options_.version >= 0x12) {
        constexpr std::size_t combined = 100;
        std::string prefix = "dmtf-spdm-v1.";
        prefix += static_cast<char>('0' + (options_.version & 0x0FU));
        prefix += ".*";
        std::string head = prefix + prefix + prefix + prefix;
        const std::string_view what(context);
        head.resize(combined - what.size());
        head += what;
        signed_bytes.assign(head.begin(), head.end());
        append(signed_bytes, hash_of(transcript));
    }
    const auto &pki = options_.slots.at(slot);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> signing(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    Bytes der(256);
    std::size_t size = der.size();
    expect_openssl(EVP_DigestSignInit(signing.get(), nullptr, options_.is_p256 ? EVP_sha256() : EVP_sha384(), nullptr, pki.key.get()) ==
                       1 &&
                   EVP_DigestSign(signing.get(), der.data(), &size, signed_bytes.data(), signed_bytes.size()) == 1);
    const auto *at = static_cast<const unsigned char *>(der.data());
    const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> parts(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)), ECDSA_SIG_free);
    expect_openssl(parts != nullptr);
    const int coordinate = options_.is_p256 ? 32 : 48;
    Bytes raw(2 * static_cast<std::size_t>(coordinate));
    expect_openssl(BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), raw.data(), coordinate) == coordinate &&
                   BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), raw.data() + coordinate, coordinate) == coordinate);
    if (fault == Fault::wrong_signature) raw.back() ^= 1U;
    return raw;
}

Bytes Responder::record(const std::vector<const Block *> &blocks, bool wants_raw) const {
    Writer out;
    for (const auto *block : blocks) {
        const bool is_raw = block->is_raw || wants_raw;
        const auto digest = hash(options_.measurement_hash, block->content).value();
        const auto from_log = block->type == BlockType::hash_extend ? extended() : Bytes();
        const ByteView value = !from_log.empty() ? ByteView(from_log) : is_raw ? ByteView(block->content) : digest.bytes();
        out.u8(block->index).u8(1).u16(value.size() + 3);
        out.u8(static_cast<std::size_t>(block->type) | (is_raw ? 0x80U : 0U)).u16(value.size()).add(value);
    }
    return out.take();
}

Bytes Responder::challenge(const Bytes &request, std::optional<Fault> fault) {
    const auto slot = static_cast<std::uint8_t>(number_at(request, 2, 1) & 0x0FU);
    const auto summary = number_at(request, 3, 1);
    if (!options_.slots.contains(slot)) return error(0x01);
    Bytes nonce(nonce_size, static_cast<std::uint8_t>(requests_));
    Writer out;
    out.u8(options_.version).u8(0x03).u8(slot).u8(std::size_t{1} << slot).add(hash_of(chain_of(slot))).add(nonce);
    if (summary != 0) {
        std::vector<const Block *> all;
        for (const auto &block : shown_) all.push_back(&block);
        out.add(hash_of(record(all, false)));
    }
    out.u16(0);
    if (options_.version >= 0x13) out.add(part(request, 4 + nonce_size, context_size));
    auto response = out.take();
    auto transcript = state_.vca;
    append(transcript, state_.exchange);
    append(transcript, request);
    append(transcript, response);
    append(response, signature(slot, "responder-challenge_auth signing", transcript, fault));
    return response;
}

Bytes Responder::measurements(const Bytes &request, std::optional<Fault> fault) {
    constexpr std::size_t all_blocks = 0xFF;
    constexpr std::size_t unchanged = 0x20;
    const auto attributes = number_at(request, 2, 1);
    const auto operation = number_at(request, 3, 1);
    const bool is_signed = (attributes & 1U) != 0;
    if (options_.measurements == 0) return error(0x07, get_measurements);
    if (is_signed && options_.measurements != 2) return error(0x01);
    const auto slot = static_cast<std::uint8_t>(is_signed ? number_at(request, 4 + nonce_size, 1) & 0x0FU : 0);
    if (is_signed && !options_.slots.contains(slot)) return error(0x01);
    state_.exchange.clear();
    if (options_.measures_anew || (options_.version >= 0x13 && (attributes & 4U) != 0)) measure();
    std::vector<const Block *> asked;
    for (const auto &block : shown_) {
        if (operation == all_blocks || operation == block.index) asked.push_back(&block);
    }
    if (operation != 0 && asked.empty()) return error(0x01);
    const auto blocks = record(asked, options_.version >= 0x12 && (attributes & 2U) != 0);
    const auto changes = fault == Fault::says_unchanged && options_.version >= 0x12 ? unchanged : 0;
    Writer out;
    out.u8(options_.version).u8(0x60).u8(operation == 0 ? shown_.size() : 0).u8(slot | changes);
    out.u8(asked.size()).u24(blocks.size()).add(blocks);
    out.add(Bytes(nonce_size, static_cast<std::uint8_t>(requests_))).u16(0);
    if (options_.version >= 0x13) out.add(part(request, request.size() - std::min(request.size(), context_size), context_size));
    auto response = out.take();
    append(state_.measured, request);
    append(state_.measured, response);
    if (!is_signed) return response;
    auto transcript = options_.version >= 0x12 ? state_.vca : Bytes();
    append(transcript, state_.measured);
    state_.measured.clear();
    append(response, signature(slot, "responder-measurements signing", transcript, fault));
    return response;
}

std::vector<Bytes> Responder::log_entries() const {
    std::vector<Bytes> entries;
    for (const auto &value : options_.extension_log)
        entries.push_back(Writer().u32(entries.size() + 1).u8(0x11).u24(0).u8(0x89).u16(value.size()).add(value).take());
    return entries;
}

Bytes Responder::extended() const {
    Bytes value(digest_size(options_.measurement_hash));
    for (const auto &entry : log_entries()) {
        append(value, entry);
        const auto digest = hash(options_.measurement_hash, value).value();
        value.assign(digest.bytes().begin(), digest.bytes().end());
    }
    return value;
}

Bytes Responder::extension_log(const Bytes &request) const {
    if (options_.extension_log.empty()) return error(0x07, get_extension_log);
    Bytes list;
    for (const auto &entry : log_entries()) append(list, entry);
    const auto whole = Writer().u32(options_.extension_log.size()).u32(list.size()).zeros(8).add(list).take();
    const auto bytes = part(whole, number_at(request, 4, 4), number_at(request, 8, 4));
    const auto rest = whole.size() - std::min(whole.size(), number_at(request, 4, 4) + bytes.size());
    return Writer().u8(options_.version).u8(0x6F).u16(0).u32(bytes.size()).u32(rest).add(bytes).take();
}

}  // namespace mr::spdm_test
