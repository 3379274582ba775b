// UDP in a simulation: clients that send and receive, a handler that replies, and the rules for
// each datagram.
//
// The simulated kernel reports each datagram that the server receives or sends
// (evnet_sim_udp_set_watch). evnet has to present a received datagram next, once and whole. A sent
// datagram has to be the next of the datagrams that the handler has written.
#ifndef EVNET_NET_SERVER_SIMULATE_DATAGRAMS_H_
#define EVNET_NET_SERVER_SIMULATE_DATAGRAMS_H_

#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/poller/testing/sim_udp.h"
#include "net/server/simulate/handler.h"
#include "net/server/simulate/oracle.h"
#include "net/server/simulate/world.h"

namespace evnet_simulation {

// A datagram that evnet has received from the kernel.
struct ToldDatagram {
  evnet_address from;
  evnet_address to;
  std::string bytes;
  bool truncated;
};

enum class Fate { kPending, kTaken, kRefused, kPassedOver };

// A datagram that was written, until its fate is known.
struct Outgoing {
  evnet_address to = {};
  bool has_source = false;  // it has to be sent from `source`
  evnet_address source = {};
  std::string bytes;
  uint64_t group = 0;      // shared by nested writes, whose order is not defined
  bool announced = false;  // on_prewrite ran after the write, or the write was inside on_prewrite
  bool writing = false;    // the call has not returned
  Fate fate = Fate::kPending;
  int error = 0;          // the kernel's error if kRefused
  bool is_async = false;  // a request by id, which removes this record when it is completed
};

// A UDP socket of the server.
struct UdpSocket {
  size_t index = 0;  // index of its address
  uint16_t port = 0;
  bool of_all_hosts = false;
  bool of_both_families = false;
  evnet_conn *conn = nullptr;
  struct evnet_conn_id id = {};
  bool is_member = false;   // a member of the multicast group now
  bool was_member = false;  // has ever been a member
  bool paused = false;
  int holds = 0;
  std::list<ToldDatagram> told;  // received and not yet presented, at most one
  const ToldDatagram *presented = nullptr;
  std::list<Outgoing> outgoing;  // in the order in which they were accepted
};

class Datagrams {
 public:
  Datagrams(World *world, Handler *handler) : w_(*world), handler_(*handler) {}
  ~Datagrams();
  Datagrams(const Datagrams &) = delete;
  Datagrams &operator=(const Datagrams &) = delete;

  // The UDP addresses to serve. They follow the TCP addresses.
  std::vector<const char *> Addresses();
  void Boot(evnet_server *server);  // in on_boot

  // The clients.
  uint64_t NextNs() const;
  void Step();
  uint64_t NextLaterNs() const;
  void RunLater();

  // The handler.
  UdpSocket *Find(const evnet_conn *conn);  // nullptr if conn is not a UDP socket
  evnet_action OnData(UdpSocket *socket);
  void OnPrewrite(UdpSocket *socket);
  void OnError(UdpSocket *socket, const evnet_datagram_error &error);
  void Act();  // a random act on a random socket, on reactor 0
  UdpSocket *Any();

  // A request by id is about to send a datagram.
  Outgoing *Expect(UdpSocket *socket, const evnet_address &to, const std::string &bytes);
  // The request has run.
  void Expected(Outgoing *outgoing);
  // The request has been completed.
  void Answered(UdpSocket *socket, const Outgoing *outgoing);

  // Returns the error that evnet_conn_send_to has to return for the datagram; 0 if it is valid.
  static int WrongWith(const UdpSocket &socket, const evnet_address &to, size_t size);
  bool MayBeFull(const UdpSocket &socket, size_t size) const;
  evnet_address Somebody();  // returns a random destination

  bool IsAlive(const UdpSocket &socket) const;
  void NoteOwed();  // called when the first stop is requested
  void Idle();
  void Stats();
  void TheEnd();

 private:
  struct Peer {
    uint32_t number;
    uint64_t next_ns;
    uint32_t to_send;
    uint8_t host;
    evnet_sim_udp *udp;
  };
  struct Later {
    uint64_t at_ns;
    UdpSocket *socket;
    bool resume;  // resume reading if true, else release a hold
  };

  void Send(Peer *peer);
  void Receive(Peer *peer);
  std::string Bytes(size_t size);
  size_t Size();
  void Reply(UdpSocket *socket);
  void Write(UdpSocket *socket, const evnet_address *to, const std::string &bytes);
  void Wrote(UdpSocket *socket, Outgoing *outgoing, size_t queued, ssize_t result);
  bool IsLegal(const UdpSocket &socket, int wrong, size_t size, size_t queued, ssize_t error) const;
  void ActOn(UdpSocket *socket);
  void WhatItHasNot(UdpSocket *socket);
  void JoinOrLeave(UdpSocket *socket);
  static evnet_address GroupOf(const UdpSocket &socket);
  void Watch(const evnet_sim_udp_news &news);
  void Told(UdpSocket *socket, const evnet_sim_udp_news &news);
  void Sent(UdpSocket *socket, const evnet_sim_udp_news &news);
  static bool IsThat(const UdpSocket &socket, const Outgoing &outgoing,
                     const evnet_sim_udp_news &news);
  void Forget(UdpSocket *socket, const Outgoing *outgoing);
  void Announce(UdpSocket *socket);
  bool MayBeDropped(const Outgoing &outgoing) const;

  World &w_;
  Handler &handler_;
  std::vector<std::unique_ptr<UdpSocket>> sockets_;
  std::vector<Peer> peers_;
  std::vector<Later> later_;
  uint64_t groups_ = 0;
  int depth_ = 0;             // nesting depth of writes
  int prewrites_ = 0;         // nesting depth of on_prewrite of UDP sockets
  uint64_t told_ = 0;         // datagrams that evnet has received
  uint64_t bytes_told_ = 0;   // bytes in them
  uint64_t taken_ = 0;        // datagrams that the kernel has accepted
  std::set<uint16_t> ports_;  // to which they were sent
  uint64_t errors_ = 0;       // that were reported
  uint64_t dropped_ = 0;      // datagrams that are never sent
  uint64_t owed_ = 0;         // value that told_ has to reach before the stop ends
  bool owes_ = false;         // `owed_` is checked
  uint64_t serial_ = 0;
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_DATAGRAMS_H_
