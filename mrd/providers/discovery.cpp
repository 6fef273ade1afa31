#include "mrd/providers/discovery.h"

#include <algorithm>
#include <utility>

namespace mrd {
namespace {

std::string text_of(const Looked &looked) { return "of the type " + looked.type + ": " + looked.sighting.text(); }

void add_to(std::string &line, const std::string &text) { line += (line.empty() ? "" : ". ") + text; }

}  // namespace

std::expected<Discovered, std::string> discover(const std::vector<ProviderConfig> &configured, std::span<const Looked> looked) {
    Discovered discovered;
    for (const auto &provider : configured) {
        if (provider.type != automatic_type) {
            discovered.providers.push_back(provider);
            continue;
        }
        std::string missing;
        bool found = false;
        for (const auto &hardware : looked) {
            if (std::ranges::find(configured, hardware.type, &ProviderConfig::type) != configured.end()) continue;
            if (!hardware.sighting.found) {
                add_to(missing, "nothing " + text_of(hardware));
                continue;
            }
            found = true;
            add_to(discovered.told, "found a provider " + text_of(hardware));
            auto taken = provider;
            taken.type = hardware.type;
            taken.name = hardware.sighting.name.empty() ? std::string(default_provider_name(hardware.type)) : hardware.sighting.name;
            discovered.providers.push_back(std::move(taken));
        }
        if (!found) {
            return std::unexpected("no usable back end: " + missing + (missing.empty() ? "every type is configured by itself" : "") +
                                   ". For a TDX module in software, whose values prove nothing, give --sim");
        }
        if (!missing.empty()) add_to(discovered.told, missing);
    }
    return discovered;
}

}  // namespace mrd
