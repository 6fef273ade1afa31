// What evidence that is being made, or waits to be sent, may take of memory, and who waits for some of it. First come, first served: a large one is not passed by
// small ones that came later, so that nobody starves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

namespace mrd {

// Bytes that all evidence together may take, from the reading of its log until its client has taken the answer.
inline constexpr std::size_t max_evidence_bytes = std::size_t{64} << 20U;

class EvidenceBudget : public std::enable_shared_from_this<EvidenceBudget> {
public:
    using Share = std::shared_ptr<void>;  // given back with its last copy, also after the budget's end
    using Ready = std::move_only_function<void(Share)>;
    using Later = std::function<void(std::move_only_function<void()>)>;
    using Ticket = std::uint64_t;  // names who waits

    // `later` runs something when the event loop has done what else waits.
    static std::shared_ptr<EvidenceBudget> make(Later later, std::size_t limit = max_evidence_bytes);

    // ready is called with its share when there is room for it and everybody before has had theirs, never from within this call.
    // Precondition: bytes is at most the limit.
    Ticket take(std::size_t bytes, Ready ready);

    // It is not called any more. One that has been called is left alone.
    void cancel(Ticket ticket);

    [[nodiscard]] std::size_t taken() const { return taken_; }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

private:
    EvidenceBudget(Later later, std::size_t limit) : later_(std::move(later)), limit_(limit) {}

    Share share(std::size_t bytes);
    void look_later();
    void look();

    struct Waiting {
        Ticket ticket;
        std::size_t bytes;
        Ready ready;
    };
    Later later_;
    std::size_t limit_;
    std::size_t taken_ = 0;
    std::deque<Waiting> waiting_;
    Ticket last_ticket_ = 0;
    bool will_look_ = false;
};

}  // namespace mrd
