// What a file is that was given in another's place, for the error that refuses it.
#pragma once

#include <string>
#include <string_view>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mrctl {

inline constexpr std::string_view certificates_kind = "certificates";
inline constexpr std::string_view reference_values_kind = "reference values";
inline constexpr std::string_view private_key_kind = "a private key";

// By its bytes: "Intel's collateral". Empty: it is nothing that is known.
std::string file_kind(mr::ByteView file);

// The error of who read the file as another thing: "PATH: it is Intel's collateral: ...". `wanted`: the kind that it has to be, of which nothing is said.
mr::Error wrong_file(const std::string &path, mr::ByteView file, mr::Error error, std::string_view wanted = {});

}  // namespace mrctl
