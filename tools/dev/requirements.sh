#!/bin/sh
# Pins the dependencies of the packages and of development, with hashes and without any download address.
set -eu
cd "$(dirname "$0")/../.."
uv=$(command -v uv || echo .cache/uv/bin/uv)
pin() {
    output=$1
    shift
    "$uv" pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-emit-find-links --no-header --output-file "$output" "$@"
}
pin requirements-uv.txt requirements-uv.in
pin requirements-build.txt requirements-build.in
pin requirements-dev.txt --extra parquet --extra postgresql gateway/pyproject.toml tools/pyproject.toml \
    requirements-dev.in
pin gateway/requirements.txt gateway/pyproject.toml
pin gateway/requirements-parquet.txt --extra parquet gateway/pyproject.toml
pin gateway/requirements-postgresql.txt --extra postgresql gateway/pyproject.toml
pin tools/requirements.txt tools/pyproject.toml
