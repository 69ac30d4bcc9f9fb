FROM scratch
COPY weed /usr/bin/weed
VOLUME /data
# Its parts talk through sockets in /tmp.
WORKDIR /tmp
ENTRYPOINT ["weed"]
