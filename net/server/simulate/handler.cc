#include "net/server/simulate/handler.h"

#include <errno.h>

#include "net/server/simulate/datagrams.h"
#include "net/server/simulate/dials.h"
#include "net/server/simulate/jobs.h"
#include "net/server/simulate/posters.h"

namespace evnet_simulation {

// Callbacks

template <uint32_t kFace>
evnet_handler Handler::CallbacksOf() const {
  evnet_handler callbacks = {};
  callbacks.on_boot = [](evnet_server *server, void *user) {
    auto *face = static_cast<Faces::Face *>(user);
    face->handler->faces_.ServerBooted(kFace, *face);
    return kFace == 0 ? face->handler->OnBoot(server) : EVNET_NONE;
  };
  callbacks.on_reactor_boot = [](evnet_reactor *reactor, void *user) {
    auto *face = static_cast<Faces::Face *>(user);
    face->handler->faces_.ReactorBooted(kFace, *face, reactor);
    return face->handler->OnReactorBoot();
  };
  callbacks.on_reactor_shutdown = [](evnet_reactor *reactor, void *user) {
    auto *face = static_cast<Faces::Face *>(user);
    face->handler->faces_.ReactorEnded(kFace, *face, reactor);
  };
  callbacks.on_open = [](evnet_conn *conn, void *user) {
    Handler *self = Of<kFace>(user, conn);
    Dials::Dial *dial = self->dials_->Find(conn);
    return dial != nullptr ? self->dials_->OnOpen(dial, conn) : self->OnOpen(conn);
  };
  if (w_.plan.on_data)
    callbacks.on_data = [](evnet_conn *conn, void *user) {
      Handler *self = Of<kFace>(user, conn);
      UdpSocket *socket = self->datagrams_->Find(conn);
      if (socket != nullptr) return self->datagrams_->OnData(socket);
      Dials::Dial *dial = self->dials_->Find(conn);
      return dial != nullptr ? self->dials_->OnData(dial, conn) : self->OnData(ConnOf(conn));
    };
  if (w_.plan.on_half_close)
    callbacks.on_half_close = [](evnet_conn *conn, void *user) {
      Handler *self = Of<kFace>(user, conn);
      Dials::Dial *dial = self->dials_->Find(conn);
      return dial != nullptr ? self->dials_->OnHalfClose(dial) : self->OnHalfClose(ConnOf(conn));
    };
  callbacks.on_pressure = [](evnet_conn *conn, void *user) {
    Handler *self = Of<kFace>(user, conn);
    Dials::Dial *dial = self->dials_->Find(conn);
    if (dial != nullptr) return self->dials_->OnAny(dial, "on_pressure (dialled)");
    self->oracle_.Pressed(ConnOf(conn));
    self->Chaos(ConnOf(conn));
    return self->Answer(ConnOf(conn));
  };
  callbacks.on_drain = [](evnet_conn *conn, void *user) {
    Handler *self = Of<kFace>(user, conn);
    Dials::Dial *dial = self->dials_->Find(conn);
    if (dial != nullptr) return self->dials_->OnAny(dial, "on_drain (dialled)");
    self->oracle_.Drained(ConnOf(conn));
    self->Chaos(ConnOf(conn));
    return self->Answer(ConnOf(conn));
  };
  callbacks.on_below = [](evnet_conn *conn, void *user) {
    Handler *self = Of<kFace>(user, conn);
    Dials::Dial *dial = self->dials_->Find(conn);
    if (dial != nullptr) return self->dials_->OnAny(dial, "on_below (dialled)");
    self->oracle_.Below(ConnOf(conn));
    if (self->w_.Chance(500)) self->WriteSome(ConnOf(conn), 2000);
    self->Chaos(ConnOf(conn));
    return self->Answer(ConnOf(conn));
  };
  if (w_.plan.on_timeout)
    callbacks.on_timeout = [](evnet_conn *conn, evnet_timeout which, void *user) {
      Handler *self = Of<kFace>(user, conn);
      Dials::Dial *dial = self->dials_->Find(conn);
      return dial != nullptr ? self->dials_->OnAny(dial, "on_timeout (dialled)")
                             : self->OnTimeout(ConnOf(conn), which);
    };
  if (w_.plan.on_prewrite)
    callbacks.on_prewrite = [](evnet_conn *conn, void *user) {
      Handler *self = Of<kFace>(user, conn);
      UdpSocket *socket = self->datagrams_->Find(conn);
      Dials::Dial *dial = socket == nullptr ? self->dials_->Find(conn) : nullptr;
      if (socket != nullptr) {
        self->datagrams_->OnPrewrite(socket);
      } else if (dial != nullptr) {
        (void)self->dials_->OnAny(dial, "on_prewrite (dialled)");
      } else {
        self->OnPrewrite(ConnOf(conn));
      }
    };
  callbacks.on_datagram_error = [](evnet_conn *conn, const evnet_datagram_error *error,
                                   void *user) {
    Handler *self = Of<kFace>(user, conn);
    self->datagrams_->OnError(self->datagrams_->Find(conn), *error);
  };
  callbacks.on_close = [](evnet_conn *conn, int reason, void *user) {
    Handler *self = Of<kFace>(user, conn);
    Dials::Dial *dial = self->dials_->Find(conn);
    return dial != nullptr ? self->dials_->OnClose(dial, conn, reason)
                           : self->OnClose(ConnOf(conn), reason);
  };
  if (w_.plan.ticks && kFace == 0)
    callbacks.on_tick = [](evnet_server *, uint64_t *delay_ms, void *user) {
      return static_cast<Faces::Face *>(user)->handler->OnTick(delay_ms);
    };
  callbacks.on_stopping = [](evnet_conn *conn, void *user) {
    Handler *self = Of<kFace>(user, conn);
    Dials::Dial *dial = self->dials_->Find(conn);
    if (dial != nullptr) {
      (void)self->dials_->OnAny(dial, "on_stopping (dialled)");
      return;
    }
    self->oracle_.Stopping(ConnOf(conn));
    if (self->w_.Chance(500)) self->WriteSome(ConnOf(conn), 200);
    self->Chaos(ConnOf(conn));
  };
  callbacks.on_shutdown = [](evnet_server *, void *user) {
    auto *face = static_cast<Faces::Face *>(user);
    face->handler->faces_.ServerEnded(kFace, *face);
    if (kFace == 0) face->handler->oracle_.ShutDown();
  };
  return callbacks;
}

Handler::Handler(World *world, Oracle *oracle) : w_(*world), oracle_(*oracle), faces_(world, this) {
  faces_.set_callbacks(0, CallbacksOf<0>());
  faces_.set_callbacks(1, CallbacksOf<1>());
  faces_.set_callbacks(2, CallbacksOf<2>());
}

evnet_action Handler::OnBoot(evnet_server *server) {
  if (w_.booted) evnet_sim_fail(w_.sim, "on_boot twice");
  w_.booted = true;
  for (size_t i = 0; i < w_.plan.addresses; i++) {
    evnet_address address = {};
    const int status = evnet_server_address(server, i, &address);
    if (status < 0 || evnet_address_port(&address) == 0)
      evnet_sim_fail(w_.sim, "on_boot before address %zu has its port", i);
    if (evnet_server_dup_listener(server, i) != -EOPNOTSUPP)
      evnet_sim_fail(w_.sim, "a listener without a descriptor is duplicated");
    w_.addresses.push_back({});
    w_.addresses.back().port = evnet_address_port(&address);
    w_.addresses.back().face = w_.plan.faces[i];
  }
  for (size_t i = 0; i < w_.plan.udp_addresses; i++) {
    w_.addresses.push_back({});
    w_.addresses.back().is_udp = true;
    w_.addresses.back().face = w_.plan.faces[w_.plan.addresses + i];
  }
  datagrams_->Boot(server);
  return w_.Chance(10) ? Shutdown() : EVNET_NONE;
}

evnet_action Handler::OnReactorBoot() {
  if (w_.Chance(200)) dials_->Act();
  return w_.Chance(3) ? Shutdown() : EVNET_NONE;
}

evnet_action Handler::OnOpen(evnet_conn *conn) {
  evnet_address peer;
  evnet_conn_remote_address(conn, &peer);
  Client *client = nullptr;
  for (const auto &each : w_.clients) {
    if (each->socket != nullptr && evnet_sim_port(each->socket) == evnet_address_port(&peer))
      client = each.get();
  }
  if (client == nullptr || client->conn != nullptr || evnet_conn_user(conn) != nullptr) {
    evnet_sim_fail(w_.sim, "on_open without a client, or twice: port %u",
                   evnet_address_port(&peer));
    return EVNET_NONE;
  }
  w_.conns.push_back(std::make_unique<Conn>());
  Conn *c = w_.conns.back().get();
  c->conn = conn;
  c->id = evnet_conn_get_id(conn);
  c->client = client;
  c->style = static_cast<Style>(w_.Below(6));
  if (w_.plan.workers > 0 && w_.Chance(400)) c->style = Style::kWork;
  c->opened_ns = c->came_ns = w_.now();
  client->conn = c;
  BeginSettings(c);
  evnet_conn_set_user(conn, c);
  oracle_.Opened(c);
  if (c->style == Style::kSource) WriteSome(c, w_.plan.bytes_max / 4);
  if (c->style == Style::kLater && w_.Chance(200)) Hold(c);
  Chaos(c);
  return Answer(c);
}

evnet_action Handler::OnData(Conn *c) {
  oracle_.Data(c);
  Serve(c);
  Chaos(c);
  const evnet_action action = Answer(c);
  if (action != EVNET_CLOSE) oracle_.DataDone(c);
  return action;
}

evnet_action Handler::OnHalfClose(Conn *c) {
  oracle_.HalfClosed(c);
  if (w_.Chance(800)) Consume(c, SIZE_MAX);
  Chaos(c);
  if (w_.Chance(300)) WriteSome(c, 2000);
  if (w_.Chance(300)) {
    PutOff(Deed::kClose, c);
    return Answer(c);
  }
  c->close_asked = true;
  oracle_.EndsNow(c);
  return EVNET_CLOSE;
}

evnet_action Handler::OnTimeout(Conn *c, evnet_timeout which) {
  oracle_.TimedOut(c, which);
  Chaos(c);
  if (w_.Chance(500)) {
    c->kept_ns[which] = w_.now();
    return EVNET_KEEP;
  }
  c->timed_out[which] = true;
  oracle_.EndsNow(c);
  return EVNET_NONE;
}

void Handler::OnPrewrite(Conn *c) {
  oracle_.Prewrite(c);
  if (w_.Chance(300)) WriteSome(c, 50);
  Conn *other = w_.Chance(w_.plan.prewrites_others) ? Another(c) : nullptr;
  if (other != nullptr && w_.Chance(900)) WriteSome(other, 50);
  if (w_.Chance(50)) SendFile(other != nullptr ? other : c);
  if (w_.Chance(w_.plan.chaos / 8)) {
    if (w_.Chance(500)) {
      Close(c);
    } else {
      Abort(c);
    }
  }
  oracle_.Announced(c);
}

evnet_action Handler::OnClose(Conn *c, int reason) {
  oracle_.Closed(c, reason);
  if (w_.Chance(200)) {
    if (evnet_conn_write(c->conn, "x", 1) != -ENOTCONN)
      evnet_sim_fail(w_.sim, "on_close can write");
    evnet_conn_close(c->conn);
    evnet_conn_abort(c->conn);
  }
  Conn *other = w_.Chance(w_.plan.chaos) ? Another(c) : nullptr;
  if (other != nullptr) Acts(other, 2);
  return w_.Chance(2) ? Shutdown() : EVNET_NONE;
}

evnet_action Handler::OnTick(uint64_t *delay_ms) {
  w_.callbacks++;
  oracle_.Tick(*delay_ms);
  if (w_.Chance(300)) PostNothing(w_.Below(static_cast<uint32_t>(w_.ended.size())));
  if (w_.Chance(300)) datagrams_->Act();
  if (w_.Chance(300)) dials_->Act();
  w_.tick_ns = UINT64_MAX;
  w_.ticks++;
  if (w_.Chance(950)) {
    *delay_ms = w_.Chance(100) ? 0 : 1 + w_.Below(100);
    w_.tick_ns = w_.now() + *delay_ms * kNsPerMs;
  }
  return w_.Chance(5) ? Shutdown() : EVNET_NONE;
}

evnet_action Handler::Answer(Conn *c) {
  if (!w_.Chance(w_.plan.chaos) || !w_.Chance(w_.plan.endings)) return EVNET_NONE;
  if (w_.Chance(50)) return Shutdown();
  c->close_asked = true;
  oracle_.EndsNow(c);
  return EVNET_CLOSE;
}

// Serving

void Handler::Serve(Conn *c) {
  switch (c->style) {
    case Style::kEcho: {
      const evnet_bytes all = evnet_conn_peek(c->conn);
      if (all.size == 0) return;  // no memory to make the bytes contiguous
      Write(c, all.data, all.size);
      oracle_.Consumed(c, all.data, all.size);
      evnet_conn_discard(c->conn, all.size);
      break;
    }
    case Style::kPartial:
      Consume(c, 1 + w_.Below(2000));
      WriteSome(c, 500);
      break;
    case Style::kLater:
      Consume(c, SIZE_MAX);
      Hold(c);
      break;
    case Style::kSink:
      Consume(c, w_.Chance(500) ? SIZE_MAX : w_.Below(1000));
      if (w_.Chance(300)) Pause(c);
      break;
    case Style::kSource:
      Consume(c, SIZE_MAX);
      if (w_.Chance(500)) {
        SendFile(c);
      } else {
        WriteSome(c, w_.plan.bytes_max / 2);
      }
      if (w_.Chance(300)) PutOff(Deed::kWrite, c);
      break;
    case Style::kChaos:
      Acts(c, 4);
      break;
    case Style::kWork: {
      const evnet_bytes all = evnet_conn_peek(c->conn);
      const auto *bytes = reinterpret_cast<const char *>(all.data);
      const std::string copy(bytes, bytes + all.size);
      // If the workers do not accept the job, the handler leaves the bytes unread or drops them.
      if (!jobs_->Submit(c, copy) && w_.Chance(500)) return;
      oracle_.Consumed(c, all.data, all.size);
      evnet_conn_discard(c->conn, all.size);
      break;
    }
  }
}

void Handler::Chaos(Conn *c) {
  if (w_.Chance(w_.plan.slow_callbacks)) w_.StandStill();
  if (w_.Chance(w_.plan.chaos)) Acts(c, 3);
  if (w_.Chance(w_.plan.half_closes)) ShutdownWrite(c);
}

// Later

void Handler::ReleaseTakenHolds() {
  for (const auto &c : w_.conns) {
    for (evnet_hold *hold : c->taken_holds) evnet_hold_release(hold);
    c->taken_holds.clear();
  }
}

void Handler::RunLater() {
  for (size_t i = 0; i < later_.size(); i++) {
    if (later_[i].at_ns > w_.now()) continue;
    const Later due = later_[i];
    later_[i] = later_.back();
    later_.pop_back();
    const bool by_id =
        due.deed == Deed::kRelease && (!due.c->taken_holds.empty() || w_.Chance(500));
    const int status = by_id ? posters_->Release(due.c) : Post(due.c->id.reactor, due.deed, due.c);
    if (status == -ENOMEM || status == -ENOBUFS)
      later_.push_back({w_.now() + kNsPerMs, due.deed, due.c});
    return;
  }
}

}  // namespace evnet_simulation
