# syntax=docker/dockerfile:1
# One image per service:  docker build --target crm --tag freelanceflow/crm:dev .
# A release names the base by digest:  --build-arg PYTHON_IMAGE=…/python:3.11-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

# Tools that build, never shipped; and the two distributions that every service shares.
FROM ${PYTHON_IMAGE} AS build
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy PIP_DISABLE_PIP_VERSION_CHECK=1
COPY deploy/docker/build.lock /build/
RUN ["pip", "install", "--no-cache-dir", "--require-hashes", "-r", "/build/build.lock"]
COPY libs/kit /build/kit
COPY proto /build/proto
WORKDIR /build/kit
RUN ["hatchling", "build", "-t", "wheel", "-d", "/wheels"]
WORKDIR /build/proto
RUN ["hatchling", "build", "-t", "wheel", "-d", "/wheels"]
RUN ["python", "-m", "venv", "--without-pip", "/app"]

# What every image is: the same Python, nobody's account, nothing that needs a shell or a writable root.
# glibc gives every thread an arena of its own; two are enough, as in deploy/local.
FROM ${PYTHON_IMAGE} AS runtime
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 HOME=/tmp
WORKDIR /tmp
USER 10001:10001


FROM build AS build-auth
COPY services/auth/requirements.lock /build/
RUN ["uv", "pip", "install", "--python", "/app", "--no-cache", "--compile-bytecode", "--require-hashes", "-r", "/build/requirements.lock"]
COPY services/auth /build/service
WORKDIR /build/service
RUN ["hatchling", "build", "-t", "wheel", "-d", "/wheels"]
RUN ["uv", "pip", "install", "--python", "/app", "--no-cache", "--compile-bytecode", "--no-deps", "--no-index", "--find-links", "/wheels", "freelanceflow-auth", "freelanceflow-kit", "freelanceflow-proto"]

FROM runtime AS auth
COPY --from=build-auth /app /app
ENTRYPOINT ["/app/bin/python", "-m", "auth"]
CMD ["serve"]


FROM build AS build-crm
COPY services/crm/requirements.lock /build/
RUN ["uv", "pip", "install", "--python", "/app", "--no-cache", "--compile-bytecode", "--require-hashes", "-r", "/build/requirements.lock"]
COPY services/crm /build/service
WORKDIR /build/service
RUN ["hatchling", "build", "-t", "wheel", "-d", "/wheels"]
RUN ["uv", "pip", "install", "--python", "/app", "--no-cache", "--compile-bytecode", "--no-deps", "--no-index", "--find-links", "/wheels", "freelanceflow-crm", "freelanceflow-kit", "freelanceflow-proto"]

FROM runtime AS crm
COPY --from=build-crm /app /app
ENTRYPOINT ["/app/bin/python", "-m", "crm"]
CMD ["serve"]


FROM build AS build-analytics
COPY services/analytics/requirements.lock /build/
RUN ["uv", "pip", "install", "--python", "/app", "--no-cache", "--compile-bytecode", "--require-hashes", "-r", "/build/requirements.lock"]
COPY services/analytics /build/service
WORKDIR /build/service
RUN ["hatchling", "build", "-t", "wheel", "-d", "/wheels"]
RUN ["uv", "pip", "install", "--python", "/app", "--no-cache", "--compile-bytecode", "--no-deps", "--no-index", "--find-links", "/wheels", "freelanceflow-analytics", "freelanceflow-kit", "freelanceflow-proto"]

FROM runtime AS analytics
COPY --from=build-analytics /app /app
ENTRYPOINT ["/app/bin/python", "-m", "analytics"]
CMD ["serve"]


FROM build AS build-notify
COPY services/notify/requirements.lock /build/
RUN ["uv", "pip", "install", "--python", "/app", "--no-cache", "--compile-bytecode", "--require-hashes", "-r", "/build/requirements.lock"]
COPY services/notify /build/service
WORKDIR /build/service
RUN ["hatchling", "build", "-t", "wheel", "-d", "/wheels"]
RUN ["uv", "pip", "install", "--python", "/app", "--no-cache", "--compile-bytecode", "--no-deps", "--no-index", "--find-links", "/wheels", "freelanceflow-notify", "freelanceflow-kit", "freelanceflow-proto"]

FROM runtime AS notify
COPY --from=build-notify /app /app
ENTRYPOINT ["/app/bin/python", "-m", "notify"]
CMD ["serve"]


FROM build AS build-gateway
COPY services/gateway/requirements.lock /build/
RUN ["uv", "pip", "install", "--python", "/app", "--no-cache", "--compile-bytecode", "--require-hashes", "-r", "/build/requirements.lock"]
COPY services/gateway /build/service
WORKDIR /build/service
RUN ["hatchling", "build", "-t", "wheel", "-d", "/wheels"]
RUN ["uv", "pip", "install", "--python", "/app", "--no-cache", "--compile-bytecode", "--no-deps", "--no-index", "--find-links", "/wheels", "freelanceflow-gateway", "freelanceflow-kit", "freelanceflow-proto"]

FROM runtime AS gateway
COPY --from=build-gateway /app /app
ENTRYPOINT ["/app/bin/python", "-m", "gateway"]
CMD ["serve"]
