#!/usr/bin/env python3
"""Reads Verbatim's events from NATS JetStream with a durable pull consumer.

    pip install nats-py
    python3 consume.py --server nats://127.0.0.1:4222 --durable reporting

Each event is printed as one line of JSON, and acknowledged when the line is out. Stopped and started again
under the same durable name it goes on where it was; under a new name it begins at the beginning. Any number
of programs may read under names of their own, each at its own pace.

What was handed out and not acknowledged comes again after `--ack-wait` seconds, so a program that dies
between doing its work and acknowledging it sees an event twice: the event's `id` tells. Here one message is
under way at a time, so that they come in order even then.
"""

import argparse
import asyncio
import json
import sys

import nats
from nats.errors import TimeoutError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy


async def fetch_whole(event):
    """An event too large for the broker comes without `data` and with a `dataref`: the address to get it
    from, with a token of role `service`. Left to the reader, who knows where tokens come from."""
    print(f"event {event['id']} is to be fetched from {event['dataref']}", file=sys.stderr)


async def consume(options):
    connection = await nats.connect(options.server)
    try:
        jetstream = connection.jetstream()
        subscription = await jetstream.pull_subscribe(
            options.subject,
            durable=options.durable,
            stream=options.stream,
            config=ConsumerConfig(
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=options.ack_wait,
                deliver_policy=DeliverPolicy.ALL,
                max_ack_pending=1,
            ),
        )
        read = 0
        while options.count is None or read < options.count:
            try:
                [message] = await subscription.fetch(1, timeout=options.patience)
            except TimeoutError:
                # Nothing new for a while.
                if options.until_quiet:
                    return
                continue
            event = json.loads(message.data)
            if "dataref" in event:
                await fetch_whole(event)
            print(json.dumps(event), flush=True)
            # Waits until NATS has it, so that stopping right after repeats nothing.
            await message.ack_sync()
            read += 1
    finally:
        await connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="nats://127.0.0.1:4222")
    parser.add_argument("--stream", default="VERBATIM")
    parser.add_argument("--durable", required=True, help="the name under which NATS remembers what was read")
    parser.add_argument(
        "--subject",
        default="verbatim.>",
        help="verbatim.<account>.<aggregate>.<EventType>, with * and > as wildcards",
    )
    parser.add_argument("--count", type=int, help="stop after so many events")
    parser.add_argument("--until-quiet", action="store_true", help="stop when nothing new comes")
    parser.add_argument("--patience", type=float, default=5.0, help="seconds after which it is quiet")
    parser.add_argument("--ack-wait", type=float, default=30.0)
    try:
        asyncio.run(consume(parser.parse_args()))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
