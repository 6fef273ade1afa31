// A state as bytes: states with equal bytes go on alike. Numbers that only count (writes, refreshes) are in it as far as somebody compares them.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "mrd/registers/extension.h"
#include "mrd/registers/register_table.h"

namespace mrd {

class Fingerprint {
public:
    template <class Number>
        requires std::is_arithmetic_v<Number> || std::is_enum_v<Number>
    Fingerprint &add(Number number) {
        const auto wide = static_cast<std::uint64_t>(number);
        // Few are large.
        if (wide < 0xFF) {
            bytes_.push_back(static_cast<char>(wide));
        } else {
            bytes_.push_back('\xFF');
            bytes_.append(reinterpret_cast<const char *>(&wide), sizeof wide);
        }
        return *this;
    }
    Fingerprint &add(mr::ByteView bytes) {
        add(bytes.size());
        bytes_.append(bytes.begin(), bytes.end());
        return *this;
    }
    Fingerprint &add(const mr::Digest &digest) { return add(digest.bytes()); }
    Fingerprint &add(const std::string &text) { return add(mr::as_bytes(text)); }
    template <class Value>
    Fingerprint &add(const std::optional<Value> &value) {
        add(value.has_value());
        return value ? add(*value) : *this;
    }

    using Hash = std::array<std::uint64_t, 2>;
    // So long that no two states of an exploration have the same.
    [[nodiscard]] Hash hash() const {
        Hash hash{0x9E3779B97F4A7C15U, 0xC2B2AE3D27D4EB4FU};
        const auto mix = [](std::uint64_t &lane, std::uint64_t word, std::uint64_t by) {
            lane = (lane ^ word) * by;
            lane ^= lane >> 29U;
        };
        std::size_t at = 0;
        for (; at < bytes_.size(); at += sizeof(std::uint64_t)) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes_.data() + at, std::min(sizeof word, bytes_.size() - at));
            mix(hash[0], word, 0xFF51AFD7ED558CCDU);
            mix(hash[1], word, 0x9FB21C651E98DF25U);
        }
        for (auto &lane : hash) {
            mix(lane, bytes_.size(), 0xC4CEB9FE1A85EC53U);
            mix(lane, lane >> 31U, 0x9FB21C651E98DF25U);
        }
        return hash;
    }

private:
    std::string bytes_;
};

// The friend of the classes whose states are explored. Every member has its name here, so that a new one does not compile before somebody has said whether it
// decides anything.
struct Explored {
    static void add(Fingerprint &out, const RegisterTable &table) {
        const auto &[provider, entries, sets, asked, hashers, last_refresh, writes_begun, writes_ended, generation, failed, abilities,
                     counters] = table;
        out.add(writes_begun - writes_ended);
        for (const auto &one : entries) {
            // was_read: it decides of those alone that are read by reports, which none here is.
            const auto &[spec, name, value, hex, number, logged, extending, divergence, divergences, last_write, writing, is_logged,
                         is_there, was_read, uncertain, of_generation] = one;
            out.add(mr::ByteView(value)).add(logged).add(extending.has_value()).add(writing).add(is_logged).add(is_there).add(uncertain);
            if (extending) out.add(extending->before).add(extending->after);
            out.add(divergence.has_value());
            if (divergence) out.add(divergence->expected).add(divergence->found);
            for (const auto &set : sets) {
                for (const auto &running : set.running) out.add(last_write > running.writes_begun);
            }
        }
        for (const auto &set : sets) {
            const auto &[in_sync, others_extend, waiting, running] = set;
            out.add(in_sync).add(waiting.has_value());
            if (waiting) out.add(rank(table, *waiting));
            out.add(running.size());
            for (const auto &[id, begun, ended, its_generation] : running)
                out.add(rank(table, id)).add(writes_begun - begun).add(writes_ended - ended).add(begun - ended);
        }
        out.add(asked.size());
        for (const auto &[id, set] : asked) out.add(set);
        out.add(failed.size());
        for (const auto &[intent, targets] : failed) {
            out.add(intent).add(targets.size());
            for (const auto &[index, values, outcome] : targets) out.add(index).add(values.before).add(values.after).add(outcome);
        }
    }

    // Which refresh of those that have been asked for.
    static std::size_t rank(const RegisterTable &table, RefreshId id) {
        return static_cast<std::size_t>(std::distance(table.asked_.begin(), table.asked_.find(id)));
    }

    // But for what it was made of, which whoever made it knows.
    static void add(Fingerprint &out, const Extension &extension) {
        const auto &[targets, details, carried, to_reread, resync, intent, failed, became, answer] = extension;
        for (const auto &target : targets) out.add(target.before).add(target.after);
        if (carried) out.add(carried->before).add(carried->after);
        out.add(to_reread.size());
        for (const auto set : to_reread) out.add(set);
        out.add(resync.has_value());
        if (resync) out.add(resync->target.index).add(resync->target.digest).add(resync->target.before).add(resync->target.after);
        out.add(intent).add(failed.has_value()).add(became.has_value());
        if (became) out.add(became->intent).add(became->outcome).add(became->sequence);
        out.add(answer.has_value());
        if (answer && *answer) out.add((*answer)->sequence).add((*answer)->value);
        if (answer && !*answer) out.add(answer->error().index());
        if (const auto *error = answer && !*answer ? std::get_if<ProviderFailed>(&answer->error()) : nullptr) out.add(error->applied);
    }
};

}  // namespace mrd
