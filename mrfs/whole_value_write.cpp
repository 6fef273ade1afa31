#include "mrfs/whole_value_write.h"

#include <cerrno>

namespace mrfs {

std::expected<std::size_t, int> whole_value_of_write(std::size_t size, std::uint64_t offset, std::size_t length) {
    if (length == 0) return 0;
    if (offset >= size) return std::unexpected(EFBIG);
    if (offset != 0 || length < size) return std::unexpected(EINVAL);
    return size;
}

}  // namespace mrfs
