#!/usr/bin/env bash
# Decryption of a sealed object beside `openssl speed` with the same cipher: one core each, one run.
set -euo pipefail
core=$(taskset -pc $$ | grep -oE '[0-9]+$')
peer() { # bytes per second of AES-256-GCM decryption with messages of 1 MiB
    taskset -c "$core" openssl speed -elapsed -mr -seconds 2 -bytes 1048576 -decrypt -evp aes-256-gcm 2>/dev/null |
        awk -F: '/^\+F:/ {printf "%.0f\n", $4}'
}
before=$(peer)
ours=$(taskset -c "$core" "$1")
after=$(peer)
awk -v ours="$ours" -v a="$before" -v b="$after" 'BEGIN {
    peer = a > b ? a : b
    printf "decryption by the agent  %8.0f MB/s\nopenssl speed            %8.0f MB/s (before %.0f, after %.0f)\nratio %.2f (wanted: at least 0.70)\n",
        ours / 1e6, peer / 1e6, a / 1e6, b / 1e6, ours / peer
}'
