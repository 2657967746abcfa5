"""Conversion of decoded frames to upright RGB; a failed conversion is an error."""

from fractions import Fraction

import av
import av.filter
import cv2
import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from vswin_cli.video.reader import ReaderError

_ROTATIONS = ((1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0))  # clockwise
_UNTAGGED = 2  # AVCOL_SPC_UNSPECIFIED
_HDR = {16: "PQ", 18: "HLG"}  # AVCOL_TRC_SMPTE2084, AVCOL_TRC_ARIB_STD_B67


class Converter:
    """Converts the frames of one video; `notes` are messages about them for the results."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._matrices = dict[int, tuple[int, int, int, int]]()  # display matrix by rotation
        self.notes = dict[str, None]()  # in the order of their first occurrence

    def rgb(self, frame: VideoFrame) -> np.ndarray:
        """Convert a frame to upright RGB, uint8 (H, W, 3).

        In memory it is BGR: for channels with more than eight bits, swscale rounds BGR and RGB
        differently, and OpenCV, and so the original code, uses BGR.

        Raises:
            ReaderError: The frame cannot be converted.
        """
        if transfer := _HDR.get(frame.color_trc):
            self.notes[f"HDR ({transfer}): its colours are used without tone mapping"] = None
        try:
            picture = self._convert(frame)
        except av.FFmpegError:
            frame.colorspace = _UNTAGGED  # as FFmpeg's command line does
            try:
                picture = self._convert(frame)
            except av.FFmpegError as exc:
                raise ReaderError(
                    f"FFmpeg cannot convert its frames ({frame.format.name}) to RGB"
                ) from exc
        plane = picture.planes[0]
        size = picture.format.padded_bits_per_pixel // 8
        shape, strides = (picture.height, picture.width, size), (plane.line_size, size, 1)
        bgr: np.ndarray = np.ndarray(shape, np.uint8, memoryview(plane), strides=strides)
        # Computed once per rotation, because it costs more than the conversion.
        if frame.rotation not in self._matrices:
            self._matrices[frame.rotation] = display_matrix(frame)
        return _upright(bgr, self._matrices[frame.rotation])[..., 2::-1]

    def _convert(self, frame: VideoFrame) -> VideoFrame:
        # Four bytes per pixel are faster to convert and scale; in these widths, the bits are equal.
        bgr = "bgr0" if frame.width % 16 == 0 else "bgr24"
        return self._reformatter.reformat(
            frame, format=bgr, interpolation=Interpolation.BICUBIC, threads=1
        )


def display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """Return a, b, c, d, in 1/65536, which map x and y of the picture to x' and y' of the screen.

    Source: ISO/IEC 14496-12, 6.2.2: x' = a·x + c·y, y' = b·x + d·y.
    """
    try:
        matrix = _corner(frame).side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]
    except ValueError:  # side data that PyAV has no name for
        return _ROTATIONS[round(-frame.rotation / 90) % 4]
    if matrix is None:
        return _ROTATIONS[0]
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    return a, b, c, d


def _corner(frame: VideoFrame) -> VideoFrame:
    """Copy a few pixels of a frame with its side data; PyAV never frees a frame that gave it."""
    graph = av.filter.Graph()
    source = graph.add_buffer(None, frame.width, frame.height, frame.format, None, Fraction(1))
    corner = graph.add("crop", r"min(iw\,4):min(ih\,4)")
    graph.link_nodes(source, corner, graph.add("copy"), graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()


def _upright(picture: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Rotate and mirror a picture (H, W, 3) by its display matrix, to the nearest quarter turn."""
    a, b, c, d = matrix
    if abs(b) + abs(c) > abs(a) + abs(d):
        picture, a, d = cv2.transpose(picture), c, b
    if a < 0 or d < 0:
        picture = cv2.flip(picture, -1 if a < 0 and d < 0 else int(a < 0))
    return picture
