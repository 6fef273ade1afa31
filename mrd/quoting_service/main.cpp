#include "mrd/quoting_service/run.h"

int main(int argc, char **argv) { return mrd::quoting_service::run(argc, argv); }
