// The edge-triggered floor: see floor.h.

#include "benchmarks/floor/floor.h"

int main(int argc, char **argv) { return floor_main(argc, argv, FLOOR_EDGE, floor_stream_run); }
