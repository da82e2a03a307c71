# An image that contains the static program, an empty folder for the position, and nothing else:
#
#   docker build -t fib-http .
#   docker run --rm -p 127.0.0.1:8080:8080 --read-only --cap-drop all --memory 256m fib-http
#
# Environment variables set the flags, such as FIB_HTTP_LOG_FORMAT=json. A position on a volume outlives the container:
#
#   docker run -v fib-http:/data -e FIB_HTTP_POSITION=file:/data/position ...

FROM docker.io/library/rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN target=$(rustc -vV | sed -n 's/^host: //p') \
    && RUSTFLAGS="-C target-feature=+crt-static -C strip=symbols" cargo build --locked --release -p fib-http --target "$target" \
    && install -D "target/$target/release/fib-http" /image/fib-http \
    && mkdir /image/data

FROM scratch
LABEL org.opencontainers.image.title="fib-http" \
      org.opencontainers.image.description="Answers each GET with the next Fibonacci number" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# A named volume that is mounted at /data takes over its owner.
COPY --from=build --chown=65532:65532 /image/ /
USER 65532:65532
# By default the service listens on the loopback addresses, which cannot be reached from outside the container. The other two
# variables make glibc return the memory of a finished pass to the system.
ENV FIB_HTTP_HOST=0.0.0.0,:: \
    MALLOC_MMAP_THRESHOLD_=4194304 \
    MALLOC_TRIM_THRESHOLD_=8388608
# The port of the health check too: with another FIB_HTTP_PORT, give the container a health check of its own.
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s CMD ["/fib-http", "health", "http://localhost:8080/healthz"]
ENTRYPOINT ["/fib-http"]
