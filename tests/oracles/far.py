#!/usr/bin/env python3
"""A server that is far away: passes what comes on to another port of 127.0.0.1, late.

  far.py PORT DELAY [WINDOW]   each byte takes DELAY milliseconds each way, and a connection has at most WINDOW KiB (1024) on their way in
                               each direction, as one with such a TCP window has: WINDOW per two DELAYs is the most it carries.
                               Says its own port, and ends with its standard input.
"""
import asyncio
import sys


async def carry(reader, writer, delay, window):
    loop, late, free = asyncio.get_running_loop(), asyncio.Queue(), asyncio.Event()
    room = window

    def acknowledged(size):
        nonlocal room
        room += size
        free.set()

    async def deliver():
        while (item := await late.get()) is not None:
            due, data = item
            await asyncio.sleep(max(0, due - loop.time()))
            writer.write(data)
            await writer.drain()
            loop.call_later(delay, acknowledged, len(data))
        writer.close()

    delivery = asyncio.create_task(deliver())
    try:
        while data := await reader.read(min(room, 64 << 10)):
            room -= len(data)
            late.put_nowait((loop.time() + delay, data))
            while room == 0:
                free.clear()
                await free.wait()
        late.put_nowait(None)
        await delivery
    except OSError:
        delivery.cancel()
        writer.close()


async def main(port, delay, window):
    async def connected(reader, writer):
        try:
            there, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, back, delay, window), carry(there, writer, delay, window))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if not 3 <= len(sys.argv) <= 4:
    sys.exit(__doc__)
asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) / 1000, int((sys.argv[3:] or ["1024"])[0]) << 10))
