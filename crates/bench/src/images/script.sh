#!/bin/sh
# What one would write by hand. The switches beside the plain ones are those that Boatyard gives, too:
# the same storage driver, isolation and runtime. It builds as root of the machine and in its network;
# the namespaces that Boatyard builds in come on top of the same work, and are in Boatyard's time.
set -eu
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
git clone --quiet --depth 1 "$REPOSITORY" "$source"
storage="--root $STORAGE/root --runroot $STORAGE/run --storage-driver overlay"
# shellcheck disable=SC2086 # folders of the bench's own, without spaces
buildah $storage bud --layers --isolation oci --runtime runc --network host \
    --signature-policy "$POLICY" --tag "$IMAGE" "$source"
# shellcheck disable=SC2086
buildah $storage push --signature-policy "$POLICY" --tls-verify=false \
    --creds "boatyard:$TOKEN" "$IMAGE"
