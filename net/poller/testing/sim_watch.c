// Watches of a simulated poller, and the devices that it watches.
#include "net/poller/testing/sim_watch.h"

#include <errno.h>
#include <stdlib.h>

#include "net/poller/testing/sim_descriptor.h"

int evnet_sim_device_open(struct evnet_sim *sim, struct evnet_sim_device **out_device) {
  struct evnet_sim_device *device = calloc(1, sizeof *device);
  if (device == NULL) return -ENOMEM;
  device->descriptor = sim_descriptor_open(sim, (struct sim_descriptor){.device = device});
  if (device->descriptor < 0) {
    const int status = device->descriptor;
    free(device);
    return status;
  }
  device->sim = sim;
  device->next = sim->devices;
  sim->devices = device;
  *out_device = device;
  return device->descriptor;
}

void evnet_sim_device_set(struct evnet_sim_device *device, uint32_t events) {
  if (device->events == events) return;
  evnet_sim_note(device->sim, "device", device->descriptor, events, 0);
  device->events = events;
}

void evnet_sim_device_close(struct evnet_sim_device *device) {
  if (device->descriptor < 0) return;
  sim_descriptor_close(device->sim, device->descriptor);
  device->descriptor = -1;
}

void sim_watch_free_devices(struct evnet_sim *sim) {
  while (sim->devices != NULL) {
    struct evnet_sim_device *device = sim->devices;
    sim->devices = device->next;
    free(device);
  }
}

int sim_watch(struct evnet_poller *poller, int descriptor, uint32_t events, void *user,
              struct evnet_handle *out_handle) {
  struct sim_poller *self = (struct sim_poller *)poller;
  struct evnet_sim *sim = self->sim;
  struct evnet_sim_device *device = descriptor >= 0 && descriptor < SIM_DESCRIPTORS_MAX
                                        ? sim->descriptors[descriptor].device
                                        : NULL;
  if (device == NULL) return -EBADF;
  if (evnet_sim_chance(sim, sim->options.faults.attach_failure)) return -ENOMEM;
  struct sim_slot *slot = sim_slot_acquire(self);
  if (slot == NULL) return -ENOMEM;
  sim->handles--;  // there is no DETACH
  slot->kind = SIM_WATCH;
  slot->descriptor = -1;
  slot->device = device;
  slot->watch_events = events;
  slot->watch_user = user;
  *out_handle = slot->handle;
  evnet_sim_note(sim, "watch", self->index, descriptor, events);
  return 0;
}

int sim_watch_change(struct evnet_poller *poller, struct evnet_handle handle, uint32_t events) {
  struct sim_slot *slot = sim_slot_of((struct sim_poller *)poller, handle, SIM_WATCH, "change");
  if (slot == NULL) return -EBADF;
  slot->watch_events = events;
  return 0;
}

void sim_watch_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  struct sim_slot *slot = sim_slot_of((struct sim_poller *)poller, handle, SIM_WATCH, "stop");
  if (slot == NULL) return;
  slot->owner->sim->handles++;
  sim_slot_release(slot);
}

uint32_t sim_watch_ready(const struct sim_slot *slot) {
  if (slot->share_watch) return 0;
  return slot->device->events & (slot->watch_events | EVNET_WATCH_ERROR | EVNET_WATCH_HANGUP);
}
