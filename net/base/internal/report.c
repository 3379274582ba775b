#include "net/base/internal/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "net/base/text.h"

int report_refuse(const struct report *report, const char *format, ...) {
  if (report->message == NULL || report->message_size == 0) return EVNET_STATUS_ADDRESS;
  char shown[REPORT_ADDRESS_BYTES];
  // snprintf cannot fail here: no wide characters, few bytes.
  const int used = snprintf(report->message, report->message_size, "%s '%s': ", report->kind,
                            evnet_text_escape(report->text, shown, report->text_bytes));
  if ((size_t)used >= report->message_size) return EVNET_STATUS_ADDRESS;
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(report->message + used, report->message_size - (size_t)used, format, arguments);
  va_end(arguments);
  return EVNET_STATUS_ADDRESS;
}
