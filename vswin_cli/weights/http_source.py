"""A web server as a source: requests, responses, and messages for failures."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from types import TracebackType
from typing import Self

import requests
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

from vswin_cli import __version__
from vswin_cli.errors import DownloadError
from vswin_cli.sources.addresses import without_credentials
from vswin_cli.weights.source import (
    CHUNK_BYTES,
    RangeRefusedError,
    RemoteFile,
    Reply,
    TransientError,
    is_header,
)

MAX_REDIRECTS = 10
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)
_COUNT = re.compile(r"\d{1,18}", re.ASCII)
_LONGEST_SECONDS = 366 * 86_400.0  # regardless of the server
_HINTS = {
    401: "it requires a login; put one into ~/.netrc",
    403: "access is denied; check --mirror, or put a login into ~/.netrc",
    404: "there is no such file; check --mirror",
    407: "the proxy requires a login",
    410: "the file no longer exists",
}


class HttpSource:
    """A file on a web server.

    The library requests handles proxies, ~/.netrc and REQUESTS_CA_BUNDLE. This class handles
    SSL_CERT_FILE, which other programs use instead.

    Args:
        address: Address of the file.
        timeout_seconds: Time to wait for a server that sends nothing.
    """

    def __init__(self, address: str, timeout_seconds: float) -> None:
        self.address = address
        self._timeout_seconds = timeout_seconds
        self._reached = False
        self._session = requests.Session()
        self._session.max_redirects = MAX_REDIRECTS
        self._session.headers["User-Agent"] = f"vswin/{__version__}"
        # Bytes are counted as in the file, so it must not be compressed during transfer.
        self._session.headers["Accept-Encoding"] = "identity"
        certificates = os.environ.get("SSL_CERT_FILE")
        if certificates and not os.environ.get("REQUESTS_CA_BUNDLE"):
            self._session.verify = certificates

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.close()

    @contextmanager
    def open(self, start: int, origin: RemoteFile | None) -> Iterator[Reply]:
        """Request the file from byte `start` on; see `DownloadSource.open`."""
        headers = {}
        if start:
            headers["Range"] = f"bytes={start}-"
            if origin and origin.validator:
                headers["If-Range"] = origin.validator
        try:
            response = self._session.get(
                self.address, headers=headers, stream=True, timeout=self._timeout_seconds
            )
        except requests.RequestException as exc:
            raise self._failure(exc) from exc
        except (HTTPError, HTTPException, ValueError) as exc:  # for invalid redirects
            raise DownloadError(self._says(f"the request is invalid ({exc})")) from exc
        with response:
            self._reached = True
            self._check_status(response)
            begin, end, num_bytes = self._extent(response, start)
            yield Reply(
                origin=RemoteFile(
                    num_bytes,
                    _validator(response, "ETag"),
                    _validator(response, "Last-Modified"),
                ),
                start=begin,
                end=end,
                content_type=response.headers.get("Content-Type"),
                chunks=self._chunks(response),
            )

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        # read1 returns everything that has arrived: a broken connection loses none of it.
        try:
            while chunk := response.raw.read1(CHUNK_BYTES, decode_content=False):
                yield chunk
        except ReadTimeoutError as exc:
            raise TransientError(self._says(self._silence())) from exc
        except (HTTPError, HTTPException, OSError) as exc:
            raise TransientError(self._says("the connection broke")) from exc

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        says = self._says(f"HTTP {status} {response.reason or ''}".rstrip())
        if status in {408, 425, 429} or status >= 500:
            raise TransientError(says, _retry_after_seconds(response.headers.get("Retry-After")))
        if status == 416:
            return
        if status not in {200, 206}:
            hint = _HINTS.get(status)
            raise DownloadError(f"{says}, {hint}" if hint else says)
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            raise DownloadError(
                self._says(f"it sends the file compressed ({encoding}), though asked not to")
            )

    def _extent(
        self, response: requests.Response, start: int
    ) -> tuple[int, int | None, int | None]:
        """Return the start and end of the body and the size of the file, if known."""
        if response.status_code == 200:
            length = response.headers.get("Content-Length", "")
            return 0, None, int(length) if _COUNT.fullmatch(length) else None
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        if response.status_code == 416 or not start or not match or int(match[1]) != start:
            # The server's file is shorter than ours, or it sends another range than requested.
            raise RangeRefusedError(self._says("it does not continue where the download stopped"))
        return start, int(match[2]) + 1, None if match[3] == "*" else int(match[3])

    def _failure(self, exc: requests.RequestException) -> DownloadError:
        cause = exc.args[0] if exc.args else None
        cause = getattr(cause, "reason", cause)
        may_pass = isinstance(exc, requests.ConnectionError | requests.Timeout)
        if isinstance(exc, requests.TooManyRedirects):
            reason = f"it redirects more than {MAX_REDIRECTS} times, in a loop?"
        elif isinstance(exc, requests.exceptions.SSLError) and "VERIFY" in str(cause).upper():
            may_pass = False
            reason = (
                "its certificate is not trusted; if your company has a certificate authority, set "
                "REQUESTS_CA_BUNDLE or SSL_CERT_FILE to its file"
            )
        elif isinstance(exc, requests.exceptions.ProxyError):
            may_pass = self._may_come_back(cause)
            reason = f"the proxy does not let it through ({_reason(cause)})"
        elif isinstance(exc, requests.Timeout):
            reason = self._silence()
        elif isinstance(cause, NewConnectionError):
            may_pass = self._may_come_back(cause)
            reason = f"cannot connect ({_reason(cause)}); check the network"
        elif may_pass:
            reason = f"cannot connect ({_reason(cause)})"
        else:
            reason = str(exc)
        return (TransientError if may_pass else DownloadError)(self._says(reason))

    def _may_come_back(self, cause: object) -> bool:
        """Whether to retry a host that refuses: only if it was reached before."""
        error = _system_error(cause)
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            return True  # no name server has answered
        is_refusal = isinstance(error, socket.gaierror | ConnectionRefusedError)
        return self._reached or not is_refusal

    def _silence(self) -> str:
        return f"no data for {self._timeout_seconds:g} s"

    def _says(self, reason: str) -> str:
        return f"{without_credentials(self.address)}: {reason}"


def _validator(response: requests.Response, name: str) -> str | None:
    value = response.headers.get(name)
    return value if is_header(value) else None


def _system_error(cause: object) -> OSError | None:
    """Find the system error inside errors of requests and urllib3."""
    while isinstance(cause, Exception) and not isinstance(cause, OSError):
        inner = cause.args[-1] if cause.args else None
        cause = cause.__cause__ or (inner if isinstance(inner, Exception) else None)
    return cause if isinstance(cause, OSError) else None


def _reason(cause: object) -> str:
    error = _system_error(cause)
    return "it broke off" if error is None else error.strerror or str(error)


def _retry_after_seconds(header: str | None) -> float | None:
    """Read the seconds or the date of a Retry-After header; None if it is neither."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return min(float(header), _LONGEST_SECONDS)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return min(max(0.0, (date - datetime.now(UTC)).total_seconds()), _LONGEST_SECONDS)
