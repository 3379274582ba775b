// The page of the program: HTML with its style and script.
#ifndef EVNET_EXAMPLES_WEBAPP_PAGE_H_
#define EVNET_EXAMPLES_WEBAPP_PAGE_H_

#include <stddef.h>

extern const char page_html[];
extern const size_t page_html_size;

#endif  // EVNET_EXAMPLES_WEBAPP_PAGE_H_
