#!/usr/bin/env bash
# Writes the API reference, HTML by doxygen: tools/api_reference.sh [DIRECTORY]
#
# The reference covers evnet/evnet.h and all headers that it includes. DIRECTORY is out/api by default; open its
# index.html. Each warning of doxygen is an error, and an undocumented public function, type, field or constant is one.
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

headers=$("${CC:-gcc}" -x c -MM -MT headers evnet/evnet.h | tr -d '\\\n' | sed 's/^headers://')
readonly headers
mkdir -p "$directory"

doxygen - << EOF
PROJECT_NAME           = evnet
PROJECT_BRIEF          = "An event-driven networking framework in C11"
OUTPUT_DIRECTORY       = "$directory"
HTML_OUTPUT            = .
GENERATE_LATEX         = NO
INPUT                  = $headers
INPUT_FILTER           = tools/api_filter.py
FILTER_SOURCE_FILES    = NO
FULL_PATH_NAMES        = YES
STRIP_FROM_PATH        = .
OPTIMIZE_OUTPUT_FOR_C  = YES
SORT_MEMBER_DOCS       = NO
JAVADOC_AUTOBRIEF      = YES
TYPEDEF_HIDES_STRUCT   = YES
MACRO_EXPANSION        = YES
EXPAND_ONLY_PREDEF     = YES
PREDEFINED             = EVNET_API= EVNET_WARN_UNUSED= "EVNET_PRINTF(a,b)=" __GNUC__
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
