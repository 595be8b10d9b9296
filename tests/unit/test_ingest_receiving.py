"""A broker's answers come whole, in order and with their errors, however the socket cuts them."""

import socket
from dataclasses import dataclass
from typing import Any

import kafka.errors
import pytest
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport
from kafka.protocol.frame import KafkaBytes

from ingest import receiving

MIB = 1024 * 1024


@dataclass
class Transport:
    """What `receive` needs of kafka-python's transport."""

    _sock: Any


@pytest.fixture
def ends() -> Any:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_what_has_come_is_received_and_the_rest_stays_for_the_next_time(ends: Any) -> None:
    ours, theirs = ends
    theirs.setblocking(False)
    sent = bytes(range(256)) * 8_192
    done, found = 0, b""
    while len(found) < len(sent):
        try:
            while done < len(sent):
                done += theirs.send(sent[done:])
        except BlockingIOError:
            pass
        part, error = receiving.receive(Transport(ours))
        assert error is None
        assert len(part) <= MIB
        found += bytes(part)

    assert found == sent
    part, error = receiving.receive(Transport(ours))
    assert (len(part), error) == (0, None)


def test_a_closed_connection_is_an_error_that_comes_with_what_came_before(ends: Any) -> None:
    ours, theirs = ends
    theirs.sendall(b"last words")
    theirs.close()

    part, error = receiving.receive(Transport(ours))

    assert bytes(part) == b"last words"
    assert isinstance(error, kafka.errors.KafkaConnectionError)


def test_a_connection_that_breaks_is_an_error_and_never_an_exception() -> None:
    class Broken:
        def recv_into(self, _: memoryview) -> int:
            raise ConnectionResetError("reset by peer")

    part, error = receiving.receive(Transport(Broken()))

    assert len(part) == 0
    assert isinstance(error, kafka.errors.KafkaConnectionError)
    assert "reset by peer" in str(error)


@pytest.mark.parametrize("size", [10, 200_000])
def test_an_answer_is_read_piece_by_piece_and_then_to_its_end(size: int) -> None:
    receiving.install()
    body = KafkaBytes(size)
    content = bytes(n % 251 for n in range(size))
    body.write(content)
    body.seek(0)

    first = body.read(4)
    rest = body.read()

    assert isinstance(first, bytes)
    assert first + bytes(rest) == content
    assert body.tell() == size
    assert bytes(body.read()) == b""
    assert body.read(7) == b""


def test_the_rest_of_a_large_answer_is_not_copied() -> None:
    receiving.install()
    body = KafkaBytes(MIB)
    rest = body.read()

    body[5] = 77

    assert isinstance(rest, memoryview)
    assert rest[5] == 77


def test_plain_connections_receive_this_way_and_encrypted_ones_their_own() -> None:
    own = KafkaSSLTransport._sock_recv
    receiving.install()

    assert KafkaTCPTransport._sock_recv is receiving.receive
    assert KafkaSSLTransport._sock_recv is own
    assert own is not receiving.receive
