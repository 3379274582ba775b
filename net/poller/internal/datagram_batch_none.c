// Systems other than Linux do not have a useful call for many datagrams.
#include "net/poller/internal/datagram_system.h"

int evnet_datagram_system_receive(int descriptor, struct evnet_datagram_message *messages,
                                  unsigned int count, bool *singly) {
  (void)singly;
  return evnet_datagram_receive_singly(descriptor, messages, count);
}

int evnet_datagram_system_send(int descriptor, struct evnet_datagram_message *messages,
                               unsigned int count, bool *singly) {
  (void)singly;
  return evnet_datagram_send_singly(descriptor, messages, count, true);
}
