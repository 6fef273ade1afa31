// mrctl realm-measurement: the initial measurement that a realm of Arm's CCA has to have. Needs no mrd.
#include "mr/realm_measurement.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "mr/event_content.h"
#include "mrctl/binary_file.h"
#include "mrctl/commands.h"
#include "mrctl/confinement.h"
#include "mrctl/output.h"

namespace mrctl {

namespace {

constexpr std::size_t max_image_size = mr::max_realm_granules * mr::realm_granule;  // bytes

struct Named {
    std::string name;
    mr::Bytes content;
};

std::string image_names(const mr::RealmDescription &realm) {
    std::string names;
    for (const auto &step : realm.steps) {
        if (const auto *const data = std::get_if<mr::RealmData>(&step)) names.append(names.empty() ? "" : ", ").append(data->image);
    }
    return names.empty() ? "none" : mr::printable_text(names);
}

}  // namespace

int realm_measurement(bool json, const RealmMeasurementCommand &command) {
    if (command.log.has_value() == command.parameters.has_value())
        return fail_usage("realm-measurement: give the realm's log with --log, or its parameters with --parameters");
    const auto &path = command.log ? *command.log : *command.parameters;
    auto description = command.log ? read_undecoded(path, mr::max_realm_description) : read_file(path, mr::max_realm_description);
    if (!description) return fail(description.error());
    std::vector<Named> files;
    for (const auto &image : command.images) {
        const auto equals = image.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == image.size())
            return fail_usage("realm-measurement: --image takes NAME=FILE, as KERNEL=Image");
        auto content = read_file(image.substr(equals + 1), max_image_size);
        if (!content) return fail(content.error());
        files.push_back({image.substr(0, equals), std::move(*content)});
    }
    confine_to_output();
    if (command.log) description = decode_binary_file(path, std::move(*description), mr::max_realm_description);
    if (!description) return fail(description.error());
    const auto realm = command.log ? mr::parse_realm_log(*description)
                                   : mr::parse_realm_parameters({reinterpret_cast<const char *>(description->data()), description->size()});
    if (!realm) return fail({realm.error().code, path + ": " + realm.error().message});
    std::vector<mr::RealmImage> images;
    for (const auto &file : files) {
        images.push_back({file.name, file.content});
        const bool is_named = std::ranges::any_of(realm->steps, [&](const mr::RealmStep &step) {
            const auto *const data = std::get_if<mr::RealmData>(&step);
            return data != nullptr && data->image == file.name;
        });
        if (!is_named)
            return fail({mr::ErrorCode::invalid_argument, "--image " + mr::printable_text(file.name) + "=...: " + path +
                                                              " has no image of that name; it has " + image_names(*realm)});
    }
    const auto steps = mr::measure_realm(*realm, images);
    if (!steps) return fail({steps.error().code, path + ": " + steps.error().message});
    const auto rim = mr::to_hex(steps->back().rim.bytes());
    if (json) {
        nlohmann::ordered_json all = nlohmann::ordered_json::array();
        for (const auto &step : *steps) {
            all.push_back({{"step", mr::printable_text(step.step)}, {"rim", mr::to_hex(step.rim.bytes())}});
            if (step.digest_matches) all.back()["digest_matches"] = *step.digest_matches;
        }
        print_json(nlohmann::ordered_json{{"rim", rim}, {"steps", all}}.dump(2));
        return exit_done;
    }
    std::vector<Row> rows;
    for (const auto &step : *steps) rows.push_back({mr::printable_text(step.step), mr::to_hex(step.rim.bytes())});
    print_table({"STEP", "RIM AFTER IT"}, rows);
    for (const auto &step : *steps) {
        if (step.digest_matches == false)
            note(mr::printable_text(step.step) + ": the log's digest is that of another image than the one given");
    }
    std::cout << "rim " << rim << '\n';
    return exit_done;
}

}  // namespace mrctl
