"""Try one target with inputs that atheris makes by what code they reach: ``make fuzz``.

    python -m fuzzing.guided NAME FOLDER [options of libFuzzer]

FOLDER keeps what reached something new, so that each run goes on where the last one ended.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

#: What is measured; whatever is imported before is not.
with atheris.instrument_imports(include=["engagement", "html", "ipaddress", "urllib"]):
    from fuzzing.targets import TARGETS

#: Seconds after which one input has hung, and MiB that no input may take.
HUNG, LARGEST = 10, 1_000


def main() -> None:
    """Fuzz the target that is named; never returns."""
    name, folder, *options = sys.argv[1:]
    target, corpus = TARGETS[name], Path(folder, name)
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = Path(folder, f"{name}.words")
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in (*target.words, b"\xff")))
    atheris.Setup(
        [
            sys.argv[0],
            f"-dict={words}",
            f"-max_len={target.longest}",
            f"-timeout={HUNG}",
            f"-rss_limit_mb={LARGEST}",
            f"-artifact_prefix={folder}/{name}-found-",
            "-print_final_stats=1",
            "-verbosity=0",
            *options,
            str(corpus),
        ],
        target.check,
    )
    atheris.Fuzz()


def _escaped(word: str | bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in (word.encode() if isinstance(word, str) else word))


if __name__ == "__main__":
    main()
