#!/bin/sh
# Runs one throw-away PostgreSQL cluster and ends it when no test has used it for a while.
# Usage: supervise.sh FOLDER USERS_LOCK COMMAND…   (COMMAND is postgres, with its arguments)
folder=$1
users=$2
shift 2

"$@" &
postgres=$!
idle=0
while kill -0 "$postgres" 2>/dev/null; do
    sleep 1
    # Every test process holds the lock shared; while one does, it cannot be had alone.
    exec 9>>"$users"
    if flock --nonblock --exclusive 9; then
        idle=$((idle + 1))
    else
        idle=0
    fi
    if [ "$idle" -ge 20 ]; then
        # Still holding the lock: a test that starts now waits, finds no server, and starts one.
        kill -INT "$postgres"
        wait "$postgres"
    else
        exec 9>&-
    fi
done
rm -rf "$folder"
