"""Frames come off; a body that only looks like a frame is still read."""

import io
import json
import uuid
from typing import Any

import fastavro
import pytest

from ingest.frames import BARE, RegistryGuid, RegistryId, SingleObject, take_off
from ingest.writer_schemas import WriterSchemas


def test_every_frame_of_the_vectors_gives_its_record(vectors: Any, tmp_path: Any) -> None:
    given = vectors("frames")
    name = "_".join(
        {
            str(frame[key])
            for frame in given["frames"]
            for key in ("schema_id", "schema_guid")
            if key in frame
        }
    )
    (tmp_path / f"{name}.avsc").write_text(json.dumps(given["schema"]))
    schemas = WriterSchemas(tmp_path)
    schemas.start()
    assert given["frames"]

    for case in given["frames"]:
        value = bytes.fromhex(case["hex"])
        headers = [(key, bytes.fromhex(content)) for key, content in case["headers"].items()]
        frame, start = take_off(value, headers)
        if frame == BARE:
            writer = given["schema"]
        else:
            known = schemas.find(frame)
            assert known is not None, case["name"]
            writer = known.parsed
        body = io.BytesIO(value[start:])
        record = fastavro.schemaless_reader(body, fastavro.parse_schema(writer), None)

        assert record == given["record"], case["name"]
        assert body.tell() == len(value) - start, case["name"]
        if "fingerprint" in case:
            assert frame == SingleObject(bytes.fromhex(case["fingerprint"]))


def test_a_frame_too_short_to_be_one_is_bare() -> None:
    for value in (b"\x00", b"\x00\x00\x00\x01", b"\x01" + bytes(15), b"\xc3\x01" + bytes(7)):
        assert take_off(value) == (BARE, 0)


def test_a_header_goes_before_what_the_body_looks_like() -> None:
    guid = uuid.uuid4()

    frame, start = take_off(b"\x00\x00\x00\x00\x07", [("__value_schema_id", b"\x01" + guid.bytes)])

    assert (frame, start) == (RegistryGuid(guid), 0)


@pytest.mark.parametrize("content", [b"", b"\x01", b"\x01" + bytes(20), b"\x05abcd", None])
def test_a_malformed_schema_header_is_no_frame(content: bytes | None) -> None:
    frame, start = take_off(b"\x00\x00\x00\x00\x07rest", [("__value_schema_id", content)])

    assert (frame, start) == (RegistryId(7), 5)
