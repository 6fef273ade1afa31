// Gives the memory of a string or vector back.
#pragma once

namespace varlink {

// Not by `container = {}`: that assigns no elements, and keeps the memory.
template <class Container>
void release(Container &container) noexcept {
    Container().swap(container);
}

}  // namespace varlink
