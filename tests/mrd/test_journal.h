// A journal in a folder of its own, for tests of what stands around it.
#pragma once

#include <cstdint>
#include <memory>

#include "mrd/journal/journal.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd {

class TestJournal {
public:
    explicit TestJournal(boost::asio::io_context &loop, journal::Sync sync = journal::Sync::none,
                         std::uint64_t size_limit = journal::default_size_limit)
        : journal_(
              journal::Journal::open(loop, {.folder = folder_.path(), .boot_id = "a test's boot", .size_limit = size_limit, .sync = sync})
                  .value()) {}

    journal::Journal &operator*() { return *journal_; }
    journal::Journal *operator->() { return journal_.get(); }

private:
    TemporaryFolder folder_;
    std::unique_ptr<journal::Journal> journal_;
};

}  // namespace mrd
