# Start Postgres; the first time, make its data as POSTGRES_USER and POSTGRES_PASSWORD say.
set -eu
if [ ! -e "$PGDATA/PG_VERSION" ]; then
  printf '%s' "$POSTGRES_PASSWORD" > /var/lib/postgresql/password
  initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile=/var/lib/postgresql/password \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  echo "create database \"$POSTGRES_USER\"" | postgres --single -D "$PGDATA" postgres
fi
exec postgres -D "$PGDATA" --listen_addresses='*' --unix_socket_directories=''
