#include "mrd/providers/sim/firmware_log.h"

#include <algorithm>

#include "mr/event_log.h"
#include "mrd/journal/firmware.h"
#include "mrd/opener/opener.h"

namespace mrd::sim {

std::expected<std::array<Value, rtmr_count>, std::string> replay_firmware_log(const std::filesystem::path &file) {
    const auto refuse = [&file](const std::string &why) { return std::unexpected("the firmware log " + file.string() + ": " + why); };
    const auto bytes = opener::read_file(file, journal::max_firmware_log);
    if (!bytes) return refuse(bytes.error());
    auto reader = mr::EventLogReader::open(*bytes, {.registers = mr::LogRegisters::rtmr});
    if (!reader) return refuse(reader.error().message);
    mr::Replay replay;
    mr::Event event;
    for (;;) {
        const auto more = reader->next(event);
        if (!more) return refuse(more.error().message);
        if (!*more) break;
        if (auto applied = replay.apply(event); !applied) return refuse(applied.error().message);
    }
    std::array<Value, rtmr_count> values{};
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto *reg = replay.find("rtmr" + std::to_string(i));
        if (reg == nullptr) continue;
        if (reg->algorithm != mr::HashAlgorithm::sha384) return refuse("its events are not of RTMRs, which are SHA-384");
        std::ranges::copy(reg->value.bytes(), values.at(i).begin());
    }
    return values;
}

}  // namespace mrd::sim
