#!/usr/bin/env bash
# Writes the API reference, HTML by doxygen: tools/api_reference.sh [DIRECTORY]
#
# The reference covers evnet/evnet.h with all headers that it includes, and the other headers of exported functions.
# DIRECTORY is out/api by default; open its index.html. Each warning of doxygen is an error, and an undocumented public
# function, type, field or constant is one.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -gt 1 ]; then
  echo "usage: $0 [DIRECTORY]" >&2
  exit 2
fi
readonly directory=${1:-out/api}
if ! command -v doxygen > /dev/null; then
  echo "$0: cannot find doxygen; ./setup.sh --all installs it" >&2
  exit 1
fi

list_headers() {
  "${CC:-gcc}" -x c -MM -MT headers evnet/evnet.h | sed 's/^headers://' | tr -s '\\ ' '\n'
  grep -l EVNET_API net/*/*.h
}
headers=$(list_headers | sed '/^$/d' | xargs realpath --relative-to=. | sort -u | tr '\n' ' ')
readonly headers
mkdir -p "$directory"
cat > "$directory/main.md" << 'EOF'
# evnet: API reference

- evnet.h includes all public headers.
- server.h starts and stops a server; net/server/options.h has every option.
- handler.h has the callbacks, and conn.h the functions of a connection.
- async.h sends to a connection from another thread, and workers.h runs work that blocks.
- net/reactor/dial.h makes outgoing connections, and datagram.h describes UDP.
- status.h has the codes that functions and on_close return, and address.h the form of addresses.
EOF

doxygen - << EOF
PROJECT_NAME           = evnet
PROJECT_BRIEF          = "An event-driven networking framework in C11"
OUTPUT_DIRECTORY       = "$directory"
HTML_OUTPUT            = .
GENERATE_LATEX         = NO
INPUT                  = $headers $directory/main.md
USE_MDFILE_AS_MAINPAGE = $directory/main.md
FILTER_PATTERNS        = *.h=tools/api_filter.py
FILTER_SOURCE_FILES    = NO
FULL_PATH_NAMES        = YES
STRIP_FROM_PATH        = .
OPTIMIZE_OUTPUT_FOR_C  = YES
SORT_MEMBER_DOCS       = NO
JAVADOC_AUTOBRIEF      = YES
TYPEDEF_HIDES_STRUCT   = YES
MACRO_EXPANSION        = YES
EXPAND_ONLY_PREDEF     = YES
PREDEFINED             = EVNET_API= EVNET_ZERO= EVNET_WARN_UNUSED= "EVNET_PRINTF(a,b)=" __GNUC__
ALIASES                = "header=@file^^" "errors=@par Errors:^^" "done=@par Done:^^" "thread=@par Thread:^^" \
                         "bounds=@par Bounds:^^" "bydefault=@par Default:^^"
QUIET                  = YES
WARN_AS_ERROR          = FAIL_ON_WARNINGS
WARN_IF_UNDOCUMENTED   = YES
WARN_IF_INCOMPLETE_DOC = NO
SHOW_INCLUDE_FILES     = NO
HAVE_DOT               = NO
VERBATIM_HEADERS       = NO
EOF
echo "API reference: $directory/index.html"
