# One image for the web server, the daemon and the code location; docker-compose.yml says which is which.
FROM python:3.13-slim AS build
RUN pip install --no-cache-dir "uv>=0.9,<1"
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /app
COPY pyproject.toml uv.lock README.md ./
# The dependencies change less often than the code: a layer of their own.
RUN uv sync --frozen --no-dev --no-install-project
COPY edreflect_assets edreflect_assets
COPY dbt_project dbt_project
COPY workspace.yaml ./
RUN uv sync --frozen --no-dev

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 edreflect && install -d -m 0700 -o edreflect -g edreflect /state
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH EDREFLECT_HOME=/state DAGSTER_HOME=/state/dagster PYTHONUNBUFFERED=1
USER edreflect
VOLUME /state
ENTRYPOINT ["python", "-m", "edreflect_assets.orchestration.start"]
CMD ["dagster-webserver", "-h", "0.0.0.0", "-p", "3000", "-w", "workspace.yaml"]
