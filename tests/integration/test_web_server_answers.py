"""Small answers are sent at once: no second packet waits for the receipt of the first."""

import asyncio
import socket

import pytest

from cli.web_server import _listen


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_accepted_connections_do_not_hold_small_packets_back(host: str) -> None:
    async def accepted_at_once() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def note(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            found.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = _listen((host, 0))
        async with await asyncio.start_server(note, sock=listener):
            _, writer = await asyncio.open_connection(host, listener.getsockname()[1])
            async with asyncio.timeout(10):
                set_to = await found
            writer.close()
        return set_to

    try:
        assert asyncio.run(accepted_at_once()) != 0
    except OSError:
        if host == "::1":
            pytest.skip("this machine has no IPv6")
        raise
