"""What is kept between runs: whole entries, in one move, under a lock."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import cache
from harness.errors import UsageError


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def put(kind: str, name: str, size: int = 10) -> Path:
    """An entry of one file."""
    final = cache.folder(kind) / name
    partial = cache.partial_folder(final)
    (partial / "file").write_bytes(b"x" * size)
    cache.publish(partial, final)
    return final


class TestPlace:
    def test_is_the_users_cache_folder_unless_told_otherwise(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HARNESS_CACHE")
        monkeypatch.setenv("XDG_CACHE_HOME", "/x")
        assert cache.root() == Path("/x/harness")
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        assert cache.root() == Path("~/.cache/harness").expanduser()

    def test_that_cannot_be_written_is_a_usage_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file"))
        with pytest.raises(UsageError) as caught:
            cache.folder("recordings")
        assert str(caught.value) == (
            f"{tmp_path}/file/recordings: the cache cannot be written: Not a directory\n"
            "  → set HARNESS_CACHE to a folder that can be written"
        )


class TestEntries:
    def test_are_listed_by_kind_and_name_with_their_size(self) -> None:
        put("weights", "b", 5), put("recordings", "z", 7), put("recordings", "a", 9)
        found = [(entry.kind, entry.name, entry.bytes) for entry in cache.entries()]
        assert found == [("recordings", "a", 9), ("recordings", "z", 7), ("weights", "b", 5)]

    def test_do_not_show_what_is_being_written_nor_locks_nor_digests(self, root: Path) -> None:
        put("recordings", "a")
        cache.partial_folder(root / "recordings" / "b")
        (root / "weights").mkdir()
        (root / "weights" / ".net.caffemodel.123.tmp").write_bytes(b"half")
        (root / "digests").mkdir()
        (root / "digests" / "1.json").write_text("{}")
        with cache.locked("recordings/b"):
            assert [entry.name for entry in cache.entries()] == ["a"]

    def test_of_an_empty_cache(self) -> None:
        assert cache.entries() == ()
        assert cache.clear() == 0


class TestPublish:
    def test_replaces_the_old_one_and_leaves_nothing_else(self, root: Path) -> None:
        put("recordings", "a", 5)
        final = put("recordings", "a", 8)
        assert [path.name for path in (root / "recordings").iterdir()] == ["a"]
        assert (final / "file").stat().st_size == 8

    def test_that_fails_leaves_the_old_one(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        final = put("recordings", "a", 5)
        partial = cache.partial_folder(final)
        replace = os.replace

        def fail(source: Path, target: Path) -> None:
            if source == partial:
                raise OSError(errno.EIO, "Input/output error")
            replace(source, target)

        monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="Input/output error"):
            cache.publish(partial, final)
        assert (final / "file").stat().st_size == 5

    def test_a_file_is_written_whole_or_stays_as_it_was(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "file"
        cache.write_whole(path, b"old")

        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            cache.write_whole(path, b"new")
        assert path.read_bytes() == b"old"
        assert [one.name for one in tmp_path.iterdir()] == ["file"]


class TestSweep:
    def test_removes_what_is_half_written_of_this_entry_only(self, root: Path) -> None:
        final = put("recordings", "a[1]")
        mine, other = cache.partial_folder(final), cache.partial_folder(root / "recordings" / "b")
        (mine / "file").write_bytes(b"half")
        cache.sweep(final)
        assert final.exists()
        assert not mine.exists()
        assert other.exists()


class TestClear:
    def test_frees_all_and_says_how_much(self, root: Path) -> None:
        put("weights", "b", 5), put("recordings", "a", 7)
        assert cache.clear() == 12
        assert cache.entries() == ()

    def test_leaves_what_another_run_has_locked(self, root: Path) -> None:
        put("recordings", "a"), put("recordings", "b")
        script = (
            "import sys\nfrom harness import cache\n"
            "with cache.locked('recordings/a'):\n    print('locked', flush=True)\n    sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "locked\n"
            assert cache.clear() == 10
            assert [entry.name for entry in cache.entries()] == ["a"]
            other.kill()
        assert cache.clear() == 10

    def test_leaves_what_is_being_written_for_an_hour(self, root: Path) -> None:
        partial = cache.partial_folder(cache.folder("recordings") / "a")
        cache.clear()
        assert partial.exists()
        os.utime(partial, (time.time() - 4000,) * 2)
        cache.clear()
        assert not partial.exists()


class TestLock:
    def test_one_that_waits_is_told_once(self) -> None:
        script = (
            "import time\nfrom harness import cache\n"
            "with cache.locked('recordings/a'):\n    print('locked', flush=True)\n    time.sleep(0.5)"
        )
        said: list[str] = []
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            other.stdout.readline()
            with cache.locked("recordings/a", said.append):
                pass
        assert said == ["waiting for another run that has recordings/a"]


class TestDigest:
    LARGE = 5 << 20

    def test_of_a_large_settled_file_is_remembered(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cache, "_SETTLED_NS", -1)
        hashed: list[Path] = []
        hash_file = cache._hash
        monkeypatch.setattr(cache, "_hash", lambda path: hashed.append(path) or hash_file(path))
        path = tmp_path / "large"
        path.write_bytes(bytes(self.LARGE))
        first = cache.file_sha256(path)
        assert cache.file_sha256(path) == first
        assert len(hashed) == 1

    def test_is_taken_again_when_the_file_was_touched(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cache, "_SETTLED_NS", -1)
        path = tmp_path / "large"
        path.write_bytes(bytes(self.LARGE))
        before = cache.file_sha256(path)
        with path.open("r+b") as stream:
            stream.seek(77)
            stream.write(b"\x01")
        assert cache.file_sha256(path) != before

    def test_of_a_young_file_is_not_trusted(self, tmp_path: Path, root: Path) -> None:
        path = tmp_path / "large"
        path.write_bytes(bytes(self.LARGE))
        cache.file_sha256(path)
        assert not (root / "digests").exists()

    def test_of_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"cannot be read: No such file or directory\n  → check the path and its"):
            cache.file_sha256(tmp_path / "no")
