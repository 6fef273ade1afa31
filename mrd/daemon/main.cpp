#include "mrd/daemon/run.h"

int main(int argc, char **argv) { return mrd::run(argc, argv); }
