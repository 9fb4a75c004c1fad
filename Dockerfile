# The application image: web, worker, beat and migrations are one image with different commands.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    ANJU_STATE=/state

WORKDIR /anju
COPY requirements.txt ./
RUN pip install --require-hashes -r requirements.txt

RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin anju \
 && install -d -o anju -g anju -m 0700 /state /state/media /state/static

# .dockerignore names what there is to copy; state, secrets and tests are not among it.
COPY . ./
USER 10001:10001
RUN python manage.py collectstatic --no-input -v 0 --ignore redoc --ignore rest_framework

EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "script/compose/healthy.py"]

# The log has the path without its query string: a search may hold an identity number.
CMD ["gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", \
     "--workers", "2", "--threads", "4", "--graceful-timeout", "10", "--worker-tmp-dir", "/dev/shm", \
     "--no-control-socket", "--access-logfile", "-", \
     "--access-logformat", "%(h)s %(t)s \"%(m)s %(U)s %(H)s\" %(s)s %(b)s"]
