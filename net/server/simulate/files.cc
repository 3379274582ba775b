// Files in a simulation: the ranges that the handler sends, and the legal results.
#include "net/server/simulate/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include <algorithm>

#include "net/server/simulate/handler.h"
#include "net/server/simulate/oracle.h"

namespace evnet_simulation {
namespace {

constexpr size_t kFileBytes = 40000;
constexpr size_t kFilesMax = 64;  // largest number of queued files

File MakeFile() {
  File file = {-1, ""};
  std::string bytes(kFileBytes, '\0');
  for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<char>((i * 2654435761u) >> 13);
  FILE *stream = tmpfile();  // stays open until the process exits
  if (stream == nullptr || fwrite(bytes.data(), 1, bytes.size(), stream) != bytes.size() ||
      fflush(stream) != 0)
    return file;
  file.descriptor = fileno(stream);
  file.bytes = bytes;
  return file;
}

}  // namespace

const File &TheFile() {
  static const File *const file = new File(MakeFile());
  return *file;
}

int OpenDescriptors() {
  DIR *directory = opendir("/dev/fd");
  if (directory == nullptr) return -1;
  int count = 0;
  while (readdir(directory) != nullptr) count++;
  (void)closedir(directory);
  return count;
}

// Some ranges are longer than the file.
void Handler::SendFile(Conn *c) {
  const File &file = TheFile();
  if (file.bytes.empty()) return;
  const bool full = c->written.size() >= w_.plan.bytes_max;
  const uint32_t most = full ? 8 : static_cast<uint32_t>(w_.Chance(200) ? kFileBytes : 3000);
  const bool is_short = w_.Chance(w_.plan.short_files);
  const size_t offset = is_short ? kFileBytes - w_.Below(most) : w_.Below(kFileBytes);
  const size_t there = kFileBytes - offset;
  size_t size = std::min<size_t>(w_.Below(most), there);
  if (is_short) size = there + 1 + w_.Below(100);
  const bool was_ending = c->takes_nothing || c->closed;
  const std::string bytes = file.bytes.substr(offset, size);
  c->writing += bytes.size();
  const int64_t result = evnet_conn_sendfile(c->conn, file.descriptor, static_cast<int64_t>(offset),
                                             static_cast<int64_t>(size));
  c->writing -= bytes.size();
  oracle_.SentFile(c, bytes, size, was_ending, result);
  oracle_.Bounds(c);
}

void Oracle::SentFile(Conn *c, const std::string &bytes, size_t size, bool was_ending,
                      int64_t result) {
  evnet_sim_note(w_.sim, "sendfile", evnet_sim_port(c->client->socket), static_cast<int64_t>(size),
                 result);
  if (result >= 0) {
    if (static_cast<size_t>(result) != size)
      Broken(c, "sendfile took %zd of %zu", static_cast<ssize_t>(result), size);
    if (was_ending || c->write_ended) Broken(c, "a file is taken after the end");
    c->written += bytes;
    if (size > 0) c->files++;
    if (size > bytes.size()) c->file_short = true;
    return;
  }
  if (result == -ENOBUFS && w_.plan.server.outbound_overflow == EVNET_OVERFLOW_CLOSE)
    c->outbound_overflow = true;
  if (!IsRefusalLegal(c, was_ending, c->files >= kFilesMax, result))
    Broken(c, "a file is refused for no reason with %s",
           evnet_status_name(static_cast<int>(result)));
}

}  // namespace evnet_simulation
