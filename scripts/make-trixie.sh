#!/bin/sh
# Makes the Debian trixie tree in which the tests run Docker 26 with the containerd image store.
# Usage: make-trixie.sh [DIR]; default $DIDIFF_TRIXIE, else /opt/didiff-trixie. Does nothing when it is there already.
set -eu

tree=${1:-${DIDIFF_TRIXIE:-/opt/didiff-trixie}}
if [ -x "$tree/usr/sbin/dockerd" ]; then
  echo "$tree has dockerd already"
  exit 0
fi
command -v mmdebstrap >/dev/null || { echo 'mmdebstrap is missing: apt-get install mmdebstrap' >&2; exit 1; }

# The machine's own Debian mirror, with trixie instead of its suite.
mirror=$(sed -n 's/^URIs: *\(.*\)$/\1/p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
[ -n "$mirror" ] ||
  mirror=$(sed -n 's/^deb  *\(\[[^]]*\]  *\)\{0,1\}\(http[^ ]*\) .*$/\2/p' /etc/apt/sources.list 2>/dev/null | head -n 1)
[ -n "$mirror" ] || { echo 'no Debian mirror in the sources of apt' >&2; exit 1; }

# Made beside its place and moved there when whole: a half-made tree would look like a whole one next time.
trap 'rm -rf --one-file-system "$tree.new"' EXIT
mmdebstrap --variant=minbase --include=docker.io,docker-cli,containerd,runc,ca-certificates,iptables \
  trixie "$tree.new" "$mirror"
mv "$tree.new" "$tree"
echo "$tree is ready"
