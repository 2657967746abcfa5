"""From the bytes of a video, which `sources` opens, to RGB frames in memory.

`container` opens these bytes with FFmpeg, through PyAV, only as a container with coded video: no
playlist, script, text or picture is accepted, and no reference to another file or address is
followed. It chooses the video stream that players show.

`packets` lists the packets of the stream with their times, without decoding. `coded` leaves out
those whose bytes show no picture. Sorted, the times identify the frames: frame k is the k-th that
FFmpeg yields in sequence. The caller chooses frames from their number. `clock` makes times from the
start of the film, as in players; if time stamps start again, the film continues.

`av_reader` decodes the chosen frames with `decoding`, in the cheapest way that is proven exact:

1. by the packets' times: packets with a picture that no other refers to are skipped, unless it is
   chosen; in a long video, only the parts around the chosen frames are decoded, by seeking. Every
   decoded packet must give a frame with its time, in order, and nothing may decode with an error;
2. in order: everything is decoded and counted;
3. as players do, if there is damage: with one thread, skipping and counting packets that fail.

`pictures` converts frames by bicubic swscale to BGR, as OpenCV does, and so the original code.
FFmpeg rejects some colour tags; the conversion is then repeated without them, and a second failure
is an error. The complete display matrix is applied, including mirroring. Sizes and pixel formats
may change within a file. As in the original code, interlaced frames are not split, the sample
aspect ratio is ignored, alpha is dropped, and HDR (PQ, HLG) is converted without tone mapping; the
last gives a warning.

`decord_reader` is the second reader, for videos with which PyAV fails. `reading` tries one after
the other, decodes again if the container's count was wrong, and reports damage.
"""
