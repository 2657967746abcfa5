"""A real HTTP server that misbehaves on purpose, and the small checkpoints on it."""

import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Step = Callable[["Handler"], None]


class MisbehavingServer(ThreadingHTTPServer):
    """Serves one content under every path, with ETag and Range, unless `script` says otherwise.

    Each request takes the next step of the script; after the last, requests are served normally.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.script: list[Step] = []
        self.always: Step | None = None
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.num_bytes_sent = 0
        self.bytes_per_second: float | None = None
        self.lock = threading.Lock()
        self.released = threading.Event()

    def __enter__(self) -> "MisbehavingServer":
        threading.Thread(target=self.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()

    @property
    def mirror(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/folder"

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors, because tests kill clients."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: MisbehavingServer

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.requests.append((self.path, dict(self.headers)))
            step = self.server.script.pop(0) if self.server.script else self.server.always
        (step or serve)(self)

    def send(self, body: bytes) -> None:
        """Write in chunks, at the server's pace."""
        pace = self.server.bytes_per_second
        size = max(1, int(pace / 50)) if pace else 1 << 18
        for start in range(0, len(body), size):
            chunk = body[start : start + size]
            self.wfile.write(chunk)
            with self.server.lock:
                self.server.num_bytes_sent += len(chunk)
            if pace:
                time.sleep(len(chunk) / pace)

    def hang_up(self, *, reset: bool = False) -> None:
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True


def serve(
    handler: Handler,
    *,
    content: bytes | None = None,
    etag: str | None = '"one"',
    last_modified: str | None = None,
    ranges: bool = True,
    if_range: bool = True,
    length: int | None = None,
    content_type: str = "application/octet-stream",
    cut_after: int | None = None,
    reset: bool = False,
    stall_after: int | None = None,
    shift: int = 0,
    piece: int | None = None,
    hold_after: int | None = None,
) -> None:
    """Serve normally, except for the options.

    Args:
        handler: Handler of the request.
        content: Content in place of the server's.
        etag: ETag; None sends none.
        last_modified: Date; None sends none.
        ranges: Whether Range works.
        if_range: Whether If-Range works.
        length: A wrong Content-Length; -1 sends none.
        content_type: Content type.
        cut_after: Close the connection after this number of bytes of the body.
        reset: Reset the connection instead of closing it.
        stall_after: Stop sending after this number of bytes of the body.
        shift: Send another range than requested.
        piece: Send at most this number of bytes of a range.
        hold_after: Send this number of bytes of the body, and the rest when the server is
            `released`.
    """
    whole = handler.server.content if content is None else content
    asked = handler.headers.get("Range") if ranges else None
    condition = handler.headers.get("If-Range")
    if if_range and condition and condition not in {etag, last_modified}:
        asked = None
    start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
    if start > 0 and start >= len(whole):
        handler.send_response(416)
        handler.send_header("Content-Range", f"bytes */{len(whole)}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    start = max(0, start + shift) if asked else 0
    body = whole[start : start + piece] if asked and piece else whole[start:]
    handler.send_response(206 if asked else 200)
    if asked:
        last = start + len(body) - 1
        handler.send_header("Content-Range", f"bytes {start}-{last}/{len(whole)}")
    if length != -1:
        handler.send_header("Content-Length", str(len(body) if length is None else length))
    else:
        handler.send_header("Connection", "close")
    if etag:
        handler.send_header("ETag", etag)
    if last_modified:
        handler.send_header("Last-Modified", last_modified)
    handler.send_header("Content-Type", content_type)
    handler.end_headers()
    if stall_after is not None:
        handler.send(body[:stall_after])
        time.sleep(20)
    elif hold_after is not None:
        handler.send(body[:hold_after])
        handler.server.released.wait()
        handler.send(body[hold_after:])
    elif cut_after is not None:
        handler.send(body[:cut_after])
        handler.hang_up(reset=reset)
    else:
        handler.send(body)
        if length is not None:
            handler.hang_up()


def serving(**options: object) -> Step:
    """Make a step that serves with options."""
    return lambda handler: serve(handler, **options)


def answering(status: int, body: bytes = b"", **headers: str) -> Step:
    """Make a step that answers with a status."""

    def step(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return step


def hanging_up(handler: Handler) -> None:
    """Close the connection without an answer."""
    handler.hang_up(reset=True)


def chunked(handler: Handler, *, cut_after: int | None = None) -> None:
    """Serve without a length, in HTTP chunks."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    body = handler.server.content[:cut_after]
    for start in range(0, len(body), 50_000):
        piece = body[start : start + 50_000]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.server.num_bytes_sent += len(piece)
    if cut_after is None:
        handler.wfile.write(b"0\r\n\r\n")
    else:
        handler.hang_up()
