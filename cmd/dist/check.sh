#!/bin/sh
# check.sh VERSION: shows that two builds are the same bytes, that archives, checksums and
# lists of parts fit, what lintian says, how large everything is, and how systemd rates the unit. The second build is made
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

echo; echo "checksums, archives and lists of parts:"
(cd build/dist && sha256sum --quiet -c SHA256SUMS && echo "  SHA256SUMS is right")
for tar in build/dist/*.tar.gz; do
  program=${tar%.tar.gz}
  tar -xOzf "$tar" "$(basename "$program")/usr/bin/hogar" | cmp - "$program"
  listed=$(grep -c '"purl": "pkg:golang/' "$program.cdx.json")
  [ "$listed" = "$(($(go version -m "$program" | grep -c '^[[:space:]]dep') + 1))" ] || { echo "$program.cdx.json lists $listed modules"; exit 1; }
  echo "  $(basename "$tar"): the same program; $listed modules of Go in its list of parts"
done

echo; echo "lintian (errors fail):"
for deb in build/dist/*.deb; do
  lintian --fail-on error "$deb" 2>/dev/null && echo "  no error: $(basename "$deb")"
done

echo; echo "systemd-analyze security (at most 1.4):"
sed "s|/usr/bin/hogar|$root/build/hogar|" systemd/hogar.service >build/hogar.service
systemd-analyze security --offline=true --threshold=14 "$root/build/hogar.service" | tail -1
