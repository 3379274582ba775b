// The handler of a simulated server. It consumes, writes, pauses, holds and closes at random, in
// callbacks and also later in posted functions.
#ifndef EVNET_NET_SERVER_SIMULATE_HANDLER_H_
#define EVNET_NET_SERVER_SIMULATE_HANDLER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/server/simulate/faces.h"
#include "net/server/simulate/oracle.h"
#include "net/server/simulate/world.h"

namespace evnet_simulation {

class Datagrams;
class Dials;
class Jobs;
class Posters;
class Rates;

class Handler {
 public:
  Handler(World *world, Oracle *oracle);

  Faces *faces() { return &faces_; }

  void set_datagrams(Datagrams *datagrams) { datagrams_ = datagrams; }
  void set_dials(Dials *dials) { dials_ = dials; }
  void set_posters(Posters *posters) { posters_ = posters; }
  void set_rates(Rates *rates) { rates_ = rates; }
  void set_jobs(Jobs *jobs) { jobs_ = jobs; }

  evnet_action Shutdown();
  void ActOn(Conn *c) { Acts(c, 2); }
  void ReleaseLater(Conn *c) { PutOff(Deed::kRelease, c); }

  // Posts to any reactor, as another thread would.
  void PostNothing(uint32_t reactor);
  int PostFunction(uint32_t reactor, std::function<void()> function);
  // Acts that the handler has put off. Another thread posts them when they are due.
  uint64_t NextLaterNs() const;
  void RunLater();
  void ReleaseTakenHolds();  // called after the reactors have ended

 private:
  enum class Deed { kNothing, kResume, kRelease, kClose, kWrite, kActs };
  struct Task {
    Handler *handler;
    Deed deed;
    Conn *c;  // NULL if the task is for no connection
    uint32_t reactor;
    std::function<void()> function;  // runs in addition to the deed
  };
  struct Later {
    uint64_t at_ns;
    Deed deed;
    Conn *c;
  };

  // Returns the handler of a callback, and checks that the callback came to the right face.
  template <uint32_t kFace>
  static Handler *Of(void *user, const evnet_conn *conn) {
    auto *face = static_cast<Faces::Face *>(user);
    face->handler->faces_.Called(kFace, *face, conn);
    return face->handler;
  }
  template <uint32_t kFace>
  evnet_handler CallbacksOf() const;
  static Conn *ConnOf(evnet_conn *conn) { return static_cast<Conn *>(evnet_conn_user(conn)); }
  static void RunTask(void *user);

  evnet_action OnOpen(evnet_conn *conn);
  evnet_action OnData(Conn *c);
  evnet_action OnHalfClose(Conn *c);
  evnet_action OnTimeout(Conn *c, evnet_timeout which);
  void OnPrewrite(Conn *c);
  evnet_action OnClose(Conn *c, int reason);
  evnet_action OnTick(uint64_t *delay_ms);
  evnet_action OnBoot(evnet_server *server);
  evnet_action OnReactorBoot();

  evnet_action Answer(Conn *c);
  void Serve(Conn *c);
  void Chaos(Conn *c);
  void Acts(Conn *c, uint32_t most);
  void Act(Conn *c);
  void Finish(Conn *c);
  Conn *Another(const Conn *c);

  void Consume(Conn *c, size_t size);
  void Write(Conn *c, const void *data, size_t size);
  void WriteSome(Conn *c, size_t most);
  void WritePieces(Conn *c);
  void SendFile(Conn *c);
  void Close(Conn *c);
  void Abort(Conn *c);
  void Pause(Conn *c);
  void Resume(Conn *c);
  void Hold(Conn *c);
  void ShutdownWrite(Conn *c);
  void BeginSettings(Conn *c);
  void Set(Conn *c);
  void SetHandler(Conn *c);

  void PutOff(Deed deed, Conn *c);
  int Post(uint32_t reactor, Deed deed, Conn *c, std::function<void()> function = nullptr);
  void Do(const Task &task);

  World &w_;
  Oracle &oracle_;
  Faces faces_;
  Datagrams *datagrams_ = nullptr;
  Dials *dials_ = nullptr;
  Posters *posters_ = nullptr;
  Jobs *jobs_ = nullptr;
  Rates *rates_ = nullptr;
  std::vector<Later> later_;
  std::string noise_;
  int depth_ = 0;
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_HANDLER_H_
