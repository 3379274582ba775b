// A second handler beside that of a Harness. It records its callbacks, and checks that each comes
// with its own user.
#ifndef EVNET_NET_REACTOR_TESTING_SECOND_H_
#define EVNET_NET_REACTOR_TESTING_SECOND_H_

#include <functional>
#include <string>

#include "net/base/testing/status.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {

class Second {
 public:
  // The callbacks as one line, with the bytes of on_data: "open data(ab) close".
  std::string story;
  evnet_conn *conn = nullptr;  // of the last callback
  Status reason;
  evnet_action action = EVNET_NONE;  // what on_data returns
  bool consumes = true;              // on_data consumes its bytes
  std::function<void(evnet_conn *)> data, close;

  evnet_handler Handler() {
    evnet_handler handler = {};
    handler.on_open = [](evnet_conn *of, void *user) { return Self(user)->Note(of, "open"); };
    handler.on_data = [](evnet_conn *of, void *user) { return Self(user)->OnData(of); };
    handler.on_half_close = [](evnet_conn *of, void *user) {
      Self(user)->Note(of, "half_close");
      return EVNET_CLOSE;
    };
    handler.on_pressure = [](evnet_conn *of, void *user) {
      return Self(user)->Note(of, "pressure");
    };
    handler.on_drain = [](evnet_conn *of, void *user) { return Self(user)->Note(of, "drain"); };
    handler.on_timeout = [](evnet_conn *of, evnet_timeout, void *user) {
      Self(user)->Note(of, "timeout");
      return EVNET_CLOSE;
    };
    handler.on_stopping = [](evnet_conn *of, void *user) { Self(user)->Note(of, "stopping"); };
    handler.on_close = [](evnet_conn *of, int why, void *user) {
      Self(user)->reason = why;
      if (Self(user)->close) Self(user)->close(of);
      return Self(user)->Note(of, "close");
    };
    return handler;
  }

  // Options of a dial with this handler.
  evnet_dial_options Dial() {
    handler_ = Handler();
    evnet_dial_options options = {};
    options.handler = &handler_;
    options.user = this;
    return options;
  }

  // Gives a connection this handler.
  int Take(evnet_conn *of) {
    handler_ = Handler();
    const int status = evnet_conn_set_handler(of, &handler_, this);
    handler_ = {};  // evnet has a copy
    return status;
  }

 private:
  static Second *Self(void *user) { return static_cast<Second *>(user); }

  evnet_action Note(evnet_conn *of, const std::string &event) {
    conn = of;
    story += (story.empty() ? "" : " ") + event;
    return EVNET_NONE;
  }
  evnet_action OnData(evnet_conn *of) {
    Note(of, "data(" + Peek(of) + ")");
    if (data) data(of);
    if (consumes) (void)TakeAll(of);
    return action;
  }

  evnet_handler handler_ = {};
};

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_SECOND_H_
