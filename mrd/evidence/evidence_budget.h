// What evidence takes of memory while it is made, and who gets some of it when: mrd/shares/share_queue.h decides. Once it is made it is an answer like any other,
// and what answers take until they are read is the server's to bound: so no client that does not read holds up one that asks.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "mr/evidence.h"
#include "mrd/evidence/evidence.h"
#include "mrd/shares/share_queue.h"

namespace mrd {

// Bytes that one evidence takes while it is made, at most: its parts and its log, and these again as text and as a message.
constexpr std::size_t evidence_bytes(std::size_t parts, std::size_t log) { return 3 * (parts * max_part_size + log); }
inline constexpr std::size_t largest_evidence = evidence_bytes(mr::max_evidence_parts, mr::max_evidence_log);

// Of all evidence that is being made. A connection makes one, since its calls run one after the other; so does a uid that is not root, and two of these
// leave root room for one.
inline constexpr std::size_t max_evidence_bytes = 3 * largest_evidence;
inline constexpr SharedBound evidence_bound{.what = "bytes of evidence",
                                            .all = max_evidence_bytes,
                                            .others = 2 * largest_evidence,
                                            .uid = largest_evidence,
                                            .connection = largest_evidence};

class EvidenceBudget : public std::enable_shared_from_this<EvidenceBudget> {
public:
    using Share = std::shared_ptr<void>;  // given back with its last copy, also after the budget's end
    using Ready = std::move_only_function<void(Share)>;
    using Later = std::function<void(std::move_only_function<void()>)>;
    using Ticket = ShareQueue::Ticket;  // names who waits

    // `later` runs something when the event loop has done what else waits.
    static std::shared_ptr<EvidenceBudget> make(Later later, const SharedBound &bound = evidence_bound);

    // ready is called with its share when its turn has come, never from within this call. Precondition: the bytes fit into each of the bound's limits.
    Ticket take(const Client &client, std::size_t bytes, Ready ready);

    // It is not called any more. One that has been called is left alone.
    void cancel(Ticket ticket);

    // What it waits for, by the limit's name. Nothing: it does not wait.
    [[nodiscard]] std::optional<std::string> waits_for(Ticket ticket) const { return queue_.waits_for(ticket); }

    [[nodiscard]] std::size_t taken() const { return queue_.taken(); }
    [[nodiscard]] std::size_t waiting() const { return queue_.waiting(); }

private:
    EvidenceBudget(Later later, const SharedBound &bound) : later_(std::move(later)), queue_(bound) {}

    Share share(const Client &client, std::size_t bytes);
    void look_later();
    void look();

    Later later_;
    ShareQueue queue_;
    std::unordered_map<Ticket, Ready> ready_;
    bool will_look_ = false;
};

}  // namespace mrd
