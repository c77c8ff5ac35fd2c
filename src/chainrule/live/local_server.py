"""A web server for one page of one process: on this machine only, at an address with a secret.

A web page elsewhere can let a browser send requests to 127.0.0.1, and other users of the machine
can send their own. So an answer is given only to who knows the token in the address, names this
server as its Host (a rebound name does not) and comes from no other Origin. What is served is three
resources, named below; no file is ever read for a request.

Whatever a client does costs the training little: connections are accepted at a limited rate, a few
are open at a time, each for a few seconds, and of each a limited number of bytes is read.
"""

from __future__ import annotations

import hmac
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from socketserver import TCPServer, ThreadingMixIn
from types import TracebackType
from typing import Any

__all__ = ["LocalServer", "Resources"]

ADDRESS = "127.0.0.1"
SECONDS = 5.0
"""In which a client has sent its request, and again has taken the answer."""
MOST_OPEN = 8
"""Connections that are open at a time; further ones are refused."""
MOST_A_SECOND = 40
"""Connections accepted in a second; further ones wait in the system's queue."""
HEAD = 16_384
"""Bytes of a request: its line and its headers. No request has a body."""
DRAINED = 1 << 18
"""Bytes of a body that are read and dropped, so that its sender gets to read the refusal."""
WATCHED = 3.0
"""Seconds after a request for data in which somebody is taken to look at the page."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Resources:
    """What is served: the page, with the nonce of its script; the data, as JSON; the stop."""

    page: bytes
    nonce: str
    data: Callable[[], bytes]
    stop: Callable[[], object]


class LocalServer:
    """A server of `Resources` in threads of its own, a context manager; ``address`` is the page's.

    >>> with LocalServer(Resources(b"<p>", "n", lambda: b"{}", print)) as server:
    ...     server.address.startswith("http://127.0.0.1:")
    True
    """

    def __init__(self, resources: Resources) -> None:
        self._server = _Server(resources)
        port = self._server.server_address[1]
        self.address = f"http://{ADDRESS}:{port}/{self._server.token}/"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.2,), name="chainrule-live", daemon=True
        )
        self._thread.start()

    def wait_for_viewer(self, seconds: float) -> None:
        """Wait until the data are asked for, if somebody looks at the page; so long at most."""
        server = self._server
        if time.monotonic() - server.asked < WATCHED:
            server.seen.clear()
            server.seen.wait(seconds)

    def close(self) -> None:
        """End the server: nothing listens at its port afterwards."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> LocalServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Server(ThreadingMixIn, TCPServer):
    """The listening socket. Not http.server's, which looks its own name up in the network."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = False
    request_queue_size = 16

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self.token = secrets.token_urlsafe(32)
        self.asked = float("-inf")
        self.seen = threading.Event()
        self._open = threading.BoundedSemaphore(MOST_OPEN)
        self._next = 0.0
        super().__init__((ADDRESS, 0), _Request)
        port = self.server_address[1]
        self.hosts = frozenset({f"{ADDRESS}:{port}", f"localhost:{port}"})
        self.origins = frozenset(f"http://{host}" for host in self.hosts)

    def get_request(self) -> tuple[socket.socket, Any]:
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(self._next, now - 1.0) + 1.0 / MOST_A_SECOND
        try:
            return super().get_request()
        except OSError:  # no descriptor is left, say: asked again at once it would fill a processor
            time.sleep(0.1)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._open.acquire(blocking=False):
            with suppress(OSError):
                request.setblocking(False)
                request.sendall(b"HTTP/1.0 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._open.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news; the terminal is the training's."""


class _Request(BaseHTTPRequestHandler):
    """One request of one connection."""

    server: _Server
    timeout = SECONDS

    def handle(self) -> None:
        head = self._head()
        if head is None:
            return
        self.rfile = BytesIO(head)
        self.raw_requestline = self.rfile.readline()
        if not self.raw_requestline.strip():  # which http.server leaves without an answer
            self._send(HTTPStatus.BAD_REQUEST)
        elif self.parse_request():
            self._answer()
        self._drain()

    def _head(self) -> bytes | None:
        """Return the request's line and headers; None, refused, where they do not come."""
        self.close_connection = True
        self.requestline, self.request_version, self.command = "", "HTTP/1.0", ""
        head, end = b"", time.monotonic() + SECONDS
        while b"\r\n\r\n" not in head and b"\n\n" not in head:
            if len(head) > HEAD:
                self._send(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                self._drain()
                return None
            left = end - time.monotonic()
            if left <= 0.0:
                self._send(HTTPStatus.REQUEST_TIMEOUT)
                return None
            self.connection.settimeout(left)
            try:
                piece = self.connection.recv(4096)
            except TimeoutError:
                continue
            if not piece:
                self._send(HTTPStatus.BAD_REQUEST)
                return None
            head += piece
        self.connection.settimeout(SECONDS)
        return head

    def _answer(self) -> None:
        refusal = self._refusal()
        if refusal is not None:
            self._send(refusal)
            return
        name, resources = self._name(), self.server.resources
        if name == "data":
            data = resources.data()
            self._send(HTTPStatus.OK, data, "application/json")
            self.server.asked = time.monotonic()
            self.server.seen.set()
        elif name == "stop":
            resources.stop()
            self._send(HTTPStatus.NO_CONTENT)
        else:
            policy = (
                f"{_NOTHING}; script-src 'nonce-{resources.nonce}'; style-src 'unsafe-inline'; "
                "connect-src 'self'; img-src data:"
            )
            self._send(HTTPStatus.OK, resources.page, "text/html; charset=utf-8", policy)

    def _refusal(self) -> HTTPStatus | None:
        """Return why the request is refused, None where it is not."""
        if not self.request_version.startswith("HTTP/1."):
            self.request_version = "HTTP/1.0"  # of an answer that has headers
            return HTTPStatus.BAD_REQUEST
        hosts, origins = (self.headers.get_all(name, []) for name in ("Host", "Origin"))
        if len(hosts) != 1 or len(origins) > 1:
            return HTTPStatus.BAD_REQUEST
        if hosts[0] not in self.server.hosts or not self.server.origins.issuperset(origins):
            return HTTPStatus.FORBIDDEN
        name = self._name()
        if name not in ("", "data", "stop"):
            return HTTPStatus.NOT_FOUND
        if self.command != ("POST" if name == "stop" else "GET"):
            return HTTPStatus.METHOD_NOT_ALLOWED
        if name == "stop" and not origins:  # a browser always names it; others can
            return HTTPStatus.FORBIDDEN
        if self._is_foreign(name):
            return HTTPStatus.FORBIDDEN
        if self.headers.get_all("Transfer-Encoding"):
            return HTTPStatus.BAD_REQUEST
        lengths = self.headers.get_all("Content-Length", ["0"])
        if lengths != ["0"]:
            numeric = len(lengths) == 1 and lengths[0].isascii() and lengths[0].isdigit()
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE if numeric else HTTPStatus.BAD_REQUEST
        return None

    def _name(self) -> str | None:
        """Return the resource behind the token, None for any other path."""
        parts = self.path.split("/")
        if len(parts) != 3 or parts[0]:
            return None
        known = hmac.compare_digest(parts[1].encode(), self.server.token.encode())
        return parts[2] if known else None

    def _is_foreign(self, name: str) -> bool:
        """Return whether a browser says that another site asks: it may open the page, no more."""
        site = self.headers.get("Sec-Fetch-Site", "none")
        opens = (self.headers.get("Sec-Fetch-Mode"), self.headers.get("Sec-Fetch-Dest"))
        return site not in ("same-origin", "none") and (name, *opens) != (
            "", "navigate", "document",
        )  # fmt: skip

    # -- output ----------------------------------------------------------------------------------

    def _send(
        self, status: HTTPStatus, body: bytes = b"", kind: str = "", policy: str = _NOTHING
    ) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Security-Policy", policy)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drain(self) -> None:
        """Drop what else is sent: a connection closed before that would lose the answer."""
        end, dropped = time.monotonic() + 1.0, 0
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while dropped < DRAINED and (left := end - time.monotonic()) > 0.0:
                self.connection.settimeout(left)
                piece = self.connection.recv(65_536)
                if not piece:
                    return
                dropped += len(piece)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no HTTP/1 request; http.server calls this."""
        self.request_version = "HTTP/1.0"
        self._send(HTTPStatus(code) if 400 <= code < 500 else HTTPStatus.BAD_REQUEST)

    def version_string(self) -> str:
        return "chainrule"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged: the terminal is the training's."""
