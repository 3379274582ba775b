#!/bin/sh
# Runs a command without address space randomisation if the kernel permits it, otherwise unchanged.
# The sanitizers use it (.bazelrc). A container may refuse personality(2); the sanitizers then fail less often, too.
if setarch -R true 2>/dev/null; then exec setarch -R "$@"; fi
exec "$@"
