"""A small RTSP server that sends H.264 over the connection that asks for it."""

import re
import socketserver
import struct
import threading
import time
from contextlib import contextmanager, suppress

import av

_SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=film\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:video\r\n"
)
_TICKS = 90_000  # per second


def rtp_packets(path):
    """Yield seconds and RTP packets of an H.264 stream with start codes, a NAL unit each."""
    number = 0
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            if packet.dts is None:
                return
            units = [u.rstrip(b"\0") for u in bytes(packet).split(b"\0\0\1")][1:]
            for unit in units:
                is_last = unit is units[-1]
                ticks = int(packet.pts * packet.time_base * _TICKS)
                head = struct.pack(">BBHII", 0x80, 96 | is_last << 7, number & 0xFFFF, ticks, 1)
                yield float(packet.dts * packet.time_base), head + unit
                number += 1


@contextmanager
def rtsp_server(path, *, speed=1.0, stops_after=None, hangs=False):
    """Serve a stream as rtsp://127.0.0.1:PORT/film, and yield the address.

    Args:
        path: Transport stream with H.264.
        speed: Seconds of the film per second.
        stops_after: Seconds of the film after which the server sends nothing more.
        hangs: Keep the connection open after the last packet.
    """

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            with suppress(OSError):
                while request := self.request_text():
                    method, address = request.split()[:2]
                    if "/film" not in address:
                        self.reply(request, "404 Not Found")
                    elif method == "DESCRIBE":
                        self.reply(request, "200 OK", "Content-Type: application/sdp", _SDP)
                    elif method == "SETUP":
                        transport = re.search(r"Transport:[^\r]*", request)[0]
                        self.reply(request, "200 OK", f"{transport}\r\nSession: 1")
                    else:
                        self.reply(request, "200 OK", "Session: 1")
                    if method == "PLAY":
                        self.play()
                        return

        def request_text(self):
            lines = iter(self.rfile.readline, b"\r\n")
            text = ""
            for line in lines:
                if not line:
                    return ""
                text += line.decode()
            return text

        def reply(self, request, status, headers="", body=""):
            number = re.search(r"CSeq: *(\d+)", request)[1]
            text = f"RTSP/1.0 {status}\r\nCSeq: {number}\r\nContent-Length: {len(body)}\r\n"
            self.wfile.write((text + (headers and f"{headers}\r\n") + f"\r\n{body}").encode())

        def play(self):
            begun, first = time.monotonic(), None
            for seconds, packet in rtp_packets(path):
                first = seconds if first is None else first
                if stops_after is not None and seconds - first >= stops_after:
                    break
                time.sleep(max(begun + (seconds - first) / speed - time.monotonic(), 0))
                self.wfile.write(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
            while hangs and not ending.wait(0.1):
                pass

    ending = threading.Event()
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"rtsp://127.0.0.1:{server.server_address[1]}/film"
    finally:
        ending.set()
        server.shutdown()
        server.server_close()
        thread.join()
