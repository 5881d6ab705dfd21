# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Build grin_ros for colcon and for pip."""

from glob import glob

from setuptools import find_packages, setup

SHARE = 'share/grin_ros'

setup(
    name='grin_ros',
    version='0.1.0',
    description='Metric depth from one camera by diffusion (GRIN), live on ROS 2.',
    author='The grin_ros authors',
    maintainer='The grin_ros authors',
    maintainer_email='grin_ros@example.com',
    license='Apache-2.0',
    # grin_ros/training is a link to training/, so that this finds grin_ros.training as well.
    packages=find_packages(include=['grin_ros', 'grin_ros.*']),
    data_files=[
        ('share/ament_index/resource_index/packages', ['resource/grin_ros']),
        (SHARE, ['package.xml']),
        (f'{SHARE}/launch', sorted(glob('launch/*.launch.py'))),
        (f'{SHARE}/config', sorted(glob('config/*.yaml') + glob('config/*.xml'))),
        (f'{SHARE}/rviz', sorted(glob('config/*.rviz'))),
        (f'{SHARE}/weights', sorted(glob('weights/*'))),
    ],
    zip_safe=False,
    python_requires='>=3.10',
    install_requires=[
        'accelerate>=1.0',
        'numpy>=1.23',
        'open3d>=0.18',
        'opencv-python-headless>=4.6,<5',  # 5 renumbers the types, which breaks cv_bridge
        'pyyaml',
        'rich',
        'rosbags>=0.10',
        'safetensors>=0.4',
        'scipy',
        'tensorboard',
        'torch>=2.4',
        'tqdm',
    ],
    extras_require={
        # For machines without ROS; a robot has these from its distribution.
        'ros': [
            'ros-rclpy[fastrtps]',
            'ros-jazzy-rclpy',
            'ros-diagnostic-msgs',
            'ros-lifecycle-msgs',
            'ros-sensor-msgs',
            'ros-std-srvs',
        ],
        # `grin eval --protocol nyu` reads MATLAB's newer format.
        'eval': ['h5py'],
        'test': [
            'colcon-common-extensions',
            'diffusers',
            'h5py',
            'hypothesis',
            'pytest',
            'ruff',
        ],
        'view': ['rerun-sdk'],
    },
    entry_points={
        'console_scripts': [
            'depth_node = grin_ros.ros.depth_node:main',
            'grin = grin_ros.cli:main',
        ]
    },
)
