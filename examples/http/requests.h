// Streams of requests, good and bad, with the decision that RFC 9110 and RFC 9112 require. The
// tests of the parser and of the server share the list, and so does the comparison with llhttp.
#ifndef EVNET_EXAMPLES_HTTP_REQUESTS_H_
#define EVNET_EXAMPLES_HTTP_REQUESTS_H_

#include <stddef.h>

#include <string>
#include <vector>

namespace evnet_testing {

struct Case {
  const char *name;
  std::string bytes;
  int status;       // of the error that ends the stream; 0: none
  size_t complete;  // requests that are complete before the error or the end of the bytes

  // Why llhttp, the parser of Node.js, decides otherwise, with the section that justifies this
  // parser; NULL if both decide alike.
  const char *differs;
};

std::vector<Case> Cases();

}  // namespace evnet_testing

#endif  // EVNET_EXAMPLES_HTTP_REQUESTS_H_
