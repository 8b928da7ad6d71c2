# A machine of a cluster, or the command line in a container: docker build -t upreel .
FROM node:20-bookworm-slim AS build
WORKDIR /upreel
COPY package.json package-lock.json .npmrc ./
COPY scripts scripts
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:20-bookworm-slim
# The same ffmpeg on every machine, so that all belong to one fleet.
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
WORKDIR /upreel
COPY --from=build /upreel ./
RUN ln -s /upreel/bin/upreel.js /usr/local/bin/upreel
USER node
WORKDIR /store
ENTRYPOINT ["upreel"]
CMD ["--help"]
