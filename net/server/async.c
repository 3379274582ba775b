#include "net/server/async.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "net/reactor/async.h"
#include "net/server/internal/state.h"

struct request {
  struct evnet_async async;  // first member: finish casts a pointer to it
  const struct evnet_allocator *allocator;
  void (*done)(struct evnet_conn_id id, int status, void *user);
  void *user;
  void (*release)(void *data, void *user);
  struct evnet_shared *shared;
  uint8_t copy[];  // see copy_of
};

struct evnet_shared {
  uint64_t references;  // atomic
  size_t size;
  uint8_t data[];  // the bytes begin at its first multiple of EVNET_BLOCK_ALIGNMENT
};

// The size of an allocation beyond the caller's bytes.
enum {
  REQUEST_BYTES = sizeof(struct request) + EVNET_BLOCK_SPARE_BYTES,
  SHARED_BYTES = sizeof(struct evnet_shared) + EVNET_BLOCK_SPARE_BYTES,
};

// Rounds size up, so that the bytes after a block are aligned, too.
static size_t block_bytes(size_t size) {
  return (size + EVNET_BLOCK_ALIGNMENT - 1) / EVNET_BLOCK_ALIGNMENT * EVNET_BLOCK_ALIGNMENT;
}

static uint8_t *copy_of(struct request *request) { return evnet_block_align(request->copy); }

static uint8_t *bytes_of(struct evnet_shared *shared) { return evnet_block_align(shared->data); }

int evnet_shared_create(const void *data, size_t size, struct evnet_shared **out_shared) {
  if (size > SIZE_MAX - SHARED_BYTES) return -ENOMEM;
  struct evnet_shared *shared = evnet_allocate(NULL, SHARED_BYTES + size);
  if (shared == NULL) return -ENOMEM;
  shared->references = 1;
  shared->size = size;
  if (size > 0) memcpy(bytes_of(shared), data, size);
  *out_shared = shared;
  return 0;
}

void evnet_shared_release(struct evnet_shared *shared) {
  if (shared == NULL) return;
  if (__atomic_sub_fetch(&shared->references, 1, __ATOMIC_ACQ_REL) == 0)
    evnet_release(NULL, shared);
}

static void finish(struct evnet_async *async, int status) {
  struct request *request = (struct request *)async;
  if (request->release != NULL)
    request->release((void *)(uintptr_t)request->async.data, request->user);
  evnet_shared_release(request->shared);
  const struct evnet_conn_id id = request->async.id;
  void (*done)(struct evnet_conn_id id, int status, void *user) = request->done;
  void *user = request->user;
  evnet_release(request->allocator, request);
  if (done != NULL) done(id, status, user);
}

// Creates a request with room for a copy of `size` bytes. Returns NULL if there is no memory.
static struct request *create(const struct evnet_server *server, struct evnet_conn_id id,
                              enum evnet_async_act act, size_t size) {
  const struct evnet_allocator *allocator = server->options.allocator;
  if (size > SIZE_MAX - REQUEST_BYTES) return NULL;
  struct request *request = evnet_allocate(allocator, REQUEST_BYTES + size);
  if (request == NULL) return NULL;
  *request = (struct request){
      .async = {.message.bytes = REQUEST_BYTES + size, .id = id, .act = act, .finish = finish},
      .allocator = allocator};
  return request;
}

static int post(struct evnet_server *server, struct request *request,
                void (*done)(struct evnet_conn_id id, int status, void *user), void *user) {
  if (request == NULL) return -ENOMEM;
  request->done = done;
  request->user = user;
  const struct evnet_conn_id *id = &request->async.id;
  int status = -ESTALE;
  struct evnet_reactor *reactor = evnet_server_reactor(server, id->reactor);
  if (reactor != NULL && id->generation > 0) status = evnet_reactor_async(reactor, &request->async);
  if (status < 0) evnet_release(request->allocator, request);
  return status;
}

int evnet_async_write(struct evnet_server *server, struct evnet_conn_id id, const void *data,
                      size_t size, void (*done)(struct evnet_conn_id id, int status, void *user),
                      void *user) {
  const struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
  return evnet_async_writev(server, id, &piece, 1, done, user);
}

int evnet_async_writev(struct evnet_server *server, struct evnet_conn_id id,
                       const struct iovec *pieces, size_t count,
                       void (*done)(struct evnet_conn_id id, int status, void *user), void *user) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].iov_len > SIZE_MAX - size) return -ENOMEM;
    size += pieces[i].iov_len;
  }
  struct request *request = create(server, id, EVNET_ASYNC_WRITE, size);
  if (request == NULL) return -ENOMEM;
  uint8_t *next = copy_of(request);
  request->async.data = next;
  request->async.size = size;
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].iov_len == 0) continue;
    memcpy(next, pieces[i].iov_base, pieces[i].iov_len);
    next += pieces[i].iov_len;
  }
  return post(server, request, done, user);
}

int evnet_async_write_owned(struct evnet_server *server, struct evnet_conn_id id, void *data,
                            size_t size, void (*release)(void *data, void *user),
                            void (*done)(struct evnet_conn_id id, int status, void *user),
                            void *user) {
  struct request *request = create(server, id, EVNET_ASYNC_WRITE, 0);
  if (request == NULL) return -ENOMEM;

  // A sum that wraps around would evade the mailbox's bound.
  if (size > SIZE_MAX - request->async.message.bytes) {
    evnet_release(request->allocator, request);
    return -ENOBUFS;
  }
  request->async.message.bytes += size;
  request->async.data = data;
  request->async.size = size;
  request->release = release;
  return post(server, request, done, user);
}

int evnet_async_write_shared(struct evnet_server *server, struct evnet_conn_id id,
                             struct evnet_shared *shared,
                             void (*done)(struct evnet_conn_id id, int status, void *user),
                             void *user) {
  struct request *request = create(server, id, EVNET_ASYNC_WRITE, 0);
  if (request == NULL) return -ENOMEM;
  request->async.data = bytes_of(shared);
  request->async.size = shared->size;
  request->shared = shared;
  __atomic_add_fetch(&shared->references, 1, __ATOMIC_RELAXED);
  int status = post(server, request, done, user);
  if (status < 0) evnet_shared_release(shared);
  return status;
}

int evnet_async_send_to(struct evnet_server *server, struct evnet_conn_id id,
                        const struct evnet_address *address, const void *data, size_t size,
                        void (*done)(struct evnet_conn_id id, int status, void *user), void *user) {
  return evnet_async_send_from(server, id, NULL, address, data, size, done, user);
}

int evnet_async_send_from(struct evnet_server *server, struct evnet_conn_id id,
                          const struct evnet_address *from, const struct evnet_address *to,
                          const void *data, size_t size,
                          void (*done)(struct evnet_conn_id id, int status, void *user),
                          void *user) {
  const size_t count = from != NULL ? 2 : 1;
  const size_t addresses_bytes = block_bytes(count * sizeof *to);
  if (size > SIZE_MAX - addresses_bytes) return -ENOMEM;
  struct request *request = create(server, id, EVNET_ASYNC_SEND_TO, addresses_bytes + size);
  if (request == NULL) return -ENOMEM;
  struct evnet_address *copies = (struct evnet_address *)(void *)copy_of(request);
  copies[0] = *to;
  request->async.to = &copies[0];
  if (from != NULL) {
    copies[1] = *from;
    request->async.from = &copies[1];
  }
  uint8_t *copy = copy_of(request) + addresses_bytes;
  request->async.data = copy;
  request->async.size = size;
  if (size > 0) memcpy(copy, data, size);
  return post(server, request, done, user);
}

int evnet_async_wake(struct evnet_server *server, struct evnet_conn_id id,
                     void (*done)(struct evnet_conn_id id, int status, void *user), void *user) {
  return post(server, create(server, id, EVNET_ASYNC_WAKE, 0), done, user);
}

int evnet_async_resume_reading(struct evnet_server *server, struct evnet_conn_id id,
                               void (*done)(struct evnet_conn_id id, int status, void *user),
                               void *user) {
  return post(server, create(server, id, EVNET_ASYNC_RESUME, 0), done, user);
}

int evnet_async_close(struct evnet_server *server, struct evnet_conn_id id,
                      void (*done)(struct evnet_conn_id id, int status, void *user), void *user) {
  return post(server, create(server, id, EVNET_ASYNC_CLOSE, 0), done, user);
}

int evnet_async_abort(struct evnet_server *server, struct evnet_conn_id id,
                      void (*done)(struct evnet_conn_id id, int status, void *user), void *user) {
  return post(server, create(server, id, EVNET_ASYNC_ABORT, 0), done, user);
}

int evnet_async_release(struct evnet_server *server, struct evnet_conn_id id) {
  struct request *request = create(server, id, EVNET_ASYNC_RELEASE, 0);
  // 0 bytes exempt the release from the mailbox's bound, because a lost release would leave the
  // connection held forever.
  if (request != NULL) request->async.message.bytes = 0;
  return post(server, request, NULL, NULL);
}
