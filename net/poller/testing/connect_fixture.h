// A poller that connects to its own listeners and to those of the test.
#ifndef EVNET_NET_POLLER_TESTING_CONNECT_FIXTURE_H_
#define EVNET_NET_POLLER_TESTING_CONNECT_FIXTURE_H_

#include <stdlib.h>

#include <memory>

#include "net/base/testing/listener.h"
#include "net/base/testing/temp_directory.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {

class ConnectTest : public ContractTest {
 protected:
  evnet_handle Reserve(evnet_transport transport) {
    evnet_handle handle = {};
    EXPECT_EQ(evnet_poller_reserve(poller(), transport, &handle), 0);
    return handle;
  }
  evnet_handle Reserve() { return Reserve(GetParam().transport); }

  bool RunUntilConnects(evnet_handle handle, size_t count = 1, Place place = Place::Here()) {
    return loop().RunUntil([=] { return loop().Of(handle, EVNET_OP_CONNECT).size() >= count; },
                           place);
  }

  // Connects and returns the result of CONNECT.
  int64_t ConnectNow(evnet_handle handle, const evnet_address &address,
                     const evnet_connect_options *options = nullptr) {
    const size_t before = loop().Of(handle, EVNET_OP_CONNECT).size();
    evnet_poller_connect(poller(), handle, &address, options);
    if (!RunUntilConnects(handle, before + 1)) return 1;
    return loop().Of(handle, EVNET_OP_CONNECT).back().result;
  }

  // Connects to a listener of this poller. Returns the connecting end; *out_accepted is the
  // accepted end, attached.
  evnet_handle ConnectPair(evnet_handle *out_accepted,
                           const evnet_connect_options *options = nullptr) {
    const evnet_handle listener = Listen();
    const evnet_address address = AddressOf(listener);
    const evnet_handle handle = Reserve();
    evnet_poller_accept_start(poller(), listener);
    EXPECT_EQ(ConnectNow(handle, address, options), 0);
    if (!loop().RunUntil([&] { return !loop().Of(listener, EVNET_OP_ACCEPT).empty(); })) abort();
    *out_accepted = Attach(static_cast<int>(loop().Of(listener, EVNET_OP_ACCEPT).front().result));
    return handle;
  }

  // Connects `from`, and moves its socket to `to` as soon as CONNECT is reported.
  void ConnectAndMove(evnet_handle from, evnet_handle to, const evnet_address &address) {
    int status = 1;
    loop().OnEvent([&](const Event &event) {
      if (status == 1 && event.op == EVNET_OP_CONNECT && event.result == 0)
        status = evnet_poller_connect_move(poller(), from, to);
    });
    EXPECT_EQ(ConnectNow(from, address), 0);
    loop().OnEvent(nullptr);
    EXPECT_EQ(status, 0);
  }

  void Detach(evnet_handle handle) {
    evnet_poller_detach(poller(), handle);
    ASSERT_TRUE(loop().RunUntil([=] { return !loop().Of(handle, EVNET_OP_DETACH).empty(); }));
  }

  // Returns an address to which a connect stays pending for as long as the fixture exists.
  const evnet_address &Nowhere() {
    if (blackhole_ == nullptr) blackhole_ = std::make_unique<Blackhole>();
    return blackhole_->address();
  }

  const TempDirectory directory_;

 private:
  std::unique_ptr<Blackhole> blackhole_;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_POLLER_TESTING_CONNECT_FIXTURE_H_
