"""Timelines: a film becomes windows, and windows become segments.

`film` has the whole path on one page. Frames come from one sequential decode (`films/sequence`),
`shots` finds cuts, `windows` slides the model's clip over each shot (in a thread: `making`), and
the model computes windows in batches (`computing`). `steps` averages their probabilities over even
steps of time, `refining` computes shorter windows where the best label changes, and `segments`
joins steps of one label. `runs` does this for many films and continues after a stop (`checkpoint`);
there, everything but the model runs in a process that may hang or crash (`film_worker`,
`film_process`). `live` is for streams. `formats/` has a file per format; `metrics` compares results
with `truth`.

A frame is converted to RGB, scaled and cropped once, when the first window needs it; in most
protocols this is every second frame. Until then, the decoder's frame is kept, unless it is large.
"""
