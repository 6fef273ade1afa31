#include "mrd/journal/earlier_log.h"

#include <algorithm>
#include <utility>

namespace mrd::journal {

namespace {

// As mrd's log names the register. A name without a provider is this one's.
std::string full_name(std::string_view provider, std::string_view name) {
    return name.empty() || name.contains('/') ? std::string(name) : std::string(provider).append("/").append(name);
}

// Calls take(event) for each that a register was extended by. Error: the file cannot be read.
template <class Take>
std::expected<void, std::string> for_each_measured(mr::ByteView file, std::string_view provider, const Take &take) {
    auto reader = mr::EventLogReader::open(file);
    if (!reader) return std::unexpected(reader.error().message);
    mr::Event event;
    for (;;) {
        const auto more = reader->next(event);
        if (!more) return std::unexpected(more.error().message);
        if (!*more) return {};
        if (!mr::is_measured(event)) continue;
        const auto name = full_name(provider, event.name);
        event.name = name;
        event.index = mr::tcg_index(name).value_or(mr::no_index);
        event.origin = mr::EventOrigin::firmware;  // of before mrd
        take(event);
    }
}

}  // namespace

EarlierLogs::EarlierLogs(const State &state, std::string_view provider) : state_(state), provider_(provider) {
    const auto &registers = state.registers();
    for (std::size_t number = 0; number < registers.size(); ++number) {
        const auto &reg = registers[number];
        if (reg.provider != provider || reg.carrier || !reg.start_is_unexplained()) continue;
        auto &walks = candidates_[static_cast<RegisterNumber>(number)].walks;
        walks.push_back({.value = reg.explained});
        if (reg.initial != reg.explained) walks.push_back({.value = reg.initial, .has_begun = false});
    }
}

EarlierLogs::Candidates::const_iterator EarlierLogs::find(const mr::Event &event, const mr::EventDigest &digest) const {
    const auto algorithm = mr::hash_algorithm_from_tcg(digest.algorithm_id);
    if (!algorithm || !event.name.starts_with(provider_ + "/")) return candidates_.end();
    const auto number = state_.find(provider_, event.name.substr(provider_.size() + 1), *algorithm);
    return number ? candidates_.find(*number) : candidates_.end();
}

void EarlierLogs::walk(RegisterNumber reg, Candidate &candidate, const mr::Event &event, const mr::EventDigest &digest) const {
    ++candidate.events;
    for (auto &walk : candidate.walks) {
        if (!walk.broken.empty()) continue;
        const auto step =
            walk.is_capped ? std::unexpected(std::string("its register was capped before")) : earlier_step(event, digest, walk.value);
        if (!step) {
            walk.broken = "event " + std::to_string(event.sequence) + ": " + step.error();
            continue;
        }
        walk.value = step->value;
        walk.is_capped = step->is_cap;
        if (walk.has_begun || walk.value != state_.registers()[reg].explained) continue;
        walk.has_begun = true;
        walk.passed = candidate.events;
    }
}

std::expected<void, std::string> EarlierLogs::add(const std::string &name, mr::Bytes file) {
    // The whole of it is read before any of it counts.
    if (auto read = for_each_measured(file, provider_, [](const mr::Event &) {}); !read) return read;
    files_.push_back({name, std::move(file)});
    (void)for_each_measured(files_.back().bytes, provider_, [this](const mr::Event &event) {
        for (const auto &digest : event.digests) {
            if (const auto found = find(event, digest); found != candidates_.end())
                walk(found->first, candidates_.at(found->first), event, digest);
        }
    });
    for (auto &[reg, candidate] : candidates_) {
        for (auto &walk : candidate.walks) {
            if (walk.has_begun && walk.broken.empty() && walk.value == state_.registers()[reg].start) walk.leads = candidate.events;
        }
    }
    return {};
}

const EarlierLogs::Walk *EarlierLogs::Candidate::found() const {
    const auto found = std::ranges::find_if(walks, [](const Walk &walk) { return walk.leads > 0; });
    return found == walks.end() ? nullptr : &*found;
}

std::expected<mr::Bytes, std::string> EarlierLogs::chosen() const {
    std::string text;
    mr::append_json_header(text, {});
    const auto empty = text.size();
    std::size_t largest = 0;
    auto sequence = state_.sequence();
    std::map<RegisterNumber, std::uint64_t> seen;
    const auto is_left_out = [&](const mr::Event &event, const mr::EventDigest &digest) {
        const auto found = find(event, digest);
        if (found == candidates_.end()) return true;
        const auto place = ++seen[found->first];
        const auto *walk = found->second.found();
        return walk == nullptr || place <= walk->passed || place > walk->leads;
    };
    for (const auto &file : files_) {
        (void)for_each_measured(file.bytes, provider_, [&](mr::Event &event) {
            std::erase_if(event.digests, [&](const mr::EventDigest &digest) { return is_left_out(event, digest); });
            if (event.digests.empty() || text.size() > max_earlier_log) return;
            event.sequence = ++sequence;
            const auto before = text.size();
            mr::append_json_event(text, event);
            largest = std::max(largest, text.size() - before);
        });
    }
    if (largest > max_earlier_event)
        return std::unexpected(file_names() + ", an event of " + std::to_string(largest) + " bytes: more than " +
                               std::to_string(max_earlier_event));
    if (text.size() > max_earlier_log)
        return std::unexpected(file_names() + ", more than " + std::to_string(max_earlier_log) + " bytes in mrd's JSON");
    if (text.size() == empty) return mr::Bytes();
    return mr::Bytes(text.begin(), text.end());
}

std::string EarlierLogs::why_not(RegisterNumber reg) const {
    const auto candidate = candidates_.find(reg);
    if (candidate == candidates_.end() || candidate->second.found() != nullptr || files_.empty()) return {};
    const auto &[walks, events] = candidate->second;
    if (events == 0) return file_names() + ": no event of it";
    // From the hardware's initial value, if it came to what the firmware's log leads to.
    const auto walk = std::find_if(walks.rbegin(), walks.rend(), [](const Walk &each) { return each.has_begun; });
    if (!walk->broken.empty()) return file_names() + ", " + walk->broken;
    return file_names() + ": its events lead to " + mr::to_hex(walk->value.bytes());
}

std::string EarlierLogs::file_names() const {
    std::string names;
    for (const auto &file : files_) names.append(names.empty() ? "" : " and ").append(file.name);
    return names;
}

}  // namespace mrd::journal
