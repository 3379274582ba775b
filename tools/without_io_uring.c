// Runs a program for which io_uring_setup(2) fails with EPERM. Container runtimes block it likewise,
// by seccomp(2).
//
//   bazel test --run_under=//tools:without_io_uring //net/...
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refuse(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -1;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    (void)fprintf(stderr, "usage: without_io_uring PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  if (refuse() < 0) {
    (void)fprintf(stderr, "without_io_uring: seccomp: %s\n", strerror(errno));
    return 1;
  }
  (void)execvp(argv[1], argv + 1);
  (void)fprintf(stderr, "without_io_uring: %s: %s\n", argv[1], strerror(errno));
  return 1;
}
