"""A switch between network namespaces that delays and loses frames, as long links do.

It is a program in user space: many kernels have no netem."""

import ctypes
import fcntl
import heapq
import itertools
import random
import select
import socket
import struct
import threading
import time

_ALL_FRAMES = 0x0003  # ETH_P_ALL
_SIOCETHTOOL = 0x8946
# ETHTOOL_STXCSUM, SSG, STSO, SGSO: who sends has to finish each frame, as nobody does after it.
_UNFINISHED = (0x17, 0x19, 0x1F, 0x24)
_FRAME_MAX = 65_536


def finish_frames(interface: str) -> None:
    """Has the kernel send whole frames with their checksums there. In the interface's namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for command in _UNFINISHED:
            value = ctypes.create_string_buffer(struct.pack("=II", command, 0))
            request = struct.pack("16sP", interface.encode(), ctypes.addressof(value))
            fcntl.ioctl(any_socket, _SIOCETHTOOL, request)


class SlowSwitch:
    """Passes frames from each of its ports to the others, a while later, but for some that are lost.

    Made in the namespace of the ports. `is_deaf_to` are ports whose frames are all lost."""

    def __init__(self, ports: list[str], *, delay: float, loss: float, seed: int):
        self.delay, self.loss = delay, loss
        self.is_deaf_to: set[str] = set()
        self.passed = self.lost = 0
        self._random = random.Random(seed)
        self._is_over = threading.Event()
        self._ports: dict[int, tuple[str, socket.socket]] = {}
        for port in ports:
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(_ALL_FRAMES))
            made.bind((port, 0))
            self._ports[made.fileno()] = port, made
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()
        for _, each in self._ports.values():
            each.close()

    def _run(self) -> None:
        waiting: list[tuple[float, int, int, bytes]] = []
        order = itertools.count()
        poller = select.poll()
        for number in self._ports:
            poller.register(number, select.POLLIN)
        while not self._is_over.is_set():
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, _, came_from, frame = heapq.heappop(waiting)
                self._pass_on(came_from, frame)
            wait = min(0.05, waiting[0][0] - now) if waiting else 0.05
            for number, _ in poller.poll(max(0.0, wait) * 1_000):
                for frame in self._read(number):
                    if self._ports[number][0] in self.is_deaf_to or self._random.random() < self.loss:
                        self.lost += 1
                    else:
                        heapq.heappush(waiting, (time.monotonic() + self.delay, next(order), number, frame))

    def _read(self, number: int):
        for _ in range(64):
            try:
                frame, where = self._ports[number][1].recvfrom(_FRAME_MAX)
            except OSError:
                return
            if where[2] != socket.PACKET_OUTGOING:
                yield frame

    def _pass_on(self, came_from: int, frame: bytes) -> None:
        self.passed += 1
        for number, (_, each) in self._ports.items():
            if number != came_from:
                try:
                    each.send(frame)
                except OSError:  # Its buffer is full, or its link is down.
                    self.lost += 1
