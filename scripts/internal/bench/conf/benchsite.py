"""The design of 2006 on today's Django: pages of the tree through a view, the per-site cache in memcached."""

from pathlib import Path

from django.conf import settings
from django.core.cache.backends.memcached import PyMemcacheCache
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpResponse
from django.urls import path

TREE = Path("{{.Tree}}")

# Connections to memcached outlive a request: that is faster, and closing those of one thread would break into the
# requests of the others.
PyMemcacheCache.close = lambda self, **signal: None


def page(request, name):
    file = (TREE / name).resolve()
    if TREE not in file.parents or not file.is_file():
        raise Http404
    return HttpResponse(file.read_bytes(), content_type="text/html")


settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="of a server on loopback",
    ROOT_URLCONF=(path("<path:name>", page),),
    # Compressed pages are kept compressed, and their length is known.
    MIDDLEWARE=[
        "django.middleware.cache.UpdateCacheMiddleware",
        "django.middleware.gzip.GZipMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.cache.FetchFromCacheMiddleware",
    ],
    CACHES={
        "default": {
            "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
            "LOCATION": "unix:{{.Memcached}}",
            # The middleware shares one client between the threads.
            "OPTIONS": {"use_pooling": True},
        }
    },
    CACHE_MIDDLEWARE_SECONDS=3600,
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"stderr": {"class": "logging.StreamHandler"}},
        "loggers": {"django": {"handlers": ["stderr"], "level": "ERROR"}},
    },
)
application = get_wsgi_application()
