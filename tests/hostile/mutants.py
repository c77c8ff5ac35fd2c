"""Changes model files in every way, loads them, and uses what loads.

    python tests/hostile/mutants.py [MUTANTS [SEED]]

Every single-bit flip of two small files comes first (with fewer than 10,000 mutants every 31st),
then random mutants of the bytes, of the header, of the metadata and of the arrays. Where the
checksum was not made to agree, a mutant is refused or loads as the very model that was saved. Where
it was (a file that was made to attack), it is refused, or the model that loads predicts, or refuses
to, in one line. Each takes less than a second, and less memory than the file's size and 64 MB, and
an audit hook sees no code, no import, no process and no other file. Prints one line of figures; the
exit code is 1 where one mutant departed, which is then written to a file.
"""

import json
import random
import resource
import struct
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

import chainrule as cr
from chainrule.errors import LONGEST_MESSAGE, ChainruleError, InputError
from chainrule.table_models.model_files import encoded, load
from chainrule.table_models.table_model import TableModel
from chainrule.tensor_files import checksum_of

SECONDS, MEGABYTES = 1.0, 64.0
PATIENCE = 10.0  # how many times as long by the clock, on a machine that does other things
MOST_MEMORY = 6 << 30
WITH_ALL_FLIPS = 10_000
"""With fewer mutants only every 31st bit is flipped."""
FRAME = pl.DataFrame(
    {
        "größe": [0.1, 0.2, None, 0.4, 0.5, 0.6] * 4,
        "city": ["Ulm", "北京", "Ulm", None, "北京", "a\n\"b'"] * 4,
        "day": [f"2020-01-{day:02}" for day in range(1, 25)],
        "price": [1.1, 2.3, 3.5, 4.7, 5.9, 7.3] * 4,
        "kind": ["u", "v", "w"] * 8,
    }
)
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "U8": "|u1", "BOOL": "|b1"}

Change = Callable[[random.Random, Any], Any]


# -- the files ---------------------------------------------------------------------------------


def originals() -> dict[str, bytes]:
    """Return small model files of every kind."""
    x, c = cr.Input(2), cr.Categories(3)
    hidden = cr.Dense(3, "tanh")(cr.LayerNorm()(x), cr.Embedding(2)(c))
    graph = cr.Network([x, c], cr.Dense(1)(cr.Dropout(0.2)(cr.PReLU()(hidden))))
    own = cr.network_from("H = X + tanh(X @ W_ii + b_i); A = H @ W_io", sizes={"i": 2, "o": 1})
    networks = {
        "dense": cr.Network.dense([2, 3, 1], "tanh", penalty=cr.L2(0.1)),
        "graph": graph,
        "formulas": own,
    }
    files = {name: encoded((n, n.initialize(seed=0))) for name, n in networks.items()}
    quick: dict[str, Any] = {"hidden": (2,), "validation": 0, "epochs": 2}
    files["numbers"] = encoded(cr.train_table(FRAME, "price", **quick).model)
    files["classes"] = encoded(cr.train_table(FRAME, "kind", **quick).model)
    files["recipe"] = encoded(cr.train_table(FRAME, "price", epochs=1, folds=2).model)
    return files


def parts(data: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Return the header, the metadata and the bytes of the arrays of a file."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    return header, json.loads(header["__metadata__"]["chainrule"]), data[end:]


def joined(header: dict[str, Any] | str, rest: bytes) -> bytes:
    text = (header if isinstance(header, str) else json.dumps(header)).encode(
        "utf-8", "surrogatepass"
    )
    return struct.pack("<Q", len(text)) + text + rest


def signed(header: dict[str, Any], record: dict[str, Any], rest: bytes) -> bytes:
    """Return a file whose checksum agrees with what it holds, where that can be read."""
    try:
        arrays = {
            name: np.frombuffer(rest[slice(*entry["data_offsets"])], TYPES[entry["dtype"]]).reshape(
                entry["shape"]
            )
            for name, entry in header.items()
            if name != "__metadata__"
        }
        record = {**record, "checksum": checksum_of(record, arrays)}
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError):
        pass  # refused whatever the checksum is
    return joined({**header, "__metadata__": {"chainrule": json.dumps(record)}}, rest)


# -- mutations ---------------------------------------------------------------------------------


def odd_value(chosen: random.Random) -> Any:
    """Return a value that a field may not expect."""
    return chosen.choice(
        [
            *(None, True, False, 0, -1, 1, 2, 3, 0.5, -0.0, 1e-320, 1e308, -1e308, 1e999),
            *(float("nan"), 2**31, 2**53 + 1, 2**63, 2**64, 10**30, 10**400, "", "0", "1"),
            *("\0", "\n", "../../x", "/etc/passwd", "x" * 5000, "\ud800", "\u202e", "W_1", "a=1"),
            *("tanh", "softmax", "mse", "log_loss", "__class__", "z", "numeric", "class", "Dense"),
            *([], {}, [[]], [None], [1, 2, 3], {"layer": 0}, {"function": "tanh"}, [0] * 2000),
            *({"": ""}, {"x": {"x": {"x": 1}}}, ["add", ["symbol", "z"]], ["number", "9" * 300]),
        ]
    )


def paths(node: Any, path: tuple = ()) -> Iterator[tuple]:
    """Yield the path of every entry of nested dictionaries and lists."""
    if path:
        yield path
    entries = node.items() if isinstance(node, dict) else ()
    for key, entry in enumerate(node) if isinstance(node, list) else entries:
        yield from paths(entry, (*path, key))


def at(node: Any, path: tuple) -> Any:
    for key in path:
        node = node[key]
    return node


def altered(chosen: random.Random, tree: Any) -> Any:
    """Change one entry of a tree of JSON in place, and return the tree."""
    known = list(paths(tree))
    if not known:
        return tree
    path = chosen.choice(known)
    owner, key = at(tree, path[:-1]), path[-1]
    old = owner[key]
    match chosen.randrange(9):
        case 0 | 1:
            owner[key] = odd_value(chosen)
        case 2:
            del owner[key]
        case 3 if isinstance(old, bool):
            owner[key] = not old
        case 3 if isinstance(old, int | float):
            factor = chosen.choice([-1, 0, 2, 10, 1e6, 1e-6, 1e300])
            owner[key] = old + chosen.choice([-1, 1]) if chosen.random() < 0.5 else old * factor
        case 3 | 4:  # a piece of elsewhere
            owner[key] = json.loads(json.dumps(at(tree, chosen.choice(known))))
        case 5 if isinstance(old, list):
            old.insert(chosen.randint(0, len(old)), odd_value(chosen))
        case 5 if isinstance(old, dict):
            old[str(odd_value(chosen))[:50]] = odd_value(chosen)
        case 5 if isinstance(old, str):
            position = chosen.randint(0, len(old))
            owner[key] = (
                old[:position] + chosen.choice("\0\n{}[]\"'$/\\=é\u202ez9") + old[position:]
            )
        case 6 if isinstance(old, list) and old:
            owner[key] = old * chosen.choice([2, 3, 100])
        case 7 if isinstance(old, list):
            chosen.shuffle(old)
        case 8:  # deep nesting
            for _ in range(chosen.choice([2, 90, 200, 400])):
                old = chosen.choice([[old], {"x": old}, ["add", old]])
            owner[key] = old
        case _:
            owner[key] = odd_value(chosen)
    return tree


def bytes_changed(chosen: random.Random, data: bytes) -> bytes:
    """Flip, cut, insert, delete, copy or overwrite bytes."""
    found = bytearray(data)
    for _ in range(chosen.choice([1, 1, 1, 2, 5])):
        begin = chosen.randrange(len(found) or 1)
        length = chosen.choice([1, 1, 2, 8, 60])
        match chosen.randrange(6):
            case 0:
                found[begin : begin + 1] = bytes([chosen.randrange(256)])
            case 1:
                del found[begin:]
            case 2:
                found[begin:begin] = chosen.randbytes(length)
            case 3:
                del found[begin : begin + length]
            case 4:
                other = chosen.randrange(len(found) or 1)
                found[begin : begin + length] = found[other : other + length]
            case _:
                found[begin : begin + length] = chosen.choice(b'\0\xff{["9').to_bytes(1) * length
    return bytes(found)


def header_changed(chosen: random.Random, data: bytes) -> bytes:
    """Change types, shapes and offsets; doubled keys, overlaps, holes, numbers without end."""
    header, _, rest = parts(data)
    names = [name for name in header if name != "__metadata__"]
    name, other = chosen.choice(names), chosen.choice(names)
    entry = header[name]
    match chosen.randrange(8):
        case 0:
            entry["dtype"] = chosen.choice([*TYPES, "BF16", "F8_E4M3", "U64", "f64", ""])
        case 1:
            entry["shape"] = chosen.choice(
                [[], [1], entry["shape"][::-1], [*entry["shape"], 1], [2**63], [2**32] * 2, [-1]]
            )
        case 2:  # an overlap, a hole
            entry["data_offsets"] = chosen.choice(
                [header[other]["data_offsets"], [0, 0], [8, 16], [2**63, 2**64], [-8, 0], [16, 8]]
            )
        case 3:
            header[chosen.choice(["extra", "0/W_1", "9/W_1", "-1/W_1", "²/W_1", ""])] = entry
        case 4:
            rest = chosen.choice([rest[:-1], rest + b"\0", rest + rest, b""])
        case 5:  # a key twice
            text = json.dumps(header)
            again = json.dumps({name: header[other]})[1:-1]
            return joined(text[:-1] + ", " + again + "}", rest)
        case 6:
            header[name] = odd_value(chosen)
        case _:
            altered(chosen, header)
    return joined(header, rest)


def doubled_key(chosen: random.Random, data: bytes) -> bytes:
    """Name an entry of the metadata twice, with another value first."""
    header, record, rest = parts(data)
    key = chosen.choice(list(record))
    text = json.dumps(record)
    header["__metadata__"]["chainrule"] = (
        "{" + json.dumps({key: odd_value(chosen)})[1:-1] + ", " + text[1:]
    )
    return joined(header, rest)


def record_changed(chosen: random.Random, data: bytes) -> bytes:
    header, record, rest = parts(data)
    header["__metadata__"]["chainrule"] = json.dumps(altered(chosen, record))
    return joined(header, rest)


def record_changed_and_signed(chosen: random.Random, data: bytes) -> bytes:
    header, record, rest = parts(data)
    for _ in range(chosen.choice([1, 1, 1, 2, 3])):
        altered(chosen, record)
    return signed(header, record, rest)


def header_changed_and_signed(chosen: random.Random, data: bytes) -> bytes:
    try:
        header, record, rest = parts(header_changed(chosen, data))
    except (ValueError, TypeError, KeyError, AttributeError):
        return data
    return signed(header, record, rest)


def arrays_changed_and_signed(chosen: random.Random, data: bytes) -> bytes:
    """Put NaN, infinities, denormals and huge numbers into the arrays, or exchange the arrays."""
    header, record, rest = parts(data)
    numbers = np.frombuffer(rest, "<f8").copy()
    wrong = [np.nan, np.inf, -np.inf, 5e-324, -0.0, 1e308, -1e308, 1e155, 1e30]
    for _ in range(chosen.choice([1, 3, 50])):
        numbers[chosen.randrange(len(numbers))] = chosen.choice(wrong)
    if chosen.random() < 0.3:
        names = [name for name in header if name != "__metadata__"]
        one, other = chosen.choice(names), chosen.choice(names)
        header[one], header[other] = header[other], header[one]
    return signed(header, record, numbers.tobytes())


UNSIGNED = (bytes_changed, bytes_changed, header_changed, record_changed, doubled_key)
SIGNED = (
    *(record_changed_and_signed,) * 5,
    header_changed_and_signed,
    arrays_changed_and_signed,
)


def flips(files: dict[str, bytes]) -> Iterator[tuple[str, str, bytes]]:
    """Yield every single-bit flip of the smallest file of arrays and of one of a table."""
    for name in ("dense", "numbers"):
        for bit in range(8 * len(files[name])):
            found = bytearray(files[name])
            found[bit // 8] ^= 1 << bit % 8
            yield name, "flips", bytes(found)


def mutants(files: dict[str, bytes], seed: int) -> Iterator[tuple[str, str, bytes]]:
    """Yield random mutants without end: the name of the original, the kind, the bytes."""
    chosen, names = random.Random(seed), list(files)
    while True:
        name = chosen.choice(names)
        change = chosen.choice(UNSIGNED if chosen.random() < 0.4 else SIGNED)
        kind = change.__name__
        yield name, kind, change(chosen, files[name])


# -- the check ---------------------------------------------------------------------------------


class _Watched:
    """Whether the audit hook listens: a hook stays for ever."""

    on = False

    def __enter__(self) -> None:
        self.on = True

    def __exit__(self, *_: object) -> None:
        self.on = False


WATCHED = ("exec", "compile", "import", "subprocess", "pickle", "os", "ctypes", "socket", "marshal")
_watched, _seen = _Watched(), list[str]()


def _hook(event: str, arguments: tuple) -> None:
    if _watched.on and event == "open":
        _seen.append(str(arguments[0]))
    elif _watched.on and event.split(".")[0] in WATCHED:
        _seen.append(event)


def departure(path: Path, data: bytes, original: bytes, agrees: bool) -> str | None:
    """Return what a mutant did that it may not do, or None; "refused" and "loaded" are fine."""
    path.write_bytes(data)
    _seen.clear()
    try:
        with _watched:
            model = load(path)
    except InputError as error:
        message = str(error)
        if len(message.splitlines()) != 1 or len(message) > LONGEST_MESSAGE + len(str(path)) + 2:
            return f"a message of {len(message)} characters: {message[:300]!r}"
        return None if str(path) in message else f"a message without the file: {message}"
    if set(_seen) - {str(path)}:
        return f"loading did {_seen}"
    if not agrees:
        return None if encoded(model) == original else "a change was accepted"
    try:
        used(model)
    except ChainruleError as error:
        message = str(error)
        if len(message.splitlines()) != 1 or len(message) > 2 * LONGEST_MESSAGE:
            return f"a message of {len(message)} characters from a prediction: {message[:300]!r}"
    return "loaded"


def used(model: Any) -> None:
    """Predict with a model that loaded, and write it again; an output may not be NaN."""
    if isinstance(model, TableModel):
        found = model.predict(FRAME)
        assert not (found.dtype.kind == "f" and np.isnan(found).any()), "NaN was predicted"
    else:
        arrays = [
            np.zeros(4)
            if type(node.layer).__name__ == "CategoryLayer"
            else np.zeros((4, node.width))
            for node in model.network.inputs
        ]
        given = arrays if len(arrays) > 1 else arrays[0]
        found = cr.predict(model.network, model.parameters, given)
        assert not np.isnan(found).any(), "NaN was predicted"
    encoded(model)


def main(count: int, seed: int) -> int:
    """Try all flips and ``count`` random mutants; return the exit code."""
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", cr.errors.DataWarning)
    # What fills the memory is an error of its own, not the end of this program.
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    files = originals()
    found, slowest, largest = Counter[str](), 0.0, 0.0
    folder = Path(tempfile.mkdtemp(prefix="chainrule-mutants-"))
    path = folder / "m"
    for data in files.values():
        departure(path, data, data, agrees=True)  # what a first use costs is not the mutant's
    sys.addaudithook(_hook)
    begun = time.perf_counter()
    random_ones = mutants(files, seed)
    listed = (next(random_ones) for _ in range(count))
    whole = flips(files) if count >= WITH_ALL_FLIPS else islice(flips(files), seed % 31, None, 31)
    for name, kind, data in chain(whole, listed):
        start, before, highest = _clock(), _resident(), _peak()
        try:
            what = departure(path, data, files[name], agrees="signed" in kind)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
        # What caches have kept from earlier mutants is not this one's.
        seconds = float(max((_clock() - start) * (1.0, 1.0 / PATIENCE)))
        megabytes = _peak() - before if _peak() > highest else 0.0
        slowest, largest = max(slowest, seconds), max(largest, megabytes - len(data) / 1e6)
        if seconds > SECONDS:
            what = f"{seconds:.1f} s"
        if megabytes - len(data) / 1e6 > MEGABYTES:
            what = f"{megabytes:.0f} MB"
        found[kind] += 1
        found["that load"] += what == "loaded"
        if what not in (None, "loaded"):
            found["DEPARTED"] += 1
            kept = folder / f"departed-{found['DEPARTED']}"
            kept.write_bytes(data)
            print(f"{kept}, {kind} of {name}: {what[:400]}", file=sys.stderr)
    path.unlink()
    print(
        ", ".join(f"{name} {number}" for name, number in sorted(found.items()))
        + f"; slowest {slowest:.2f} s, most memory {max(largest, 0):.0f} MB, "
        f"in all {time.perf_counter() - begun:.0f} s; departed: {found['DEPARTED']}"
    )
    if found["DEPARTED"]:
        return 1
    folder.rmdir()
    return 0


def _clock() -> NDArray[np.float64]:
    """Return the time of the processor, which other programs do not use up, and that of a clock."""
    return np.array([time.process_time(), time.perf_counter()])


def _resident() -> float:
    """Return the resident memory of this process, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / (1 << 20)


def _peak() -> float:
    """Return the largest resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    sys.exit(main(given[0] if given else 100_000, given[1] if len(given) > 1 else 0))
