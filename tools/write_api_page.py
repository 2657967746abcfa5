"""Write docs/api.md, the reference of the Python API, from its docstrings.

python tools/write_api_page.py
"""

import inspect
import re
from functools import cached_property
from pathlib import Path

import vswin_cli

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
_HEAD = """# vswin from Python

```python
import vswin_cli as vswin

model = vswin.load_model("swin-t-k400")
for result in model.predict_each(["a.mp4", "b.mp4"]):
    print(result.to_dict())
```

`import vswin_cli` is instant and changes nothing in the process. All names on this page are in
`vswin_cli`, and every error is a `VswinError`. `tools/write_api_page.py` makes this page from the
docstrings; tests run their examples.
"""


def page() -> str:
    """Write the whole page."""
    return "\n".join([_HEAD, *map(_entry, vswin_cli.__all__)])


def _entry(name: str) -> str:
    found = getattr(vswin_cli, name)
    if not inspect.isclass(found):
        return _section(2, name, found)
    if issubclass(found, Exception):
        bases = ", ".join(f"`{base.__name__}`" for base in found.__bases__)
        return f"## {name}\n\nA kind of {bases}. {_markdown(found.__doc__)}\n"
    parts = [f"## {name}\n\n{_markdown(found.__doc__)}\n"]
    for member, value in vars(found).items():
        if member.startswith("_"):
            continue
        if isinstance(value, property | cached_property):
            function = value.fget if isinstance(value, property) else value.func
            parts.append(f"### {name}.{member}\n\n{_markdown(function.__doc__)}\n")
        elif inspect.isfunction(value):
            parts.append(_section(3, f"{name}.{member}", value))
    return "\n".join(parts)


def _section(level: int, name: str, function: object) -> str:
    parameters = [
        re.sub(r": .*?( = |$)", r"\1", re.sub("<function .*>", "...", str(parameter)))
        .replace(" = ", "=")
        .replace("'", '"')
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self"
    ]
    call = f"{name}({', '.join(parameters)})"
    if len(call) > 100:  # like ruff
        call = "\n".join([f"{name}(", *(f"    {each}," for each in parameters), ")"])
    return f"{'#' * level} {name}\n\n```python\n{call}\n```\n\n{_markdown(function.__doc__)}\n"


def _markdown(docstring: str | None) -> str:
    """Turn Google's sections into lists, and examples into code."""
    lines: list[str] = []
    in_section = in_code = False
    for line in inspect.cleandoc(docstring or "").splitlines():
        if in_code and not line.strip():
            lines.append("```")
            in_code = False
        if line.startswith(">>> ") and not in_code:
            lines.append("```python")
            in_code = True
        if re.fullmatch(r"(Args|Attributes|Raises|Returns):", line):
            in_section = line != "Returns:"
            lines += [f"**{line[:-1]}**", ""]
        elif in_section and re.match(r"    \S", line):
            names, _, text = line.strip().partition(": ")
            marked = ", ".join(f"`{part}`" for part in names.split(", "))
            lines.append(f"- {marked}: {text}" if text else f"- {line.strip()}")
        elif in_section:
            lines.append(line[4:] if line.startswith("      ") else line)
        else:
            lines.append(line.removeprefix("    ") if not in_code else line)
    return "\n".join([*lines, *(["```"] if in_code else [])])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
