# The reconciler command and a docker client for its builds.
#   docker build -t reconciler .
#   docker run --rm -v "$PWD:/workspace" -v /var/run/docker.sock:/var/run/docker.sock reconciler plan
ARG PYTHON=3.12
FROM python:${PYTHON}-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY reconciler ./reconciler
RUN pip wheel --no-cache-dir --wheel-dir /wheels .

FROM python:${PYTHON}-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends docker.io git \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir /wheels/*.whl && rm -rf /wheels
WORKDIR /workspace
ENTRYPOINT ["reconciler"]
