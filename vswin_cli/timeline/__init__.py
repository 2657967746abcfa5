"""What happens when: a film becomes windows, windows become segments.

`film` tells it on one page: frames come from one sequential decode (`video/sequence`), `shots`
finds the cuts, `windows` cuts clips that slide over each shot, the model computes them, `steps`
averages them over the steps of time that they cover, `segments` makes stretches of one label.
`runs` does that for many films and survives being killed (`checkpoint`); `live` for what has no
end. `formats/` writes what comes out, a file a format; `metrics` compares it with the truth.
"""
