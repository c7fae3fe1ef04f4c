"""Ten thousand connections that have asked once, and ask no more."""

import resource
import select
import socket

IDLE = 10_000


def raise_open_files():
    """So that this process, and a server that it starts, may have as many connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < IDLE + 500:
        raise RuntimeError(f"the limit of open files is too low: {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class IdleConnections:
    """Have asked once, and ask no more."""

    def __init__(self, port, user):
        raise_open_files()
        asked = f"GET /api/users/{user} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        self._open = []
        for _ in range(IDLE):
            one = socket.create_connection(("127.0.0.1", port), 60)
            self._open.append(one)
            one.sendall(asked)
            if not one.recv(4096).startswith(b"HTTP/1.1 200 "):
                raise RuntimeError("an idle connection got no answer")

    def closed(self):
        """How many were closed meanwhile."""
        poll = select.poll()
        for one in self._open:
            poll.register(one, select.POLLIN)
        return len(poll.poll(0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self._open:
            one.close()
