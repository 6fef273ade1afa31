// Subscriptions to register values. A watcher that does not keep up gets the latest value of each register, not every one; it holds no more
// than a mark for each register it watches. A connection watches once, since its calls run one after the other: there are no more watchers than connections.
#pragma once

#include <list>
#include <memory>
#include <vector>

#include "libmr/wire/registers.h"
#include "mrd/interfaces/methods.h"
#include "mrd/registers/registers.h"

namespace mrd {

class Watches {
public:
    // Takes the registers' change notification for itself.
    explicit Watches(Registers &registers);

    // Sends the present values, then the changes, until the connection ends.
    void add(std::vector<Registers::Place> places, Answer<mr::wire::Watch> answer);

private:
    struct Watch {
        std::vector<Registers::Place> places;
        std::vector<bool> to_send;  // one for each place
        Answer<mr::wire::Watch> answer;
        std::size_t known = 0;  // places whose present value has been given: changes of the others are not told yet
    };

    void first_values(const std::weak_ptr<Watch> &weak, std::size_t next);
    void mark(Registers::Place place);
    void send(Watch &watch);

    Registers &registers_;
    std::list<std::shared_ptr<Watch>> watches_;
};

}  // namespace mrd
