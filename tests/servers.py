"""Servers that belong to somebody else than the test run."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_celery_perf.broker import binary, client, ports
from pytest_celery_perf.broker.base import Endpoint
from pytest_celery_perf.broker.process import ProcessServer
from pytest_celery_perf.guard import Guard


@contextmanager
def users_redis(folder: Path) -> Iterator[Endpoint]:
    """Run a user's Redis.

    Args:
        folder: Where it may make a directory of its own.
    """
    found, reasons = binary.find()
    assert found is not None, reasons
    with Guard() as guard:
        server = ProcessServer(found, directory=folder / "server", guard=guard)
        yield server.start()
        server.stop()


@contextmanager
def tls_redis(folder: Path) -> Iterator[str]:
    """Run a user's Redis that speaks TLS alone, with a certificate that nobody else has signed.

    Args:
        folder: Where it may write.

    Yields:
        Its URL, which names the certificate and demands nothing of it.
    """
    openssl, (found, _) = shutil.which("openssl"), binary.find()
    if openssl is None or found is None:
        pytest.skip("apt-get install openssl redis-server")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, *subject],
        check=True,
        capture_output=True,
    )
    files = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-auth-clients", "no"]
    for port in ports.candidates():
        url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}"
        listen = ["--bind", "127.0.0.1", "--port", "0", "--tls-port", str(port)]
        with (folder / "server.log").open("w+") as log:
            with subprocess.Popen([found.path, *listen, *files, "--save", ""], cwd=folder, stdout=log) as server:
                try:
                    if _answers(server, url):
                        yield url
                        return
                finally:
                    server.kill()
            log.seek(0)
            if "Address already in use" not in log.read():
                pytest.skip(f"{found.description} has no TLS: apt-get install redis-server")
    pytest.fail(f"{found.description} found no free port")


def _answers(server: subprocess.Popen[bytes], url: str) -> bool:
    """Wait until a server answers; False if it ends. Whoever else listens there has another certificate."""
    client.wait_until(lambda: server.poll() is not None or client.answers(url), "a server with TLS answers")
    return server.returncode is None
