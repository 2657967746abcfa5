"""The way of a frame: from the bytes of a video, which `sources` opens, to RGB in memory.

`container` lets FFmpeg, through PyAV, take these bytes for one of the containers that hold coded
video in themselves, and for nothing else: no playlist, script, text or picture, and no reference
to another file or address is followed. Of its streams it chooses the one that players show.

`packets` lists the stream's packets with their times, without decoding. Sorted, the times name the
frames: frame k is the k-th that FFmpeg yields in sequence. The caller chooses from their number.

`av_reader` has `decoding` decode what the chosen frames need, in the cheapest way that proves
exact:

1. by the packets' times: packets that no chosen frame refers to are skipped, and where a video is
   long, all but the stretches around the chosen frames, by seeking. Every frame that comes must
   have a packet's time, in order, and nothing may decode with an error;
2. in order: everything is decoded and counted;
3. as players do, if there is damage: by one thread, past every packet that fails, counting them.

`pictures`: a frame becomes one only by a conversion that succeeded: bicubic swscale to BGR, which
is what OpenCV, and so the original code, sees. FFmpeg refuses some colour tags; it is asked again
without them, and what it still refuses is an error. The whole display matrix is applied, mirrors
included. Sizes and pixel formats may change within a file. Interlaced frames are taken whole, the
shape of samples is ignored, alpha is dropped, and HDR (PQ, HLG) is converted without tone mapping:
all four as the original does, and the last with a warning.

`decord_reader` is the second reader, for what PyAV should fail on; `reading` tries one after the
other, decodes again if the container counted wrong, and says what was damaged.
"""
