"""The published JSON schemas, and values that must follow them."""

import json
from pathlib import Path

import jsonschema
import referencing

SCHEMAS = Path(__file__).parents[1] / "docs" / "reference" / "schemas"
_OTHERS = referencing.Registry(
    retrieve=lambda name: referencing.Resource.from_contents(
        json.loads((SCHEMAS / name).read_text())
    )
)


def schema(name):
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def assert_valid(value, name):
    jsonschema.Draft202012Validator.check_schema(schema(name))
    jsonschema.Draft202012Validator(schema(name), registry=_OTHERS).validate(value)
