#include "net/base/version.h"

const char *evnet_version(void) { return EVNET_VERSION; }
