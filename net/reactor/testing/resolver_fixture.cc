#include "net/reactor/testing/resolver_fixture.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

namespace evnet_testing {

Names *names;

}  // namespace evnet_testing

extern "C" int getaddrinfo(const char *node, const char *, const addrinfo *, addrinfo **results) {
  evnet_testing::names->Enter(node);
  if (strcmp(node, "none.test") == 0) return EAI_NONAME;
  static sockaddr_in ip4[2];
  static addrinfo found[2];
  static const bool ready = [] {
    for (int i = 0; i < 2; i++) {
      ip4[i].sin_family = AF_INET;
      ip4[i].sin_addr.s_addr = htonl(0xC0000207 + static_cast<uint32_t>(i));  // 192.0.2.7, .8
      found[i].ai_family = AF_INET;
      found[i].ai_addr = reinterpret_cast<sockaddr *>(&ip4[i]);
      found[i].ai_addrlen = sizeof ip4[i];
    }
    found[0].ai_next = &found[1];
    return true;
  }();
  EXPECT_TRUE(ready);
  *results = &found[0];
  return 0;
}

extern "C" void freeaddrinfo(addrinfo *) {}
