// The consumer's own net/server/server.h. evnet has a header with the same path.

#ifndef NET_SERVER_SERVER_H_
#define NET_SERVER_SERVER_H_

#include <stddef.h>

// server_reply_size returns the size of the greeting for a name of name_size bytes.
size_t server_reply_size(size_t name_size);

#endif  // NET_SERVER_SERVER_H_
