// UDP in a simulation: clients that send and receive, a handler that answers, and what must hold of
// each datagram.
//
// The kernel tells of each datagram that it hands to the server and that it takes from it
// (evnet_sim_udp_set_watch). What it hands over has to be presented next, once and whole; what it
// takes has to be the next of those that the handler has written.
#ifndef EVNET_NET_SERVER_SIMULATE_DATAGRAMS_H_
#define EVNET_NET_SERVER_SIMULATE_DATAGRAMS_H_

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "net/poller/testing/sim_udp.h"
#include "net/server/simulate/handler.h"
#include "net/server/simulate/oracle.h"
#include "net/server/simulate/world.h"

namespace evnet_simulation {

// A datagram that the kernel has handed over.
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
  bool has_source = false;  // it has to come from `source`
  evnet_address source = {};
  std::string bytes;
  uint64_t group = 0;      // of those written inside of one another, whose order is open
  bool announced = false;  // by an on_prewrite, or written inside of one
  bool writing = false;    // the call has not returned
  Fate fate = Fate::kPending;
  int error = 0;          // kRefused: why
  bool is_async = false;  // somebody waits for its fate, and forgets it then
};

// A UDP socket of the server's.
struct UdpSocket {
  size_t index = 0;  // of its address
  uint16_t port = 0;
  bool of_all_hosts = false;
  bool of_both_families = false;
  evnet_conn *conn = nullptr;
  struct evnet_conn_id id = {};
  bool is_member = false;   // of the group
  bool was_member = false;  // ever
  bool paused = false;
  int holds = 0;
  std::list<ToldDatagram> told;  // and not yet presented: one at most
  const ToldDatagram *presented = nullptr;
  std::list<Outgoing> outgoing;  // in the order in which they were accepted
};

class Datagrams {
 public:
  Datagrams(World *world, Handler *handler) : w_(*world), handler_(*handler) {}
  ~Datagrams();
  Datagrams(const Datagrams &) = delete;
  Datagrams &operator=(const Datagrams &) = delete;

  // The addresses to serve, behind those of TCP.
  std::vector<const char *> Addresses();
  void Boot(evnet_server *server);  // in on_boot

  // Clients.
  uint64_t NextNs() const;
  void Step();
  uint64_t NextLaterNs() const;
  void RunLater();

  // The handler.
  UdpSocket *Find(const evnet_conn *conn);  // nullptr: it is not one of UDP
  evnet_action OnData(UdpSocket *socket);
  void OnPrewrite(UdpSocket *socket);
  void Act();  // something to any socket, by reactor 0
  UdpSocket *Any();

  // A request by id, about to be carried out; what it sends. Then: it has been.
  Outgoing *Expect(UdpSocket *socket, const evnet_address &to, const std::string &bytes);
  void Expected(Outgoing *outgoing);
  void Answered(UdpSocket *socket, const Outgoing *outgoing);
  // What is wrong with a datagram, as the errors of evnet_conn_send_to say; 0: nothing.
  static int WrongWith(const UdpSocket &socket, const evnet_address &to, size_t size);
  bool MayBeFull(const UdpSocket &socket, size_t size) const;
  evnet_address Somebody();  // where datagrams may be sent

  bool IsAlive(const UdpSocket &socket) const;
  void NoteOwed();  // a stop comes
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
    bool resume;  // else: release
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
  int depth_ = 0;            // of writes inside of one another
  int prewrites_ = 0;        // of on_prewrite of UDP sockets, inside of one another
  uint64_t told_ = 0;        // by the kernel
  uint64_t bytes_told_ = 0;  // in them
  uint64_t taken_ = 0;       // by it
  uint64_t dropped_ = 0;     // refused, for ever
  uint64_t owed_ = 0;        // that have to be told before the stop ends
  bool owes_ = false;        // `owed_` counts
  uint64_t serial_ = 0;
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_DATAGRAMS_H_
