// libfuse's low-level API, in the version that mrfs is written for.
#pragma once

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
