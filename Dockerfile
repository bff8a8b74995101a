# One image for every process; the command says which:
#   dist/apps/api/main.js  dist/apps/projector/main.js  dist/apps/relay/main.js  dist/apps/audit/main.js
FROM node:22-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY .swcrc nest-cli.json tsconfig.json ./
COPY scripts scripts
COPY libs libs
COPY apps apps
RUN npm run build

FROM node:22-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:22-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
COPY scripts/healthcheck.mjs scripts/
RUN mkdir /data && chown node:node /data
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "scripts/healthcheck.mjs", "api"]
# Node is the first process of the container and stops the application on SIGTERM itself.
ENTRYPOINT ["node"]
CMD ["dist/apps/api/main.js"]
