#!/bin/sh
# kernels.sh FOLDER: unpacks into FOLDER what the virtual machines of `make vm-test`
# boot: the newest of Debian's kernels for arm64 and, with 32 bits, armmp, and a static
# busybox for each. No foreign architecture is added to this system; apt gets a state of
# its own for each. What is there already is left as it is.
set -eu
folder=$1
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
fetch() { # ARCHITECTURE KERNEL, a package without a version that depends on the newest
  [ -e "$folder/$1/unpacked" ] && return
  apt=$folder/$1/apt
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/parts"
  : >"$apt/status"
  [ ! -f /etc/apt/sources.list ] || cp /etc/apt/sources.list "$apt/parts/main.list"
  for list in /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ ! -f "$list" ] || cp "$list" "$apt/parts/"
  done
  cat >"$apt/conf" <<CONF
APT::Architecture "$1";
APT::Architectures { "$1"; };
APT::Sandbox::User "";
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$apt/parts";
CONF
  # A mirror in the middle of its own update fails now and then: what counts is whether the package comes.
  apt-get -q -c "$apt/conf" update >"$apt/log" 2>&1 || apt-get -q -c "$apt/conf" update >>"$apt/log" 2>&1 || true
  # The package behind the name without a version, which changes with each update.
  kernel=$(apt-cache -c "$apt/conf" depends "$2" | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -1)
  (cd "$apt" && apt-get -q -c "$apt/conf" download "${kernel:-$2}" busybox-static) >>"$apt/log" 2>&1 ||
    { tail -5 "$apt/log" >&2; echo "kernels.sh: ${kernel:-$2} could not be downloaded" >&2; exit 1; }
  for package in "$apt"/*.deb; do dpkg-deb -x "$package" "$folder/$1"; done
  rm -rf "$apt"
  touch "$folder/$1/unpacked"
}
fetch arm64 linux-image-arm64
fetch armhf linux-image-armmp
