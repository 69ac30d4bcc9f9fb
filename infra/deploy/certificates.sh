#!/bin/sh
# Make the certificate of the NATS servers, and at first the CA that signs it:
#
#   sh infra/deploy/certificates.sh FOLDER NAME...
#
# FOLDER gets ca.crt, ca.key, tls.crt and tls.key. Each NAME is a host name or an address under which
# a server is reached, by clients or by another server. Run it again before the certificate ends (825
# days): the CA stays, so servers with the old and the new certificate trust each other. Keep ca.key
# where no server is.
set -eu
folder=${1:?FOLDER NAME...}
shift
names=
for name in "${@:?FOLDER NAME...}"; do
  case $name in
    *[!0-9.]*) names=$names,DNS:$name ;;
    *) names=$names,IP:$name ;;
  esac
done
umask 077
mkdir -p "$folder"
cd "$folder"
make_key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc"
if [ ! -e ca.key ]; then
  # shellcheck disable=SC2086
  openssl req -x509 $make_key -keyout ca.key -out ca.crt -days 3650 -subj "/CN=comfyd's NATS" \
    -addext keyUsage=critical,keyCertSign,cRLSign
  chmod 644 ca.crt
fi
# shellcheck disable=SC2086
openssl req -x509 $make_key -CA ca.crt -CAkey ca.key -keyout tls.key -out tls.crt -days 825 \
  -subj /CN=nats \
  -addext "subjectAltName=${names#,}" \
  -addext basicConstraints=critical,CA:FALSE \
  -addext extendedKeyUsage=serverAuth,clientAuth
