#include "net/reactor/testing/names.h"

#include <netdb.h>
#include <string.h>

#include "net/base/testing/listener.h"

namespace evnet_testing {

void Names::Know(const std::string &name, const std::vector<std::string> &addresses) {
  std::lock_guard<std::mutex> lock(mutex);
  hosts[name] = addresses;
}

void Names::Release() {
  std::lock_guard<std::mutex> lock(mutex);
  released = true;
  changed.notify_all();
}

void Names::Reset() {
  std::unique_lock<std::mutex> lock(mutex);
  released = true;
  changed.notify_all();
  changed.wait(lock, [this] { return asking == 0; });
  released = false;
  hosts.clear();
}

Names &TheNames() {
  static Names *const names = new Names;
  return *names;
}

}  // namespace evnet_testing

extern "C" int getaddrinfo(const char *node, const char *, const addrinfo *, addrinfo **results) {
  std::unique_lock<std::mutex> lock(evnet_testing::TheNames().mutex);
  evnet_testing::TheNames().asking++;
  if (std::string(node) == "slow.test")
    evnet_testing::TheNames().changed.wait(lock, [] { return evnet_testing::TheNames().released; });
  evnet_testing::TheNames().asking--;
  evnet_testing::TheNames().changed.notify_all();
  const auto known = evnet_testing::TheNames().hosts.find(node);
  if (known == evnet_testing::TheNames().hosts.end()) return EAI_NONAME;
  addrinfo *first = nullptr;
  for (auto host = known->second.rbegin(); host != known->second.rend(); ++host) {
    auto *const address = new evnet_address(evnet_testing::ParseAddress("tcp://" + *host + ":0"));
    auto *const found = new addrinfo();
    found->ai_family = address->socket.any.sa_family;
    found->ai_addr = &address->socket.any;
    found->ai_addrlen = address->size;
    found->ai_canonname = reinterpret_cast<char *>(address);
    found->ai_next = first;
    first = found;
  }
  *results = first;
  return 0;
}

extern "C" void freeaddrinfo(addrinfo *results) {
  while (results != nullptr) {
    addrinfo *const next = results->ai_next;
    delete reinterpret_cast<evnet_address *>(results->ai_canonname);
    delete results;
    results = next;
  }
}

extern "C" int getnameinfo(const sockaddr *, socklen_t, char *host, socklen_t size, char *,
                           socklen_t, int) {
  static const char name[] = "seven.test";
  if (size < sizeof name) return EAI_OVERFLOW;
  memcpy(host, name, sizeof name);
  return 0;
}
