# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
`make soak MINUTES=30`: the real node, a camera, and one fault after the other; ends with a report.

Exit code 1 when the node fell, a frame was lost or answered wrongly, or memory grows.
"""

from __future__ import annotations

import argparse
from collections import Counter
import contextlib
import json
import os
from pathlib import Path
import random
import re
import signal
import sys
import time

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ros_peer import NodeProcess, Peer
from shared_memory import sweep

from grin_ros.child import isolate
from robot.faults import Faults, KINDS
from robot.watcher import Watcher

GROWTH = 1.0  # MiB per minute that memory may grow by after the warm-up
WARM_UP = 0.25  # of the run
CALM = (2.0, 6.0)  # seconds between two faults
START = 60.0  # seconds in which a process has to come up
CAMERAS = 3  # that are started before something else must be wrong
RECOVERY = 30.0  # seconds from the first frame after a fault to an answer
DEADLY = ('life_cycle', 'parameter_storm', 'garbage_intrinsics', 'clock_jumps')  # not answered in
PROGRAM = ('-m', 'grin_ros.ros.plane_node', '--seconds')


def soak(minutes: float, seed: int, folder: Path, model_seconds: float) -> dict:
    """Run the node under faults and return the report."""
    folder.mkdir(parents=True, exist_ok=True)
    isolate()
    chance, begin = random.Random(seed), time.monotonic()
    program = (*PROGRAM, str(model_seconds))
    survived, recovery, failures, timeline = Counter(), {}, [], []
    with (
        NodeProcess(folder / 'node.log', program=program) as node,
        Peer(int(os.environ['ROS_DOMAIN_ID'])) as peer,
        tqdm(total=round(60 * minutes), unit='s', disable=None) as bar,
    ):
        faults = Faults(peer, folder, seed)
        watcher = Watcher(peer.node, faults.kills)
        memory = Memory(node.process.pid)
        peer.node.create_timer(2.0, memory.sample)
        peer.node.create_timer(1.0, lambda: bar.update(round(time.monotonic() - begin) - bar.n))
        try:
            peer.wait(lambda: watcher.came['points'], START)
            while time.monotonic() - begin < 60 * minutes and node.process.poll() is None:
                for kind in chance.sample(KINDS, len(KINDS)):
                    if time.monotonic() - begin > 60 * minutes:
                        break
                    peer.pause(chance.uniform(*CALM))
                    bar.set_postfix_str(kind)
                    start = time.monotonic()
                    timeline.append(f'{start - begin:.1f} s {kind}')
                    try:
                        getattr(faults, kind)()
                        end = time.monotonic()
                        if kind in DEADLY:
                            watcher.dead.append((start, end))
                        begun = first_frame(peer, watcher, faults, end)
                        peer.wait(lambda end=end: recovered(watcher, end), RECOVERY)
                    except AssertionError as error:
                        failures.append(f'{kind} at {start - begin:.0f} s: {error}')
                        faults.restart()
                        continue
                    survived[kind] += 1
                    recovery[kind] = max(recovery.get(kind, 0.0), time.monotonic() - begun)
            faults.restart()
            end = first_frame(peer, watcher, faults, time.monotonic())
            peer.wait(lambda: recovered(watcher, end), RECOVERY)
        finally:
            faults.close()
        peer.pause(5.0)
        alive = node.process.poll() is None
        code = node.stop(signal.SIGINT) if alive else node.process.returncode
    text = node.text
    frames, latencies = watcher.good(), watcher.latencies()
    lost, answered = watcher.lost(), sum(stamp in watcher.came['points'] for stamp in frames)
    return {
        'minutes': round((time.monotonic() - begin) / 60, 1),
        'seed': seed,
        'model_ms': 1000 * model_seconds,
        'load': os.getloadavg()[0],
        'frames': {
            'sent': len(watcher.came['image']),
            'good': len(frames),
            'answered': answered,
            'replaced_by_newer': len(frames) - answered - len(lost),
            'lost': [f'{watcher.came["image"][one] - begin:.1f} s {one}' for one in lost],
            'answered_twice': watcher.twice,
            'wrong': watcher.wrong,
        },
        'latency_ms': {f'p{p}': round(float(np.percentile(latencies, p)), 1) for p in (50, 99)},
        'memory': memory.report(begin, minutes),
        'faults': timeline,
        'faults_survived': dict(survived),
        'worst_recovery_s': {kind: round(value, 2) for kind, value in recovery.items()},
        'not_overcome': failures,
        'silent_cameras': faults.silent_cameras,
        'requests_refused': faults.refused,
        'logged': dict(Counter(re.findall(r'\[(WARN|ERROR|FATAL)\]', text))),
        'tracebacks': text.count('Traceback'),
        'exit_code': code,
    }


def first_frame(peer: Peer, watcher: Watcher, faults: Faults, since: float) -> float:
    """Return when the first good frame after that moment came; replace a camera that is silent."""

    def came() -> float | None:
        times = (watcher.came['image'][stamp] for stamp in watcher.good()[-200:])
        return next((when for when in times if when > since), None)

    for _ in range(CAMERAS):
        try:
            return peer.wait(came, START)
        except AssertionError:  # one that was killed can leave Fast DDS's shared memory locked
            faults.silent_cameras += 1
            faults.restart()
    raise AssertionError(f'{CAMERAS} cameras in turn were silent')


def recovered(watcher: Watcher, since: float) -> bool:
    """Tell whether a frame that came after that moment is answered."""
    images = watcher.came['image']
    return any(images.get(stamp, 0.0) >= since for stamp in reversed(watcher.came['points']))


class Memory:
    """Resident memory of a process over time, its own and what it shares; pid: of it."""

    PARTS = ('VmRSS', 'RssAnon', 'RssShmem')

    def __init__(self, pid: int) -> None:
        self._path, self._samples = Path(f'/proc/{pid}/status'), []

    def sample(self) -> None:
        """Note how much it is, in MiB."""
        with contextlib.suppress(OSError, IndexError):  # it has ended, or is about to
            status = self._path.read_text()
            used = [int(status.partition(f'{part}:')[2].split()[0]) / 1024 for part in self.PARTS]
            self._samples.append((time.monotonic(), *used))

    def report(self, begin: float, minutes: float) -> dict:
        """Fit a line through what came after the warm-up; list one figure per minute."""
        times, *used = np.array(self._samples).T
        later = times > begin + WARM_UP * 60 * minutes
        report = {}
        for part, mib in zip(self.PARTS, used):
            course = {int((t - begin) / 60): round(float(m), 1) for t, m in zip(times, mib)}
            report[part] = {
                'max_mib': round(float(mib.max()), 1),
                'slope_mib_per_minute': round(
                    float(np.polyfit(times[later] / 60, mib[later], 1)[0]), 3
                ),
                'every_minute_mib': list(course.values()),
            }
        return report


def verdict(report: dict) -> list[str]:
    """Say what is not as it should be."""
    frames, slope = report['frames'], report['memory']['VmRSS']['slope_mib_per_minute']
    checks = {
        f'frames were lost: {frames["lost"]}': frames['lost'],
        f'wrong answers: {frames["wrong"][:3]}': frames['wrong'],
        f'memory grows by {slope} MiB per minute': slope >= GROWTH,
        f'not overcome: {report["not_overcome"]}': report['not_overcome'],
        f'{report["tracebacks"]} tracebacks': report['tracebacks'],
        f'the node ended with exit code {report["exit_code"]}': report['exit_code'],
    }
    return [text for text, failed in checks.items() if failed]


def main() -> int:
    parser = argparse.ArgumentParser(description='Soak the node in faults.')
    parser.add_argument('--minutes', type=float, default=30.0)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--model-seconds', type=float, default=0.02)
    parser.add_argument('-o', '--out', type=Path, default=Path('out/soak'))
    args = parser.parse_args()
    report = soak(args.minutes, args.seed, args.out, args.model_seconds)
    sweep()
    (args.out / 'report.json').write_text(json.dumps(report, indent=1) + '\n')
    print(json.dumps({name: report[name] for name in report if name != 'faults'}, indent=1))
    problems = verdict(report)
    print('\n'.join(problems) if problems else 'everything was survived')
    return int(bool(problems))


if __name__ == '__main__':
    sys.exit(main())
