#!/bin/sh
# Write the digests of the images that the Dockerfile and the compose file name into deploy/.env: sh deploy/pin.sh
# It asks the registry by Docker. Run it again to take over newer images.
set -eu
file="$(dirname "$0")/.env"
touch "$file"
chmod 600 "$file"
pin() { # the name of a variable, and an image
    digest=$(docker buildx imagetools inspect "$2" --format '{{.Manifest.Digest}}')
    case "$digest" in
        sha256:????????????????????????????????????????????????????????????????) ;;
        *) echo "pin.sh: the registry gave no digest of $2 but '$digest'; nothing was changed" >&2; exit 1 ;;
    esac
    { grep -v "^$1=" "$file" || true; echo "$1=$2@$digest"; } > "$file.new"
    chmod 600 "$file.new"
    mv "$file.new" "$file"
}
pin BASE python:3.11-slim
pin POSTGRES_IMAGE postgres:18
