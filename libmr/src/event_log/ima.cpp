// Linux IMA's ascii_runtime_measurements (Documentation/security/IMA-templates.rst): docs/log-formats.md.
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "libmr/src/event_log/json_common.h"
#include "libmr/src/event_log/source.h"

namespace mr::event_log {

namespace {

constexpr std::uint32_t last_rtmr = 3;
constexpr std::uint32_t last_pcr = 31;  // of the largest TPM there is

// The line names no algorithm.
std::optional<HashAlgorithm> algorithm_of_size(std::size_t size) {
    for (const auto algorithm : {HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}) {
        if (digest_size(algorithm) == size) return algorithm;
    }
    return std::nullopt;
}

// Takes the text up to the next space, and the space.
std::string_view take_word(std::string_view &line) {
    const auto word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    return word;
}

class ImaSource final : public EventLogReader::Source {
public:
    explicit ImaSource(ByteView file) : records_(file, '\n') {}

    [[nodiscard]] LogFormat format() const override { return LogFormat::ima; }
    [[nodiscard]] std::size_t offset() const override { return records_.offset(); }

    std::expected<bool, Error> next(Event &event) override {
        const auto line = records_.peek();
        if (!line) return std::unexpected(line.error());
        if (!*line) return false;
        if (auto done = read_event(**line, event); !done) return malformed(records_.offset(), std::move(done.error()));
        event.sequence = ++count_;
        records_.accept();
        return true;
    }

private:
    Checked read_event(std::string_view line, Event &event) {
        EventBuffers::clear(event);
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));  // "%2d"
        const auto number_text = take_word(line);
        const auto digest_text = take_word(line);
        std::uint32_t number = 0;
        const auto [end, failed] = std::from_chars(number_text.begin(), number_text.end(), number);
        if (failed != std::errc() || end != number_text.end() || number > last_pcr) {
            return std::unexpected("the line does not begin with the number of a PCR, 0 to " + std::to_string(last_pcr));
        }
        const auto algorithm = digest_text.size() % 2 == 0 ? algorithm_of_size(digest_text.size() / 2) : std::nullopt;
        if (!algorithm) return std::unexpected("the template hash has not the length of SHA-1, SHA-256, SHA-384 or SHA-512");
        if (auto done = buffers_.add_digest(event, tcg_id(*algorithm), digest_text); !done) return done;
        if (line.empty()) return std::unexpected("the template's name is missing");

        // A violation, which has no digest: the kernel extends 0xFF, so that the register is of no more use (ima_add_violation()).
        auto &digest = event.digests.front();
        if (std::ranges::all_of(digest.value, [](std::uint8_t byte) { return byte == 0; })) {
            digest.value = ByteView(violation_).first(digest.value.size());
        }
        // Kernels that extend RTMRs write the RTMR's number where others write the PCR's, which is 10.
        if (number <= last_rtmr && number_text.size() == 1 && algorithm == HashAlgorithm::sha384) {
            buffers_.set_rtmr(event, number);
        } else {
            buffers_.set_pcr(event, number);
        }
        event.description = line;
        if (!is_text(line)) {
            description_ = repaired_text(line);
            event.description = description_;
        }
        return {};
    }

    static constexpr auto violation_ = [] {
        std::array<std::uint8_t, max_digest_size> bytes{};
        bytes.fill(0xFF);
        return bytes;
    }();

    RecordCutter records_;
    EventBuffers buffers_;
    std::string description_;
    std::uint64_t count_ = 0;
};

}  // namespace

SourceResult open_ima(ByteView file) { return std::make_unique<ImaSource>(file); }

}  // namespace mr::event_log
