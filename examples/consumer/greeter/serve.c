#include <signal.h>
#include <stdint.h>
#include <stdio.h>

#include "greeter/greeter.h"

int main(void) {
  // Block the signals before the server starts its threads, which inherit the mask. Only sigwait
  // then receives them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, NULL);

  struct evnet_server *server;
  uint16_t port;
  int status = greeter_start(9001, &server, &port);
  if (status < 0) {
    fprintf(stderr, "greeter: cannot start: status %d\n", status);
    return 1;
  }
  printf("listening on tcp://127.0.0.1:%u\n", (unsigned)port);
  fflush(stdout);

  int number;
  sigwait(&signals, &number);
  evnet_server_stop(server, 5000);
  evnet_server_wait(server);
  evnet_server_destroy(server);
  return 0;
}
