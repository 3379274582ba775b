#include "net/server/simulate/crowd.h"

#include <errno.h>

#include <algorithm>

namespace evnet_simulation {

Crowd::Crowd(World *world, Oracle *oracle) : w_(*world), oracle_(*oracle), buffer_(16384) {
  for (size_t i = 0; i < w_.plan.clients; i++) {
    w_.clients.push_back(std::make_unique<Client>());
    Client *client = w_.clients.back().get();
    client->number = static_cast<uint32_t>(i);
    client->next_ns = w_.now() + evnet_sim_random(w_.sim) % w_.plan.connects_by_ns;
    client->to_send = w_.Below(static_cast<uint32_t>(w_.plan.bytes_max));
    if (w_.Chance(300)) client->to_send = w_.Below(20);
    const uint32_t read_max = w_.Chance(500) ? 16384 : 200;
    client->read_max = w_.Chance(100) ? 0 : 1 + w_.Below(read_max);
    client->ending = static_cast<Ending>(w_.Below(4));
  }
}

uint64_t Crowd::NextNs() const {
  uint64_t next = UINT64_MAX;
  for (const auto &client : w_.clients) next = std::min(next, client->next_ns);
  return next;
}

void Crowd::Step() {
  const size_t count = w_.clients.size();
  const size_t first = w_.Below(static_cast<uint32_t>(count));
  for (size_t i = 0; i < count; i++) {
    Client *client = w_.clients[(first + i) % count].get();
    if (client->next_ns > w_.now()) continue;
    client->next_ns = w_.now() + 1 + evnet_sim_random(w_.sim) % w_.plan.pause_ns_max;
    if (client->socket == nullptr) {
      Connect(client);
    } else {
      Act(client);
    }
    return;
  }
}

void Crowd::Connect(Client *client) {
  client->host = static_cast<uint8_t>(1 + w_.Below(5));
  client->listener = w_.Below(static_cast<uint32_t>(w_.addresses.size()));
  const Address &address = w_.addresses[client->listener];
  const bool exists = address.port != 0 && !address.is_udp;
  if (exists && evnet_sim_connect(w_.sim, address.port, client->host, &client->socket) == 0) return;
  client->socket = nullptr;
  // The backlog is full, or the server no longer listens.
  client->next_ns = w_.Chance(700) ? w_.now() + 10 * kNsPerMs : UINT64_MAX;
}

void Crowd::Act(Client *client) {
  if (!client->ended && w_.Chance(500)) {
    if (client->sent < client->to_send) {
      Write(client);
    } else {
      End(client);
    }
    return;
  }
  if (client->read_max > 0 && Read(client, client->read_max)) return;
  const bool done = client->saw_end || client->saw_reset;
  if (done && w_.Chance(500)) {
    // The connection has ended. Most clients close their socket.
    if (w_.Chance(700) && !client->closed) {
      evnet_sim_close(client->socket);
      client->closed = true;
    }
    client->next_ns = UINT64_MAX;
  } else if (client->ended && w_.Chance(20)) {
    client->next_ns = UINT64_MAX;  // the client stops reading
  }
}

void Crowd::Write(Client *client) {
  size_t size = 1 + w_.Below(w_.Chance(300) ? 8192 : 300);
  size = std::min({size, client->to_send - client->sent, buffer_.size()});
  for (size_t i = 0; i < size; i++) buffer_[i] = client->Byte(client->sent + i);
  const int64_t sent = evnet_sim_write(client->socket, buffer_.data(), size);
  if (sent > 0) {
    client->sent += static_cast<size_t>(sent);
  } else if (sent != -EAGAIN) {
    client->to_send = client->sent;
    client->saw_reset = true;
  }
}

bool Crowd::Read(Client *client, size_t most) {
  if (client->closed) return false;
  most = std::min(most, buffer_.size());
  const int64_t got = evnet_sim_read(client->socket, buffer_.data(), most);
  oracle_.ClientRead(client, buffer_.data(), got);
  return got > 0;
}

void Crowd::End(Client *client) {
  client->ended = true;
  switch (client->ending) {
    case Ending::kHalfClose:
      evnet_sim_shutdown_write(client->socket);
      break;
    case Ending::kClose:
      client->closed = true;
      evnet_sim_close(client->socket);
      break;
    case Ending::kReset:
      client->closed = true;
      evnet_sim_reset(client->socket);
      break;
    case Ending::kStay:
      break;
  }
}

void Crowd::ReadAll() {
  for (const auto &client : w_.clients) {
    if (client->socket == nullptr) continue;
    while (Read(client.get(), buffer_.size())) {
    }
  }
}

}  // namespace evnet_simulation
