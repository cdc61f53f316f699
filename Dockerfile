# The service as one image: `ltp api`, `ltp worker` and `ltp migrate` are commands of it.
#
# TORCH_INDEX_URL  package index torch alone is taken from, for a CPU-only or a CUDA build; empty: the default index,
#                  whose Linux build brings CUDA
#
# The base image is pinned by tag and by digest: that of the index of all platforms, as the official images' repo-info
# (repos/python/remote/3.11.16-slim-bookworm.md) had it on 1 September 2026.

FROM python:3.11.16-slim-bookworm@sha256:c425d915a89a6dcd3183b1797ad9bd8878caff5a417f6371c8df93c8ea8b727f AS dependencies
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/ltp
# torch comes first and alone, so that its own index never answers for another package
ARG TORCH=torch==2.13.0
ARG TORCH_INDEX_URL=
RUN /opt/ltp/bin/pip install --no-deps ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} "$TORCH"
WORKDIR /build
COPY requirements.lock ./
RUN /opt/ltp/bin/pip install --no-deps --require-hashes --requirement requirements.lock
# asked for again without its own index, torch stays, and brings what its build needs besides at the versions it names
# itself: the libraries of CUDA, or nothing
RUN /opt/ltp/bin/pip install "$TORCH" && /opt/ltp/bin/pip check

FROM dependencies AS package
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY migrations migrations
COPY ltp ltp
COPY clients/python/ltp_client ltp_client
COPY worker worker
COPY app app
# with the setuptools of the lock, so that nothing is fetched to build with
RUN /opt/ltp/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel .

FROM python:3.11.16-slim-bookworm@sha256:c425d915a89a6dcd3183b1797ad9bd8878caff5a417f6371c8df93c8ea8b727f
# a named volume that is mounted here for the first time takes over this owner; a bind mount must belong to 10001
RUN groupadd --gid 10001 ltp \
    && useradd --uid 10001 --gid ltp --home-dir /var/lib/ltp --no-create-home --shell /usr/sbin/nologin ltp \
    && install --directory --owner ltp --group ltp \
      /var/lib/ltp /var/lib/ltp/data /var/lib/ltp/work /var/lib/ltp/backbones
COPY --from=dependencies /opt/ltp /opt/ltp
# the project's own code is a layer of its own, which is all that an update has to move
RUN --mount=type=bind,from=package,source=/wheel,target=/wheel \
    /opt/ltp/bin/pip install --no-cache-dir --no-deps --no-index /wheel/*.whl
ENV PATH=/opt/ltp/bin:/usr/local/bin:/usr/bin:/bin
ENV PYTHONUNBUFFERED=1
ENV PYTHONDONTWRITEBYTECODE=1
ENV HF_HOME=/var/lib/ltp/backbones/.hf
ENV MPLCONFIGDIR=/tmp
ENV LTP_HOST=0.0.0.0
ENV LTP_PORT=8000
ENV LTP_DATA_DIR=/var/lib/ltp/data
ENV LTP_WORK_DIR=/var/lib/ltp/work
ENV LTP_BACKBONE_DIR=/var/lib/ltp/backbones
USER 10001:10001
WORKDIR /var/lib/ltp
EXPOSE 8000
# liveness, which touches nothing else; what does not run the API switches it off
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['LTP_PORT']), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
CMD ["ltp", "api"]
