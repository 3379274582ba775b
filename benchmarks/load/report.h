// The report at the end of a run.

#ifndef EVNET_BENCHMARKS_LOAD_REPORT_H_
#define EVNET_BENCHMARKS_LOAD_REPORT_H_

#include "benchmarks/load/run.h"

// report_print prints the figures of a finished run to stdout, as text or as one line of JSON.
void report_print(const struct run *run);

#endif  // EVNET_BENCHMARKS_LOAD_REPORT_H_
