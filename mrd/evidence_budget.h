// What evidence that is being made, or waits to be sent, may take of memory, and who gets some of it when: mrd/share_queue.h decides.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "mr/evidence.h"
#include "mrd/share_queue.h"

namespace mrd {

// Bytes that one evidence takes while it is made, at most: its log, and that again as text and as a message.
inline constexpr std::size_t largest_evidence = (std::size_t{64} << 10U) + 3 * mr::max_evidence_log;

// Bytes of all evidence, from the reading of its log until its client has taken the answer. Clients that do not read theirs hold no more of it than these
// answers take, until the server closes them. A connection has its largest evidence and no more: its calls run one after the other. One uid leaves as much
// to the others as it has.
inline constexpr std::size_t max_evidence_bytes = std::size_t{128} << 20U;
inline constexpr SharedBound evidence_bound{.what = "bytes of evidence",
                                            .all = max_evidence_bytes,
                                            .others = max_evidence_bytes - largest_evidence,
                                            .uid = (max_evidence_bytes - largest_evidence) / 2,
                                            .connection = largest_evidence};
static_assert(evidence_bound.uid >= largest_evidence, "every client can have the largest evidence");

class EvidenceBudget : public std::enable_shared_from_this<EvidenceBudget> {
public:
    // Given back at its end, also after the budget's.
    class Share {
    public:
        Share() = default;
        Share(std::weak_ptr<EvidenceBudget> budget, const Client &client, std::size_t bytes)
            : budget_(std::move(budget)), client_(client), bytes_(bytes) {}
        Share(Share &&other) noexcept
            : budget_(std::exchange(other.budget_, {})), client_(other.client_), bytes_(std::exchange(other.bytes_, 0)) {}
        Share &operator=(Share &&other) noexcept {
            std::swap(budget_, other.budget_);
            std::swap(client_, other.client_);
            std::swap(bytes_, other.bytes_);
            return *this;
        }
        ~Share() { shrink_to(0); }

        // No more than that is needed from now on.
        void shrink_to(std::size_t bytes);

    private:
        std::weak_ptr<EvidenceBudget> budget_;
        Client client_;
        std::size_t bytes_ = 0;
    };
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

    void give_back(const Client &client, std::size_t bytes);
    void look_later();
    void look();

    Later later_;
    ShareQueue queue_;
    std::unordered_map<Ticket, Ready> ready_;
    bool will_look_ = false;
};

}  // namespace mrd
