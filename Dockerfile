# guardrail, on CPU (default target) or on NVIDIA GPUs:
#
#   docker build -t guardrail:cpu .
#   docker build -t guardrail:gpu --target gpu .
#
# BASE_IMAGE may be any Debian or Ubuntu with python3 (>= 3.11) and its venv module. PIP_INDEX_URL
# names a mirror where the default index cannot be reached. CUDA comes with the wheels of
# requirements/gpu.txt; the host brings the driver and the NVIDIA container toolkit.
ARG BASE_IMAGE=python:3.12-slim

# ---- what is installed, once per kind of machine. Policies go into the package (pyproject.toml says
# how), where an installed guardrail looks for the shipped ones.
FROM ${BASE_IMAGE} AS packages
ARG PIP_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/guardrail
WORKDIR /src

FROM packages AS packages-cpu
COPY requirements/cpu.txt requirements/
RUN /opt/guardrail/bin/pip install --require-hashes -r requirements/cpu.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY guardrail guardrail
COPY policies policies
RUN /opt/guardrail/bin/pip install --no-deps --no-build-isolation .

FROM packages AS packages-gpu
COPY requirements/gpu.txt requirements/
RUN /opt/guardrail/bin/pip install --require-hashes -r requirements/gpu.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY guardrail guardrail
COPY policies policies
RUN /opt/guardrail/bin/pip install --no-deps --no-build-isolation . \
    && /opt/guardrail/bin/guardrail models build --device cuda

# ---- what runs: no compiler, no root, nothing written outside the data folder and /tmp
FROM ${BASE_IMAGE} AS runtime
LABEL org.opencontainers.image.title="guardrail" \
      org.opencontainers.image.description="OpenAI-compatible guard for clinical LLMs" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 guardrail \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/guardrail \
       --shell /usr/sbin/nologin guardrail \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/guardrail \
    && install -d -m 0755 /etc/guardrail
ENV PATH=/opt/guardrail/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# The default data folder, ./guardrail-data, is inside the volume.
WORKDIR /var/lib/guardrail
VOLUME /var/lib/guardrail
EXPOSE 8080 9090
USER 10001:10001
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/livez', timeout=4).read()"]
ENTRYPOINT ["guardrail"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080", "--config", "/etc/guardrail/guardrail.yaml"]

FROM runtime AS gpu
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=packages-gpu /opt/guardrail /opt/guardrail

FROM runtime AS cpu
COPY --from=packages-cpu /opt/guardrail /opt/guardrail
