"""A local HTTP server that sends files by ranges or whole, and counts the bytes."""

import re
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, *, with_body):
        server = self.server
        server.requests.append(self.path)
        server.logins.append(self.headers.get("Authorization"))
        if with_body and server.num_to_break:
            server.num_to_break -= 1
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        content = server.files.get(self.path.partition("?")[0])
        if content is None or server.refuses:
            self.send_response(server.refuses or 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted and server.gives_ranges:
            start, stop = int(wanted[1]), int(wanted[2] or len(content) - 1) + 1
            part = content[start:stop]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
        else:
            part = content
            self.send_response(200)
        if server.gives_ranges:
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(part)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if with_body:
            self.wfile.write(part)
            server.num_bytes += len(part)

    def log_message(self, *_):
        pass


@contextmanager
def serving(files, *, gives_ranges=True, refuses=None, num_to_break=0):
    """Serve contents by path; `refuses` is a status to answer instead.

    The first `num_to_break` connections close without an answer.
    """
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.gives_ranges, server.refuses = files, gives_ranges, refuses
        server.num_to_break, server.num_bytes = num_to_break, 0
        server.requests, server.logins = [], []
        server.address = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
