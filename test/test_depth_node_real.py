# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node around the real pipeline, with weights that know nothing yet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip('rclpy')

from ros_peer import image_message, info_message, NodeProcess, Peer

from grin_ros.checkpoint import build_model, ModelConfig, save
from grin_ros.config import load
from grin_ros.pipeline import DepthPipeline
from grin_ros.ros.from_msg import read_camera, read_depth

TINY = Path(__file__).resolve().parents[1] / 'config' / 'grin_tiny.yaml'
PROGRAM = ('-m', 'grin_ros.ros.depth_node')


def test_a_checkpoint_on_the_device_that_was_named(ros_domain_id, tmp_path):
    config = load(ModelConfig, TINY)
    torch.manual_seed(0)
    model = build_model(config)
    for parameter in model.parameters():  # its last layer starts at zero, which would hide noise
        parameter.data += 0.05 * torch.randn_like(parameter)
    checkpoint = tmp_path / 'tiny.safetensors'
    save(checkpoint, model, config)
    parameters = {'checkpoint': str(checkpoint), 'device': 'cuda', 'samples': 2}
    if torch.cuda.is_available():
        parameters['device'] = 'cpu'
    node = NodeProcess(tmp_path / 'log', parameters, program=PROGRAM)
    with node, Peer(ros_domain_id) as peer:
        if parameters['device'] == 'cuda':  # absent: a clear failure, not another device
            failed = peer.status('inference', lambda one: one.level == b'\x02')
            assert 'cuda' in failed.message and peer.state == 'unconfigured'
            assert peer.set(device='auto').successful
            assert peer.change_state('configure') and peer.change_state('activate')
        peer.listen('depth/image', 'depth/std', 'depth/camera_info', 'points')
        pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
        image, info = image_message(pixels, sec=5), info_message(90, 60)

        def came():
            peer.send('camera_info', info)
            peer.send('image', image)
            peer.pause(0.2)
            return all(peer.got[topic] for topic in peer.got)

        peer.wait(came)
        expected = DepthPipeline.from_checkpoint(checkpoint).infer(
            pixels, read_camera(info), samples=2
        )
        assert expected.valid.any() and (expected.std[expected.valid] > 0).any()
        depth = read_depth(peer.got['depth/image'][-1])
        np.testing.assert_allclose(depth, expected.depth, rtol=1e-3)
        std = np.frombuffer(peer.got['depth/std'][-1].data, np.float32).reshape(60, 90)
        np.testing.assert_allclose(
            std[expected.valid], expected.std[expected.valid], rtol=0.01, atol=1e-3
        )
        assert read_camera(peer.got['depth/camera_info'][-1]).size == (60, 90)
        assert node.stop() == 0
        assert 'Traceback' not in node.text
