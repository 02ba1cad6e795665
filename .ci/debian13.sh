#!/bin/sh
# debian13.sh FOLDER: makes, once, a Debian 13 in FOLDER with its RabbitMQ and its Mosquitto, for
# tests with newer brokers (HOGAR_RABBITMQ=FOLDER). It needs root, debootstrap and Debian's archive.
set -eu
folder=$1
mirror=${MIRROR:-http://deb.debian.org/debian}
[ ! -e "$folder/complete" ] || exit 0
rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
echo "debootstrap of Debian 13 with RabbitMQ and Mosquitto (a minute) ..."
debootstrap --variant=minbase --include=rabbitmq-server,mosquitto,ca-certificates trixie "$folder" "$mirror" >"$folder.log" 2>&1 ||
  { tail -5 "$folder.log"; exit 1; }
rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
touch "$folder/complete"
