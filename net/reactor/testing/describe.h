// The state of a connection in words, for the message of a failed test.
#ifndef EVNET_NET_REACTOR_TESTING_DESCRIBE_H_
#define EVNET_NET_REACTOR_TESTING_DESCRIBE_H_

#include <string>

#include "net/reactor/conn.h"

namespace evnet_testing {

// "OPEN, 0 bytes unread, 12 bytes to send, reading stopped by pause_reading". The connection must
// not have had its on_close.
std::string Describe(const evnet_conn *conn);

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_DESCRIBE_H_
