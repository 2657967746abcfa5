"""What happens when: a film becomes windows, windows become segments.

`film` tells it on one page: frames come from one sequential decode (`films/sequence`), `shots`
finds the cuts, `windows` has the model's clip slide over each shot (`making` does so in a thread),
the model computes them in batches (`computing`), `steps` averages them over the steps of time that
they cover, `refining` looks closer where the best label changes, and `segments` makes stretches of
one label. `runs` does that for many films and survives being killed (`checkpoint`); there all but
the model is in a process that may hang or crash (`film_worker`, `film_process`). `live` is for what
has no end. `formats/` writes what comes out, a file a format; `metrics` compares it with `truth`.

A frame is converted to RGB, scaled and cropped once, when the first window needs it: of most
protocols every other one. Until then it is what the decoder made, unless that is large.
"""
