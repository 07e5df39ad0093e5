#!/bin/sh
# Makes every secret of a new deployment, at random, in a folder of its own: make-secrets.sh compose|kubernetes FOLDER
# Of what is there already nothing is touched: a second run is refused. It needs openssl.
set -eu

kind=${1:-}
folder=${2:-}
case $kind in
  compose)
    name=identity.portcullis.internal
    names="DNS:$name,DNS:identity-1,DNS:identity-2"
    database=postgres/portcullis
    ;;
  kubernetes)
    name=identity.portcullis.svc
    names="DNS:$name,DNS:$name.cluster.local"
    database='postgres.portcullis.svc/portcullis?sslmode=verify-full'
    ;;
  *)
    echo 'usage: make-secrets.sh compose|kubernetes FOLDER' >&2
    exit 2
    ;;
esac
if [ -z "$folder" ] || [ -e "$folder" ]; then
  echo "make-secrets.sh: name a folder that is not there yet; '$folder' is, and may hold the only copy of a key" >&2
  exit 2
fi

variables=$(dirname "$folder")/.env
if [ "$kind" = compose ] && [ -e "$variables" ]; then
  echo "make-secrets.sh: '$variables' is there already, and names the secrets of another deployment" >&2
  exit 2
fi

umask 077
mkdir "$folder"
here=$(cd "$folder" && pwd)

# What a certificate is for, and for how long. Take those of your own authority where you have one.
certificate() { # FILE NAME NAMES
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
    -keyout "$here/$1.key" -out "$here/$1.request" 2>/dev/null
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$3" > "$here/$1.extensions"
  openssl x509 -req -in "$here/$1.request" -days 365 -CA "$here/ca.pem" -CAkey "$here/ca.key" \
    -set_serial "0x$(openssl rand -hex 16)" -extfile "$here/$1.extensions" -out "$here/$1.pem" 2>/dev/null
  rm "$here/$1.request" "$here/$1.extensions"
}

openssl rand -base64 32 > "$here/sealing.key"
openssl rand -base64 32 > "$here/refresh.pepper"
# In hexadecimal, because it stands in a URL.
openssl rand -hex 32 > "$here/postgres-password"
printf 'postgres://portcullis:%s@%s\n' "$(cat "$here/postgres-password")" "$database" > "$here/database-url"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 730 -subj '/CN=Portcullis deployment' \
  -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign' \
  -keyout "$here/ca.key" -out "$here/ca.pem" 2>/dev/null
certificate identity "$name" "$names"
if [ "$kind" = kubernetes ]; then
  certificate postgres postgres.portcullis.svc DNS:postgres.portcullis.svc
else
  # Who owns these files is who the containers run as, and never root.
  user=$(id -u):$(id -g)
  if [ "$(id -u)" = 0 ]; then
    user=10001:10001
    chown -R "$user" "$here"
  fi
  printf 'PORTCULLIS_USER=%s\nPORTCULLIS_SECRETS=%s\n' "$user" "$here" > "$(dirname "$here")/.env"
fi
echo "the secrets are in $here; keep ca.key, sealing.key and refresh.pepper somewhere else as well"
