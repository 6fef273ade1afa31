// The simulated TD's registers in a small mapped file: they outlive mrd as a hardware module's do, and end with the boot.
//
// The file has 4096 bytes in the machine's own byte order and never leaves the machine:
//
//   offset size
//        0  320 header: magic "mrdsimtd", format u32, boot id (u32 size, 64 bytes), report key 32, attributes u64, mrtd,
//               mrconfigid, mrowner, mrownerconfig (48 each), CRC-32C of all this u32, zero u32. Written once.
//     1024   64 a process-shared robust mutex, between mrd and the test tool (mrd-sim-extend)
//     2048  208 slot 0: counter u64, rtmr0..rtmr3 (48 each), CRC-32C of counter and registers u32, zero u32
//     3072  208 slot 1
//
// The slot with the higher counter is the truth. An extend writes the other one: first its counter to `slot_in_progress`, then
// registers and checksum, at last its new counter. A process killed between any two stores therefore leaves the old value or
// the new, and what a kill leaves (a slot in progress) differs from damage (a checksum that does not hold): damage is an
// error, as falling back to the other slot would silently undo an extend.
//
// Who uses the file holds a shared flock on it. Only who holds it exclusively, and so is alone, may initialise the mutex or put
// another file in this one's place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "mr/bytes.h"
#include "mr/digest.h"

namespace mrd::sim {

using Value = std::array<std::uint8_t, 48>;
using ReportKey = std::array<std::uint8_t, 32>;

inline constexpr std::size_t rtmr_count = 4;
inline constexpr std::size_t max_boot_id_size = 64;

inline constexpr std::size_t state_file_size = 4096;
inline constexpr std::size_t header_size = 320;
inline constexpr std::array<std::size_t, 2> slot_offsets = {2048, 3072};
inline constexpr std::size_t slot_size = 208;
inline constexpr std::uint64_t slot_in_progress = ~0ULL;  // no single changed byte turns a real counter into it

// What a TD is built with and keeps to its end.
struct StaticValues {
    std::uint64_t attributes = 0;
    Value mrtd{};
    Value mrconfigid{};
    Value mrowner{};
    Value mrownerconfig{};
};

struct RunTimeValues {
    std::uint64_t counter = 0;  // extends of this TD so far
    std::array<Value, rtmr_count> rtmr{};
};

struct StateOptions {
    std::filesystem::path file;
    std::string boot_id;  // 1 to 64 bytes; another one than the file's starts a new TD
    bool reset = false;   // start a new TD in any case
    // The TD goes on although the boot id is another, as hardware does over a kexec.
    bool survives_boot = false;
    // What a new TD's registers hold at first, as if its firmware had measured. Nothing for a TD that runs on.
    std::array<Value, rtmr_count> rtmr = {};
    // Of a new TD: default_statics() where not given. Of one that runs on: must be what it was built with.
    std::optional<std::uint64_t> attributes = {};
    std::optional<Value> mrtd = {};
    std::optional<Value> mrconfigid = {};
    std::optional<Value> mrowner = {};
    std::optional<Value> mrownerconfig = {};
};

// SEPT_VE_DISABLE and no other attribute; MRTD is SHA-384("mrd simulated TD"); the rest zero.
StaticValues default_statics();

// "sim-NAME.state" in the state directory.
std::filesystem::path state_file(const std::filesystem::path &state_directory, std::string_view provider_name);

// Of the TD that is there, for its host. Takes no lock, and keeps nothing open: the header is written once, and another TD is another file. Error: one sentence that
// names the file and says what to do.
std::expected<ReportKey, std::string> read_report_key(const std::filesystem::path &file);

// One user's view of the file. Several, in one process or many, share one truth; one of them is not for two threads at once.
// Errors are one sentence that names the file or the option and says what to do.
class State {
public:
    static std::expected<State, std::string> open(const StateOptions &options);

    // The TD that is there, whatever its boot id; creates nothing. For the test tool.
    static std::expected<State, std::string> attach(const std::filesystem::path &file);

    State(State &&) noexcept;
    State &operator=(State &&) noexcept;
    ~State();

    // All of these read the mapping: the state keeps no copy.
    [[nodiscard]] StaticValues statics() const;
    [[nodiscard]] ReportKey report_key() const;
    [[nodiscard]] std::expected<RunTimeValues, std::string> read() const;

    // new = SHA-384(old || digest), which is returned. Preconditions: rtmr < 4, digest.size() == 48. On an error nothing was
    // extended.
    std::expected<Value, std::string> extend(std::size_t rtmr, mr::ByteView digest);

    // The same, one store into the file after the other: whoever ends in between leaves what a kill does. Ends the TD's lock with itself. Preconditions as above.
    class Extending {
    public:
        static constexpr int stores = 4;

        Extending(Extending &&) noexcept;
        Extending &operator=(Extending &&) noexcept;
        ~Extending();

        // Precondition: not called so often yet.
        void store_next();

    private:
        friend class State;
        class Stores;
        explicit Extending(std::unique_ptr<Stores> made);

        std::unique_ptr<Stores> stores_;
        int stored_ = 0;
    };
    std::expected<Extending, std::string> begin_extend(std::size_t rtmr, mr::ByteView digest);

private:
    class Mapping;
    class MutexLock;
    State(std::unique_ptr<Mapping> mapping, mr::Hasher hasher);
    static std::expected<State, std::string> open_or_attach(const std::filesystem::path &file, const StateOptions *options);

    std::unique_ptr<Mapping> mapping_;
    mr::Hasher hasher_;
};

}  // namespace mrd::sim
