# An image with all commands. Mount the data and the runs:
#
#   docker build -t tfdarts .
#   docker run --rm -v "$PWD:/work" tfdarts pipeline --flagfile=configs/digits.cfg --run_dir=runs/digits
FROM python:3.11-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends graphviz \
    && rm -rf /var/lib/apt/lists/*
COPY . /tfdarts
RUN pip install --no-cache-dir '/tfdarts[litert]' && rm -rf /tfdarts
WORKDIR /work
ENTRYPOINT ["tfdarts"]
