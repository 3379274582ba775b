// The consumer's own net/server/server.h: what its server says, and to whom it says nothing.

#ifndef NET_SERVER_SERVER_H_
#define NET_SERVER_SERVER_H_

#include <stddef.h>

// server_reply_size is the size of the greeting of a name of name_size bytes.
size_t server_reply_size(size_t name_size);

#endif  // NET_SERVER_SERVER_H_
