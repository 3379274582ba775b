#!/bin/sh
# Runs a command without address space randomisation where the kernel lets us, else as it is.
# For the sanitizers (.bazelrc): a container may refuse personality(2), and then also needs it less often.
if setarch -R true 2>/dev/null; then exec setarch -R "$@"; fi
exec "$@"
