// mrctl realm-measurement: the initial measurement that a realm of Arm's CCA has to have. Needs no mrd.
#include "mr/realm_measurement.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "mr/event_content.h"
#include "mr/reference_values.h"
#include "mr/verify_cca.h"
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

std::vector<mr::RealmImage> images_of(const std::vector<Named> &files) {
    std::vector<mr::RealmImage> images;
    for (const auto &file : files) images.push_back({file.name, file.content});
    return images;
}

bool has_image(const mr::RealmDescription &realm, std::string_view name) {
    return std::ranges::any_of(realm.steps, [&](const mr::RealmStep &step) {
        const auto *const data = std::get_if<mr::RealmData>(&step);
        return data != nullptr && data->image == name;
    });
}

std::string image_names(const mr::RealmDescription &realm) {
    std::string names;
    for (const auto &step : realm.steps) {
        if (const auto *const data = std::get_if<mr::RealmData>(&step)) names.append(names.empty() ? "" : ", ").append(data->image);
    }
    return names.empty() ? "none" : mr::printable_text(names);
}

// What the reference values let a RIM be, of any part and in any alternative.
std::vector<mr::Bytes> rims_of(const mr::ReferenceValues &values) {
    const auto is_part_of_cca = [&](std::string_view part) {
        const auto found = std::ranges::find(values.parts, part, &mr::ExpectedPart::name);
        return found == values.parts.end() ? part == mr::cca_kind : found->kind == mr::cca_kind;
    };
    const auto is_rim = [&](std::string_view name) {
        const auto slash = name.find('/');
        return slash == std::string_view::npos ? name == "rim" : name.substr(slash + 1) == "rim" && is_part_of_cca(name.substr(0, slash));
    };
    std::vector<mr::Bytes> rims;
    const auto take = [&](const mr::RuleSet &rules) {
        for (const auto &[name, allowed] : rules.registers) {
            const auto role = values.roles.find(name);
            if (role == values.roles.end() ? is_rim(name) : std::ranges::any_of(role->second, is_rim))
                rims.insert(rims.end(), allowed.begin(), allowed.end());
        }
    };
    take(values);
    for (const auto &each : values.alternatives) std::ranges::for_each(each.sets, take);
    return rims;
}

// Nothing: nobody said what the RIM has to be.
std::expected<std::vector<mr::Bytes>, mr::Error> expected_rims(const RealmMeasurementCommand &command,
                                                               const std::optional<mr::Bytes> &reference) {
    if (!reference) return std::vector<mr::Bytes>();
    const auto values = mr::parse_reference_values({reinterpret_cast<const char *>(reference->data()), reference->size()});
    if (!values) return std::unexpected(mr::Error{values.error().code, *command.reference + ": " + values.error().message});
    auto rims = rims_of(*values);
    if (rims.empty())
        return std::unexpected(mr::Error{mr::ErrorCode::invalid_argument, *command.reference + ": its registers say nothing of rim"});
    return rims;
}

void print_rebuilt(bool json, const mr::RebuiltRealm &rebuilt, bool is_judged) {
    const auto rim = mr::to_hex(rebuilt.steps.back().rim.bytes());
    if (json) {
        nlohmann::ordered_json steps = nlohmann::ordered_json::array();
        for (const auto &step : rebuilt.steps) {
            steps.push_back({{"step", mr::printable_text(step.step)}, {"rim", mr::to_hex(step.rim.bytes())}});
            if (step.digest_matches) steps.back()["digest_matches"] = *step.digest_matches;
        }
        nlohmann::ordered_json all{{"rim", rim}, {"steps", steps}};
        for (const auto &[image, file] : rebuilt.found) all["images"][mr::printable_text(image)] = mr::printable_text(file);
        if (is_judged) all["expected"] = rebuilt.is_expected;
        print_json(all.dump(2));
        return;
    }
    std::vector<Row> rows;
    for (const auto &step : rebuilt.steps) rows.push_back({mr::printable_text(step.step), mr::to_hex(step.rim.bytes())});
    print_table({"STEP", "RIM AFTER IT"}, rows);
    for (const auto &step : rebuilt.steps) {
        if (step.digest_matches == false)
            note(mr::printable_text(step.step) + ": the log's digest is that of another image than the one given");
    }
    for (const auto &[image, file] : rebuilt.found) std::cout << mr::printable_text(image + " is " + file) << '\n';
    std::cout << "rim " << rim << '\n';
    if (is_judged && !rebuilt.is_expected) std::cout << "REFUSED: the reference values name another rim\n";
}

}  // namespace

int realm_measurement(bool json, const RealmMeasurementCommand &command) {
    if (command.log.has_value() == command.parameters.has_value())
        return fail_usage("realm-measurement: give the realm's log with --log, or its parameters with --parameters");
    const auto &path = command.log ? *command.log : *command.parameters;
    auto description = command.log ? read_undecoded(path, mr::max_realm_description) : read_file(path, mr::max_realm_description);
    if (!description) return fail(description.error());
    std::optional<mr::Bytes> reference;
    if (command.reference) {
        auto file = read_file(*command.reference, mr::max_reference_values_size);
        if (!file) return fail(file.error());
        reference = std::move(*file);
    }
    std::vector<Named> named;
    std::vector<Named> candidates;
    for (const auto &image : command.images) {
        const auto equals = image.find('=');
        if (equals == 0 || equals + 1 == image.size())
            return fail_usage("realm-measurement: --image takes NAME=FILE, as KERNEL=Image, or FILE");
        const bool is_named = equals != std::string::npos;
        const auto file = is_named ? image.substr(equals + 1) : image;
        auto content = read_file(file, max_image_size);
        if (!content) return fail(content.error());
        (is_named ? named : candidates).push_back({is_named ? image.substr(0, equals) : file, std::move(*content)});
    }
    confine_to_output();
    if (command.log) description = decode_binary_file(path, std::move(*description), mr::max_realm_description);
    if (!description) return fail(description.error());
    const auto realm = command.log ? mr::parse_realm_log(*description)
                                   : mr::parse_realm_parameters({reinterpret_cast<const char *>(description->data()), description->size()});
    if (!realm) return fail({realm.error().code, path + ": " + realm.error().message});
    const auto expected = expected_rims(command, reference);
    if (!expected) return fail(expected.error());
    for (const auto &image : named) {
        if (!has_image(*realm, image.name))
            return fail({mr::ErrorCode::invalid_argument, "--image " + mr::printable_text(image.name) + "=...: " + path +
                                                              " has no image of that name; it has " + image_names(*realm)});
    }
    const auto by_name = images_of(named);
    const auto by_content = images_of(candidates);
    const auto rebuilt = mr::rebuild_realm(*realm, {.named = by_name, .candidates = by_content}, *expected);
    if (!rebuilt) return fail({rebuilt.error().code, path + ": " + rebuilt.error().message});
    print_rebuilt(json, *rebuilt, reference.has_value());
    return reference && !rebuilt->is_expected ? exit_refused : exit_done;
}

}  // namespace mrctl
