// AMD SEV-SNP: reports as one kind of trusted execution environment.
#pragma once

#include "mr/tee.h"

namespace mr::snp {

const Tee &tee();

}  // namespace mr::snp
