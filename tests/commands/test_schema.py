"""``crdtctl schema`` prints the JSON Schema of the files that are written."""

import json

import jsonschema
import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.handwritten import counted, document


@pytest.fixture
def validator(shell: Shell) -> jsonschema.Draft202012Validator:
    """Return what validates against the printed schema, which needs no replica."""
    schema = json.loads(shell.ok("schema"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_every_file_that_is_written_satisfies_it(
    shell: Shell, replica: Replica, validator: jsonschema.Draft202012Validator
) -> None:
    for tag in ("gcounter", "pncounter"):
        replica.increment("big", 10**50, tag=tag, also=True)
        replica.increment("big", 7, tag=tag, once="job 17")
    replica.create("empty", "gset")
    replica.add("visitors", "ada", "grace")
    replica.merge_bytes(document("other", 1, counted("builds", "other", 1, 7)))
    validator.validate(json.loads(shell.ok("export")))
    validator.validate(json.loads(shell.ok("export", "--since", '{"other":1}')))
    for file in ("own.json", "known.json"):
        validator.validate(json.loads((shell.directory / ".crdtctl" / file).read_bytes()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"crdtctl": 2},
        {"kind": "guess"},
        {"kind": "delta"},
        {"clock": {"other": 0}},
        {"counters": {"a=b": {"pncounter": {"other": [1, 1, 0]}}}},
        {"counters": {"a": {}}},
        {"counters": {"a": {"abacus": {"other": [1, 1, 0]}}}},
        {"counters": {"a": {"pncounter": {"other": [1, 1]}}}},
        {"counters": {"a": {"pncounter": {"other": [1, 1.5, 0]}}}},
        {"counters": {"a": {"pncounter": {"other": [1, -1, 0]}}}},
        {"counters": {"a": {"pncounter": {"other": [1, 2**53, 0]}}}},
        {"counters": {"a": {"pncounter": {"other": [1, "12", 0]}}}},
        {"counters": {"a": {"gset": {"other": [1, ["ada", "ada"]]}}}},
        {"crc32": "0123"},
        {"more": 1},
    ],
)
def test_what_is_no_state_does_not_satisfy_it(
    validator: jsonschema.Draft202012Validator, wrong: dict[str, object]
) -> None:
    state = json.loads(document("other", 1, counted("builds", "other", 1, 7)))
    validator.validate(state)
    assert not validator.is_valid({**state, **wrong})
