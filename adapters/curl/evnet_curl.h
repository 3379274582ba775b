// libcurl on a reactor: any number of transfers at a time, without a thread.
//
//   CURLM *multi = curl_multi_init();
//   int status = evnet_curl_attach(reactor, multi, on_done, user, &attachment);
//   curl_multi_add_handle(multi, easy);  // the transfer begins in the next turn
//
// Everything else is libcurl's own interface; do not call curl_multi_perform, curl_multi_poll or
// curl_multi_socket_action. libcurl's callbacks run on the reactor's thread.
//
// libcurl looks names up by a thread or by c-ares, as it was built.
#ifndef EVNET_ADAPTERS_CURL_EVNET_CURL_H_
#define EVNET_ADAPTERS_CURL_EVNET_CURL_H_

#include <curl/curl.h>

#include "../../net/reactor/reactor.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_curl;

// evnet_curl_attach makes a reactor do the transfers of a multi handle. It sets the handle's options
// CURLMOPT_SOCKETFUNCTION, CURLMOPT_SOCKETDATA, CURLMOPT_TIMERFUNCTION and CURLMOPT_TIMERDATA.
//
// When the reactor ends, transfers stop where they are, and on_done is not called for them.
//
//   multi           without transfers in progress; remains the caller's.
//   on_done         called when a transfer has ended, outside of libcurl's functions. Remove the
//                   easy handle (curl_multi_remove_handle); it may then be added again or freed. The
//                   callback may also add and remove other handles, and detach.
//   user            passed to on_done.
//   out_attachment  to be freed by evnet_curl_detach.
//
// Returns: 0.
// Errors:  -EINVAL if libcurl refuses an option.
//          -ENOMEM if memory runs out.
// Thread:  the reactor's.
EVNET_WARN_UNUSED int evnet_curl_attach(struct evnet_reactor *reactor, CURLM *multi,
                                        void (*on_done)(CURLM *multi, CURL *easy, CURLcode result,
                                                        void *user),
                                        void *user, struct evnet_curl **out_attachment);

// evnet_curl_detach ends the reactor's work for a multi handle. Call it before curl_multi_cleanup and
// before the reactor is destroyed. Transfers in progress stop where they are. NULL is accepted.
//
// Thread:  the reactor's.
void evnet_curl_detach(struct evnet_curl *attachment);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_ADAPTERS_CURL_EVNET_CURL_H_
