// What a run says at its end.

#ifndef EVNET_BENCHMARKS_LOAD_REPORT_H_
#define EVNET_BENCHMARKS_LOAD_REPORT_H_

#include "benchmarks/load/run.h"

// report_print writes the figures of a run that is over to stdout, as text or one line of JSON.
void report_print(const struct run *run);

#endif  // EVNET_BENCHMARKS_LOAD_REPORT_H_
