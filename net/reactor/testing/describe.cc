#include "net/reactor/testing/describe.h"

#include "net/reactor/internal/conn.h"

namespace evnet_testing {
namespace {

const char *NameOf(unsigned state) {
  switch (state) {
    case CONN_OPEN:
      return "OPEN";
    case CONN_FLUSHING:
      return "FLUSHING";
    case CONN_LINGERING:
      return "LINGERING";
    case CONN_FREE:
      return "FREE, and there was no on_close";
    case CONN_CLOSED:
      return "CLOSED, on_close is due";
    case CONN_DATAGRAM:
      return "DATAGRAM";
    case CONN_DIALLING:
      return "DIALLING";
    default:
      return "not a connection's state";
  }
}

struct Flag {
  unsigned bit;
  const char *text;
};

const Flag kFlags[] = {
    {PEER_ENDED, "the peer's end was read"},
    {END_WAITS, "the peer's end is still to be reported"},
    {WRITE_ENDED, "shutdown_write was called"},
    {END_SENT, "our end was sent"},
    {PRESSED, "above the high-water mark"},
    {RECEIVING, "receiving"},
    {SENDING, "a send is under way"},
    {STOPPING_TOLD, "on_stopping was called"},
};

const Flag kStops[] = {
    {STOP_USER, "reading stopped by pause_reading"},
    {STOP_OUTBOUND_HIGH, "reading stopped by the high-water mark"},
    {STOP_INBOUND_MAX, "reading stopped by inbound_bytes_max"},
    {STOP_HOLDS, "reading stopped by holds_max"},
    {STOP_RATE, "reading stopped by a rate"},
    {STOP_INBOUND_HIGH, "reading stopped by inbound_high_water_bytes"},
};

}  // namespace

std::string Describe(const evnet_conn *conn) {
  std::string text = NameOf(conn->state);
  if (conn->state == CONN_DIALLING || conn->state == CONN_FREE) return text;
  text += ", " + std::to_string(evnet_conn_inbound_bytes(conn)) + " bytes unread, " +
          std::to_string(evnet_conn_outbound_bytes(conn)) + " bytes to send";
  if (conn->holds > 0) text += ", " + std::to_string(conn->holds) + " holds";
  for (const Flag &flag : kFlags) {
    if (conn->flags & flag.bit) text += std::string(", ") + flag.text;
  }
  for (const Flag &stop : kStops) {
    if (conn->read_stop & stop.bit) text += std::string(", ") + stop.text;
  }
  return text;
}

}  // namespace evnet_testing
