FROM scratch
COPY nats-server /usr/bin/nats-server
ENTRYPOINT ["nats-server"]
