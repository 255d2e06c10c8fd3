"""The Python library `eventsourcing` 9.5 on PostgreSQL, measured as `measure.rs` measures the other stores.

Its `PostgresApplicationRecorder` with `POSTGRES_ENABLE_DB_FUNCTIONS`, psycopg in C, one connection per caller;
without `Application` and its aggregates, so that an append does not load the stream first. The primary key over
originator and version is the version check. The function sends a notification, which serialises the commits. All
events are read by `select_notifications`, in the order of the notification ids.

The callers are threads, distributed over as many processes as there are cores, because Python runs one thread of a
process at a time.
"""

import json
import multiprocessing
import os
import sys
import threading
import time
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresFactory
from eventsourcing.utils import Environment

NAME = "eventsourcing"
LENGTH = 20
PAGE = 1_000
BYTES = 430


def sample_event(stream, version):
    metadata = {
        "account_id": str(UUID(int=1)),
        "actor": "contact",
        "correlation_id": str(uuid4()),
        "occurred_at": "2026-11-21T09:30:00.123456Z",
    }
    event = {"metadata": metadata, "data": {"text": ""}}
    event["data"]["text"] = "x" * (BYTES - len(json.dumps(event)))
    return StoredEvent(stream, version, "MessageReceived", json.dumps(event).encode())


def open_recorder(url, callers):
    parts = urlsplit(url)
    settings = {
        "POSTGRES_DBNAME": parts.path.lstrip("/"),
        "POSTGRES_HOST": parts.hostname,
        "POSTGRES_PORT": str(parts.port),
        "POSTGRES_USER": parts.username,
        "POSTGRES_PASSWORD": parts.password or "",
        "POSTGRES_POOL_SIZE": str(callers),
        "POSTGRES_ENABLE_DB_FUNCTIONS": "yes",
    }
    factory = PostgresFactory(Environment("conversations", settings))
    recorder = factory.application_recorder()
    recorder.max_notification_id()
    recorder.datastore.pool.wait()
    return recorder


def one_caller(recorder, until, answers):
    appended, finished = 0, []
    try:
        while True:
            stream = uuid4()
            for version in range(LENGTH):
                if time.monotonic() >= until:
                    return
                recorder.insert_events([sample_event(stream, version)])
                appended += 1
            finished.append(stream)
    finally:
        answers.append((appended, finished))


def one_process(url, callers, seconds, making, ready, answer):
    # Each process creates the tables and functions again, which the database does not allow at the same time.
    with making:
        recorder = open_recorder(url, callers)
    answers = []
    ready.wait()
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=one_caller, args=(recorder, until, answers)) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer.put((sum(count for count, _ in answers), [stream for _, finished in answers for stream in finished]))
    answer.close()
    answer.join_thread()
    # Ends without closing the pool, which takes seconds; everything is committed.
    os._exit(0)


def append(url, callers, seconds, streams):
    context = multiprocessing.get_context("spawn")
    count = min(callers, os.cpu_count() or 1)
    making, ready, answer = context.Lock(), context.Barrier(count + 1), context.Queue()
    processes = []
    for index in range(count):
        share = callers // count + (index < callers % count)
        arguments = (url, share, seconds, making, ready, answer)
        processes.append(context.Process(target=one_process, args=arguments, daemon=True))
        processes[-1].start()
    ready.wait(120)
    began, appended = time.monotonic(), 0
    for _ in processes:
        # A process that has not answered a minute after the time has failed.
        count, finished = answer.get(timeout=seconds + 60)
        appended += count
        streams.extend(finished)
    rate = appended / (time.monotonic() - began)
    for process in processes:
        process.join()
    return rate


def load(recorder, streams, seconds):
    began, loads = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        stream = streams[loads % len(streams)]
        if len(recorder.select_events(stream)) != LENGTH:
            sys.exit(f"{stream} is not whole")
        loads += 1
    return loads / (time.monotonic() - began)


def catch_up(recorder, streams, seconds):
    began, events = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        after, count = None, 0
        while page := recorder.select_notifications(after, PAGE, inclusive_of_start=False):
            after = page[-1].id
            count += len(page)
        if count < len(streams) * LENGTH:
            sys.exit(f"only {count} events were read")
        events += count
    return events / (time.monotonic() - began)


def main():
    url, seconds = sys.argv[1], float(sys.argv[2])
    recorder = open_recorder(url, 1)
    streams = []
    append(url, 64, seconds / 10, streams)
    for callers in (1, 16, 64):
        print(NAME, "append", callers, round(append(url, callers, seconds, streams)), flush=True)
    if not streams:
        sys.exit("no stream was finished: more seconds are needed")
    print(NAME, "load", 1, round(load(recorder, streams, seconds)), flush=True)
    print(NAME, "catch-up", 1, round(catch_up(recorder, streams, seconds)), flush=True)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
