#!/bin/sh
# image.sh FOLDER: makes, once, a Debian of this machine's architecture in FOLDER:
# root.tar, what debootstrap installs, and for virtual machines vmlinuz, initrd and
# disk.img. It needs root, debootstrap and Debian's archive.
set -eu
folder=$1
suite=${SUITE:-bookworm}
mirror=${MIRROR:-http://deb.debian.org/debian}
[ ! -e "$folder/disk.img" ] || exit 0
mkdir -p "$folder"
cd "$folder"
rm -rf root
log() { echo "image: $*"; }

log "debootstrap $suite (a minute) ..."
debootstrap --variant=minbase \
  --include=systemd,systemd-sysv,udev,kmod,adduser,init-system-helpers,iproute2,initramfs-tools \
  "$suite" root "$mirror" >debootstrap.log 2>&1 || { tail -5 debootstrap.log; exit 1; }

log "Debian's kernel ..."
printf 'virtio_blk\nvirtio_pci\next4\n' >>root/etc/initramfs-tools/modules
sed -i 's/^MODULES=.*/MODULES=list/' root/etc/initramfs-tools/initramfs.conf
DEBIAN_FRONTEND=noninteractive chroot root apt-get install -q -y --no-install-recommends \
  "linux-image-$(chroot root dpkg --print-architecture)" >kernel.log 2>&1 || { tail -5 kernel.log; exit 1; }
chroot root apt-get clean
rm -rf root/var/lib/apt/lists/* # 60,000 packages, which apt would read again in the slow machine

log "a shell on the second serial port, an address, a disk ..."
echo '/dev/vda / ext4 defaults,errors=remount-ro 0 1' >root/etc/fstab
echo hogar-vm >root/etc/hostname
cat >root/etc/systemd/network/10-all.network <<'END'
[Match]
Type=ether
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
END
cat >root/etc/systemd/system/test-shell.service <<'END'
[Unit]
Description=a shell for the tests
DefaultDependencies=no
After=local-fs.target
[Service]
ExecStart=/bin/sh -c 'stty -echo raw; cat | exec /bin/sh'
StandardInput=tty-force
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
Restart=always
IgnoreSIGPIPE=no
[Install]
WantedBy=multi-user.target
END
chroot root systemctl -q enable systemd-networkd test-shell.service
chroot root systemctl -q mask getty.target serial-getty@ttyS0.service apt-daily.timer apt-daily-upgrade.timer \
  e2scrub_all.timer e2scrub_reap.service dpkg-db-backup.timer fstrim.timer systemd-pcrphase.service

cp root/boot/vmlinuz-* vmlinuz
cp root/boot/initrd.img-* initrd
tar -C root --exclude=./boot --exclude=./usr/lib/modules --exclude=./lib/modules -cf root.tar .
mke2fs -q -t ext4 -d root disk.part 1500M
rm -rf root
mv disk.part disk.img
log "done: $(du -sh . | cut -f1)"
