// Stopping and resuming reading.
#ifndef EVNET_NET_REACTOR_INTERNAL_READING_H_
#define EVNET_NET_REACTOR_INTERNAL_READING_H_

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// reading_stop sets a STOP_ bit, which stops reading.
void reading_stop(struct evnet_conn *conn, unsigned bit);

// reading_allow clears a STOP_ bit. If no bit is left, reading resumes, and unread bytes are
// presented at the end of the turn.
void reading_allow(struct evnet_conn *conn, unsigned bit);

// reading_admit clears a bit of STOP_RECEIVING_ONLY. It presents nothing, because nothing was
// withheld from the handler.
void reading_admit(struct evnet_conn *conn, unsigned bit);

// reading_is_withheld returns whether unread bytes, and the FIN after them, are not presented now.
static inline bool reading_is_withheld(const struct evnet_conn *conn) {
  return (conn->read_stop & ~(unsigned)STOP_RECEIVING_ONLY) != 0;
}

// reading_resume is reading_allow for a bit that the user controls. Unread bytes above
// inbound_bytes_max are presented before more is read.
void reading_resume(struct evnet_conn *conn, unsigned bit);

// reading_update starts or stops receiving, as the state and the STOP_ bits require.
void reading_update(struct evnet_conn *conn);

// reading_is_woken returns whether on_data has to be called even if nothing is unread.
static inline bool reading_is_woken(const struct evnet_conn *conn) {
  return conn->side != NULL && conn->side->woken;
}

#endif  // EVNET_NET_REACTOR_INTERNAL_READING_H_
