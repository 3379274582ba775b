// The time of a file's last change, whose field in struct stat has a name of its own on macOS.
#ifndef EVNET_EXAMPLES_HTTP_FILE_TIME_H_
#define EVNET_EXAMPLES_HTTP_FILE_TIME_H_

#include <sys/stat.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

// file_time_modified returns the time of the last change of the file's content (stat(2)).
struct timespec file_time_modified(const struct stat *facts);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_EXAMPLES_HTTP_FILE_TIME_H_
