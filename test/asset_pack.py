# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Writes a tiny asset pack: one room of 4 x 6 x 2.5 m with a block in it."""

from __future__ import annotations

import json
import struct

import cv2
import numpy as np

LOW, HIGH = np.array([-2.0, -3.0, 0.0]), np.array([2.0, 3.0, 2.5])
BLOCK_LOW, BLOCK_HIGH = np.array([-0.4, 1.0, 0.0]), np.array([0.6, 1.5, 0.7])


def box_mesh(low, high):
    """Return vertices (24, 3), normals (24, 3), uv (24, 2) and faces (12, 3) of a box."""
    vertices, normals = [], []
    for axis in range(3):
        others = [a for a in range(3) if a != axis]
        for side, bound in ((-1, low), (1, high)):
            for a, b in ((0, 0), (1, 0), (1, 1), (0, 1)):
                corner = np.array(low, np.float32)
                corner[axis] = bound[axis]
                corner[others[0]] = (low, high)[a][others[0]]
                corner[others[1]] = (low, high)[b][others[1]]
                vertices.append(corner)
                normals.append(side * np.eye(3)[axis])
    uv = np.tile([[0, 0], [3, 0], [3, 3], [0, 3]], (6, 1))
    faces = np.concatenate([[[i, i + 1, i + 2], [i, i + 2, i + 3]] for i in range(0, 24, 4)])
    return np.float32(vertices), np.float32(normals), np.float32(uv), np.uint16(faces)


def write_glb(path, low, high, image):
    """Write a box as binary glTF with an embedded JPEG."""
    arrays = box_mesh(low, high)
    jpeg = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])[1]
    chunks = [array.tobytes() for array in arrays] + [jpeg.tobytes()]
    views, blob = [], b''
    for chunk in chunks:
        views.append({'buffer': 0, 'byteOffset': len(blob), 'byteLength': len(chunk)})
        blob += chunk + b'\0' * (-len(chunk) % 4)
    kinds = ((5126, 'VEC3'), (5126, 'VEC3'), (5126, 'VEC2'), (5123, 'SCALAR'))
    accessors = [
        {'bufferView': i, 'componentType': c, 'type': t, 'count': 36 if t == 'SCALAR' else 24}
        for i, (c, t) in enumerate(kinds)
    ]
    attributes = {'POSITION': 0, 'NORMAL': 1, 'TEXCOORD_0': 2}
    document = {
        'asset': {'version': '2.0'},
        'meshes': [{'primitives': [{'attributes': attributes, 'indices': 3, 'material': 0}]}],
        'materials': [{'pbrMetallicRoughness': {'baseColorTexture': {'index': 0}}}],
        'textures': [{'source': 0}],
        'images': [{'bufferView': 4, 'mimeType': 'image/jpeg'}],
        'accessors': accessors,
        'bufferViews': views,
        'buffers': [{'byteLength': len(blob)}],
    }
    text = json.dumps(document).encode()
    text += b' ' * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(blob)
    header = struct.pack('<4sII', b'glTF', 2, total) + struct.pack('<I4s', len(text), b'JSON')
    path.write_bytes(header + text + struct.pack('<I4s', len(blob), b'BIN\0') + blob)


def write_pack(folder):
    """Write the pack into a folder and return the folder."""
    for name in ('worlds', 'meshes', 'textures'):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(3)
    image = rng.integers(60, 255, (16, 16, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    write_glb(folder / 'meshes' / 'Room_wall.glb', LOW, HIGH, image)
    write_glb(folder / 'meshes' / 'block.glb', BLOCK_LOW, BLOCK_HIGH, image)
    cv2.imwrite(str(folder / 'textures' / 'wood__checks.jpg'), image)
    still = np.eye(4).tolist()
    world = {
        'world': 'cell',
        'source': 'test/asset_pack.py',
        'licence': 'Apache-2.0',
        'floor_z': 0.0,
        'instances': [
            {'mesh': 'meshes/Room_wall.glb', 'name': 'room', 'T': still},
            {'mesh': 'meshes/block.glb', 'name': 'block', 'T': still},
        ],
        'anchors': [[0.0, -1.0, 1.2, 1.0, 1.57, 4.0], [0.5, -0.5, 0.6, 0.8, 1.57, 3.5]],
    }
    (folder / 'worlds' / 'cell.json').write_text(json.dumps(world))
    return folder
