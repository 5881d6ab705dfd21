# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What `grin bag extract` leaves on disk: shards, broken runs, other bags, several processes."""

from __future__ import annotations

from dataclasses import replace
import json
import os
import subprocess
import sys
import time

import cv2
import numpy as np
from painted_planes import ROOT
import pytest
import rig
from rig import extracted, Rig

from grin_ros.training import extract_frame
from grin_ros.training.extract import extract
from grin_ros.training.extract_config import ExtractConfig
from grin_ros.training.journal import Journal, NAME
from grin_ros.training.sample import SampleSet


def files(folder) -> dict:
    return {p.name: p.read_bytes() for p in folder.iterdir()
            if not p.name.startswith('report') and p.name != NAME}  # fmt: skip


def test_shards_hold_the_same_samples(tmp_path):
    messages = Rig(frames=5).messages()
    _, plain, _ = extracted(tmp_path, messages)
    _, packed, _ = extracted(tmp_path, messages, 'packed', shards=2)
    tars = sorted(p.name for p in packed.path.glob('*.tar'))
    assert tars == ['000000.tar', '000001.tar', '000002.tar']
    assert not list(packed.path.glob('*.jpg'))
    assert packed.stems == plain.stems
    for a, b in zip(plain, packed):
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.depth, b.depth)
        assert a.stamp == b.stamp
    # A tar alone, moved elsewhere, says as much.
    (tmp_path / 'moved').mkdir()
    (packed.path / '000001.tar').rename(tmp_path / 'moved' / 'x.tar')
    alone = SampleSet(tmp_path / 'moved')
    assert alone.stems == ['000002', '000003']
    assert (alone.domain, alone.max_depth) == (plain.domain, plain.max_depth)
    np.testing.assert_array_equal(alone[1].depth, plain[3].depth)


class Killed(Exception):
    pass


def test_a_broken_run_goes_on_where_it_was(tmp_path, monkeypatch):
    messages = Rig(frames=6).messages()
    _, _, _ = extracted(tmp_path, messages, 'whole')
    monkeypatch.setattr('grin_ros.training.extract.BLOCK', 2)
    replaced, left = os.replace, [7]  # two files a frame: in the middle of the fourth

    def cut(source, target):
        left[0] -= 1
        if not left[0]:
            raise Killed
        replaced(source, target)

    monkeypatch.setattr(extract_frame.os, 'replace', cut)
    with pytest.raises(Killed):
        extracted(tmp_path, messages, 'broken')
    monkeypatch.setattr(extract_frame.os, 'replace', replaced)
    broken = tmp_path / 'broken'
    assert not (broken / 'frames.json').exists()
    lines = (broken / NAME).read_text().splitlines()
    assert [json.loads(line)['stem'] for line in lines[1:]] == ['000000', '000001']
    # A loss of power may leave half a line, and a file shorter than it was.
    (broken / NAME).write_text('\n'.join(lines) + '\n{"stem": "0000')
    (broken / '000001.jpg').write_bytes(b'')
    made = []
    work = extract_frame.FrameMaker.make
    monkeypatch.setattr(
        extract_frame.FrameMaker, 'make',
        lambda self, frames: made.extend(f.stem for f in frames) or work(self, frames),
    )  # fmt: skip
    again = ExtractConfig(workers=1)
    extract([tmp_path / 'broken_bag'], broken, again, progress=False)
    assert made == ['000001', '000002', '000003', '000004', '000005']
    finished, whole = files(broken), files(tmp_path / 'whole')
    finished = {name: data for name, data in finished.items() if not name.startswith('.')}
    assert json.loads(finished.pop('frames.json'))['frames'] == json.loads(
        whole.pop('frames.json'))['frames']  # fmt: skip
    assert finished == whole
    # Once more costs nothing; other options want another folder.
    made.clear()
    extract([tmp_path / 'broken_bag'], broken, again, progress=False)
    assert not made
    with pytest.raises(FileExistsError, match='other options'):
        extract([tmp_path / 'broken_bag'], broken, replace(again, max_dt=0.04), progress=False)


@pytest.mark.parametrize('name', ['intrinsics', 'extrinsics', 'mask'])
def test_a_file_counts_by_its_contents(tmp_path, name):
    bags, file = [tmp_path / 'bag'], tmp_path / 'file'

    def records(path):
        with Journal(tmp_path / 'set', bags, ExtractConfig(**{name: str(path)})) as journal:
            if not journal.records:
                journal.add({'stem': '000000'})
            return journal.records

    file.write_text('first')
    assert records(file) == {'000000': {'stem': '000000'}}
    (tmp_path / 'copy').write_text('first')
    assert records(tmp_path / 'copy') == records(file)
    file.write_text('other')
    with pytest.raises(FileExistsError, match='other options, files or bags'):
        records(file)


@pytest.mark.parametrize('workers', ['1', '2'])
def test_a_bag_that_was_unpacked_leaves_no_copy(tmp_path, workers):
    bag = rig.write(tmp_path / 'bag', Rig(frames=20).messages(), compression='file')
    (tmp_path / 'temp').mkdir()
    words = ('extract', bag, '-o', tmp_path / 'set', '--workers', workers, '--min-points', '10')
    process = subprocess.run(
        [sys.executable, '-m', 'grin_ros', 'bag', *map(str, words)], cwd=ROOT,
        env={**os.environ, 'TMPDIR': str(tmp_path / 'temp')},
    )  # fmt: skip
    assert process.returncode == 0
    assert len(SampleSet(tmp_path / 'set')) == 20
    assert not list((tmp_path / 'temp').rglob('*.mcap'))


def test_what_is_done_here_leaves_no_copy_either(tmp_path, monkeypatch):
    (tmp_path / 'temp').mkdir()
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path / 'temp'))
    bag = rig.write(tmp_path / 'bag', Rig(frames=2).messages(), compression='file')
    extract([bag], tmp_path / 'set', ExtractConfig(workers=1), progress=False)
    assert not list((tmp_path / 'temp').iterdir())


def test_kill_nine_leaves_no_set_and_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(rig, 'SPEED', 0.0)  # or the wall would be passed before the end
    frames = 300
    messages, output, temp = Rig(frames=frames).messages(), tmp_path / 'set', tmp_path / 'temp'
    bag = rig.write(tmp_path / 'bag', messages, compression='file')
    temp.mkdir()
    words = ('-m', 'grin_ros', 'bag', 'extract', bag, '-o', output, '--workers', '2')
    process = subprocess.Popen(
        [sys.executable, *map(str, words)], cwd=ROOT, start_new_session=True,
        env={**os.environ, 'TMPDIR': str(temp)},
    )  # fmt: skip

    def finished() -> int:
        return len((output / NAME).read_bytes().splitlines()) - 1 if output.exists() else 0

    wait_until(lambda: finished() > 60)  # by now both workers have unpacked the bag
    assert list(temp.rglob('*.mcap'))
    process.kill()
    process.wait()
    with pytest.raises(FileNotFoundError):
        SampleSet(output)
    before = finished()
    assert 60 < before < frames
    wait_until(lambda: not group_exists(process.pid))
    assert not list(temp.rglob('*.mcap'))
    result = extract([bag], output, ExtractConfig(workers=1), progress=False)
    assert result.frames == frames
    assert all(np.count_nonzero(sample.depth) > 500 for sample in SampleSet(output))


def wait_until(condition) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def group_exists(number: int) -> bool:
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_ros_1_and_compressed_bags_give_the_same_samples(tmp_path):
    messages = Rig(frames=3, late=0.02, poses='odometry', encode=rig.jpeg).messages()
    _, plain, _ = extracted(tmp_path, messages)
    rig.write_ros1(tmp_path / 'old.bag', messages)
    rig.write(tmp_path / 'small', messages, rig.StoragePlugin.SQLITE3, 'message')
    for bag in ('old.bag', 'small'):
        output = tmp_path / f'{bag}_set'
        extract([tmp_path / bag], output, ExtractConfig(workers=1), progress=False)
        other, whole = files(output), files(plain.path)
        assert json.loads(other.pop('frames.json'))['frames'] == json.loads(
            whole.pop('frames.json'))['frames']  # fmt: skip
        assert other == whole


def test_a_jpeg_of_a_mosaic_is_stored_in_colour(tmp_path):
    def mosaic(stamp, size):
        message = rig.jpeg(stamp, size)
        cells = np.tile(np.array([[200, 120], [120, 40]], np.uint8), (size[0] // 2, size[1] // 2))
        best = [cv2.IMWRITE_JPEG_QUALITY, 100]
        message.data = cv2.imencode('.jpg', cells, best)[1].reshape(-1)
        message.format = 'bayer_rggb8; jpeg compressed '
        return message

    _, samples, _ = extracted(tmp_path, Rig(frames=1, encode=mosaic).messages())
    assert np.abs(samples[0].image.astype(int) - (200, 120, 40)).max() < 10


def test_several_bags_in_several_processes_make_the_same_set(tmp_path):
    first = rig.write(tmp_path / 'morning.bag2', Rig(frames=20).messages())
    second = rig.write(tmp_path / 'noon', Rig(frames=4, late=0.01).messages())
    sets = []
    for workers in (1, 2):
        output = tmp_path / f'set{workers}'
        config = ExtractConfig(workers=workers, min_points=10)
        assert extract([first, second], output, config, progress=False).frames == 24
        sets.append(files(output))
    assert sets[0] == sets[1]
    stems = SampleSet(output).stems
    assert stems[0] == 'morning_000000' and stems[-1] == 'noon_000003'
