#!/bin/sh
# check.sh VERSION: shows that two builds are the same bytes, what lintian says,
# how large everything is, and how systemd rates the unit. The second build is made
# of a copy of the source in another folder, and for the architectures named in
# COLD (default amd64) with nothing cached.
set -eu
version=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
again=$(mktemp -d)
trap 'chmod -R u+w "$again"; rm -rf "$again"' EXIT
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}"

cd "$root"
go build -C cmd/dist -o "$root/build/make-dist" .
build/make-dist -root . -out build/dist -version "$version"

echo; echo "two builds:"
mkdir "$again/source"
git ls-files -z --cached --others --exclude-standard | tar -c --null --ignore-failed-read -T - 2>/dev/null | tar -x -C "$again/source"
for arch in armhf arm64 amd64; do
  cache=$(go env GOCACHE)
  case " ${COLD:-amd64} " in *" $arch "*) cache="$again/cache" ;; esac
  GOCACHE=$cache build/make-dist -root "$again/source" -out "$again/$arch" -version "$version" -arch "$arch" >/dev/null
  (cd "$again/$arch" && for f in hogar*; do cmp "$f" "$root/build/dist/$f" && echo "  identical: $f"; done)
done

echo; echo "lintian (errors fail):"
for deb in build/dist/*.deb; do
  lintian --fail-on error "$deb" 2>/dev/null && echo "  no error: $(basename "$deb")"
done

echo; echo "systemd-analyze security (at most 1.4):"
sed "s|/usr/bin/hogar|$root/build/hogar|" systemd/hogar.service >build/hogar.service
systemd-analyze security --offline=true --threshold=14 "$root/build/hogar.service" | tail -1
