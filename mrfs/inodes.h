// Numbers for what the kernel knows of the tree, as long as it knows it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>

#include "mrfs/tree.h"

namespace mrfs {

class Inodes {
public:
    using Number = std::uint64_t;
    static constexpr Number root = 1;  // FUSE_ROOT_ID

    // The number of what was looked up once more.
    Number looked_up(const Node &node);
    // As often as it was looked up: then it has none.
    void forget(Number number, std::uint64_t times);
    [[nodiscard]] std::optional<Node> find(Number number) const;
    // For listings: of what was not looked up, a number that means nothing.
    [[nodiscard]] Number number_of(const Node &node) const;

    [[nodiscard]] std::size_t size() const { return nodes_.size(); }

private:
    struct Known {
        Node node;
        std::uint64_t times = 0;
    };
    std::unordered_map<Number, Known> nodes_;
    std::map<Node, Number> numbers_;
    Number last_ = root;
};

}  // namespace mrfs
