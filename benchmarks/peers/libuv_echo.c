// An echo server on libuv, written for speed: all connections share one receive buffer, and it
// calls uv_try_write before it copies bytes. It takes one tcp:// address, as the floors do, and
// runs until SIGTERM or SIGINT.
//
// The buffer has the size of evnet's receive block. libuv stops reading a socket after a short
// read.

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "benchmarks/address/address.h"

enum { BUFFER_BYTES = 256 * 1024, BACKLOG = 4096 };

static char buffer[BUFFER_BYTES];

// Bytes that the kernel did not take, stored until uv_write has sent them.
struct rest {
  uv_write_t request;
  char bytes[];
};

static void on_closed(uv_handle_t *handle) { free(handle); }

static void on_written(uv_write_t *request, int status) {
  uv_stream_t *stream = request->handle;
  if (status < 0) {
    if (!uv_is_closing((uv_handle_t *)stream)) uv_close((uv_handle_t *)stream, on_closed);
  }
  free(request->data);
}

static void on_allocate(uv_handle_t *handle, size_t suggested_bytes, uv_buf_t *out) {
  (void)handle;
  (void)suggested_bytes;
  *out = uv_buf_init(buffer, BUFFER_BYTES);
}

static int write_later(uv_stream_t *stream, const char *bytes, size_t size) {
  struct rest *rest = malloc(sizeof(*rest) + size);
  if (rest == NULL) return UV_ENOMEM;
  memcpy(rest->bytes, bytes, size);
  rest->request.data = rest;
  const uv_buf_t piece = uv_buf_init(rest->bytes, (unsigned)size);
  int status = uv_write(&rest->request, stream, &piece, 1, on_written);
  if (status < 0) free(rest);
  return status;
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *read) {
  if (got == 0) return;  // EAGAIN
  int status = got < 0 ? (int)got : 0;
  if (got > 0) {
    const uv_buf_t piece = uv_buf_init(read->base, (unsigned)got);
    int sent = uv_try_write(stream, &piece, 1);
    if (sent == UV_EAGAIN) sent = 0;
    status = sent;
    if (sent >= 0 && sent < got) {
      status = write_later(stream, read->base + sent, (size_t)(got - sent));
    }
  }
  if (status < 0) uv_close((uv_handle_t *)stream, on_closed);
}

static void on_connection(uv_stream_t *listener, int status) {
  if (status < 0) return;
  uv_tcp_t *peer = malloc(sizeof(*peer));
  if (peer == NULL) return;
  uv_tcp_init(listener->loop, peer);
  if (uv_accept(listener, (uv_stream_t *)peer) < 0) {
    uv_close((uv_handle_t *)peer, on_closed);
    return;
  }
  uv_tcp_nodelay(peer, 1);
  uv_read_start((uv_stream_t *)peer, on_allocate, on_read);
}

static void on_signal(uv_signal_t *handle, int number) {
  (void)number;
  uv_stop(handle->loop);
}

// Returns 0 or a libuv error.
static int serve(struct bench_address *address) {
  uv_loop_t *loop = uv_default_loop();
  uv_tcp_t listener;
  uv_signal_t signals[2];
  int status = uv_tcp_init(loop, &listener);
  if (status == 0) status = uv_tcp_bind(&listener, (struct sockaddr *)&address->storage, 0);
  if (status == 0) status = uv_listen((uv_stream_t *)&listener, BACKLOG, on_connection);
  const int numbers[] = {SIGTERM, SIGINT};
  for (int i = 0; i < 2 && status == 0; i++) {
    status = uv_signal_init(loop, &signals[i]);
    if (status == 0) status = uv_signal_start(&signals[i], on_signal, numbers[i]);
  }
  int size = sizeof(address->storage);
  if (status == 0) {
    status = uv_tcp_getsockname(&listener, (struct sockaddr *)&address->storage, &size);
  }
  if (status < 0) return status;
  char text[BENCH_ADDRESS_TEXT_BYTES];
  bench_address_format(address, text);
  printf("listening on %s\n", text);
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--version") == 0) {
    printf("libuv %s\n", uv_version_string());
    return 0;
  }
  struct bench_address address;
  if (argc != 2 || bench_address_parse(argv[1], &address) < 0 ||
      address.kind != BENCH_ADDRESS_TCP) {
    fprintf(stderr, "usage: %s tcp://HOST:PORT | --version\n", argv[0]);
    return 2;
  }
  int status = serve(&address);
  if (status < 0) fprintf(stderr, "libuv_echo: %s\n", uv_strerror(status));
  return status < 0;
}
