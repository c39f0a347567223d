"""Tests of server/json_schemas.py: every real answer is valid by the schema that the server has for it."""

import json
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from logonscope.errors import InvalidMethodError
from logonscope.server.json import JSON_OPERATIONS
from logonscope.server.json_schemas import class_schemas, openapi, operation_schema
from tests.server.json_requests import BODIES, OF_HISTORY, post
from tests.server.running import RunningServer, running

WITH_JSONSCHEMA = pytest.mark.skipif(find_spec("jsonschema") is None, reason="needs jsonschema, of the extra test")


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running(allow_methods="true") as found:
        yield found


def test_the_server_has_the_document_for_those_who_authenticate(server: RunningServer) -> None:
    answer = post(server, "openapi.json", method="GET")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body) == openapi()
    assert set(openapi()["paths"]) == {f"/v1/{name}" for name in JSON_OPERATIONS}


def test_every_reference_leads_to_a_schema() -> None:
    text = json.dumps(openapi())
    referred = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred <= set(openapi()["components"]["schemas"])


def test_every_class_with_instances_has_a_schema() -> None:
    assert {"Win32_SessionProcess", "LS_LogonSession"} <= set(class_schemas())
    process = class_schemas()["Win32_Process"]["properties"]
    assert process["WorkingSetSize"]["type"] == ["integer", "null"]
    assert process["CreationDate"]["type"] == ["string", "number", "null"]


@WITH_JSONSCHEMA
@pytest.mark.parametrize("name", JSON_OPERATIONS)
def test_a_request_and_its_answer_are_valid(server: RunningServer, name: str) -> None:
    import jsonschema  # noqa: PLC0415 -- not every machine has it

    document = operation_schema(name)
    validator = jsonschema.Draft202012Validator
    validator.check_schema(document)
    for part in ("request", "answer"):
        validator.check_schema(document["properties"][part])
    definitions = {"$defs": document["$defs"]}
    validator({**document["properties"]["request"], **definitions}).validate(BODIES[name])
    if name == "delete" or name in OF_HISTORY:
        return
    lines = post(server, name, BODIES[name]).lines
    assert lines
    for line in lines:
        validator({**document["properties"]["answer"], **definitions}).validate(line)


@WITH_JSONSCHEMA
def test_the_properties_of_instances_are_valid(server: RunningServer) -> None:
    import jsonschema  # noqa: PLC0415 -- not every machine has it

    for name, schema in class_schemas().items():
        namespace = "root/logonscope" if name.startswith("LS_") else "root/cimv2"
        validator = jsonschema.Draft202012Validator({**schema, "additionalProperties": False})
        for line in post(server, "enumerate", {"class_name": name, "namespace": namespace, "deep": False}).lines:
            validator.validate(line["properties"])


def test_an_unknown_operation() -> None:
    with pytest.raises(InvalidMethodError, match="the operations are identify, machine, sessions"):
        operation_schema("nothing")
