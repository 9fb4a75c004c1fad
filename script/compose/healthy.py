"""Health check of the web container: 0 when /healthz answers 200, 1 when it does not.

Asks as the TLS proxy would, under the first allowed name, so that a bank set up for HTTPS and its
own name answers too. Standard library only.
"""

import http.client
import os
import sys


def is_healthy(port: int, allowed_hosts: str) -> bool:
    """Whether the web server on this port answers."""
    allowed = allowed_hosts.split(",")[0].strip().lstrip(".")
    name = allowed if allowed not in ("", "*") else "127.0.0.1"
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        link.request("GET", "/healthz", headers={"Host": name, "X-Forwarded-Proto": "https"})
        return link.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


if __name__ == "__main__":
    sys.exit(0 if is_healthy(8000, os.environ.get("ALLOWED_HOSTS", "")) else 1)
