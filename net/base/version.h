// The version of evnet: of these headers, and of the library that a program runs with.
//
// Versions have the form MAJOR.MINOR.PATCH, as semver.org describes. CHANGELOG.md lists what each
// changed, and CONTRIBUTING.md what a version may change.
#ifndef EVNET_NET_BASE_VERSION_H_
#define EVNET_NET_BASE_VERSION_H_

#include "status.h"

// The first number of the headers' version.
#define EVNET_VERSION_MAJOR 0
// The second number.
#define EVNET_VERSION_MINOR 1
// The third number.
#define EVNET_VERSION_PATCH 0

// The version of the headers as text.
#define EVNET_VERSION "0.1.0"

// The version of the headers as one number, for comparisons by the preprocessor: 1.2.3 is 10203.
#define EVNET_VERSION_NUMBER \
  (EVNET_VERSION_MAJOR * 10000 + EVNET_VERSION_MINOR * 100 + EVNET_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif

// evnet_version returns the version of the library. It differs from EVNET_VERSION if a program was
// compiled with the headers of another version than that of the shared library which it loaded.
//
// Returns: a constant string, such as "0.1.0".
// Thread:  any.
EVNET_API const char *evnet_version(void);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_VERSION_H_
