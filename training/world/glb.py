# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Reader for binary glTF, as far as asset packs need it: one mesh, base colour textures."""

from __future__ import annotations

from dataclasses import dataclass
import json
from pathlib import Path
import struct

import cv2
import numpy as np

_TYPES = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
_WIDTHS = {'SCALAR': 1, 'VEC2': 2, 'VEC3': 3, 'VEC4': 4}


@dataclass
class Part:
    """
    The triangles of one material, exactly as in the file: no axis is turned, uv point down.

    vertices, normals: (V, 3), metres; uv: (V, 2), repeats; faces: (F, 3); image: (h, w, 3) RGB
    """

    vertices: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    image: np.ndarray


def read_glb(path: Path) -> list[Part]:
    """Return the parts of every mesh in a .glb file; node transforms are not applied."""
    data = Path(path).read_bytes()
    if data[:4] != b'glTF':
        raise ValueError(f'{path} is not binary glTF; export the mesh as .glb')
    (length,) = struct.unpack_from('<I', data, 12)
    document, blob = json.loads(data[20 : 20 + length]), memoryview(data)[28 + length :]
    images = [_image(document, blob, material) for material in document.get('materials', [])]
    parts = []
    for mesh in document['meshes']:
        for primitive in mesh['primitives']:
            read = {k: _array(document, blob, i) for k, i in primitive['attributes'].items()}
            vertices = read['POSITION']
            if 'indices' in primitive:
                faces = _array(document, blob, primitive['indices']).reshape(-1, 3)
            else:
                faces = np.arange(len(vertices)).reshape(-1, 3)
            missing = np.zeros_like(vertices)
            uv = read.get('TEXCOORD_0', missing[:, :2])
            image = images[primitive['material']] if 'material' in primitive else _flat([1, 1, 1])
            normals = read.get('NORMAL', missing)
            parts.append(Part(vertices, normals, uv, faces.astype(np.int64), image))
    return parts


def _view(document, blob, index):
    view = document['bufferViews'][index]
    start = view.get('byteOffset', 0)
    return blob[start : start + view['byteLength']]


def _array(document, blob, index):
    accessor = document['accessors'][index]
    kind, width = _TYPES[accessor['componentType']], _WIDTHS[accessor['type']]
    view = _view(document, blob, accessor['bufferView'])
    count, start = accessor['count'] * width, accessor.get('byteOffset', 0)
    return np.frombuffer(view, kind, count, start).reshape(-1, width)


def _image(document, blob, material):
    surface = material.get('pbrMetallicRoughness', {})
    if 'baseColorTexture' not in surface:
        return _flat(surface.get('baseColorFactor', [1, 1, 1])[:3])
    source = document['textures'][surface['baseColorTexture']['index']]['source']
    view = _view(document, blob, document['images'][source]['bufferView'])
    return cv2.imdecode(np.frombuffer(view, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def _flat(linear):
    return np.full((2, 2, 3), 255 * np.power(linear, 1 / 2.2), np.uint8)
