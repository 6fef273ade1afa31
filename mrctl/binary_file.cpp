#include "mrctl/binary_file.h"

#include <utility>

#include "libmr/src/text_form.h"
#include "mrctl/output.h"

namespace mrctl {

std::expected<mr::Bytes, mr::Error> read_undecoded(const std::string &path, std::size_t limit) {
    return read_file(path, 3 * limit);  // hexadecimal with a blank behind each byte
}

std::expected<mr::Bytes, mr::Error> decode_binary_file(const std::string &path, mr::Bytes file, std::size_t limit) {
    if (auto bytes = mr::decode_text_form(file)) file = std::move(*bytes);
    if (file.size() > limit)
        return std::unexpected(mr::Error{mr::ErrorCode::wrong_length, path + " is longer than " + std::to_string(limit) + " bytes"});
    return file;
}

std::expected<mr::Bytes, mr::Error> read_binary_file(const std::string &path, std::size_t limit) {
    auto file = read_undecoded(path, limit);
    return file ? decode_binary_file(path, std::move(*file), limit) : file;
}

}  // namespace mrctl
