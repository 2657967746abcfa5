# vswin without TensorFlow, on the CPU. Build and try it: docker/smoke_test
#   docker build -t vswin .
#   docker run --rm -v "$PWD:/videos" -v vswin-cache:/cache vswin label . --output labels.jsonl

FROM python:3.11-slim AS build
COPY . /source
RUN python -m venv /opt/vswin \
    && python /source/tools/slim_project.py /slim \
    && /opt/vswin/bin/pip install --no-cache-dir /slim

FROM python:3.11-slim
COPY --from=build /opt/vswin /opt/vswin
RUN useradd --create-home --uid 1000 vswin \
    && mkdir /cache /videos \
    && chown vswin:vswin /cache /videos
ENV PATH="/opt/vswin/bin:$PATH" \
    VSWIN_CACHE=/cache
USER 1000
VOLUME /cache
WORKDIR /videos
ENTRYPOINT ["vswin"]
CMD ["--help"]
