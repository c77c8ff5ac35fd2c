"""A client for the tests: bytes over a socket, as no browser would send them."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Page:
    """The address of a live page."""

    address: str

    @property
    def port(self) -> int:
        port = urlsplit(self.address).port
        assert port is not None
        return port

    @property
    def path(self) -> str:
        return urlsplit(self.address).path

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sent(
        self, request: bytes, seconds: float = 10.0, *, ends: bool = False
    ) -> tuple[int, bytes]:
        """Send bytes, and return the status and the body of the answer; 0 without an answer.

        ``ends`` says to the server that nothing more will come.
        """
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            try:
                connection.sendall(request)
                if ends:
                    connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65_536):
                    answer += piece
            except ConnectionError:  # closed while the request was being sent
                pass
        head, _, body = answer.partition(b"\r\n\r\n")
        return (int(head.split(b" ")[1]) if head else 0), body

    def asked(self, method: str, path: str, *headers: str, host: str | None = None) -> int:
        """Return the status of a request for a path with headers."""
        named = f"127.0.0.1:{self.port}" if host is None else host
        lines = [f"{method} {path} HTTP/1.1", f"Host: {named}", *headers, "", ""]
        return self.sent("\r\n".join(lines).encode("utf-8", "surrogateescape"))[0]

    def got(self, name: str = "data") -> bytes:
        """Return a resource of the page."""
        lines = f"GET {self.path}{name} HTTP/1.1\r\nHost: localhost:{self.port}\r\n\r\n"
        status, body = self.sent(lines.encode())
        assert status == 200, status
        return body

    def stop(self) -> int:
        """Press the button, and return the status."""
        return self.asked("POST", f"{self.path}stop", f"Origin: {self.origin}", "Content-Length: 0")
