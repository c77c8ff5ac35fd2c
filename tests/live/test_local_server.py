"""The local server: whom it answers, what hostile clients get, and that nothing is left of it."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from http.client import HTTPConnection

import numpy as np
import pytest

from chainrule.live.local_server import HEAD, MOST_OPEN, LocalServer, Resources, _Server
from tests.live.page_client import Page


class Counted:
    """Resources that count what was asked of them."""

    def __init__(self) -> None:
        self.data = self.stops = 0

    def resources(self) -> Resources:
        return Resources(b"<p>page", "a-nonce", self._data, self._stop)

    def _data(self) -> bytes:
        self.data += 1
        return b'{"share": 0.5}'

    def _stop(self) -> None:
        self.stops += 1


@pytest.fixture
def counted():
    return Counted()


@pytest.fixture
def page(counted):
    with LocalServer(counted.resources()) as server:
        yield Page(server.address)


def test_the_page_its_data_and_the_stop_are_served(page, counted):
    assert page.got("") == b"<p>page"
    assert page.got("data") == b'{"share": 0.5}'
    assert page.asked("GET", page.path, f"Origin: {page.origin}") == 200
    assert page.stop() == 204
    assert counted.stops == counted.data == 1


def test_it_listens_on_this_machine_alone_and_says_what_a_browser_may_do(page):
    connection = HTTPConnection("127.0.0.1", page.port, timeout=10)
    connection.request("GET", page.path)
    answer = connection.getresponse()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'nonce-a-nonce'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert "Python" not in str(answer.headers)
    connection.close()
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    for other in others - {"127.0.0.1", "::1"}:
        with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
            socket.create_connection((other, page.port), timeout=2).close()


ATTACKS = {
    # DNS rebinding: a name of the attacker's leads to 127.0.0.1
    "rebound": lambda p: p.asked("GET", p.path, host=f"attacker.example:{p.port}"),
    "rebound without port": lambda p: p.asked("GET", p.path, host="attacker.example"),
    "another port": lambda p: p.asked("GET", p.path, host="127.0.0.1:1"),
    "no port": lambda p: p.asked("GET", p.path, host="127.0.0.1"),
    "ends like us": lambda p: p.asked("GET", p.path, host=f"evil.127.0.0.1:{p.port}"),
    "begins like us": lambda p: p.asked("GET", p.path, host=f"127.0.0.1:{p.port}.evil.example"),
    "user in host": lambda p: p.asked("GET", p.path, host=f"evil@127.0.0.1:{p.port}"),
    "empty host": lambda p: p.asked("GET", p.path, host=""),
    "two hosts": lambda p: p.asked("GET", p.path, "Host: attacker.example"),
    "no host": lambda p: p.sent(f"GET {p.path} HTTP/1.1\r\n\r\n".encode())[0],
    # other sites: CSRF, reading across origins
    "foreign origin": lambda p: p.asked("GET", f"{p.path}data", "Origin: http://attacker.example"),
    "null origin": lambda p: p.asked("GET", f"{p.path}data", "Origin: null"),
    "foreign stop": lambda p: p.asked("POST", f"{p.path}stop", "Origin: http://attacker.example"),
    "another port's stop": lambda p: p.asked("POST", f"{p.path}stop", "Origin: http://127.0.0.1:1"),
    "stop over https": lambda p: p.asked(
        "POST", f"{p.path}stop", f"Origin: https://127.0.0.1:{p.port}"
    ),
    "stop without origin": lambda p: p.asked("POST", f"{p.path}stop"),
    "two origins": lambda p: p.asked(
        "POST", f"{p.path}stop", f"Origin: {p.origin}", "Origin: http://attacker.example"
    ),
    "cross-site data": lambda p: p.asked("GET", f"{p.path}data", "Sec-Fetch-Site: cross-site"),
    "framed": lambda p: p.asked(
        *("GET", p.path, "Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate"),
        "Sec-Fetch-Dest: iframe",
    ),
    "preflight": lambda p: p.asked(
        *("OPTIONS", f"{p.path}stop", "Origin: http://attacker.example"),
        "Access-Control-Request-Method: POST",
    ),
    # the token
    "no token": lambda p: p.asked("GET", "/"),
    "no token, data": lambda p: p.asked("GET", "/data"),
    "wrong token": lambda p: p.asked("GET", f"/{'A' * 43}/"),
    "token too short": lambda p: p.asked("GET", f"{p.path[:-2]}/data"),
    "token in the query": lambda p: p.asked("GET", f"/data?token={p.path.strip('/')}"),
    "token that is no text": lambda p: p.asked("GET", "/\udcff\udcfe/data"),
    # paths
    "traversal": lambda p: p.asked("GET", f"{p.path}../../../../etc/passwd"),
    "encoded traversal": lambda p: p.asked("GET", f"{p.path}%2e%2e%2f%2e%2e%2fetc%2fpasswd"),
    "backslashes": lambda p: p.asked("GET", f"{p.path}..\\..\\windows\\win.ini"),
    "zero byte": lambda p: p.asked("GET", f"{p.path}data%00.html"),
    "a listing": lambda p: p.asked("GET", f"{p.path}./"),
    "absolute target": lambda p: p.asked("GET", f"http://attacker.example{p.path}"),
    "proxy": lambda p: p.asked("CONNECT", "attacker.example:443"),
    "query": lambda p: p.asked("GET", f"{p.path}data?callback=alert"),
    # methods
    "stop by GET": lambda p: p.asked("GET", f"{p.path}stop", f"Origin: {p.origin}"),
    "data by POST": lambda p: p.asked("POST", f"{p.path}data", f"Origin: {p.origin}"),
    "put": lambda p: p.asked("PUT", p.path),
    "delete": lambda p: p.asked("DELETE", p.path),
    "trace": lambda p: p.asked("TRACE", p.path),
    "head": lambda p: p.asked("HEAD", p.path),
    "no method at all": lambda p: p.asked("GE\tT", p.path),
    # bodies and headers
    "huge body": lambda p: p.asked(
        "POST", f"{p.path}stop", f"Origin: {p.origin}", "Content-Length: 99999999999"
    ),
    "sent body": lambda p: p.sent(
        f"POST {p.path}stop HTTP/1.1\r\nHost: 127.0.0.1:{p.port}\r\nOrigin: {p.origin}\r\n"
        f"Content-Length: 200000\r\n\r\n{'x' * 200_000}".encode()
    )[0],
    "chunked": lambda p: p.asked(
        "POST", f"{p.path}stop", f"Origin: {p.origin}", "Transfer-Encoding: chunked"
    ),
    "two lengths": lambda p: p.asked(
        "POST", f"{p.path}stop", f"Origin: {p.origin}", "Content-Length: 0", "Content-Length: 9"
    ),
    "negative length": lambda p: p.asked(
        "POST", f"{p.path}stop", f"Origin: {p.origin}", "Content-Length: -1"
    ),
    "huge header": lambda p: p.asked("GET", p.path, f"X: {'x' * 4 * HEAD}"),
    "many headers": lambda p: p.asked("GET", p.path, *[f"X{n}: 1" for n in range(400)]),
    "no request line": lambda p: p.sent(b"\r\nGET / HTTP/1.1\r\n\r\n")[0],
    "garbage": lambda p: p.sent(bytes(range(256)) + b"\r\n\r\n")[0],
    "TLS": lambda p: p.sent(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")[0],
    "HTTP/0.9": lambda p: p.sent(f"GET {p.path}\r\n\r\n".encode())[0],
    "HTTP/2": lambda p: p.sent(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")[0],
    "version 9": lambda p: p.sent(f"GET {p.path} HTTP/9.9\r\nHost: x\r\n\r\n".encode())[0],
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_refused(page, counted, name):
    assert 400 <= ATTACKS[name](page) < 500
    assert counted.stops == counted.data == 0


def test_mutants_of_a_request_are_answered_or_refused_and_nothing_fails(page, counted, monkeypatch):
    failures = []
    monkeypatch.setattr("chainrule.live.local_server.MOST_A_SECOND", 10**6)
    monkeypatch.setattr(_Server, "handle_error", lambda *given: failures.append(given))
    random = np.random.default_rng(int(os.environ.get("CHAINRULE_FUZZ_SEED", "0")))
    valid = (
        f"POST {page.path}stop HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nOrigin: {page.origin}\r\n"
        "Content-Length: 0\r\nAccept: */*\r\n\r\n"
    ).encode()
    pieces = b"\r\n|\n|\0|: | |HTTP/1.1|\xff\xfe|/..|Host: x\r\n".split(b"|")
    answers = Counter()
    for _ in range(int(os.environ.get("CHAINRULE_FUZZ", "300"))):
        mutant = bytearray(valid)
        for _ in range(random.integers(1, 5)):
            at = int(random.integers(len(mutant)))
            match random.integers(4):
                case 0:
                    mutant[at] = random.integers(256)
                case 1:
                    del mutant[at : at + int(random.integers(1, 20))]
                case 2:
                    mutant[at:at] = pieces[random.integers(len(pieces))]
                case _:
                    mutant[at:at] = mutant[: int(random.integers(len(mutant)))]
        status, _ = page.sent(bytes(mutant), ends=True)
        assert status == 204 or 400 <= status < 500, bytes(mutant)
        answers[status] += 1
    assert counted.stops == answers[204] < 0.5 * answers.total()
    assert len(answers) >= 4
    assert failures == []


def test_a_tab_that_a_terminal_in_a_browser_opens_is_no_attack(page):
    opened = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
    assert page.asked("GET", page.path, *opened) == 200


def test_a_slow_client_is_refused_in_time_and_holds_nobody_up(page, monkeypatch):
    monkeypatch.setattr("chainrule.live.local_server.SECONDS", 1.0)
    with socket.create_connection(("127.0.0.1", page.port), timeout=10) as slow:
        began = time.monotonic()
        slow.sendall(b"GET /")
        drip = threading.Event()

        def drips() -> None:
            while not drip.wait(0.1):
                try:
                    slow.sendall(b"x")
                except OSError:
                    return

        thread = threading.Thread(target=drips)
        thread.start()
        assert page.got() == b'{"share": 0.5}'
        answer = slow.recv(100)
        assert time.monotonic() - began < 8.0
        drip.set()
        thread.join()
    assert answer.split()[1] == b"408"


def test_more_connections_than_are_served_at_a_time_are_refused(page, monkeypatch):
    held = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(MOST_OPEN)]
    try:
        time.sleep(0.5)
        assert page.asked("GET", page.path) in (429, 0)  # 0: reset before the answer was read
    finally:
        for connection in held:
            connection.close()
    time.sleep(0.5)
    assert page.got() == b'{"share": 0.5}'


def test_a_flood_is_answered_at_a_limited_rate(page):
    ended = time.monotonic() + 2.0
    lock, counts = threading.Lock(), [0]

    def floods() -> None:
        while time.monotonic() < ended:
            page.asked("GET", page.path)
            with lock:
                counts[0] += 1

    threads = [threading.Thread(target=floods) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 10 <= counts[0] <= 40 * 4 + 10  # a second's worth at once, then the rate


def test_two_servers_have_different_tokens(counted):
    with LocalServer(counted.resources()) as one, LocalServer(counted.resources()) as two:
        first, second = Page(one.address), Page(two.address)
        assert len(first.path) >= 43
        assert first.path != second.path
        assert first.asked("GET", second.path) == 404


def test_nothing_listens_when_it_is_closed(counted):
    with LocalServer(counted.resources()) as server:
        page = Page(server.address)
        page.got()
    with pytest.raises(ConnectionRefusedError):
        page.got()
    server.close()  # again


def test_the_end_waits_for_who_looks_and_for_nobody_else(counted):
    with LocalServer(counted.resources()) as server:
        began = time.monotonic()
        server.wait_for_viewer(30.0)
        assert time.monotonic() - began < 1.0
        page = Page(server.address)
        page.got()
        timer = threading.Timer(0.3, page.got)
        timer.start()
        server.wait_for_viewer(30.0)
        assert time.monotonic() - began < 10.0
        assert counted.data == 2
        timer.join()
