#include "mrfs/inodes.h"

namespace mrfs {

namespace {

constexpr Inodes::Number unknown = ~Inodes::Number{0};

}  // namespace

Inodes::Number Inodes::looked_up(const Node &node) {
    if (node.kind == Kind::root) return root;
    const auto [entry, is_new] = numbers_.try_emplace(node, last_ + 1);
    if (is_new) nodes_.emplace(++last_, Known{node});
    ++nodes_.at(entry->second).times;
    return entry->second;
}

void Inodes::forget(Number number, std::uint64_t times) {
    const auto found = nodes_.find(number);
    if (found == nodes_.end()) return;
    if (found->second.times > times) {
        found->second.times -= times;
        return;
    }
    numbers_.erase(found->second.node);
    nodes_.erase(found);
}

std::optional<Node> Inodes::find(Number number) const {
    if (number == root) return Node{};
    const auto found = nodes_.find(number);
    if (found == nodes_.end()) return std::nullopt;
    return found->second.node;
}

Inodes::Number Inodes::number_of(const Node &node) const {
    if (node.kind == Kind::root) return root;
    const auto found = numbers_.find(node);
    return found == numbers_.end() ? unknown : found->second;
}

}  // namespace mrfs
