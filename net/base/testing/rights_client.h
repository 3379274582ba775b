// Descriptors that pass over Unix sockets, as tests send and receive them.
#ifndef EVNET_NET_BASE_TESTING_RIGHTS_CLIENT_H_
#define EVNET_NET_BASE_TESTING_RIGHTS_CLIENT_H_

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace evnet_testing {

// Sends bytes, and descriptors with the first of them, as sendmsg(2).
inline ssize_t SendRights(int descriptor, const std::string &bytes,
                          const std::vector<int> &descriptors) {
  std::vector<char> control(CMSG_SPACE(descriptors.size() * sizeof(int)));
  iovec piece = {const_cast<char *>(bytes.data()), bytes.size()};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
  }
  return sendmsg(descriptor, &message, MSG_NOSIGNAL);
}

// A client over a Unix socket that sends and receives descriptors (SCM_RIGHTS of unix(7)).
class RightsClient {
 public:
  explicit RightsClient(const std::string &path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path.c_str(), path.size() + 1);
    descriptor_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(descriptor_, reinterpret_cast<sockaddr *>(&address), sizeof address), 0)
        << strerror(errno);
    const timeval limit = {20, 0};
    (void)setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  RightsClient(const RightsClient &) = delete;
  RightsClient &operator=(const RightsClient &) = delete;
  ~RightsClient() { (void)close(descriptor_); }

  ssize_t Send(const std::string &bytes, const std::vector<int> &descriptors) const {
    return SendRights(descriptor_, bytes, descriptors);
  }
  // Receives up to the end of the stream or `size` bytes. Appends received descriptors.
  std::string Receive(size_t size, std::vector<int> *descriptors) const {
    std::string all;
    while (all.size() < size) {
      char bytes[65536];
      alignas(cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))];
      iovec piece = {bytes, std::min(sizeof bytes, size - all.size())};
      msghdr message = {};
      message.msg_iov = &piece;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      const ssize_t got = recvmsg(descriptor_, &message, MSG_CMSG_CLOEXEC);
      // With a timeout the kernel does not restart the call (signal(7)). A ring that this thread has
      // created interrupts it.
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      all.append(bytes, static_cast<size_t>(got));
      for (cmsghdr *header = CMSG_FIRSTHDR(&message); header != nullptr;
           header = CMSG_NXTHDR(&message, header)) {
        int received[16];
        const size_t bytes_of = header->cmsg_len - CMSG_LEN(0);
        memcpy(received, CMSG_DATA(header), bytes_of);
        descriptors->insert(descriptors->end(), received, received + bytes_of / sizeof(int));
      }
    }
    return all;
  }

 private:
  int descriptor_;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_RIGHTS_CLIENT_H_
