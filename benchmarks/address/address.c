// Parses and formats benchmark addresses; see address.h.

#include "benchmarks/address/address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

static const char kTcp[] = "tcp://";
static const char kUdp[] = "udp://";
static const char kUnix[] = "unix://";

static int parse_port(const char *text, in_port_t *out) {
  if (*text < '0' || *text > '9') return -EINVAL;  // strtoul also accepts a sign or a space
  char *end = NULL;
  errno = 0;
  unsigned long port = strtoul(text, &end, 10);
  if (errno != 0 || *end != '\0' || port > 65535) return -EINVAL;
  *out = htons((in_port_t)port);
  return 0;
}

static int parse_inet(const char *text, struct bench_address *out) {
  char host[INET6_ADDRSTRLEN] = {0};
  const char *host_begin = text;
  const char *colon = strrchr(text, ':');
  if (colon == NULL) return -EINVAL;
  const char *host_end = colon;
  int family = AF_INET;
  if (*text == '[') {
    if (colon == text || colon[-1] != ']') return -EINVAL;
    family = AF_INET6;
    host_begin++;
    host_end--;
  }
  size_t host_bytes = (size_t)(host_end - host_begin);
  if (host_bytes == 0 || host_bytes >= sizeof(host)) return -EINVAL;
  memcpy(host, host_begin, host_bytes);

  in_port_t port = 0;
  int status = parse_port(colon + 1, &port);
  if (status < 0) return status;
  if (family == AF_INET6) {
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->storage;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = port;
    out->size_bytes = sizeof(*in6);
    return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
  }
  struct sockaddr_in *in4 = (struct sockaddr_in *)&out->storage;
  in4->sin_family = AF_INET;
  in4->sin_port = port;
  out->size_bytes = sizeof(*in4);
  return inet_pton(AF_INET, host, &in4->sin_addr) == 1 ? 0 : -EINVAL;
}

static int parse_unix(const char *path, struct bench_address *out) {
  struct sockaddr_un *un = (struct sockaddr_un *)&out->storage;
  size_t path_bytes = strlen(path);
  if (path_bytes == 0) return -EINVAL;
  if (path_bytes >= sizeof(un->sun_path)) return -ENAMETOOLONG;
  un->sun_family = AF_UNIX;
  memcpy(un->sun_path, path, path_bytes);
  if (path[0] == '@') {
    // An abstract name starts with a zero byte; the size of the address ends it (unix(7)).
    un->sun_path[0] = '\0';
    out->size_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_bytes);
  } else {
    out->size_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_bytes + 1);
  }
  return 0;
}

int bench_address_parse(const char *text, struct bench_address *out) {
  struct bench_address address;
  memset(&address, 0, sizeof(address));
  int status = -EINVAL;
  if (strncmp(text, kTcp, sizeof(kTcp) - 1) == 0) {
    address.kind = BENCH_ADDRESS_TCP;
    status = parse_inet(text + sizeof(kTcp) - 1, &address);
  } else if (strncmp(text, kUdp, sizeof(kUdp) - 1) == 0) {
    address.kind = BENCH_ADDRESS_UDP;
    status = parse_inet(text + sizeof(kUdp) - 1, &address);
  } else if (strncmp(text, kUnix, sizeof(kUnix) - 1) == 0) {
    address.kind = BENCH_ADDRESS_UNIX;
    status = parse_unix(text + sizeof(kUnix) - 1, &address);
  }
  if (status == 0) *out = address;
  return status;
}

int bench_address_socket_type(const struct bench_address *address) {
  return address->kind == BENCH_ADDRESS_UDP ? SOCK_DGRAM : SOCK_STREAM;
}

static void format_unix(const struct bench_address *address, char *out) {
  const struct sockaddr_un *un = (const struct sockaddr_un *)&address->storage;
  size_t path_bytes = (size_t)address->size_bytes - offsetof(struct sockaddr_un, sun_path);
  if (path_bytes > 0 && un->sun_path[0] == '\0') {
    snprintf(out, BENCH_ADDRESS_TEXT_BYTES, "%s@%.*s", kUnix, (int)(path_bytes - 1),
             un->sun_path + 1);
  } else {
    snprintf(out, BENCH_ADDRESS_TEXT_BYTES, "%s%.*s", kUnix, (int)path_bytes, un->sun_path);
  }
}

void bench_address_format(const struct bench_address *address, char *out) {
  if (address->kind == BENCH_ADDRESS_UNIX) {
    format_unix(address, out);
    return;
  }
  const char *scheme = address->kind == BENCH_ADDRESS_TCP ? kTcp : kUdp;
  char host[INET6_ADDRSTRLEN] = {0};
  if (address->storage.ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;
    inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
    snprintf(out, BENCH_ADDRESS_TEXT_BYTES, "%s[%s]:%u", scheme, host, ntohs(in6->sin6_port));
  } else {
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)&address->storage;
    inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
    snprintf(out, BENCH_ADDRESS_TEXT_BYTES, "%s%s:%u", scheme, host, ntohs(in4->sin_port));
  }
}
