// The result of a dial or of a request by id, for tests that wait for it.
#ifndef EVNET_NET_SERVER_TESTING_DIAL_ANSWER_H_
#define EVNET_NET_SERVER_TESTING_DIAL_ANSWER_H_

#include <atomic>

#include "net/reactor/conn.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {

// The arguments of the one call of `done`.
struct Answer {
  std::atomic<int> calls{0};
  std::atomic<int> status{1};
  struct evnet_conn_id id = {};

  static void Done(struct evnet_conn_id id, int status, void *user) {
    Answer *self = static_cast<Answer *>(user);
    self->id = id;
    self->status = status;
    self->calls++;
  }
  bool Wait(Place place = Place::Here()) {
    return WaitUntil([this] { return calls > 0; }, place);
  }
};

}  // namespace evnet_testing

#endif  // EVNET_NET_SERVER_TESTING_DIAL_ANSWER_H_
