// Runs a program in a narrower environment, as old kernels, containers and limits make one.
//
//   narrow RESTRICTION... -- PROGRAM [ARGUMENT...]
//
//   refuse:CALL:ERROR  the system call fails with ENOSYS, as on an older kernel, or with EPERM, as
//                      container runtimes do it by seccomp(2); CALL is in the table below
//   refuse-ip6         socket(2) for IPv6 fails with EAFNOSUPPORT (ipv6.disable=1)
//   limit:NAME:VALUE   setrlimit(2): AS, MEMLOCK or NOFILE
//   drop:NUMBER        removes a capability for good (capabilities(7))
//   one-cpu            sched_setaffinity(2) to the first CPU
//   hide:DIRECTORY     mounts an empty file system there, for the program only
//
//   bazel test --run_under='//tools:narrow refuse:io_uring_setup:EPERM --' //net/...
//
// Exit code: the program's; 77 if the machine does not permit the restriction; 2 for an invalid
// argument.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452  // Linux 6.6
#endif

enum {
  EXIT_NOT_PERMITTED = 77,
  EXIT_USAGE = 2,
};

static const struct {
  const char *name;
  unsigned number;
} calls[] = {
    {"accept4", SYS_accept4},
    {"capget", SYS_capget},
    {"clone3", SYS_clone3},
    {"epoll_create1", SYS_epoll_create1},
    {"epoll_pwait2", SYS_epoll_pwait2},
    {"eventfd2", SYS_eventfd2},
    {"fchmodat2", SYS_fchmodat2},
    {"flock", SYS_flock},
    {"getrandom", SYS_getrandom},
    {"io_uring_enter", SYS_io_uring_enter},
    {"io_uring_register", SYS_io_uring_register},
    {"io_uring_setup", SYS_io_uring_setup},
    {"madvise", SYS_madvise},
    {"prctl", SYS_prctl},
    {"prlimit64", SYS_prlimit64},
    {"recvmmsg", SYS_recvmmsg},
    {"sched_getaffinity", SYS_sched_getaffinity},
    {"sched_setaffinity", SYS_sched_setaffinity},
    {"sendfile", SYS_sendfile},
    {"sendmmsg", SYS_sendmmsg},
};

static int install(struct sock_filter *code, size_t count) {
  const struct sock_fprog program = {.len = (unsigned short)count, .filter = code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -1;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

// CALL:ERROR. Returns 0; -1 with errno set; -2 if the text is invalid.
static int refuse(const char *text) {
  const char *colon = strchr(text, ':');
  if (colon == NULL) return -2;
  unsigned error = 0;
  if (strcmp(colon, ":ENOSYS") == 0) error = ENOSYS;
  if (strcmp(colon, ":EPERM") == 0) error = EPERM;
  const size_t size = (size_t)(colon - text);
  for (size_t i = 0; error != 0 && i < sizeof calls / sizeof calls[0]; i++) {
    if (strlen(calls[i].name) != size || strncmp(calls[i].name, text, size) != 0) continue;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return install(code, sizeof code / sizeof code[0]);
  }
  return -2;
}

static int refuse_ip6(void) {
  // args[0] is the first argument; its lower half holds an int on little-endian systems.
  const size_t family = offsetof(struct seccomp_data, args[0]) +
                        (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(unsigned) : 0);
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)family),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  return install(code, sizeof code / sizeof code[0]);
}

// NAME:VALUE. Returns as refuse.
static int limit(const char *text) {
  const char *colon = strchr(text, ':');
  if (colon == NULL) return -2;
  char *end;
  const unsigned long long value = strtoull(colon + 1, &end, 10);
  if (end == colon + 1 || *end != '\0') return -2;
  const struct rlimit both = {value, value};
  if (strncmp(text, "AS:", 3) == 0) return setrlimit(RLIMIT_AS, &both);
  if (strncmp(text, "MEMLOCK:", 8) == 0) return setrlimit(RLIMIT_MEMLOCK, &both);
  if (strncmp(text, "NOFILE:", 7) == 0) return setrlimit(RLIMIT_NOFILE, &both);
  return -2;
}

static int use_one_cpu(void) {
  cpu_set_t all, one;
  if (sched_getaffinity(0, sizeof all, &all) < 0) return -1;
  CPU_ZERO(&one);
  for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++) {
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
  }
  return sched_setaffinity(0, sizeof one, &one);
}

static int hide(const char *directory) {
  if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) return -1;
  // Otherwise the mount would appear outside too.
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return -1;
  return mount("none", directory, "tmpfs", 0, NULL);
}

// Applies a restriction. Returns as refuse.
static int restrict_by(const char *text) {
  if (strncmp(text, "refuse:", 7) == 0) return refuse(text + 7);
  if (strcmp(text, "refuse-ip6") == 0) return refuse_ip6();
  if (strncmp(text, "limit:", 6) == 0) return limit(text + 6);
  if (strncmp(text, "drop:", 5) == 0) return prctl(PR_CAPBSET_DROP, atoi(text + 5), 0, 0, 0);
  if (strcmp(text, "one-cpu") == 0) return use_one_cpu();
  if (strncmp(text, "hide:", 5) == 0) return hide(text + 5);
  return -2;
}

int main(int argc, char **argv) {
  int i = 1;
  for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
    const int status = restrict_by(argv[i]);
    if (status == 0) continue;
    const char *reason = status == -1 ? strerror(errno) : "invalid restriction";
    (void)fprintf(stderr, "narrow: '%s': %s\n", argv[i], reason);
    return status == -1 ? EXIT_NOT_PERMITTED : EXIT_USAGE;
  }
  if (i + 1 >= argc) {
    (void)fprintf(stderr, "usage: narrow RESTRICTION... -- PROGRAM [ARGUMENT...]\n");
    return EXIT_USAGE;
  }
  (void)execvp(argv[i + 1], argv + i + 1);
  (void)fprintf(stderr, "narrow: %s: %s\n", argv[i + 1], strerror(errno));
  return EXIT_USAGE;
}
