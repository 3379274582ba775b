// The level-triggered floor that answers HTTP: see floor.h.

#include "benchmarks/floor/floor.h"

int main(int argc, char **argv) { return floor_main(argc, argv, FLOOR_LEVEL, floor_http_run); }
