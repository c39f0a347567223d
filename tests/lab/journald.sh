# A journald in a mount namespace of this machine, with people who may log in, use sudo and be refused.
# Processes keep the pids of the machine, so that its kernel events and this journal are about the same ones.
set -e
mount --make-rprivate /
mount -t tmpfs none /run
mkdir -p /run/systemd/journal /run/log/journal /run/sshd /run/sudo/ts /run/dev /run/etc
mount -t tmpfs none /run/dev
for device in null zero full random urandom tty ptmx; do
    touch "/run/dev/$device"
    mount --bind "/dev/$device" "/run/dev/$device"
done
mkdir /run/dev/pts /run/dev/shm
mount --rbind /dev/pts /run/dev/pts
ln -s /run/systemd/journal/dev-log /run/dev/log
mount --rbind /run/dev /dev
mount -t tmpfs none /run/etc
mkdir /run/etc/upper /run/etc/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work /etc
for user in alice:64321 bob:64322; do
    echo "${user%:*}:x:${user#*:}:${user#*:}::/tmp:/bin/sh" >>/etc/passwd
    echo "${user%:*}:x:${user#*:}:" >>/etc/group
    echo "${user%:*}:$(openssl passwd -6 "${user%:*}'s"):1::::::" >>/etc/shadow
done
echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/alice
chmod 440 /etc/sudoers.d/alice
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\n' >/etc/systemd/journald.conf
exec /lib/systemd/systemd-journald
