#include "mrd/providers/sim/pck_extension.h"

#include <initializer_list>

namespace mrd::sim {
namespace {

enum class Tag : std::uint8_t {
    boolean = 0x01,
    integer = 0x02,
    octet_string = 0x04,
    object_identifier = 0x06,
    enumerated = 0x0A,
    sequence = 0x30
};

mr::Bytes element(Tag tag, mr::ByteView content) {
    mr::Bytes der = {static_cast<std::uint8_t>(tag)};
    if (content.size() >= 0x100) {
        der.push_back(0x82);
        der.push_back(static_cast<std::uint8_t>(content.size() >> 8));
    } else if (content.size() >= 0x80) {
        der.push_back(0x81);
    }
    der.push_back(static_cast<std::uint8_t>(content.size()));
    der.insert(der.end(), content.begin(), content.end());
    return der;
}

mr::Bytes sequence(std::initializer_list<mr::Bytes> elements) {
    mr::Bytes content;
    for (const mr::Bytes &one : elements) {
        content.insert(content.end(), one.begin(), one.end());
    }
    return element(Tag::sequence, content);
}

mr::Bytes integer(std::uint16_t value) {
    mr::Bytes content;
    if (value >= 0x8000) {
        content.push_back(0);  // or it would be negative
    }
    if (value >= 0x80) {
        content.push_back(static_cast<std::uint8_t>(value >> 8));
    }
    content.push_back(static_cast<std::uint8_t>(value));
    return element(Tag::integer, content);
}

mr::Bytes yes() { return element(Tag::boolean, mr::Bytes{0xFF}); }

// An entry: 1.2.840.113741.1.13.1 and the numbers that follow it, then the value.
mr::Bytes entry(std::initializer_list<std::uint8_t> below, const mr::Bytes &value) {
    mr::Bytes identifier = {0x2A, 0x86, 0x48, 0x86, 0xF8, 0x4D, 0x01, 0x0D, 0x01};
    identifier.insert(identifier.end(), below);
    return sequence({element(Tag::object_identifier, identifier), value});
}

mr::Bytes encode_tcb(const PckExtension &extension) {
    mr::Bytes entries;
    const auto append = [&](const mr::Bytes &one) { entries.insert(entries.end(), one.begin(), one.end()); };
    std::uint8_t number = 1;
    for (const std::uint8_t component : extension.cpu_svn) {
        append(entry({2, number++}, integer(component)));
    }
    append(entry({2, 17}, integer(extension.pce_svn)));
    append(entry({2, 18}, element(Tag::octet_string, extension.cpu_svn)));
    return element(Tag::sequence, entries);
}

}  // namespace

mr::Bytes encode_pck_extension(const PckExtension &extension) {
    return sequence({entry({1}, element(Tag::octet_string, extension.ppid)),                  //
                     entry({2}, encode_tcb(extension)),                                       //
                     entry({3}, element(Tag::octet_string, extension.pce_id)),                //
                     entry({4}, element(Tag::octet_string, extension.fmspc)),                 //
                     entry({5}, element(Tag::enumerated, mr::Bytes{1})),                      //
                     entry({6}, element(Tag::octet_string, extension.platform_instance_id)),  //
                     entry({7}, sequence({entry({7, 1}, yes()), entry({7, 2}, yes()), entry({7, 3}, yes())}))});
}

}  // namespace mrd::sim
