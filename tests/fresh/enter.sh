#!/bin/sh
# Makes a copy-on-write view of a tree, changes into it and waits there: enter.sh TREE PLACE
# Runs as process 1 of its own mount and process namespaces: every mount ends with it, and nothing has to be removed.
# TREE: the root of a system; PLACE: an empty directory.
set -eu
umask 022
tree=$1 place=$2

mount -t tmpfs -o mode=755 tmpfs "$place"
root=$place/root
mkdir "$place/upper" "$place/work" "$root"
mount -t overlay -o "lowerdir=$tree,upperdir=$place/upper,workdir=$place/work" overlay "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
cat /etc/resolv.conf >"$root/resolv.conf" # /etc/resolv.conf may be a link to a file that is not in the view
rm -f "$root/etc/resolv.conf"
mv "$root/resolv.conf" "$root/etc/resolv.conf"
[ -e "$root/etc/hosts" ] || echo "127.0.0.1 localhost" >"$root/etc/hosts" # as an installer writes it

echo ready
exec chroot "$root" cat # until its input ends
