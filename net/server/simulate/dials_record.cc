#include "net/server/simulate/dials_record.h"

#include <stdarg.h>
#include <stdio.h>

namespace evnet_simulation {

void Dials::Broken(const Dial *dial, const char *format, ...) const {
  char text[160];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  evnet_sim_fail(w_.sim, "dial %u: %s", dial->number, text);
}

}  // namespace evnet_simulation
