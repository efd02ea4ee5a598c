"""How a job's end is judged: each way to end, by a script that stands for the dump script."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.engines.dumping import Job, follow, kill_group
from harness.errors import EngineMissingError, ReferenceEngineError
from harness.progress import silent


def job(script: str, **more: object) -> Job:
    """A job that runs a few lines of Python."""
    about: dict[str, object] = {"engine": "docker", "timeout": 30.0, "stop": kill_group, "out": Path("/there/out")}
    return Job(command=(sys.executable, "-c", f"import os, sys, time\n{script}"), **(about | more))  # type: ignore[arg-type]


def message(script: str, **more: object) -> str:
    """What is said when the script has failed."""
    with pytest.raises(ReferenceEngineError) as caught:
        follow(job(script, **more), silent)
    return str(caught.value)


def test_success_says_nothing() -> None:
    follow(job("print('hello')"), silent)


def test_progress_is_passed_on_and_noise_is_not() -> None:
    seen: list[tuple[str, int, int, str]] = []
    lines = ["noise", "@harness", "@harness stage net", "@harness layer 3 40 res2a/branch 1", "@harness layer x", ""]
    follow(job(f"print({chr(10).join(lines)!r})"), lambda *said: seen.append(said))
    assert seen == [("caffe", 0, 0, "building the net"), ("caffe", 2, 40, "res2a/branch 1")]


def test_a_question_is_answered_with_an_empty_line() -> None:
    asked: list[str] = []
    script = (
        "print('@harness ready', flush=True)\nassert sys.stdin.readline() == '\\n'\nprint('@harness done', flush=True)"
    )
    answers = {word: (lambda word=word: asked.append(word)) for word in ("ready", "done")}
    follow(job(script, answers=answers), silent)
    assert asked == ["ready", "done"]


def test_the_scripts_own_sentence_with_the_users_paths() -> None:
    said = message(
        "sys.stderr.write('warning\\nharness-dump: /harness/in/w is truncated\\nmore\\n'); sys.exit(3)",
        files={"/harness/in/w": Path("/home/me/net.caffemodel")},
    )
    assert said == "Caffe (docker): /home/me/net.caffemodel is truncated"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "[libprotobuf ERROR text_format.cc:307] Error parsing text-format caffe.NetParameter: 5:3: no",
            "5:3: no",
        ),
        (
            "F0102 03:04:05.6 7 layer_factory.hpp:81] Check failed: registry.count(type) == 1 (0 vs. 1) "
            "Unknown layer type: Foo (known types: AbsVal, Accuracy)",
            "Unknown layer type: Foo",
        ),
        (
            "F0102 03:04:05.6 7 net.cpp:757] Check failed: target_blobs.size() == 2 (1 vs. 2) Incompatible",
            "Check failed: target_blobs.size() == 2 (1 vs. 2) Incompatible",
        ),
        ("F0102 03:04:05.6 7 net.cpp:757] Cannot copy param 0 weights", "Cannot copy param 0 weights"),
        ("docker: Error response from daemon: invalid mount config.", "invalid mount config."),
        ("Error: no such volume", "no such volume"),
    ],
)
def test_the_sentence_of_caffe_or_of_the_engine(line: str, sentence: str) -> None:
    script = f"sys.stderr.write({line!r} + '\\n*** Check failure stack trace: ***\\nSee help.\\n'); os.abort()"
    assert message(script) == f"Caffe (docker): {sentence}"


def test_what_nobody_explains() -> None:
    assert message("sys.stderr.write('one\\ntwo\\n'); sys.exit(9)") == "Caffe (docker): ended with status 9: two"
    assert message("sys.exit(9)") == "Caffe (docker): ended with status 9: it said nothing"


def test_a_full_disk_of_ours_and_of_the_engines() -> None:
    script = "sys.stderr.write('harness-dump: no space left in /harness/out\\n'); sys.exit(4)"
    assert message(script) == (
        "/there: there is no space left for the recording\n"
        "  → free some, or set HARNESS_CACHE to a folder on a larger disk"
    )
    assert message(script, out=None) == (
        "docker's disk has no space left for the recording\n  → free some: docker system prune"
    )


def test_killed_names_the_need() -> None:
    script = "os.kill(os.getpid(), 9)"
    assert message(script, needed=8_100_000_000, limit=1_000_000_000) == (
        "Caffe (docker) ran out of memory: it needs about 8.1 GB and may take 1.0 GB\n"
        "  → give it more memory, or at a smaller --input-size"
    )
    assert message(f"print('@harness memory 3000000000', flush=True)\n{script}") == (
        "Caffe (docker) was killed, by someone or for want of memory: it needs about 3.0 GB\n"
        "  → run it again, with more memory, or at a smaller --input-size"
    )
    assert "how much memory it needs is not known" in message("sys.exit(137)")


@pytest.mark.parametrize("script", ["os.kill(os.getpid(), signal.SIGFPE)", "sys.exit(136)"], ids=["signal", "status"])
def test_a_division_by_zero_is_laid_to_a_blob_without_items(script: str) -> None:
    assert message(f"import signal; {script}") == (
        "Caffe (docker): divided by zero, as its layers do for a blob without items: does a Filter let nothing pass here?"
    )


def test_too_long() -> None:
    begin = time.monotonic()
    said = message("time.sleep(60)", timeout=0.3)
    assert said == "Caffe (docker) did not finish within 0.3 s and was stopped\n  → give it longer: --timeout SECONDS"
    assert time.monotonic() - begin < 10


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(EngineMissingError, match=r"^no-such-command cannot be started: No such file or directory$"):
        follow(Job(("no-such-command",), "docker", 1.0, kill_group, None), silent)


def test_ctrl_c_stops_what_was_started(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = (
        f"open({str(mark)!r}, 'w').write(str(os.getpid()))\nprint('@harness stage net', flush=True)\ntime.sleep(60)"
    )

    def interrupt(*said: object) -> None:
        threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        follow(job(script), interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_the_script_ends_with_its_standard_input() -> None:
    """What a killed harness leaves is a closed pipe; here it is closed by stopping without a kill."""
    begin = time.monotonic()
    said = message("sys.stdin.read(); sys.exit(5)", timeout=0.3, stop=lambda pid: None)
    assert "did not finish within 0.3 s" in said
    assert time.monotonic() - begin < 5
