"""Reads the lines of all rounds and prints one table: the median of the rounds, and its ratio to the control's.

Lines are `<round> <store> <what> <callers> <rate>`, `<round> <store> note <words>` and
`<round> <store> not-run <reason>`; or, from our own measurement, `<round> ours table <line of its table>`.
"""

import re
import statistics
import sys
from collections import defaultdict

COLUMNS = {
    ("append", "1"): "append, 1 caller",
    ("append", "16"): "16 callers",
    ("append", "64"): "64 callers",
    ("load", "1"): "streams of 20",
    ("catch-up", "1"): "catching up",
}
# Remarks that a reader of the figures needs.
REMARKS = {
    "control": "keeps no order that a reader could follow; its catching up is one select",
    "messagedb": "reads one category in order, here the only one",
    "postgres-es": "reads everything by version, in no order of the log, as one select",
    "disintegrate": "reads everything as one select",
}
STORES = ["control", "ours", "messagedb", "eventsourcing", "emmett", "postgres-es", "disintegrate", "umadb"]
OURS = [
    (r"PostgreSQL: appends in one order, (\d+) callers", "append"),
    (r"PostgreSQL: loading streams", "load"),
    (r"PostgreSQL: catching up by subscription", "catch-up"),
]


def read(lines):
    rates, notes, missing = defaultdict(dict), {}, {}
    for line in lines:
        round_number, store, what, rest = line.rstrip("\n").split(" ", 3)
        if what == "note":
            notes[store] = rest
        elif what == "not-run":
            missing[store] = rest
        elif what == "table":
            for pattern, kind in OURS:
                if found := re.match(pattern, rest):
                    callers = found.group(1) if found.groups() else "1"
                    rate = re.split(r"\s{2,}", rest)[1].split()[0].replace(",", "")
                    rates[store, kind, callers][round_number] = float(rate)
        else:
            callers, rate = rest.split()
            rates[store, what, callers][round_number] = float(rate)
    return rates, notes, missing


def ratio(rates, store, column):
    """The median, over the rounds, of the ratio to the control of the same round."""
    of, control = rates[store, *column], rates["control", *column]
    shared = [of[round_number] / control[round_number] for round_number in of if control.get(round_number)]
    return statistics.median(shared) if shared else None


def main():
    rates, notes, missing = read(sys.stdin)
    ran = [store for store in STORES if any((store, *column) in rates for column in COLUMNS)]
    rows = [["store", *COLUMNS.values()]]
    for store in ran:
        row = [store]
        for column in COLUMNS:
            found, times = rates[store, *column], ratio(rates, store, column)
            rate = f"{statistics.median(found.values()):,.0f} /s" if found else "-"
            row.append(rate if times is None or store == "control" else f"{rate}  {times:.2f} x")
        rows.append(row)
    if "ours" in ran:
        row = ["ours is ahead"]
        for column in COLUMNS:
            ours = ratio(rates, "ours", column)
            others = {store: ratio(rates, store, column) for store in ran if store not in ("control", "ours")}
            ahead = [store for store, times in others.items() if times and ours and times >= ours]
            if ours is None:
                row.append("-")
            else:
                row.append("no: " + ", ".join(ahead) if ahead else "of each")
        rows.append(row)
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for row in rows:
        first, *rest = (cell.ljust(width) if index == 0 else cell.rjust(width)
                        for index, (cell, width) in enumerate(zip(row, widths)))
        print("  ".join([first, *rest]))
    for store in ran:
        if store in REMARKS:
            print(f"{store}: {REMARKS[store]}")
    for store, words in notes.items():
        print(f"{store}: {words}")
    for store in STORES:
        if store in missing:
            print(f"not run: {store}: {missing[store]}")


main()
