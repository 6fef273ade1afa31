// Any writes, reservations and readings of the journal's file, through the memory that is mapped over it where that is to be had: what is in the file, and what each call says, is what writes by system call alone make of it.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "mr/bytes.h"
#include "mrd/journal/append_file.h"
#include "mrd/journal/file_window.h"
#include "proto/varlink/file_descriptor.h"

namespace {

using namespace mrd::journal;

void require(bool holds) {
    if (!holds) std::abort();
}

// More than two windows, so that it moves; each reservation and each write is within.
constexpr std::uint64_t most = 3 * FileWindow::size;

class Input {
public:
    Input(const std::uint8_t *data, std::size_t size) : rest_(data, size) {}
    [[nodiscard]] bool is_empty() const { return rest_.empty(); }
    std::uint64_t number(std::size_t bytes) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < bytes && !rest_.empty(); ++i, rest_ = rest_.subspan(1)) value = value << 8U | rest_.front();
        return value;
    }

private:
    mr::ByteView rest_;
};

// What a file is, without a file.
class Model {
public:
    [[nodiscard]] const mr::Bytes &content() const { return content_; }
    void write(std::uint64_t offset, mr::ByteView bytes) {
        reach(offset + bytes.size());
        std::ranges::copy(bytes, content_.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    void reach(std::uint64_t size) { content_.resize(std::max<std::size_t>(content_.size(), size)); }

private:
    mr::Bytes content_;
};

mr::Bytes read_whole(AppendFile &file) {
    mr::Bytes content(*file.size());
    for (std::size_t done = 0; done < content.size();) {
        const auto count = file.read(done, std::span(content).subspan(done));
        require(count.has_value() && *count > 0);
        done += *count;
    }
    return content;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    // In memory, as under /run.
    const auto path = std::filesystem::path("/dev/shm") / ("file_window_fuzz." + std::to_string(::getpid()));
    std::filesystem::remove(path);
    const auto opened = open_append_file(path, OpenMode::new_file);
    if (!opened) return 0;  // there is no such folder here
    auto &file = **opened;
    Model model;
    std::uint8_t fill = 1;
    std::uint64_t end = 0;
    Input input(data, size);
    for (int calls = 0; !input.is_empty() && calls < 256; ++calls) {
        const auto kind = input.number(1);
        // Most writes go on where the last one ended, as a journal's do.
        const auto length = 1 + input.number((kind & 8U) != 0 ? 3 : 1) % (std::uint64_t{64} << 10U);
        const auto offset = std::min((kind & 4U) != 0 ? input.number(3) % most : end, most - length);
        switch (kind & 3U) {
        case 0: {
            const auto room = std::min(most - offset, length * 16);
            require(file.allocate(offset, room).has_value());
            model.reach(offset + room);
            break;
        }
        case 1:
        case 2: {
            const mr::Bytes bytes(length, fill++);
            for (std::size_t done = 0; done < bytes.size();) {
                const auto count = file.write(offset + done, mr::ByteView(bytes).subspan(done));
                require(count.has_value() && *count > 0 && *count <= bytes.size() - done);
                done += *count;
            }
            model.write(offset, bytes);
            end = offset + length;
            break;
        }
        default: {
            // As somebody else sees it, at once.
            mr::Bytes found(length);
            const auto count = file.read(offset, found);
            const auto expected = offset >= model.content().size() ? mr::ByteView() : mr::ByteView(model.content()).subspan(offset);
            require(count.has_value() && *count <= expected.size() && (*count > 0 || expected.empty()));
            require(std::ranges::equal(mr::ByteView(found).first(*count), expected.first(*count)));
            break;
        }
        }
        require(file.size() == model.content().size());
    }
    require(file.size_at(path) == model.content().size());
    require(read_whole(file) == model.content());
    std::filesystem::remove(path);
    return 0;
}
