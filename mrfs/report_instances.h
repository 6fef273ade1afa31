// The folders that users have made in config/tsm/report: whose they are, how many there may be, and which of them were forgotten.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>

#include "mrfs/caller.h"
#include "mrfs/report_instance.h"

namespace mrfs {

inline constexpr std::size_t max_instances_of_a_user = 64;
inline constexpr std::size_t max_instances = 1024;
inline constexpr std::size_t instances_for_root = 64;  // of these: nobody else has them
// What one may have at most where a program leaves each of its instances behind: one that nobody has open, and that was not used for so long, makes room for a new
// one. As long as there is room all stay, since some are made once for good.
inline constexpr auto abandoned_after = std::chrono::minutes(10);

class ReportInstances {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Number = std::uint64_t;

    struct Instance {
        std::string name;
        Caller creator;
        mode_t mode = 0;  // of the folder, for who looks at it: it is its creator's alone, whatever that is
        Time last_used;
        std::size_t open_files = 0;
        ReportInstance report = ReportInstance();
    };

    // Error: EEXIST, also where the name is another's; EDQUOT: this user has as many as he may; ENOSPC: all users together have.
    std::expected<Number, int> make(std::string_view name, const Caller &creator, mode_t mode, Time now, const ReportMaker &maker = {});
    // Also with files open, which have no instance from then on. Error: ENOENT; EACCES: it is another's.
    std::expected<void, int> remove(std::string_view name, const Caller &caller);

    // Null: there is none, or not any more.
    Instance *find(Number number);
    [[nodiscard]] const Instance *find(Number number) const;
    [[nodiscard]] std::expected<Number, int> find(std::string_view name) const;

    [[nodiscard]] const std::map<Number, Instance> &all() const { return instances_; }

    void opened(Number number, Time now);
    void closed(Number number, Time now);

private:
    bool reap(const Caller *of, Time now);

    std::map<Number, Instance> instances_;
    std::map<std::string, Number, std::less<>> names_;
    Number last_ = 0;  // none comes twice: an open file of one that was removed is not that of its successor
};

}  // namespace mrfs
