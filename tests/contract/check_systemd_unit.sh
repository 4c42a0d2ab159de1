#!/bin/sh
# systemd-analyze verify says nothing about a good unit. The program and the manual page are not installed where this
# runs, so a copy names a program that is everywhere and no manual page.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
sed -e 's|=/usr/bin/capstan|=/bin/true|' -e 's|man:capstan(1) ||' "$1" >"$directory/capstan.service"
said=$(systemd-analyze verify "$directory/capstan.service" 2>&1) || { echo "$said"; exit 1; }
if [ -n "$said" ]; then
  echo "$said"
  exit 1
fi
for promise in Type=notify StateDirectory=capstan ProtectSystem=strict NoNewPrivileges=yes MemoryMax= WatchdogSec= LoadCredential=; do
  grep -q "^#\{0,1\}$promise" "$1" || { echo "the unit has no $promise"; exit 1; }
done
echo "capstan.service: systemd has nothing to say"
