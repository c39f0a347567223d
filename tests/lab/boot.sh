#!/bin/sh
# Boots a system, copied on write into memory: boot.sh DIRECTORY PORT "CGROUP..." TREE KIND PATH...
# keeper.py calls it, as process 1 of its own process and mount namespaces, so that nothing outlives it.
# DIRECTORY: an empty one; PORT: sshd's; CGROUP: directories to run in; TREE: the system's root, / for this computer's
# own; KIND: machine, container where logind may see that it runs in one, or host-pids for a machine without a pid
# namespace of its own; PATH: shown inside, read-only, at the same place.
set -eu
umask 022
place=$1 port=$2 cgroups=$3 tree=$4 kind=$5
shift 5

for cgroup in $cgroups; do echo 0 >"$cgroup/cgroup.procs"; done
mount -t tmpfs -o mode=755 tmpfs "$place"
root=$place/root
mkdir "$place/upper" "$place/work" "$root"
mount -t overlay -o "lowerdir=$tree,upperdir=$place/upper,workdir=$place/work" overlay "$root"
mount -t tmpfs -o mode=755 tmpfs /run # nspawn's own notes

# Only what a login needs is started, whatever else this computer would start.
rm -rf "$root"/run/* "$root"/etc/systemd/system/*.wants "$root"/etc/systemd/system/*.requires "$root/etc/fstab"
cat >"$root/etc/systemd/system/lab.target" <<'UNIT'
[Unit]
Requires=basic.target dbus.socket systemd-logind.service ssh.service systemd-user-sessions.service
Wants=cron.service atd.service
After=basic.target dbus.socket systemd-logind.service ssh.service systemd-user-sessions.service
AllowIsolate=yes
UNIT
# What ends, ends at once: a user's manager with the last login, and whoever does not listen.
mkdir -p "$root/etc/systemd/system.conf.d" "$root/etc/systemd/logind.conf.d"
printf '[Manager]\nDefaultTimeoutStopSec=3s\n' >"$root/etc/systemd/system.conf.d/lab.conf"
printf '[Login]\nUserStopDelaySec=0\nKillUserProcesses=no\n' >"$root/etc/systemd/logind.conf.d/lab.conf"

# A logind that sees a container (detect_container() of systemd 257) writes no AUDIT= and numbers no login. On a machine
# it is shown none: no manager's name below /run or from process 1, and no namespaces to compare with the first ones.
init="/usr/lib/systemd/systemd systemd.unit=lab.target"
if [ "$kind" != container ]; then
    mkdir -p "$root/etc/systemd/system/systemd-logind.service.d"
    cat >"$root/etc/systemd/system/systemd-logind.service.d/lab.conf" <<'UNIT'
[Service]
TemporaryFileSystem=/proc/self/ns
InaccessiblePaths=-/run/host -/run/systemd/container
UNIT
    init="env --unset=container $init"
fi

# Only in the pid namespace of the host do process events have the pids of /proc. Its systemd takes itself for process 1
# (first_process.c). It cannot shut anything down: that would end all processes of the host. Neither does it switch on the
# host's audit. What looks for process 1 finds its cgroup.
options=
if [ "$kind" = host-pids ]; then
    cc -shared -fPIC -o "$root/usr/lib/first_process.so" "$(dirname "$0")/first_process.c"
    rm "$root/usr/lib/systemd/systemd-shutdown"
    mkdir -p "$root/etc/systemd/journald.conf.d"
    printf '[Journal]\nAudit=no\nReadKMsg=no\n' >"$root/etc/systemd/journald.conf.d/lab.conf"
    echo SYSTEMD_IGNORE_CHROOT=1 >"$root/etc/environment"
    # nspawn's own boot id would be hidden from services with ProtectKernelTunables=.
    cat >"$root/usr/lib/first_process" <<'SCRIPT'
#!/bin/sh
mount --bind /proc/$$/cgroup /proc/1/cgroup
umount /proc/sys/kernel/random/boot_id
exec "$@"
SCRIPT
    chmod +x "$root/usr/lib/first_process"
    init="/usr/lib/first_process env --unset=container LAB_FIRST_PROCESS=1 LD_PRELOAD=/usr/lib/first_process.so"
    init="$init /usr/lib/systemd/systemd --unit=lab.target"
    options='--drop-capability=CAP_SYS_BOOT --capability=CAP_NET_ADMIN'
    options="$options --system-call-filter=fanotify_init --system-call-filter=fanotify_mark"
    export SYSTEMD_NSPAWN_SHARE_NS_PID=1
fi

# One key opens every account; many may log in at once.
ssh-keygen -q -t ed25519 -N '' -C lab -f "$root/etc/ssh/lab_host"
ssh-keygen -q -t ed25519 -N '' -C lab -f "$root/etc/ssh/lab_client"
cat >"$root/etc/ssh/sshd_config" <<CONFIG
Port $port
ListenAddress 127.0.0.1
HostKey /etc/ssh/lab_host
AuthorizedKeysFile /etc/ssh/lab_client.pub
UsePAM yes
UseDNS no
PrintMotd no
MaxStartups 100
CONFIG
mkdir -p "$root/run/sshd" # without it sshd checks nothing
# From 9.8 on sshd drops the connections of an address that has failed to log in: every client of the tests has the same.
if chroot "$root" /usr/sbin/sshd -t -h /etc/ssh/lab_host -o PerSourcePenalties=no 2>/dev/null; then
    echo 'PerSourcePenalties no' >>"$root/etc/ssh/sshd_config"
fi
[ "$tree" = / ] || { echo lab >"$root/etc/hostname"; echo '127.0.0.1 localhost lab' >"$root/etc/hosts"; }

# Accounts without rights reach the interpreter wherever it lies, as below a home directory of mode 700.
for path; do
    while path=$(dirname "$path") && [ "$path" != / ]; do
        [ ! -d "$root$path" ] || chmod o+x "$root$path"
    done
done

for path; do set -- "$@" "--bind-ro=$path"; shift; done
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --machine=lab --private-users=no \
    --console=pipe --link-journal=no --resolv-conf=off --timezone=off $options "$@" $init
