// Assertions. EVNET_ASSERT checks ownership and control and stays on in release builds: a
// programming error stops the process where it happens. EVNET_DCHECK is for hot paths and is
// removed by NDEBUG. Neither checks what a peer sends or the system returns.
#ifndef EVNET_NET_BASE_ASSERT_H_
#define EVNET_NET_BASE_ASSERT_H_

#ifdef __cplusplus
extern "C" {
#endif

// evnet_assert_failed prints the expression and its place on stderr and aborts.
__attribute__((noreturn, cold)) void evnet_assert_failed(const char *expression, const char *file,
                                                         int line);

#ifdef __cplusplus
}
#endif

#define EVNET_ASSERT(expression) \
  ((expression) ? (void)0 : evnet_assert_failed(#expression, __FILE__, __LINE__))

#ifdef NDEBUG
#define EVNET_DCHECK(expression) ((void)sizeof(!(expression)))
#else
#define EVNET_DCHECK(expression) EVNET_ASSERT(expression)
#endif

#endif  // EVNET_NET_BASE_ASSERT_H_
