// Why a register does not do what mrd itself asks of it, as a sentence: of mrd's own log, and of errors in which no register's name is expected. A client that asks has
// the error itself.
#pragma once

#include <string>

#include "mrd/registers/errors.h"

namespace mrd {

std::string sentence_of(const RegisterError &error);

}  // namespace mrd
