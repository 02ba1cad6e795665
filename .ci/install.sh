#!/bin/sh
# install.sh PACKAGE...: sees to it that these Debian packages are there. As root
# it installs what is missing, without starting any service of the system; as
# anybody else it says what to type, and goes on: what needs the package says so.
set -u
missing=
for package in "$@"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
# A broker that runs already is used instead of one of our own.
if [ "$missing" = " rabbitmq-server" ] && [ -n "${AMQP_URL:-}" ]; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  echo "please install, with this system's package manager:$missing" >&2
  exit 0
fi
if [ "$(id -u)" != 0 ]; then
  echo "missing Debian packages; to install them:  sudo apt-get install$missing" >&2
  exit 0
fi
echo "installing from Debian:$missing ..."
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then # no service of the system is started by an installation
  trap 'rm -f "$policy"' EXIT INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
fi
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of words
if ! { apt-get update -q && apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
  tail -20 "$log" >&2
  echo "installing$missing failed; the whole output is in $log" >&2
  exit 1
fi
rm -f "$log"
